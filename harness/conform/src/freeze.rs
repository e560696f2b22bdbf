//! Freezes vectors: plays each plot under the published binding and writes down the bytes. It writes bytes,
//! never an expectation: those come from recipes and descriptions.

use std::collections::{BTreeMap, BTreeSet};

use bearproof_scheme::encoding::encode_standard;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::Trace;
use bearproof_scheme::world::{State, Value, Values, World};

use crate::catalogue::{Catalogue, TABLE};
use crate::contradiction::contradiction;
use crate::in_process::InProcess;
use crate::judge::documented;
use crate::needs::{needs, references};
use crate::play::{Done, Next, answered_token, play_for_the_record};
use crate::plot::{Plot, control, expand};
use crate::recipe::{Action, Expect};
use crate::subject::Subject;
use crate::suite::{Scheme, Suite};
use crate::vector::{
    Bytes, FORMAT, FieldLine, FrozenCredential, FrozenEndpoint, FrozenExpect, FrozenRequest, FrozenStep,
    FrozenValue, FrozenWorld, SUITE, TraceEntry, Vector, VectorFile,
};

/// The family of the generated controls.
pub const CONTROL: &str = "control";

/// The plots of a scheme and what was left out.
pub struct Plots {
    /// All plots, controls first, then by id.
    pub plots: Vec<Plot>,
    /// Recipes that apply by their words but change nothing here: id and why.
    pub without_effect: Vec<(String, String)>,
}

/// Expands all recipes for a scheme, drops what has no effect, and adds the controls.
///
/// # Errors
/// What can't be meant, with the recipe's place.
pub fn plots(suite_families: &[crate::recipe::Recipe], scheme: &Scheme) -> Result<Plots, String> {
    plots_beside(suite_families, scheme, &|_| false)
}

/// As [`plots`], but does not play what `is_frozen` by its id: that it has an effect was seen when it was frozen.
///
/// # Errors
/// As [`plots`].
pub fn plots_beside(
    suite_families: &[crate::recipe::Recipe],
    scheme: &Scheme,
    is_frozen: &dyn Fn(&str) -> bool,
) -> Result<Plots, String> {
    let played = |plot: &Plot| if is_frozen(&plot.id) { Ok(()) } else { record(plot).map(|_| ()) };
    let mut plots: Vec<Plot> = Vec::new();
    let mut without_effect = Vec::new();
    for recipe in suite_families.iter().chain(&scheme.recipes) {
        for plot in expand(recipe, scheme).map_err(|e| format!("{}: {e}", recipe.place))? {
            if plots.iter().any(|p| p.id == plot.id) {
                return Err(format!(
                    "{}: the id `{}` stands twice; rename the recipe",
                    recipe.place, plot.id
                ));
            }
            match played(&plot) {
                Ok(()) => plots.push(plot),
                Err(why) => without_effect.push((plot.id.clone(), why)),
            }
        }
    }
    let mut controls: Vec<Plot> = Vec::new();
    for plot in &mut plots {
        if !plot.steps.iter().any(|s| matches!(s.expect, Expect::Reject(_))) {
            continue;
        }
        let twin = control(plot);
        let known = controls.iter().find(|c| same(c, &twin));
        plot.twin = Some(match known {
            Some(known) => known.id.clone(),
            None => {
                let mut twin = twin;
                twin.id = control_id(&scheme.id, plot, &twin, &controls);
                played(&twin).map_err(|e| format!("the control of `{}` can't be made: {e}", plot.id))?;
                controls.push(twin.clone());
                twin.id
            }
        });
    }
    plots.extend(controls);
    plots.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Plots { plots, without_effect })
}

fn same(a: &Plot, b: &Plot) -> bool {
    a.steps == b.steps && a.role == b.role && a.endpoint == b.endpoint && a.choose == b.choose
}

/// A plain request is named after who sends it where; anything else after the first vector that needs it.
fn control_id(scheme: &str, plot: &Plot, twin: &Plot, known: &[Plot]) -> String {
    let plain = match twin.steps.as_slice() {
        [only] => {
            only.action == Action::Call
                && only.edits.is_empty()
                && only.role.is_none()
                && only.endpoint.is_none()
                && twin.choose.is_empty()
        }
        _ => false,
    };
    let name = if plain {
        format!("{}-{}", twin.role, twin.endpoint)
    } else {
        plot.id.split_once('/').map(|x| x.1).unwrap_or("").replace('/', "-")
    };
    let id = format!("{scheme}/{CONTROL}/{name}");
    if known.iter().any(|k| k.id == id) { format!("{id}-{}", known.len()) } else { id }
}

