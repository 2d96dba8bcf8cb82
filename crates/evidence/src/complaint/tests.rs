//! The rules of a complaint: what counts, when the next test may begin, and what follows.
use super::*;
use proptest::prelude::*;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;
/// 2026-11-09T17:00:00Z, midnight in Phnom Penh.
const MIDNIGHT_US: i64 = 1_794_243_600_000_000;
const OFFSET_S: i32 = 25_200;

fn test(at_us: i64, rate_bps: i64) -> Test {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&at_us.to_be_bytes());
    Test {
        record_hash: Hex(hash),
        t_start_us: at_us,
        t_end_us: at_us + MINUTE_US,
        day: LocalHour::at(at_us, OFFSET_S).day,
        download_bps: Some(rate_bps),
        upload_bps: Some(rate_bps),
        bytes_used: 1_000,
        others_bytes: Some(0),
        breaches: Vec::new(),
    }
}

/// A whole day from six in the morning on.
fn day(number: i64, rate_bps: i64) -> Vec<Test> {
    let begin = MIDNIGHT_US + number * DAY_US + 6 * HOUR_US;
    let at = |place: i64| begin + place * 10 * MINUTE_US + i64::from(place >= 5) * 4 * HOUR_US;
    (0..10).map(|place| test(at(place), rate_bps)).collect()
}

fn far(terms: &Terms, tests: &[Test], now_us: i64) -> Progress {
    progress(terms, tests, now_us, OFFSET_S)
}

fn complaint(tests: Vec<Test>) -> Complaint {
    let terms = Terms::default();
    let far = far(&terms, &tests, i64::MAX / 2);
    let promised = Promised {
        max_bps: Some(100),
        normal_bps: Some(80),
        min_bps: Some(50),
    };
    let mut complaint = Complaint {
        schema: COMPLAINT_SCHEMA.into(),
        country: "KH".into(),
        utc_offset_s: OFFSET_S,
        signed_at_us: MIDNIGHT_US,
        operator: None,
        terms,
        contract: Contract {
            download: promised,
            upload: Promised::default(),
        },
        tests,
        counted: far.counted,
        findings: Vec::new(),
    };
    complaint.findings = complaint.reckoned();
    complaint
}

#[test]
fn thirty_tests_on_three_days_with_a_day_between_are_complete() {
    let terms = Terms::default();
    terms.check().unwrap();
    let tests = [day(0, 9), day(2, 9), day(4, 9)].concat();
    let far = far(&terms, &tests, MIDNIGHT_US + 5 * DAY_US);
    assert_eq!((far.days.len(), far.counted.len()), (3, 30));
    assert_eq!(far.next, Next::Complete);
}

#[test]
fn two_days_in_a_row_do_not_both_count() {
    let tests = [day(0, 9), day(1, 9)].concat();
    let now_us = MIDNIGHT_US + DAY_US + 20 * HOUR_US;
    let far = far(&Terms::default(), &tests, now_us);
    assert_eq!(far.days.len(), 1);
    assert_eq!(far.next, Next::At(MIDNIGHT_US + 2 * DAY_US));
}

#[test]
fn a_day_that_is_too_long_ago_is_given_up() {
    let tests = [day(0, 9), day(2, 9), day(14, 9)].concat();
    let far = far(&Terms::default(), &tests, MIDNIGHT_US + 15 * DAY_US);
    assert_eq!(far.days.len(), 2);
    assert_ne!(far.next, Next::Complete);
}

#[test]
fn a_day_without_all_its_tests_does_not_count() {
    let mut tests = day(0, 9);
    tests[9].breaches.push(Breach::OtherTraffic);
    let far = far(&Terms::default(), &tests, MIDNIGHT_US + 12 * HOUR_US);
    assert_eq!((far.days.len(), far.today), (0, 9));
}

#[test]
fn tests_keep_their_distance_and_the_pause_in_the_middle() {
    let terms = Terms::default();
    let morning = day(0, 9);
    let four_end = morning[3].t_end_us;
    let far_of = |tests: &[Test], now_us| far(&terms, tests, now_us).next;
    assert_eq!(
        far_of(&morning[..4], four_end),
        Next::At(four_end + 5 * MINUTE_US)
    );
    assert_eq!(far_of(&morning[..4], four_end + 5 * MINUTE_US), Next::Now);
    let five_end = morning[4].t_end_us;
    assert_eq!(
        far_of(&morning[..5], five_end),
        Next::At(five_end + 3 * HOUR_US)
    );
    let hurried: Vec<Test> = (0..10)
        .map(|place| test(MIDNIGHT_US + place * 2 * MINUTE_US, 9))
        .collect();
    assert!(far(&terms, &hurried, MIDNIGHT_US).today < 5);
}

