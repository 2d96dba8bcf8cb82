//! How a finished test is kept: M-Lab's data format v0.3.0, as ndt-server writes it, so that M-Lab's
//! tools read our data. The schema there is inferred from the structure: no field is ever left out.
//!
//! It carries no client address, and nothing else that tells clients apart:
//! 1. `ClientIP` is empty and `ClientPort` zero; measurements have no `ConnectionInfo`,
//!    and nothing that the schema does not know.
//! 2. Of what the client says of itself, only the [`KEPT_METADATA`] that stock clients and Locate
//!    send, which name programs and not devices. What it sent as measurements is not kept.
use super::{Direction, Measurement};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Names of the metadata that are kept.
pub const KEPT_METADATA: &[&str] = &[
    "client_arch",
    "client_library_name",
    "client_library_version",
    "client_name",
    "client_os",
    "client_version",
    "country",
    "early_exit",
    "index",
    "locate_version",
    "metro_rank",
    "site",
];
/// Longest value of metadata that is kept, characters.
const VALUE_MAX_CHARS: usize = 64;

/// One entry of metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NameValue {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A finished test.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    /// Version of the server's program.
    pub version: &'a str,
    /// The server's end of the connection.
    pub server: std::net::SocketAddr,
    /// The server's name for the connection.
    pub uuid: &'a str,
    /// Which subtest.
    pub direction: Direction,
    /// When it began, microseconds since the Unix epoch.
    pub start_us: i64,
    /// When it ended, and was written.
    pub end_us: i64,
    /// What the server sent.
    pub server_measurements: Vec<Measurement>,
    /// What the client said of itself: (name, value).
    pub metadata: &'a [(String, String)],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Result<'a> {
    git_short_commit: &'a str,
    version: &'a str,
    #[serde(rename = "ServerIP")]
    server_ip: String,
    server_port: u16,
    #[serde(rename = "ClientIP")]
    client_ip: &'a str,
    client_port: u16,
    start_time: String,
    end_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<Subtest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<Subtest<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Subtest<'a> {
    #[serde(rename = "UUID")]
    uuid: &'a str,
    start_time: String,
    end_time: String,
    server_measurements: Vec<Measurement>,
    client_measurements: [Measurement; 0],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    client_metadata: Vec<NameValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    server_metadata: Vec<NameValue>,
}

impl Finished<'_> {
    /// Where it is kept below the data directory: folders by day, `/` between them. UTC.
    #[must_use]
    pub fn path(&self) -> String {
        let day = format_description!("[year]/[month]/[day]");
        let moment = format_description!("[year][month][day]T[hour][minute][second]");
        let end = utc(self.end_us);
        let text = |format| end.format(format).expect("fields that every moment has");
        format!(
            "ndt7/{}/ndt7-{}-{}.{:09}Z.{}.json.gz",
            text(&day),
            self.direction.as_str(),
            text(&moment),
            end.nanosecond(),
            self.uuid
        )
    }

    /// The JSON object, not yet compressed.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (start_time, end_time) = (rfc3339(self.start_us), rfc3339(self.end_us));
        let subtest = Subtest {
            uuid: self.uuid,
            start_time: start_time.clone(),
            end_time: end_time.clone(),
            server_measurements: self.measurements(),
            client_measurements: [],
            client_metadata: self.kept_metadata(),
            server_metadata: Vec::new(),
        };
        let (upload, download) = match self.direction {
            Direction::Upload => (Some(subtest), None),
            Direction::Download => (None, Some(subtest)),
        };
        let result = Result {
            git_short_commit: "",
            version: self.version,
            server_ip: self.server.ip().to_canonical().to_string(),
            server_port: self.server.port(),
            client_ip: "",
            client_port: 0,
            start_time,
            end_time,
            upload,
            download,
        };
        serde_json::to_string(&result).expect("integers and strings always serialise")
    }

    fn measurements(&self) -> Vec<Measurement> {
        let without_address = |measurement: &Measurement| Measurement {
            connection_info: None,
            tonle: None,
            ..measurement.clone()
        };
        self.server_measurements
            .iter()
            .map(without_address)
            .collect()
    }

    fn kept_metadata(&self) -> Vec<NameValue> {
        let is_kept = |name: &str| KEPT_METADATA.contains(&name);
        let kept = self.metadata.iter().filter(|(name, _)| is_kept(name));
        kept.map(|(name, value)| NameValue {
            name: name.clone(),
            value: value.chars().take(VALUE_MAX_CHARS).collect(),
        })
        .collect()
    }
}

