//! `promote`: what a fuzz target found becomes the smallest input that still breaks the property, and a vector with its
//! story. It must not say what is right: a person decides that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bearproof_conform::freeze::{freeze_message, freeze_plot};
use bearproof_conform::properties::{Ground, Property, asked, composed_plot};
use bearproof_conform::results::{Level, Severity};
use bearproof_conform::vector::{FrozenExpect, FrozenStep, Vector};
use bearproof_scheme::document::nearest;

use super::{Done, Failure};
use crate::properties::{all, ground};

/// Where inputs that once broke a property are kept, and replayed by the tests.
const REGRESSIONS: &str = "fuzz/regressions";

/// Makes the input small, keeps it, and tells its story.
pub(crate) fn promote(file: &Path) -> Result<Done, Failure> {
    let folder = file.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
    let target = folder.ok_or_else(|| unknown(file, ""))?;
    let property = all().find(|p| p.name == target).ok_or_else(|| unknown(file, &target))?;
    let data =
        std::fs::read(file).map_err(|e| Failure::input(format!("{}: can't be read: {e}", file.display())))?;
    let ground = ground().map_err(Failure::bug)?;
    let Some(first) = broken(property, &ground, &data) else {
        let help =
            "it was mended since, or another version found it; keep the input as a regression if it was ours";
        let message =
            format!("{}: the property `{target}` holds for this input\n  help: {help}", file.display());
        return Err(Failure::check(message));
    };
    let kind = kind(&first);
    let small = minimized(data.clone(), |less| {
        broken(property, &ground, less).is_some_and(|b| self::kind(&b) == kind)
    });
    let story = broken(property, &ground, &small).unwrap_or(first);
    let name = slug(&story);
    let mut text = format!(
        "{target}: {} \nbroken: {story}\n{} bytes became {}: {}\n",
        property.holds,
        data.len(),
        small.len(),
        small.escape_ascii()
    );
    let kept = Path::new(REGRESSIONS).join(&target).join(&name);
    if Path::new(REGRESSIONS).is_dir() {
        let written = std::fs::create_dir_all(Path::new(REGRESSIONS).join(&target))
            .and_then(|()| std::fs::write(&kept, &small));
        written.map_err(|e| Failure::input(format!("{}: can't be written: {e}", kept.display())))?;
        text.push_str(&format!("{} is written: the tests are red until it is mended\n", kept.display()));
    } else {
        text.push_str(&format!("run this in the project's root, and {} is written\n", kept.display()));
    }
    match vector(&ground, property, &small, &name, &story).map(|v| serde_json::to_string_pretty(&v)) {
        Some(Ok(json)) => text.push_str(&format!(
            "if a server could have this fault, write a recipe that makes this request, with what a document says of it:\n{json}\n"
        )),
        Some(Err(error)) => return Err(Failure::bug(error.to_string())),
        None => text.push_str("the input is no request: there is no vector of it\n"),
    }
    Ok(Done { output: text.into_bytes(), code: 1 })
}

fn unknown(file: &Path, target: &str) -> Failure {
    let near = nearest(target, all().map(|p| p.name));
    Failure::input(format!(
        "{}: no target is named `{target}`\n  help: {near}; the input stands in a folder with the name of its target",
        file.display()
    ))
}

/// How the property is broken for these bytes, a panic included.
fn broken(property: &Property, ground: &Ground, data: &[u8]) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| property.check(ground, data))) {
        Ok(result) => result.err(),
        Err(_) => Some("it stopped where it must not".into()),
    }
}

/// What stays the same of a story when the input becomes smaller: the words before its first value.
fn kind(story: &str) -> String {
    story.chars().take_while(|c| !c.is_ascii_digit() && !"`:\"[{".contains(*c)).collect()
}

/// The bytes without whatever can go: pieces of half the length first, single bytes last.
fn minimized(mut data: Vec<u8>, still: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut piece = data.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < data.len() {
            let mut less = data.clone();
            drop(less.drain(at..(at + piece).min(data.len())));
            if still(&less) {
                data = less;
            } else {
                at += piece;
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    data
}

/// A name of the story, as files and ids have it.
fn slug(story: &str) -> String {
    let plain: String =
        story.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().take(8).collect();
    if words.is_empty() { "unnamed".into() } else { words.join("-") }
}

/// A vector of what the input asks, which expects nothing yet.
fn vector(ground: &Ground, property: &Property, data: &[u8], name: &str, story: &str) -> Option<Vector> {
    if property.name == "composed-request" {
        let vector = composed_plot(ground, data).and_then(|plot| freeze_plot(&plot).ok())?;
        return Some(Vector { why: story.into(), ..vector });
    }
    let (variant, message) = asked(ground, property.name, data)?;
    let expect = FrozenExpect {
        verdict: "any".into(),
        reasons: Vec::new(),
        status: Vec::new(),
        body: Default::default(),
    };
    let step = FrozenStep {
        action: "call".into(),
        role: "primary".into(),
        clock: variant.world.clock.unwrap_or(0),
        request: Some(freeze_message(&message)),
        trace: Vec::new(),
        expect,
    };
    Some(Vector {
        id: format!("{}/fuzz/{name}", variant.description.id),
        why: story.into(),
        level: Level::May,
        severity: Severity::Medium,
        refs: Vec::new(),
        needs: vec!["credential primary".into()],
        choose: Default::default(),
        twin: None,
        steps: vec![step],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_minimized_still_breaks_and_has_nothing_more_to_lose() {
        let still = |data: &[u8]| data.contains(&b'x') && data.contains(&b'y');
        assert_eq!(minimized(b"aaxbbbbbbyccccccccc".to_vec(), still), b"xy");
        assert_eq!(minimized(Vec::new(), |_| true), b"");
        assert_eq!(minimized(b"abc".to_vec(), |data| data.len() >= 2).len(), 2);
    }

    #[test]
    fn a_request_becomes_a_vector_that_expects_nothing_yet() {
        let ground = ground().unwrap();
        let property = all().find(|p| p.name == "request").unwrap();
        let vector = vector(&ground, property, b"hGET /a HTTP/1.1\r\nA: b\r\n\r\nc", "n", "story").unwrap();
        let json = serde_json::to_value(&vector).unwrap();
        assert_eq!(json["id"], "hotwax/fuzz/n");
        assert_eq!(json["steps"][0]["expect"]["verdict"], "any");
        assert_eq!(json["steps"][0]["request"]["target"], "/a");
        assert_eq!(json["steps"][0]["request"]["body"]["utf8"], "c");
    }

    #[test]
    fn an_input_without_a_target_names_the_nearest() {
        let message = promote(Path::new("artifacts/requests/crash-1")).err().unwrap().message;
        assert!(message.contains("`requests`") && message.contains("`request`"), "{message}");
    }
}
