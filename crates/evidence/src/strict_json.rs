//! JSON as records allow it: UTF-8, no duplicate keys, no floats, integers within ±(2^53−1).
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Largest integer every JSON reader holds exactly: 2^53 − 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;
/// Deepest nesting a record may have.
pub const MAX_DEPTH: usize = 32;

/// Bytes that are not JSON as records allow it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NotStrict(String);

/// Reads one JSON value under the rules of this file.
pub fn parse(bytes: &[u8]) -> Result<Value, NotStrict> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = de::DeserializeSeed::deserialize(Strict { depth: 0 }, &mut deserializer)
        .map_err(|error| NotStrict(error.to_string()))?;
    deserializer
        .end()
        .map_err(|error| NotStrict(error.to_string()))?;
    Ok(value)
}

/// Reads a typed value under the rules of this file. Unknown fields are tolerated: a newer
/// program may write more.
pub fn parse_as<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotStrict> {
    from_value(parse(bytes)?)
}

/// Reads a typed value out of one that [`parse`] gave.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, NotStrict> {
    serde_json::from_value(value).map_err(|error| NotStrict(error.to_string()))
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> de::DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn integer<E: de::Error>(value: i128) -> Result<Value, E> {
    let limit = i128::from(MAX_INTEGER);
    match i64::try_from(value) {
        Ok(small) if (-limit..=limit).contains(&value) => Ok(Value::from(small)),
        _ => Err(E::custom(format_args!(
            "integer {value} is outside ±(2^53−1)"
        ))),
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without floats or duplicate keys")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        integer(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        integer(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format_args!(
            "float {value} where only integers are allowed"
        )))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate key '{key}'")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn duplicate_keys_are_refused() {
        let error = parse(br#"{"a":1,"a":2}"#).unwrap_err();
        assert!(error.to_string().contains("duplicate key 'a'"), "{error}");
    }

    #[test]
    fn floats_are_refused_even_when_whole() {
        assert!(parse(b"1.0").is_err());
        assert!(parse(b"1e3").is_err());
    }

    #[test]
    fn integers_beyond_two_to_the_53_are_refused() {
        assert!(parse(b"9007199254740991").is_ok());
        assert!(parse(b"9007199254740992").is_err());
        assert!(parse(b"-9007199254740992").is_err());
        assert!(parse(b"18446744073709551616").is_err());
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn anything_after_the_value_is_refused() {
        assert!(parse(b"{} {}").is_err());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert!(parse(deep.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
