//! A description and a world compiled once: the rows of named checks that every request runs through.
//! It must not hold secrets of callers; those are in [`crate::store`].

mod rows;

use std::borrow::Cow;

use crate::description::{Description, Format, Part, Place, Rule};
use crate::encoding::{INLINE_MEMBERS, JsonRules, Members, Name, Rules, Value, encode_url, string_literal};
use crate::reference::Answer;
use crate::request::{Message, Request, percent_decode};
use crate::verdict::Reason;
use crate::verify::checks::Check;
use crate::verify::operation::{self, Prove};
use crate::world::{Endpoint, Platform, World};

/// What to check, in order. Built strict; nothing public builds anything else.
pub struct Plan {
    pub(crate) description: Description,
    pub(crate) leeway: u64,
    pub(crate) endpoints: Vec<Target>,
    pub(crate) platform: Option<Platform>,
    pub(crate) methods: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Headers that most tokens have, parsed once.
    usual_headers: Vec<UsualHeader>,
    /// The first claims of the description, in its order, which is likely that of a token.
    pub(crate) claim_names: Vec<Name>,
    pub(crate) base64: Segments,
    pub(crate) json: JsonPlaces,
    pub(crate) prove: Prove,
    /// How the message is read before anything is checked; the strict plan reads it as it is.
    pub(crate) front: Option<Front>,
    /// What becomes of the answer; the strict plan leaves it as it is.
    pub(crate) back: Option<Back>,
}

/// Changes a message before it is checked.
pub(crate) type Front = Box<dyn Fn(&Description, Message) -> Message + Send + Sync>;

/// Changes an answer before it is sent.
pub(crate) type Back = Box<dyn Fn(&Request<'_>, Answer) -> Answer + Send + Sync>;

/// An endpoint, and whether its path has no parameters.
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    fixed: bool,
}

/// How base64url is read, by segment of the token. IV and ciphertext of a JWE are payload, its tag is signature.
pub(crate) struct Segments {
    pub(crate) header: Rules,
    pub(crate) payload: Rules,
    pub(crate) signature: Rules,
}

/// How JSON is read, by place.
pub(crate) struct JsonPlaces {
    pub(crate) header: JsonRules,
    pub(crate) claims: JsonRules,
    pub(crate) body: JsonRules,
}

/// One named check.
pub struct Row {
    /// Stage, one of [`crate::verdict::STAGES`].
    pub stage: &'static str,
    /// What is checked, for example `claims.digest`.
    pub name: String,
    /// The codes it can refuse with.
    pub reasons: Vec<Reason>,
    /// The requirement.
    pub reference: Option<String>,
    pub(crate) part: Option<usize>,
    /// The number among [`Plan::claim_names`] of the claim that the part is, if it has one.
    pub(crate) claim: Option<usize>,
    pub(crate) check: Check,
}

impl Row {
    /// The first of the codes that it can refuse with.
    pub(crate) fn refusal(&self) -> Reason {
        self.reasons.first().copied().unwrap_or(Reason::KeyUnknown)
    }
}

