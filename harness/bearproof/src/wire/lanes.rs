//! A client for threads that wait for their answer. It must not know what is asked.
//!
//! Each exchange runs on a lane: an event loop and the connections that belong to it, both driven by the thread that
//! asks. So no answer has to wake a thread that reads and then a thread that waits.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use tokio::runtime::{Builder, Runtime};

use super::client::Client;
use super::error::ExchangeError;

/// As many lanes as there were threads at once.
pub(crate) struct Lanes {
    client: Client,
    kept: Mutex<Kept>,
}

/// Lanes that nobody asks on.
#[derive(Default)]
struct Kept {
    /// The lane that was used last is taken first: its connections are the least likely to have been closed.
    idle: Vec<Lane>,
    /// A lane that lost its answer has no connection left, and waits for the thread that asked: what it asks anew goes
    /// over a fresh one. Another lane's could be lost as well, since some servers close without a word after they
    /// answered before they had read a body.
    lost: HashMap<ThreadId, Lane>,
}

struct Lane {
    // Connections go before the loop that they are registered with.
    client: Client,
    runtime: Runtime,
}

impl Lanes {
    /// No lane yet; each will ask as `client` does.
    pub(crate) fn new(client: Client) -> Self {
        Self { client, kept: Mutex::default() }
    }

    /// Waits for what `act` does with a client that no other thread uses meanwhile.
    ///
    /// # Errors
    /// What `act` gives, or `Connect` if the system has no event loop to give.
    pub(crate) fn run<T>(
        &self,
        act: impl AsyncFnOnce(&Client) -> Result<T, ExchangeError>,
    ) -> Result<T, ExchangeError> {
        let me = thread::current().id();
        let taken = {
            let mut kept = self.kept();
            kept.lost.remove(&me).or_else(|| kept.idle.pop())
        };
        let lane = match taken {
            Some(lane) => lane,
            None => self.lane().map_err(|e| ExchangeError::NoLoop { reason: e.kind().to_string() })?,
        };
        let outcome = lane.runtime.block_on(act(&lane.client));
        if matches!(outcome, Err(ExchangeError::Reset { partial: false })) {
            self.kept().lost.insert(me, lane);
        } else {
            self.kept().idle.push(lane);
        }
        outcome
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self) -> std::io::Result<Lane> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Lane { client: self.client.with_own_connections(), runtime })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Server, Step, client};
    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    fn asked(lanes: &Lanes, origin: &super::super::Origin) -> u16 {
        lanes.run(async |client| client.exchange(origin, REQUEST, false).await).unwrap().status
    }

    fn served(connections: Vec<Vec<Step>>) -> (Runtime, Server) {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::http(connections));
        (runtime, server)
    }

    fn answered() -> [Step; 2] {
        [Step::Read(REQUEST.len()), Step::Send(ANSWER.to_vec())]
    }

    #[test]
    fn one_thread_after_another_uses_one_connection() {
        let (_runtime, server) = served(vec![[answered(), answered(), answered()].concat()]);
        let lanes = Lanes::new(client());
        for _ in 0..3 {
            thread::scope(|scope| {
                scope.spawn(|| assert_eq!(asked(&lanes, &server.origin), 200));
            });
        }
        assert_eq!(lanes.kept().idle.len(), 1);
        assert_eq!(server.seen(), [REQUEST.repeat(3)]);
    }

    #[test]
    fn threads_at_once_have_a_lane_each() {
        let slow =
            [Step::Read(REQUEST.len()), Step::Pause(Duration::from_millis(200)), Step::Send(ANSWER.to_vec())];
        let (_runtime, server) = served(vec![slow.to_vec(), slow.to_vec()]);
        let lanes = Lanes::new(client());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(asked(&lanes, &server.origin), 200));
            }
        });
        assert_eq!(lanes.kept().idle.len(), 2);
        assert_eq!(server.seen(), [REQUEST, REQUEST]);
    }

    /// Nobody drives the loop of an idle lane, so it has not heard yet that its connection was closed.
    #[test]
    fn a_connection_that_was_closed_while_its_lane_was_idle_is_not_used() {
        let later = [answered().as_slice(), &[Step::Pause(Duration::from_millis(50))]].concat();
        let (_runtime, server) = served(vec![later, answered().to_vec()]);
        let lanes = Lanes::new(client());
        let post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(&lanes, &server.origin), 200);
        thread::sleep(Duration::from_millis(200));
        // What is not safe is not sent again, so this works on a fresh connection only.
        let answer = lanes.run(async |client| client.exchange(&server.origin, &post[..], false).await);
        assert_eq!(answer.unwrap().status, 200);
    }

    /// Two connections that are closed at their second request: who lost one of them does not try the other, though a
    /// second thread has taken its place meanwhile.
    #[test]
    fn who_lost_an_answer_asks_anew_over_a_fresh_connection() {
        let answer = Step::Send(ANSWER.to_vec());
        let pause = |ms| Step::Pause(Duration::from_millis(ms));
        let closing = vec![Step::Read(REQUEST.len()), pause(100), answer.clone(), Step::Read(1)];
        let slow = vec![Step::Read(1), pause(400), answer, Step::Hang];
        let (_runtime, server) = served(vec![closing.clone(), closing, slow.clone(), slow]);
        let lanes = Lanes::new(client());
        let both = || {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| assert_eq!(asked(&lanes, &server.origin), 200));
                }
            });
        };
        both();
        let post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        let posted = || lanes.run(async |client| client.exchange(&server.origin, &post[..], false).await);
        assert_eq!(posted().err(), Some(ExchangeError::Reset { partial: false }));
        thread::scope(|scope| {
            // It is safe, so it is sent again if its connection was closed.
            scope.spawn(|| assert_eq!(asked(&lanes, &server.origin), 200));
            thread::sleep(Duration::from_millis(150));
            assert_eq!(posted().map(|answer| answer.status), Ok(200));
        });
    }
}
