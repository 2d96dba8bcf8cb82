//! Prometheus metrics of this instance and of the service.
