//! Client certificates that an authority would never give, some of them under its own CA.
//! In: the authority's CA, or none. Out: credentials to try the gateway with. Never: a certificate that the gateway should take.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls_pki_types::PrivateKeyDer;
use time::{Duration, OffsetDateTime};

use crate::raw::{Credentials, Shown, certificates};

/// Whose CA signs.
pub enum Signer {
    Authority,
    Stranger,
}

/// What the certificate says of its holder.
pub struct Claim {
    pub uris: Vec<String>,
    pub valid_until: OffsetDateTime,
}

impl Claim {
    pub fn of(offices: &[&str]) -> Claim {
        let uris = offices
            .iter()
            .map(|office| format!("spiffe://spean.gov.kh/office/{office}"));
        Claim {
            uris: uris.collect(),
            valid_until: OffsetDateTime::now_utc() + Duration::days(30),
        }
    }

    pub fn expired(mut self) -> Claim {
        self.valid_until = OffsetDateTime::now_utc() - Duration::days(1);
        self
    }
}

/// Credentials whose certificate makes the claim; the gateway itself is trusted as usual.
pub fn credentials(authority: &Path, signer: Signer, claim: Claim) -> Credentials {
    let read = |file: &str| {
        std::fs::read_to_string(authority.join("authority").join(file))
            .expect("the authority has its CA")
    };
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = match signer {
        Signer::Authority => {
            let ca_key = KeyPair::from_pem(&read("ca.key")).expect("the CA's key is PEM");
            let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), ca_key)
                .expect("the CA's certificate is PEM");
            params(claim).signed_by(&key, &issuer)
        }
        Signer::Stranger => {
            let ca_key = KeyPair::generate().expect("a key can be made");
            let issuer = Issuer::new(CertificateParams::default(), ca_key);
            params(claim).signed_by(&key, &issuer)
        }
    };
    let certificate = certificate.expect("a certificate can be signed");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("rcgen's keys are PKCS#8");
    let shown = Shown {
        chain: vec![certificate.der().clone()],
        key: Arc::new(key),
    };
    Credentials {
        trusted: certificates(&authority.join("authority/ca.pem")),
        shown: Some(shown),
    }
}

fn params(claim: Claim) -> CertificateParams {
    let mut params = CertificateParams::default();
    let uris = claim
        .uris
        .into_iter()
        .map(|uri| SanType::URI(uri.try_into().expect("a URI is ASCII")));
    params.subject_alt_names = uris.collect();
    params.not_before = OffsetDateTime::now_utc() - Duration::days(60);
    params.not_after = claim.valid_until;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}
