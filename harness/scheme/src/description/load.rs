//! Reads `scheme.toml` and checks that its words fit together. It must not know any vendor.

use super::parts::{chosen, read_place, read_source};
use super::{
    AccessRule, Alg, Choice, Condition, Description, Format, Kind, Level, Operation, OperationKind, Part,
    Place, RefusalRule, Requirement, Rule, Source, TokenRule, Transport, Type,
};
use std::sync::Arc;

use crate::document::{self, Fault, Item, Table, nearest};
use crate::verdict::{STAGES, is_code};

/// The format of descriptions that this version reads.
pub(crate) const FORMAT: i64 = 1;

/// Reads a description. `choices` overrides defaults: pairs of choice name and option.
///
/// # Errors
/// The first [`Fault`], with its place.
pub fn load(id: &str, file: &str, text: &str, choices: &[(String, String)]) -> Result<Description, Fault> {
    document::parse(file, text, |root| {
        check_format(root)?;
        let requirements = read_requirements(root)?;
        let choices = read_choices(root, choices)?;
        let mut parts = Vec::new();
        for place in [Place::Header, Place::Claims, Place::Field, Place::Body] {
            read_place(root, place, &choices, &mut parts)?;
        }
        let mut description = Description {
            id: id.into(),
            title: root.need("title", "the name of the scheme in reports")?.text()?,
            transport: read_transport(root)?,
            requirements,
            credential: read_kinds(root, "credential")?,
            platform: read_kinds(root, "platform")?,
            token: root.get("token").map(|i| read_token(&i, &choices)).transpose()?,
            parts,
            operations: read_operations(root, &choices)?,
            access: read_access(root)?,
            refusals: read_refusals(root)?,
            choices,
        };
        set_default_types(&mut description);
        check(root, &description)?;
        Ok(description)
    })
}

/// Refuses a file of another format.
///
/// # Errors
/// If `format` is missing or not [`FORMAT`].
pub(crate) fn check_format(root: &Table<'_>) -> Result<(), Fault> {
    let item = root.need("format", "write `format = 1`")?;
    let format = item.integer()?;
    if format == FORMAT {
        return Ok(());
    }
    let remedy = if format > FORMAT { "update bearproof" } else { "write `format = 1`" };
    Err(item.fault(format!("format {format} is not known, this version reads format {FORMAT}"), remedy))
}

fn text(table: &Table<'_>, key: &str) -> Result<Option<String>, Fault> {
    table.get(key).map(|i| i.text()).transpose()
}

fn read_requirements(root: &Table<'_>) -> Result<Vec<Requirement>, Fault> {
    let mut all: Vec<Requirement> = Vec::new();
    for (section, reading) in [("requirement", false), ("reading", true)] {
        let Some(item) = root.get(section) else { continue };
        item.table(|table| {
            for (id, item) in table.entries() {
                if all.iter().any(|r| r.id == id) {
                    return Err(item.fault(format!("the id `{id}` stands twice"), "rename one of them"));
                }
                all.push(item.table(|t| {
                    let need = |key: &str, what: &str| t.need(key, what)?.text();
                    let levels = [("must", Level::Must), ("should", Level::Should), ("may", Level::May)];
                    Ok(Requirement {
                        heading: if reading {
                            None
                        } else {
                            Some(need("heading", "the heading it stands under")?)
                        },
                        says: need("says", "one sentence in your own words")?,
                        because: if reading { Some(need("because", "why it is read so")?) } else { None },
                        level: t.get("level").map_or(Ok(Level::Must), |i| i.word(&levels))?,
                        shown_by: t.get("shown-by").map_or(Ok(Vec::new()), |i| i.texts())?,
                        unshown: text(t, "unshown")?,
                        id,
                    })
                })?);
            }
            Ok(())
        })?;
    }
    Ok(all)
}

