//! Randomness of bindings: a hash of who asks, so that the same binding gives the same bytes.

use bearproof_scheme::sign::Entropy;
use sha2::{Digest, Sha256};

/// Bytes from a run, a vector and a step. The published run is the empty one.
#[derive(Debug, Clone)]
pub struct Published {
    seed: Vec<u8>,
}

impl Published {
    /// The published randomness of a step of a vector.
    pub fn new(id: &str, step: usize) -> Self {
        Self::of_run("", id, step)
    }

    /// The randomness of a step in a run with a fresh id.
    pub fn of_run(run: &str, id: &str, step: usize) -> Self {
        Self { seed: format!("bearproof\0{run}\0{id}\0{step}").into_bytes() }
    }
}

impl Entropy for Published {
    fn bytes(&self, purpose: &str, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        let mut counter: u32 = 0;
        while out.len() < len {
            let mut hash = Sha256::new();
            hash.update(&self.seed);
            hash.update([0]);
            hash.update(purpose.as_bytes());
            hash.update(counter.to_be_bytes());
            out.extend_from_slice(&hash.finalize());
            counter = counter.wrapping_add(1);
        }
        out.truncate(len);
        out
    }
}
