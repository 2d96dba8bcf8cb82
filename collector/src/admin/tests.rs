//! Tests of joining and leaving.
use super::*;
use crate::journal::Journal;
use std::sync::atomic::{AtomicU32, Ordering};
use tonle_evidence::country::ProvinceInfo;
use tonle_evidence::enrolment::EnrolmentRequest;
use tonle_evidence::entry::{EntryKind, Tier};

const NOW_US: i64 = 1_700_000_000_000_000; // 2023-11-14
const DAY_US: i64 = 86_400_000_000;

fn settings() -> AdminSettings {
    AdminSettings {
        public_url: "http://127.0.0.1:8080/".parse().unwrap(),
        country: Country {
            code: "XX".into(),
            en: "Test".into(),
            km: "Test".into(),
            utc_offset_s: 25_200,
            peak: None,
            provinces: vec![ProvinceInfo {
                code: "XX-1".into(),
                en: "One".into(),
                km: "One".into(),
                population: 1,
                centre: None,
            }],
            operators: Vec::new(),
        },
        ndt7_url: Some("ws://127.0.0.1:8081/".into()),
        streams: tonle_evidence::record::Stream::ALL.to_vec(),
    }
}

fn open(dir: &Path) -> Admin {
    Admin::open(dir, settings()).unwrap()
}

fn agent(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn invite(admin: &Admin, options: &InviteOptions) -> String {
    admin.create_invitation(options, NOW_US).unwrap().token
}

fn join(
    admin: &Admin,
    token: &str,
    number: u8,
) -> Result<tonle_evidence::enrolment::Enrolled, EnrolError> {
    admin.enrol(&EnrolmentRequest::new(token, &agent(number), "1"), NOW_US)
}

#[test]
fn an_invitation_carries_the_collectors_key_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let invitation = admin
        .create_invitation(&InviteOptions::default(), NOW_US)
        .unwrap();
    assert_eq!(invitation.collector_key, admin.public_key());
    assert_eq!(invitation.to_string().parse(), Ok(invitation));
}

#[test]
fn a_token_is_never_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let token = invite(&admin, &InviteOptions::default());
    let link = join(&admin, &token, 1).unwrap().device_link;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [&token, &link] {
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes())
            );
        }
    }
}

#[test]
fn a_lost_reply_is_repeated_without_harm_even_after_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let token = invite(&admin, &InviteOptions::default());
    let first = join(&admin, &token, 1).unwrap();
    drop(admin);
    let admin = open(dir.path());
    let request = EnrolmentRequest::new(&token, &agent(1), "1");
    let again = admin.enrol(&request, NOW_US + 30 * DAY_US).unwrap();
    assert!(first == again);
    assert_eq!(admin.agents().unwrap().len(), 1);
}

#[test]
fn wrong_tokens_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let token = invite(&admin, &InviteOptions::default());
    assert!(matches!(
        join(&admin, "AAAA", 1),
        Err(EnrolError::UnknownToken)
    ));
    let request = EnrolmentRequest::new(&token, &agent(1), "1");
    let late = admin.enrol(&request, NOW_US + 8 * DAY_US);
    assert!(matches!(late, Err(EnrolError::Expired)));
    join(&admin, &token, 1).unwrap();
    assert!(matches!(join(&admin, &token, 2), Err(EnrolError::UsedUp)));
    let other = invite(&admin, &InviteOptions::default());
    assert!(matches!(join(&admin, &other, 1), Err(EnrolError::KeyTaken)));
}

#[test]
fn a_key_that_the_sender_does_not_hold_is_not_enrolled() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let token = invite(&admin, &InviteOptions::default());
    let mut request = EnrolmentRequest::new(&token, &agent(1), "1");
    request.key = Hex(agent(2).verifying_key().to_bytes());
    assert!(matches!(
        admin.enrol(&request, NOW_US),
        Err(EnrolError::Proof)
    ));
    join(&admin, &token, 3).unwrap();
}

#[test]
fn a_single_use_admits_one_of_many_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let admins = [open(dir.path()), open(dir.path())];
    let token = invite(&admins[0], &InviteOptions::default());
    let joined = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for number in 1..=16 {
            let (admin, token, joined) = (&admins[usize::from(number % 2)], &token, &joined);
            scope.spawn(move || match join(admin, token, number) {
                Ok(_) => {
                    joined.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert!(matches!(error, EnrolError::UsedUp), "{error}"),
            });
        }
    });
    assert_eq!(joined.into_inner(), 1);
}