/// One step as it was played.
pub struct Recorded {
    /// Seconds since 1970 UTC.
    pub clock: u64,
    /// The message, where one was sent.
    pub message: Option<Message>,
    /// Intermediate values.
    pub trace: Trace,
}

/// Plays a plot against a fresh reference under the published binding; answers matter only where later steps
/// use them.
///
/// # Errors
/// Why a step can't be played.
pub fn record(plot: &Plot) -> Result<Vec<Recorded>, String> {
    let subject = InProcess::new(&plot.variant, &plot.id);
    let mut earlier: Vec<Done> = Vec::new();
    let mut recorded = Vec::new();
    for index in 0..plot.steps.len() {
        let clock = subject.now();
        match play_for_the_record(plot, index, clock, &earlier)? {
            Next::Wait(seconds) => {
                subject.wait(seconds).map_err(|e| e.words().to_string())?;
                recorded.push(Recorded { clock, message: None, trace: Trace::none() });
                earlier.push(Done::default());
            }
            Next::RevokeHook(role) => {
                subject.revoke(&role).map_err(|e| e.words().to_string())?;
                recorded.push(Recorded { clock, message: None, trace: Trace::none() });
                earlier.push(Done::default());
            }
            Next::Send(made) => {
                let answer = subject.send(&made.message, index).map_err(|e| e.words().to_string())?;
                let token = answered_token(plot, &made.endpoint, &answer.body);
                earlier.push(Done { message: Some(made.message.clone()), written: made.written, token });
                recorded.push(Recorded { clock, message: Some(made.message), trace: made.trace });
            }
        }
    }
    Ok(recorded)
}

/// Freezes one plot.
///
/// # Errors
/// Why it can't be played.
pub fn freeze_plot(plot: &Plot) -> Result<Vector, String> {
    let recorded = record(plot)?;
    let mut steps = Vec::new();
    for (step, recorded) in plot.steps.iter().zip(recorded) {
        let action = match &step.action {
            Action::Call => "call",
            Action::Obtain(_) => "obtain",
            Action::Revoke => "revoke",
            Action::Wait(_) => "wait",
        };
        steps.push(FrozenStep {
            action: action.into(),
            role: step.role.clone().unwrap_or_else(|| plot.role.clone()),
            clock: recorded.clock,
            request: recorded.message.as_ref().map(freeze_message),
            trace: recorded
                .trace
                .iter()
                .map(|(name, bytes)| TraceEntry { name: name.clone(), value: Bytes::of_trace(bytes) })
                .collect(),
            expect: freeze_expect(plot, &step.expect, recorded.message.as_ref()),
        });
    }
    Ok(Vector {
        id: plot.id.clone(),
        why: plot.why.clone(),
        level: plot.level,
        severity: plot.severity,
        refs: references(plot),
        needs: needs(plot),
        choose: plot.choose.iter().cloned().collect(),
        twin: plot.twin.clone(),
        steps,
    })
}

/// A request as it stands in a vector.
pub fn freeze_message(message: &Message) -> FrozenRequest {
    FrozenRequest {
        secure: message.secure,
        method: message.method.clone(),
        target: message.target.clone(),
        fields: message
            .fields
            .iter()
            .map(|(name, value)| FieldLine { name: name.clone(), value: Bytes::of(value) })
            .collect(),
        body: Bytes::of(&message.body),
    }
}

fn freeze_expect(plot: &Plot, expect: &Expect, message: Option<&Message>) -> FrozenExpect {
    let documented = message.map(|m| documented(&plot.variant.description, expect, m)).unwrap_or_default();
    let (verdict, reasons) = match expect {
        Expect::Accept => ("accept", Vec::new()),
        Expect::Any => ("any", Vec::new()),
        Expect::Reject(reasons) => ("reject", reasons.clone()),
    };
    FrozenExpect { verdict: verdict.into(), reasons, status: documented.status, body: documented.body }
}

