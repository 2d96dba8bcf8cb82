//! HTTP in: limits, decoding, checks, dedupe, receipts.
