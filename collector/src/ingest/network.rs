//! Source address → network identity; the address itself goes no further.
//!
//! The operator of the collector supplies the table: `MaxMind` form (`.mmdb`) or ip2asn TSV, plain
//! or gzip. Without one the identity is the group id alone, and the data say so.
use super::asn_table::{AsnTable, Network};
use crate::admin::{Admin, AdminError};
use crate::journal::NetworkIdentity;
use serde::Deserialize;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use tonle_evidence::hash::sha256;

/// Marks the end of an mmdb file's data.
const MMDB_MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// A table of networks with its version.
pub struct NetworkTable {
    table: Table,
    version: Option<String>,
}

enum Table {
    None,
    Mmdb(Box<maxminddb::Reader<Vec<u8>>>),
    Tsv(AsnTable),
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("asn_table {path}: {reason}; give a MaxMind .mmdb or an ip2asn .tsv file")]
pub struct BadNetworkTable {
    path: PathBuf,
    reason: String,
}

/// The fields of the known mmdb tables that say what we ask.
#[derive(Deserialize)]
struct MmdbRow {
    autonomous_system_number: Option<u32>,
    country: Option<MmdbCountry>,
    country_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MmdbCountry {
    Code(String),
    Object { iso_code: Option<String> },
}

impl NetworkTable {
    /// No table.
    #[must_use]
    pub fn none() -> Self {
        Self {
            table: Table::None,
            version: None,
        }
    }

    /// Reads a table; its form is told by its bytes.
    pub fn open(path: &Path) -> Result<Self, BadNetworkTable> {
        let bad = |reason: String| BadNetworkTable {
            path: path.to_owned(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
        Self::parse(bytes).map_err(bad)
    }

    /// Reads a table from its bytes.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let is_mmdb = bytes
            .windows(MMDB_MARKER.len())
            .any(|part| part == MMDB_MARKER);
        if is_mmdb {
            let reader =
                maxminddb::Reader::from_source(bytes).map_err(|error| error.to_string())?;
            let meta = reader.metadata();
            let version = format!("{} {}", meta.database_type, meta.build_epoch);
            return Ok(Self {
                table: Table::Mmdb(Box::new(reader)),
                version: Some(version),
            });
        }
        let version = format!("ip2asn sha256:{}", &sha256(&bytes).to_string()[..16]);
        let text = text_of(bytes)?;
        Ok(Self {
            table: Table::Tsv(AsnTable::parse(&text).map_err(|error| error.to_string())?),
            version: Some(version),
        })
    }

    /// Which table this is.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// What is kept of an address: network, table version and the month's group id.
    pub fn identify(
        &self,
        address: IpAddr,
        admin: &Admin,
        now_us: i64,
    ) -> Result<NetworkIdentity, AdminError> {
        let address = address.to_canonical();
        let network = self.lookup(address);
        Ok(NetworkIdentity {
            asn: network.asn,
            country: network.country,
            asn_table: self.version.clone(),
            group_id: Some(admin.group_id(&prefix(address), now_us)?),
            resolver_asn: None,
        })
    }

    /// What the table knows of an address: of a router or target, or of a source that is forgotten
    /// at once.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Network {
        match &self.table {
            Table::None => Network::default(),
            Table::Tsv(table) => table.lookup(address),
            // A row of another form, or a damaged one, is a network that is not known.
            Table::Mmdb(reader) => reader
                .lookup(address)
                .and_then(|found| found.decode::<MmdbRow>())
                .ok()
                .flatten()
                .map_or_else(Network::default, Network::from),
        }
    }
}

impl From<MmdbRow> for Network {
    fn from(row: MmdbRow) -> Self {
        let country = match row.country {
            Some(MmdbCountry::Code(code)) => Some(code),
            Some(MmdbCountry::Object { iso_code }) => iso_code,
            None => row.country_code,
        };
        Self {
            asn: row.autonomous_system_number,
            country,
        }
    }
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    let plain = if bytes.starts_with(GZIP_MAGIC) {
        let mut plain = Vec::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(bytes.as_slice());
        let read = decoder.read_to_end(&mut plain);
        read.map_err(|error| format!("gzip: {error}"))?;
        plain
    } else {
        bytes
    };
    String::from_utf8(plain).map_err(|_| "it is not text".to_owned())
}

/// The /24 or /48 of an address, with the family before it.
fn prefix(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => [&[4], &v4.octets()[..3]].concat(),
        IpAddr::V6(v6) => [&[6], &v6.octets()[..6]].concat(),
    }
}

/// The address that stands for all of its prefix, for limits.
#[must_use]
pub fn prefix_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            [a, b, c, 0].into()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            [a, b, c, 0, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TSV: &[u8] = b"203.0.113.0\t203.0.113.255\t64500\tKH\tEXAMPLE\n";

    #[test]
    fn a_table_says_which_it_is() {
        let table = NetworkTable::parse(TSV.to_vec()).unwrap();
        assert!(table.version().unwrap().starts_with("ip2asn sha256:"));
        let network = table.lookup("203.0.113.7".parse().unwrap());
        assert_eq!(network.asn, Some(64_500));
        assert_eq!(NetworkTable::none().version(), None);
    }

    /// Made with the Python package `mmdb_writer`: `192.0.2.0/24` is AS64500, `2001:db8::/32` is
    /// AS64501 in KH.
    const MMDB: &[u8] = include_bytes!("fixtures/asn.mmdb");

    #[test]
    fn a_table_in_mmdb_form_is_read_for_both_families() {
        let table = NetworkTable::parse(MMDB.to_vec()).unwrap();
        assert!(table.version().unwrap().starts_with("Tonle-Test-ASN "));
        let look = |address: &str| table.lookup(address.parse().unwrap());
        assert_eq!(look("192.0.2.9").asn, Some(64_500));
        let six = look("2001:db8::9");
        assert_eq!(
            (six.asn, six.country.as_deref()),
            (Some(64_501), Some("KH"))
        );
        assert_eq!(look("198.51.100.1").asn, None);
    }

    #[test]
    fn a_gzip_table_is_read_as_it_is_distributed() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(TSV).unwrap();
        let table = NetworkTable::parse(encoder.finish().unwrap()).unwrap();
        assert_eq!(
            table.lookup("203.0.113.7".parse().unwrap()).asn,
            Some(64_500)
        );
    }

    #[test]
    fn a_file_that_is_no_table_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.tsv");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        let error = NetworkTable::open(&path).err().unwrap();
        assert!(error.to_string().contains("table.tsv"), "{error}");
    }

    #[test]
    fn addresses_of_one_prefix_share_it() {
        let same = |a: &str, b: &str| {
            prefix(a.parse().unwrap()) == prefix(b.parse().unwrap())
                && prefix_of(a.parse().unwrap()) == prefix_of(b.parse().unwrap())
        };
        assert!(same("192.0.2.1", "192.0.2.254"));
        assert!(!same("192.0.2.1", "192.0.3.1"));
        assert!(same("2001:db8:1::1", "2001:db8:1:ffff::2"));
        assert!(!same("2001:db8:1::1", "2001:db8:2::1"));
    }
}
