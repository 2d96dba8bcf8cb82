//! The form of a truth file: JSON Lines, the first about the run, each other about one packet.
use super::{Event, Truth};
use crate::hub::{Fate, Origin};
use crate::rules::Way;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    scenario: String,
    hosts: Vec<String>,
    begun_us: u64,
    forgotten: u64,
}

/// Each other line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    in_us: u64,
    out_us: u64,
    from: String,
    to: Option<String>,
    on: String,
    way: WayWord,
    bytes: u32,
    payload_bytes: u32,
    protocol: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<(u16, u16)>,
    queue_us: u64,
    late_us: u64,
    fate: Fate,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    copy: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WayWord {
    Up,
    Down,
}

/// Why a file is not a truth.
#[derive(Debug, thiserror::Error)]
pub enum BadTruth {
    /// It cannot be read.
    #[error("read truth: {0}")]
    Io(#[from] io::Error),
    /// It has no lines.
    #[error("truth is empty: was the lab stopped before it wrote it?")]
    Empty,
    /// A line is not what it should be.
    #[error("truth line {number}: {why}")]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        why: String,
    },
}

/// What stands for middleboxes and routers where a host's name would be; no host's name has a colon.
const MIDDLEBOX: &str = "middlebox:";
const ROUTER: &str = "router:";

/// Writes a truth.
pub fn write(truth: &Truth, to: &mut impl Write) -> io::Result<()> {
    let head = Head {
        scenario: truth.scenario.clone(),
        hosts: truth.hosts.clone(),
        begun_us: truth.begun_us,
        forgotten: truth.forgotten,
    };
    serde_json::to_writer(&mut *to, &head)?;
    to.write_all(b"\n")?;
    for event in &truth.events {
        serde_json::to_writer(&mut *to, &line(event, &truth.hosts))?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Reads a truth.
pub fn read(from: impl BufRead) -> Result<Truth, BadTruth> {
    let mut lines = from.lines();
    let head = lines.next().ok_or(BadTruth::Empty)??;
    let head: Head = serde_json::from_str(&head).map_err(|why| bad_line(1, &why))?;
    let mut truth = Truth {
        scenario: head.scenario,
        hosts: head.hosts,
        begun_us: head.begun_us,
        forgotten: head.forgotten,
        ..Truth::default()
    };
    for (index, line) in lines.enumerate() {
        let number = index + 2;
        let line: Line = serde_json::from_str(&line?).map_err(|why| bad_line(number, &why))?;
        let event = event(&line, &truth.hosts).map_err(|why| BadTruth::Line { number, why })?;
        truth.events.push_back(event);
    }
    Ok(truth)
}

fn bad_line(number: usize, why: &serde_json::Error) -> BadTruth {
    BadTruth::Line {
        number,
        why: why.to_string(),
    }
}

fn line(event: &Event, hosts: &[String]) -> Line {
    let name = |host: usize| hosts.get(host).cloned().unwrap_or_default();
    Line {
        in_us: event.in_us,
        out_us: event.out_us,
        from: match event.from {
            Origin::Host(host) => name(host),
            Origin::Middlebox(rule) => format!("{MIDDLEBOX}{rule}"),
            Origin::Router => ROUTER.to_owned(),
        },
        to: event.to.map(name),
        on: name(event.on),
        way: match event.way {
            Way::Up => WayWord::Up,
            Way::Down => WayWord::Down,
        },
        bytes: event.bytes,
        payload_bytes: event.payload_bytes,
        protocol: event.protocol,
        ports: event.ports,
        queue_us: event.queue_us,
        late_us: event.late_us,
        fate: event.fate,
        rule: event.rule,
        copy: event.copy,
    }
}

fn event(line: &Line, hosts: &[String]) -> Result<Event, String> {
    let index = |name: &str| {
        let found = hosts.iter().position(|host| host == name);
        found.ok_or_else(|| format!("no host {name:?} in the first line"))
    };
    let from = if line.from == ROUTER {
        Origin::Router
    } else if let Some(rule) = line.from.strip_prefix(MIDDLEBOX) {
        Origin::Middlebox(rule.parse().map_err(|why| format!("from: {why}"))?)
    } else {
        Origin::Host(index(&line.from)?)
    };
    Ok(Event {
        in_us: line.in_us,
        out_us: line.out_us,
        from,
        to: line.to.as_deref().map(index).transpose()?,
        on: index(&line.on)?,
        way: match line.way {
            WayWord::Up => Way::Up,
            WayWord::Down => Way::Down,
        },
        bytes: line.bytes,
        payload_bytes: line.payload_bytes,
        protocol: line.protocol,
        ports: line.ports,
        queue_us: line.queue_us,
        late_us: line.late_us,
        fate: line.fate,
        rule: line.rule,
        copy: line.copy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn an_event() -> impl Strategy<Value = Event> {
        let from = prop_oneof![
            (0usize..2).prop_map(Origin::Host),
            (0usize..9).prop_map(Origin::Middlebox),
            Just(Origin::Router),
        ];
        let ports = prop::option::of((any::<u16>(), any::<u16>()));
        let fate = prop_oneof![
            Just(Fate::Delivered),
            Just(Fate::QueueFull),
            Just(Fate::Lost)
        ];
        let to = prop::option::of(0usize..2);
        (from, to, ports, fate, any::<(u32, u32, bool)>()).prop_map(
            |(from, to, ports, fate, (in_us, bytes, copy))| Event {
                in_us: in_us.into(),
                out_us: u64::from(in_us) + 7,
                from,
                to,
                on: 1,
                way: if copy { Way::Up } else { Way::Down },
                bytes,
                payload_bytes: bytes / 2,
                protocol: 17,
                ports,
                queue_us: 3,
                late_us: 4,
                fate,
                rule: copy.then_some(2),
                copy,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(events in prop::collection::vec(an_event(), 0..20)) {
            let truth = Truth {
                scenario: "two hosts".to_owned(),
                hosts: vec!["client".to_owned(), "server".to_owned()],
                begun_us: 5,
                events: events.into(),
                forgotten: 1,
            };
            let mut file = Vec::new();
            write(&truth, &mut file).unwrap();
            prop_assert_eq!(read(file.as_slice()).unwrap(), truth);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(bytes.as_slice());
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let head = r#"{"scenario":"","hosts":["client"],"begun_us":0,"forgotten":0}"#;
        let file = format!("{head}\n{{}}\n");
        let error = read(file.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("truth line 2: missing field"), "{error}");
        assert!(read(&b""[..]).unwrap_err().to_string().contains("empty"));
    }
}
