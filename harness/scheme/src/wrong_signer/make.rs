//! Makes requests with something wrong, in the stages of [`crate::sign`]. It must not compare them with anything.

use super::{Edit, Seal, Start, WrongSigner, seal};
use crate::encoding::string_literal;
use crate::request::Message;
use crate::sign::{SignError, Texts, Trace, Written};

/// Whether signatures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// All of the request, to be sent.
    Whole,
    /// Without signatures of key pairs: what differs elsewhere shows without them.
    Sketch,
}

/// A request that was made, and how.
#[derive(Debug, Clone)]
pub struct Made {
    /// The message.
    pub message: Message,
    /// The values of its parts.
    pub written: Vec<Written>,
    /// Header and claims, where this signer made the token.
    pub texts: Option<Texts>,
    /// How the token was signed.
    pub seal: Seal,
    /// The token.
    pub token: Option<String>,
    /// Every intermediate value.
    pub trace: Trace,
}

/// Makes the request with all of `wrong` wrong; right if it is empty.
///
/// # Errors
/// See [`SignError`].
pub fn make(start: &Start<'_>, wrong: &[&WrongSigner], signing: Signing) -> Result<Made, SignError> {
    let mut start = start.clone();
    for each in wrong {
        if let Edit::Start(edit) = &each.edit {
            edit(&mut start);
        }
    }
    let mut trace = Trace::kept();
    let mut signed = start.draft.clone();
    if let Some(method) = &start.signed_as {
        signed.method.clone_from(method);
    }
    let mut written = start.signer.parts(&start.parts, &signed, &start.given, &mut trace)?;
    let mut seal = Seal::right(start.signer.description);
    for each in wrong {
        match &each.edit {
            Edit::Parts(edit) => edit(&start, &mut written),
            Edit::Seal(edit) => edit(&mut seal),
            Edit::Start(_) | Edit::Message(_) => {}
        }
    }
    let draft = start.draft.with_body_of(&written)?;
    let (texts, token) = match (start.signer.captured(), &start.signer.description.token) {
        (_, None) => (None, None),
        (Some(captured), _) => (None, Some(seal::cut(captured.into(), &seal))),
        (None, Some(_)) => {
            let texts = start.signer.texts(&written, &string_literal(&seal.says));
            let token = seal::token(&start, &seal, &texts, signing, &mut trace)?;
            (Some(texts), Some(token))
        }
    };
    let mut message = start.signer.message(&start.parts, &draft, &written, token.as_deref())?;
    for each in wrong {
        if let Edit::Message(edit) = &each.edit {
            edit(&mut message);
        }
    }
    Ok(Made { message, written, texts, seal, token, trace })
}
