//! Records of a stream that is not hosted here.
use super::*;

#[tokio::test]
async fn a_collector_of_quality_alone_refuses_openness_records_and_keeps_nothing_of_them() {
    let hall = hall_of(Limits::default(), &[Stream::Quality]);
    hall.enrol(1);
    let mut openness = public(1);
    openness["method"]["stream"] = "openness".into();
    openness["target"]["value"] = "https://planted.example/".into();
    let newer = {
        let mut newer = openness.clone();
        newer["schema"] = "tonle.record/2".into();
        newer
    };
    let line = |public: &Value, sequence| {
        record(&agent(1), public, &private(sequence, wall_us())).to_line()
    };
    let lines = [line(&public(1), 0), line(&openness, 1), line(&newer, 2)];
    let results = hall.post(&lines).await.results();
    let reasons: Vec<&str> = results.iter().map(reason).collect();
    assert_eq!(reasons, ["stored", "stream", "stream"]);
    assert_eq!(*hall.journal.committed().borrow(), 1);
    for entry in std::fs::read_dir(hall.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(7).any(|part| part == b"planted");
            assert!(!found, "{}", path.display());
        }
    }
}
