//! A network table in ip2asn form: tab-separated `start end asn country description`, v4 and v6.
//!
//! Source of the form: <https://iptoasn.com/>. AS 0 stands for "not routed", country `None` for
//! none. Rows may come in any order; overlapping rows are refused.
use std::net::{IpAddr, Ipv6Addr};

/// One range of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    start: u128,
    end: u128,
    asn: Option<u32>,
    country: Option<[u8; 2]>,
}

/// A network, as far as the table knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Autonomous system.
    pub asn: Option<u32>,
    /// ISO 3166-1 code.
    pub country: Option<String>,
}

/// The table, in order of addresses.
#[derive(Debug, Default)]
pub struct AsnTable {
    ranges: Vec<Range>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct BadTable {
    line: usize,
    reason: String,
}

impl AsnTable {
    /// Reads a table.
    pub fn parse(text: &str) -> Result<Self, BadTable> {
        let mut ranges = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let range = parse_line(line).map_err(|reason| BadTable {
                line: number + 1,
                reason,
            })?;
            ranges.push((range, number + 1));
        }
        ranges.sort_by_key(|(range, _)| range.start);
        for pair in ranges.windows(2) {
            if pair[1].0.start <= pair[0].0.end {
                return Err(BadTable {
                    line: pair[1].1,
                    reason: format!("overlaps line {}", pair[0].1),
                });
            }
        }
        Ok(Self {
            ranges: ranges.into_iter().map(|(range, _)| range).collect(),
        })
    }

    /// The network of an address.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Network {
        let number = as_number(address);
        let after = self.ranges.partition_point(|range| range.start <= number);
        let range = after
            .checked_sub(1)
            .map(|index| &self.ranges[index])
            .filter(|range| number <= range.end);
        Network {
            asn: range.and_then(|range| range.asn),
            country: range
                .and_then(|range| range.country)
                .map(|code| code.iter().map(|byte| char::from(*byte)).collect()),
        }
    }

    /// How many ranges it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// True for a table without a range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

fn parse_line(line: &str) -> Result<Range, String> {
    let mut fields = line.split('\t');
    let mut field = |name: &str| {
        let value = fields.next().map(str::trim);
        value.ok_or_else(|| format!("lacks its {name}; fields are separated by tabs"))
    };
    let (start, end) = (field("start")?, field("end")?);
    let (asn, country) = (field("AS number")?, field("country")?);
    let address = |text: &str| {
        let parsed = text.parse::<IpAddr>();
        parsed.map_err(|_| format!("'{text}' is not an address"))
    };
    let (start, end) = (address(start)?, address(end)?);
    if start.is_ipv4() != end.is_ipv4() || start > end {
        return Err("its end is not after its start".to_owned());
    }
    let asn: u32 = asn
        .parse()
        .map_err(|_| format!("'{asn}' is not an AS number"))?;
    let code = <[u8; 2]>::try_from(country.as_bytes()).ok();
    Ok(Range {
        start: as_number(start),
        end: as_number(end),
        asn: (asn != 0).then_some(asn),
        country: code.filter(|code| code.iter().all(u8::is_ascii_uppercase)),
    })
}

/// Both families on one line: IPv4 in its place among IPv6 (`::ffff:0:0/96`).
fn as_number(address: IpAddr) -> u128 {
    let v6: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    v6.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: &str = "203.0.113.0\t203.0.113.255\t64500\tKH\tEXAMPLE\n\
         2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64501\tKH\tEXAMPLE SIX\n\
         192.0.2.0\t192.0.2.255\t0\tNone\tNot routed\n";

    fn asn(table: &AsnTable, address: &str) -> Option<u32> {
        table.lookup(address.parse().unwrap()).asn
    }

    #[test]
    fn both_families_are_found_and_gaps_are_nobodys() {
        let table = AsnTable::parse(TABLE).unwrap();
        assert_eq!(asn(&table, "203.0.113.0"), Some(64_500));
        assert_eq!(asn(&table, "203.0.113.255"), Some(64_500));
        assert_eq!(asn(&table, "203.0.114.0"), None);
        assert_eq!(asn(&table, "2001:db8:1::1"), Some(64_501));
        assert_eq!(asn(&table, "192.0.2.7"), None);
        let found = table.lookup("203.0.113.9".parse().unwrap());
        assert_eq!(found.country.as_deref(), Some("KH"));
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let text = format!("{TABLE}203.0.113.9\tx\t1\tKH\t-\n");
        let error = AsnTable::parse(&text).unwrap_err();
        assert_eq!(error.to_string(), "line 4: 'x' is not an address");
        let overlapping = format!("{TABLE}203.0.113.9\t203.0.113.9\t1\tKH\t-\n");
        let error = AsnTable::parse(&overlapping).unwrap_err();
        assert_eq!(error.to_string(), "line 4: overlaps line 1");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f:.\\tA-Z \\n]{0,200}") {
            let _ = AsnTable::parse(&text);
        }

        #[test]
        fn each_address_of_a_range_is_found(start: u32, length in 0u32..1_000, step in 0u32..1_000) {
            let end = start.saturating_add(length);
            let ip = |bits: u32| std::net::Ipv4Addr::from_bits(bits);
            let table = AsnTable::parse(&format!("{}\t{}\t7\tKH\t-", ip(start), ip(end))).unwrap();
            let inside = start + step.min(end - start);
            prop_assert_eq!(table.lookup(ip(inside).into()).asn, Some(7));
        }
    }
}
