//! Weaknesses of authorisation: what is had and what is wanted compared carelessly, or taken from the request.

use std::borrow::Cow;

use smallvec::smallvec;

use super::{Class, List};
use crate::compute::Sources as _;
use crate::description::{Place, Source};
use crate::plan::Row;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::may_be_absent;
use crate::verify::values;
use crate::world::{Items, Value, value};

/// Whether what is had suffices for what is wanted.
type Suffices = fn(Option<&[Item<'_>]>, &[Item<'_>]) -> bool;

/// An item of a list.
type Item<'i> = Cow<'i, [u8]>;

const TABLE: [(&str, &str, Suffices); 9] = [
    ("one-suffices", "is content with one of several", |have, wanted| {
        have.is_some_and(|have| wanted.iter().any(|w| have.contains(w)))
    }),
    ("missing-grants", "grants everything where nothing is said", |have, wanted| {
        have.is_none_or(|have| have.is_empty() || wanted.iter().all(|w| have.contains(w)))
    }),
    ("any-case", "compares without case", |have, wanted| every(have, wanted, <[u8]>::eq_ignore_ascii_case)),
    ("by-prefix", "takes what begins with the wanted", |have, wanted| {
        every(have, wanted, |h, w| h.starts_with(w) || w.starts_with(h))
    }),
    ("contained", "takes what contains the wanted", |have, wanted| {
        every(have, wanted, |h, w| w.is_empty() || h.windows(w.len()).any(|part| part == w))
    }),
    ("star-grants", "reads `*` as everything", |have, wanted| {
        every(have, wanted, |h, w| h == w || h == b"*" || w == b"*")
    }),
    ("words", "compares words", |have, wanted| {
        let split =
            |h: &[u8]| -> Vec<Vec<u8>> { h.split(|b| b" ,".contains(b)).map(<[u8]>::to_vec).collect() };
        every(have, wanted, |h, w| split(h).contains(&w.to_vec()) || split(w).contains(&h.to_vec()))
    }),
    ("empty-grants", "takes an empty value for any", |have, wanted| {
        every(have, wanted, |h, w| h == w || h.is_empty() || w.is_empty())
    }),
    ("cut-at-nul", "compares up to a NUL", |have, wanted| {
        let cut = |text: &[u8]| text.split(|b| *b == 0).next().map(<[u8]>::to_vec);
        every(have, wanted, |h, w| cut(h) == cut(w))
    }),
];

fn every(have: Option<&[Item<'_>]>, wanted: &[Item<'_>], same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    have.is_some_and(|have| wanted.iter().all(|w| have.iter().any(|h| same(h, w))))
}

/// The strict rule with another way to compare what is had with what is wanted.
fn access_by(case: &Case<'_>, row: &Row, suffices: Suffices) -> Result<(), Reason> {
    let index = row.part.unwrap_or_default();
    let Some(rule) = case.plan.description.access.get(index) else { return Ok(()) };
    let good = match items(case, &rule.required) {
        Some(wanted) => suffices(items(case, &rule.granted).as_deref(), &wanted),
        None => may_be_absent(&rule.required),
    };
    good.then_some(()).ok_or(Reason::Access(index))
}

/// A source as a list of items: a list has its own, anything else is one.
fn items<'c>(case: &'c Case<'_>, source: &Source) -> Option<Items<'c>> {
    match source {
        Source::Claims(name) => values::items(case.members(Place::Claims)?.find(name)?),
        Source::Header(name) => values::items(case.members(Place::Header)?.find(name)?),
        Source::Credential(name) => value(&case.credential()?.values, name).and_then(Value::items),
        Source::Endpoint(name) => {
            value(&case.route.as_ref()?.endpoint.attributes, name).and_then(Value::items)
        }
        _ => case.bytes(source).map(|bytes| smallvec![bytes]),
    }
}

pub(super) fn add(list: &mut List<'_>) {
    let rules = list.d().access.clone();
    let rows: Vec<usize> = list
        .plan
        .rows()
        .iter()
        .enumerate()
        .filter(|(_, r)| r.name.starts_with("access."))
        .map(|(i, _)| i)
        .collect();
    for (row, rule) in rows.into_iter().zip(rules) {
        // What the caller can't write can't be odd; a host is looked up, whatever case it has.
        let several = |source: &Source| {
            let Source::Endpoint(name) = source else { return false };
            let lists = list.world.endpoints.iter().filter_map(|e| value(&e.attributes, name));
            lists.filter_map(Value::items).any(|items| items.len() > 1)
        };
        let (by_host, by_path) =
            (rule.required == Source::Host, matches!(rule.required, Source::Parameter(_)));
        let several = several(&rule.required);
        for (what, says, suffices) in TABLE {
            let shown = match what {
                "one-suffices" => several,
                "missing-grants" => false,
                "any-case" | "by-prefix" | "contained" => !by_host || what != "any-case",
                "words" => by_host || by_path,
                _ => by_path,
            };
            if !shown {
                continue;
            }
            list.replace(Class::Accepts, row, what, says, move |case, row| access_by(case, row, suffices));
        }
        if rule.required == Source::Host {
            list.forgive(
                row,
                "forwarded-host",
                "takes the host from a further field",
                |case, row, reason| {
                    let fields = ["x-forwarded-host", "x-original-host", "x-tenant", "x-tenant-id"];
                    let said = fields.iter().find_map(|f| case.request.values(f).next());
                    let index = row.part.unwrap_or_default();
                    let rule = case.plan.description.access.get(index).ok_or(reason)?;
                    let have = items(case, &rule.granted).unwrap_or_default();
                    if said.is_some_and(|s| have.iter().any(|h| **h == *s)) { Ok(()) } else { Err(reason) }
                },
            );
            list.forgive(row, "no-host-grants", "lets a request without one host pass", |case, _, reason| {
                if case.request.host().is_none() { Ok(()) } else { Err(reason) }
            });
            list.forgive(row, "sub-names", "takes names below the right one", |case, row, reason| {
                let rule = case.plan.description.access.get(row.part.unwrap_or_default()).ok_or(reason)?;
                let have = items(case, &rule.granted).unwrap_or_default();
                let host = case.request.host().unwrap_or_default();
                let below = |h: &Item<'_>| {
                    host.as_bytes().strip_suffix(&**h).is_some_and(|rest| rest.ends_with(b"."))
                };
                if have.iter().any(below) { Ok(()) } else { Err(reason) }
            });
        } else {
            list.forgive(row, "of-the-request", "takes rights from the request", |case, row, reason| {
                let rule = case.plan.description.access.get(row.part.unwrap_or_default()).ok_or(reason)?;
                let wanted = items(case, &rule.required).unwrap_or_default();
                let name = rule.name.to_ascii_lowercase();
                let names = |field: &str| {
                    let field = field.to_ascii_lowercase();
                    ["scope", "permission", "role", "right", name.as_str()].iter().any(|w| field.contains(w))
                };
                let in_fields = case.request.fields.iter().any(|(n, v)| {
                    names(n) && wanted.iter().all(|w| v.windows(w.len().max(1)).any(|part| *part == **w))
                });
                let in_claims = case.claims.as_ref().is_some_and(|claims| {
                    claims.iter().any(|(n, v)| {
                        let items = values::items(v).unwrap_or_default();
                        names(n) && wanted.iter().all(|w| items.contains(w))
                    })
                });
                if in_fields || in_claims { Ok(()) } else { Err(reason) }
            });
        }
        list.forgive(row, "not-for-reads", "checks rights of writes only", |case, _, reason| {
            if case.request.method == "GET" { Ok(()) } else { Err(reason) }
        });
    }
}
