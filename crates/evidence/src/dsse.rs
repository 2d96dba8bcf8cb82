//! Signatures that bind a type to a body: Ed25519 over the DSSE pre-authentication encoding.
//!
//! Source: <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md> (PAE).
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// Everything this project signs, named by the type that goes into the signature.
pub mod types {
    /// A record: body = SHA-256(public) || SHA-256(private).
    pub const RECORD: &str = "application/vnd.tonle.record.v1";
    /// What every version of the record type begins with.
    pub const RECORD_FAMILY: &str = "application/vnd.tonle.record.v";
    /// A batch of receipts: body = the Merkle root over the receipts.
    pub const RECEIPTS: &str = "application/vnd.tonle.receipts.v1";
    /// Proof that an agent holds the key it enrols: body = the enrolment request's claim.
    pub const ENROLMENT: &str = "application/vnd.tonle.enrolment.v1";
    /// The collector's answer to an enrolment.
    pub const ENROLLED: &str = "application/vnd.tonle.enrolled.v1";
    /// A list of targets published by a collector.
    pub const TARGETS: &str = "application/vnd.tonle.targets.v1";
    /// What an agent shows with a request: body = its time and the hash of the request's content.
    pub const PASS: &str = "application/vnd.tonle.pass.v1";
    /// What a collector tells of an incident: body = its time, a full stop, and the content.
    pub const ALERT: &str = "application/vnd.tonle.alert.v1";
    /// A consumer's complaint about a line, signed by the agent that measured it.
    pub const COMPLAINT: &str = "application/vnd.tonle.complaint.v1";
    /// What an operator or authority says of an incident.
    pub const REPLY: &str = "application/vnd.tonle.reply.v1";
}

/// `DSSEv1 <length of type> <type> <length of body> <body>`; lengths are decimal byte counts.
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let header = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        body.len()
    );
    let mut message = header.into_bytes();
    message.extend_from_slice(body);
    message
}

/// Signs `body` as being of `payload_type`.
#[must_use]
pub fn sign(key: &SigningKey, payload_type: &str, body: &[u8]) -> [u8; 64] {
    key.sign(&pae(payload_type, body)).to_bytes()
}

/// True when `signature` is `key`'s over exactly this type and body.
///
/// Uses strict verification: a signature that another verifier might refuse is refused here.
#[must_use]
pub fn verify(key: &VerifyingKey, payload_type: &str, body: &[u8], signature: &[u8; 64]) -> bool {
    let signature = Signature::from_bytes(signature);
    key.verify_strict(&pae(payload_type, body), &signature)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pae_matches_the_published_example() {
        let message = pae("http://example.com/HelloWorld", b"hello world");
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(message, expected);
    }

    #[test]
    fn a_signature_under_one_type_does_not_verify_under_another() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signature = sign(&key, types::RECORD, b"body");
        assert!(verify(
            &key.verifying_key(),
            types::RECORD,
            b"body",
            &signature
        ));
        assert!(!verify(
            &key.verifying_key(),
            types::RECEIPTS,
            b"body",
            &signature
        ));
    }
}