fn read_choices(root: &Table<'_>, taken: &[(String, String)]) -> Result<Vec<Choice>, Fault> {
    let mut choices = Vec::new();
    if let Some(item) = root.get("choice") {
        item.table(|table| {
            for (name, item) in table.entries() {
                choices.push(item.table(|t| {
                    let options = t.need("options", "the options, the default first")?;
                    let texts = options.texts()?;
                    let Some(default) = texts.first() else {
                        return Err(options.fault("a choice needs options", "list them, the default first"));
                    };
                    let wanted = taken.iter().find(|(n, _)| *n == name).map_or(default, |(_, option)| option);
                    if !texts.contains(wanted) {
                        let remedy = nearest(wanted, texts.iter().map(String::as_str));
                        return Err(options.fault(format!("`{name}` has no option `{wanted}`"), remedy));
                    }
                    Ok(Choice { chosen: wanted.clone(), reference: text(t, "ref")?, options: texts, name })
                })?);
            }
            Ok(())
        })?;
    }
    if let Some((name, _)) = taken.iter().find(|(name, _)| !choices.iter().any(|c: &Choice| c.name == *name))
    {
        let remedy = nearest(name, choices.iter().map(|c| c.name.as_str()));
        return Err(root.fault(format!("the scheme has no choice `{name}`"), remedy));
    }
    Ok(choices)
}

fn read_transport(root: &Table<'_>) -> Result<Transport, Fault> {
    let Some(item) = root.get("transport") else { return Ok(Transport::default()) };
    item.table(|table| {
        let mut unbound = Vec::new();
        if let Some(item) = table.get("unbound") {
            item.table(|t| {
                for (method, reason) in t.entries() {
                    unbound.push((method, reason.text()?));
                }
                Ok(())
            })?;
        }
        Ok(Transport {
            https: table.get("https").map_or(Ok(false), |i| i.boolean())?,
            methods: table
                .get("methods")
                .map_or(Ok(Vec::new()), |i| i.list()?.iter().map(|i| i.token("method", "POST")).collect())?,
            unbound,
            reference: text(table, "ref")?,
        })
    })
}

fn read_kinds(root: &Table<'_>, section: &str) -> Result<Vec<(Arc<str>, Kind)>, Fault> {
    let words = [
        ("text", Kind::Text),
        ("secret", Kind::Secret),
        ("integer", Kind::Integer),
        ("list", Kind::List),
        ("key", Kind::Key),
        ("rsa", Kind::Rsa),
        ("p-256", Kind::P256),
    ];
    let Some(item) = root.get(section) else { return Ok(Vec::new()) };
    item.table(|table| {
        table.entries().into_iter().map(|(name, item)| Ok((name.into(), item.word(&words)?))).collect()
    })
}

fn read_token(item: &Item<'_>, choices: &[Choice]) -> Result<TokenRule, Fault> {
    let formats = [("jws", Format::Jws), ("jwe", Format::Jwe), ("opaque", Format::Opaque)];
    item.table(|table| {
        let format = table.need("format", "jws, jwe or opaque")?;
        let alg = table.need("alg", "the one algorithm")?;
        let format = word_or_choice(&format, choices, &formats)?;
        let at = &alg;
        let alg = word_or_choice(&alg, choices, &Alg::NAMES)?;
        if (format == Format::Jws) == (alg == Alg::DirA256Gcm) {
            let message = format!("the algorithm `{}` does not fit the token format", alg.name());
            return Err(at.fault(message, "sign a jws; seal a jwe or an opaque token with `dir+A256GCM`"));
        }
        let key = table.need("key", "what signs it: credential.NAME or platform.NAME")?;
        let source = read_source(&key)?;
        if !matches!(source, Source::Credential(_) | Source::Platform(_)) {
            return Err(
                key.fault("a key is a value of the credential or of the platform", "name one of those")
            );
        }
        Ok(TokenRule { format, alg, key: source, reference: text(table, "ref")? })
    })
}

/// A word, or `{ choose = NAME }`: the option's own text is the word.
fn word_or_choice<T: Copy>(item: &Item<'_>, choices: &[Choice], words: &[(&str, T)]) -> Result<T, Fault> {
    if !item.is_table() {
        return item.word(words);
    }
    item.table(|table| {
        let name = table.need("choose", "the name of the choice that decides")?;
        let choice = chosen(&name, choices)?;
        let mut value = None;
        for option in &choice.options {
            let Some((_, word)) = words.iter().find(|(word, _)| word == option) else {
                let remedy = nearest(option, words.iter().map(|(word, _)| *word));
                return Err(
                    name.fault(format!("unknown word `{option}` in choice `{}`", choice.name), remedy)
                );
            };
            if *option == choice.chosen {
                value = Some(*word);
            }
        }
        value.ok_or_else(|| name.fault("the choice has no option", "give the choice options"))
    })
}

