//! Tokens that a live target gives to those who log in, where the profile has no key to make them with. They are asked
//! for when they are needed, and anew before they end. It must not judge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bearproof_scheme::key::Secret;
use bearproof_scheme::world::World;

use crate::entropy::Published;
use crate::judge::let_in;
use crate::life::of_token;
use crate::needs::needs;
use crate::play::{Made, Moment, Next, answered_token, play};
use crate::plot::Plot;
use crate::recipe::{Action, Expect, Step};
use crate::resolve::token_operation;
use crate::subject::Subject;
use crate::suite::Variant;

/// A token whose end is not known is good for this long, in seconds; one that is known to end is asked for anew when it
/// has no more than this left, or half of a life that is shorter.
const GOOD_FOR: u64 = 60;

/// The tokens of one target, by role.
#[derive(Default)]
pub struct Logins {
    held: Mutex<BTreeMap<String, Held>>,
}

struct Held {
    token: Secret,
    /// When it is asked for anew, in seconds since 1970 UTC.
    until: u64,
}

impl Logins {
    /// Whether this caller can get a token: nobody here can make one, and the profile has what the login asks for.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn offered(variant: &Variant, role: &str) -> Result<(), String> {
        request(variant, role, "", 0).map(|_| ())
    }

    /// The plot with the tokens that it needs and does not have.
    ///
    /// # Errors
    /// Why a login gave no token, in words.
    pub fn filled(&self, plot: &Plot, run: &str, subject: &dyn Subject) -> Result<Option<Plot>, String> {
        let needs = needs(plot);
        let roles: Vec<&str> = needs
            .iter()
            .filter_map(|need| need.strip_prefix("token "))
            .filter(|role| lacks_token(&plot.variant.world, role))
            .collect();
        if roles.is_empty() {
            return Ok(None);
        }
        let variant = self.with_tokens(&plot.variant, &roles, run, subject)?;
        Ok(Some(Plot { variant, ..plot.clone() }))
    }

    /// The world with a token for this caller, where it needs one that nobody here can make.
    ///
    /// # Errors
    /// Why a login gave no token, in words.
    pub fn logged_in(
        &self,
        variant: &Variant,
        role: &str,
        run: &str,
        subject: &dyn Subject,
    ) -> Result<Variant, String> {
        let needs = variant.description.token.is_some() && !variant.description.caller_key();
        if needs && lacks_token(&variant.world, role) {
            self.with_tokens(variant, &[role], run, subject)
        } else {
            Ok(variant.clone())
        }
    }

    fn with_tokens(
        &self,
        variant: &Variant,
        roles: &[&str],
        run: &str,
        subject: &dyn Subject,
    ) -> Result<Variant, String> {
        let mut world = World::clone(&variant.world);
        for role in roles {
            let token = self.token(variant, role, run, subject)?;
            for credential in world.credentials.iter_mut().filter(|c| c.role == *role) {
                credential.captured = Some(token.clone());
            }
        }
        Ok(Variant { world: Arc::new(world), ..variant.clone() })
    }

    /// Forgets all tokens: something may have ended them.
    pub fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn token(
        &self,
        variant: &Variant,
        role: &str,
        run: &str,
        subject: &dyn Subject,
    ) -> Result<Secret, String> {
        let now = subject.now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.get(role).filter(|held| now < held.until) {
            return Ok(held.token.clone());
        }
        let (plot, made) = request(variant, role, run, now)?;
        let answer =
            subject.send(&made.message, 0).map_err(|e| format!("the login of `{role}`: {}", e.words()))?;
        let success = variant.world.endpoint(&made.endpoint).map(|e| e.success.clone()).unwrap_or_default();
        if !let_in(&success, &answer) {
            return Err(format!("the login of `{role}` was refused ({})", answer.status));
        }
        let token = answered_token(&plot, &made.endpoint, &answer.body)
            .ok_or_else(|| format!("the login of `{role}` answered no token ({})", answer.status))?;
        let until = match of_token(&variant.description, &token).ends {
            Some(expiry) => {
                let left = expiry.saturating_sub(now);
                now + left - GOOD_FOR.min(left / 2)
            }
            None => now + GOOD_FOR,
        };
        let token = Secret::new(token.into_bytes());
        held.insert(role.into(), Held { token: token.clone(), until });
        Ok(token)
    }
}

/// Whether this caller's requests need a token that nobody here can make.
fn lacks_token(world: &World, role: &str) -> bool {
    world.platform("primary").is_none() && world.credential(role).is_some_and(|c| c.captured.is_none())
}

