//! Bytes with a name, and faults at their places. It must not know any form.

use bearproof_scheme::Fault;

/// An input.
pub(super) struct Text<'t> {
    pub(super) name: &'t str,
    pub(super) bytes: &'t [u8],
}

impl<'t> Text<'t> {
    /// What stands from an offset on. A reader that has read all is at the end: there is nothing more.
    pub(super) fn from(&self, offset: usize) -> &'t [u8] {
        self.bytes.get(offset..).unwrap_or(b"")
    }

    /// A fault at a byte; one beyond the last byte is at the end.
    pub(super) fn fault(
        &self,
        offset: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        let before = self.bytes.get(..offset).unwrap_or(self.bytes);
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
