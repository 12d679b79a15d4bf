//! Names and public keys come in, certificates go out. There are three CAs: one for offices and the gateway that they meet, one for
//! nats-server and the gateways that it lets in, so that no office's certificate ever opens nats-server, and one for the servers of a
//! cluster among themselves, so that no gateway's certificate is a server's.
//! What a certificate request asks for is not read: only its public key is taken, once the request proves that its sender has the key.

use std::time::Duration;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType, SerialNumber,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use schemas::subject::{OFFICE_URI, OfficeId};
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A year and five weeks: a yearly visit to the office may be late.
pub const OFFICE_DAYS: u32 = 400;
/// Gateways and nats-servers stand with the operator, whom `check` warns.
pub const SERVER_DAYS: u32 = 3 * 365;
const CA_DAYS: u32 = 20 * 365;

/// A certificate and its private key, both in PEM.
#[derive(Debug)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// A certificate authority.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    /// Makes a new one, and what it is kept as.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn make(name: &str) -> anyhow::Result<(Ca, Pair)> {
        let key = KeyPair::generate()?;
        let mut params = params(name, CA_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pair = Pair {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        };
        let issuer = Issuer::new(params, key);
        Ok((Ca { issuer }, pair))
    }

    /// # Errors
    /// One of the two is not what it should be.
    pub fn read(certificate: &str, key: &str) -> anyhow::Result<Ca> {
        let key = KeyPair::from_pem(key).context("the CA's key is no private key")?;
        let issuer =
            Issuer::from_ca_cert_pem(certificate, key).context("the CA's certificate is none")?;
        Ok(Ca { issuer })
    }

    /// For a server that is met under these host names and addresses, and itself meets nobody.
    ///
    /// # Errors
    /// A name is neither.
    pub fn server(&self, name: &str, hosts: &[String]) -> anyhow::Result<Pair> {
        self.at_hosts(name, hosts, vec![ExtendedKeyUsagePurpose::ServerAuth])
    }

    /// For a server of a cluster, as the others meet it and as it meets them.
    ///
    /// # Errors
    /// A name is neither a host's nor an address.
    pub fn route(&self, name: &str, hosts: &[String]) -> anyhow::Result<Pair> {
        let both = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.at_hosts(name, hosts, both)
    }

    fn at_hosts(
        &self,
        name: &str,
        hosts: &[String],
        usages: Vec<ExtendedKeyUsagePurpose>,
    ) -> anyhow::Result<Pair> {
        let mut params = params(name, SERVER_DAYS)?;
        params.subject_alt_names = CertificateParams::new(hosts)
            .with_context(|| format!("{hosts:?} are not all host names or addresses"))?
            .subject_alt_names;
        params.extended_key_usages = usages;
        self.pair(params)
    }

    /// For a gateway, as nats-server meets it.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn client(&self, name: &str) -> anyhow::Result<Pair> {
        let mut params = params(name, SERVER_DAYS)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.pair(params)
    }

    /// For an office whose key is made here.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn office(&self, office: &OfficeId) -> anyhow::Result<Pair> {
        self.pair(office_params(office)?)
    }

    /// For an office whose private key never leaves it; the certificate, in PEM.
    ///
    /// # Errors
    /// The request cannot be read, or was not signed with the key that it names.
    pub fn office_by_request(&self, office: &OfficeId, request: &str) -> anyhow::Result<String> {
        let request = CertificateSigningRequestParams::from_pem(request)
            .context("the certificate request cannot be read, or is not signed with its own key")?;
        self.certify(&office_params(office)?, &request.public_key)
    }

    fn pair(&self, params: CertificateParams) -> anyhow::Result<Pair> {
        let key = KeyPair::generate()?;
        Ok(Pair {
            certificate: self.certify(&params, &key)?,
            key: key.serialize_pem(),
        })
    }

    fn certify(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> anyhow::Result<String> {
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }
}

/// What the gateway reads of an office's certificate: the one URI that names it.
pub fn office_uri(office: &OfficeId) -> String {
    format!("{OFFICE_URI}{office}")
}

fn office_params(office: &OfficeId) -> anyhow::Result<CertificateParams> {
    let mut params = params(&office.to_string(), OFFICE_DAYS)?;
    let uri = office_uri(office).try_into().context("a URI is ASCII")?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn params(name: &str, days: u32) -> anyhow::Result<CertificateParams> {
    let mut serial = [0; 16];
    SystemRandom::new()
        .fill(&mut serial)
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    // A serial number is positive (RFC 5280 §4.1.2.2).
    let [first, ..] = &mut serial;
    *first = *first & 0x7F | 0x40;
    let now = OffsetDateTime::now_utc();
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // The peer's clock may be behind, by a time zone at most.
    params.not_before = now - DAY;
    params.not_after = now + DAY * days;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::*;
    use crate::peer::Peer;

    fn office() -> OfficeId {
        "moh/siem-reap".parse().expect("an office")
    }

    fn peer(pem: &str) -> String {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
        let peer = Peer::from_certificate(&certificate).expect("an office");
        peer.office().to_string()
    }

    #[test]
    fn an_office_gets_a_certificate_that_the_gateway_reads_as_its_name() {
        let (_, pair) = Ca::make("offices").expect("a CA");
        let ca = Ca::read(&pair.certificate, &pair.key).expect("the same CA");
        let office_pair = ca.office(&office()).expect("a certificate");
        assert_eq!(peer(&office_pair.certificate), "moh/siem-reap");
    }

    #[test]
    fn a_request_gets_the_authoritys_name_for_the_office_and_not_its_own() {
        let (ca, _) = Ca::make("offices").expect("a CA");
        let key = KeyPair::generate().expect("a key");
        let mut asks = CertificateParams::new(vec!["evil.example".to_owned()]).expect("a name");
        asks.subject_alt_names.push(SanType::URI(
            office_uri(&"mef/hq".parse().expect("an office"))
                .try_into()
                .expect("ASCII"),
        ));
        asks.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let request = asks.serialize_request(&key).expect("a request");
        let pem = request.pem().expect("PEM");
        let certificate = ca.office_by_request(&office(), &pem).expect("one");
        assert_eq!(peer(&certificate), "moh/siem-reap");
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let (_, read) = x509_parser::parse_x509_certificate(&der).expect("a certificate");
        assert!(!read.is_ca());
        assert_eq!(
            read.public_key().subject_public_key.data.as_ref(),
            key.public_key_raw()
        );
    }

    #[test]
    fn a_request_that_its_key_did_not_sign_gets_nothing() {
        let (ca, _) = Ca::make("offices").expect("a CA");
        let key = KeyPair::generate().expect("a key");
        let request = CertificateParams::default()
            .serialize_request(&key)
            .expect("a request");
        let mut der = request.der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{base64}\n-----END CERTIFICATE REQUEST-----\n"
        );
        assert!(ca.office_by_request(&office(), &pem).is_err());
    }
}
