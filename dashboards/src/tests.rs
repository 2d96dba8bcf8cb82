//! What holds for every page in every language, and the pages themselves as snapshots.
use crate::device::{self, Device};
use crate::fixtures::{self, catalogue, country, month, shapes, statements, visit};
use crate::html::{self, Element};
use crate::join::{self, Join};
use crate::national::{self, National};
use crate::problem::{self, Problem};
use crate::province::{self, Province};
use crate::selection::Selection;
use crate::trend::{self, Trend};
use crate::{assets, text::Text};
use std::collections::BTreeSet;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{State, Statement};
use tonle_evidence::words::Lang;

/// Whole page, as it is sent without compression. Compression only makes it less.
const MAX_PAGE_BYTES: usize = 100 * 1024;

fn national_of(lang: Lang, statements: &[Statement]) -> String {
    let (country, catalogue, shapes) = (country(), catalogue(), shapes());
    let selection = Selection::choose(None, None, month(), &catalogue, statements).unwrap();
    national::render(&National {
        visit: &visit(lang),
        country: &country,
        shapes: &shapes,
        catalogue: &catalogue,
        selection: &selection,
        statements,
        this_month: month(),
    })
}

fn province_of(lang: Lang, statements: &[Statement]) -> String {
    let (country, catalogue) = (country(), catalogue());
    let info = &country.provinces[11];
    let mut own = statements.to_vec();
    own.retain(|statement| statement.province == info.code);
    province::render(&Province {
        visit: &visit(lang),
        country: &country,
        province: info,
        catalogue: &catalogue,
        period: month(),
        statements: &own,
        this_month: month(),
        floor: 6,
    })
}

fn trend_of(lang: Lang, last: &[State]) -> String {
    let (country, catalogue) = (country(), catalogue());
    let selection = Selection::choose(None, None, month(), &catalogue, &statements()).unwrap();
    let mut months = trend::months(month());
    months.reverse();
    let statement = |(state, period): (&State, LocalMonth)| Statement {
        metric: selection.metric.clone(),
        province: country.provinces[11].code.clone(),
        access: selection.access,
        period,
        state: *state,
        ..statements()[0].clone()
    };
    let statements: Vec<Statement> = last.iter().zip(months).map(statement).collect();
    trend::render(&Trend {
        visit: &visit(lang),
        province: &country.provinces[11],
        catalogue: &catalogue,
        selection: &selection,
        statements: &statements,
        this_month: month(),
    })
}

/// States of each kind, as they stand in the fixtures.
fn some_states() -> Vec<State> {
    let all = statements();
    let states = all.iter().map(|statement| statement.state);
    states.take(trend::MONTHS - 1).collect()
}

fn device_of(lang: Lang, records: usize) -> String {
    let (country, catalogue) = (country(), catalogue());
    let records = vec![fixtures::record(); records];
    device::render(&Device {
        visit: &visit(lang),
        country: &country,
        catalogue: &catalogue,
        link: "Zm9vYmFyYmF6cXV4MTIzNA",
        revoked: records.is_empty(),
        processed: records.len() as u64,
        catching_up: true,
        records: &records,
    })
}

fn join_of(lang: Lang) -> String {
    let token = "dG9rZW50b2tlbnRva2VudG8";
    join::render(&Join {
        visit: &visit(lang),
        token,
    })
}

/// Every page in one language, by name.
fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let statements = statements();
    vec![
        ("national", national_of(lang, &statements)),
        ("national_empty", national_of(lang, &[])),
        ("province", province_of(lang, &statements)),
        ("province_empty", province_of(lang, &[])),
        ("province_trend", trend_of(lang, &some_states())),
        ("province_trend_empty", trend_of(lang, &[])),
        ("device", device_of(lang, 50)),
        ("device_empty", device_of(lang, 0)),
        ("join", join_of(lang)),
        (
            "not_found",
            problem::render(&visit(lang), Problem::NotFound),
        ),
        (
            "bad_request",
            problem::render(&visit(lang), Problem::BadRequest),
        ),
        ("internal", problem::render(&visit(lang), Problem::Internal)),
    ]
}

fn every_page() -> impl Iterator<Item = (String, Vec<Element>, String)> {
    let all = Lang::ALL.into_iter().flat_map(|lang| {
        let named = pages(lang).into_iter();
        named.map(move |(name, html)| (format!("{name}.{}", lang.tag()), html))
    });
    all.map(|(name, html)| (name, html::read(&html), html))
}

fn inside(elements: &[Element], element: &Element, name: &str) -> bool {
    element
        .parents
        .iter()
        .any(|index| elements[*index].name == name)
}

