//! Surroundings for the tests of this crate: loopback allowed, built-in roots only.
use crate::roots;
use crate::settings::NetSettings;

pub(crate) fn settings() -> NetSettings {
    NetSettings {
        resolvers: Vec::new(),
        public_resolvers: Vec::new(),
        roots: roots::load(None).unwrap(),
        allow_loopback: true,
    }
}
