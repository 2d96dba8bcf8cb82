//! Pure: what runs next, spread evenly over the day.
