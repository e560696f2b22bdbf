//! `serve`: the reference as a server on loopback, until interrupted.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bearproof_conform::frozen;
use bearproof_conform::suite::{Scheme, Suite, Variant, read_text};
use bearproof_scheme::document::nearest;
use bearproof_scheme::weakness::{Weakness, all};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::defects::CATCHES;
use super::{Done, Failure, load_suite, pick_schemes, reference};
use crate::server::{Certificate, Origins, start};

/// What `serve` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) scheme: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) ca_out: Option<PathBuf>,
    pub(crate) profiles: Option<PathBuf>,
    pub(crate) explain: bool,
    pub(crate) defect: Option<String>,
}

/// Serves until the process is told to stop.
pub(crate) fn serve(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let schemes = pick_schemes(&suite, options.scheme.as_deref())?;
    let (schemes, weakness) = match &options.defect {
        None => (schemes, None),
        Some(id) => {
            let (scheme, weakness) = pick_weakness(&suite, schemes, id)?;
            (vec![scheme], Some(weakness))
        }
    };
    let runtime = Runtime::new().map_err(|e| Failure::bug(e.to_string()))?;
    let certificate = Certificate::make().map_err(Failure::bug)?;
    if let Some(path) = &options.ca_out {
        write(path, &certificate.authority_pem)?;
    }
    let (stop, stopped) = watch::channel(false);
    runtime.block_on(async {
        let mut port = options.port;
        for scheme in &schemes {
            let site = Arc::new(reference::site(&scheme.default, options.explain, weakness.as_ref()));
            let origins = start(site, &certificate, port, &stopped).await.map_err(Failure::input)?;
            port = port.and_then(|p| p.checked_add(4));
            say(&format!(
                "{}: http://{} https://{} plain http://{} control http://{}",
                scheme.id, origins.http, origins.https, origins.plain, origins.control
            ))?;
            if let Some(folder) = &options.profiles {
                write_profile(folder, scheme, &origins)?;
            }
        }
        say("ready")?;
        interrupted().await;
        let _ = stop.send(true);
        Ok(Done::fine("stopped\n"))
    })
}

/// The weakness with this id, `SCHEME/WHERE/WHAT`, and its scheme, with the choice at which a vector notices it, else with
/// the first that has it.
fn pick_weakness(suite: &Suite, schemes: Vec<Scheme>, id: &str) -> Result<(Scheme, Weakness), Failure> {
    let (name, rest) = id.split_once('/').unwrap_or((id, ""));
    let known: Vec<String> = schemes.iter().map(|s| s.id.clone()).collect();
    let remedy = "`bearproof defects --format json` names all";
    let Some(mut scheme) = schemes.into_iter().find(|s| s.id == name) else {
        let near = nearest(name, known.iter().map(String::as_str));
        return Err(Failure::input(format!("`{id}`: no scheme `{name}` here; {near}; {remedy}")));
    };
    let mut others = Vec::new();
    let all_of_them = scheme.variants().map_err(|f| Failure::input(f.to_string()))?;
    for variant in noticed_at(suite, &scheme, rest).into_iter().chain(all_of_them) {
        let mut weaknesses = all(&variant.description, &variant.world);
        if let Some(position) = weaknesses.iter().position(|w| w.id == rest) {
            let weakness = weaknesses.swap_remove(position);
            if weakness.raw_field {
                return Err(Failure::input(format!(
                    "`{id}` can't be served: it shows only where a field value has a control character, and the HTTP \
                     library of this server refuses such a request itself (RFC 9110 section 5.5)\n  help: `bearproof \
                     defects` shows it in process"
                )));
            }
            scheme.default = variant;
            return Ok((scheme, weakness));
        }
        others.extend(weaknesses);
    }
    let near = nearest(rest, others.iter().map(|w| w.id.as_str()));
    Err(Failure::input(format!("`{id}` is no weakness of `{name}`; {near}; {remedy}")))
}

/// The choices at which a vector of the suite notices this weakness, the scheme's own before others; `None` where nobody
/// has written down what vectors catch, as for a folder of one's own.
fn noticed_at(suite: &Suite, scheme: &Scheme, weakness: &str) -> Option<Variant> {
    let caught: serde_json::Value = serde_json::from_slice(&suite.folder.read(CATCHES).ok()?).ok()?;
    let frozen = frozen::load(&scheme.id, scheme.folder.as_ref()).ok()?;
    let catches = |id: &str| {
        let ids = caught.get("catches").and_then(|all| all.get(id)).and_then(serde_json::Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|caught| caught.as_str() == Some(weakness)))
    };
    let noticing = frozen.iter().filter(|(id, _)| catches(id)).map(|(_, vector)| &vector.choose);
    let choose = noticing.min_by_key(|choose| choose.len())?;
    let choose: Vec<(String, String)> = choose.iter().map(|(n, o)| (n.clone(), o.clone())).collect();
    scheme.variant(&choose).ok()
}

/// Resolves on interrupt or termination.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Lines appear while serving, so that a script can wait for `ready`.
fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| Failure::input(e.to_string()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))
}

/// A profile for the served scheme: its published world with an address.
fn write_profile(folder: &Path, scheme: &Scheme, origins: &Origins) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::input(format!("{}: can't be made: {e}", folder.display())))?;
    let world = read_text(scheme.folder.as_ref(), "world.toml")?;
    let (head, rest) = world.split_once("\n[").unwrap_or((&world, ""));
    let ours = |line: &&str| !line.starts_with("clock") && !line.starts_with("choose");
    let mut head: Vec<&str> = head.lines().filter(ours).collect();
    let choices: Vec<String> =
        scheme.default.world.choose.iter().map(|(name, option)| format!("{name} = \"{option}\"")).collect();
    let choose = format!("choose = {{ {} }}", choices.join(", "));
    if !choices.is_empty() {
        head.push(&choose);
    }
    let text = format!(
        "{}\nscheme = \"{}\"\n\n[connect]\naddress = \"http://{}\"\nplain = \"http://{}\"\ncontrol = \"http://{}\"\npermit = [\"side-effects\", \"denial-of-service\", \"injection\"]\n\n[{rest}",
        head.join("\n"),
        scheme.id,
        origins.http,
        origins.plain,
        origins.control
    );
    write(&folder.join(format!("{}.toml", scheme.id)), &text)?;
    // Key files are named relative to the world, so they go along.
    for name in scheme.folder.list("keys") {
        let keys = folder.join("keys");
        std::fs::create_dir_all(&keys).map_err(|e| Failure::input(e.to_string()))?;
        write(&keys.join(&name), &read_text(scheme.folder.as_ref(), &format!("keys/{name}"))?)?;
    }
    Ok(())
}
