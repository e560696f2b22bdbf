//! The reference as a subject: called as a function, with the published clock and randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use bearproof_scheme::Reference;
use bearproof_scheme::request::Message;

use crate::entropy::Published;
use crate::subject::{Observation, Subject, SubjectError};
use crate::suite::Variant;

/// The strict reference, fresh for one vector.
pub struct InProcess {
    reference: Reference,
    clock: AtomicU64,
    id: String,
}

impl InProcess {
    /// A fresh reference for the vector with this id, at the world's published clock.
    pub fn new(variant: &Variant, id: &str) -> Self {
        let (description, world) = (variant.description.as_ref().clone(), variant.world.as_ref().clone());
        let clock = AtomicU64::new(world.clock.unwrap_or(0));
        Self { reference: Reference::strict(description, world), clock, id: id.into() }
    }
}

impl Subject for InProcess {
    fn send(&self, message: &Message, step: usize) -> Result<Observation, SubjectError> {
        let entropy = Published::new(&format!("{} server", self.id), step);
        let answer = self.reference.handle(&message.request(), self.now(), &entropy);
        let body = if message.method == "HEAD" { Vec::new() } else { answer.body };
        Ok(Observation {
            status: answer.status,
            fields: answer.fields.into_iter().map(|(n, v)| (n, v.into_bytes())).collect(),
            body,
            reason: Some(answer.refused.unwrap_or_default()),
        })
    }

    fn revoke(&self, role: &str) -> Result<(), SubjectError> {
        if self.reference.revoke(role) {
            Ok(())
        } else {
            Err(SubjectError::Unsupported(format!("the world has no credential `{role}`")))
        }
    }

    fn wait(&self, seconds: u64) -> Result<(), SubjectError> {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
        Ok(())
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }
}
