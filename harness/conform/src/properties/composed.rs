//! The property that a composed request is refused if and only if a word of it changes something bound. The expected
//! verdict must come from the words, which know the description alone.

use arbitrary::Unstructured;
use sha2::{Digest, Sha512};

use super::ensure;
use super::ground::{Ground, Stand};
use crate::compose::Composition;
use crate::in_process::InProcess;
use crate::play::{Done, Next, answered_token, play_with_effect};
use crate::plot::Plot;
use crate::subject::Subject;
use crate::suite::Variant;

pub(super) fn composed(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, composition)) = chosen(ground, data) else { return Ok(()) };
    holds(&stand.variant, &composition)
}

/// The recipe that an input of the property composes.
pub fn composed_plot(ground: &Ground, data: &[u8]) -> Option<Plot> {
    chosen(ground, data).map(|(stand, composition)| composition.plot(&stand.variant))
}

fn chosen<'g>(ground: &'g Ground, data: &[u8]) -> Option<(&'g Stand, Composition<'g>)> {
    let (stand, rest) = ground.stand(data)?;
    // Coverage does not show which words were chosen, so a fuzzer that keeps what reaches new code tries few of them.
    // Most inputs draw them by their hash: each change of a byte is another composition.
    let drawn = Sha512::digest(rest);
    let mut input = Unstructured::new(if data.len().is_multiple_of(4) { rest } else { &drawn });
    let site = input.choose(&stand.sites).ok()?;
    let most = input.int_in_range(1..=4).ok()?;
    let mut composition = Composition { site, words: Vec::new() };
    // Of two words that break something one hides that the other is let in; so half of the inputs have one such word.
    let one = data.len().is_multiple_of(2);
    while composition.words.len() < most && !input.is_empty() {
        let word = input.choose(&site.words).ok()?;
        if !(one && word.breaks && composition.breaks()) {
            composition.add(word);
        }
    }
    Some((stand, composition))
}

/// Whether the strict reference refuses exactly what changes something bound.
fn holds(variant: &Variant, composition: &Composition<'_>) -> Result<(), String> {
    let plot = composition.plot(variant);
    // Words that have no effect here, or can't be played together, say nothing.
    let Ok(verdicts) = verdicts(variant, &plot) else { return Ok(()) };
    let Some((last, before)) = verdicts.split_last() else { return Ok(()) };
    if before.iter().flatten().next().is_some() {
        return Err(format!("{}: a step before is refused: {before:?}", plot.id));
    }
    ensure(last.is_some() == composition.breaks(), || {
        format!("{}: expected refused {}, found {last:?}", plot.id, composition.breaks())
    })
}

/// The reason of each step's refusal, by a fresh strict reference at the published clock.
fn verdicts(variant: &Variant, plot: &Plot) -> Result<Vec<Option<String>>, String> {
    let subject = InProcess::new(variant, &plot.id);
    let (mut earlier, mut verdicts) = (Vec::new(), Vec::new());
    for index in 0..plot.steps.len() {
        match play_with_effect(plot, index, "", subject.now(), &earlier)? {
            Next::Wait(seconds) => {
                subject.wait(seconds).map_err(|e| e.words().to_string())?;
                earlier.push(Done::default());
                verdicts.push(None);
            }
            Next::RevokeHook(role) => {
                subject.revoke(&role).map_err(|e| e.words().to_string())?;
                earlier.push(Done::default());
                verdicts.push(None);
            }
            Next::Send(made) => {
                let answer = subject.ask(&made.message, index);
                let token = answered_token(plot, &made.endpoint, &answer.body);
                earlier.push(Done { message: Some(made.message.clone()), written: made.written, token });
                verdicts.push(answer.refused);
            }
        }
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use bearproof_scheme::description::Place;

    use super::*;
    use crate::compose::sites;
    use crate::suite::{Disk, Suite};

    /// Each word alone at each site of each scheme.
    #[test]
    fn the_reference_refuses_each_single_word_that_breaks_and_no_other() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let suite = Suite::load(Arc::new(Disk(root))).map_err(|f| f.to_string()).unwrap();
        let (mut broken, mut words) = (Vec::new(), 0);
        for scheme in &suite.schemes {
            for site in sites(&scheme.default) {
                let mut all: Vec<Composition<'_>> =
                    site.words.iter().map(|word| Composition { site: &site, words: vec![word] }).collect();
                all.push(Composition { site: &site, words: Vec::new() });
                words += all.len();
                broken.extend(all.iter().filter_map(|c| holds(&scheme.default, c).err()));
            }
        }
        assert!(broken.is_empty(), "{}\n{} of {words}", broken.join("\n"), broken.len());
    }

    /// A field that stands twice and is removed once stands once.
    #[test]
    fn two_words_about_fields_do_not_undo_each_other() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let suite = Suite::load(Arc::new(Disk(root))).map_err(|f| f.to_string()).unwrap();
        let (mut broken, mut pairs) = (Vec::new(), 0);
        for scheme in &suite.schemes {
            let all = sites(&scheme.default);
            let write = all.iter().filter(|s| s.role == "primary" && s.endpoint == "write");
            let fields = || scheme.default.description.parts.iter().filter(|p| p.place == Place::Field);
            for (site, field) in write.flat_map(|site| fields().map(move |field| (site, field))) {
                let name = format!("field-{}-", field.name.to_ascii_lowercase());
                let words = || site.words.iter().filter(|w| w.id.starts_with(&name));
                for (first, second) in words().flat_map(|first| words().map(move |second| (first, second))) {
                    pairs += 1;
                    let mut pair = Composition { site, words: vec![first] };
                    if pair.add(second) {
                        broken.extend(holds(&scheme.default, &pair).err());
                    }
                }
            }
        }
        assert!(broken.is_empty() && pairs > 100, "{}\n{} of {pairs}", broken.join("\n"), broken.len());
    }
}
