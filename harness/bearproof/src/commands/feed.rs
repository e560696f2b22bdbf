//! `feed`: gives a load engine one freshly signed request for each line that it writes. It must not send them.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use bearproof_conform::login::Logins;
use bearproof_scheme::request::Message;
use serde_json::json;

use super::target::{Reaching, read};
use super::{Done, Failure, RunId, load_suite};
use crate::open_loop::fresh::Source;
use crate::pace::Pacing;

/// What `feed` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) target: PathBuf,
    pub(crate) role: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) reaching: Reaching,
}

/// Reads lines until there are no more, and answers each.
pub(crate) fn feed(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let profile = read(&suite, &options.target)?;
    let caller = profile.caller(&options.role, options.endpoint.as_deref())?;
    let http = profile.http(&options.reaching, &Pacing::default())?;
    let origin = profile.reach(&options.reaching).origin;
    let run = RunId::fresh()?.text();
    let source = Source { caller, run: &run, logins: Logins::default(), subject: &http };
    let nothing = |message: String| Failure { code: 4, message };

    let mut wanted = std::io::stdin().lock().lines().peekable();
    let mut out = std::io::stdout().lock();
    let mut worlds = 0_u64;
    while wanted.peek().is_some() {
        worlds += 1;
        let world = source.world(format!("feed/{worlds}")).map_err(nothing)?;
        let mut signer = source.signer(&world).map_err(nothing)?;
        // A line that is there but can't be read ends the feed as the last one does.
        while let Some(Ok(_)) = wanted.next_if(|_| signer.is_good()) {
            let line = line(&signer.next().map_err(nothing)?, &origin).map_err(nothing)?;
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return Ok(Done::bytes(Vec::new()));
            }
        }
    }
    Ok(Done::bytes(Vec::new()))
}

/// A request as an object: `method`, `url`, `headers` by name, `body`.
fn line(message: &Message, origin: &str) -> Result<String, String> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| "the request is no text, as JSON needs it")
    };
    let mut headers = serde_json::Map::new();
    for (name, value) in &message.fields {
        headers.insert(name.clone(), text(value)?.into());
    }
    let url = format!("{}{}", origin.trim_end_matches('/'), message.target);
    let request =
        json!({ "method": message.method, "url": url, "headers": headers, "body": text(&message.body)? });
    Ok(request.to_string())
}
