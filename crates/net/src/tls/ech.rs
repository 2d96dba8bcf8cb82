//! The extension of Encrypted Client Hello (RFC 9849) as a client sends it that holds no configuration of
//! the server: "GREASE" (section 6.2), which a server that knows nothing of it passes over.
//!
//! Nothing is sealed: such an extension is a key that nobody holds the other half of, and random bytes
//! of the length that a sealed hello would have. So a provider without HPKE is enough.
use rustls::client::{EchGreaseConfig, EchMode};
use rustls::crypto::hpke::{
    EncapsulatedSecret, Hpke, HpkeOpener, HpkePrivateKey, HpkePublicKey, HpkeSealer, HpkeSuite,
};
use rustls::crypto::ring::kx_group::X25519;
// The numbers of a suite have no other place in rustls.
use rustls::internal::msgs::enums::{HpkeAead, HpkeKdf, HpkeKem};
use rustls::internal::msgs::handshake::HpkeSymmetricCipherSuite;
use rustls::{ClientConfig, ConfigBuilder, Error, WantsVerifier, WantsVersions};

/// Whether a `ClientHello` of TLS 1.3 carries the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ech {
    /// It does not.
    Absent,
    /// It does, made up.
    Grease,
}

impl Ech {
    /// The word of records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Grease => "grease",
        }
    }

    /// TLS 1.3 alone, with the extension or without, so that nothing else tells the hellos apart.
    pub(super) fn offer(
        self,
        builder: ConfigBuilder<ClientConfig, WantsVersions>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
        match self {
            Self::Absent => builder.with_protocol_versions(&[&rustls::version::TLS13]),
            Self::Grease => {
                let key = HpkePublicKey(public_key()?);
                builder.with_ech(EchMode::Grease(EchGreaseConfig::new(&MADE_UP, key)))
            }
        }
    }
}

static MADE_UP: MadeUp = MadeUp;

/// The suite that clients use most, for hellos that nobody is to open.
#[derive(Debug)]
struct MadeUp;

/// A fresh key of X25519.
fn public_key() -> Result<Vec<u8>, Error> {
    Ok(X25519.start()?.pub_key().to_vec())
}

fn not_for_this<T>() -> Result<T, Error> {
    Err(Error::General(
        "a made-up suite seals and opens nothing".to_owned(),
    ))
}

impl Hpke for MadeUp {
    fn seal(
        &self,
        _info: &[u8],
        _aad: &[u8],
        _plaintext: &[u8],
        _key: &HpkePublicKey,
    ) -> Result<(EncapsulatedSecret, Vec<u8>), Error> {
        not_for_this()
    }

    fn setup_sealer(
        &self,
        _info: &[u8],
        _key: &HpkePublicKey,
    ) -> Result<(EncapsulatedSecret, Box<dyn HpkeSealer + 'static>), Error> {
        Ok((EncapsulatedSecret(public_key()?), Box::new(Self)))
    }

    fn open(
        &self,
        _secret: &EncapsulatedSecret,
        _info: &[u8],
        _aad: &[u8],
        _ciphertext: &[u8],
        _key: &HpkePrivateKey,
    ) -> Result<Vec<u8>, Error> {
        not_for_this()
    }

    fn setup_opener(
        &self,
        _secret: &EncapsulatedSecret,
        _info: &[u8],
        _key: &HpkePrivateKey,
    ) -> Result<Box<dyn HpkeOpener + 'static>, Error> {
        not_for_this()
    }

    fn generate_key_pair(&self) -> Result<(HpkePublicKey, HpkePrivateKey), Error> {
        not_for_this()
    }

    fn suite(&self) -> HpkeSuite {
        HpkeSuite {
            kem: HpkeKem::DHKEM_X25519_HKDF_SHA256,
            sym: HpkeSymmetricCipherSuite {
                kdf_id: HpkeKdf::HKDF_SHA256,
                aead_id: HpkeAead::AES_128_GCM,
            },
        }
    }
}

impl HpkeSealer for MadeUp {
    fn seal(&mut self, _aad: &[u8], _plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        not_for_this()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConnection, RootCertStore};
    use std::sync::Arc;

    fn hello(ech: Ech) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let config = ech.offer(builder).unwrap();
        let config = config
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = "site.example".try_into().unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        connection.write_tls(&mut bytes).unwrap();
        bytes
    }

    /// Type of the extension, and the first bytes of its body (RFC 9849, section 5): an outer hello with
    /// HKDF-SHA256 and AES-128-GCM.
    fn carries_extension(hello: &[u8]) -> bool {
        let is_it = |bytes: &[u8]| bytes[..2] == [0xfe, 0x0d] && bytes[4..9] == [0, 0, 1, 0, 1];
        hello.windows(9).any(is_it)
    }

    #[test]
    fn only_a_hello_that_is_to_carry_the_extension_does_and_shows_the_name_either_way() {
        assert!(carries_extension(&hello(Ech::Grease)));
        assert!(!carries_extension(&hello(Ech::Absent)));
        for ech in [Ech::Absent, Ech::Grease] {
            let hello = hello(ech);
            assert!(hello.windows(12).any(|bytes| bytes == b"site.example"));
        }
    }

    #[test]
    fn every_hello_has_another_key_and_other_bytes() {
        let (one, other) = (hello(Ech::Grease), hello(Ech::Grease));
        let place = |hello: &[u8]| {
            let mut windows = hello.windows(2);
            windows.position(|bytes| bytes == [0xfe, 0x0d]).unwrap()
        };
        // Behind type, length, suite, config id and the length of the key.
        let key = |hello: &[u8]| hello[place(hello) + 12..place(hello) + 44].to_vec();
        assert_ne!(key(&one), key(&other));
    }
}
