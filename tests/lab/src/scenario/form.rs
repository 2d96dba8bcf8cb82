//! The forms that values in a scenario file may have, and holding a file against them.
use super::places::Places;
use super::problem::{Problem, nearest};
use std::net::IpAddr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from 0 to this, fractions allowed.
    Amount(f64),
    /// An IP address, as text.
    Address,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list.
    List(&'static Form),
    /// A table of texts with keys of the writer's own.
    Texts,
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table whose key named first says which further keys it has.
    Kinds(&'static Kinds),
    /// One of these words, or a table with one of these keys.
    Either(&'static [&'static str], &'static [Key]),
}

/// A table that comes in kinds.
#[derive(Debug)]
pub(super) struct Kinds {
    /// The key that names the kind.
    pub(super) tag: &'static str,
    /// Keys of every kind.
    pub(super) common: &'static [Key],
    /// The kinds, with their own keys.
    pub(super) each: &'static [(&'static str, &'static [Key])],
}

/// A key of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) required: bool,
}

/// A key that may be left out.
pub(super) const fn may(name: &'static str, form: Form) -> Key {
    Key {
        name,
        form,
        required: false,
    }
}

/// A key that may not be left out.
pub(super) const fn must(name: &'static str, form: Form) -> Key {
    Key {
        name,
        form,
        required: true,
    }
}