/// An endpoint found by method and path.
pub(crate) struct Route<'p> {
    pub(crate) endpoint: &'p Endpoint,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Plan {
    /// Compiles the strict plan.
    pub fn strict(description: Description, world: &World) -> Self {
        let mut methods = description.transport.methods.clone();
        if methods.is_empty() {
            methods = world.endpoints.iter().map(|e| e.method.clone()).collect();
        }
        let mut claim_names: Vec<Name> = Vec::new();
        for part in description.parts.iter().filter(|p| p.place == Place::Claims) {
            claim_names.extend(Name::new(&part.name).filter(|name| !claim_names.contains(name)));
        }
        claim_names.truncate(INLINE_MEMBERS);
        let rows = rows::rows(&description, &claim_names);
        Self {
            leeway: world.leeway,
            endpoints: world.endpoints.iter().map(Target::of).collect(),
            platform: world.platform("primary").cloned(),
            methods,
            rows,
            usual_headers: usual_headers(&description),
            claim_names,
            description,
            base64: Segments { header: Rules::STRICT, payload: Rules::STRICT, signature: Rules::STRICT },
            json: JsonPlaces {
                header: JsonRules::STRICT,
                claims: JsonRules::STRICT,
                body: JsonRules::STRICT,
            },
            prove: Box::new(operation::prove),
            front: None,
            back: None,
        }
    }

    /// The description.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The checks, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The code of a reason.
    pub fn code(&self, reason: Reason) -> String {
        match reason {
            Reason::Access(index) => {
                format!("access.{}", self.description.access.get(index).map_or("", |rule| &rule.name))
            }
            _ => reason.fixed_code().unwrap_or("").into(),
        }
    }

    pub(crate) fn part(&self, index: Option<usize>) -> Option<&Part> {
        self.description.parts.get(index?)
    }

    /// The part that a row is about. A row that is about none, which no description makes, refuses every request.
    pub(crate) fn part_of(&self, row: &Row) -> Result<&Part, Reason> {
        self.part(row.part).ok_or_else(|| row.refusal())
    }

    /// The endpoint for a request: by path, then by method; HEAD goes where GET goes (RFC 9110 section 9.3.2).
    pub(crate) fn route(&self, request: &Request<'_>) -> Option<Route<'_>> {
        let method = if request.method == "HEAD" { "GET" } else { request.method };
        let path = request.path();
        self.endpoints.iter().filter(|t| t.endpoint.method == method).find_map(|target| {
            let endpoint = &target.endpoint;
            let parameters = if target.fixed {
                (endpoint.path == path).then(Vec::new)?
            } else {
                match_path(&endpoint.path, path)?
            };
            Some(Route { parameters, endpoint })
        })
    }

    /// The members of an encoded header, if it is one of those that most tokens have.
    pub(crate) fn usual_header(&self, text: &[u8]) -> Option<&Members<'static>> {
        self.usual_headers.iter().find(|usual| *usual.text == *text).map(|usual| &usual.members)
    }
}

impl Target {
    fn of(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), fixed: !endpoint.path.contains('{') }
    }
}

/// A header as most libraries write it.
struct UsualHeader {
    /// As it stands in the token.
    text: Box<[u8]>,
    members: Members<'static>,
}

/// The headers of signers that write what the description says and nothing else: `alg` first or last, with and
/// without what is optional. For sealed tokens there is no such habit.
fn usual_headers(d: &Description) -> Vec<UsualHeader> {
    let Some(token) = d.token.as_ref().filter(|t| t.format == Format::Jws) else { return Vec::new() };
    let alg = || ("alg".to_string(), token.alg.header_name().to_string());
    let in_header = d.parts.iter().filter(|p| p.place == Place::Header);
    // Where a description says of a header what its checks refuse, or gives a name twice, they look at each.
    let mut names: Vec<&str> = in_header.clone().map(|p| p.name.as_str()).collect();
    names.extend(["alg", "crit"]);
    names.sort_unstable();
    if !names.is_sorted_by(|one, other| one < other) {
        return Vec::new();
    }
    let constant = |p: &Part| match &p.rule {
        Rule::Constant(text) => Some((p.name.clone(), text.clone())),
        _ => None,
    };
    let named = |optional: bool| in_header.clone().filter(move |p| optional || !p.optional).map(constant);
    let mut headers: Vec<Vec<(String, String)>> = Vec::new();
    for optional in [true, false] {
        // A part that differs from token to token makes no usual header.
        let Some(parts) = named(optional).collect::<Option<Vec<_>>>() else { continue };
        headers.push(std::iter::once(alg()).chain(parts.clone()).collect());
        headers.push(parts.into_iter().chain([alg()]).collect());
    }
    headers.into_iter().map(UsualHeader::of).collect()
}

