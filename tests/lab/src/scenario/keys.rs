//! Every key of a scenario file, with the form of its value. The types are in [`super::model`]; a
//! test holds the two against each other.
use super::form::Form::{
    Address, Amount, Either, Flag, Kinds, List, Table, Text, Texts, Whole, Word,
};
use super::form::{self, Form, Key, may, must};

/// Longest delay, milliseconds.
const DELAY_MS_MAX: u64 = 600_000;
/// Last moment of a change, milliseconds: a day.
const AT_MS_MAX: u64 = 86_400_000;
/// Highest rate, kbit/s: what no lab in user space reaches.
const RATE_KBIT_MAX: u64 = 100_000_000;
/// Largest queue or burst, bytes.
const BYTES_MAX: u64 = 1 << 30;
/// Longest body, bytes.
const BODY_BYTES_MAX: u64 = 1 << 40;

const COUNT: Form = Whole(1, u64::MAX);
const PORT: Form = Whole(1, 65_535);
const PERMILLE: Form = Whole(0, 1000);
const RATE: Form = Whole(1, RATE_KBIT_MAX);
const DELAY: Form = Amount(600_000.0);
const WAIT: Form = Whole(0, DELAY_MS_MAX);
const TEXTS: Form = List(&Text);
const ADDRESSES: Form = List(&Address);
const FAILURE: Form = Word(&["nxdomain", "servfail", "refused", "silence"]);

/// The file as a whole.
pub(super) const SCENARIO: &[Key] = &[
    must("description", Text),
    may("seed", Whole(0, u64::MAX)),
    may("include", Text),
    must("host", HOSTS),
    SERVICES_KEY,
    NAMES_KEY,
    MIDDLEBOXES_KEY,
];

/// A file that others include.
pub(super) const INCLUDED: &[Key] = &[may("host", HOSTS), SERVICES_KEY, NAMES_KEY, MIDDLEBOXES_KEY];

const HOSTS: Form = List(&Table(HOST));
const SERVICES_KEY: Key = may("service", List(&Kinds(&SERVICE)));
const NAMES_KEY: Key = may("name", List(&Table(NAME)));
const MIDDLEBOXES_KEY: Key = may("middlebox", List(&Kinds(&MIDDLEBOX)));

const HOST: &[Key] = &[
    must("name", Text),
    must("addresses", ADDRESSES),
    may("names", TEXTS),
    may("resolvers", ADDRESSES),
    may("routers", List(&Table(ROUTER))),
    may("up", Table(LINK)),
    may("down", Table(LINK)),
    may("change", List(&Table(CHANGE))),
    may("unprivileged_icmp", Flag),
    may("congestion_control", Word(&["reno"])),
    may("vpn", Flag),
];

const ROUTER: &[Key] = &[must("addresses", ADDRESSES), may("silent", Flag)];

const LINK: &[Key] = &[
    may("delay_ms", DELAY),
    may("delay_variation_ms", DELAY),
    may("rate_kbit", RATE),
    may("queue_bytes", Whole(1, BYTES_MAX)),
    may("loss", Either(&[], LOSS)),
    may("reorder", Table(REORDER)),
    may("duplicate", Table(&[must("every", COUNT)])),
    may("mtu", Whole(576, 65_535)),
    may("mtu_silent", Flag),
];

const LOSS: &[Key] = &[
    may("every", COUNT),
    may("packets", List(&COUNT)),
    may("random_permille", PERMILLE),
    may("bursts", Table(BURSTS)),
];

const BURSTS: &[Key] = &[
    must("enter_permille", PERMILLE),
    must("leave_permille", PERMILLE),
    must("loss_permille", PERMILLE),
];

const REORDER: &[Key] = &[must("every", COUNT), must("by_ms", DELAY)];

const CHANGE: &[Key] = &[
    must("at_ms", Whole(0, AT_MS_MAX)),
    may("direction", Word(&["both", "up", "down"])),
    may("rate_kbit", RATE),
    may("delay_ms", DELAY),
    may("outage", Flag),
];

const NAME: &[Key] = &[
    must("name", Text),
    may("addresses", ADDRESSES),
    may("cname", Text),
    may("failure", FAILURE),
    may("signatures", Word(&["good", "bad"])),
    may("on", Text),
];