/// The request of the login, with the plot that it belongs to.
fn request(variant: &Variant, role: &str, run: &str, now: u64) -> Result<(Plot, Box<Made>), String> {
    let operation = token_operation(&variant.description).ok_or("no operation answers with a token")?;
    if variant.description.operation(operation).is_some_and(|o| o.guarded) {
        return Err(format!("`{operation}` needs a token itself"));
    }
    let id = format!("{}/login/{role}/{now}", variant.description.id);
    let step = Step::new(Action::Obtain(Some(operation.into())), Expect::Accept);
    let plot = Plot::of_step(id, variant, role, step);
    let entropy = Published::of_run(run, &plot.id, 0);
    match play(&plot, 0, Moment { now, entropy: &entropy, fresh: 0, traced: false }, &[])? {
        Next::Send(made) => Ok((plot, made)),
        Next::Wait(_) | Next::RevokeHook(_) => Err("a login sends a request".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use bearproof_scheme::request::Message;

    use super::*;
    use crate::in_process::InProcess;
    use crate::subject::{Observation, SubjectError};
    use crate::suite::{Disk, Scheme};

    /// The reference, with a count of what was sent and a clock of its own.
    struct Counted {
        inner: InProcess,
        sent: AtomicU64,
        ahead: AtomicU64,
    }

    impl Subject for Counted {
        fn send(&self, message: &Message, step: usize) -> Result<Observation, SubjectError> {
            self.sent.fetch_add(1, Ordering::Relaxed);
            self.inner.send(message, step)
        }

        fn revoke(&self, role: &str) -> Result<(), SubjectError> {
            self.inner.revoke(role)
        }

        fn wait(&self, seconds: u64) -> Result<(), SubjectError> {
            self.inner.wait(seconds)
        }

        fn now(&self) -> u64 {
            self.inner.now() + self.ahead.load(Ordering::Relaxed)
        }
    }

    /// A scheme, and its world as somebody sees it who does not have the platform's key.
    fn scheme(id: &str) -> (Variant, Variant) {
        let folder = Disk(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(id));
        let whole = Scheme::load(id, Arc::new(folder)).unwrap().default;
        let world = World { platforms: Vec::new(), ..World::clone(&whole.world) };
        let outside = Variant { world: Arc::new(world), ..whole.clone() };
        (whole, outside)
    }

    fn call(variant: &Variant) -> Plot {
        let plot = Plot::of_step("x/y/z".into(), variant, "primary", Step::new(Action::Call, Expect::Accept));
        Plot { endpoint: "write".into(), ..plot }
    }

    #[test]
    fn a_token_is_asked_for_once_and_again_before_it_ends() {
        let (whole, outside) = scheme("hotwax");
        let inner = InProcess::new(&whole, "login");
        let subject = Counted { inner, sent: AtomicU64::new(0), ahead: AtomicU64::new(0) };
        let logins = Logins::default();
        let token = || {
            let filled = logins.filled(&call(&outside), "run", &subject).unwrap().unwrap();
            filled.variant.world.credential("primary").unwrap().captured.clone()
        };
        let first = token();
        assert!(first.is_some());
        assert_eq!((token() == first, subject.sent.load(Ordering::Relaxed)), (true, 1));
        // The scheme's tokens live for 30 minutes.
        subject.ahead.store(29 * 60 - 1, Ordering::Relaxed);
        token();
        assert_eq!(subject.sent.load(Ordering::Relaxed), 1);
        subject.ahead.store(29 * 60, Ordering::Relaxed);
        token();
        assert_eq!(subject.sent.load(Ordering::Relaxed), 2);
        logins.forget();
        token();
        assert_eq!(subject.sent.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn who_has_the_key_does_not_log_in() {
        let (whole, _) = scheme("hotwax");
        let subject = InProcess::new(&whole, "login");
        assert!(Logins::default().filled(&call(&whole), "run", &subject).unwrap().is_none());
    }

    #[test]
    fn a_refused_login_is_told_with_its_status() {
        let (whole, mut outside) = scheme("bursagb-jwt");
        let mut world = World::clone(&outside.world);
        for credential in &mut world.credentials {
            for (_, value) in &mut credential.values {
                if value.is_secret() {
                    *value = bearproof_scheme::world::Value::Secret(Secret::new(b"wrong".to_vec()));
                }
            }
        }
        outside.world = Arc::new(world);
        let subject = InProcess::new(&whole, "login");
        let refused = Logins::default().filled(&call(&outside), "run", &subject);
        let why = refused.err().unwrap();
        assert!(why.starts_with("the login of `primary` was refused (4"), "{why}");
    }

    #[test]
    fn an_operation_that_needs_a_token_is_no_login() {
        let (_, outside) = scheme("masonhub");
        let why = Logins::offered(&outside, "primary").unwrap_err();
        assert!(why.ends_with("needs a token itself"), "{why}");
    }
}
