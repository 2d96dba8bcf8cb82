//! What values mean, and that no value of any type makes the meaning panic.
use super::super::interface::Kind;
use super::values::{self, Generation};
use super::{Link, Modem, Told};
use proptest::prelude::*;
use std::collections::HashMap;
use tonle_evidence::record::{Radio, Technology};
use zbus::wire::StructureBuilder;
use zbus::{Array, ObjectPath, Str, Variant};

fn dictionary(entries: Vec<(String, f64)>) -> Variant<'static> {
    let entries = entries
        .into_iter()
        .map(|(key, figure)| (key, Variant::F64(figure)));
    Variant::new(entries.collect::<HashMap<String, Variant<'static>>>())
}

#[test]
fn a_guess_counts_only_on_the_safe_side() {
    let of = |number| values::metered(&Variant::U32(number));
    let expected = [None, Some(true), Some(false), Some(true), None, None];
    assert_eq!([0, 1, 2, 3, 4, 99].map(of), expected);
}

#[test]
fn the_newest_technology_in_use_counts() {
    let of = |bits: u32| values::generation(&Variant::U32(bits));
    assert_eq!(of(0), None);
    assert_eq!(of(1 << 3), Some(Generation::Gsm));
    assert_eq!(of(1 << 5), Some(Generation::Umts));
    assert_eq!(of(1 << 9), Some(Generation::Umts));
    assert_eq!(of(1 << 14), Some(Generation::Lte));
    assert_eq!(of(1 << 14 | 1 << 15), Some(Generation::Nr));
    assert_eq!(of(1 << 11), Some(Generation::Other));
    assert_eq!(Generation::Lte.technology(), Technology::Mobile4g);
}

#[test]
fn a_figure_that_no_radio_can_have_is_none() {
    let of = |figure| {
        let figures = dictionary(vec![("rsrp".into(), figure)]);
        values::tenths(&figures, "rsrp", values::RSRP_TENTHS)
    };
    assert_eq!(of(-95.26), Some(-953));
    for unknown in [f64::MIN, f64::NAN, f64::INFINITY, 0.0, -200.0] {
        assert_eq!(of(unknown), None, "{unknown}");
    }
    let figures = dictionary(vec![("rsrq".into(), -9.0)]);
    assert_eq!(values::tenths(&figures, "rsrp", values::RSRP_TENTHS), None);
}

#[test]
fn a_percentage_is_reckoned_back_between_its_ends() {
    let of = |percent| values::strength_dbm(&Variant::U8(percent));
    assert_eq!([of(50), of(80)], [Some(-70), Some(-52)]);
    assert_eq!([of(0), of(100), of(255)], [None; 3], "beyond the ends");
}

#[test]
fn a_modem_is_found_by_its_network_port_only() {
    let ports = Variant::new(vec![("cdc-wdm0", 6_u32), ("wwan0", 2), ("ttyUSB0", 3)]);
    assert!(values::has_port(&ports, "wwan0"));
    for other in ["cdc-wdm0", "wwan1", ""] {
        assert!(!values::has_port(&ports, other), "{other}");
    }
}

#[test]
fn a_modem_behind_what_looks_like_a_cable_is_cellular() {
    let told = |kind| Told {
        link: Some(Link {
            kind: Some(kind),
            ..Link::default()
        }),
        modem: None,
    };
    assert_eq!(told(Kind::Cellular).kind_of(Kind::Ethernet), Kind::Cellular);
    assert_eq!(told(Kind::Ethernet).kind_of(Kind::Wifi), Kind::Wifi);
    assert_eq!(told(Kind::Wifi).kind_of(Kind::Unknown), Kind::Wifi);
    assert_eq!(Told::default().kind_of(Kind::Unknown), Kind::Unknown);
    let by_port = Told {
        link: None,
        modem: Some(Modem {
            technology: Technology::Mobile4g,
            radio: Radio {
                rat: "lte".into(),
                rsrp_dbm: None,
                rsrq_db_tenths: None,
                sinr_db_tenths: None,
            },
        }),
    };
    assert_eq!(by_port.kind_of(Kind::Ethernet), Kind::Cellular);
}

/// Any value that a bus may carry, but for descriptors.
fn any_variant() -> impl Strategy<Value = Variant<'static>> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Variant::U8),
        any::<bool>().prop_map(Variant::Bool),
        any::<i16>().prop_map(Variant::I16),
        any::<u16>().prop_map(Variant::U16),
        any::<i32>().prop_map(Variant::I32),
        any::<u32>().prop_map(Variant::U32),
        any::<i64>().prop_map(Variant::I64),
        any::<u64>().prop_map(Variant::U64),
        any::<f64>().prop_map(Variant::F64),
        ".{0,8}".prop_map(|text| Variant::Str(Str::from(text))),
        Just("/a/b")
            .prop_map(|path| Variant::ObjectPath(ObjectPath::from_static_str_unchecked(path))),
        proptest::collection::vec(("[a-z]{0,6}", any::<u32>()), 0..4).prop_map(Variant::new),
        proptest::collection::vec(("rsrp|rsrq|[a-z]{0,6}", any::<f64>()), 0..4)
            .prop_map(dictionary),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|value| Variant::Variant(Box::new(value))),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|values| {
                let wrapped: Vec<Variant<'static>> = values;
                Variant::Array(Array::from(wrapped))
            }),
            proptest::collection::vec(inner, 1..3).prop_map(|values| {
                let structure = values
                    .into_iter()
                    .fold(StructureBuilder::new(), StructureBuilder::append_field);
                Variant::Structure(structure.build().unwrap())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_of_any_type_makes_it_panic(value in any_variant(), name in "rsrp|wwan0|.{0,4}") {
        let _ = values::metered(&value);
        let _ = values::kind(&value);
        let _ = values::strength_dbm(&value);
        let _ = values::text(&value);
        let _ = values::object(&value);
        let _ = values::has_port(&value, &name);
        prop_assert!(values::kbit_rate_bps(&value).is_none_or(|rate| rate > 0));
        let figure = values::tenths(&value, &name, values::RSRP_TENTHS);
        prop_assert!(figure.is_none_or(|tenths| values::RSRP_TENTHS.contains(&tenths)));
        let generation = values::generation(&value);
        prop_assert!(generation.is_none_or(|one| one.technology().is_mobile()));
    }
}
