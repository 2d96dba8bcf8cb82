//! The JSON Schema of both halves, generated from the types (feature `schema`).
//!
//! The types say which fields there are; this file adds the rules that types cannot say:
//! 1. Every integer is within ±(2^53−1), and there is no other number.
//! 2. `schema` holds the half's own id.
//! 3. A detail of an observation is an integer, a string, a boolean or a list of these.
use super::{PRIVATE_SCHEMA, PUBLIC_SCHEMA, Private, Public};
use crate::strict_json::MAX_INTEGER;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// Name under `$defs` of what a detail may be.
const DETAIL_VALUE: &str = "DetailValue";

/// Schema of the public half.
#[must_use]
pub fn public_half() -> Value {
    half::<Public>(PUBLIC_SCHEMA, "The public half of a Tonle record")
}

/// Schema of the private half.
#[must_use]
pub fn private_half() -> Value {
    half::<Private>(PRIVATE_SCHEMA, "The private half of a Tonle record")
}

fn half<T: JsonSchema>(id: &str, title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["title"] = json!(title);
    schema["properties"]["schema"] =
        json!({ "const": id, "description": "Schema id of the half." });
    if let Some(detail) = schema.pointer_mut("/$defs/Observation/properties/detail") {
        detail["additionalProperties"] = json!({ "$ref": format!("#/$defs/{DETAIL_VALUE}") });
        schema["$defs"][DETAIL_VALUE] = detail_value();
    }
    for_strangers(&mut schema);
    schema
}

fn detail_value() -> Value {
    let itself = format!("#/$defs/{DETAIL_VALUE}");
    json!({
        "description": "An integer, a string, a boolean, or a list of these. No floats.",
        "anyOf": [
            { "type": "integer" },
            { "type": "string" },
            { "type": "boolean" },
            { "type": "array", "items": { "$ref": itself } },
        ],
    })
}

/// Replaces the generator's names of machine integers by the bounds that records keep, and writes
/// descriptions without the links of this project's own documentation.
fn for_strangers(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(for_strangers),
        Value::Object(fields) => {
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = description.replace("[`", "`").replace("`]", "`");
            }
            let is_integer = fields.get("type").is_some_and(holds_integer);
            if is_integer {
                fields.remove("format");
                fields
                    .entry("minimum")
                    .or_insert_with(|| json!(-MAX_INTEGER));
                fields
                    .entry("maximum")
                    .or_insert_with(|| json!(MAX_INTEGER));
            }
            fields.values_mut().for_each(for_strangers);
        }
        _ => {}
    }
}

/// True for `"integer"` and for a list of types that has it.
fn holds_integer(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "integer"),
        kind => kind == "integer",
    }
}
