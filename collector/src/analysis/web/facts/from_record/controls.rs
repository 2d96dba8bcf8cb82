//! What the controls of a record saw. Each answer stands in it as text; the networks of addresses are
//! theirs to know.
use super::at;
use crate::analysis::web::facts::{Address, Facts, from_ooni};
use serde_json::Value;
use std::collections::HashMap;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_wire::ooni::ControlResponse;

/// Adds every control that answered; why there is none, where none did; and the networks of
/// addresses.
pub(super) fn read(observations: &[Observation], facts: &mut Facts) {
    let mut failed = None;
    let mut asns: HashMap<String, i64> = HashMap::new();
    let asked = observations.iter().enumerate();
    for (index, seen) in asked.filter(|(_, seen)| seen.operation == "control") {
        let Some(answer) = answer(seen) else {
            let failure = seen.failure.clone().unwrap_or(Failure::JsonParse);
            failed.get_or_insert(failure);
            continue;
        };
        for (address, info) in &answer.ip_info {
            if let Some(asn) = info.asn {
                asns.entry(address.clone()).or_insert(asn);
            }
        }
        let place = format!("{}/detail/answer", at(index));
        facts.controls.push(from_ooni::of_control(place, &answer));
    }
    if facts.controls.is_empty() {
        facts.control_failure = failed;
    }
    let lookups = facts.lookups.iter_mut();
    let late = facts.late.iter_mut();
    let addresses = lookups
        .flat_map(|lookup| &mut lookup.addresses)
        .chain(late.flat_map(|late| &mut late.addresses));
    for address in addresses {
        if let Some(asn) = asns.get(&address.text) {
            *address = Address::new(&address.text, Some(*asn));
        }
    }
}

/// The answer of a control that could be had and read.
fn answer(seen: &Observation) -> Option<ControlResponse> {
    if seen.failure.is_some() {
        return None;
    }
    let text = seen.detail.get("answer").and_then(Value::as_str)?;
    ControlResponse::parse(text.as_bytes()).ok()
}
