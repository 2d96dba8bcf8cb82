//! What the control server may contact: the public Internet, and nothing that only it can reach.
//!
//! 1. Nothing the operator denies, whatever else holds.
//! 2. What the operator of a laboratory allows.
//! 3. Else no special address, no address of this machine, no address where a cloud tells its secrets.
//! 4. An IPv6 address that leads to an IPv4 address (mapped, NAT64, 6to4) is judged as both.
//! 5. No port where something else than the web listens: a request could be read as a command there.
//!
//! Names prove nothing: whoever connects asks here with the address itself, and connects to no other.
use crate::ingest::source::Cidr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use tonle_evidence::special::{embedded_v4, is_special};

/// Where Azure talks to its machines, among public addresses; other clouds use link-local and private ones.
const AZURE: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// Ports that browsers refuse ("bad ports" of the Fetch standard, section 2.9).
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

/// See the top of this file.
#[derive(Debug)]
pub(super) struct Guard {
    allowed: Vec<Cidr>,
    denied: Vec<Cidr>,
}

impl Guard {
    pub(super) fn new(allowed: Vec<Cidr>, denied: Vec<Cidr>) -> Self {
        Self { allowed, denied }
    }

    /// Whether a packet may be sent to `address`.
    pub(super) fn may_contact(&self, address: IpAddr) -> bool {
        faces(address).all(|face| self.may_contact_face(face))
    }

    fn may_contact_face(&self, face: IpAddr) -> bool {
        if lies_in(face, &self.denied) {
            return false;
        }
        lies_in(face, &self.allowed) || (!is_special(face) && face != AZURE && !is_own(face))
    }

    /// Whether `address` is none of the Internet that is measured.
    pub(super) fn is_bogon(&self, address: IpAddr) -> bool {
        is_special(address) && !lies_in(address.to_canonical(), &self.allowed)
    }

    /// Whether special addresses may be contacted at all.
    pub(super) fn is_laboratory(&self) -> bool {
        !self.allowed.is_empty()
    }
}

/// Whether the web may be at `port`.
pub(super) fn is_web_port(port: u16) -> bool {
    !BAD_PORTS.contains(&port)
}

/// An address in all its forms.
fn faces(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let address = address.to_canonical();
    let inner = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => embedded_v4(v6).map(IpAddr::V4),
    };
    std::iter::once(address).chain(inner)
}

