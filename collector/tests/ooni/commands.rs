//! `import` and `export` as somebody uses them.
use crate::program::{SITE, lines, measurement, run};
use std::io::Write;

#[test]
fn what_was_imported_is_exported_byte_for_byte_and_an_import_can_be_repeated() {
    let home = tempfile::tempdir().unwrap();
    let all: Vec<String> = (0..700).map(|number| measurement(SITE, number)).collect();
    let text = all.join("\n");
    let file = home.path().join("ooni.jsonl.gz");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    std::fs::write(&file, packed.finish().unwrap()).unwrap();

    // Broken off after a while: only a part of it came.
    let part = run(
        home.path(),
        &["import", "-"],
        all[..300].join("\n").as_bytes(),
    );
    assert_eq!(
        (part.code, part.out.as_str()),
        (0, "300 read: 300 stored, 0 already there, 0 not taken\n")
    );
    let whole = run(
        home.path(),
        &["import", "--json", file.to_str().unwrap()],
        b"",
    );
    let sums = &lines(&whole.out)[0];
    assert_eq!(
        (&sums["stored"], &sums["already_there"]),
        (&400.into(), &300.into())
    );

    let out = home.path().join("out.jsonl");
    let arguments = [
        "export",
        "--format",
        "ooni",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let said = run(home.path(), &arguments, b"");
    assert_eq!(lines(&said.out)[0]["ooni"], 700);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text + "\n");
}

#[test]
fn a_line_that_cannot_be_taken_is_named_and_the_rest_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let named = measurement(SITE, 1).replace("127.0.0.1", "36.37.1.2");
    let input = format!(
        "{}\n{{\"a\":\n{named}\n[1]\n{}\n",
        measurement(SITE, 2),
        measurement(SITE, 3)
    );
    let said = run(home.path(), &["import", "--json", "-"], input.as_bytes());
    assert_eq!(said.code, 1);
    let told = lines(&said.out);
    let places: Vec<_> = told.iter().map(|one| one["line"].as_u64()).collect();
    assert_eq!(places, [Some(2), Some(3), Some(4), None]);
    assert!(
        told[1]["error"].as_str().unwrap().contains("probe_ip"),
        "{}",
        told[1]
    );
    assert_eq!(
        (&told[3]["stored"], &told[3]["not_taken"]),
        (&2.into(), &3.into())
    );
    let journal = std::fs::read(home.path().join("data/journal.sqlite")).unwrap();
    let planted = b"36.37.1.2";
    assert!(!journal.windows(planted.len()).any(|part| part == planted));
    assert!(!said.out.contains("36.37.1.2") && !said.err.contains("36.37.1.2"));
}

#[test]
fn a_site_on_no_list_and_an_echoed_address_stay_inside_and_are_counted() {
    let home = tempfile::tempdir().unwrap();
    let echo = measurement(SITE, 1).replace("\"x_number\":1", "\"x_page\":\"you are 36.37.1.2\"");
    let typed = measurement("https://typed.example/", 2);
    let input = format!("{echo}\n{typed}\n");
    assert_eq!(run(home.path(), &["import", "-"], input.as_bytes()).code, 0);
    let said = run(home.path(), &["export", "--format", "ooni"], b"");
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert!(
        said.err.contains("holds_an_address 1, unlisted_site 1"),
        "{}",
        said.err
    );
    let said = run(
        home.path(),
        &["export", "--format", "ooni", "--unlisted"],
        b"",
    );
    assert_eq!(said.out, typed + "\n");
}

#[test]
fn what_is_missing_is_told_with_its_remedy() {
    let home = tempfile::tempdir().unwrap();
    let said = run(home.path(), &["export", "--format", "ooni"], b"");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("check --data"), "{}", said.err);
    let said = run(home.path(), &["import", "/nowhere"], b"");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("/nowhere"), "{}", said.err);
    assert_eq!(run(home.path(), &["export"], b"").code, 2);
    assert_eq!(run(home.path(), &["import"], b"").code, 2);
}

#[test]
fn an_export_is_analysed_like_what_went_in() {
    let home = tempfile::tempdir().unwrap();
    let input = (0..3)
        .map(|number| measurement(SITE, number) + "\n")
        .collect::<String>();
    run(home.path(), &["import", "-"], input.as_bytes());
    let before = run(home.path(), &["analyze", "-"], input.as_bytes());
    let exported = run(home.path(), &["export", "--format", "ooni"], b"");
    let after = run(home.path(), &["analyze", "-"], exported.out.as_bytes());
    assert_eq!((before.code, &before.out), (0, &after.out));
}