#[test]
fn joins_of_one_invitation_are_one_batch_unless_vouched() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    for (vouched, batches) in [(false, 1), (true, 2)] {
        let options = InviteOptions {
            uses: 2,
            vouched,
            ..InviteOptions::default()
        };
        let token = invite(&admin, &options);
        let first = 10 + u8::from(vouched) * 2;
        let batch = |number: u8| {
            join(&admin, &token, number).unwrap();
            let key = Hex(agent(number).verifying_key().to_bytes());
            admin.agent_by_key(&key).unwrap().batch_id.clone()
        };
        let found = std::collections::BTreeSet::from([batch(first), batch(first + 1)]);
        assert_eq!(found.len(), batches);
    }
}

#[test]
fn an_invitation_for_no_province_of_the_country_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = InviteOptions {
        province: Some("XX-99".into()),
        ..InviteOptions::default()
    };
    let error = open(dir.path())
        .create_invitation(&options, NOW_US)
        .unwrap_err();
    assert!(error.to_string().contains("XX-1"), "{error}");
}

#[test]
fn a_revocation_by_another_process_is_noticed_and_has_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let (service, command) = (open(dir.path()), open(dir.path()));
    let token = invite(&service, &InviteOptions::default());
    let enrolled = join(&service, &token, 1).unwrap();
    command.refresh().unwrap();
    command
        .revoke(&enrolled.key_id, NOW_US + 10, NOW_US)
        .unwrap();
    service.refresh().unwrap();
    let row = service.agent_by_key(&enrolled.key).unwrap();
    assert!(!row.is_revoked(NOW_US + 9));
    assert!(row.is_revoked(NOW_US + 10));
    assert!(matches!(
        command.revoke("nobody", 0, 0),
        Err(RevokeError::Unknown(_))
    ));
}

#[test]
fn the_device_page_is_found_by_its_link_only() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let token = invite(&admin, &InviteOptions::default());
    let enrolled = join(&admin, &token, 1).unwrap();
    let found = admin.agent_by_device_link(&enrolled.device_link).unwrap();
    assert_eq!(found.key_id, enrolled.key_id);
    assert!(admin.agent_by_device_link("").is_none());
}

#[test]
fn one_prefix_has_different_group_ids_in_two_months_and_the_old_key_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let prefix = [203, 0, 113];
    let november = admin.group_id(&prefix, NOW_US).unwrap();
    assert_eq!(
        open(dir.path()).group_id(&prefix, NOW_US).unwrap(),
        november
    );
    let old_key: [u8; 32] = admin
        .lock()
        .query_row("SELECT key FROM group_key", [], |row| row.get(0))
        .unwrap();
    let later = NOW_US + 31 * DAY_US;
    assert_ne!(admin.group_id(&prefix, later).unwrap(), november);
    admin.destroy_old_group_keys(later).unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(32).any(|part| part == old_key));
    }
}

#[tokio::test]
async fn joining_and_leaving_become_journal_entries_once() {
    let dir = tempfile::tempdir().unwrap();
    let admin = open(dir.path());
    let journal = Journal::open(dir.path(), admin.signing_key().clone()).unwrap();
    let options = InviteOptions {
        tier: Tier::Vetted,
        province: Some("XX-1".into()),
        ..InviteOptions::default()
    };
    let token = invite(&admin, &options);
    let enrolled = join(&admin, &token, 1).unwrap();
    join(&admin, &token, 1).unwrap();
    admin.revoke(&enrolled.key_id, NOW_US, NOW_US).unwrap();
    admin.revoke(&enrolled.key_id, NOW_US, NOW_US).unwrap();
    assert_eq!(admin.drain_outbox(&journal).await.unwrap(), 2);
    assert_eq!(admin.drain_outbox(&journal).await.unwrap(), 0);
    let entries = journal.reader().unwrap().entries_from(0, 10).unwrap();
    let kinds: Vec<EntryKind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Enrolment, EntryKind::Revocation]);
    let private: EnrolmentPrivate = serde_json::from_slice(&entries[0].private).unwrap();
    assert_eq!(
        (private.key, &private.key_id),
        (enrolled.key, &enrolled.key_id)
    );
    let public = String::from_utf8(entries[0].public.clone()).unwrap();
    assert!(!public.contains(&enrolled.key_id) && !public.contains("XX-1"));
}
