//! The TLS side of a connection: trusted roots, the client's certificate, protocol and errors in plain words. It must not
//! skip a check of a certificate that was not named, or install anything for the whole process.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, CertificateError, RootCertStore};

use super::unchecked::Unchecked;

/// Where Debian keeps the roots it trusts.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Whom to trust, and as whom to come.
#[derive(Clone, Default)]
pub(crate) struct TlsOptions {
    /// Roots in PEM that are trusted beside the system's.
    pub(crate) extra_roots_pem: Vec<u8>,
    /// Certificate (with its chain) and private key that the client shows, each in PEM.
    pub(crate) client_pem: Option<(Vec<u8>, Vec<u8>)>,
    /// Names of hosts whose certificate is taken as it is.
    pub(crate) insecure: Vec<String>,
}

/// A connector that trusts the system's roots and the extra ones.
///
/// # Errors
/// One sentence if roots, certificate or key can't be used.
pub(super) fn connector(options: &TlsOptions) -> Result<TlsConnector, String> {
    let mut roots = system_roots();
    add_roots(&mut roots, &options.extra_roots_pem)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let unusable = |error: rustls::Error| format!("TLS can't be set up: {error}");
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match verifier(&roots, &provider, &options.insecure)? {
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        None => builder.with_root_certificates(roots),
    };
    let mut config = match &options.client_pem {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(chain(certificate)?, private_key(key)?)
            .map_err(|error| format!("the client's certificate and key can't be used: {error}"))?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What TLS says about an I/O error, `None` if it is not about TLS.
pub(super) fn reason(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match inner {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the certificate leads to no trusted root: give its root as `ca`".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate is for another host name".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the certificate has expired".to_owned(),
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
            "the server asks for a client's certificate: give `client-certificate` and `client-key`"
                .to_owned()
        }
        other => other.to_string(),
    })
}

/// The usual verifier with exceptions, where there are some.
fn verifier(
    roots: &RootCertStore,
    provider: &Arc<CryptoProvider>,
    insecure: &[String],
) -> Result<Option<Unchecked>, String> {
    if insecure.is_empty() {
        return Ok(None);
    }
    // Where nothing at all is trusted there is nothing to check with.
    let usual = match roots.is_empty() {
        true => None,
        false => Some(
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(provider))
                .build()
                .map_err(|error| format!("TLS can't be set up: {error}"))?,
        ),
    };
    Ok(Some(Unchecked::new(usual, insecure, provider.signature_verification_algorithms)))
}

fn add_roots(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    if pem.trim_ascii().is_empty() {
        return Ok(());
    }
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|_| "the extra roots are not valid PEM: check the file".to_owned())?;
        roots.add(certificate).map_err(|_| "an extra root is not a valid X.509 certificate".to_owned())?;
    }
    if roots.len() == before {
        return Err("the extra roots hold no certificate: expected PEM with `BEGIN CERTIFICATE`".to_owned());
    }
    Ok(())
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err("the client's certificate is no PEM with `BEGIN CERTIFICATE`".to_owned()),
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "the client's key is no PEM with `BEGIN PRIVATE KEY`".to_owned())
}

/// Whatever of the system's roots can be read. None at all is no error here: plain HTTP needs none, and a
/// handshake says that it found no trusted root.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if let Ok(pem) = std::fs::read(SYSTEM_ROOTS) {
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_roots(pem: &[u8]) -> TlsOptions {
        TlsOptions { extra_roots_pem: pem.to_vec(), ..TlsOptions::default() }
    }

    #[test]
    fn extra_roots_without_a_certificate_are_refused() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let cases = [
            ("no PEM", "hold no certificate"),
            (key.as_str(), "hold no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "not valid PEM"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "not a valid X.509 certificate",
            ),
        ];
        for (pem, expected) in cases {
            let message = connector(&with_roots(pem.as_bytes())).map(|_| ()).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_client_without_a_usable_certificate_or_key_is_refused() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
        let key = key.serialize_pem();
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let cases = [
            (key.as_str(), key.as_str(), "no PEM with `BEGIN CERTIFICATE`"),
            (certificate.as_str(), certificate.as_str(), "no PEM with `BEGIN PRIVATE KEY`"),
            (certificate.as_str(), other.as_str(), "can't be used"),
        ];
        let options = |certificate: &str, key: &str| TlsOptions {
            client_pem: Some((certificate.into(), key.into())),
            ..TlsOptions::default()
        };
        for (certificate, key, expected) in cases {
            let message = connector(&options(certificate, key)).map(|_| ()).unwrap_err();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("PRIVATE KEY-----"), "{message}");
        }
        assert!(connector(&options(&certificate, &key)).is_ok());
    }

    #[test]
    fn http_1_1_is_the_only_protocol_offered() {
        assert_eq!(connector(&with_roots(b"")).unwrap().config().alpn_protocols, [b"http/1.1"]);
    }
}
