//! Pure: cells become statements.
