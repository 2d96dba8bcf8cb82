//! The agent's configuration: one TOML file, defaults as named constants.
