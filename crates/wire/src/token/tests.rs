//! Tests of access tokens: RFC 8037's vector, and tokens made here with its key.
use super::*;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};

/// RFC 8037, appendix A.1.
const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
/// RFC 8037, appendix A.2.
const PUBLIC: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 8037, appendix A.4: signed, but its payload is a sentence and no claims.
const VECTOR: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                      hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const NOW_S: i64 = 1_700_000_000;

fn keys() -> Vec<VerifyKey> {
    vec![VerifyKey::from_jwk(PUBLIC).unwrap()]
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: "locate",
        subject: "ndt",
        audience: "mlab1-bkk01.example.org",
        now_s: NOW_S,
    }
}

fn token(header: &Value, claims: &Value) -> String {
    let secret: [u8; 32] = URL_SAFE_NO_PAD.decode(PRIVATE).unwrap().try_into().unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = SigningKey::from_bytes(&secret).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn claims() -> Value {
    json!({"iss": "locate", "sub": "ndt", "aud": ["mlab1-bkk01.example.org"], "jti": NAME,
           "exp": NOW_S + 60})
}

fn check(header: &Value, claims: &Value) -> Result<Option<String>, BadToken> {
    verify(&token(header, claims), &keys(), &expected())
}

/// The name of the token that [`claims`] make.
const NAME: &str = "x";

#[test]
fn the_signature_of_the_standards_vector_is_good() {
    let refused = verify(VECTOR, &keys(), &expected());
    assert_eq!(
        refused,
        Err(BadToken::Form),
        "past the signature: no claims"
    );
    let changed = VECTOR.replacen("hgyY", "hgyZ", 1);
    let refused = verify(&changed, &keys(), &expected());
    assert_eq!(refused, Err(BadToken::Signature));
}

#[test]
fn a_token_of_locate_lets_in() {
    let named = check(&json!({"alg": "EdDSA", "typ": "JWT"}), &claims());
    assert_eq!(named.unwrap().as_deref(), Some(NAME));
    let mut one = claims();
    one["aud"] = json!("mlab1-bkk01.example.org");
    one["jti"] = Value::Null;
    let unnamed = check(&json!({"alg": "EdDSA", "kid": "any"}), &one);
    assert_eq!(unnamed, Ok(None));
}

#[test]
fn no_other_algorithm_is_believed() {
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "eddsa"}),
        json!({"alg": "EdDSA", "crit": ["exp"]}),
    ] {
        assert_eq!(
            check(&header, &claims()),
            Err(BadToken::Algorithm),
            "{header}"
        );
    }
}

#[test]
fn each_claim_must_be_the_expected_one() {
    let header = json!({"alg": "EdDSA"});
    for (claim, value, refusal) in [
        ("iss", json!("monitoring"), BadToken::Purpose),
        ("sub", json!("wehe"), BadToken::Purpose),
        ("aud", json!(["mlab2"]), BadToken::Purpose),
        ("aud", Value::Null, BadToken::Purpose),
        ("exp", json!(NOW_S - LEEWAY_S - 1), BadToken::Time),
        ("exp", Value::Null, BadToken::Time),
        ("nbf", json!(NOW_S + LEEWAY_S + 1), BadToken::Time),
        ("exp", json!("soon"), BadToken::Form),
    ] {
        let mut wrong = claims();
        wrong[claim] = value;
        assert_eq!(check(&header, &wrong), Err(refusal), "{wrong}");
    }
    let mut just_over = claims();
    just_over["exp"] = json!(NOW_S - LEEWAY_S);
    assert!(check(&header, &just_over).is_ok());
}

#[test]
fn a_named_key_checks_only_tokens_of_its_name() {
    let with_name = PUBLIC.replacen('{', r#"{"kid":"2026","#, 1);
    let keys = [VerifyKey::from_jwk(&with_name).unwrap()];
    let mut header = json!({"alg": "EdDSA", "kid": "2026"});
    let named = verify(&token(&header, &claims()), &keys, &expected());
    assert_eq!(named.unwrap().as_deref(), Some(NAME));
    header["kid"] = json!("2025");
    let refused = verify(&token(&header, &claims()), &keys, &expected());
    assert_eq!(refused, Err(BadToken::Signature));
    assert_eq!(verify(VECTOR, &[], &expected()), Err(BadToken::Signature));
}

#[test]
fn what_is_no_public_key_is_told() {
    for wrong in [
        "",
        r#"{"kty":"RSA","crv":"Ed25519","x":""}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qY"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"s"}"#,
    ] {
        assert!(VerifyKey::from_jwk(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_lets_in(text in "[A-Za-z0-9_.-]{0,200}|.{0,50}") {
        prop_assert!(verify(&text, &keys(), &expected()).is_err());
        let _ = VerifyKey::from_jwk(&text);
    }

    #[test]
    fn one_changed_character_is_no_token_any_more(at in any::<prop::sample::Index>()) {
        let good = token(&json!({"alg": "EdDSA"}), &claims());
        let at = at.index(good.len());
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        prop_assert!(verify(&changed, &keys(), &expected()).is_err(), "{}", changed);
    }
}
