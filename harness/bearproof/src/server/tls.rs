//! The server's certificate, made at start: nothing to install, nothing to expire. It must not outlive the process.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, version};

/// A certificate for loopback and the authority that signed it.
pub(crate) struct Certificate {
    /// The authority, PEM: clients trust this.
    pub(crate) authority_pem: String,
    /// The server's side of TLS.
    pub(crate) config: Arc<ServerConfig>,
}

impl Certificate {
    /// Makes a fresh authority and a certificate for `localhost`, `127.0.0.1` and `::1`.
    pub(crate) fn make() -> Result<Self, String> {
        make().map_err(|e| format!("no certificate could be made: {e}"))
    }
}

fn make() -> Result<Certificate, Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "bearproof reference");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = vec!["localhost".to_string(), "127.0.0.1".to_string(), "::1".to_string()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    Ok(Certificate { authority_pem: authority.pem(), config: Arc::new(config) })
}
