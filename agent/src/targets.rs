//! The signed lists of targets, fetched per consented stream.
