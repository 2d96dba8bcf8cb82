//! One test per rule from record to facts.
use super::{Facts, Ground, LeftOut, NoCell, Received, analyse, resolver_address};
use crate::testing::{HOUR_US, NOON_US, RTT, ground, opened};
use serde_json::{Value as Json, json};
use tonle_evidence::entry::{Mark, Provenance, Tier};
use tonle_evidence::envelope::Opened;
use tonle_evidence::hash::Hex;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{ClockState, LimitedBy, ProvinceKnown, Sample, Technology};
use tonle_evidence::statement::Access;

const RECEIVED: Received<'static> = Received {
    provenance: Provenance::Signed,
    tier: Tier::Vetted,
    received_at_us: NOON_US + 60_000_000,
    asn: None,
    resolver_asn: None,
    group_id: Some(Hex([3; 8])),
    marks: &[],
};

fn facts_of(change: impl FnOnce(&mut Opened)) -> Result<Facts, NoCell> {
    let mut record = opened(NOON_US, 20_000);
    change(&mut record);
    analyse(&record, &RECEIVED, &ground())
}

fn with_marks(marks: &[Mark]) -> Result<Facts, NoCell> {
    let received = Received { marks, ..RECEIVED };
    analyse(&opened(NOON_US, 20_000), &received, &ground())
}

#[test]
fn a_sound_record_gives_its_values_and_its_stratum() {
    let facts = facts_of(|_| ()).unwrap();
    assert_eq!(facts.hour.to_string(), "2026-11-10T12");
    assert_eq!(facts.stratum.province, "KH-12");
    assert_eq!(facts.stratum.operator, "metfone");
    assert_eq!(facts.stratum.access(), Access::Fixed);
    assert_eq!(facts.stratum.tier, Tier::Vetted);
    assert_eq!(facts.values.len(), 1);
    assert_eq!(
        (facts.values[0].metric.as_str(), facts.values[0].value),
        (RTT, 20_000)
    );
    assert!(facts.left_out.is_empty());
}

#[test]
fn what_intake_marked_as_unfit_enters_no_cell() {
    let newer = with_marks(&[Mark::Late, Mark::NewerVersion]);
    assert_eq!(newer, Err(NoCell::NewerVersion));
    assert_eq!(with_marks(&[Mark::UnknownKind]), Err(NoCell::UnknownKind));
    assert_eq!(with_marks(&[Mark::Implausible]), Err(NoCell::Implausible));
    assert!(with_marks(&[Mark::Late, Mark::Equivocation]).is_ok());
}

#[test]
fn only_signed_records_enter_cells() {
    for provenance in [Provenance::Ooni, Provenance::Browser, Provenance::Synthetic] {
        let received = Received {
            provenance,
            ..RECEIVED
        };
        let facts = analyse(&opened(NOON_US, 1), &received, &ground());
        assert_eq!(facts, Err(NoCell::NotSigned));
    }
    let synthetic = Ground {
        counts: Provenance::Synthetic,
        ..ground()
    };
    let facts = analyse(&opened(NOON_US, 1), &RECEIVED, &synthetic);
    assert_eq!(
        facts,
        Err(NoCell::NotSigned),
        "nor measured ones among made ones"
    );
}

#[test]
fn a_record_without_a_confirmed_province_of_this_country_enters_no_cell() {
    let abroad = facts_of(|record| record.public.country = "LA".into());
    assert_eq!(abroad, Err(NoCell::OtherCountry));
    let nowhere = facts_of(|record| record.public.province.code = "KH-99".into());
    assert_eq!(nowhere, Err(NoCell::UnknownProvince));
    let moved = facts_of(|record| record.public.province.known = ProvinceKnown::Unconfirmed);
    assert_eq!(moved, Err(NoCell::UnconfirmedProvince));
}

