//! journal.sqlite: one gapless sequence of entries, one writer, acknowledged means fsynced.
