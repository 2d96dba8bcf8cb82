//! Unsent records on disk: bounded, safe against kill and power cut.
