//! `profile new`: a commented profile to fill in, made from the published world of a scheme. It must not have a secret.

use std::path::PathBuf;
use std::sync::Arc;

use bearproof_conform::suite::{Scheme, read_text};
use bearproof_scheme::description::{Description, Kind, OperationKind};

use super::{Done, Failure, load_suite, pick_schemes};

/// What `profile new` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) scheme: String,
    pub(crate) out: Option<PathBuf>,
}

/// Writes the profile.
pub(crate) fn new(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let schemes = pick_schemes(&suite, Some(&options.scheme))?;
    let scheme = schemes.first().ok_or_else(|| Failure::bug("no scheme was picked"))?;
    let world = read_text(scheme.folder.as_ref(), "world.toml")?;
    let text = profile(scheme, &world);
    let Some(path) = &options.out else { return Ok(Done::fine(text)) };
    let failed = |e: std::io::Error| Failure::input(format!("{}: can't be written: {e}", path.display()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    let path = path.display();
    Ok(Done::fine(format!("{path} is written: fill it in, then `bearproof doctor {path}`\n")))
}

fn profile(scheme: &Scheme, world: &str) -> String {
    let d = &scheme.default.description;
    let mut text = head(d);
    for block in world.split("\n[").skip(1) {
        let (name, rest) = block.split_once(']').unwrap_or((block, ""));
        let (kind, role) = name.split_once('.').unwrap_or((name, ""));
        let (note, body) = rest.split_once('\n').unwrap_or((rest, ""));
        let body = body.trim_end();
        let block = match kind {
            "credential" => values(d, &d.credential, role, body),
            "platform" => values(d, &d.platform, &format!("platform-{role}"), body),
            _ => body.into(),
        };
        let note = note.trim_start().trim_start_matches('#').trim();
        let note = if note.is_empty() || role == "primary" { String::new() } else { format!("   # {note}") };
        let block = format!("[{name}]{note}\n{block}\n");
        text.push_str(&if wanted(d, kind, role) { block } else { commented(&block) });
    }
    text
}

/// Whether a target can't be judged without this block; the others add what can be judged.
fn wanted(d: &Description, kind: &str, role: &str) -> bool {
    match kind {
        "credential" => role == "primary",
        "endpoint" => {
            let login = d.operation(role).is_some_and(|o| o.kind == OperationKind::Issue && !o.guarded);
            matches!(role, "read" | "write") || login
        }
        _ => false,
    }
}

fn head(d: &Description) -> String {
    let mut text = format!(
        "# A target that speaks {} ({}). Values are examples: put yours. Every word is explained in\n\
         # vectors/README.md; `bearproof doctor` says what works and what more could be judged.\n\
         format = 1\n\
         scheme = \"{}\"\n\
         origin = \"https://api.staging.example\"   # the name in the Host field, and where requests go\n\
         leeway = \"0s\"                            # how far the server lets clocks differ\n",
        d.id, d.title, d.id
    );
    for choice in &d.choices {
        let options = choice.options.join(" or ");
        text.push_str(&format!("choose = {{ {} = \"{}\" }}   # {options}\n", choice.name, choice.chosen));
    }
    for part in &d.parts {
        let names: Vec<&str> = part.types.iter().map(|t| t.name()).collect();
        // Of one type there is nothing to choose.
        let [first, _, ..] = names.as_slice() else { continue };
        let path = part.path();
        text.push_str(&format!("# types = {{ \"{path}\" = \"{first}\" }}   # {}\n", names.join(" or ")));
    }
    text.push_str(
        "# known = \"deviations.toml\"             # what is known and borne, each with its reason\n\n\
         [connect]\n\
         # allow = [\"api.staging.example\"]        # a host that is not loopback is allowed by name\n\
         # permit = [\"side-effects\", \"denial-of-service\", \"injection\"]   # what else than asking may be done\n\
         # address = \"http://127.0.0.1:8080\"      # connect here instead\n\
         # plain = \"http://api.staging.example\"   # the same API without TLS: it has to refuse\n\
         # ca = \"ca.pem\"                          # a certificate authority beside the system's\n\
         # client-certificate = \"client.pem\"      # together with the next\n\
         # client-key = { env = \"CLIENT_KEY\" }\n\
         # insecure = [\"api.staging.example\"]     # its certificate is not checked; every report says so\n\
         # tag = \"X-Test-Request\"                 # each request says run and vector in this field\n\
         # [connect.hooks]                        # what an admin can do for a run: a command or a request\n\
         # revoke = [\"./revoke.sh\", \"{role}\"]\n\
         # clock = \"POST http://127.0.0.1:9000/clock?advance={seconds}\"\n\
         # forget = [\"./reset.sh\"]\n\n",
    );
    if d.token.is_some() {
        text.push_str(
            "# [extra-claims]                          # claims that this server wants beside those of the scheme\n\
             # aud = \"https://api.staging.example\"\n\n",
        );
    }
    text.push_str(
        "# No key at hand? One request as it was sent, in the place of all below but further endpoints:\n\
         # [credential.primary]\n\
         # captured-request = { file = \"request.http\" }   # raw HTTP, a curl command or a HAR\n\n",
    );
    if d.token.is_some() && !d.caller_key() {
        text.push_str(
            "# Tokens: from a login below, or captured (`captured-token` of a credential), or made here with the\n\
             # platform's key, which alone lets all vectors run.\n",
        );
    }
    text
}

/// The lines of a credential, secrets taken from the environment or from a file.
fn values(d: &Description, kinds: &[(Arc<str>, Kind)], role: &str, body: &str) -> String {
    let line = |line: &str| {
        let (name, _) = line.split_once('=').unwrap_or((line, ""));
        match kinds.iter().find(|(n, _)| **n == *name.trim()) {
            Some((_, Kind::Secret | Kind::Key | Kind::Rsa | Kind::P256)) => {
                let variable = format!("{}-{role}-{}", d.id, name.trim()).replace('-', "_").to_uppercase();
                format!("{name}= {{ env = \"{variable}\" }}")
            }
            _ => line.to_owned(),
        }
    };
    body.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn commented(block: &str) -> String {
    block.lines().map(|line| format!("# {line}\n")).collect()
}
