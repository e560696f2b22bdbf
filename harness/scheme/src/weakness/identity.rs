//! Weaknesses in finding the credential: by something like its name, or somebody at any rate.

use smallvec::smallvec;

use super::{Class, List};
use crate::description::{Place, Source};
use crate::store::{Credentials, Positions};
use crate::verdict::Reason;
use crate::verify::checks::{identify, identify_by};

/// Finds credentials in a careless way.
type Find = fn(&Credentials, &[u8], &Names<'_>) -> Positions;

/// The identifying value of each credential.
struct Names<'n>(&'n dyn Fn(usize) -> Option<Vec<u8>>);

const TABLE: [(&str, &str, Find); 10] =
    [
        ("unknown-falls-back", "takes the first credential for an unknown one", |store, sent, _| {
            let found = store.find(sent);
            if found.is_empty() { smallvec![0] } else { found }
        }),
        ("by-prefix", "compares only as far as the registered value goes", |store, sent, names| {
            matching(store, names, |own| !own.is_empty() && sent.starts_with(own))
        }),
        ("prefix-suffices", "takes a beginning of the registered value", |store, sent, names| {
            matching(store, names, |own| !sent.is_empty() && own.starts_with(sent))
        }),
        ("contained", "takes a value that contains the registered one", |store, sent, names| {
            matching(store, names, |own| !own.is_empty() && sent.windows(own.len()).any(|w| w == own))
        }),
        ("any-case", "looks it up without case", |store, sent, names| {
            matching(store, names, |own| own.eq_ignore_ascii_case(sent))
        }),
        ("trimmed", "trims white space before it looks", |store, sent, _| store.find(sent.trim_ascii())),
        ("cut-at-nul", "looks for what stands before a NUL", |store, sent, _| {
            let text = String::from_utf8_lossy(sent).replace("%00", "\0");
            store.find(text.split('\0').next().unwrap_or_default().as_bytes())
        }),
        ("star-suffices", "reads `*` as any name", |store, sent, _| {
            if sent == b"*" { smallvec![0] } else { store.find(sent) }
        }),
        ("as-a-query", "puts the name into a query", |store, sent, _| {
            if sent.windows(6).any(|w| w == b"'OR'1'") { smallvec![0] } else { store.find(sent) }
        }),
        ("without-hyphens", "passes over hyphens, underscores and percent-encoding", |store, sent, names| {
            let plain = |text: &[u8]| -> Vec<u8> {
                let text = std::str::from_utf8(text)
                    .ok()
                    .and_then(crate::request::percent_decode)
                    .unwrap_or_default();
                text.bytes().filter(|b| !b"-_".contains(b)).collect()
            };
            matching(store, names, |own| plain(own) == plain(sent))
        }),
    ];

fn matching(store: &Credentials, names: &Names<'_>, fits: impl Fn(&[u8]) -> bool) -> Positions {
    let named = |i: &usize| (names.0)(*i).is_some_and(|own| fits(&own));
    store.all().into_iter().filter(named).collect()
}

pub(super) fn add(list: &mut List<'_>) {
    for row in list.rows("key", "known") {
        let Some(part) = list.plan.rows().get(row).and_then(|r| list.plan.part(r.part)).cloned() else {
            continue;
        };
        let label = super::part_label(list.d(), &part);
        let letters = names(list, &part).iter().any(|name| name.iter().any(u8::is_ascii_alphabetic));
        let (bare, platform) = (list.d().token.is_none(), !list.d().caller_key());
        for (what, says, find) in TABLE {
            // What a caller can't bring about: a platform writes whole names of its own.
            let shown = match what {
                "any-case" => letters && (bare || platform),
                "prefix-suffices" | "without-hyphens" => bare,
                "as-a-query" | "cut-at-nul" => bare || !platform,
                "trimmed" => part.place == Place::Claims,
                _ => true,
            };
            if !shown {
                continue;
            }
            let (id, part) = (format!("{label}/{what}"), part.clone());
            list.add(Class::Accepts, &id, says, part.reference.clone().as_ref(), move |plan| {
                let part = part.clone();
                super::set(
                    plan,
                    row,
                    Box::new(move |case, row| {
                        let platform = case.plan.platform.as_ref();
                        let context = case.context;
                        identify_by(case, row, &|store, sent| {
                            let own = |i: usize| {
                                let values = &context.credentials.get(i)?.values;
                                crate::store::of_credential(&part, values, platform)
                            };
                            find(store, sent, &Names(&own))
                        })
                    }),
                );
            });
        }
        missing(list, row);
        if part.place == Place::Claims {
            any_type(list, row);
        }
        copies(list, row);
    }
}

/// The identifying values of the world's credentials.
fn names(list: &List<'_>, part: &crate::description::Part) -> Vec<Vec<u8>> {
    let platform = list.plan.platform.as_ref();
    let own = |c: &crate::world::Credential| crate::store::of_credential(part, &c.values, platform);
    list.world.credentials.iter().filter_map(own).collect()
}

