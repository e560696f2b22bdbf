//! Weak verifiers: each is the strict plan with one thing changed, and is named after it. The strict path knows
//! nothing of them; nothing here may be reached but by asking for a weakness by name.
//!
//! Rules derive most of them from the description, one table for each token format has the rest. See
//! [`all`] for the list of a scheme.

mod access;
mod answers;
mod carrier;
mod claims;
mod compare;
mod identity;
mod jwe;
mod jws;
mod keys;
mod nonce;
mod operation;
mod pipeline;
mod rows;
mod syntax;
mod times;
mod transport;

use crate::description::{Description, Part, Place};
use crate::plan::{Plan, Row};
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::Check;
use crate::world::World;

/// What a weakness does to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It lets somebody in who must stay out.
    Accepts,
    /// It turns a good request away.
    Refuses,
    /// It decides right and answers wrong.
    Answers,
}

impl Class {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Refuses => "refuses",
            Self::Answers => "answers",
        }
    }
}

/// One way to be wrong.
pub struct Weakness {
    /// What is wrong: `WHERE/WHAT`, in small letters, unique in its scheme.
    pub id: String,
    /// What it does to requests.
    pub class: Class,
    /// One sentence about a server that has it, without the subject: "does not compare …".
    pub says: String,
    /// The requirement of the check that is changed.
    pub reference: Option<String>,
    /// Which requests it can make a difference to, by what the strict verifier does with them.
    pub touches: Touches,
    /// It shows only where a field value has a control character, which RFC 9110 section 5.5 lets the HTTP side refuse
    /// before anybody looks at a credential.
    pub raw_field: bool,
    apply: Box<dyn Fn(&mut Plan) + Send + Sync>,
}

/// Which requests a weakness can make a difference to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// Those that this row refuses.
    RefusedBy(usize),
    /// Those that come as far as this row.
    Reaching(usize),
    /// Those that are refused, by whatever.
    Refused,
    /// Any.
    All,
}

impl Weakness {
    /// Changes a strict plan into the weak one.
    pub(crate) fn weaken(&self, plan: &mut Plan) {
        (self.apply)(plan);
    }
}

/// All weaknesses of a scheme in a world, in the order of its checks.
pub fn all(description: &Description, world: &World) -> Vec<Weakness> {
    let plan = Plan::strict(description.clone(), world);
    let mut list = List { plan: &plan, world, found: Vec::new() };
    transport::add(&mut list);
    carrier::add(&mut list);
    syntax::add(&mut list);
    jws::add(&mut list);
    jwe::add(&mut list);
    identity::add(&mut list);
    rows::add(&mut list);
    claims::add(&mut list);
    times::add(&mut list);
    pipeline::add(&mut list);
    nonce::add(&mut list);
    access::add(&mut list);
    operation::add(&mut list);
    let decided = list.found.len();
    answers::add(&mut list);
    // These change what is said of a refusal, and nothing else.
    list.found.iter_mut().skip(decided).for_each(|w| w.touches = Touches::Refused);
    list.found
}

/// The weaknesses found so far, and what they are derived from.
struct List<'l> {
    plan: &'l Plan,
    world: &'l World,
    found: Vec<Weakness>,
}

