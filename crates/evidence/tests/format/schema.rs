//! The published JSON Schema: generated from the types, kept in `docs/schema`, and true of records.
use crate::{assert_kept, fixture};
use jsonschema::Validator;
use serde_json::{Value, json};
use tonle_evidence::record::schema::{private_half, public_half};
use tonle_evidence::record::{Private, Public, seal};

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("the generated schema is a schema")
}

/// Both halves of a record as its sealed bytes say them.
fn sealed((public, private): &(Public, Private)) -> (Value, Value) {
    let record =
        seal(public, private, &fixture::agent()).expect("the fixture keeps the number rule");
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).expect("a sealed half is JSON");
    (read(&record.public), read(&record.private))
}

fn problems(schema: &Value, instance: &Value) -> Vec<String> {
    validator(schema)
        .iter_errors(instance)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn the_kept_schemas_are_those_of_the_types() {
    for (name, schema) in [("public", public_half()), ("private", private_half())] {
        let text = serde_json::to_string_pretty(&schema).unwrap();
        assert_kept(&format!("docs/schema/record.{name}.json"), &text);
    }
}

#[test]
fn sealed_records_satisfy_the_schema() {
    for record in [fixture::full(), fixture::minimal()] {
        let (public, private) = sealed(&record);
        assert_eq!(problems(&public_half(), &public), Vec::<String>::new());
        assert_eq!(problems(&private_half(), &private), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_the_format_refuses() {
    let (public, private) = sealed(&fixture::full());
    let breaks: [(&str, Value); 6] = [
        ("/schema", json!("tonle.record/2")),
        ("/samples/0/value", json!(1.5)),
        ("/samples/0/value", json!(9_007_199_254_740_992_i64)),
        ("/context/clock/state", json!("roughly")),
        (
            "/observations/0/detail/title",
            json!({ "nested": "object" }),
        ),
        ("/observations/0/detail/title", json!([1, 2.5])),
    ];
    for (pointer, value) in breaks {
        let mut broken = public.clone();
        *broken.pointer_mut(pointer).unwrap() = value.clone();
        assert!(
            !problems(&public_half(), &broken).is_empty(),
            "{pointer} = {value} is accepted"
        );
    }
    let mut broken = private;
    broken["blind"] = json!("short");
    assert!(!problems(&private_half(), &broken).is_empty());
}

#[test]
fn a_half_that_lacks_a_required_field_is_refused() {
    let (public, private) = sealed(&fixture::minimal());
    for (schema, half) in [(public_half(), public), (private_half(), private)] {
        for field in half.as_object().unwrap().keys() {
            let mut without = half.clone();
            without.as_object_mut().unwrap().remove(field);
            assert!(
                !problems(&schema, &without).is_empty(),
                "'{field}' may be left out"
            );
        }
    }
}
