//! Router, JSON API with `OpenAPI`, pages.