/// A frozen file: path relative to the vectors, and content.
pub struct Frozen {
    /// For example `hexsafe/replay.json`.
    pub path: String,
    /// JSON text with a final line feed.
    pub text: String,
    /// Its vectors, for counting.
    pub ids: Vec<String>,
}

/// Freezes a whole suite.
///
/// # Errors
/// The first recipe that can't be played, or the first two vectors that contradict each other.
pub fn freeze(suite: &Suite) -> Result<Vec<Frozen>, String> {
    let mut files = Vec::new();
    let mut cited = Vec::new();
    for scheme in &suite.schemes {
        let plots = plots(&suite.families, scheme)?;
        let mut families: BTreeMap<String, Vec<Vector>> = BTreeMap::new();
        for plot in &plots.plots {
            let family = plot.id.split('/').nth(1).unwrap_or("").to_string();
            families.entry(family).or_default().push(freeze_plot(plot)?);
        }
        if let Some(words) = contradiction(families.values().flatten()) {
            return Err(words);
        }
        for (family, vectors) in families {
            let ids = vectors.iter().map(|v| v.id.clone()).collect();
            cited.extend(vectors.iter().map(|v| (v.id.clone(), v.refs.clone())));
            let file = VectorFile {
                format: FORMAT,
                suite: SUITE.into(),
                scheme: scheme.id.clone(),
                family: family.clone(),
                world: freeze_world(&scheme.default.world),
                vectors,
            };
            let text = serde_json::to_string_pretty(&file).map_err(|e| e.to_string())?;
            files.push(Frozen {
                path: format!("{}/{family}.json", scheme.id),
                text: format!("{text}\n"),
                ids,
            });
        }
    }
    let ids: BTreeSet<&String> = files.iter().flat_map(|f| &f.ids).collect();
    let index: String = ids.iter().map(|id| format!("{id}\n")).collect();
    files.push(Frozen { path: "INDEX".into(), text: index, ids: Vec::new() });
    let catalogue = Catalogue::load(suite.folder.as_ref()).map_err(|f| f.to_string())?;
    if let Some(catalogue) = catalogue {
        files.push(Frozen { path: TABLE.into(), text: catalogue.table(&cited), ids: Vec::new() });
    }
    Ok(files)
}

fn freeze_world(world: &World) -> FrozenWorld {
    FrozenWorld {
        clock: world.clock.unwrap_or(0),
        origin: world.origin.clone(),
        leeway: world.leeway,
        choices: world.choose.iter().cloned().collect(),
        credentials: world
            .credentials
            .iter()
            .map(|c| {
                let state = match c.state {
                    State::Active => "active",
                    State::Revoked => "revoked",
                    State::Expired => "expired",
                    State::Disabled => "disabled",
                };
                (c.role.clone(), FrozenCredential { state: state.into(), values: freeze_values(&c.values) })
            })
            .collect(),
        platforms: world.platforms.iter().map(|p| (p.role.clone(), freeze_values(&p.values))).collect(),
        endpoints: world
            .endpoints
            .iter()
            .map(|e| {
                let attributes = freeze_values(&e.attributes);
                (
                    e.role.clone(),
                    FrozenEndpoint { method: e.method.clone(), path: e.path.clone(), attributes },
                )
            })
            .collect(),
    }
}

fn freeze_values(values: &Values) -> BTreeMap<String, FrozenValue> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => FrozenValue::Text(text.into()),
        Err(_) => FrozenValue::Base64(encode_standard(bytes)),
    };
    let freeze = |value: &Value| match value {
        Value::Text(t) => FrozenValue::Text(t.to_string()),
        Value::Secret(secret) => text(secret.expose()),
        Value::Integer(n) => FrozenValue::Integer(*n),
        Value::List(items) => FrozenValue::List(items.iter().map(ToString::to_string).collect()),
        Value::Rsa(rsa) => FrozenValue::KeyPair {
            private_pem: String::from_utf8_lossy(rsa.private_pem().expose()).into_owned(),
            public_jwk: rsa.jwk(),
        },
        Value::P256(pair) => FrozenValue::KeyPair {
            private_pem: String::from_utf8_lossy(pair.private_pem().expose()).into_owned(),
            public_jwk: pair.jwk(),
        },
    };
    values.iter().map(|(name, value)| (name.to_string(), freeze(value))).collect()
}
