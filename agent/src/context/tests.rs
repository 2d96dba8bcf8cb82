//! The parsers of `/proc` and `/sys`, on real text and on any text.
use super::*;
use proptest::prelude::*;
use tonle_evidence::hash::Hex;

const ROUTE: &str = "\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
";
const IPV6_ROUTE: &str = "\
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400 00000002 00000000 00000003     eth0
";
/// What an offline host has: a default route that refuses.
const IPV6_REJECT: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
const ARP: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
192.168.1.1      0x1         0x0         00:00:00:00:00:00     *        wlan0
";
const FIB_TRIE: &str = "\
Main:
     +-- 192.0.2.0/24 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.2
              /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
";
const IF_INET6: &str = "\
20010db8000000000000000000000002 04 40 00 82     eth0
00000000000000000000000000000001 01 80 10 80       lo
";
const WIRELESS: &str = "\
Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   58.  -52.  -256        0      0      0      0     34        0
 wlan1: 0000   58.  204.  -256        0      0      0      0     34        0
";

fn system(dir: &Path) -> System {
    let system = System {
        proc: dir.join("proc"),
        sys: dir.join("sys"),
    };
    let net = system.proc.join("net");
    fs::create_dir_all(&net).unwrap();
    for (name, text) in [
        ("route", ROUTE),
        ("ipv6_route", IPV6_ROUTE),
        ("arp", ARP),
        ("fib_trie", FIB_TRIE),
        ("if_inet6", IF_INET6),
        ("wireless", WIRELESS),
    ] {
        fs::write(net.join(name), text).unwrap();
    }
    fs::create_dir_all(system.proc.join("sys/kernel")).unwrap();
    fs::write(system.proc.join("sys/kernel/hostname"), "sokhas-laptop\n").unwrap();
    let eth0 = system.sys.join("class/net/eth0");
    fs::create_dir_all(eth0.join("statistics")).unwrap();
    for (name, text) in [
        ("type", "1\n"),
        ("uevent", "INTERFACE=eth0\n"),
        ("statistics/rx_bytes", "1000\n"),
        ("statistics/tx_bytes", "23\n"),
        ("speed", "1000\n"),
    ] {
        fs::write(eth0.join(name), text).unwrap();
    }
    system
}

#[test]
fn the_preferred_default_route_decides() {
    let dir = tempfile::tempdir().unwrap();
    let seen = system(dir.path()).look(&Hex([1; 16]));
    assert_eq!((seen.interface(), seen.ip_family), ("ethernet", "both"));
    assert_eq!(seen.counters, Some(Counters { bytes: 1023 }));
    assert_eq!(seen.wifi_signal_dbm, None);
    assert_eq!(seen.link_rate_bps, Some(1_000_000_000));
}

#[test]
fn a_link_without_a_rate_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let system = system(dir.path());
    for unknown in ["-1\n", "0\n", "4294967295\n", "", "fast\n"] {
        fs::write(system.sys.join("class/net/eth0/speed"), unknown).unwrap();
        let line = Line {
            system: Some(system.clone()),
            ..Line::default()
        };
        assert_eq!(line.glance().link_rate_bps, None, "{unknown:?}");
    }
}

#[test]
fn the_volunteers_addresses_are_known_for_scrubbing_and_not_in_the_debug_form() {
    let dir = tempfile::tempdir().unwrap();
    let seen = system(dir.path()).look(&Hex([1; 16]));
    let expected: Vec<IpAddr> = [
        "192.0.2.1",
        "192.0.2.2",
        "192.168.1.1",
        "2001:db8::1",
        "2001:db8::2",
    ]
    .map(|text| text.parse().unwrap())
    .into();
    assert_eq!(seen.own_addresses, expected);
    assert_eq!(seen.host_name, "sokhas-laptop");
    assert!(!format!("{seen:?}").contains("sokha"));
    assert!(!format!("{seen:?}").contains("192.0.2"));
}

