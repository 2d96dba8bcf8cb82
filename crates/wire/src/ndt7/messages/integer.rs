//! Integers as peers written in Go need them: clamped when written, forgiven when read.
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;

/// Largest integer every JSON reader holds exactly: 2^53 − 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// An integer type of the protocol.
pub(crate) trait Integer: Copy {
    /// The value as it is written.
    fn to_wire(self) -> i64;
    /// The nearest value of this type that may be written.
    fn clamped(value: i128) -> Self;
}

macro_rules! integer_types {
    ($($type:ty),*) => {$(
        impl Integer for $type {
            fn to_wire(self) -> i64 {
                i64::from(self).clamp(-MAX_INTEGER, MAX_INTEGER)
            }

            fn clamped(value: i128) -> Self {
                let writable = value.clamp(-i128::from(MAX_INTEGER), i128::from(MAX_INTEGER));
                let bounded = writable.clamp(i128::from(Self::MIN), i128::from(Self::MAX));
                Self::try_from(bounded).expect("clamped to the range of the type")
            }
        }
    )*};
}

integer_types!(u8, u32, i32, i64);

/// Writes a present value; absent ones are skipped by the caller.
#[expect(
    clippy::ref_option,
    reason = "serde's `serialize_with` passes a reference to the field"
)]
pub(crate) fn serialize<T: Integer, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_i64(value.to_wire()),
        None => serializer.serialize_none(),
    }
}

/// Reads an integer; anything that is none counts as missing.
pub(crate) fn deserialize<'de, T: Integer, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let Value::Number(number) = Value::deserialize(deserializer)? else {
        return Ok(None);
    };
    let whole = number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from));
    Ok(whole.map(T::clamped))
}

/// Defines a message part made of optional integers: field, type, JSON key.
macro_rules! integers_in_json {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(
                $(#[$fdoc])*
                #[serde(
                    rename = $key,
                    with = "crate::ndt7::messages::integer",
                    skip_serializing_if = "Option::is_none"
                )]
                pub $field: Option<$type>,
            )*
        }
    };
}

pub(crate) use integers_in_json;
