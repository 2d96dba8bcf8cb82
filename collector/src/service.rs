//! The collector as a running service: listeners, workers, shutdown.