#[test]
fn every_page_is_one_document_in_one_language_with_one_heading() {
    for (name, elements, _) in every_page() {
        let count = |wanted: &str| elements.iter().filter(|e| e.name == wanted).count();
        assert_eq!(
            (count("h1"), count("main"), count("header")),
            (1, 1, 1),
            "{name}"
        );
        let lang = elements[0].attribute("lang");
        assert_eq!(lang, name.rsplit('.').next(), "{name}");
    }
}

#[test]
fn every_cell_of_every_table_has_its_headers() {
    for (name, elements, _) in every_page() {
        for (table, element) in elements.iter().enumerate() {
            if element.name != "table" {
                continue;
            }
            let of_table = |wanted: &str| -> Vec<usize> {
                let inside = |(_, e): &(usize, &Element)| e.parents.contains(&table);
                let found = elements.iter().enumerate().filter(inside);
                found
                    .filter(|(_, e)| e.name == wanted)
                    .map(|(index, _)| index)
                    .collect()
            };
            let cells_of = |row: usize, wanted: &str, scope: Option<&str>| {
                let in_row = |e: &&Element| e.parents.last() == Some(&row) && e.name == wanted;
                let cells = elements.iter().filter(in_row);
                cells.filter(|e| e.attribute("scope") == scope).count()
            };
            let [head, rows @ ..] = &of_table("tr")[..] else {
                panic!("{name}: a table without a head");
            };
            let columns = cells_of(*head, "th", Some("col"));
            assert!(columns > 1 && !rows.is_empty(), "{name}");
            for row in rows {
                assert_eq!(cells_of(*row, "th", Some("row")), 1, "{name}");
                assert_eq!(cells_of(*row, "td", None), columns - 1, "{name}");
            }
        }
    }
}

