//! derived.sqlite: agent-hour values per cell, incremental and rebuildable.
