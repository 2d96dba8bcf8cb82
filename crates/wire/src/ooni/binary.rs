//! Bytes that may not be text (df-001): a JSON string, or `{"format": "base64", "data": …}`.
use super::lenient::{passes_over, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Bytes of a body, a header value or a certificate; none when they are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binary(Option<Vec<u8>>);

impl Binary {
    /// The bytes; `None` for null, for another type, and for base64 that is none.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }

    /// The bytes as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes().unwrap_or_default())
    }

    /// How many bytes; 0 when they are not known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes().map_or(0, <[u8]>::len)
    }

    /// True when there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&str> for Binary {
    fn from(text: &str) -> Self {
        Self(Some(text.as_bytes().to_vec()))
    }
}

#[derive(serde::Deserialize)]
struct Encoded {
    #[serde(default, deserialize_with = "text")]
    format: Option<String>,
    #[serde(default, deserialize_with = "text")]
    data: Option<String>,
}

struct BinaryVisitor;

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(BinaryVisitor)
    }
}

impl<'de> Visitor<'de> for BinaryVisitor {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or bytes in base64")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Binary, E> {
        Ok(Binary(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Binary, E> {
        Ok(Binary(None))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Binary, E> {
        Ok(Binary(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Binary, E> {
        Ok(Binary(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Binary, E> {
        Ok(Binary(None))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Binary, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Binary, E> {
        Ok(Binary(Some(text.into_bytes())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Binary, A::Error> {
        let encoded = Encoded::deserialize(MapAccessDeserializer::new(map))?;
        if encoded.format.as_deref() != Some("base64") {
            return Ok(Binary(None));
        }
        let data = encoded.data.unwrap_or_default();
        Ok(Binary(BASE64.decode(data).ok()))
    }

    passes_over!(list => Binary(None));
}

/// Header lines as `[name, value]` pairs (df-001, `headers_list`); what is no such pair is left out.
pub(super) fn pairs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    from.deserialize_any(PairsVisitor)
}

/// Header lines as a map of name to value (df-001, `headers`), in the order of their names.
pub(super) fn pair_map<'de, D>(from: D) -> Result<Vec<(String, String)>, D::Error>
where
    D: Deserializer<'de>,
{
    from.deserialize_any(PairMapVisitor)
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(Pair(pair)) = list.next_element()? {
            if pairs.len() >= super::EVENTS_MAX {
                return Err(super::lenient::too_many());
            }
            pairs.extend(pair);
        }
        Ok(pairs)
    }

    passes_over!(scalars => Vec::new());
    passes_over!(map => Vec::new());
}

struct PairMapVisitor;

impl<'de> Visitor<'de> for PairMapVisitor {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Binary>()? {
            if pairs.len() >= super::EVENTS_MAX {
                return Err(super::lenient::too_many());
            }
            pairs.push((name, value.text().into_owned()));
        }
        pairs.sort();
        Ok(pairs)
    }

    passes_over!(scalars => Vec::new());
    passes_over!(list => Vec::new());
}

struct Pair(Option<(String, String)>);

struct PairVisitor;

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PairVisitor)
    }
}

impl<'de> Visitor<'de> for PairVisitor {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pair, A::Error> {
        let name: Option<Binary> = list.next_element()?;
        let value: Option<Binary> = list.next_element()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        let (Some(name), Some(value)) = (name, value) else {
            return Ok(Pair(None));
        };
        Ok(Pair(Some((
            name.text().into_owned(),
            value.text().into_owned(),
        ))))
    }

    passes_over!(scalars => Pair(None));
    passes_over!(map => Pair(None));
}