impl UsualHeader {
    fn of(members: Vec<(String, String)>) -> Self {
        let json =
            |(name, text): &(String, String)| format!("{}:{}", string_literal(name), string_literal(text));
        let text = format!("{{{}}}", members.iter().map(json).collect::<Vec<_>>().join(","));
        let member = |(name, text)| (Cow::Owned(name), Value::String(Cow::Owned(text)));
        Self {
            text: encode_url(text.as_bytes()).into_bytes().into(),
            members: members.into_iter().map(member).collect(),
        }
    }
}

/// The decoded parameters if `path` fits `template`.
pub(crate) fn match_path(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                Some(name) if !given.is_empty() => parameters.push((name.into(), percent_decode(given)?)),
                Some(_) => return None,
                None if wanted == given => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::load;
    use crate::encoding::{Limits, decode_url, parse_object};

    const ACME: &str = r#"
        format = 1
        title = "Acme"
        [credential]
        api_key = "text"
        secret = "secret"
        [token]
        format = "jws"
        alg = "HS256"
        key = "credential.secret"
        [header.typ]
        constant = "JWT"
        optional = true
        [claims.sub]
        from = "credential.api_key"
        identifies = true
        [field.authorization]
        auth-scheme = "Bearer"
        from = "token"
        [refusal]
        "*" = { status = 401 }
    "#;

    #[test]
    fn a_usual_header_has_the_members_that_its_text_has() {
        let headers = usual_headers(&load("acme", "scheme.toml", ACME, &[]).unwrap());
        for header in &headers {
            let text = decode_url(&header.text, &Rules::STRICT).unwrap();
            let read = parse_object(&text, &JsonRules::STRICT, &Limits::DEFAULT).unwrap();
            assert_eq!(header.members, read);
            // Of these the checks of a header ask no more, so each must be what they would let pass.
            let others: Vec<_> = read.iter().filter(|(name, _)| *name != "alg").collect();
            assert_eq!(read.find("alg").and_then(Value::as_str), Some("HS256"));
            let typ = Value::String("JWT".into());
            assert!(others.is_empty() || others == [("typ", &typ)], "{others:?}");
        }
        let has = |text: &str| headers.iter().any(|h| *h.text == *encode_url(text.as_bytes()).as_bytes());
        assert!(has(r#"{"alg":"HS256","typ":"JWT"}"#) && has(r#"{"typ":"JWT","alg":"HS256"}"#));
        assert!(has(r#"{"alg":"HS256"}"#) && !has(r#"{"alg":"none"}"#));
    }

    /// RFC 7515 sections 4 and 4.1.11: a name twice, and what is critical, is refused whatever a description says.
    #[test]
    fn a_header_that_its_checks_refuse_is_no_usual_one() {
        let more = |text: &str| ACME.replace("[claims.sub]", &format!("{text}\n[claims.sub]"));
        let usual = |text: &str| usual_headers(&load("acme", "scheme.toml", text, &[]).unwrap()).len();
        assert_eq!(usual(&more("[header.zip]\nconstant = \"no\"")), 4);
        for other in [
            more("[header.crit]\nconstant = \"b64\""),
            more("[header.crit]\nconstant = \"b64\"\noptional = true"),
            more("[header.alg]\nconstant = \"none\""),
            ACME.replace("[header.typ]", "[[header.typ]]\nconstant = \"A\"\n[[header.typ]]"),
        ] {
            assert_eq!(usual(&other), 0, "{other}");
        }
    }

    #[test]
    fn what_is_public_is_no_key() {
        let text = ACME.replace("credential.secret", "credential.api_key");
        let fault = load("acme", "scheme.toml", &text, &[]).unwrap_err();
        assert_eq!(fault.line, 10);
        assert!(fault.message.contains("`credential.api_key` is public"), "{fault}");
    }
}