impl List<'_> {
    fn d(&self) -> &Description {
        self.plan.description()
    }

    fn add(
        &mut self,
        class: Class,
        id: &str,
        says: &str,
        reference: Option<&String>,
        apply: impl Fn(&mut Plan) + Send + Sync + 'static,
    ) {
        self.found.push(Weakness {
            id: id.into(),
            class,
            says: says.into(),
            reference: reference.cloned(),
            touches: Touches::All,
            raw_field: false,
            apply: Box::new(apply),
        });
    }

    /// Adds one that replaces the check of a row.
    fn replace(
        &mut self,
        class: Class,
        row: usize,
        what: &str,
        says: &str,
        check: impl for<'c> Fn(&mut Case<'c>, &Row) -> Result<(), Reason> + Clone + Send + Sync + 'static,
    ) {
        let Some((id, reference)) =
            self.plan.rows().get(row).map(|r| (label(self.d(), r), r.reference.clone()))
        else {
            return;
        };
        self.add(class, &format!("{id}/{what}"), says, reference.as_ref(), move |plan| {
            set(plan, row, Box::new(check.clone()));
        });
        self.touches(Touches::Reaching(row));
    }

    /// Says which requests the weakness that was added last can make a difference to.
    fn touches(&mut self, touches: Touches) {
        if let Some(last) = self.found.last_mut() {
            last.touches = touches;
        }
    }

    /// Adds one that runs the strict check and then thinks again about a refusal.
    fn forgive(
        &mut self,
        row: usize,
        what: &str,
        says: &str,
        second: impl for<'c> Fn(&mut Case<'c>, &Row, Reason) -> Result<(), Reason> + Clone + Send + Sync + 'static,
    ) {
        let Some((id, reference)) =
            self.plan.rows().get(row).map(|r| (label(self.d(), r), r.reference.clone()))
        else {
            return;
        };
        self.add(Class::Accepts, &format!("{id}/{what}"), says, reference.as_ref(), move |plan| {
            let second = second.clone();
            wrap(plan, row, move |strict| {
                Box::new(move |case, row| strict(case, row).or_else(|reason| second(case, row, reason)))
            });
        });
        self.touches(Touches::RefusedBy(row));
    }

    /// Positions of the rows of a stage with this name.
    fn rows(&self, stage: &str, name: &str) -> Vec<usize> {
        let fits = |r: &Row| r.stage == stage && r.name == name;
        self.plan.rows().iter().enumerate().filter(|(_, r)| fits(r)).map(|(i, _)| i).collect()
    }

    /// Position and part of each row of a stage that is about a part.
    fn part_rows(&self, stage: &str) -> Vec<(usize, usize, Part)> {
        let rows = self.plan.rows().iter().enumerate().filter(|(_, r)| r.stage == stage);
        rows.filter_map(|(i, r)| Some((i, r.part?, self.plan.part(r.part)?.clone())))
            .filter(|(i, _, part)| self.plan.rows().get(*i).is_some_and(|r| r.name == part.path()))
            .collect()
    }
}

/// Replaces the check of a row.
fn set(plan: &mut Plan, row: usize, check: Check) {
    if let Some(row) = plan.rows.get_mut(row) {
        row.check = check;
    }
}

/// Puts something around the check of a row.
fn wrap(plan: &mut Plan, row: usize, around: impl FnOnce(Check) -> Check) {
    if let Some(row) = plan.rows.get_mut(row) {
        let strict = std::mem::replace(&mut row.check, Box::new(|_, _| Ok(())));
        row.check = around(strict);
    }
}

/// What a row is called in ids: the part's path, told apart by methods where several parts share it.
fn label(d: &Description, row: &Row) -> String {
    let Some(part) = row.part.and_then(|i| d.parts.get(i)).filter(|p| p.path() == row.name) else {
        return row.name.replace(' ', "-");
    };
    part_label(d, part)
}

/// What a part is called in ids.
pub(crate) fn part_label(d: &Description, part: &Part) -> String {
    let same = d.parts.iter().filter(|p| p.place == part.place && p.name == part.name).count();
    let path = part.path().to_ascii_lowercase();
    let methods: Vec<String> = part
        .when
        .iter()
        .map(|c| match c {
            crate::description::Condition::Method(name) => name.to_ascii_lowercase(),
            crate::description::Condition::Body => "body".into(),
            crate::description::Condition::Query => "query".into(),
        })
        .collect();
    if same > 1 { format!("{path}.{}", methods.join("-")) } else { path }
}

/// The part that carries the token, or else the bare credential, in a field.
fn carrying(d: &Description) -> Option<&Part> {
    let in_field = |p: &&Part| p.place == Place::Field;
    let token = |p: &&Part| p.pipeline().and_then(|p| p.single()) == Some(&crate::description::Source::Token);
    d.parts.iter().filter(in_field).find(token).or_else(|| d.parts.iter().find(in_field))
}
