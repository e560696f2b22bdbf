//! Bytes with a name, and faults at their places. It must not know any form.

use bearproof_scheme::Fault;

/// An input.
pub(super) struct Text<'t> {
    pub(super) name: &'t str,
    pub(super) bytes: &'t [u8],
}

impl Text<'_> {
    /// A fault at a byte.
    pub(super) fn fault(
        &self,
        offset: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        let before = self.bytes.get(..offset.min(self.bytes.len())).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        Fault::at(self.name, &before, before.len(), message, remedy)
    }

    /// Text from bytes, or a fault at the first that is none.
    pub(super) fn utf8<'b>(&self, bytes: &'b [u8], offset: usize, what: &str) -> Result<&'b str, Fault> {
        std::str::from_utf8(bytes).map_err(|error| {
            let message = format!("{what} is not UTF-8");
            self.fault(offset + error.valid_up_to(), message, "copy the request again as plain text")
        })
    }
}
