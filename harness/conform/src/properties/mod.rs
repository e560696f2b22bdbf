//! What must hold for any bytes, named once: fuzz targets, proptest and the replay of old crashes call these.
//! A property says what broke and never panics; it must not know who calls it, or how its bytes were made.

mod any_world;
mod captured;
mod composed;
mod encodings;
mod files;
mod ground;
mod json;
mod memory;
mod oracle;
mod requests;
mod sequence;
mod signatures;
mod signing;
mod tokens;
mod weak;

pub use composed::composed_plot;
pub use ground::{Ground, TAGS};
pub use oracle::{Peer, Says};
pub use requests::asked;
pub use signing::{ROLES, bound_values, refused, signer};
pub use tokens::SEALING_KEY;

/// Something that must hold for any bytes.
pub struct Property {
    /// Its name, also that of its fuzz target and of the folders of its corpus.
    pub name: &'static str,
    /// How the bytes are read.
    pub input: &'static str,
    /// What holds.
    pub holds: &'static str,
    /// What knows the right answer.
    pub oracle: &'static str,
    /// What checks it.
    pub check: fn(&Ground, &[u8]) -> Result<(), String>,
}

impl Property {
    /// Checks the property for these bytes.
    ///
    /// # Errors
    /// What broke, in words.
    pub fn check(&self, ground: &Ground, data: &[u8]) -> Result<(), String> {
        (self.check)(ground, data)
    }
}

/// All properties, from the smallest parser to whole requests.
pub const ALL: [Property; 20] = [
    Property {
        name: "base64url",
        input: "a text to decode, and bytes to encode",
        holds: "each text has one reading, each value one text",
        oracle: "the base64 crate",
        check: encodings::base64url,
    },
    Property {
        name: "json-string",
        input: "a text",
        holds: "its JSON string reads as the text again",
        oracle: "serde_json",
        check: encodings::json_string,
    },
    Property {
        name: "json-object",
        input: "a text",
        holds: "read if and only if it is an object within the limits whose names are unique",
        oracle: "serde_json, with a visitor of its own that counts",
        check: json::object,
    },
    Property {
        name: "json-compact",
        input: "a text",
        holds: "white space between tokens goes, and nothing else",
        oracle: "a compactor that looks at one byte after the other; serde_json",
        check: json::compacted,
    },
    Property {
        name: "compact-token",
        input: "a token",
        holds: "it is cut at all its dots and nowhere else, in each format; the signing input is all before the last",
        oracle: "counting dots",
        check: tokens::compact_token,
    },
    Property {
        name: "sealed-token",
        input: "even first byte: a token; odd: header, claims, IV and one change of a token",
        holds: "it opens if and only if it was sealed so; a change of any byte shuts it",
        oracle: "aws-lc and the base64 crate",
        check: tokens::sealed_token,
    },
    Property {
        name: "signature",
        input: "an algorithm, the key of a MAC, a message, and a change of its signature",
        holds: "a MAC is what others make; a MAC or an RSA signature verifies if and only if it does for others",
        oracle: "aws-lc for MACs, the rsa crate for RSA",
        check: signatures::signature,
    },
    Property {
        name: "replay-memory",
        input: "values to spend, with times",
        holds: "nothing live is spent twice or forgotten",
        oracle: "a list of all that was ever spent",
        check: memory::replay,
    },
    Property {
        name: "scheme-file",
        input: "a scheme.toml",
        holds: "it loads into checks with known stages, or a fault names a place in it",
        oracle: "the text's own lines",
        check: files::scheme_file,
    },
    Property {
        name: "world-file",
        input: "scheme tag, a world.toml or profile",
        holds: "it loads into something that signs and verifies, or a fault names a place in it",
        oracle: "the text's own lines",
        check: files::world_file,
    },
    Property {
        name: "recipe-file",
        input: "a recipe file",
        holds: "it loads with unique names, or a fault names a place in it",
        oracle: "the text's own lines",
        check: files::recipe_file,
    },
    Property {
        name: "vector-file",
        input: "a vector file",
        holds: "it loads and is the same when written and read again, or a fault names a place in it",
        oracle: "the text's own lines",
        check: files::vector_file,
    },
    Property {
        name: "carrier",
        input: "scheme tag, lines of the carrier field; NUL stands for the good credential",
        holds: "let in if and only if one line has exactly the documented form",
        oracle: "that form, written a second time",
        check: requests::carrier_field,
    },
    Property {
        name: "request",
        input: "scheme tag (upper case: plain HTTP), an HTTP/1.1 message",
        holds: "one verdict, listed by the check that gave it, whatever the case and order of field names; no secret in the answer",
        oracle: "the request's own variations; jsonwebtoken for what is let in",
        check: requests::whole_request,
    },
    Property {
        name: "weak-request",
        input: "scheme tag (upper case: plain HTTP), two bytes that choose a weakness, an HTTP/1.1 message",
        holds: "a weak verifier answers as the strict one where its weakness can't make a difference, and lets in the same callers where only its answers are weak",
        oracle: "the strict verifier",
        check: weak::weak_request,
    },
    Property {
        name: "signed-token",
        input: "scheme tag, header text, 0xFF, claims text: signed with the good key",
        holds: "what is let in is a token with an expiry to come to others too",
        oracle: "jsonwebtoken, serde_json",
        check: requests::signed_token,
    },
    Property {
        name: "sign-verify",
        input: "scheme tag, choices of endpoint, body, parameter and one changed byte of the body",
        holds: "what is signed verifies, once where it is for single use, and a prepared signer signs the same; the change is refused if and only if a bound value changes",
        oracle: "the signer's own values",
        check: signing::sign_verify,
    },
    Property {
        name: "composed-request",
        input: "scheme tag, choices of caller, endpoint and up to four words",
        holds: "a request that is composed of edits is refused if and only if one of them changes something bound",
        oracle: "each edit's word, which knows the description alone",
        check: composed::composed,
    },
    Property {
        name: "sequence",
        input: "scheme tag, choices of calls, repetitions, ends of credentials and waits",
        holds: "refused if and only if the credential is ended, the token is over, or its nonce is spent and still live",
        oracle: "a list of all that happened",
        check: sequence::sequence,
    },
    Property {
        name: "captured-request",
        input: "scheme tag, a request as `explain` takes it: raw HTTP/1.1, a curl command or a HAR",
        holds: "it is read and explained, always the same and without a secret, or a fault names a place in it",
        oracle: "the text's own lines; the secrets of the published world",
        check: captured::captured,
    },
];

/// `Err` with the words unless `held`.
fn ensure(held: bool, words: impl FnOnce() -> String) -> Result<(), String> {
    if held { Ok(()) } else { Err(words()) }
}
