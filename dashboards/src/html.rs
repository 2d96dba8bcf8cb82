//! A strict reader of our own HTML for tests: every tag that opens also closes, in order.
use std::collections::BTreeMap;

/// Elements that have no end tag.
const VOID: [&str; 4] = ["meta", "link", "input", "br"];

/// One element.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Indexes of the elements around it, the nearest last.
    pub(crate) parents: Vec<usize>,
    /// Text in it and in everything inside it.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Every element of a page, in the order of their start tags.
pub(crate) fn read(html: &str) -> Vec<Element> {
    let body = html.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        add_text(&mut elements, &open, &rest[..start]);
        let end = rest[start..].find('>').expect("a tag that ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let innermost = open.pop().map(|index| elements[index].name.clone());
            assert_eq!(innermost.as_deref(), Some(name), "closing tag");
            continue;
        }
        let closed = tag.ends_with('/');
        let element = element(tag.trim_end_matches('/'), &open);
        let childless = closed || VOID.contains(&element.name.as_str());
        elements.push(element);
        if !childless {
            open.push(elements.len() - 1);
        }
    }
    assert!(rest.trim().is_empty(), "text after the last tag: {rest}");
    assert!(
        open.is_empty(),
        "never closed: {:?}",
        elements[open[0]].name
    );
    elements
}

fn add_text(elements: &mut [Element], open: &[usize], text: &str) {
    assert!(!text.contains('>'), "a bare > in {text}");
    for index in open {
        elements[*index].text.push_str(text);
    }
}

fn element(tag: &str, open: &[usize]) -> Element {
    let (name, mut rest) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => ("", after),
        };
        let before = attributes.insert(key.to_owned(), value.to_owned());
        assert!(before.is_none(), "attribute {key} twice in <{tag}>");
        rest = after;
    }
    Element {
        name: name.to_owned(),
        attributes,
        parents: open.to_vec(),
        text: String::new(),
    }
}
