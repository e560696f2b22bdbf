//! What a signature is computed from on the way. It must not compute anything, and where nobody reads it nothing is kept.

/// Every intermediate value of a signature, in order: name and bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// `None`: nobody will read them.
    steps: Option<Vec<(String, Vec<u8>)>>,
}

impl Trace {
    /// A trace that keeps what it is told.
    pub fn kept() -> Self {
        Self { steps: Some(Vec::new()) }
    }

    /// A trace that keeps nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether anything is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.steps.is_some()
    }

    /// Keeps a value; name and bytes are only asked for if they are kept.
    pub(crate) fn add(&mut self, step: impl FnOnce() -> (String, Vec<u8>)) {
        if let Some(steps) = &mut self.steps {
            steps.push(step());
        }
    }

    /// The values in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, Vec<u8>)> {
        self.steps.as_deref().unwrap_or_default().iter()
    }
}

impl<'t> IntoIterator for &'t Trace {
    type Item = &'t (String, Vec<u8>);
    type IntoIter = std::slice::Iter<'t, (String, Vec<u8>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
