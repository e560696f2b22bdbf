//! Reads single edits. Every word is one of a closed set; it must not know any scheme.

use bearproof_scheme::Fault;
use bearproof_scheme::description::Place;
use bearproof_scheme::document::{Item, Table, nearest};
use bearproof_scheme::time::parse_duration;

use super::{
    Edit, Forgery, Given, KeyOf, Line, Meaning, Mistakes, Piece, PublicForm, Respell, SecretChange, Spelling,
    Spot, Target, TextOf,
};

/// Reads one edit; `case` replaces `$case` in its texts.
pub(super) fn read_edit(item: &Item<'_>, case: &str) -> Result<Edit, Fault> {
    item.table(|table| {
        let stage = table.need("at", "the stage: request, parts, text, signing, token or message")?;
        let reader = Reader { item, table, case };
        match stage.text()?.as_str() {
            "request" => reader.request(),
            "parts" => reader.parts(),
            "text" => reader.json_text(),
            "signing" => reader.signing(),
            "token" => reader.token(),
            "message" => reader.message(),
            other => Err(stage.fault(
                format!("unknown stage `{other}`"),
                nearest(other, ["request", "parts", "text", "signing", "token", "message"].into_iter()),
            )),
        }
    })
}

struct Reader<'a, 'd> {
    item: &'a Item<'d>,
    table: &'a Table<'d>,
    case: &'a str,
}

impl Reader<'_, '_> {
    fn fill(&self, text: &str) -> String {
        text.replace("$case", self.case)
    }

    fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        self.table.get(key).map(|i| i.text().map(|t| self.fill(&t))).transpose()
    }

    fn need(&self, key: &str, what: &str) -> Result<String, Fault> {
        Ok(self.fill(&self.table.need(key, what)?.text()?))
    }

    fn flag(&self, key: &str) -> Result<bool, Fault> {
        self.table.get(key).map_or(Ok(false), |i| i.boolean())
    }

    fn no_verb(&self, verbs: &str) -> Fault {
        self.item.fault(format!("`{}` has no verb", self.item.path()), format!("one of: {verbs}"))
    }

    /// Bytes: text, `{ base64 = … }`, or `{ repeat = …, times = …, before = …, after = … }`.
    fn bytes(&self, key: &str) -> Result<Vec<u8>, Fault> {
        let item = self.table.need(key, "the new value")?;
        if !item.is_table() {
            return Ok(self.fill(&item.text()?).into_bytes());
        }
        item.table(|t| {
            if let Some(base64) = t.get("base64") {
                let text = base64.text()?;
                let url = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
                let strict = bearproof_scheme::encoding::Rules::STRICT;
                return bearproof_scheme::encoding::decode_url(url.as_bytes(), &strict)
                    .map_err(|e| base64.fault(format!("no base64: {e}"), "write standard base64"));
            }
            let text = |key: &str| t.get(key).map_or(Ok(String::new()), |i| i.text());
            let times = t.need("times", "how often `repeat` stands")?;
            let count = usize::try_from(times.integer()?).ok().filter(|n| *n <= 4_000_000);
            let count = count.ok_or_else(|| times.fault("`times` is out of range", "at most 4000000"))?;
            let unit = t.need("repeat", "the text that is repeated")?.text()?;
            Ok(format!("{}{}{}", text("before")?, unit.repeat(count), text("after")?).into_bytes())
        })
    }

    /// A word after `$case` was replaced.
    fn one_of<T: Clone>(&self, text: &str, words: &[(&str, T)]) -> Result<T, Fault> {
        words.iter().find(|(w, _)| *w == text).map(|(_, t)| t.clone()).ok_or_else(|| {
            let remedy = nearest(text, words.iter().map(|(w, _)| *w));
            self.item.fault(format!("unknown word `{text}`"), remedy)
        })
    }

    /// The one way to pack that is known.
    fn pack(&self, first: bool) -> Result<Option<Edit>, Fault> {
        let Some(text) = self.text("pack")? else { return Ok(None) };
        self.one_of(&text, &[("gzip", Some(Edit::Pack { first }))])
    }

    fn request(&self) -> Result<Edit, Fault> {
        if let Some(pack) = self.pack(true)? {
            return Ok(pack);
        }
        let what = self.need("set", "transport, method, path, query, body, field NAME or parameter NAME")?;
        if what == "transport" {
            let secure =
                self.table.need("to", "`http` or `https`")?.word(&[("http", false), ("https", true)])?;
            return Ok(Edit::Transport { secure });
        }
        if let Some(name) = what.strip_prefix("parameter ") {
            return Ok(Edit::Parameter { name: name.into(), to: self.need("to", "its value, decoded")? });
        }
        Ok(Edit::Request { spot: self.spot(&what)?, to: self.bytes("to")? })
    }

    fn spot(&self, text: &str) -> Result<Spot, Fault> {
        if let Some(name) = text.strip_prefix("field ") {
            return Ok(Spot::Field(name.into()));
        }
        match text {
            "carrier" => Ok(Spot::Carrier),
            "method" => Ok(Spot::Method),
            "path" => Ok(Spot::Path),
            "query" => Ok(Spot::Query),
            "body" => Ok(Spot::Body),
            _ => {
                let words = ["carrier", "method", "path", "query", "body", "field NAME"];
                Err(self.item.fault(format!("unknown target `{text}`"), nearest(text, words.into_iter())))
            }
        }
    }

    fn target(&self, text: &str) -> Result<Target, Fault> {
        if let Some((_, meaning)) = Meaning::WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(Target::Meaning(*meaning));
        }
        let places = [Place::Header, Place::Claims, Place::Field, Place::Body, Place::Parameter];
        let exact = text.split_once('.').and_then(|(place, name)| {
            let place = places.into_iter().find(|p| p.name() == place)?;
            if name.is_empty() { None } else { Some(Target::Exact(place, name.into())) }
        });
        exact.ok_or_else(|| {
            let words = Meaning::WORDS.iter().map(|(word, _)| *word).chain(["claims.NAME", "header.NAME"]);
            self.item.fault(format!("unknown target `{text}`"), nearest(text, words))
        })
    }

    /// `to` is a symbol, `json` is JSON text.
    fn given(&self) -> Result<Given, Fault> {
        if let Some(json) = self.text("json")? {
            return Ok(Given::Json(json));
        }
        let text = self.need("to", "a symbol such as `now-1h` or `of(other)`; JSON text goes into `json`")?;
        if let Some(inner) = text.strip_prefix("of(").and_then(|t| t.strip_suffix(')')) {
            return Ok(match inner.strip_prefix("step ").and_then(|n| n.parse().ok()) {
                Some(step) => Given::OfStep(step),
                None => Given::OfRole(inner.into()),
            });
        }
        if let Some(inner) = text.strip_prefix("over(").and_then(|t| t.strip_suffix(')')) {
            return Ok(Given::OverBody(inner.as_bytes().to_vec()));
        }
        let (inner, scale) = match text.rsplit_once('*') {
            Some((inner, scale)) => (inner.trim_matches(['(', ')']), scale.parse().ok()),
            None => (text.as_str(), Some(1)),
        };
        match (read_offset(inner), scale) {
            (Some(offset), Some(scale)) => Ok(Given::Time { offset, scale }),
            _ => Err(self.item.fault(
                format!("unknown symbol `{text}`"),
                "one of: now, now+1h, now-1h, (now+1m)*1000, of(ROLE), of(step N), over(BODY); JSON text goes into `json`",
            )),
        }
    }

    fn parts(&self) -> Result<Edit, Fault> {
        if let Some(text) = self.text("set")? {
            return Ok(Edit::SetPart { target: self.target(&text)?, value: self.given()? });
        }
        if let Some(text) = self.text("remove")? {
            return Ok(Edit::RemovePart { target: self.target(&text)? });
        }
        if let Some(text) = self.text("rename")? {
            return Ok(Edit::RenamePart {
                target: self.target(&text)?,
                to: self.need("to", "the new name")?,
            });
        }
        if let Some(item) = self.table.get("mistake") {
            let text = self.fill(&item.text()?);
            let which = if text.contains(' ') {
                const WORDS: [(&str, Mistakes); 2] =
                    [("each binding", Mistakes::Each), ("each binding of reads", Mistakes::EachOfReads)];
                self.one_of(&text, &WORDS)?
            } else {
                Mistakes::Named(text)
            };
            return Ok(Edit::Mistake { which, of: None });
        }
        Err(self.no_verb("set, remove, rename, mistake"))
    }

    fn json_text(&self) -> Result<Edit, Fault> {
        if let Some(item) = self.table.get("replace") {
            let of = item.word(&[("header", TextOf::Header), ("claims", TextOf::Claims)])?;
            return Ok(Edit::ReplaceText {
                of,
                with: self.need("with", "the template, with {text} or {inner}")?,
            });
        }
        if let Some(text) = self.text("duplicate")? {
            let target = self.target(&text)?;
            return Ok(Edit::DuplicateMember { target, value: self.given()?, before: self.flag("before")? });
        }
        Err(self.no_verb("replace, duplicate"))
    }

    fn signing(&self) -> Result<Edit, Fault> {
        const SPELLINGS: [(&str, Spelling); 7] = [
            ("padded", Spelling::Padded),
            ("trailing-bits", Spelling::TrailingBits),
            ("standard-alphabet", Spelling::StandardAlphabet),
            ("utf-16", Spelling::Utf16),
            ("utf-16-with-mark", Spelling::Utf16WithMark),
            ("stray-byte", Spelling::StrayByte),
            ("overlong", Spelling::Overlong),
        ];
        if let Some(text) = self.text("forge")? {
            return Ok(Edit::Forge(self.one_of(&text, &Forgery::WORDS)?));
        }
        if let Some(item) = self.table.get("respell") {
            let payload = item.word(&[("header", false), ("payload", true)])?;
            let with = self.need("with", "how the piece is written before it is signed")?;
            return Ok(Edit::SignSpelt { payload, with: self.one_of(&with, &SPELLINGS)? });
        }
        let what = self.table.need("sign", "`token` or `body-binding`")?;
        let token = what.word(&[("token", true), ("body-binding", false)])?;
        if token {
            let key = self.text("key")?.map(|text| self.key(&text)).transpose()?;
            return Ok(Edit::Sign { alg: self.text("alg")?, declare: self.text("declare")?, key });
        }
        match self.key(&self.need("key", "`key(ROLE)`")?)? {
            KeyOf::Role(role) => Ok(Edit::SignBinding { role }),
            _ => Err(self.item.fault("a binding is signed with `key(ROLE)`", "name another caller")),
        }
    }

    fn key(&self, text: &str) -> Result<KeyOf, Fault> {
        const PUBLIC: [(&str, PublicForm); 8] = [
            ("spki-pem", PublicForm::SpkiPem),
            ("spki-pem-no-newline", PublicForm::SpkiPemNoNewline),
            ("spki-pem-crlf", PublicForm::SpkiPemCrlf),
            ("spki-pem-one-line", PublicForm::SpkiPemOneLine),
            ("spki-der", PublicForm::SpkiDer),
            ("pkcs1-pem", PublicForm::Pkcs1Pem),
            ("pkcs1-der", PublicForm::Pkcs1Der),
            ("jwk", PublicForm::Jwk),
        ];
        const CHANGED: [(&str, SecretChange); 6] = [
            ("base64-decoded", SecretChange::Base64Decoded),
            ("base64-encoded", SecretChange::Base64Encoded),
            ("hex", SecretChange::Hex),
            ("newline", SecretChange::Newline),
            ("shortened", SecretChange::Shortened),
            ("upper-case", SecretChange::UpperCase),
        ];
        let call = text.split_once('(').and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
        let found = call.and_then(|(name, argument)| match name {
            "key" => Some(match argument.strip_prefix("platform ") {
                Some(role) => KeyOf::Platform(role.into()),
                None => KeyOf::Role(argument.into()),
            }),
            "public-key" => PUBLIC.iter().find(|(w, _)| *w == argument).map(|(_, form)| KeyOf::Public(*form)),
            "secret" => {
                CHANGED.iter().find(|(w, _)| *w == argument).map(|(_, change)| KeyOf::Changed(*change))
            }
            "literal" => Some(KeyOf::Literal(argument.as_bytes().to_vec())),
            _ => None,
        });
        found.ok_or_else(|| {
            let names = |list: Vec<&str>| list.join(", ");
            self.item.fault(
                format!("unknown key `{text}`"),
                format!(
                    "one of: key(ROLE), key(platform ROLE), literal(TEXT), public-key(…) with {}, secret(…) with {}",
                    names(PUBLIC.iter().map(|(w, _)| *w).collect()),
                    names(CHANGED.iter().map(|(w, _)| *w).collect())
                ),
            )
        })
    }

    fn token(&self) -> Result<Edit, Fault> {
        const PIECES: [(&str, Piece); 6] = [
            ("header", Piece::Header),
            ("payload", Piece::Payload),
            ("signature", Piece::Signature),
            ("encrypted-key", Piece::EncryptedKey),
            ("iv", Piece::Iv),
            ("token", Piece::Token),
        ];
        const RESPELL: [(&str, Respell); 15] = [
            ("trailing-bits", Respell::TrailingBits),
            ("padded", Respell::Padded),
            ("standard-alphabet", Respell::StandardAlphabet),
            ("illegal-character", Respell::IllegalCharacter),
            ("line-feed", Respell::LineFeed),
            ("hex-text", Respell::HexText),
            ("first-bit", Respell::FirstBit),
            ("last-bit", Respell::LastBit),
            ("zeros", Respell::Zeros),
            ("empty", Respell::Empty),
            ("first-byte", Respell::FirstByte),
            ("one-byte-less", Respell::OneByteLess),
            ("half", Respell::Half),
            ("one-byte-more", Respell::OneByteMore),
            ("impossible-length", Respell::ImpossibleLength),
        ];
        if let Some(item) = self.table.get("encode") {
            let with = self.need("with", "how the piece is respelt")?;
            return Ok(Edit::Encode { piece: item.word(&PIECES)?, with: self.one_of(&with, &RESPELL)? });
        }
        if let Some(item) = self.table.get("replace") {
            let piece = item.word(&PIECES)?;
            return Ok(Edit::ReplacePiece { piece, with: self.need("with", "the template")? });
        }
        Err(self.no_verb("encode, replace"))
    }

    fn message(&self) -> Result<Edit, Fault> {
        if let Some(pack) = self.pack(false)? {
            return Ok(pack);
        }
        if let Some(text) = self.text("replace")? {
            return Ok(Edit::Replace { spot: self.spot(&text)?, with: self.bytes("with")? });
        }
        if let Some(text) = self.text("change")? {
            return Ok(Edit::Change { spot: self.spot(&text)? });
        }
        if let Some(text) = self.text("remove")? {
            return Ok(Edit::Remove { spot: self.spot(&text)? });
        }
        if let Some(text) = self.text("move")? {
            if text != "carrier" {
                return Err(self.item.fault(format!("`{text}` can't be moved"), "move `carrier`"));
            }
            return Ok(Edit::Move {
                to: self.need("to", "query NAME, cookie NAME, body NAME or field NAME")?,
            });
        }
        if let Some(text) = self.text("duplicate")? {
            let with = self.need("with", "`of(ROLE)` or a template")?;
            let line = match with.strip_prefix("of(").and_then(|t| t.strip_suffix(')')) {
                Some(role) => Line::OfRole(role.into()),
                None => Line::Template(with.into_bytes()),
            };
            return Ok(Edit::Duplicate { spot: self.spot(&text)?, with: line, before: self.flag("before")? });
        }
        if let Some(text) = self.text("send")? {
            let step =
                text.strip_prefix("of(step ").and_then(|t| t.strip_suffix(')')).and_then(|n| n.parse().ok());
            let step = step.ok_or_else(|| self.item.fault("unknown message", "write `of(step N)`"))?;
            return Ok(Edit::SendAgain { step });
        }
        Err(self.no_verb("replace, change, remove, move, duplicate, send, pack"))
    }
}

/// `now`, `now+1h`, `now-90s`: the offset in seconds.
pub(crate) fn read_offset(text: &str) -> Option<i64> {
    let rest = text.strip_prefix("now")?;
    if rest.is_empty() {
        return Some(0);
    }
    let (sign, duration) = rest.split_at_checked(1)?;
    let seconds = i64::try_from(parse_duration(duration)?).ok()?;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}
