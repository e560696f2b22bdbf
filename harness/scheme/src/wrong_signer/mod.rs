//! Wrong signers: each makes requests by the description with one thing wrong, as integrators do. Right signing knows
//! nothing of them; nothing here may decide whether a request is good.
//!
//! Rules derive them from the description. A wrong value of a binding has the id of the weakness of the same name:
//! see [`crate::mistake`].

mod carrier;
mod jose;
mod make;
mod parts;
mod request;
mod seal;
mod times;

use crate::description::{Description, Part, Pipeline, Place};
use crate::request::Message;
use crate::sign::{Draft, Signer, Written};
use crate::weakness::part_label;
use crate::world::World;
pub use make::{Made, Signing, make};
pub use parts::{computed, recipe};
pub use seal::{Covers, KeyUse, Seal, Spelled, input};

/// One way to sign wrongly.
pub struct WrongSigner {
    /// What is wrong: `WHERE/WHAT`, in small letters, unique in its scheme.
    pub id: String,
    /// One sentence about a signer that does it, without the subject: "writes …".
    pub says: String,
    /// What to do instead.
    pub fix: String,
    /// Whether it is about a time, so that it depends on when the request was made.
    pub timed: bool,
    edit: Edit,
}

impl WrongSigner {
    /// Whether it goes wrong before the parts have their values; else those are the right ones.
    pub fn is_early(&self) -> bool {
        matches!(self.edit, Edit::Start(_))
    }
}

/// What a request is made from.
#[derive(Clone)]
pub struct Start<'a> {
    /// Who signs, when, with which randomness.
    pub signer: Signer<'a>,
    /// Where the keys of others are.
    pub world: &'a World,
    /// The request before anything is computed.
    pub draft: Draft,
    /// The parts that are written.
    pub parts: Vec<Part>,
    /// Values that are known, such as the nonce of a request that is explained.
    pub given: Vec<Written>,
    /// The method by which the parts are made, where it is not that of the request.
    pub signed_as: Option<String>,
    /// The host that a signer calls who calls the wrong one.
    pub other_host: String,
}

impl<'a> Start<'a> {
    /// The start of a right request.
    pub fn new(signer: Signer<'a>, world: &'a World, draft: Draft) -> Self {
        Self {
            parts: signer.own_parts(&signer.description.parts),
            signer,
            world,
            draft,
            given: Vec::new(),
            signed_as: None,
            other_host: "other-host.example".into(),
        }
    }
}

/// At which stage a signer goes wrong.
enum Edit {
    /// Before anything is computed.
    Start(Box<dyn Fn(&mut Start<'_>) + Send + Sync>),
    /// When the parts have their values.
    Parts(Box<OnParts>),
    /// When the token is signed.
    Seal(Box<dyn Fn(&mut Seal) + Send + Sync>),
    /// When the message is finished.
    Message(Box<dyn Fn(&mut Message) + Send + Sync>),
}

type OnParts = dyn Fn(&Start<'_>, &mut Vec<Written>) + Send + Sync;

/// All wrong signers of a scheme in a world; the commoner mistakes of a kind come first.
pub fn all(description: &Description, world: &World) -> Vec<WrongSigner> {
    let mut list = List { d: description, world, found: Vec::new() };
    parts::add(&mut list);
    times::add(&mut list);
    jose::add(&mut list);
    carrier::add(&mut list);
    request::add(&mut list);
    list.found
}

/// The wrong signers found so far, and what they are derived from.
struct List<'l> {
    d: &'l Description,
    world: &'l World,
    found: Vec<WrongSigner>,
}

impl List<'_> {
    fn add(&mut self, id: &str, says: &str, fix: &str, edit: Edit) {
        let (id, says, fix) = (id.to_string(), says.to_string(), fix.to_string());
        self.found.push(WrongSigner { id, says, fix, timed: false, edit });
    }

    fn label(&self, part: &Part) -> String {
        part_label(self.d, part)
    }

    /// Says that what was added last is about a time.
    fn timed(&mut self) {
        if let Some(last) = self.found.last_mut() {
            last.timed = true;
        }
    }
}

/// An edit of the one part with this place and name.
fn on_part(place: Place, name: &str, change: impl Fn(&mut Written) + Send + Sync + 'static) -> Edit {
    let name = name.to_string();
    Edit::Parts(Box::new(move |_, written| {
        for each in written.iter_mut().filter(|w| w.place == place && w.name == name) {
            change(each);
        }
    }))
}

/// A pipeline in words.
fn words(pipeline: &Pipeline) -> String {
    let steps = pipeline.steps.iter().map(|step| format!("`{}`", step.name()));
    std::iter::once(format!("`{}`", pipeline.start.text())).chain(steps).collect::<Vec<_>>().join(", ")
}