#[test]
fn another_gateway_is_another_network_and_the_salt_hides_which() {
    let dir = tempfile::tempdir().unwrap();
    let system = system(dir.path());
    let home = system.look(&Hex([1; 16])).network.unwrap();
    assert_eq!(system.look(&Hex([1; 16])).network, Some(home));
    assert_ne!(system.look(&Hex([2; 16])).network, Some(home));
    let other_router = ARP.replace("00:05", "00:06");
    fs::write(system.proc.join("net/arp"), other_router).unwrap();
    assert_ne!(system.look(&Hex([1; 16])).network, Some(home));
}

#[test]
fn an_offline_device_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let system = system(dir.path());
    fs::write(system.proc.join("net/route"), "Iface\n").unwrap();
    fs::write(system.proc.join("net/ipv6_route"), IPV6_REJECT).unwrap();
    let seen = system.look(&Hex([1; 16]));
    assert_eq!((seen.interface(), seen.ip_family), ("none", "none"));
    assert_eq!((seen.network, seen.counters), (None, None));
}

#[test]
fn a_system_without_proc_is_unknown_and_no_error() {
    let nowhere = System {
        proc: "/nowhere".into(),
        sys: "/nowhere".into(),
    };
    assert_eq!(nowhere.look(&Hex([1; 16])).interface(), "none");
}

#[test]
fn this_machine_can_be_looked_at() {
    let seen = System::default().look(&Hex([1; 16]));
    assert_eq!(seen.ip_family == "none", seen.network.is_none());
}

#[test]
fn kinds_of_interfaces_are_told_apart() {
    let cases = [
        (true, "", Some(1), "wifi"),
        (false, "DEVTYPE=wlan\n", Some(1), "wifi"),
        (false, "DEVTYPE=wwan\n", Some(1), "cellular"),
        (false, "", Some(519), "cellular"),
        (false, "DEVTYPE=wireguard\n", Some(65_534), "tunnel"),
        (false, "", Some(65_534), "tunnel"),
        (false, "", Some(772), "loopback"),
        (false, "", Some(1), "ethernet"),
        (false, "", Some(512), "unknown"),
        (false, "", None, "unknown"),
    ];
    for (is_wifi, uevent, hardware, expected) in cases {
        let kind = interface::kind_of(is_wifi, uevent, hardware);
        assert_eq!(kind.as_str(), expected, "{uevent} {hardware:?}");
    }
}

#[test]
fn wifi_signal_is_read_in_both_notations() {
    assert_eq!(interface::wifi_signal_dbm(WIRELESS, "wlan0"), Some(-52));
    assert_eq!(interface::wifi_signal_dbm(WIRELESS, "wlan1"), Some(-52));
    assert_eq!(interface::wifi_signal_dbm(WIRELESS, "wlan2"), None);
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "[ -~\n]{0,400}", name in ".*") {
        let mut routes = route::parse_v4(&text);
        routes.extend(route::parse_v6(&text));
        let _ = interface::wifi_signal_dbm(&text, &name);
        let _ = interface::kind_of(false, &text, None);
        let _ = addresses::own(&text, &text, &routes);
        if let Some(default) = route::default_of(&routes) {
            let _ = network::fingerprint(&Hex([0; 16]), default, &routes, &text);
        }
    }

    #[test]
    fn any_route_line_reads_back(destination: u32, gateway: u32, metric in 0u32..9_000) {
        let line = format!("eth0\t{destination:08X}\t{gateway:08X}\t0003\t0\t0\t{metric}\t00FFFFFF\t0\t0\t0");
        let routes = route::parse_v4(&line);
        prop_assert_eq!(routes.len(), 1);
        prop_assert_eq!(routes[0].gateway, IpAddr::from(gateway.to_ne_bytes()));
        prop_assert_eq!(routes[0].prefix, 24);
    }
}
