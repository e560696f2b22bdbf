//! The reference as a subject: called as a function, with the published clock and randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use bearproof_scheme::request::Message;
use bearproof_scheme::weakness::Weakness;
use bearproof_scheme::{Answer, Reference};

use crate::entropy::Published;
use crate::plot::Plot;
use crate::results::Via;
use crate::run::Subjects;
use crate::subject::{Observation, Subject, SubjectError};
use crate::suite::Variant;

/// The strict reference, fresh for one vector.
pub struct InProcess {
    reference: Reference,
    clock: AtomicU64,
    id: String,
    /// Whether it tells the reason code, which no server over HTTP does.
    tells: bool,
}

impl InProcess {
    /// A fresh reference for the vector with this id, at the world's published clock.
    pub fn new(variant: &Variant, id: &str) -> Self {
        let reference =
            Reference::strict(variant.description.as_ref().clone(), variant.world.as_ref().clone());
        let clock = AtomicU64::new(variant.world.clock.unwrap_or(0));
        Self { reference, clock, id: id.into(), tells: true }
    }

    /// A reference with one weakness. It shows only what a server over HTTP would.
    pub fn weak(variant: &Variant, weakness: &Weakness) -> Self {
        let (description, world) = (variant.description.as_ref().clone(), variant.world.as_ref().clone());
        let clock = AtomicU64::new(world.clock.unwrap_or(0));
        let reference = Reference::weak(description, world, weakness);
        Self { reference, clock, id: String::new(), tells: false }
    }

    /// As at the start, for another vector.
    pub fn renew(&mut self, variant: &Variant, id: &str) {
        self.reference.forget();
        self.clock = AtomicU64::new(variant.world.clock.unwrap_or(0));
        self.id = id.into();
    }

    /// Whether the reference reads some other message than it gets; `None` if it reads every one as it is.
    pub(crate) fn reads_otherwise(&self, message: &Message) -> Option<bool> {
        self.reference.reads_otherwise(message)
    }

    /// Asks the reference and says also which row refused.
    pub(crate) fn ask(&self, message: &Message, step: usize) -> Answer {
        let entropy = Published::new(&format!("{} server", self.id), step);
        self.reference.handle(&message.request(), self.now(), &entropy)
    }
}

/// A fresh strict reference for each vector.
pub struct InProcessSubjects;

impl Subjects for InProcessSubjects {
    fn with(&self, plot: &Plot, with: &mut dyn FnMut(&dyn Subject)) {
        with(&InProcess::new(&plot.variant, &plot.id));
    }

    fn via(&self) -> Via {
        Via::InProcess
    }

    fn lacks(&self, _: &str) -> Option<String> {
        None
    }

    fn concurrency(&self) -> usize {
        std::thread::available_parallelism().map_or(2, usize::from)
    }
}

impl InProcess {
    /// What a client sees of an answer; the reason only if it is told.
    pub(crate) fn observe(message: &Message, answer: Answer, tells: bool) -> Observation {
        let body = if message.method == "HEAD" { Vec::new() } else { answer.body };
        Observation {
            status: answer.status,
            fields: answer.fields.into_iter().map(|(n, v)| (n, v.into_bytes())).collect(),
            body,
            reason: tells.then(|| answer.refused.unwrap_or_default()),
        }
    }
}

impl Subject for InProcess {
    fn send(&self, message: &Message, step: usize) -> Result<Observation, SubjectError> {
        Ok(Self::observe(message, self.ask(message, step), self.tells))
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
