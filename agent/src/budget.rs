//! Pure: what a run may still cost this month, and whether it may run now.
