//! The TLS side of a connection: trusted roots, protocol and errors in plain words. It must not skip a check of
//! a certificate or install anything for the whole process.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{self, CertificateError, RootCertStore};

/// Where Debian keeps the roots it trusts.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A connector that trusts the certificates in `extra_roots_pem` only, or the system's roots if there are none.
///
/// # Errors
/// One sentence if `extra_roots_pem` holds no certificate or one that can't be read.
pub(super) fn connector(extra_roots_pem: &[u8]) -> Result<TlsConnector, String> {
    let roots =
        if extra_roots_pem.trim_ascii().is_empty() { system_roots() } else { given_roots(extra_roots_pem)? };
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS can't be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What TLS says about an I/O error, `None` if it is not about TLS.
pub(super) fn reason(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match inner {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the certificate leads to no trusted root: give its root as an extra root".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate is for another host name".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the certificate has expired".to_owned(),
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        other => other.to_string(),
    })
}

fn given_roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|_| "the extra roots are not valid PEM: check the file".to_owned())?;
        roots.add(certificate).map_err(|_| "an extra root is not a valid X.509 certificate".to_owned())?;
    }
    if roots.is_empty() {
        return Err("the extra roots hold no certificate: expected PEM with `BEGIN CERTIFICATE`".to_owned());
    }
    Ok(roots)
}

/// Whatever of the system's roots can be read. None at all is no error here: plain HTTP needs none, and a
/// handshake says that it found no trusted root.
fn system_roots() -> RootCertStore {
    let pem = std::fs::read(SYSTEM_ROOTS).unwrap_or_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let message = connector(pem.as_bytes()).map(|_| ()).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn http_1_1_is_the_only_protocol_offered() {
        assert_eq!(connector(b"").unwrap().config().alpn_protocols, [b"http/1.1"]);
    }
}
