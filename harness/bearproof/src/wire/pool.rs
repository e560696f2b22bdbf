//! Keeps idle connections per origin. It must not open, use or check them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::connection::Connection;
use super::origin::Origin;

/// Idle connections.
pub(super) struct Pool {
    most: usize,
    idle: Mutex<HashMap<Origin, Vec<Connection>>>,
}

impl Pool {
    /// `most`: how many connections are kept per origin.
    pub(super) fn new(most: usize) -> Self {
        Self { most, idle: Mutex::default() }
    }

    /// The connection that was used last: the one least likely to have been closed meanwhile.
    pub(super) fn take(&self, origin: &Origin) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(origin)?.pop()
    }

    /// Keeps a connection, or drops it if there are enough.
    pub(super) fn put(&self, origin: &Origin, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(origin.clone()).or_default();
        if connections.len() < self.most {
            connections.push(connection);
        }
    }

    /// Drops all that are kept for an origin: one was found closed, and so may be the others.
    pub(super) fn clear(&self, origin: &Origin) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).remove(origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_kept_per_origin_up_to_the_limit() {
        let pool = Pool::new(2);
        let (one, two) = (Origin::parse("http://[::1]:1").unwrap(), Origin::parse("http://[::1]:2").unwrap());
        for _ in 0..3 {
            pool.put(&one, Box::new(tokio::io::empty()));
        }
        assert!(pool.take(&two).is_none());
        assert!(pool.take(&one).is_some() && pool.take(&one).is_some() && pool.take(&one).is_none());
        pool.put(&one, Box::new(tokio::io::empty()));
        pool.clear(&one);
        assert!(pool.take(&one).is_none());
    }
}
