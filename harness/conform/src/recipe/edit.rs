//! Edits of a request that is being made, and what they are about. It must not know how they are played.

use bearproof_scheme::description::{Pipeline, Place};

use crate::forge::Spelling;

/// What an edit is about, resolved against a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A part by what it means.
    Meaning(Meaning),
    /// A part by place and name.
    Exact(Place, String),
}

/// Meanings that parts can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// `time = "expires"`.
    Expiry,
    /// `time = "issued"`.
    IssuedAt,
    /// `time = "not-before"`.
    NotBefore,
    /// A nonce.
    Nonce,
    /// The part that identifies the credential.
    Identity,
    /// Another part with the same source as the identity.
    IdentityCopy,
    /// The part that reads the request body.
    BodyBinding,
    /// The part that reads the path or a path parameter, where none of these reads the body.
    PathBinding,
    /// The part that carries the token or the bare secret.
    Carrier,
    /// Each part that is not optional: one vector for each.
    EachRequired,
    /// Each required claim.
    EachClaim,
    /// Each input of an operation that is compared: one vector for each.
    EachProof,
    /// Each required input of an operation.
    EachInput,
}

impl Meaning {
    /// The words of recipes.
    pub const WORDS: [(&'static str, Self); 13] = [
        ("expiry", Self::Expiry),
        ("issued-at", Self::IssuedAt),
        ("not-before", Self::NotBefore),
        ("nonce", Self::Nonce),
        ("identity", Self::Identity),
        ("identity-copy", Self::IdentityCopy),
        ("body-binding", Self::BodyBinding),
        ("path-binding", Self::PathBinding),
        ("carrier", Self::Carrier),
        ("each required", Self::EachRequired),
        ("each claim", Self::EachClaim),
        ("each proof", Self::EachProof),
        ("each input", Self::EachInput),
    ];
}

/// A value that an edit gives to a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A time relative to the clock, times a scale.
    Time {
        /// Seconds to add.
        offset: i64,
        /// Multiplier: 1, 1000 or 1000000.
        scale: i64,
    },
    /// What the caller of this role has in the same place.
    OfRole(String),
    /// What step N (from 1) had in the same place.
    OfStep(usize),
    /// The binding computed over another body.
    OverBody(Vec<u8>),
    /// JSON text, with `{value}` for the right value's plain text and `{now…}` for times.
    Json(String),
}

/// Which of the two JSON texts of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextOf {
    /// The JOSE header.
    Header,
    /// The claims.
    Claims,
}

/// Key material for a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOf {
    /// The key of another caller.
    Role(String),
    /// The key of another environment.
    Platform(String),
    /// The caller's public key in this encoding, as an HMAC secret.
    Public(PublicForm),
    /// The right secret, changed.
    Changed(SecretChange),
    /// These bytes.
    Literal(Vec<u8>),
}

/// Encodings of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicForm {
    /// SPKI as PEM, final line feed.
    SpkiPem,
    /// SPKI as PEM, no final line feed.
    SpkiPemNoNewline,
    /// SPKI as PEM with CRLF.
    SpkiPemCrlf,
    /// SPKI as PEM on one line.
    SpkiPemOneLine,
    /// SPKI as DER.
    SpkiDer,
    /// PKCS#1 as PEM.
    Pkcs1Pem,
    /// PKCS#1 as DER.
    Pkcs1Der,
    /// JWK.
    Jwk,
}

/// Wrong readings of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretChange {
    /// Decoded from base64.
    Base64Decoded,
    /// Encoded as base64.
    Base64Encoded,
    /// Encoded as lower-case hex.
    Hex,
    /// With a line feed at the end.
    Newline,
    /// Without its last byte.
    Shortened,
    /// In upper case.
    UpperCase,
}

/// Ways to respell or damage a piece of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respell {
    /// Unused trailing bits set: the same bytes, another text.
    TrailingBits,
    /// With padding.
    Padded,
    /// In the standard alphabet.
    StandardAlphabet,
    /// A character outside the alphabet in the middle.
    IllegalCharacter,
    /// A line feed in the middle.
    LineFeed,
    /// The decoded bytes as hex text, encoded.
    HexText,
    /// One bit of the first byte flipped.
    FirstBit,
    /// One bit of the last byte flipped.
    LastBit,
    /// All bytes zero.
    Zeros,
    /// Nothing.
    Empty,
    /// Only the first byte.
    FirstByte,
    /// Without the last byte.
    OneByteLess,
    /// Half of the bytes.
    Half,
    /// One zero byte more.
    OneByteMore,
    /// A character that leaves an impossible length.
    ImpossibleLength,
}

/// Signatures that no honest RSA signer makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// Eight bytes of padding, and something behind the hash.
    ShortPadding,
    /// Zeros for padding.
    PaddingOfZeros,
    /// The block type of encryption.
    BlockTypeTwo,
    /// The hash without the algorithm's name.
    BareHash,
    /// A length in more bytes than DER allows.
    LongLength,
    /// The algorithm's name without its NULL.
    WithoutNull,
    /// The number 1.
    One,
    /// The modulus less one.
    ModulusLessOne,
    /// The modulus.
    Modulus,
    /// The right number plus the modulus.
    PlusModulus,
}