const SERVICE: form::Kinds = form::Kinds {
    tag: "kind",
    common: &[must("host", Text)],
    each: &[
        (
            "dns",
            &[
                may("port", PORT),
                may("delay_ms", WAIT),
                may("dnssec", Word(&["checks", "passes", "strips"])),
                may("instead_of_nxdomain", ADDRESSES),
                may("instead_of_nodata", ADDRESSES),
                may("identity", Text),
            ],
        ),
        ("doh", &[may("port", PORT), CERTIFICATE_KEY]),
        ("dot", &[may("port", PORT), CERTIFICATE_KEY]),
        ("http", &[may("port", PORT), PAGE_KEY]),
        (
            "https",
            &[
                may("port", PORT),
                CERTIFICATE_KEY,
                may("sni", List(&Table(NAMED_CERTIFICATE))),
                PAGE_KEY,
            ],
        ),
        ("quic", &[may("port", PORT), CERTIFICATE_KEY]),
        (
            "proxy",
            &[
                may("http_port", PORT),
                may("tls_port", PORT),
                may("headers", Texts),
            ],
        ),
        (
            "tcp",
            &[
                must("port", PORT),
                must("does", Word(&["echo", "discard", "silent", "reset"])),
            ],
        ),
        ("udp_echo", &[must("port", PORT)]),
        ("command", COMMAND),
    ],
};

const CERTIFICATE_KEY: Key = may("certificate", Table(CERTIFICATE));
const PAGE_KEY: Key = may("page", List(&Table(PAGE)));

const CERTIFICATE: &[Key] = &[may("flaw", Word(FLAWS)), may("names", TEXTS)];
const FLAWS: &[&str] = &["expired", "self_signed", "unknown_authority", "wrong_name"];

const NAMED_CERTIFICATE: &[Key] = &[must("name", Text), CERTIFICATE_KEY];

const PAGE: &[Key] = &[
    may("host", Text),
    may("path", Text),
    may("clients", ADDRESSES),
    may("status", Whole(200, 599)),
    may("headers", Texts),
    may("body", Text),
    may("body_bytes", Whole(0, BODY_BYTES_MAX)),
    may("delay_ms", WAIT),
    may("cut_after_bytes", Whole(0, BODY_BYTES_MAX)),
];

const COMMAND: &[Key] = &[
    must("command", TEXTS),
    may("env", Texts),
    may("ready_port", PORT),
    may("ready_line", Text),
    may("ready_within_ms", Whole(1, DELAY_MS_MAX)),
];

const MIDDLEBOX: form::Kinds = form::Kinds {
    tag: "action",
    common: &[
        may("on", Text),
        may("place", Word(&["near", "far"])),
        may("after_routers", Whole(0, 255)),
    ],
    each: &[
        (
            "dns_spoof",
            &[
                may("names", TEXTS),
                may("addresses", ADDRESSES),
                may("failure", FAILURE),
                may("race", Flag),
                may("chance_permille", PERMILLE),
            ],
        ),
        ("dns_drop", &[may("names", TEXTS)]),
        (
            "dns_redirect",
            &[must("to", Address), may("resolvers", ADDRESSES)],
        ),
        (
            "divert",
            &[
                must("to", Address),
                may("addresses", ADDRESSES),
                may("port", PORT),
            ],
        ),
        ("sni", &[must("names", TEXTS), AFTER_BYTES_KEY, DOES_KEY]),
        ("ech", &[may("names", TEXTS), AFTER_BYTES_KEY, DOES_KEY]),
        (
            "keyword",
            &[
                must("keyword", Text),
                may("port", PORT),
                AFTER_BYTES_KEY,
                DOES_KEY,
            ],
        ),
        (
            "endpoint",
            &[
                must("addresses", ADDRESSES),
                may("port", PORT),
                may("protocol", Word(&["tcp", "udp", "icmp"])),
                AFTER_BYTES_KEY,
                DOES_KEY,
            ],
        ),
        (
            "quic_drop",
            &[may("addresses", ADDRESSES), may("names", TEXTS)],
        ),
    ],
};

const DOES_KEY: Key = must(
    "does",
    Either(
        &["drop", "fin", "reject"],
        &[
            may("reset", Word(&["client", "server", "both"])),
            may("block_page", Text),
            may("response", Text),
            may("throttle", Table(THROTTLE)),
            may("degrade", Table(DEGRADE)),
        ],
    ),
);
const AFTER_BYTES_KEY: Key = may("after_bytes", Whole(0, BYTES_MAX));

const THROTTLE: &[Key] = &[
    must("rate_kbit", RATE),
    may("burst_bytes", Whole(0, BYTES_MAX)),
];

const DEGRADE: &[Key] = &[may("delay_ms", WAIT), may("loss_permille", PERMILLE)];