fn read_operations(root: &Table<'_>, choices: &[Choice]) -> Result<Vec<Operation>, Fault> {
    let kinds = [
        ("issue", OperationKind::Issue),
        ("register", OperationKind::Register),
        ("revoke", OperationKind::Revoke),
    ];
    let mut operations = Vec::new();
    for (word, kind) in kinds {
        let Some(item) = root.get(word) else { continue };
        item.table(|table| {
            for (name, item) in table.entries() {
                operations.push(item.table(|t| {
                    let mut parts = Vec::new();
                    for place in [Place::Parameter, Place::Field, Place::Body] {
                        read_place(t, place, choices, &mut parts)?;
                    }
                    let mut answers = Vec::new();
                    read_place(t, Place::Answer, choices, &mut answers)?;
                    Ok(Operation {
                        kind,
                        guarded: t.get("guarded").map_or(Ok(false), |i| i.boolean())?,
                        parts,
                        answers,
                        reference: text(t, "ref")?,
                        name,
                    })
                })?);
            }
            Ok(())
        })?;
    }
    Ok(operations)
}

fn read_access(root: &Table<'_>) -> Result<Vec<AccessRule>, Fault> {
    let Some(item) = root.get("access") else { return Ok(Vec::new()) };
    item.table(|table| {
        table
            .entries()
            .into_iter()
            .map(|(name, item)| {
                item.table(|t| {
                    Ok(AccessRule {
                        granted: read_source(&t.need("granted", "what the caller has")?)?,
                        required: read_source(&t.need("required", "what the request asks for")?)?,
                        reference: text(t, "ref")?,
                        name,
                    })
                })
            })
            .collect()
    })
}

fn read_refusals(root: &Table<'_>) -> Result<Vec<RefusalRule>, Fault> {
    let item = root.need("refusal", "what a refusal looks like, at least `\"*\" = { status = 401 }`")?;
    item.table(|table| {
        let mut rules = Vec::new();
        for (pattern, item) in table.entries() {
            rules.push(item.table(|t| {
                let status = t.need("status", "the status code")?;
                let number = u16::try_from(status.integer()?).unwrap_or(0);
                if !(200..=599).contains(&number) {
                    return Err(
                        status.fault("a status lies between 200 and 599", "write the documented status")
                    );
                }
                let mut body = Vec::new();
                if let Some(item) = t.get("body") {
                    item.table(|members| {
                        for (name, item) in members.entries() {
                            body.push((name, item.json()?));
                        }
                        Ok(())
                    })?;
                }
                if !is_code(&pattern) {
                    return Err(item.fault(
                        format!("unknown reason `{pattern}`"),
                        nearest(&pattern, STAGES.iter().copied().chain(["*"])),
                    ));
                }
                Ok(RefusalRule { pattern: pattern.clone(), status: number, body, reference: text(t, "ref")? })
            })?);
        }
        if !rules.iter().any(|r: &RefusalRule| r.pattern == "*") {
            return Err(table.fault("no refusal for `*`", "add `\"*\" = { status = 401 }`"));
        }
        Ok(rules)
    })
}

/// A part that repeats a credential value is written as that value's kind, unless the file says otherwise.
fn set_default_types(description: &mut Description) {
    let credential = description.credential.clone();
    let platform = description.platform.clone();
    let kind = |source: &Source| -> Option<Kind> {
        let (kinds, name) = match source {
            Source::Credential(name) => (&credential, name),
            Source::Platform(name) => (&platform, name),
            _ => return None,
        };
        kinds.iter().find(|(n, _)| **n == **name).map(|(_, kind)| *kind)
    };
    let operations =
        description.operations.iter_mut().flat_map(|o| o.parts.iter_mut().chain(o.answers.iter_mut()));
    for part in description.parts.iter_mut().chain(operations) {
        let Rule::From(pipeline) = &part.rule else { continue };
        if part.types != [Type::String] {
            continue;
        }
        match pipeline.single().and_then(kind) {
            Some(Kind::Integer) => part.types = vec![Type::Integer],
            Some(Kind::List) => part.types = vec![Type::List],
            _ => {}
        }
    }
}

/// A key is a secret or a key pair: what is public keys nothing.
fn check_key(root: &Table<'_>, d: &Description, key: &Source) -> Result<(), Fault> {
    let kind = match key {
        Source::Credential(name) => d.credential_kind(name),
        Source::Platform(name) => d.platform_kind(name),
        _ => None,
    };
    if !kind.is_some_and(Kind::is_public) {
        return Ok(());
    }
    let full = key.name();
    let message = format!("`{full}` is public, so it is no key of a token");
    let remedy = format!("declare `{full}` as `secret`, `key`, `rsa` or `p256`");
    Err(root.fault_at(&|word, text| word == "key" && text == full, message, remedy))
}