/// One pass over a file.
pub(super) struct Walk<'a> {
    places: &'a mut Places,
    problems: &'a mut Vec<Problem>,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl<'a> Walk<'a> {
    pub(super) fn new(places: &'a mut Places, problems: &'a mut Vec<Problem>) -> Self {
        Self { places, problems }
    }

    /// Holds a table with these keys against the file.
    pub(super) fn table(&mut self, table: &Spanned<DeTable<'_>>, keys: &[Key], path: &str) {
        self.keys(table.get_ref(), table.span().start, keys, path, "");
    }

    fn keys(&mut self, table: &DeTable<'_>, offset: usize, keys: &[Key], path: &str, of: &str) {
        for (name, value) in table {
            let path = join(path, name.get_ref());
            self.places.remember(&path, name.span().start);
            if let Some(key) = keys.iter().find(|key| key.name == name.get_ref()) {
                self.value(value, key.form, &path);
                continue;
            }
            let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
            let what = unknown(&format!("key{of}"), name.get_ref(), &names);
            self.say(name.span().start, &path, what);
        }
        for key in keys.iter().filter(|key| key.required) {
            if !table.contains_key(key.name) {
                let what = format!("is missing: {}", wanted(key.form));
                self.say(offset, &join(path, key.name), what);
            }
        }
    }

    fn value(&mut self, value: &Value<'_>, form: Form, path: &str) {
        let offset = value.span().start;
        match (form, value.get_ref()) {
            (Form::List(form), DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.places.remember(&path, item.span().start);
                    self.value(item, *form, &path);
                }
            }
            (Form::Texts, DeValue::Table(table)) => {
                for (name, value) in table {
                    let path = join(path, name.get_ref());
                    self.places.remember(&path, name.span().start);
                    self.value(value, Form::Text, &path);
                }
            }
            (Form::Table(keys), DeValue::Table(table)) => self.keys(table, offset, keys, path, ""),
            (Form::Kinds(kinds), DeValue::Table(table)) => self.kinds(table, offset, kinds, path),
            (Form::Either(_, keys), DeValue::Table(table)) => {
                self.keys(table, offset, keys, path, "");
                if table.len() != 1 {
                    let what = format!("has {} keys: {}", table.len(), wanted(form));
                    self.say(offset, path, what);
                }
            }
            (Form::Word(words) | Form::Either(words, _), DeValue::String(word)) => {
                if !words.contains(&word.as_ref()) {
                    let mut known = words.to_vec();
                    if let Form::Either(_, keys) = form {
                        known.extend(keys.iter().map(|key| key.name));
                    }
                    self.say(offset, path, unknown("value", word, &known));
                }
            }
            (form, value) if fits(form, value) => {}
            (form, value) => {
                let what = format!("is {}: {}", shown(value), wanted(form));
                self.say(offset, path, what);
            }
        }
    }

    fn kinds(&mut self, table: &DeTable<'_>, offset: usize, form: &Kinds, path: &str) {
        let names: Vec<&str> = form.each.iter().map(|(name, _)| *name).collect();
        let at = join(path, form.tag);
        let Some(tag) = table.get(form.tag) else {
            let what = format!("is missing: one of {}", names.join(", "));
            return self.say(offset, &at, what);
        };
        let Some(word) = tag.get_ref().as_str() else {
            let what = format!("is {}: one of {}", shown(tag.get_ref()), names.join(", "));
            return self.say(tag.span().start, &at, what);
        };
        let Some((_, own)) = form.each.iter().find(|(name, _)| *name == word) else {
            return self.say(tag.span().start, &at, unknown(form.tag, word, &names));
        };
        let mut keys = vec![must(form.tag, Form::Text)];
        keys.extend(form.common.iter().chain(*own));
        self.keys(table, offset, &keys, path, &format!(" of {word}"));
    }

    fn say(&mut self, offset: usize, path: &str, what: String) {
        let place = self.places.at(offset);
        self.problems
            .push(Problem::new(Some(place), path.to_owned(), what));
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Whether a value that holds no further values fits.
fn fits(form: Form, value: &DeValue<'_>) -> bool {
    match (form, value) {
        (Form::Text, DeValue::String(_)) | (Form::Flag, DeValue::Boolean(_)) => true,
        (Form::Address, DeValue::String(text)) => text.parse::<IpAddr>().is_ok(),
        (Form::Whole(least, most), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.is_ok_and(|number| {
                u64::try_from(number).is_ok_and(|number| (least..=most).contains(&number))
            })
        }
        (Form::Amount(most), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.is_ok_and(|number| (0.0..=most).contains(&(number as f64)))
        }
        (Form::Amount(most), DeValue::Float(number)) => {
            let number = number.as_str().parse::<f64>();
            number.is_ok_and(|number| (0.0..=most).contains(&number))
        }
        _ => false,
    }
}

/// What a form allows, in words.
fn wanted(form: Form) -> String {
    match form {
        Form::Text => "a text in quotes is wanted".to_owned(),
        Form::Flag => "true or false is wanted".to_owned(),
        Form::Whole(least, u64::MAX) => format!("a whole number of at least {least} is wanted"),
        Form::Whole(least, most) => format!("a whole number from {least} to {most} is wanted"),
        Form::Amount(most) => format!("a number from 0 to {most} is wanted"),
        Form::Address => "an IPv4 or IPv6 address in quotes is wanted".to_owned(),
        Form::Word(words) => format!("one of {} is wanted", words.join(", ")),
        Form::List(Form::Table(_) | Form::Kinds(_)) => "tables are wanted, as [[…]]".to_owned(),
        Form::List(_) => "a list in [ ] is wanted".to_owned(),
        Form::Texts => "a table of texts is wanted".to_owned(),
        Form::Table(keys) => format!("a table is wanted, of {}", names(keys)),
        Form::Kinds(kinds) => format!("a table is wanted, with the key {}", kinds.tag),
        Form::Either([], keys) => format!("a table with one of {} is wanted", names(keys)),
        Form::Either(words, keys) => format!(
            "one of {} or a table with one of {} is wanted",
            words.join(", "),
            names(keys)
        ),
    }
}

fn names(keys: &[Key]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    names.join(", ")
}

/// A value as the file has it, shortened.
fn shown(value: &DeValue<'_>) -> String {
    const LETTERS_MAX: usize = 40;
    match value {
        DeValue::String(text) => {
            let short: String = text.chars().take(LETTERS_MAX).collect();
            format!("{short:?}")
        }
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let list = known.join(", ");
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("unknown {what}; {meant} is probably meant (known: {list})"),
        None => format!("unknown {what}; known: {list}"),
    }
}
