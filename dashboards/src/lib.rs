//! Everything a person looks at: view models in, complete pages out. No IO.
