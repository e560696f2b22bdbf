//! Decides which addresses may be connected to, once per name. It must not connect.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::lookup_host;
use tokio::sync::OnceCell;

use super::error::ExchangeError;

type Checked = Arc<OnceCell<Vec<IpAddr>>>;

/// The addresses of every host asked for so far. A name is resolved once, so that what was checked is what is
/// connected to, whatever the name server says later.
pub(super) struct Addresses {
    allowed_hosts: Vec<String>,
    known: Mutex<HashMap<String, Checked>>,
}

impl Addresses {
    /// `allowed_hosts`: exact names, in any case, that may lead anywhere.
    pub(super) fn new(allowed_hosts: Vec<String>) -> Self {
        Self { allowed_hosts, known: Mutex::default() }
    }

    /// The addresses of a host, one or more.
    ///
    /// # Errors
    /// `Resolve`, and `NotAllowed` if one of the addresses is not loopback and the host was not allowed.
    pub(super) async fn of(&self, host: &str) -> Result<Vec<IpAddr>, ExchangeError> {
        let entry = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(host.to_owned()).or_default())
        };
        entry.get_or_try_init(|| self.resolve(host)).await.cloned()
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ExchangeError> {
        let failed = |reason: String| ExchangeError::Resolve { host: host.to_owned(), reason };
        let found = lookup_host((host, 0)).await.map_err(|error| failed(error.to_string()))?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        if addresses.is_empty() {
            return Err(failed("the list is empty".to_owned()));
        }
        // 127.0.0.0/8 and ::1; an IPv4 address inside an IPv6 address is neither.
        let loopback = addresses.iter().all(IpAddr::is_loopback);
        if loopback || self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            Ok(addresses)
        } else {
            Err(ExchangeError::NotAllowed { host: host.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_is_free_and_anything_else_needs_its_name() {
        let addresses = Addresses::new(vec!["192.0.2.1".to_owned()]);
        for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost", "192.0.2.1"] {
            assert!(addresses.of(host).await.is_ok(), "{host}");
        }
        for host in ["0.0.0.0", "10.0.0.1", "192.0.2.10", "::", "::ffff:127.0.0.1", "fe80::1"] {
            let expected = ExchangeError::NotAllowed { host: host.to_owned() };
            assert_eq!(addresses.of(host).await, Err(expected), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_named() {
        // RFC 6761 section 6.4: `invalid` never resolves.
        let Err(ExchangeError::Resolve { host, .. }) = Addresses::new(Vec::new()).of("x.invalid").await
        else {
            panic!("expected no address");
        };
        assert_eq!(host, "x.invalid");
    }

    #[tokio::test]
    async fn a_checked_name_is_not_looked_up_again() {
        let addresses = Addresses::new(Vec::new());
        let checked = Arc::new(OnceCell::new_with(Some(vec![IpAddr::from([127, 0, 0, 9])])));
        addresses.known.lock().unwrap().insert("x.invalid".to_owned(), checked);
        assert_eq!(addresses.of("x.invalid").await, Ok(vec![IpAddr::from([127, 0, 0, 9])]));
    }
}
