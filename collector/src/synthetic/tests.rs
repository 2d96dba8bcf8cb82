//! A made nation is the same each time, is nobody's, and is judged as what it was made to be.
use super::*;
use crate::admin::EnrolmentPrivate;
use crate::analysis::openness::{PAGE, visit};
use crate::analysis::web::Fingerprints;
use crate::analysis::{Ground, Received, analyse};
use crate::testing::{HOUR_US, NOON_US, ground};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use tonle_evidence::entry::{EntryKind, Provenance};
use tonle_evidence::envelope::Opened;
use tonle_evidence::hash::{Hex, sha256};
use tonle_evidence::record::{Stream, body_of};
use tonle_evidence::strict_json;
use tonle_evidence::verdict::State;

const SETTINGS: Settings = Settings {
    agents: 24,
    days: 8,
    seed: 7,
    until_hour: NOON_US / HOUR_US,
};

fn entries(settings: Settings) -> Vec<NewEntry> {
    let mut world = World::new(settings, &ground().country);
    let hours = settings.from_hour()..settings.until_hour;
    hours.flat_map(|hour| world.hour(hour)).collect()
}

/// Those of [`SETTINGS`], made once.
static MADE: LazyLock<Vec<NewEntry>> = LazyLock::new(|| records(SETTINGS));

fn records(settings: Settings) -> Vec<NewEntry> {
    let mut entries = entries(settings);
    entries.retain(|entry| entry.kind == EntryKind::Record);
    entries
}

fn opened(entry: &NewEntry) -> Opened {
    Opened {
        public: strict_json::parse_as(&entry.public.unpack().unwrap()).unwrap(),
        private: strict_json::parse_as(&entry.private.unpack().unwrap()).unwrap(),
    }
}

fn received(entry: &NewEntry) -> Received<'_> {
    Received {
        provenance: entry.provenance,
        tier: entry.tier,
        received_at_us: entry.received_at_us,
        asn: entry.network.asn,
        resolver_asn: entry.network.resolver_asn,
        group_id: entry.network.group_id,
        marks: &entry.marks,
    }
}

fn made_ground() -> Ground {
    Ground {
        counts: Provenance::Synthetic,
        ..ground()
    }
}

#[test]
fn the_same_settings_give_the_same_records_and_another_seed_others() {
    let hashes = |seed| -> Vec<_> {
        let settings = Settings {
            agents: 5,
            days: 2,
            seed,
            ..SETTINGS
        };
        let entries = entries(settings);
        entries.iter().map(|entry| entry.record_hash).collect()
    };
    assert_eq!(hashes(1), hashes(1));
    assert!(hashes(1).iter().all(|hash| !hashes(2).contains(hash)));
}

#[test]
fn every_record_is_signed_in_its_agents_chain_and_says_that_it_is_made() {
    let mut chains: BTreeMap<_, (u64, _)> = BTreeMap::new();
    for entry in MADE.iter() {
        assert_eq!(entry.provenance, Provenance::Synthetic);
        let key = entry.key.unwrap();
        let halves = [&entry.public, &entry.private].map(|half| sha256(&half.unpack().unwrap()));
        let body = body_of(&halves[0], &halves[1]);
        let signature = entry.signature.unwrap();
        let verifying = tonle_evidence::VerifyingKey::from_bytes(&key.0).unwrap();
        let is_good =
            tonle_evidence::dsse::verify(&verifying, &entry.payload_type, &body, &signature);
        assert!(is_good);
        let private = opened(entry).private;
        let (sequence, last) = chains.get(&key).copied().unwrap_or((0, Hex::ZERO));
        assert_eq!((private.sequence, private.prev_hash), (sequence, last));
        chains.insert(key, (sequence + 1, entry.record_hash));
    }
    assert!(chains.len() > 20, "{}", chains.len());
}

#[test]
fn no_network_and_no_site_is_anybodys() {
    let country = ground().country;
    for entry in MADE.iter() {
        let asn = entry.network.asn.unwrap();
        assert!((64_496..=64_511).contains(&asn) && country.operator_of(asn).is_none());
        let target = opened(entry).public.target.value;
        let name = target.trim_start_matches("https://").trim_end_matches('/');
        assert!(name.ends_with(".example"), "{target}");
    }
}

