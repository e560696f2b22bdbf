//! Weaknesses of connection, method and path.

use super::{Class, List, set};
use crate::description::{Condition, Part, Source};
use crate::plan::match_path;
use crate::verdict::Reason;

pub(super) fn add(list: &mut List<'_>) {
    for row in list.rows("transport", "https") {
        list.replace(Class::Accepts, row, "plain-http", "answers over plain HTTP", |_, _| Ok(()));
        list.forgive(row, "forwarded-proto", "believes `X-Forwarded-Proto`", |case, _, reason| {
            let says = |v: &[u8]| v.eq_ignore_ascii_case(b"https");
            if case.request.values("x-forwarded-proto").any(says) { Ok(()) } else { Err(reason) }
        });
    }
    let operations = list.d().transport.https && list.d().operations.iter().any(|o| !o.guarded);
    if operations {
        let reference = list.d().transport.reference.clone();
        list.add(
            Class::Accepts,
            "operations/plain-http",
            "issues over plain HTTP",
            reference.as_ref(),
            |plan| {
                plan.description.transport.https = false;
            },
        );
    }
    methods(list);
    paths(list);
    if !list.d().binds_body() {
        // Servers say 405, or take the method for another, as they like.
        return;
    }
    let reference = list.d().transport.reference.clone();
    list.add(
        Class::Accepts,
        "method/any",
        "takes every method as the one it knows",
        reference.as_ref(),
        |plan| {
            let known: Vec<_> =
                plan.endpoints.iter().map(|t| (t.endpoint.method.clone(), t.endpoint.path.clone())).collect();
            plan.front = Some(Box::new(move |_, mut message| {
                let (method, path) = (message.method.clone(), message.request().path().to_string());
                let fits = |(_, template): &&(String, String)| match_path(template, &path).is_some();
                if !known.iter().filter(fits).any(|(m, _)| *m == method)
                    && method != "HEAD"
                    && let Some((known, _)) = known.iter().find(fits)
                {
                    message.method.clone_from(known);
                }
                message
            }));
        },
    );
    for (what, says, small) in [
        ("others-unbound", "binds the bodies of the methods on its list and serves the others too", false),
        ("small-unbound", "binds the body of `POST`, and serves `post` as POST", true),
    ] {
        list.add(Class::Accepts, &format!("method/{what}"), says, reference.as_ref(), move |plan| {
            let methods = plan.methods.clone();
            for row in &mut plan.rows {
                let methods = methods.clone();
                let strict = std::mem::replace(&mut row.check, Box::new(|_, _| Ok(())));
                row.check = Box::new(move |case, row| {
                    let method = case.request.method;
                    let known = methods.iter().any(|m| m == method) || method == "HEAD";
                    let fits = !small || methods.iter().any(|m| m.eq_ignore_ascii_case(method));
                    let unbound = ["transport", "binding", "access", "replay"].contains(&row.stage);
                    if !known && fits && unbound && row.name != "https" {
                        return Ok(());
                    }
                    strict(case, row)
                });
            }
        });
    }
    list.add(
        Class::Accepts,
        "method/any-case",
        "takes a method in small letters",
        reference.as_ref(),
        |plan| {
            plan.front = Some(Box::new(|_, mut message| {
                message.method = message.method.to_ascii_uppercase();
                message
            }));
        },
    );
}

/// The path taken from a field that a proxy would set.
fn paths(list: &mut List<'_>) {
    for (what, says, fields) in [
        ("override", "takes the path from `X-Original-URL`", &["x-original-url"][..]),
        ("rewritten", "takes the path from `X-Rewrite-URL`", &["x-rewrite-url"]),
        (
            "forwarded-path",
            "takes the path from `X-Forwarded-Path`",
            &["x-forwarded-path", "x-forwarded-uri"],
        ),
    ] {
        let whole = |p: &&Part| p.pipeline().and_then(|p| p.single()) == Some(&Source::Path);
        let bound = list.d().parts.iter().find(whole);
        let Some(reference) = bound.map(|p| p.reference.clone()) else { continue };
        list.add(Class::Accepts, &format!("path/{what}"), says, reference.as_ref(), move |plan| {
            let list = fields;
            plan.front = Some(Box::new(move |_, mut message| {
                let found =
                    message.fields.iter().find(|(n, _)| list.iter().any(|f| n.eq_ignore_ascii_case(f)));
                if let Some(target) = found.and_then(|(_, v)| String::from_utf8(v.clone()).ok()) {
                    message.target = target;
                }
                message
            }));
        });
    }
}

/// Each method for which a part exists, left out.
fn methods(list: &mut List<'_>) {
    let parts: Vec<_> = list.d().parts.iter().cloned().enumerate().collect();
    for (position, part) in parts {
        for condition in &part.when {
            let Condition::Method(method) = condition else { continue };
            let id =
                format!("{}/not-for-{}", super::part_label(list.d(), &part), method.to_ascii_lowercase());
            let says = format!("does not look at `{}` for {method}", part.path());
            let (method, first) = (method.clone(), part.when.len() == 1);
            let rows: Vec<usize> = list
                .plan
                .rows()
                .iter()
                .enumerate()
                .filter(|(_, r)| r.part == Some(position) && r.stage != "access")
                .map(|(i, _)| i)
                .collect();
            // The body stays bound by this part as far as the check of unbound bodies goes.
            list.add(Class::Accepts, &id, &says, part.reference.as_ref(), move |plan| {
                if first {
                    for row in &rows {
                        set(plan, *row, Box::new(|_, _| Ok(())));
                    }
                    return;
                }
                for row in &rows {
                    let method = method.clone();
                    super::wrap(plan, *row, move |strict| {
                        Box::new(move |case, row| {
                            if case.request.method == method {
                                Ok::<(), Reason>(())
                            } else {
                                strict(case, row)
                            }
                        })
                    });
                }
            });
        }
        if part.applies("GET", false, false) && part.binds().is_some() {
            let id = format!("{}/not-for-head", super::part_label(list.d(), &part));
            let says = format!("does not look at `{}` for HEAD", part.path());
            let rows: Vec<usize> =
                list.part_rows("binding").iter().filter(|r| r.1 == position).map(|r| r.0).collect();
            list.add(Class::Accepts, &id, &says, part.reference.as_ref(), move |plan| {
                for row in &rows {
                    super::wrap(plan, *row, |strict| {
                        Box::new(move |case, row| {
                            if case.request.method == "HEAD" {
                                Ok::<(), Reason>(())
                            } else {
                                strict(case, row)
                            }
                        })
                    });
                }
            });
        }
    }
}