fn lies_in(address: IpAddr, networks: &[Cidr]) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Whether this machine itself answers at `address`, past every firewall before it. Sends nothing:
/// the kernel speaks to its own addresses from the same.
fn is_own(address: IpAddr) -> bool {
    let unspecified: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let local = UdpSocket::bind((unspecified, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    local.is_ok_and(|local| local.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    fn guard(allowed: &[&str], denied: &[&str]) -> Guard {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Guard::new(networks(allowed), networks(denied))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_the_operator_denies_is_denied_in_every_form() {
        let guard = guard(&["203.0.113.0/24"], &["203.0.113.9", "36.37.0.0/16"]);
        for text in [
            "203.0.113.9",
            "36.37.1.1",
            "::ffff:36.37.1.1",
            "64:ff9b::36.37.1.1",
            "2002:2425:101::1",
        ] {
            assert!(!guard.may_contact(ip(text)), "{text}");
        }
        assert!(guard.may_contact(ip("203.0.113.8")));
        assert!(guard.may_contact(ip("36.38.1.1")));
    }

    #[test]
    fn the_machine_itself_and_its_cloud_are_not_contacted() {
        assert!(is_own(ip("127.0.0.1")) && !is_own(ip("192.0.2.1")));
        let guard = guard(&[], &[]);
        for text in ["168.63.129.16", "64:ff9b::168.63.129.16", "169.254.169.254"] {
            assert!(!guard.may_contact(ip(text)), "{text}");
        }
    }

    #[test]
    fn the_web_is_not_where_mail_and_shells_are() {
        assert!([80, 443, 8080, 8443, 3000].into_iter().all(is_web_port));
        assert!(
            [0, 22, 25, 53, 6667, 10_080]
                .into_iter()
                .all(|port| !is_web_port(port))
        );
    }

    /// An IPv6 address that leads to this IPv4 address, in every way there is.
    fn leading_to(v4: Ipv4Addr) -> Vec<IpAddr> {
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        let made = [
            [0, 0, 0, 0, 0, 0xffff, high, low],
            [0, 0, 0, 0, 0, 0, high, low],
            [0x64, 0xff9b, 0, 0, 0, 0, high, low],
            [0x64, 0xff9b, 1, 0, 0, 0, high, low],
            [0x2002, high, low, 0, 0, 0, 0, 1],
        ];
        let as_address = |segments: [u16; 8]| Ipv6Addr::from(segments).into();
        let mut all: Vec<IpAddr> = made.into_iter().map(as_address).collect();
        all.push(v4.into());
        all
    }

    const SPELLINGS: usize = 8;

    /// An IPv4 address as URLs may spell it.
    fn spelt(v4: Ipv4Addr, spelling: usize) -> String {
        let [a, b, c, d] = v4.octets();
        let number = v4.to_bits();
        match spelling {
            0 => number.to_string(),
            1 => format!("{number:#x}"),
            2 => format!("0{number:o}"),
            3 => format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
            4 => format!("0{a:o}.0{b:o}.{c}.{d}"),
            5 => format!("{a}.{}", number & 0x00ff_ffff),
            6 => format!("{a}.{b}.{c}.{d}."),
            _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
        }
    }

    /// Networks that only an insider reaches (RFC 6890 and its successors).
    const INSIDE_V4: [(u32, u32); 12] = [
        (0x0000_0000, 8),
        (0x0a00_0000, 8),
        (0x6440_0000, 10),
        (0x7f00_0000, 8),
        (0xa9fe_0000, 16),
        (0xac10_0000, 12),
        (0xc000_0000, 24),
        (0xc0a8_0000, 16),
        (0xc612_0000, 15),
        (0xe000_0000, 4),
        (0xf000_0000, 4),
        (0xc058_6300, 24),
    ];
    const INSIDE_V6: [(u16, u32); 8] = [
        (0xfc00, 7),
        (0xfe80, 10),
        (0xfec0, 10),
        (0xff00, 8),
        (0x0100, 16),
        (0x5f00, 16),
        (0x3ffe, 16), // the old test network: nobody's
        (0x4000, 2),  // not allocated
    ];

    proptest! {
        #[test]
        fn no_inside_address_is_contacted_in_any_form(which in 0..INSIDE_V4.len(), low: u32) {
            let (network, bits) = INSIDE_V4[which];
            let v4 = Ipv4Addr::from(network | (low & (u32::MAX >> bits)));
            for address in leading_to(v4) {
                prop_assert!(!guard(&[], &[]).may_contact(address), "{address}");
            }
        }

        #[test]
        fn no_inside_address_is_contacted_in_any_spelling(
            which in 0..INSIDE_V4.len(),
            low: u32,
            spelling in 0..SPELLINGS,
            scheme in prop_oneof![Just("http"), Just("https")],
        ) {
            let (network, bits) = INSIDE_V4[which];
            let v4 = Ipv4Addr::from(network | (low & (u32::MAX >> bits)));
            let text = format!("{scheme}://user@{}:8080/", spelt(v4, spelling));
            let url = Url::parse(&text).unwrap();
            let host = url.host_str().unwrap();
            let address: IpAddr = host.trim_matches(['[', ']']).parse().unwrap();
            prop_assert!(!guard(&[], &[]).may_contact(address), "{text}");
        }

        #[test]
        fn no_inside_network_of_ipv6_is_contacted(which in 0..INSIDE_V6.len(), low: u128) {
            let (first, bits) = INSIDE_V6[which];
            let v6 = Ipv6Addr::from((u128::from(first) << 112) | (low & (u128::MAX >> bits)));
            prop_assert!(!guard(&[], &[]).may_contact(v6.into()), "{v6}");
        }

        #[test]
        fn any_address_gets_an_answer_and_denying_all_denies(address: u128) {
            let v6 = IpAddr::from(Ipv6Addr::from(address));
            let _ = guard(&[], &[]).may_contact(v6);
            prop_assert!(!guard(&["::/0"], &["::/0", "0.0.0.0/0"]).may_contact(v6));
        }
    }
}
