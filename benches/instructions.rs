//! Six key operations and the bare primitive of each, for a count of instructions under Valgrind. It must not measure
//! time: the count is the same on a busy machine.

use std::hint::black_box;

use bearproof_conform::suite::{Suite, Variant};
use bearproof_scheme::encoding::encode_standard;
use bearproof_scheme::key::Key;
use bearproof_scheme::sign::{Draft, Prepared};
use sha2::{Digest as _, Sha256, Sha512};

use crate::table::{Zeros, key, of, token};
use crate::{Server, body, draft, signed, signer};

/// The operations, and how often each runs.
pub const OPERATIONS: [(&str, u32); 6] = [
    ("verify-hs256", 200),
    ("sign-hs256", 200),
    ("verify-rs256", 20),
    ("bind-annexcloud-64-kib", 4),
    ("bind-hexsafe-64-kib", 4),
    ("find-api-key", 200),
];

/// Runs an operation, or with `raw` its primitive on the same input, so often that a count means something.
///
/// # Errors
/// If there is no such operation, or it fails.
pub fn run(suite: &Suite, operation: &str, raw: bool) -> Result<(), String> {
    let times = OPERATIONS.iter().find(|(name, _)| *name == operation).ok_or("no such operation")?.1;
    let kib = || body(1 << 16);
    let count = |run: &mut dyn FnMut() -> bool| counted(run, times);
    match operation {
        "verify-hs256" | "sign-hs256" => {
            let variant = of(suite, "bursagb-jwt")?;
            let draft = draft(&variant, None).ok_or("no endpoint")?;
            let message = signed(&variant, &draft, 0)?;
            let (input, _) = token(&message)?.rsplit_once('.').ok_or("no JWS")?;
            let Key::Secret(secret) = key(&variant)? else { return Err("the key is no secret".into()) };
            if raw {
                return count(&mut || {
                    black_box(secret.hmac_sha256().mac(black_box(input.as_bytes()))).len() == 32
                });
            }
            if operation == "verify-hs256" {
                return verified(&variant, &draft, count);
            }
            let signer = signer(&variant, &Zeros).ok_or("no primary credential")?;
            let mut ours = Prepared::new(&signer, &draft).map_err(|e| e.to_string())?;
            count(&mut || ours.sign(black_box(signer.now), &Zeros).is_ok())
        }
        "verify-rs256" => {
            let variant = of(suite, "hexsafe")?;
            let endpoint = variant.world.endpoint("read").ok_or("no endpoint `read`")?;
            let draft = Draft::of(&variant.world, endpoint);
            if !raw {
                return verified(&variant, &draft, count);
            }
            let message = signed(&variant, &draft, 0)?;
            let (input, signature) = token(&message)?.rsplit_once('.').ok_or("no JWS")?;
            let rules = &bearproof_scheme::encoding::Rules::STRICT;
            let signature = bearproof_scheme::encoding::decode_url(signature.as_bytes(), rules);
            let signature = signature.map_err(|e| e.to_string())?;
            let key = key(&variant)?;
            let alg = bearproof_scheme::description::Alg::Rs256;
            count(&mut || bearproof_scheme::key::verify(alg, key, black_box(input.as_bytes()), &signature))
        }
        "bind-annexcloud-64-kib" => {
            let variant = of(suite, "annexcloud")?;
            let draft = draft(&variant, Some(kib())).ok_or("no endpoint with a body")?;
            if !raw {
                return verified(&variant, &draft, count);
            }
            let text = encode_standard(&draft.body).into_bytes();
            let Key::Secret(secret) = key(&variant)? else { return Err("the key is no secret".into()) };
            count(&mut || black_box(secret.hmac_sha256().mac(black_box(&text))).len() == 32)
        }
        "bind-hexsafe-64-kib" => {
            let variant = of(suite, "hexsafe")?;
            let draft = draft(&variant, Some(kib())).ok_or("no endpoint with a body")?;
            if !raw {
                return verified(&variant, &draft, count);
            }
            count(&mut || black_box(Sha512::digest(black_box(&draft.body))).len() == 64)
        }
        _ => {
            let variant = of(suite, "bursagb-apikey")?;
            let draft = draft(&variant, None).ok_or("no endpoint")?;
            if !raw {
                return verified(&variant, &draft, count);
            }
            count(&mut || black_box(Sha256::digest(black_box(b"Rb4fakeBursagbKey"))).len() == 32)
        }
    }
}

/// Counts the verification of one request.
fn verified(
    variant: &Variant,
    draft: &Draft,
    count: impl Fn(&mut dyn FnMut() -> bool) -> Result<(), String>,
) -> Result<(), String> {
    let server = Server::new(variant);
    let message = signed(variant, draft, 0)?;
    count(&mut || server.lets_in(black_box(&message)))
}

/// Valgrind counts inside this function only: its name is in `.ci/instructions`.
#[inline(never)]
fn counted(run: &mut dyn FnMut() -> bool, times: u32) -> Result<(), String> {
    let mut good = true;
    for _ in 0..times {
        good &= black_box(run());
    }
    if good { Ok(()) } else { Err("the operation fails: nothing to count".into()) }
}