#[test]
fn a_clock_that_cannot_be_believed_is_corrected_by_its_known_offset_or_left_out() {
    for state in [ClockState::Unsynchronised, ClockState::Unknown] {
        let lost = facts_of(|record| record.public.context.clock.state = state);
        assert_eq!(lost, Err(NoCell::ClockNotKnown));
        let corrected = facts_of(|record| {
            record.public.context.clock.state = state;
            record.public.context.clock.offset_us = Some(-2 * HOUR_US);
        });
        assert_eq!(corrected.unwrap().hour.to_string(), "2026-11-10T10");
    }
    let by_private_half = facts_of(|record| {
        record.public.context.clock.state = ClockState::Unknown;
        record.public.context.clock.offset_us = Some(-HOUR_US);
        record.private.clock_offset_us = Some(-2 * HOUR_US);
    });
    assert_eq!(by_private_half.unwrap().hour.to_string(), "2026-11-10T10");
    let synchronised = facts_of(|record| {
        record.public.context.clock.offset_us = Some(-2 * HOUR_US);
    });
    assert_eq!(synchronised.unwrap().hour.to_string(), "2026-11-10T12");
}

#[test]
fn a_run_that_began_after_its_receipt_enters_no_cell() {
    let future = facts_of(|record| record.private.t_start_us += HOUR_US);
    assert_eq!(future, Err(NoCell::Future));
}

#[test]
fn the_network_names_the_operator_where_its_number_is_known() {
    let by = |asn| {
        let received = Received {
            asn: Some(asn),
            ..RECEIVED
        };
        analyse(&opened(NOON_US, 1), &received, &ground()).unwrap()
    };
    assert_eq!(by(45_498).stratum.operator, "smart");
    assert_eq!(by(64_500).stratum.operator, "as64500");
    let silent = facts_of(|record| record.public.operator.declared = None);
    assert_eq!(silent.unwrap().stratum.operator, "unknown");
}

#[test]
fn what_the_volunteer_says_of_the_technology_comes_before_what_the_device_found() {
    let detected = facts_of(|record| {
        record.public.technology.declared = Some(Technology::Unknown);
        record.public.technology.detected = Some(Technology::Mobile4g);
    });
    assert_eq!(detected.unwrap().stratum.access(), Access::Mobile);
    let silent = facts_of(|record| record.public.technology.declared = None);
    assert_eq!(silent.unwrap().stratum.access(), Access::Unknown);
}

#[test]
fn on_mobile_access_the_prefix_says_nothing_of_who_it_is() {
    let mobile = facts_of(|record| record.public.technology.declared = Some(Technology::Mobile5g));
    assert_eq!(mobile.unwrap().sighting.group_id, None);
    assert_eq!(
        facts_of(|_| ()).unwrap().sighting.group_id,
        RECEIVED.group_id
    );
}

fn sample(metric: &str, value: i64, unit: &str) -> Sample {
    Sample {
        metric: metric.into(),
        value,
        unit: unit.into(),
    }
}

#[test]
fn samples_that_are_not_as_declared_are_left_out_one_by_one() {
    let facts = facts_of(|record| {
        record.public.samples.extend([
            sample("latency.rtt_us/carrier_pigeon", 1, "us"),
            sample(RTT, 1, "ms"),
            sample(RTT, -1, "us"),
            sample(RTT, i64::MAX, "us"),
        ]);
    });
    let facts = facts.unwrap();
    let reasons: Vec<LeftOut> = facts.left_out.iter().map(|(_, reason)| *reason).collect();
    let expected = [
        LeftOut::Undeclared,
        LeftOut::WrongUnit,
        LeftOut::OutOfRange,
        LeftOut::OutOfRange,
    ];
    assert_eq!(reasons, expected);
    assert_eq!(facts.values.len(), 1);
}

