//! Hosts whose certificate is taken as it is, because the user named them. It must not let any other host off.

use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// The usual verifier, but for the named hosts. That the server holds the key of its certificate is checked for all.
#[derive(Debug)]
pub(super) struct Unchecked {
    /// `None` where there is no root to check with.
    usual: Option<Arc<WebPkiServerVerifier>>,
    hosts: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Unchecked {
    /// `hosts`: names or addresses, as origins write them, in any case.
    pub(super) fn new(
        usual: Option<Arc<WebPkiServerVerifier>>,
        hosts: &[String],
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let hosts = hosts.iter().map(|h| h.trim_matches(['[', ']']).to_ascii_lowercase()).collect();
        Self { usual, hosts, algorithms }
    }
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.hosts.contains(&server_name.to_str().to_ascii_lowercase()) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.usual {
            Some(usual) => {
                usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