#[test]
fn every_drawing_has_a_title_and_every_link_and_field_a_name() {
    for (name, elements, _) in every_page() {
        for (index, element) in elements.iter().enumerate() {
            let text = element.text.trim();
            match element.name.as_str() {
                "svg" => {
                    let title = elements.get(index + 1).filter(|next| next.name == "title");
                    assert!(title.is_some_and(|title| !title.text.is_empty()), "{name}");
                }
                "a" | "button" | "option" | "th" | "label" | "h1" | "h2" | "caption" => {
                    assert!(!text.is_empty(), "{name}: an empty {}", element.name);
                }
                "select" | "input" if element.attribute("type") != Some("hidden") => {
                    let id = element.attribute("id").expect("a field with an id");
                    let label = |e: &Element| e.attribute("for") == Some(id);
                    assert!(elements.iter().any(label), "{name}: no label for {id}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_to_one_leads_somewhere() {
    for (name, elements, _) in every_page() {
        let mut ids = BTreeSet::new();
        for id in elements.iter().filter_map(|e| e.attribute("id")) {
            assert!(ids.insert(id), "{name}: id {id} twice");
        }
        let references = |e: &Element| {
            let named = e
                .attribute("aria-labelledby")
                .unwrap_or_default()
                .to_owned();
            let fragment = e.attribute("href").and_then(|href| href.strip_prefix('#'));
            format!("{named} {}", fragment.unwrap_or_default())
        };
        for reference in elements.iter().map(references) {
            for id in reference.split_whitespace() {
                assert!(ids.contains(id), "{name}: nothing is called {id}");
            }
        }
    }
}

#[test]
fn no_page_needs_a_script_an_inline_style_or_another_host() {
    for (name, elements, html) in every_page() {
        for element in &elements {
            assert!(!["script", "style", "iframe", "img"].contains(&element.name.as_str()));
            let attributes = element.attributes.keys();
            let forbidden = |key: &&String| key.starts_with("on") || *key == "style";
            assert_eq!(attributes.filter(forbidden).count(), 0, "{name}");
            let href = element.attribute("href").unwrap_or("/");
            assert!(
                href.starts_with('/') || href.starts_with('#'),
                "{name}: {href}"
            );
        }
        assert!(!html.contains("//"), "{name}: an absolute address");
    }
}

#[test]
fn every_page_is_light() {
    for (name, _, html) in every_page() {
        let size = html.len() + assets::stylesheet().body.len();
        assert!(size < MAX_PAGE_BYTES, "{name}: {size} bytes");
    }
}

#[test]
fn no_word_is_missing_from_a_page() {
    for (name, _, html) in every_page() {
        let bracketed = html
            .split('[')
            .skip(1)
            .any(|part| part.starts_with("page."));
        assert!(!bracketed, "{name}");
        assert!(
            !html.contains('{') || html.contains("{4}"),
            "{name}: a name was not filled in"
        );
    }
}

#[test]
fn every_page_links_to_itself_in_the_other_language() {
    for (name, elements, _) in every_page() {
        for lang in Lang::ALL {
            let is_switch = |e: &&Element| {
                e.attribute("hreflang") == Some(lang.tag()) && inside(&elements, e, "nav")
            };
            let switch = elements.iter().find(is_switch).expect("a language switch");
            let href = switch.attribute("href").unwrap();
            assert!(
                href.contains(&format!("lang={}", lang.tag())),
                "{name}: {href}"
            );
        }
    }
}

#[test]
fn text_from_outside_is_escaped() {
    let mut record = fixtures::record();
    let public = &mut record.public;
    let hostile = "<script>alert(1)</script>\"'&";
    hostile.clone_into(&mut public.target.value);
    hostile.clone_into(&mut public.method.id);
    hostile.clone_into(&mut public.samples[0].metric);
    hostile.clone_into(&mut public.province.code);
    let (country, catalogue) = (country(), catalogue());
    let html = device::render(&Device {
        visit: &visit(Lang::En),
        country: &country,
        catalogue: &catalogue,
        link: hostile,
        revoked: false,
        processed: 1,
        catching_up: false,
        records: &[record],
    });
    assert!(!html.contains("<script") && !html.contains("<b>"));
    html::read(&html);
    let html = join::render(&Join {
        visit: &visit(Lang::En),
        token: hostile,
    });
    assert!(!html.contains("<script"));
    html::read(&html);
}

#[test]
fn private_pages_keep_search_engines_out_and_others_do_not() {
    for (name, _, html) in every_page() {
        let public = name.starts_with("national") || name.starts_with("province");
        assert_eq!(html.contains("noindex"), !public, "{name}");
    }
}

#[test]
fn a_suppressed_province_shows_no_number_of_any_kind() {
    let mut all = statements();
    for statement in &mut all {
        statement.state = State::Suppressed;
    }
    for lang in Lang::ALL {
        let html = national_of(lang, &all);
        let elements = html::read(&html);
        let word = Text::new(lang).get("state.suppressed");
        let cells = elements.iter().filter(|e| e.name == "td");
        for cell in cells {
            assert!(
                !cell.text.contains(|c: char| c.is_ascii_digit()),
                "{}",
                cell.text
            );
        }
        assert!(html.matches(&word).count() > country().provinces.len());
    }
}

#[test]
fn chart_and_table_say_the_same_of_every_month() {
    for lang in Lang::ALL {
        let elements = html::read(&trend_of(lang, &some_states()));
        let svg = elements.iter().position(|e| e.name == "svg").unwrap();
        let group = |e: &&Element| e.name == "g" && e.parents.contains(&svg);
        let row = |e: &&Element| e.name == "tr" && inside(&elements, e, "tbody");
        let columns: Vec<&Element> = elements.iter().filter(group).collect();
        let rows: Vec<&Element> = elements.iter().filter(row).collect();
        assert_eq!((columns.len(), rows.len()), (trend::MONTHS, trend::MONTHS));
        for (column, row) in columns.into_iter().zip(rows) {
            let words = Text::new(lang).get("state.estimate");
            assert_eq!(column.text.contains(&words), row.text.contains(&words));
            let figure = column.text.split(&words).nth(1);
            let median = figure
                .and_then(|figure| figure.split(", ").nth(1))
                .unwrap_or("");
            assert!(row.text.contains(median), "{}: {}", column.text, row.text);
        }
    }
}

#[test]
fn map_and_table_say_the_same_of_every_province() {
    let elements = html::read(&national_of(Lang::En, &statements()));
    let areas: Vec<&Element> = elements
        .iter()
        .filter(|e| e.name == "a" && inside(&elements, e, "svg"))
        .collect();
    assert_eq!(areas.len(), country().provinces.len());
    let first_table = elements.iter().position(|e| e.name == "table").unwrap();
    for area in areas {
        let title = area.attribute("aria-label").unwrap();
        let (province, said) = title.split_once(": ").unwrap();
        let row = elements
            .iter()
            .find(|e| {
                e.name == "tr" && e.parents.contains(&first_table) && e.text.contains(province)
            })
            .expect("a row for every province");
        let figure = said.split(", ").take(2);
        for part in figure {
            assert!(
                row.text.contains(part.trim_end_matches(" agents")),
                "{title}: {}",
                row.text
            );
        }
    }
}

#[test]
fn pages_look_as_they_were_reviewed() {
    for lang in Lang::ALL {
        let one_of_each = [
            "national",
            "province",
            "province_trend",
            "join",
            "not_found",
        ];
        for (name, html) in pages(lang) {
            if one_of_each.contains(&name) {
                insta::assert_snapshot!(format!("{name}.{}", lang.tag()), html);
            }
        }
        insta::assert_snapshot!(format!("device.{}", lang.tag()), device_of(lang, 1));
    }
}
