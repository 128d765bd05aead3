//! Signatures of notifications, verified as AWS describes it: the text that is signed is put
//! together from the notification, the key comes with the certificate.

use crate::case::{Case, Outcome, case};
use crate::check::{ensure, equal, some};
use crate::document::*;
use crate::target::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey as _;
use serde_json::Value;
use sha1::Sha1;
use sha2::Sha256;

pub(super) const CASES: &[Case] = &[
    case!(
        "signature-fields",
        "A notification carries a signature, its version, and the URL of the certificate.",
        MESSAGE_FORMATS,
        |target| {
            let found = notification(&target, "1").await?;
            equal("SignatureVersion", &found["SignatureVersion"], "1")?;
            some("Signature", found["Signature"].as_str())?;
            let url = some("SigningCertURL", found["SigningCertURL"].as_str())?;
            ensure(url.ends_with(".pem"), || format!("SigningCertURL is {url}"))
        }
    ),
    case!(
        "signature-version-1",
        "A signature of version 1 verifies with SHA1 and the key of the certificate.",
        VERIFY_SIGNATURE,
        |target| {
            let found = notification(&target, "1").await?;
            let (key, signature) = key_and_signature(&target, &found).await?;
            let verified = key.pkcs1v15_verify::<Sha1>(signed_text(&found).as_bytes(), &signature);
            ensure(verified.is_ok(), || "the signature does not verify".into())
        }
    ),
    case!(
        "signature-version-2",
        "On a topic with SignatureVersion 2, signatures say so and verify with SHA256.",
        VERIFY_SIGNATURE,
        |target| {
            let found = notification(&target, "2").await?;
            equal("SignatureVersion", &found["SignatureVersion"], "2")?;
            let (key, signature) = key_and_signature(&target, &found).await?;
            let text = signed_text(&found);
            let verified = key.pkcs1v15_verify::<Sha256>(text.as_bytes(), &signature);
            ensure(verified.is_ok(), || "the signature does not verify".into())
        }
    ),
    case!(
        "signature-covers-the-message",
        "The signature of one notification does not verify another.",
        VERIFY_SIGNATURE,
        |target| {
            let mut found = notification(&target, "1").await?;
            let (key, signature) = key_and_signature(&target, &found).await?;
            found["Message"] = "forged".into();
            let verified = key.pkcs1v15_verify::<Sha1>(signed_text(&found).as_bytes(), &signature);
            ensure(verified.is_err(), || "a forged message verifies".into())
        }
    ),
];

/// A notification with a subject, of a topic that signs in this version.
async fn notification(target: &Target, version: &str) -> Outcome<Value> {
    let topic = target.topic("t", &[("SignatureVersion", version)]).await?;
    let queue = target.queue("q", &[]).await?;
    target.subscribe(&topic, &queue, &[]).await?;
    let call = target.publishing(&topic, "two\nlines, \"quoted\"");
    call.subject("greeting").send().await?;
    target.notification(&queue).await
}

/// Names and values on lines of their own, in the order of the names.
fn signed_text(notification: &Value) -> String {
    const SIGNED: [&str; 6] = [
        "Message",
        "MessageId",
        "Subject",
        "Timestamp",
        "TopicArn",
        "Type",
    ];
    let fields = SIGNED.iter().filter_map(|name| {
        let value = notification[name].as_str()?;
        Some(format!("{name}\n{value}\n"))
    });
    fields.collect()
}

async fn key_and_signature(target: &Target, notification: &Value) -> Outcome<(PublicKey, Vec<u8>)> {
    let url = some("SigningCertURL", notification["SigningCertURL"].as_str())?;
    let path = url.splitn(4, '/').nth(3);
    let path = format!("/{}", some("the path of SigningCertURL", path)?);
    let certificate = target.page(&path).await?;
    let certificate = String::from_utf8_lossy(&certificate);
    let key = some("a certificate with an RSA key", public_key(&certificate))?;
    let signature = some("Signature", notification["Signature"].as_str())?;
    let signature = STANDARD.decode(signature);
    let signature = signature.map_err(|error| format!("Signature is no base64: {error}"))?;
    Ok((key, signature))
}

/// The key in a certificate in PEM form. Of X.509 only the way there is needed:
/// `Certificate { tbs { [version], serial, algorithm, issuer, validity, subject, key, .. } .. }`.
fn public_key(pem: &str) -> Option<PublicKey> {
    const EXPLICIT_VERSION: u8 = 0xa0;
    let lines = pem.lines().map(str::trim);
    let base64: String = lines
        .skip_while(|line| *line != "-----BEGIN CERTIFICATE-----")
        .skip(1)
        .take_while(|line| *line != "-----END CERTIFICATE-----")
        .collect();
    let der = STANDARD.decode(base64).ok()?;
    let (_, certificate, _) = element(&der)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&EXPLICIT_VERSION) {
        fields = element(fields)?.2;
    }
    for _ in ["serial", "algorithm", "issuer", "validity", "subject"] {
        fields = element(fields)?.2;
    }
    let (key, _, _) = element(fields)?;
    PublicKey::from_public_key_der(key).ok()
}

/// The first element of DER data: as a whole, its content, and what comes after it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first = *der.get(1)?;
    let (begin, length) = match first {
        0..0x80 => (2, usize::from(first)),
        _ => {
            let digits = usize::from(first & 0x7f);
            let digits = der.get(2..2 + digits)?;
            let fold = |length: usize, digit: &u8| length << 8 | usize::from(*digit);
            (2 + digits.len(), digits.iter().fold(0, fold))
        }
    };
    let end = begin.checked_add(length)?;
    Some((der.get(..end)?, der.get(begin..end)?, der.get(end..)?))
}