#[test]
fn a_throughput_that_the_line_did_not_limit_says_nothing_of_the_line() {
    let full = "throughput.download_bps/ndt7/domestic";
    let capped = "throughput.download_bps/ndt7_capped/domestic";
    let entering = |limited_by| {
        let facts = facts_of(|record| {
            record.public.context.limited_by = limited_by;
            record.public.samples = vec![sample(full, 9, "bps"), sample(capped, 9, "bps")];
        });
        let values = facts.unwrap().values;
        values
            .into_iter()
            .map(|value| value.metric)
            .collect::<Vec<_>>()
    };
    assert!(entering(None).is_empty());
    assert_eq!(entering(Some(LimitedBy::Line)), [full, capped]);
    assert_eq!(entering(Some(LimitedBy::Cap)), [capped]);
    assert!(entering(Some(LimitedBy::Unknown)).is_empty());
    assert!(entering(Some(LimitedBy::Wifi)).is_empty());
    let other_kind = facts_of(|record| {
        record.public.samples = vec![
            sample("throughput1.download_bps/full/domestic", 9, "bps"),
            sample("throughput.download_bps/ndt7/local", 9, "bps"),
        ];
    });
    let left_out = other_kind.unwrap().left_out;
    let metric = "throughput1.download_bps/full/domestic".to_owned();
    assert_eq!(left_out, [(metric.clone(), LeftOut::LimitNotKnown)]);
    let of_the_line = facts_of(|record| {
        record.public.context.limited_by = Some(LimitedBy::Line);
        record.public.samples = vec![sample(&metric, 9, "bps")];
    });
    assert_eq!(of_the_line.unwrap().values[0].metric, metric);
    let latency = facts_of(|record| record.public.context.limited_by = Some(LimitedBy::Wifi));
    assert_eq!(latency.unwrap().values.len(), 1);
}

#[test]
fn a_throughput_on_a_line_that_others_used_enters_no_cell() {
    let left_out = |others: Option<i64>, metric: &str| {
        let facts = facts_of(|record| {
            record.public.context.bytes_used = 1_000;
            record.public.context.limited_by = Some(LimitedBy::Line);
            record.public.context.cross_traffic_bytes = others;
            record.public.samples = vec![sample(metric, 9, "bps")];
        });
        let left_out = facts.unwrap().left_out;
        left_out.first().map(|(_, reason)| *reason)
    };
    let abroad = "throughput.download_bps/ndt7/abroad";
    assert_eq!(left_out(None, abroad), None);
    assert_eq!(left_out(Some(100), abroad), None);
    assert_eq!(left_out(Some(101), abroad), Some(LeftOut::BusyLine));
    assert_eq!(
        left_out(Some(101), "throughput.download_bps/ndt7/local"),
        None,
        "a path that is local is of no line"
    );
}

#[test]
fn the_fingerprint_changes_with_whatever_the_rules_refer_to() {
    let before = ground().fingerprint();
    let changed = |change: fn(&mut Ground)| {
        let mut ground = ground();
        change(&mut ground);
        ground.fingerprint()
    };
    assert_eq!(changed(|_| ()), before);
    assert_ne!(changed(|ground| ground.country.utc_offset_s = 0), before);
    assert_ne!(
        changed(|ground| ground.country.operators[0].asns.clear()),
        before
    );
    assert_ne!(
        changed(|ground| drop(ground.country.provinces.pop())),
        before
    );
}

#[test]
fn the_devices_own_resolver_asks_from_the_network_that_no_public_resolver_was_asked_for() {
    let identity = |resolver: &str, addresses: Json| {
        let mut record = opened(NOON_US, 0);
        let detail = json!({ "resolver": resolver, "addresses": addresses });
        record.public.observations = vec![Observation {
            t_start_us: 0,
            t_end_us: 1,
            operation: "resolver_identity".into(),
            subject: Some("whoami.example".into()),
            failure: None,
            detail: serde_json::from_value(detail).unwrap(),
        }];
        resolver_address(&record.public).map(|address| address.to_string())
    };
    let told = Some("203.0.113.0".to_owned());
    assert_eq!(identity("system", json!(["203.0.113.0"])), told);
    assert_eq!(
        identity("lan_resolver", json!(["lan", "203.0.113.0"])),
        told
    );
    assert_eq!(identity("8.8.8.8:53", json!(["203.0.113.0"])), None);
    assert_eq!(identity("system", json!(["lan"])), None);
    assert_eq!(identity("system", json!("lan")), None);
}
