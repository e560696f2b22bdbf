//! The wrong pipelines that are one edit away from a right one. It must not drop one because it changes nothing for
//! some request: that depends on the request.

use super::{KeyForm, Mistake};
use crate::description::{Alg, Pipeline, Segment, Source, Step, Template};

/// A pipeline with one thing wrong.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// What is wrong, as it stands in ids: small letters, digits and hyphens.
    pub id: String,
    /// What is wrong, in words that complete \"computes it …\".
    pub says: String,
    /// The wrong pipeline.
    pub pipeline: Pipeline,
    /// Whether several right values have this one wrong value, so that something bound is free.
    pub loses: bool,
    /// Whether it is another spelling of the same thing, which documents leave open: without the padding, with other
    /// escapes of one JSON text (RFC 8259 section 7), a path parameter as it stands in the path.
    pub open: bool,
}

/// All pipelines with one edit: a step left out or replaced, the source read otherwise, the result changed.
pub fn alternatives(pipeline: &Pipeline) -> Vec<Alternative> {
    let mut all = Table { pipeline, found: Vec::new() };
    all.sources();
    all.steps();
    all.result();
    all.found
}

struct Table<'p> {
    pipeline: &'p Pipeline,
    found: Vec<Alternative>,
}

impl Table<'_> {
    fn add(&mut self, id: &str, says: &str, pipeline: Pipeline) {
        // A pipeline may have two steps of one kind; the second is numbered.
        let numbered = format!("{id}-at-");
        let same = self.found.iter().filter(|a| a.id == id || a.id.starts_with(&numbered)).count();
        let id = if same == 0 { id.to_string() } else { format!("{id}-at-{}", same + 1) };
        let loses = pipeline.steps.iter().any(|s| matches!(s, Step::Mistaken(mistake) if mistake.loses()));
        let unpadded = match (self.pipeline.steps.split_last(), pipeline.steps.split_last()) {
            (Some((right, before)), Some((wrong, kept))) if before == kept => {
                matches!(
                    (right, wrong),
                    (Step::Base64, Step::Mistaken(Mistake::Base64Unpadded))
                        | (Step::Base64UrlPadded, Step::Base64Url)
                )
            }
            _ => false,
        };
        let escapes = |pair: &[Step]| {
            matches!(pair, [Step::JsonString, Step::Mistaken(Mistake::AsciiJson | Mistake::EscapedSlashes)])
        };
        let open = unpadded
            || pipeline.steps.windows(2).any(escapes)
            || pipeline.steps.contains(&Step::Mistaken(Mistake::PercentEncoded));
        self.found.push(Alternative { id, says: says.into(), pipeline, loses, open });
    }

    fn insert(&mut self, position: usize, mistake: Mistake, id: &str) {
        let mut changed = self.pipeline.clone();
        let says = format!("with one step more: {}", mistake.name());
        changed.steps.insert(position.min(changed.steps.len()), Step::Mistaken(mistake));
        self.add(id, &says, changed);
    }

    fn replace(&mut self, position: usize, step: Step, id: &str) {
        let mut changed = self.pipeline.clone();
        let Some(slot) = changed.steps.get_mut(position) else { return };
        let says = format!("with `{}` where `{}` stands", step.name(), slot.name());
        *slot = step;
        self.add(id, &says, changed);
    }

    fn start(&mut self, source: Source, id: &str) {
        let mut changed = self.pipeline.clone();
        let says = format!("from `{}`", source.name());
        changed.start = Template(vec![Segment::Source(source)]);
        self.add(id, &says, changed);
    }

    /// The source read otherwise.
    fn sources(&mut self) {
        let [Segment::Source(source)] = self.pipeline.start.0.as_slice() else { return };
        match source.clone() {
            Source::Body => {
                for (mistake, id) in [
                    (Mistake::Nothing, "body-ignored"),
                    (Mistake::BracesForNothing, "braces-for-no-body"),
                    (Mistake::Trimmed, "body-trimmed"),
                    (Mistake::UnixLines, "body-with-unix-lines"),
                    (Mistake::LineFeed, "body-and-line-feed"),
                    (Mistake::FirstKilobyte, "body-first-kilobyte"),
                    (Mistake::Quoted, "body-as-json-string"),
                    (Mistake::SortedMembers, "body-sorted"),
                    (Mistake::IndentedJson, "body-indented"),
                    (Mistake::SpacedJson, "body-spaced"),
                    (Mistake::AsciiJson, "body-ascii"),
                    (Mistake::EscapedSlashes, "body-escaped-slashes"),
                    (Mistake::DoubleNumbers, "body-numbers-as-doubles"),
                ] {
                    // Written again after it was compacted, else the step would undo the mistake.
                    let position = usize::from(self.pipeline.steps.first() == Some(&Step::JsonCompact));
                    self.insert(position, mistake, id);
                }
                if !self.pipeline.steps.contains(&Step::JsonCompact) {
                    let mut changed = self.pipeline.clone();
                    changed.steps.insert(0, Step::JsonCompact);
                    self.add("body-compacted", "with one step more: json-compact", changed);
                }
            }
            Source::Path => {
                self.start(Source::Target, "target-for-path");
                self.insert(0, Mistake::WithHost, "path-with-host");
                self.insert(0, Mistake::WithoutFirstSegment, "path-without-first-segment");
                self.insert(0, Mistake::SlashAtTheEnd, "path-with-a-slash-at-the-end");
                self.insert(0, Mistake::PercentDecoded, "path-percent-decoded");
                self.insert(0, Mistake::SmallLetters, "path-in-small-letters");
            }
            Source::Target => {
                self.start(Source::Path, "path-for-target");
                self.insert(0, Mistake::WithHost, "target-with-host");
                self.insert(0, Mistake::PercentDecoded, "target-percent-decoded");
            }
            Source::Parameter(_) => {
                self.start(Source::Path, "path-for-parameter");
                self.insert(0, Mistake::PercentEncoded, "parameter-percent-encoded");
                self.insert(0, Mistake::SmallLetters, "parameter-in-small-letters");
                self.insert(0, Mistake::Trimmed, "parameter-trimmed");
                self.insert(0, Mistake::WithQuery, "parameter-with-query");
            }
            _ => {}
        }
    }

    /// Each step left out or replaced.
    fn steps(&mut self) {
        for (position, step) in self.pipeline.steps.iter().enumerate() {
            let mut without = self.pipeline.clone();
            without.steps.remove(position);
            let word = step.name();
            let word = word.split(' ').next().unwrap_or_default();
            self.add(&format!("without-{word}"), &format!("without `{}`", step.name()), without);
            self.replacements(position, step);
        }
        for (position, pair) in self.pipeline.steps.windows(2).enumerate() {
            let mut exchanged = self.pipeline.clone();
            exchanged.steps.swap(position, position + 1);
            if let [first, second] = pair {
                let says = format!("with `{}` before `{}`", second.name(), first.name());
                let word = |step: &Step| step.name().split(' ').next().unwrap_or_default().to_string();
                self.add(&format!("{}-before-{}", word(second), word(first)), &says, exchanged);
            }
        }
    }

    fn replacements(&mut self, position: usize, step: &Step) {
        match step {
            Step::Base64 | Step::Base64Url | Step::Base64UrlPadded | Step::Hex => {
                for (other, id) in [
                    (Step::Base64, "base64"),
                    (Step::Base64Url, "base64url"),
                    (Step::Base64UrlPadded, "base64url-padded"),
                    (Step::Hex, "hex"),
                    (Step::Mistaken(Mistake::HexCapitals), "hex-capitals"),
                    (Step::Mistaken(Mistake::Base64Unpadded), "base64-unpadded"),
                ] {
                    if other != *step {
                        self.replace(position, other, &format!("{id}-for-{}", step.name()));
                    }
                }
                let mut hex_first = self.pipeline.clone();
                hex_first.steps.insert(position, Step::Hex);
                self.add(&format!("{}-of-hex", step.name()), "with one step more: hex", hex_first);
            }
            Step::Sha256 | Step::Sha512 => {
                let other = if *step == Step::Sha256 { Step::Sha512 } else { Step::Sha256 };
                self.replace(position, other.clone(), &format!("{}-for-{}", other.name(), step.name()));
                let id = format!("sha-384-for-{}", step.name());
                self.replace(position, Step::Mistaken(Mistake::Sha384), &id);
                let mut twice = self.pipeline.clone();
                twice.steps.insert(position, step.clone());
                self.add(&format!("{}-twice", step.name()), &format!("with `{}` twice", step.name()), twice);
            }
            Step::HmacSha256(key) => {
                self.replace(position, Step::HmacSha512(key.clone()), "hmac-sha-512-for-hmac-sha-256");
                self.replace(position, Step::Sha256, "plain-hash-for-hmac");
                self.keys(position, Alg::Hs256, key);
            }
            Step::HmacSha512(key) => {
                self.replace(position, Step::HmacSha256(key.clone()), "hmac-sha-256-for-hmac-sha-512");
                self.replace(position, Step::Sha512, "plain-hash-for-hmac");
                self.keys(position, Alg::Hs512, key);
            }
            Step::Append(template) => {
                let mistaken = [
                    (Mistake::Prepend(template.clone()), "prepended"),
                    (Mistake::AppendAfter(".", template.clone()), "appended-after-a-point"),
                    (Mistake::AppendAfter(",", template.clone()), "appended-after-a-comma"),
                    (Mistake::AppendAfter(":", template.clone()), "appended-after-a-colon"),
                    (Mistake::AppendAfter(" ", template.clone()), "appended-after-a-blank"),
                    (Mistake::AppendAfter("\n", template.clone()), "appended-after-a-line-feed"),
                    (Mistake::AppendQuoted(template.clone()), "appended-in-quotes"),
                ];
                for (mistake, id) in mistaken {
                    self.replace(position, Step::Mistaken(mistake), id);
                }
            }
            Step::JsonString => {
                self.replace(position, Step::Mistaken(Mistake::BareQuotes), "quotes-without-escapes");
                self.insert(position + 1, Mistake::AsciiJson, "string-with-ascii-escapes");
                self.insert(position + 1, Mistake::EscapedSlashes, "string-with-escaped-slashes");
            }
            Step::JsonCompact | Step::Mistaken(_) => {}
        }
    }

    fn keys(&mut self, position: usize, alg: Alg, key: &Source) {
        let mistaken = [
            (Mistake::Exchanged(alg, key.clone()), "key-and-message-exchanged"),
            (Mistake::HashOfKeyAndMessage(key.clone()), "hash-of-key-and-message"),
            (Mistake::HashOfMessageAndKey(key.clone()), "hash-of-message-and-key"),
        ];
        for (mistake, id) in mistaken {
            self.replace(position, Step::Mistaken(mistake), id);
        }
        for form in KeyForm::ALL {
            let step = Step::Mistaken(Mistake::KeyAs(alg, key.clone(), form));
            self.replace(position, step, &format!("key-{}", form.slug()));
        }
    }

    /// What is done to the finished value.
    fn result(&mut self) {
        if self.pipeline.single().is_some() {
            return;
        }
        let end = self.pipeline.steps.len();
        self.insert(end, Mistake::LineFeed, "result-and-line-feed");
        self.insert(end, Mistake::FirstHalf, "result-cut-in-half");
        self.insert(end, Mistake::SmallLetters, "result-in-small-letters");
    }
}
