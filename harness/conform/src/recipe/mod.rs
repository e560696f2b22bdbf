//! Recipes: edits of the signing pipeline, as people write them. It must not know how they are played.

mod edit;
mod load;
mod read;

pub use edit::{
    Edit, Forgery, Given, KeyOf, Line, Meaning, Mistakes, Piece, PublicForm, Respell, SecretChange, Spot,
    Target, Template, TextOf,
};
pub use load::{Loaded, load_recipes};
pub(crate) use load::{check_format, read_conditions, read_edits, read_step};
pub(crate) use read::read_offset;

use bearproof_scheme::world::Permission;

pub use crate::forge::Spelling;
use crate::results::{Level, Severity};

/// One recipe, before it meets a scheme.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Family: the name of its file.
    pub family: String,
    /// Name in the family, after the one fault; with the case appended where there are cases.
    pub name: String,
    /// File, line and column for messages.
    pub place: String,
    /// Capabilities that the scheme must have, or lack (`!`).
    pub conditions: Vec<String>,
    /// Caller's role.
    pub role: String,
    /// Endpoint's role; `None`: the scheme's usual one; `each`: one vector for each.
    pub endpoint: Option<String>,
    /// Options of choices that the recipe needs.
    pub choose: Vec<(String, String)>,
    /// What a server that gets it wrong does.
    pub why: String,
    /// How binding it is.
    pub level: Level,
    /// How severe it is to get it wrong.
    pub severity: Severity,
    /// RFC clauses and catalogue entries.
    pub refs: Vec<String>,
    /// What else than asking it does to a careless server.
    pub risk: Option<Permission>,
    /// What it shows that other vectors, which notice the same weaknesses, do not.
    pub differs: Option<String>,
    /// The exchanges; a recipe without `steps` has one.
    pub steps: Vec<Step>,
}

impl Recipe {
    /// Whether some scheme could have two vectors of one id by the two: the name is the same, and no condition of one
    /// is the opposite of one of the other's.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        let opposite =
            |a: &String, b: &String| a.strip_prefix('!') == Some(b) || b.strip_prefix('!') == Some(a);
        let exclude = self.conditions.iter().any(|a| other.conditions.iter().any(|b| opposite(a, b)));
        self.family == other.family && self.name == other.name && !exclude
    }
}

/// One exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Caller's role, where it differs from the recipe's.
    pub role: Option<String>,
    /// Endpoint's role, where it differs from the recipe's.
    pub endpoint: Option<String>,
    /// What prepares; the control has it too.
    pub edits: Vec<Edit>,
    /// The one thing that is wrong; the control lacks it.
    pub fault: Option<Edit>,
    /// The step as a whole is the fault: the control lacks the step (or, for a call, its edits).
    pub is_fault: bool,
    /// The step (from 1) whose answered token is used.
    pub token_of: Option<usize>,
    /// What is expected.
    pub expect: Expect,
}

impl Step {
    /// A step without edits.
    pub fn new(action: Action, expect: Expect) -> Self {
        Self {
            action,
            role: None,
            endpoint: None,
            edits: Vec::new(),
            fault: None,
            is_fault: false,
            token_of: None,
            expect,
        }
    }

    /// Whether the control lacks the step. A call that is the last step stays, without its edits.
    pub(crate) fn falls_away(&self, last: bool) -> bool {
        self.is_fault && (self.action != Action::Call || !last)
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Sends a request.
    Call,
    /// Plays the scheme's operation that answers with a token, or the named one.
    Obtain(Option<String>),
    /// Ends the caller's credential: by the scheme's operation, else by the target's hook.
    Revoke,
    /// Lets time pass, in seconds.
    Wait(u64),
}

/// What is expected of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Let in.
    Accept,
    /// Not let in, for one of these reason codes.
    Reject(Vec<String>),
    /// No expectation: behaviour is recorded.
    Any,
}
