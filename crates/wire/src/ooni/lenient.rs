//! Reading with tolerance: what has another type than its format says counts as absent.
//!
//! Every function here is a serde `deserialize_with`. None fails but for text that is not JSON and
//! for lists and maps of more than [`EVENTS_MAX`] entries.
use super::EVENTS_MAX;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A value that has no parts; anything else is passed over.
enum Scalar {
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Other,
}

/// Text, or nothing.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Scalar::deserialize(from)? {
        Scalar::Text(text) => Some(text),
        _ => None,
    })
}

/// A whole number, or nothing.
pub(super) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match Scalar::deserialize(from)? {
        Scalar::Integer(number) => Some(number),
        _ => None,
    })
}

/// Any finite number, or nothing.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(match Scalar::deserialize(from)? {
        Scalar::Integer(number) => Some(number as f64),
        Scalar::Number(number) if number.is_finite() => Some(number),
        _ => None,
    })
}

/// True or false, or nothing.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(match Scalar::deserialize(from)? {
        Scalar::Flag(flag) => Some(flag),
        _ => None,
    })
}

/// The texts of a list; what else is in it is left out.
pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let scalars: Vec<Scalar> = from.deserialize_any(ListOf(PhantomData))?;
    let texts = scalars.into_iter().filter_map(|scalar| match scalar {
        Scalar::Text(text) => Some(text),
        _ => None,
    });
    Ok(texts.collect())
}

/// A list of objects, each in its place; what is no object stands as an empty one.
pub(super) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let objects: Vec<Object<T>> = from.deserialize_any(ListOf(PhantomData))?;
    let kept = objects.into_iter();
    Ok(kept.map(|object| object.0.unwrap_or_default()).collect())
}

/// An object, or nothing.
pub(super) fn object<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Object::deserialize(from)?.0)
}

/// An object whose values are objects, by key.
pub(super) fn map<'de, D, T>(from: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let found: BTreeMap<String, Object<T>> = from.deserialize_any(MapOf(PhantomData))?;
    let entries = found.into_iter();
    Ok(entries
        .map(|(key, value)| (key, value.0.unwrap_or_default()))
        .collect())
}

/// An object whose values are lists of objects, by key.
pub(super) fn map_of_lists<'de, D, T>(from: D) -> Result<BTreeMap<String, Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let found: BTreeMap<String, List<T>> = from.deserialize_any(MapOf(PhantomData))?;
    Ok(found.into_iter().map(|(key, list)| (key, list.0)).collect())
}

/// An object whose values are texts, by key; other values are left out.
pub(super) fn text_map<'de, D>(from: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let found: BTreeMap<String, Scalar> = from.deserialize_any(MapOf(PhantomData))?;
    let texts = found.into_iter().filter_map(|(key, value)| match value {
        Scalar::Text(text) => Some((key, text)),
        _ => None,
    });
    Ok(texts.collect())
}

/// An object whose values are lists of texts, by key; what else is in a list is left out.
pub(super) fn map_of_texts<'de, D>(from: D) -> Result<BTreeMap<String, Vec<String>>, D::Error>
where
    D: Deserializer<'de>,
{
    let found: BTreeMap<String, Texts> = from.deserialize_any(MapOf(PhantomData))?;
    Ok(found.into_iter().map(|(key, list)| (key, list.0)).collect())
}

/// Defines what the visitors of this file do with kinds of values that they do not want.
macro_rules! passes_over {
    (scalars => $none:expr) => {
        fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok($none)
        }
    };
    (list => $none:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($none)
        }
    };
    (map => $none:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($none)
        }
    };
}
pub(super) use passes_over;

struct ScalarVisitor;

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Integer))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    passes_over!(list => Scalar::Other);
    passes_over!(map => Scalar::Other);
}

/// An object, or nothing.
struct Object<T>(Option<T>);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Object(Some(object)))
    }

    passes_over!(scalars => Object(None));
    passes_over!(list => Object(None));
}

/// A list of objects, wherever it stands.
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        list(from).map(List)
    }
}

/// A list of texts, wherever it stands.
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        texts(from).map(Texts)
    }
}

/// Visits a list, keeping the place of every element.
struct ListOf<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListOf<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() >= EVENTS_MAX {
                return Err(too_many());
            }
            elements.push(element);
        }
        Ok(elements)
    }

    passes_over!(scalars => Vec::new());
    passes_over!(map => Vec::new());
}

struct MapOf<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOf<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            if entries.len() >= EVENTS_MAX {
                return Err(too_many());
            }
            entries.insert(key, value);
        }
        Ok(entries)
    }

    passes_over!(scalars => BTreeMap::new());
    passes_over!(list => BTreeMap::new());
}

pub(super) fn too_many<E: de::Error>() -> E {
    E::custom(format_args!("more than {EVENTS_MAX} entries"))
}