#[test]
fn every_record_of_quality_is_taken_into_figures_and_covers_the_nation() {
    let ground = made_ground();
    let (mut provinces, mut metrics) = (BTreeSet::new(), BTreeSet::new());
    let settings = Settings {
        agents: 300,
        days: 1,
        ..SETTINGS
    };
    for entry in &records(settings) {
        let record = opened(entry);
        if record.public.method.stream == Stream::Openness {
            continue;
        }
        let facts = analyse(&record, &received(entry), &ground).unwrap();
        provinces.insert(facts.stratum.province);
        metrics.extend(facts.values.into_iter().map(|value| value.metric));
    }
    assert!(provinces.len() > 20, "{provinces:?}");
    for metric in [
        "latency.rtt_median_us/icmp/domestic",
        "latency.rtt_median_us/icmp/abroad",
        "throughput.download_bps/ndt7/domestic",
        "dns.resolution_us/configured",
        "web_page.setup_us/domestic",
    ] {
        assert!(metrics.contains(metric), "{metric} of {metrics:?}");
    }
}

#[test]
fn visits_are_judged_as_what_happens_in_the_nation() {
    let ground = made_ground();
    let world = World::new(SETTINGS, &ground.country);
    let ((site, when), networks) = (&world.events().blocked, world.events().blocked_in);
    let mut states: BTreeMap<(bool, State), usize> = BTreeMap::new();
    for entry in MADE.iter() {
        let record = opened(entry);
        let hour = record.private.t_start_us.div_euclid(HOUR_US);
        let judged = visit(&record, &received(entry), &ground, Fingerprints::built_in());
        let Some(seen) = judged.unwrap() else {
            continue;
        };
        let is_blocked = seen.target == *site
            && when.contains(&hour)
            && networks.contains(&entry.network.asn.unwrap());
        let page = seen.said.iter().find(|said| said.layer == PAGE).unwrap();
        *states.entry((is_blocked, page.state)).or_default() += 1;
    }
    let share = |is_blocked, state| {
        let of = |one: &(&(bool, State), &usize)| one.0.0 == is_blocked;
        let all: usize = states.iter().filter(of).map(|(_, count)| count).sum();
        states.get(&(is_blocked, state)).copied().unwrap_or(0) * 100 / all.max(1)
    };
    assert!(share(true, State::Blocked) >= 90, "{states:?}");
    assert!(share(false, State::Ok) >= 95, "{states:?}");
    assert!(states.contains_key(&(false, State::Down)), "{states:?}");
}

#[test]
fn a_silent_network_says_nothing_in_its_province() {
    let world = World::new(SETTINGS, &ground().country);
    let (network, province, when) = world.events().silent.clone();
    let mut heard_before = false;
    for entry in MADE.iter() {
        let record = opened(entry);
        let hour = record.private.t_start_us.div_euclid(HOUR_US);
        let is_there =
            entry.network.asn == Some(network) && record.public.province.code == province;
        heard_before |= is_there && hour < when.start;
        assert!(!(is_there && when.contains(&hour)));
    }
    assert!(heard_before);
}

#[test]
fn every_agent_joins_once_before_it_measures_and_few_share_an_invitation() {
    let settings = Settings {
        days: 1,
        agents: 50,
        ..SETTINGS
    };
    let entries = entries(settings);
    let (joined, rest) = entries.split_at(50);
    assert!(rest.iter().all(|entry| entry.kind == EntryKind::Record));
    let (mut keys, mut batches) = (BTreeSet::new(), BTreeSet::new());
    for entry in joined {
        assert_eq!(
            (entry.kind, entry.provenance),
            (EntryKind::Enrolment, Provenance::Synthetic)
        );
        let private = entry.private.unpack().unwrap();
        let private: EnrolmentPrivate = strict_json::parse_as(&private).unwrap();
        keys.insert(private.key.to_string());
        batches.insert(private.batch_id);
    }
    assert_eq!((keys.len(), batches.len()), (50, 42));
}
