//! Runs that the checks around them speak against give no verdict; each with the same run without.
use super::tests::{in_words, layers};
use super::verdict;
use crate::analysis::web::fingerprints::tests::shipped;
use crate::analysis::web::ooni::tests::facts;
use crate::analysis::web::scenarios;

const BLOCKED: &str = "dnsBlockingBOGON";

#[test]
fn a_captive_portal_makes_the_run_invalid_whatever_it_answered_for_the_page() {
    let mut facts = facts(&scenarios::measurement(BLOCKED).json());
    assert!(verdict(&facts, &shipped()).overall.state.is_blocking());
    facts.run.portal = Some("/observations/0".to_owned());
    let judged = verdict(&facts, &shipped());
    assert_eq!(
        in_words(&judged.overall),
        ("insufficient".into(), "invalid_run".into())
    );
    assert_eq!(judged.overall.rules[0].rule, "run.portal");
    assert_eq!(judged.overall.rules[0].observations, ["/observations/0"]);
    assert!(layers(&judged).is_empty());
}

#[test]
fn a_line_on_which_no_known_site_is_reached_makes_the_run_invalid() {
    let mut facts = facts(&scenarios::measurement(BLOCKED).json());
    facts.run.known_good_failed = vec!["/observations/1".to_owned(), "/observations/2".to_owned()];
    let judged = verdict(&facts, &shipped());
    assert_eq!(in_words(&judged.overall).1, "invalid_run");
    assert_eq!(judged.overall.rules[0].rule, "run.known_good");
    assert_eq!(judged.overall.rules[0].observations.len(), 2);
}