/// Without the identifying part, somebody is taken.
fn missing(list: &mut List<'_>, row: usize) {
    let rows = list.plan.rows();
    let part = rows.get(row).and_then(|r| r.part);
    let label = list.plan.part(part).map(|p| super::part_label(list.d(), p)).unwrap_or_default();
    list.add(
        Class::Accepts,
        &format!("{label}/found-by-the-key"),
        "does without the name and tries all keys",
        None,
        move |plan| {
            for each in &mut plan.rows {
                let about = each.part == part && each.stage != "access";
                if !about {
                    continue;
                }
                let (identifies, strict) =
                    (each.stage == "key", std::mem::replace(&mut each.check, Box::new(|_, _| Ok(()))));
                each.check = Box::new(move |case, row| {
                    let result = strict(case, row);
                    let absent = matches!(result, Err(Reason::CarrierMissing | Reason::ClaimsMissing));
                    if absent && identifies {
                        case.candidates = case.context.credentials.all();
                        case.credential = case.candidates.first().copied();
                    }
                    if absent { Ok(()) } else { result }
                });
            }
        },
    );
}

/// A list, a number for a text.
fn any_type(list: &mut List<'_>, row: usize) {
    let part = list.plan.rows().get(row).and_then(|r| r.part);
    list.forgive(row, "one-of-a-list", "takes a name in a list", |case, row, reason| {
        let part = case.plan.part(row.part).ok_or(reason)?;
        let found = case.members(Place::Claims).and_then(|m| m.find(&part.name)).ok_or(reason)?;
        let items = crate::verify::values::items(found).ok_or(reason)?;
        let candidates = items.iter().flat_map(|item| case.context.credentials.find(item)).collect();
        drop(items);
        case.candidates = candidates;
        case.credential = case.candidates.first().copied();
        if case.candidates.is_empty() { Err(reason) } else { Ok(()) }
    });
    also_typed(list, part);
    if !list.d().caller_key() {
        return;
    }
    list.forgive(row, "as-a-number", "reads the name as a number", |case, row, reason| {
        let part = case.plan.part(row.part).ok_or(reason)?;
        let found = case.members(Place::Claims).and_then(|m| m.find(&part.name)).ok_or(reason)?;
        let text = crate::verify::values::plain(found).ok_or(reason)?;
        let number: f64 = std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok()).ok_or(reason)?;
        case.candidates = case.context.credentials.find(number.to_string().as_bytes());
        case.credential = case.candidates.first().copied();
        if case.candidates.is_empty() { Err(reason) } else { Ok(()) }
    });
    also_typed(list, part);
}

/// The weakness added last also lets the claim's own check pass.
fn also_typed(list: &mut List<'_>, part: Option<usize>) {
    let Some(last) = list.found.pop() else { return };
    let super::Weakness { id, class, says, reference, apply, .. } = last;
    list.add(class, &id, &says, reference.as_ref(), move |plan| {
        apply(plan);
        for row in plan.rows.iter_mut().filter(|r| r.part == part && r.stage == "claims") {
            row.check = Box::new(|_, _| Ok(()));
        }
    });
}

/// The credential is found by the copy, and nobody looks at the original.
fn copies(list: &mut List<'_>, row: usize) {
    let identity =
        list.plan.rows().get(row).and_then(|r| r.part).and_then(|i| list.plan.part(Some(i))).cloned();
    let Some(identity) = identity else { return };
    let source = identity.pipeline().and_then(|p| p.single()).cloned();
    let Some(Source::Credential(_)) = source else { return };
    let same = |p: &crate::description::Part| {
        p.path() != identity.path()
            && p.place == Place::Claims
            && p.pipeline().and_then(|p| p.single()) == source.as_ref()
    };
    let Some(copy) = list.d().parts.iter().find(|p| same(p)).cloned() else { return };
    if identity.place != Place::Field {
        return;
    }
    let says =
        format!("finds the credential by `{}` and does not look at `{}`", copy.path(), identity.path());
    list.replace(Class::Accepts, row, "by-the-copy", &says, move |case, row| {
        let token = case.compact;
        let Some(crate::token::Compact::Jws([_, payload, _])) = token else { return identify(case, row) };
        let rules = &case.plan.base64.payload;
        let bytes = crate::encoding::decode_url(payload, rules).map_err(|_| Reason::KeyUnknown)?;
        let members =
            crate::encoding::parse_object(&bytes, &case.plan.json.claims, &crate::encoding::Limits::DEFAULT)
                .map_err(|_| Reason::KeyUnknown)?;
        let name =
            members.find(&copy.name).and_then(crate::verify::values::plain).ok_or(Reason::KeyUnknown)?;
        case.candidates = case.context.credentials.find(&name);
        if case.candidates.is_empty() { Err(Reason::KeyUnknown) } else { Ok(()) }
    });
}
