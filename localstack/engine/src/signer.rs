//! Signatures of notifications that verify, by a key and a certificate of this process.
//!
//! AWS: "Verifying the signatures of Amazon SNS messages", docs.aws.amazon.com/sns/latest/dg/
//! sns-verify-signature-of-message.html. A verifier that also checks the certificate's host
//! (`sns.REGION.amazonaws.com`) or its chain has to be told that this one is meant.

use crate::sns::{NotificationSigner, SignatureVersion};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    CertificateParams, DnType, KeyIdMethod, PKCS_RSA_SHA256, PublicKeyData, SerialNumber,
    SignatureAlgorithm, SigningKey,
};
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use sha1::Sha1;
use sha2::Sha256;
use std::io;
use std::sync::OnceLock;

/// As long as AWS's.
const KEY_BITS: usize = 2048;

/// Signs with the key of this process, which is made when it is first needed: that takes up to
/// a tenth of a second, and most engines never deliver a wrapped message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProcessKey;

struct Made {
    key: Key,
    certificate: String,
    path: String,
}

impl ProcessKey {
    /// None if the system has no randomness to make a key of.
    fn made() -> Option<&'static Made> {
        static MADE: OnceLock<Option<Made>> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            Made::new()
                .inspect_err(|error| tracing::error!(%error, "notifications cannot be signed"))
                .ok()
        });
        made.as_ref()
    }

    /// The certificate in PEM form, if it is what stands at this path.
    pub(crate) fn certificate_at(path: &str) -> Option<&'static str> {
        // Only who was given a path can ask for it, and then the key is there.
        let made = Self::made().filter(|_| path.starts_with(PATH_BEGIN))?;
        (made.path == path).then_some(made.certificate.as_str())
    }
}

const PATH_BEGIN: &str = "/SimpleNotificationService-";

impl NotificationSigner for ProcessKey {
    fn sign(&self, version: SignatureVersion, text: &[u8]) -> Option<String> {
        let key = &Self::made()?.key.private;
        let signature = match version {
            SignatureVersion::One => key.pkcs1v15_sign::<Sha1>(text),
            SignatureVersion::Two => key.pkcs1v15_sign::<Sha256>(text),
        };
        signature.ok().map(|signature| STANDARD.encode(signature))
    }

    fn certificate_path(&self) -> Option<&str> {
        Self::made().map(|made| made.path.as_str())
    }
}

impl Made {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let private = PrivateKey::new(&mut SystemRandom, KEY_BITS)?;
        let public = private.to_public_key().to_pkcs1_der()?.as_bytes().to_vec();
        let id = crate::identity::sha256_hex(&public);
        let key = Key { private, public };
        let mut parameters = CertificateParams::default();
        parameters
            .distinguished_name
            .push(DnType::CommonName, "sns.fanline-engine.local");
        parameters.serial_number = Some(SerialNumber::from_slice(&id.as_bytes()[..8]));
        parameters.key_identifier_method = KeyIdMethod::PreSpecified(id.as_bytes()[..20].to_vec());
        Ok(Self {
            certificate: parameters.self_signed(&key)?.pem(),
            path: format!("{PATH_BEGIN}{}.pem", &id[..32]),
            key,
        })
    }
}

struct Key {
    private: PrivateKey,
    /// In DER form.
    public: Vec<u8>,
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.private
            .pkcs1v15_sign::<Sha256>(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// The system's randomness in the form that `rsa` takes.
struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = io::Error;

    fn try_next_u32(&mut self) -> io::Result<u32> {
        getrandom::u32().map_err(io::Error::other)
    }

    fn try_next_u64(&mut self) -> io::Result<u64> {
        getrandom::u64().map_err(io::Error::other)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}

impl TryCryptoRng for SystemRandom {}

#[cfg(test)]
mod tests {
    use super::*;

    /// That others can verify it, with this certificate, is shown by tests/clients.
    #[test]
    fn both_versions_verify_with_the_key_of_the_certificate() {
        let made = ProcessKey::made().expect("a key is made");
        let public = made.key.private.to_public_key();
        for version in [SignatureVersion::One, SignatureVersion::Two] {
            let signature = ProcessKey.sign(version, b"Message\nhello\n");
            let signature = STANDARD.decode(signature.expect("signs")).expect("base64");
            let verify = |text: &[u8]| match version {
                SignatureVersion::One => public.pkcs1v15_verify::<Sha1>(text, &signature),
                SignatureVersion::Two => public.pkcs1v15_verify::<Sha256>(text, &signature),
            };
            assert!(verify(b"Message\nhello\n").is_ok(), "{version:?}");
            assert!(verify(b"Message\nother\n").is_err(), "{version:?}");
        }
    }

    #[test]
    fn the_certificate_is_at_its_path_only() {
        let path = ProcessKey.certificate_path().expect("a key is made");
        let certificate = ProcessKey::certificate_at(path).expect("is there");
        assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(
            ProcessKey::certificate_at("/SimpleNotificationService-x.pem"),
            None
        );
        assert_eq!(ProcessKey::certificate_at("/"), None);
    }
}
