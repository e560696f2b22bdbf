//! Words about the values of parts: left out, renamed, twice, of another caller, or nearly right. What a value must be
//! comes from the part's own rule. It must not know of times.

use bearproof_scheme::description::{Kind, OperationKind, Part, Place, Rule, Source, Type};
use bearproof_scheme::encoding::string_literal;
use bearproof_scheme::world::{Endpoint, Value, value};

use super::access::{is_believed, wanted};
use super::{Word, stands};
use crate::recipe::{Edit, Given, Target};
use crate::resolve::carrier;
use crate::results::Level;
use crate::suite::Variant;

/// Values of a wrong type, whatever the right one is.
const WRONG_TYPE: [(&str, &str); 8] = [
    ("null", "null"),
    ("false", "false"),
    ("true", "true"),
    ("an-empty-list", "[]"),
    ("in-a-list", r#"["{value}"]"#),
    ("an-empty-object", "{}"),
    ("in-an-object", r#"{"value":"{value}"}"#),
    ("a-query-object", r#"{"$ne":null}"#),
];

/// Texts that are no right value.
const WRONG_TEXT: [(&str, &str); 22] = [
    ("empty", r#""""#),
    ("a-blank", r#"" ""#),
    ("a-star", r#""*""#),
    ("zero", "0"),
    ("a-slash", r#""/""#),
    ("any-pattern", r#"".*""#),
    ("the-word-null", r#""null""#),
    ("nobody", r#""nobody""#),
    ("a-query", r#""x' OR '1'='1""#),
    ("short-query", r#""'OR'1'='1""#),
    ("proto", r#""__proto__""#),
    ("a-letter-more", r#""{value}x""#),
    ("a-letter-before", r#""x{value}""#),
    ("a-blank-more", r#""{value} ""#),
    ("a-blank-before", r#"" {value}""#),
    ("a-line-feed-more", r#""{value}\n""#),
    ("a-star-more", r#""{value}*""#),
    ("a-nul-more", r#""{value}\u0000""#),
    ("an-encoded-nul-more", r#""{value}%00""#),
    ("padding-more", r#""{value}=""#),
    ("twice", r#""{value}{value}""#),
    ("two-hundred-letters-more", LONG),
];
const LONG: &str = r#""{value}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#;

/// Nonces that are none, of whatever form.
const NO_NONCE: [(&str, &str); 8] = [
    ("empty", r#""""#),
    ("a-word", r#""abc""#),
    ("null", "null"),
    ("false", "false"),
    ("an-empty-list", "[]"),
    ("an-empty-object", "{}"),
    ("negative", "-1"),
    ("a-fraction", "1.5"),
];

pub(super) fn add(
    variant: &Variant,
    endpoint: &Endpoint,
    parts: &[Part],
    operation: Option<OperationKind>,
    words: &mut Vec<Word>,
) {
    let carrier = carrier(&variant.description).map(Part::path);
    let of_operation = operation.is_some();
    for part in parts.iter().filter(|p| of_operation || stands(p, endpoint)) {
        let carries = !of_operation && carrier.as_ref() == Some(&part.path()) && part.place == Place::Field;
        if carries || part.place == Place::Parameter || matches!(part.rule, Rule::Time(_)) {
            continue;
        }
        let one = One { variant, part, operation };
        one.absent(words);
        match &part.rule {
            Rule::Nonce(_) => one.values(&NO_NONCE, Level::Must, words),
            _ if one.is_free() => {
                one.values(&WRONG_TYPE, Level::Should, words);
                one.nearly_granted(endpoint, words);
            }
            _ => {
                if part.place != Place::Field {
                    one.values(&WRONG_TYPE, Level::Must, words);
                }
                one.values(&WRONG_TEXT, Level::Must, words);
                one.nearly(words);
                one.of_others(words);
            }
        }
    }
}

/// Makes another text of one.
type Change = fn(&str) -> String;

/// Texts that are nearly a given one, and that only who knows it can write.
const NEAR: [(&str, Change); 7] = [
    ("half", |text| text.chars().take(text.chars().count() / 2).collect()),
    ("a-letter-less", |text| text.chars().take(text.chars().count().saturating_sub(1)).collect()),
    ("the-first-letter", |text| text.chars().take(1).collect()),
    ("first-word", |text| text.split([' ', '-', '_', '@', '.', '/']).take(1).collect()),
    ("in-capitals", str::to_uppercase),
    ("in-small-letters", str::to_lowercase),
    ("in-a-text", |text| format!("x,{text},x")),
];

/// A part that words are made for.
struct One<'a> {
    variant: &'a Variant,
    part: &'a Part,
    operation: Option<OperationKind>,
}

impl One<'_> {
    fn target(&self) -> Target {
        Target::Exact(self.part.place, self.part.name.clone())
    }

    fn id(&self, what: &str) -> String {
        let path = self.part.path().to_ascii_lowercase().replace(['.', '_', '/', ' '], "-");
        format!("{path}-{what}")
    }

    fn breaking(&self, what: &str, edit: Edit) -> Word {
        Word::breaking(&self.part.path(), &self.id(what), edit)
    }

    /// Whether its value is the sender's to choose, or is believed as it stands.
    fn is_free(&self) -> bool {
        self.operation == Some(OperationKind::Register) || is_believed(self.variant, self.part)
    }

    /// A header parameter that may be left out names a type at most.
    fn level(&self, level: Level) -> Level {
        if self.part.place == Place::Header || self.part.optional { Level::Should.max(level) } else { level }
    }

    fn absent(&self, words: &mut Vec<Word>) {
        let remove = Edit::RemovePart { target: self.target() };
        let path = self.part.path();
        if self.part.optional {
            // What may be left out and names the type of the token decides nothing; of an operation it may.
            if self.operation.is_none() {
                words.push(Word::free(&path, &self.id("removed"), remove));
            }
            return;
        }
        words.push(self.breaking("removed", remove).plain());
        let mut letters = self.part.name.chars();
        let capital =
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>();
        if self.part.place != Place::Field && capital != self.part.name {
            let rename = Edit::RenamePart { target: self.target(), to: capital };
            words.push(self.breaking("renamed", rename).should());
        }
    }

    fn values(&self, table: &[(&str, &str)], level: Level, words: &mut Vec<Word>) {
        let level = self.level(level);
        for (id, json) in table {
            // A field has no JSON types, and white space around its value is not part of it.
            let text = json.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
            if self.part.place == Place::Field
                && text.is_none_or(|t| t.contains("\\n") || t.starts_with(' ') || t.ends_with(' '))
            {
                continue;
            }
            let edit = Edit::SetPart { target: self.target(), value: Given::Json((*json).into()) };
            words.push(Word { level, ..self.breaking(id, edit) });
        }
        if !matches!(self.part.place, Place::Claims | Place::Header) || self.part.optional {
            return;
        }
        for (id, json) in table.iter().filter(|(id, _)| ["null", "a-star", "an-empty-list"].contains(id)) {
            for (before, place) in [(true, "before"), (false, "after")] {
                let value = Given::Json((*json).into());
                let edit = Edit::DuplicateMember { target: self.target(), value, before };
                words.push(self.breaking(&format!("twice-{id}-{place}"), edit).should());
            }
        }
    }

    /// Values that only who knows the right one can write.
    fn nearly(&self, words: &mut Vec<Word>) {
        let Some(right) = self.right() else { return };
        for (id, change) in NEAR {
            let text = change(&right);
            // A media type, as `typ` is one, has no case (RFC 7515 section 4.1.9, RFC 2045 section 5.1).
            let no_case = self.part.place == Place::Header && id == "in-small-letters";
            if text == right || text.is_empty() || no_case {
                continue;
            }
            let edit = Edit::SetPart { target: self.target(), value: Given::Json(string_literal(&text)) };
            words.push(Word { level: self.level(Level::Must), ..self.breaking(id, edit) });
        }
    }

    /// What is believed and decides who may call here: nearly what this endpoint asks for.
    fn nearly_granted(&self, endpoint: &Endpoint, words: &mut Vec<Word>) {
        let is_claim =
            |s: &Source| self.part.place == Place::Claims && *s == Source::Claims(self.part.name.clone());
        for rule in self.variant.description.access.iter().filter(|rule| is_claim(&rule.granted)) {
            let wanted = wanted(self.variant, rule, endpoint);
            for (id, change) in NEAR {
                let items: Vec<String> = wanted.iter().map(|w| change(w)).collect();
                if items.is_empty() || items.iter().any(|item| item.is_empty() || wanted.contains(item)) {
                    continue;
                }
                let texts: Vec<String> = items.iter().map(|item| string_literal(item)).collect();
                let json = match (self.part.types.first(), texts.as_slice()) {
                    (Some(Type::List), _) => format!("[{}]", texts.join(",")),
                    (Some(Type::String), [one]) => one.clone(),
                    _ => continue,
                };
                let edit = Edit::SetPart { target: self.target(), value: Given::Json(json) };
                words.push(self.breaking(&format!("granted-{id}"), edit));
            }
        }
    }

    /// The right value of the primary caller, where it is text that does not depend on the request.
    fn right(&self) -> Option<String> {
        match &self.part.rule {
            Rule::Constant(text) => Some(text.clone()),
            Rule::From(pipeline) => match pipeline.single()? {
                Source::Credential(name) => {
                    match value(&self.variant.world.credential("primary")?.values, name)? {
                        Value::Text(text) => Some(text.to_string()),
                        Value::Integer(number) => Some(number.to_string()),
                        Value::Secret(secret) => String::from_utf8(secret.expose().to_vec()).ok(),
                        _ => None,
                    }
                }
                Source::Platform(name) => match value(&self.variant.world.platform("primary")?.values, name)?
                {
                    Value::Text(text) => Some(text.to_string()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// What other callers have there.
    fn of_others(&self, words: &mut Vec<Word>) {
        let d = &self.variant.description;
        // Who holds the key of the platform may name whom he likes; a bare key of another is the other's own.
        let names_another = self.part.identifies && !d.caller_key();
        let own = |c: &str| match self.part.pipeline().and_then(|p| p.single()) {
            Some(Source::Credential(name)) => self
                .variant
                .world
                .credential(c)
                .and_then(|c| value(&c.values, name))
                .map(|v| format!("{v:?}")),
            _ => None,
        };
        let secret = matches!(self.part.pipeline().and_then(|p| p.single()), Some(Source::Credential(name))
            if matches!(d.credential_kind(name), Some(Kind::Secret | Kind::Key)));
        for caller in self.variant.world.credentials.iter().filter(|c| c.role != "primary") {
            if names_another && self.operation != Some(OperationKind::Issue)
                || own(&caller.role) == own("primary") && !secret
            {
                continue;
            }
            // A list may stand in another order.
            if self.part.types.contains(&Type::List) {
                continue;
            }
            let given = || Given::OfRole(caller.role.clone());
            let edit = Edit::SetPart { target: self.target(), value: given() };
            words.push(self.breaking(&format!("of-{}", caller.role), edit).plain());
            if matches!(self.part.place, Place::Claims | Place::Header) {
                for (before, place) in [(true, "before"), (false, "after")] {
                    let edit = Edit::DuplicateMember { target: self.target(), value: given(), before };
                    words.push(self.breaking(&format!("twice-of-{}-{place}", caller.role), edit).should());
                }
            }
        }
    }
}