#[test]
fn a_day_that_is_too_short_for_all_tests_is_not_begun() {
    let evening = MIDNIGHT_US + 22 * HOUR_US;
    let far = far(&Terms::default(), &[], evening);
    assert_eq!(far.next, Next::At(MIDNIGHT_US + DAY_US));
}

#[test]
fn findings_say_of_each_promise_how_often_it_was_not_kept() {
    let slow = complaint([day(0, 60), day(2, 60), day(4, 95)].concat());
    let said: Vec<(&str, bool, u32, u32)> = slow
        .findings
        .iter()
        .map(|one| (one.promised.as_str(), one.deviates, one.short, one.of))
        .collect();
    assert_eq!(
        said,
        [
            ("max", true, 2, 3),
            ("normal", true, 20, 30),
            ("min", false, 0, 3)
        ]
    );
    let good = complaint([day(0, 95), day(2, 95), day(4, 60)].concat());
    assert!(!good.findings[0].deviates, "one day is not two");
}

#[test]
fn terms_that_cannot_be_kept_are_refused() {
    let refused = |change: fn(&mut Terms), says: &str| {
        let mut terms = Terms::default();
        change(&mut terms);
        let reason = terms.check().unwrap_err();
        assert!(reason.contains(says), "{reason}");
    };
    refused(|terms| terms.within_days = 4, "within_days");
    refused(|terms| terms.spacing_s = 20_000, "do not fit");
    refused(|terms| terms.days = 0, "days");
    refused(|terms| terms.max_bytes = 1, "max_bytes");
    refused(|terms| terms.max_missed_days = 4, "max_missed_days");
}

#[test]
fn a_complaint_of_another_key_or_changed_is_not_believed() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let signed = SignedComplaint::sign(&key, &complaint(day(0, 9))).unwrap();
    assert_eq!(signed.open().unwrap(), complaint(day(0, 9)));
    let other = SigningKey::from_bytes(&[4; 32]);
    let of_other = SignedComplaint {
        key: Hex(other.verifying_key().to_bytes()),
        ..signed
    };
    assert_eq!(of_other.open().unwrap_err(), DocumentError::Signature);
}

#[test]
fn a_complaint_without_its_records_does_not_hold() {
    let wrong = complaint(day(0, 9)).check(&BTreeMap::new());
    assert_eq!(wrong.len(), 10);
    assert!(wrong[0].contains("not here"), "{}", wrong[0]);
}

proptest! {
    #[test]
    fn whoever_waits_as_told_completes_it_and_never_breaks_a_rule(
        days in 1u32..4, tests_per_day in 1u32..6, between in 0u32..3, spacing_s in 0u32..4_000,
        start in 0i64..DAY_US, bad in proptest::collection::vec(any::<bool>(), 0..8),
    ) {
        let terms = Terms { days, tests_per_day, days_between: between, spacing_s, pause_after: 2, pause_s: 7_200, within_days: 20, max_missed_days: 1, ..Terms::default() };
        prop_assume!(terms.check().is_ok());
        let (mut tests, mut now_us, mut bad) = (Vec::new(), MIDNIGHT_US + start, bad.into_iter());
        let mut turns = 0;
        loop {
            turns += 1;
            prop_assert!(turns < 500, "it ends");
            match far(&terms, &tests, now_us).next {
                Next::Complete => break,
                Next::At(at_us) => {
                    prop_assert!(at_us > now_us, "time goes on");
                    now_us = at_us;
                }
                Next::Now => {
                    let mut one = test(now_us, 9);
                    if bad.next() == Some(true) {
                        one.breaches.push(Breach::OtherTraffic);
                    }
                    now_us = one.t_end_us;
                    tests.push(one);
                }
            }
        }
        let far = far(&terms, &tests, now_us);
        prop_assert_eq!(far.counted.len(), (days * tests_per_day) as usize);
    }

    #[test]
    fn no_tests_make_it_panic(
        at in proptest::collection::vec(any::<i64>(), 0..20), now_us in any::<i64>(), offset in -86_400i32..86_400,
    ) {
        let tests: Vec<Test> = at.into_iter().map(|at_us| Test { t_end_us: at_us, t_start_us: at_us, ..test(MIDNIGHT_US, 1) }).collect();
        let _ = progress(&Terms::default(), &tests, now_us, offset);
    }
}
