//! Checks records, receipts and bundles for a stranger; knows the evidence and nothing else.