/// A time no clock of ours gives becomes the epoch.
fn utc(unix_us: i64) -> OffsetDateTime {
    let nanoseconds = i128::from(unix_us) * 1000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .filter(|moment| (1..=9999).contains(&moment.year()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn rfc3339(unix_us: i64) -> String {
    let text = utc(unix_us).format(&Rfc3339);
    text.expect("years within 1..=9999 have this form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ndt7::{ConnectionInfo, TcpInfo};
    use proptest::prelude::*;
    use serde_json::Value;

    const ADDRESS: &str = "198.51.100.77";

    fn finished(metadata: &[(String, String)]) -> Finished<'_> {
        let client = format!("{ADDRESS}:4321").parse().unwrap();
        let server = "[::ffff:192.0.2.1]:443".parse().unwrap();
        Finished {
            version: "0.1.0",
            server,
            uuid: "host_1563200740_unsafe_00000000000157C6",
            direction: Direction::Upload,
            start_us: 1_700_000_000_000_001,
            end_us: 1_700_000_010_500_000,
            server_measurements: vec![Measurement {
                connection_info: Some(ConnectionInfo::new(client, server)),
                tcp_info: Some(TcpInfo {
                    bytes_received: Some(7),
                    ..TcpInfo::default()
                }),
                ..Measurement::default()
            }],
            metadata,
        }
    }

    #[test]
    fn the_path_is_that_of_the_stock_server() {
        assert_eq!(
            finished(&[]).path(),
            "ndt7/2023/11/14/ndt7-upload-20231114T221330.500000000Z.\
             host_1563200740_unsafe_00000000000157C6.json.gz"
        );
    }

    #[test]
    fn the_object_has_every_field_of_the_schema_and_no_client_address() {
        let metadata = [
            ("client_name".to_owned(), "tonle-agent".to_owned()),
            ("my_address".to_owned(), ADDRESS.to_owned()),
        ];
        let text = finished(&metadata).to_json();
        assert!(!text.contains(ADDRESS) && !text.contains("4321"), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["ServerIP"], "192.0.2.1");
        assert_eq!(value["ServerPort"], 443);
        assert_eq!(
            (&value["ClientIP"], &value["ClientPort"]),
            (&"".into(), &0.into())
        );
        assert_eq!(value["StartTime"], "2023-11-14T22:13:20.000001Z");
        assert!(value["Version"].is_string() && value["GitShortCommit"].is_string());
        assert!(value.get("Download").is_none());
        let upload = &value["Upload"];
        assert_eq!(upload["UUID"], "host_1563200740_unsafe_00000000000157C6");
        assert_eq!(upload["EndTime"], value["EndTime"]);
        assert_eq!(upload["ClientMeasurements"], Value::Array(Vec::new()));
        let sent = &upload["ServerMeasurements"][0];
        assert_eq!(sent["TCPInfo"]["BytesReceived"], 7);
        assert!(sent.get("ConnectionInfo").is_none());
        let told = upload["ClientMetadata"].as_array().unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["Name"], "client_name");
        assert!(upload.get("ServerMetadata").is_none());
    }

    proptest! {
        #[test]
        fn no_time_and_no_metadata_make_it_panic(end_us: i64, value in ".{0,100}") {
            let metadata = [("client_name".to_owned(), value)];
            let test = Finished { end_us, ..finished(&metadata) };
            prop_assert!(test.path().starts_with("ndt7/"));
            let again: Value = serde_json::from_str(&test.to_json()).unwrap();
            prop_assert!(again["EndTime"].is_string());
        }
    }
}
