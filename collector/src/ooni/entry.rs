//! A measurement as an entry of the journal.
//!
//! Format, fixed for ever but for additions: the public half is `{"schema":"tonle.ooni/1"}`, the
//! private half the measurement's exact bytes. So the same bytes are the same entry, however often
//! and however they come.
use crate::journal::{Blob, NetworkIdentity, NewEntry};
use sha2::{Digest, Sha512};
use tonle_evidence::entry::{EntryKind, Provenance, Tier};
use tonle_evidence::hash::sha256;
use tonle_evidence::record::hash_of;
use tonle_wire::ooni::Measurement;
use tonle_wire::ooni::name::measurement_uid;

/// Schema id of the entry.
pub const SCHEMA: &str = "tonle.ooni/1";
/// The public half.
const PUBLIC: &[u8] = br#"{"schema":"tonle.ooni/1"}"#;
/// Country in a measurement's name when it has none.
const NO_COUNTRY: &str = "ZZ";

/// The entry of a measurement that [`super::accept`] took. `received_at_us`: collector's clock,
/// microseconds since the Unix epoch.
#[must_use]
pub fn of(measurement: &[u8], received_at_us: i64) -> NewEntry {
    NewEntry {
        kind: EntryKind::OoniMeasurement,
        payload_type: SCHEMA.to_owned(),
        record_hash: hash_of(&sha256(PUBLIC), &sha256(measurement)),
        public: Blob::pack(PUBLIC),
        private: Blob::pack(measurement),
        key: None,
        signature: None,
        chain: None,
        tier: Tier::Unvetted,
        provenance: Provenance::Ooni,
        received_at_us,
        network: NetworkIdentity::default(),
        tls: "none".to_owned(),
        marks: Vec::new(),
    }
}

/// The digest of a measurement's bytes that its name ends with.
#[must_use]
pub fn digest(measurement: &[u8]) -> [u8; 8] {
    let hash = Sha512::digest(measurement);
    *hash.first_chunk().expect("SHA-512 has 64 bytes")
}

/// The name that OONI's backend would give it: the same whenever it is asked for.
#[must_use]
pub fn uid(measurement: &Measurement, digest: [u8; 8], received_at_us: i64) -> String {
    let country = measurement.probe_cc.as_deref();
    let test = measurement.test_name.as_deref().unwrap_or_default();
    measurement_uid(received_at_us, country.unwrap_or(NO_COUNTRY), test, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_the_exact_bytes_and_is_named_by_them() {
        let bytes = b"{ \"test_name\" : \"ndt\" }";
        let (one, again, other) = (of(bytes, 1), of(bytes, 2), of(b"{}", 1));
        assert_eq!(one.private.unpack().unwrap(), bytes);
        assert_eq!(one.record_hash, again.record_hash);
        assert_ne!(one.record_hash, other.record_hash);
        assert_eq!((one.key, one.provenance), (None, Provenance::Ooni));
    }

    #[test]
    fn its_name_has_time_country_test_and_hash() {
        let measurement = Measurement {
            probe_cc: Some("KH".into()),
            test_name: Some("web_connectivity".into()),
            ..Measurement::default()
        };
        let uid = uid(&measurement, digest(b"abc"), 1_794_286_800_000_042);
        assert_eq!(
            uid,
            "20261110050000.000042_KH_webconnectivity_ddaf35a193617aba"
        );
    }
}
