//! Long answers: page by page, as CSV, and not sent again where they have not changed.
use crate::house::{House, RTT};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK};
use serde_json::Value;

async fn measured_house(agents: i64) -> House {
    let mut house = House::new();
    for agent in 0..agents {
        let mut joined = house.join_alone();
        house.measure(&mut joined, 20_000 + agent * 1_000).await;
    }
    house.catch_up().await;
    house
}

#[tokio::test]
async fn a_list_is_the_same_page_by_page_and_at_once() {
    let house = measured_house(6).await;
    for (uri, rows) in [
        (format!("/api/v1/statements?metric={RTT}"), "statements"),
        (format!("/api/v1/statements/wider?metric={RTT}"), "wider"),
        ("/api/v1/standards?operator=metfone".into(), "verdicts"),
        (
            "/api/v1/composites?province=KH-12&access=fixed".into(),
            "composites",
        ),
        (
            format!("/api/v1/cells?metric={RTT}&province=KH-12"),
            "cells",
        ),
    ] {
        let whole = house.get(&uri).await.json();
        let whole = whole[rows].as_array().unwrap().clone();
        let mut seen = Vec::new();
        let mut next = format!("{uri}&limit=7");
        loop {
            let answer = house.get(&next).await;
            assert_eq!(answer.status, 200, "{next}: {}", answer.body);
            let page = answer.json();
            seen.extend(page[rows].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["next"].as_str() else {
                assert!(!answer.headers.contains_key(LINK));
                break;
            };
            next = format!("{uri}&limit=7&cursor={cursor}");
            let link = answer.headers[LINK].to_str().unwrap();
            let query = next.split_once('?').unwrap().1;
            assert_eq!(link, format!("<?{query}>; rel=\"next\""));
        }
        assert_eq!(seen, whole, "{uri}");
        assert!(whole.len() > 7, "{uri}");
    }
}

#[tokio::test]
async fn csv_has_a_row_for_each_of_json_and_the_same_figures() {
    let house = measured_house(6).await;
    let uri = format!("/api/v1/statements?province=KH-12&access=fixed&metric={RTT}");
    let answer = house.get(&format!("{uri}&format=csv")).await;
    let kind = answer.headers[CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/csv"), "{kind}");
    let lines: Vec<&str> = answer.body.split_terminator("\r\n").collect();
    assert!(lines[0].starts_with("metric,unit,province,access,period,window,state,median,low"));
    let row = "fixed,2026-11,all,estimate,22500,20000,25000,968750,6,6,6,";
    assert!(lines[1].contains(row), "{}", lines[1]);
    assert!(lines[1].ends_with(",among volunteers measured"));
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn a_province_without_agents_is_told_whom_it_is_pooled_to() {
    let house = measured_house(6).await;
    let of = async |province: &str| {
        let uri = format!("/api/v1/statements?province={province}&access=fixed&metric={RTT}");
        house.get(&uri).await.json()["statements"][0].clone()
    };
    let kandal = of("KH-8").await;
    assert_eq!(kandal["state"], "no_data");
    assert_eq!(kandal["pooled"]["speaks_of"]["level"], "region");
    assert_eq!(kandal["pooled"]["speaks_of"]["region"], "plain");
    assert_eq!(kandal["pooled"]["figure"]["median"], 22_500);
    let elsewhere = of("KH-23").await;
    assert!(
        elsewhere.get("pooled").is_none(),
        "below the floor: {elsewhere}"
    );
    let own = of("KH-12").await;
    assert!(own.get("pooled").is_none(), "it has its own: {own}");
}

#[tokio::test]
async fn an_operators_cell_has_its_own_figure_and_others_are_pooled_to_the_province() {
    let house = measured_house(6).await;
    let of = async |operator: &str| {
        let uri = format!("/api/v1/cells?metric={RTT}&access=fixed&province=KH-12");
        let answer = house
            .get(&format!("{uri}&operator={operator}"))
            .await
            .json();
        answer["cells"][0].clone()
    };
    let own = of("metfone").await;
    assert_eq!(own["figure"]["median"], 22_500);
    assert_eq!(own["counts"]["agents"], 6);
    let other = of("smart").await;
    assert_eq!(other["state"], "no_data");
    assert_eq!(other["pooled"]["speaks_of"]["level"], "province");
    assert_eq!(other["pooled"]["speaks_of"]["province"], "KH-12");
    let uri = format!("/api/v1/comparisons?metric={RTT}");
    let none = house.get(&uri).await.json();
    assert_eq!(none["comparisons"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn cells_are_told_apart_by_kind_of_place_and_say_which_hours_are_peak() {
    let house = measured_house(6).await;
    let uri = format!("/api/v1/cells?metric={RTT}&access=fixed&province=KH-12");
    let one = house.get(&format!("{uri}&place=home")).await.json();
    assert_eq!(one["by"], "place");
    assert_eq!(one["peak"]["from_hour"], 19);
    let cells = one["cells"].as_array().unwrap();
    assert_eq!((cells.len(), &cells[0]["place"]), (1, &"home".into()));
    assert!(cells[0].get("operator").is_none());
    let by_hour = house.get(&format!("{uri}&by=hour")).await.json();
    assert_eq!(by_hour["rules"]["k"], 10);
    let hours = by_hour["cells"].as_array().unwrap();
    assert_eq!((hours.len(), &hours[23]["hour"]), (24, &23.into()));
    let csv = house.get(&format!("{uri}&by=hour&format=csv")).await.body;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("province,operator,place,technology,tier,hour,access,state,"));
    assert!(lines[1].starts_with("KH-12,,,,,0,fixed,"), "{}", lines[1]);
}

#[tokio::test]
async fn the_plan_says_what_cells_lack_and_tells_no_hidden_number() {
    let house = measured_house(5).await;
    let uri = format!("/api/v1/panel?metric={RTT}&limit=10000");
    let plan = house.get(&uri).await.json();
    let fixed = &plan["coverage"][1];
    assert_eq!(fixed["access"], "fixed");
    assert_eq!(
        (&fixed["insufficient"], &fixed["no_data"]),
        (&1.into(), &24.into())
    );
    assert!(
        plan["caption"]
            .as_str()
            .unwrap()
            .contains("coverage of the panel")
    );
    let first = &plan["needs"][0];
    assert_eq!(first["speaks_of"]["province"], "KH-12");
    assert_eq!(
        (&first["agents"], &first["to_goal"]["agents"]),
        (&5.into(), &1.into())
    );
    let awaiting = plan["awaiting"].as_array().unwrap();
    assert!(awaiting.iter().any(|id| id == "kh.trc.mobile.download"));
    let needs = plan["needs"].as_array().unwrap();
    let of_rule = |need: &Value| need["standard"] == "kh.trc.mobile.download";
    assert!(!needs.iter().any(of_rule), "no agent decides it");
    let hidden = measured_house(3).await;
    let plan = hidden.get(&uri).await.json();
    let said = |need: &&Value| need["said"] == "suppressed";
    for need in plan["needs"].as_array().unwrap().iter().filter(said) {
        assert!(need.get("agents").is_none(), "{need}");
        assert_eq!(need["to_be_counted"]["at_most"], true, "{need}");
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_new_records_change_it() {
    let mut house = measured_house(6).await;
    let uri = format!("/api/v1/statements?province=KH-12&metric={RTT}&format=csv");
    let tag = house.get(&uri).await.headers[ETAG].clone();
    let again = |tag| {
        let request = Request::get(&uri).header(IF_NONE_MATCH, tag);
        request.body(Body::empty()).unwrap()
    };
    let unchanged = house.send(again(tag.clone())).await;
    assert_eq!(
        (unchanged.status.as_u16(), unchanged.body.as_str()),
        (304, "")
    );
    let standards = "/api/v1/standards?operator=metfone&province=KH-12&format=csv";
    let before = house.get(standards).await.body;
    let mut joined = house.join_alone();
    house.measure(&mut joined, 90_000).await;
    house.catch_up().await;
    assert_eq!(house.send(again(tag)).await.status, 200);
    assert_ne!(
        house.get(standards).await.body,
        before,
        "the kept table is old"
    );
}

#[tokio::test]
async fn parameters_that_are_wrong_or_unknown_are_errors_that_name_them() {
    let house = House::new();
    let wider = format!("/api/v1/statements/wider?metric={RTT}");
    for (uri, status, says) in [
        (format!("{wider}&province=KH-1"), 400, "province"),
        (format!("{wider}&format=xml"), 400, "json, csv"),
        (format!("{wider}&limit=0"), 400, "1 to 10000"),
        (format!("{wider}&limit=many"), 400, "limit"),
        (format!("{wider}&cursor=abc"), 400, "cursor"),
        (format!("{wider}&window=noon"), 400, "off_peak"),
        ("/api/v1/statements/wider".into(), 400, "metric"),
        (
            "/api/v1/statements/wider?metric=speed".into(),
            404,
            "/api/v1/metrics",
        ),
        ("/api/v1/standards?format=xml".into(), 400, "json, csv"),
        (
            format!("/api/v1/cells?metric={RTT}&province=KH-99"),
            404,
            "KH-99",
        ),
        (format!("/api/v1/cells?metric={RTT}&operator=x"), 404, "'x'"),
        (
            format!("/api/v1/cells?metric={RTT}&operater=x"),
            400,
            "operater",
        ),
        ("/api/v1/comparisons".into(), 400, "metric"),
        (
            format!("/api/v1/comparisons?metric={RTT}&by=hour"),
            400,
            "hours",
        ),
        (format!("{wider}&window=hour_24"), 400, "hour_23"),
        (
            format!("/api/v1/cells?metric={RTT}&by=street"),
            400,
            "place",
        ),
        (
            format!("/api/v1/cells?metric={RTT}&place=palace"),
            400,
            "school",
        ),
        (
            format!("/api/v1/cells?metric={RTT}&place=home&operator=smart"),
            400,
            "one of operator",
        ),
        (
            format!("/api/v1/cells?metric={RTT}&place=home&by=tier"),
            400,
            "one of operator",
        ),
        (
            format!("/api/v1/cells?metric={RTT}&by=hour&window=peak"),
            400,
            "window",
        ),
        ("/api/v1/panel?metric=speed".into(), 404, "/api/v1/metrics"),
        ("/api/v1/panel?province=KH-1".into(), 400, "province"),
    ] {
        let answer = house.get(&uri).await;
        assert_eq!(answer.status, status, "{uri}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(says), "{uri}: {detail}");
    }
}