impl Forgery {
    /// The words of recipes.
    pub const WORDS: [(&'static str, Self); 10] = [
        ("short-padding", Self::ShortPadding),
        ("padding-of-zeros", Self::PaddingOfZeros),
        ("block-type-two", Self::BlockTypeTwo),
        ("bare-hash", Self::BareHash),
        ("long-length", Self::LongLength),
        ("without-null", Self::WithoutNull),
        ("one", Self::One),
        ("modulus-less-one", Self::ModulusLessOne),
        ("modulus", Self::Modulus),
        ("plus-modulus", Self::PlusModulus),
    ];
}

/// A piece of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// The first segment of JWS and JWE.
    Header,
    /// The payload of a JWS, the ciphertext of a JWE.
    Payload,
    /// The signature of a JWS, the tag of a JWE.
    Signature,
    /// The encrypted key of a JWE.
    EncryptedKey,
    /// The IV of a JWE.
    Iv,
    /// The whole token.
    Token,
}

/// Something of the finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// The field that carries the credential.
    Carrier,
    /// A field by name.
    Field(String),
    /// The method.
    Method,
    /// The path.
    Path,
    /// The query.
    Query,
    /// The body.
    Body,
}

/// Which wrong ways to compute a binding an edit stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistakes {
    /// All, of the bindings that the endpoint has.
    Each,
    /// All, of the bindings that only reads have.
    EachOfReads,
    /// The one of this name, of each binding that knows it.
    Named(String),
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Before anything is computed: another transport.
    Transport {
        /// Whether over TLS.
        secure: bool,
    },
    /// Before anything is computed: something of the request.
    Request {
        /// What.
        spot: Spot,
        /// The new value.
        to: Vec<u8>,
    },
    /// The body is packed with gzip (RFC 1952), and the field says so.
    Pack {
        /// Before anything is computed: bindings cover the packed bytes. Else the finished message is packed.
        first: bool,
    },
    /// Before anything is computed: a path parameter.
    Parameter {
        /// Its name.
        name: String,
        /// The new value, decoded.
        to: String,
    },
    /// A binding is computed with one thing wrong. Each binding and each mistake makes a vector of its own.
    Mistake {
        /// Which mistakes.
        which: Mistakes,
        /// Position of the part and what is computed instead, once the recipe has met a scheme.
        of: Option<(usize, Pipeline)>,
    },
    /// A part gets another value, or an unknown part is added.
    SetPart {
        /// Which.
        target: Target,
        /// Its value.
        value: Given,
    },
    /// A part is left out.
    RemovePart {
        /// Which.
        target: Target,
    },
    /// A part gets another name.
    RenamePart {
        /// Which.
        target: Target,
        /// The new name.
        to: String,
    },
    /// The JSON text of header or claims; `{text}` is the right one, `{inner}` the same without braces.
    ReplaceText {
        /// Which text.
        of: TextOf,
        /// The template.
        with: String,
    },
    /// A member stands twice in the JSON text.
    DuplicateMember {
        /// Which.
        target: Target,
        /// The value of the additional one.
        value: Given,
        /// Whether it stands before the right one.
        before: bool,
    },
    /// Signs with another key or algorithm.
    Sign {
        /// RFC 7518 name; `none` for unsigned; `None`: the scheme's.
        alg: Option<String>,
        /// JSON text of the `alg` header parameter, where it differs.
        declare: Option<String>,
        /// The key; `None`: the right one.
        key: Option<KeyOf>,
    },
    /// A signature that no honest RSA signer makes.
    Forge(Forgery),
    /// Header or payload is written otherwise and signed as it then stands.
    SignSpelt {
        /// The payload, else the header.
        payload: bool,
        /// How it is written.
        with: Spelling,
    },
    /// Computes the body binding with another caller's secret.
    SignBinding {
        /// The other caller.
        role: String,
    },
    /// A piece of the token is respelt or damaged.
    Encode {
        /// Which piece.
        piece: Piece,
        /// How.
        with: Respell,
    },
    /// A piece of the token is replaced; `{value}` is the right one, `{header}`, `{payload}`, `{signature}`,
    /// `{other}` (the same piece of another caller's token) too.
    ReplacePiece {
        /// Which piece.
        piece: Piece,
        /// The template.
        with: String,
    },
    /// Something of the finished message is replaced; `{value}` is the right one, `{token}` the credential.
    Replace {
        /// What.
        spot: Spot,
        /// The template.
        with: Template,
    },
    /// The smallest change of what a binding reads.
    Change {
        /// Body, path, query or method.
        spot: Spot,
    },
    /// A field is left out.
    Remove {
        /// Which.
        spot: Spot,
    },
    /// The credential goes elsewhere.
    Move {
        /// `query NAME`, `cookie NAME`, `body NAME` or `field NAME`.
        to: String,
    },
    /// A field stands twice.
    Duplicate {
        /// Which.
        spot: Spot,
        /// The value of the additional line.
        with: Line,
        /// Whether it stands before the right one.
        before: bool,
    },
    /// The message of an earlier step is sent again, as it was.
    SendAgain {
        /// The step, from 1.
        step: usize,
    },
}

/// Bytes with `{…}` in them.
pub type Template = Vec<u8>;

/// A field line's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// As the caller of this role would write it.
    OfRole(String),
    /// A template.
    Template(Template),
}
