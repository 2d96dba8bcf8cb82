//! Below k nothing says how many: not a page, not the API, not a gauge.
use crate::house::{Answer, House, RTT};
use serde_json::Value;

/// Everything that is open to anyone, without what belongs to one device or one record.
const PUBLIC: [&str; 29] = [
    "/",
    "/?lang=km&access=fixed&period=2026-11",
    "/?metric=latency.rtt_median_us/icmp/domestic&access=fixed",
    "/provinces/KH-12",
    "/provinces/KH-12?lang=km",
    "/api/v1/statements?province=KH-12",
    "/api/v1/statements?metric=latency.rtt_median_us/icmp/domestic",
    "/api/v1/statements?province=KH-12&access=fixed&period=2026-11",
    "/api/v1/statements?province=KH-12&window=peak",
    "/api/v1/standards?province=KH-12",
    "/api/v1/standards",
    "/api/v1/standards?format=csv&limit=10000",
    "/api/v1/statements?province=KH-12&format=csv",
    "/api/v1/statements?province=KH-12&format=csv&window=off_peak",
    "/api/v1/statements/wider?metric=latency.rtt_median_us/icmp/domestic",
    "/api/v1/cells?metric=latency.rtt_median_us/icmp/domestic&limit=10000",
    "/api/v1/cells?metric=latency.rtt_median_us/icmp/domestic&format=csv&limit=10000",
    "/api/v1/statements?province=KH-12&window=hour_19",
    "/api/v1/cells?metric=latency.rtt_median_us/icmp/domestic&by=place&limit=10000",
    "/api/v1/cells?metric=latency.rtt_median_us/icmp/domestic&by=hour&format=csv&limit=10000",
    "/api/v1/cells?metric=latency.rtt_median_us/icmp/domestic&by=technology&limit=10000",
    "/api/v1/cells?metric=latency.rtt_median_us/icmp/domestic&by=tier&window=off_peak&limit=10000",
    "/api/v1/comparisons?metric=latency.rtt_median_us/icmp/domestic&place=home",
    "/api/v1/panel?metric=latency.rtt_median_us/icmp/domestic&limit=10000",
    "/api/v1/panel?metric=latency.rtt_median_us/icmp/domestic&format=csv&limit=10000",
    "/api/v1/comparisons?metric=latency.rtt_median_us/icmp/domestic",
    "/api/v1/statements/wider?metric=latency.rtt_median_us/icmp/domestic&format=csv",
    "/healthz",
    "/readyz",
];

async fn everything_public(house: &House) -> (Vec<Answer>, String) {
    let mut answers = Vec::new();
    for uri in PUBLIC {
        let answer = house.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}");
        answers.push(answer);
    }
    (answers, house.service_gauges().await)
}

/// The statement of the measured metric on fixed lines in Phnom Penh.
async fn statement(house: &House) -> Value {
    let uri = format!("/api/v1/statements?province=KH-12&access=fixed&metric={RTT}");
    let answer = house.get(&uri).await.json();
    answer["statements"][0].clone()
}

async fn house_of(agents: u8, records_each: i64) -> House {
    let mut house = House::new();
    for agent in 0..agents {
        let mut joined = house.join_alone();
        for turn in 0..records_each {
            let rtt_us = 20_000 + i64::from(agent) * 1_000 + turn;
            house.measure(&mut joined, rtt_us).await;
        }
    }
    house.catch_up().await;
    house
}

#[tokio::test]
async fn below_k_agents_every_public_answer_is_the_same_whatever_their_number() {
    let one = everything_public(&house_of(1, 1).await).await;
    for (agents, records_each) in [(1, 7), (2, 1), (3, 2), (4, 1), (4, 5)] {
        let several = everything_public(&house_of(agents, records_each).await).await;
        assert_eq!(
            several, one,
            "{agents} agents with {records_each} records each"
        );
    }
    assert!(
        !one.1.contains("KH-12"),
        "a gauge of a suppressed cell: {}",
        one.1
    );
    let house = house_of(4, 2).await;
    let statement = statement(&house).await;
    assert_eq!(statement["state"], "suppressed");
    assert!(statement.get("counts").is_none() && statement.get("figure").is_none());
}

#[tokio::test]
async fn five_agents_are_counted_and_six_give_an_estimate_with_its_interval() {
    let five = house_of(5, 2).await;
    let counted = statement(&five).await;
    assert_eq!(counted["state"], "insufficient");
    assert_eq!(counted["counts"]["agents"], 5);
    assert_eq!(counted["counts"]["records"], 10);
    assert!(counted.get("figure").is_none());
    assert!(
        !five
            .service_gauges()
            .await
            .contains("tonle_estimate_median")
    );

    let six = house_of(6, 2).await;
    let estimate = statement(&six).await;
    assert_eq!(estimate["state"], "estimate");
    let figure = &estimate["figure"];
    assert_eq!(figure["low"], 20_000);
    assert_eq!(figure["median"], 22_500);
    assert_eq!(figure["high"], 25_000);
    assert_eq!(figure["coverage_ppm"], 968_750);
    let gauges = six.service_gauges().await;
    assert!(
        gauges.contains("province=\"KH-12\",unit=\"us\"} 22500"),
        "{gauges}"
    );
}

#[tokio::test]
async fn six_joins_by_one_invitation_on_one_address_count_once_unless_vouched() {
    for (vouched, expected) in [(false, "suppressed"), (true, "estimate")] {
        let mut house = House::new();
        let invitation = house.invite(6, vouched);
        for agent in 0..6 {
            let mut joined = house.join(&invitation);
            house.measure(&mut joined, 20_000 + agent).await;
        }
        house.catch_up().await;
        let statement = statement(&house).await;
        assert_eq!(statement["state"], expected, "vouched: {vouched}");
    }
}

#[tokio::test]
async fn a_province_without_agents_has_no_data() {
    let house = house_of(6, 1).await;
    let uri = format!("/api/v1/statements?province=KH-1&access=fixed&metric={RTT}");
    let answer = house.get(&uri).await.json();
    assert_eq!(answer["statements"][0]["state"], "no_data");
}
