//! Pure: a record becomes the facts that cells take.
