//! Weaknesses in which key opens a token: another environment's, another caller's, or the right one misread.

use super::{Class, List, set};
use crate::encoding::Value;
use crate::key::{Key, Secret};
use crate::mistake::KeyForm;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::Check;
use crate::verify::signature::{signature_by, unlock};

/// Keys of other environments are taken too.
pub(super) fn environments(list: &mut List<'_>, prefix: &str) {
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    let others: Vec<_> = list.world.platforms.iter().filter(|p| p.role != "primary").cloned().collect();
    for other in others {
        let says = format!("takes tokens of the environment `{}`", other.role);
        let id = format!("{prefix}/environment-{}", other.role);
        list.add(Class::Accepts, &id, &says, reference.as_ref(), move |plan| {
            // A server of both environments believes what either says of itself.
            for row in plan.rows.iter_mut().filter(|r| r.name == "claims.environment") {
                row.check = Box::new(|_, _| Ok(()));
            }
            let Some(row) = plan.rows.iter().position(|r| r.stage == "signature") else { return };
            let values = other.values.clone();
            super::wrap(plan, row, move |strict| {
                Box::new(move |case, row| {
                    strict(case, row).or_else(|reason| {
                        let full =
                            case.plan.description.token.as_ref().map(|t| t.key.name()).unwrap_or_default();
                        let name = full.split_once('.').map_or("", |(_, name)| name);
                        let key = crate::world::value(&values, name).and_then(crate::world::Value::key);
                        let compact = case.compact.ok_or(reason)?;
                        unlock(case, compact, key.ok_or(reason)?)
                    })
                })
            });
        });
    }
}

/// The secret read in another form, instead of the right one or beside it.
pub(super) fn forms(list: &mut List<'_>, hmac: bool) {
    if !hmac {
        return;
    }
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    for form in KeyForm::ALL.into_iter().filter(|f| *f != KeyForm::Empty) {
        for beside in [false, true] {
            let (class, prefix, says) = if beside {
                (Class::Accepts, "also-", format!("also tries the secret {}", form.words()))
            } else {
                (Class::Refuses, "", format!("takes the secret {}", form.words()))
            };
            list.add(
                class,
                &format!("jws/{prefix}key-{}", form.slug()),
                &says,
                reference.as_ref(),
                move |plan| {
                    let Some(row) = plan.rows.iter().position(|r| r.stage == "signature") else { return };
                    let check: Check = Box::new(move |case, _| {
                        signature_by(case, &move |case, compact, key| {
                            if beside && unlock(case, compact, key).is_ok() {
                                return Ok(());
                            }
                            match key {
                                Key::Secret(secret) => {
                                    let misread = Secret::new(form.read(secret.expose().to_vec()));
                                    unlock(case, compact, Key::Secret(&misread))
                                }
                                _ => Err(Reason::SignatureInvalid),
                            }
                        })
                    });
                    set(plan, row, check);
                },
            );
        }
    }
}

/// Any caller's key opens any caller's door.
pub(super) fn any_key(list: &mut List<'_>) {
    for row in list.rows("signature", "signature") {
        list.forgive(row, "key-of-anybody", "tries the keys of all callers", |case, _, reason| {
            with_keys(case, reason, |_| true)
        });
        if list.d().token.as_ref().is_some_and(|t| t.alg.is_hmac()) {
            continue;
        }
        list.forgive(row, "key-by-key-id", "takes the key that `kid` names", |case, _, reason| {
            let kid =
                case.header.as_ref().and_then(|h| h.find("kid")).and_then(Value::as_str).ok_or(reason)?;
            let own = case.candidates.clone();
            case.candidates = case.context.credentials.find(kid.as_bytes());
            let opened = signature_by(case, &unlock).map_err(|_| reason);
            case.candidates = own.clone();
            case.credential = own.first().copied();
            opened
        });
        for (what, says, name) in [
            ("key-address", "fetches the key from where `jku` says", "jku"),
            ("certificate-address", "fetches the certificate from where `x5u` says", "x5u"),
            ("key-in-the-token", "verifies with the key that the token brings along", "jwk"),
            ("certificate-in-the-token", "verifies with the certificate that the token brings along", "x5c"),
        ] {
            list.forgive(row, what, says, move |case, _, reason| {
                if case.header.as_ref().is_none_or(|h| h.find(name).is_none()) {
                    return Err(reason);
                }
                with_keys(case, reason, |_| true)
            });
        }
        list.forgive(row, "key-of-the-ended", "still tries keys that were taken back", |case, _, reason| {
            with_keys(case, reason, |c| c.state != crate::world::State::Active)
        });
        list.forgive(row, "key-of-the-next", "tries every key of the same user", |case, _, reason| {
            with_keys(case, reason, |c| c.role == "next")
        });
    }
}

/// Tries the keys of some callers; whoever signed, the request goes on as the caller that it names.
fn with_keys(
    case: &mut Case<'_>,
    reason: Reason,
    whose: fn(&crate::world::Credential) -> bool,
) -> Result<(), Reason> {
    let (own, store) = (case.candidates.clone(), case.context.credentials);
    case.candidates = store.all().into_iter().filter(|i| store.get(*i).is_some_and(whose)).collect();
    let opened = signature_by(case, &unlock).map_err(|_| reason);
    case.candidates.clone_from(&own);
    case.credential = own.first().copied();
    opened
}