/// What no single word can tell: references, names, and methods that would leave a body unbound.
fn check(root: &Table<'_>, d: &Description) -> Result<(), Fault> {
    check_references(root, d)?;
    let operation_parts = d.operations.iter().flat_map(|o| o.parts.iter().chain(&o.answers));
    for part in d.parts.iter().chain(operation_parts) {
        for source in part.pipeline().into_iter().flat_map(super::pipeline::Pipeline::sources) {
            check_source(root, d, source, &part.path())?;
        }
    }
    for rule in &d.access {
        check_source(root, d, &rule.granted, &format!("access.{}", rule.name))?;
        check_source(root, d, &rule.required, &format!("access.{}", rule.name))?;
    }
    if let Some(token) = &d.token {
        check_source(root, d, &token.key, "token.key")?;
        check_key(root, d, &token.key)?;
        let carried = d.parts.iter().any(|p| p.pipeline().and_then(|p| p.single()) == Some(&Source::Token));
        if !carried {
            let remedy = "add a field with `from = \"token\"`";
            return Err(match root.get("token") {
                Some(item) => item.fault("no part carries the token", remedy),
                None => root.fault("no part carries the token", remedy),
            });
        }
    }
    if d.credential.is_empty() {
        return Err(
            root.fault("the file has no `[credential]`", "add it and say what a caller holds: name = kind")
        );
    }
    check_methods(root, d)
}

fn check_references(root: &Table<'_>, d: &Description) -> Result<(), Fault> {
    for id in d.references() {
        if d.requirement(id).is_none() {
            let remedy = nearest(id, d.requirements.iter().map(|r| r.id.as_str()));
            let message = format!("`ref = \"{id}\"` names no requirement and no reading");
            return Err(root.fault_at(&|key, text| key == "ref" && text == id, message, remedy));
        }
    }
    Ok(())
}

/// Sentences for people, in which a source may be quoted.
const PROSE: [&str; 4] = ["heading", "says", "because", "unshown"];

fn check_source(root: &Table<'_>, d: &Description, source: &Source, at: &str) -> Result<(), Fault> {
    let names: Vec<&str> = match source {
        Source::Credential(_) => d.credential.iter().map(|(n, _)| &**n).collect(),
        Source::Platform(_) => d.platform.iter().map(|(n, _)| &**n).collect(),
        Source::Claims(_) => {
            d.parts.iter().filter(|p| p.place == Place::Claims).map(|p| p.name.as_str()).collect()
        }
        Source::Header(_) => {
            d.parts.iter().filter(|p| p.place == Place::Header).map(|p| p.name.as_str()).collect()
        }
        _ => return Ok(()),
    };
    let full = source.name();
    let name = full.split_once('.').map_or("", |(_, name)| name);
    if names.contains(&name) {
        return Ok(());
    }
    let template = format!("{{{full}}}");
    let reads = |key: &str, text: &str| !PROSE.contains(&key) && (text == full || text.contains(&template));
    let message = format!("`{at}` reads `{full}`, which the scheme does not have");
    Err(root.fault_at(&reads, message, nearest(name, names.into_iter())))
}

/// An allowed method that can carry a body must bind it, or say why not.
fn check_methods(root: &Table<'_>, d: &Description) -> Result<(), Fault> {
    if !d.binds_body() {
        return Ok(());
    }
    for method in &d.transport.methods {
        let binds = |p: &Part| {
            p.reads_body()
                && (p.when.is_empty()
                    || p.when.contains(&Condition::Method(method.clone()))
                    || p.when.contains(&Condition::Body))
        };
        let can_carry = !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        let excused = d.transport.unbound.iter().any(|(m, _)| m == method);
        if can_carry && !excused && !d.parts.iter().any(binds) {
            return Err(root.fault_at(
                &|key, text| key == "methods" && text == method,
                format!("`{method}` can carry a body, and no part binds it"),
                format!(
                    "name {method} in a `when`, or give the reason in `[transport.unbound] {method} = \"…\"`"
                ),
            ));
        }
    }
    Ok(())
}
