//! Runs one experiment at a time under a timeout; what it recorded becomes the record.
