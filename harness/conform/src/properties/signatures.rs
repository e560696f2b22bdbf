//! The property of MACs and RSA signatures: we and the crypto of another family say the same. It must not use our code
//! as its own oracle.

use std::sync::Arc;

use arbitrary::Unstructured;
use aws_lc_rs::hmac;
use bearproof_scheme::World;
use bearproof_scheme::description::Alg;
use bearproof_scheme::key::{Key, RsaKey, Secret, sign, verify};
use bearproof_scheme::world::{Value, value};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::Verifier;

use super::ensure;
use super::ground::Ground;

/// What the RSA signatures are of that inputs change: to sign takes a thousand times as long as to verify.
const SIGNED: &[u8] = b"header.claims";

/// An RSA key with what it signed, and the same key for the `rsa` crate.
pub(super) struct Signed {
    pub(super) key: Arc<RsaKey>,
    signatures: Vec<(Alg, Vec<u8>)>,
    theirs: rsa::RsaPublicKey,
}

impl Signed {
    /// With the key of another caller of a scheme that signs with RSA.
    pub(super) fn new(world: &World) -> Result<Self, String> {
        let caller = world.credential("other").ok_or("nobody else signs")?;
        let Some(Value::Rsa(key)) = value(&caller.values, "private_key") else {
            return Err("nobody else has an RSA key".into());
        };
        let made = |alg| sign(alg, Key::Rsa(key), SIGNED).map(|signature| (alg, signature));
        let signatures: Option<_> = [Alg::Rs256, Alg::Rs384, Alg::Rs512].into_iter().map(made).collect();
        let pem = std::str::from_utf8(key.private_pem().expose()).map_err(|e| e.to_string())?;
        let private = rsa::RsaPrivateKey::from_pkcs8_pem(pem).map_err(|e| e.to_string())?;
        Ok(Self {
            key: Arc::clone(key),
            signatures: signatures.ok_or("signing fails")?,
            theirs: private.to_public_key(),
        })
    }
}

/// Which algorithm, the key of a MAC, what is signed, and how the signature is changed.
type Input<'d> = (u8, &'d [u8], &'d [u8], Change<'d>);

/// A bit pattern for one byte, then how many bytes go at the end and what comes instead.
type Change<'d> = (u16, u8, u8, &'d [u8]);

pub(super) fn signature(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Ok((choice, key, message, change)) = Unstructured::new(data).arbitrary::<Input<'_>>() else {
        return Ok(());
    };
    match choice % 6 {
        0 => mac(Alg::Hs256, hmac::HMAC_SHA256, key, message, change),
        1 => mac(Alg::Hs384, hmac::HMAC_SHA384, key, message, change),
        2 => mac(Alg::Hs512, hmac::HMAC_SHA512, key, message, change),
        by => by_rsa(&ground.signed, usize::from(by) - 3, message, change),
    }
}

fn mac(
    alg: Alg,
    theirs: hmac::Algorithm,
    key: &[u8],
    message: &[u8],
    change: Change<'_>,
) -> Result<(), String> {
    let (ours, theirs) = (Secret::new(key), hmac::Key::new(theirs, key));
    let made = sign(alg, Key::Secret(&ours), message).ok_or("signing fails")?;
    ensure(made == hmac::sign(&theirs, message).as_ref(), || format!("{alg:?}: aws-lc makes another MAC"))?;
    let changed = changed(made, change);
    let verdict = verify(alg, Key::Secret(&ours), message, &changed);
    ensure(verdict == hmac::verify(&theirs, message, &changed).is_ok(), || {
        format!("{alg:?}: {verdict} by us, not by aws-lc")
    })
}

/// The signature is of [`SIGNED`], so that an empty message and no change is good.
fn by_rsa(signed: &Signed, number: usize, more: &[u8], change: Change<'_>) -> Result<(), String> {
    let Some((alg, signature)) = signed.signatures.get(number) else { return Ok(()) };
    let message = [SIGNED, more].concat();
    let changed = changed(signature.clone(), change);
    let ours = verify(*alg, Key::Rsa(&signed.key), &message, &changed);
    let key = signed.theirs.clone();
    let theirs = Signature::try_from(changed.as_slice()).is_ok_and(|given| match alg {
        Alg::Rs256 => VerifyingKey::<rsa::sha2::Sha256>::new(key).verify(&message, &given).is_ok(),
        Alg::Rs384 => VerifyingKey::<rsa::sha2::Sha384>::new(key).verify(&message, &given).is_ok(),
        _ => VerifyingKey::<rsa::sha2::Sha512>::new(key).verify(&message, &given).is_ok(),
    });
    ensure(ours == theirs, || format!("{alg:?}: {ours} by us, {theirs} by the rsa crate"))?;
    let same = more.is_empty() && changed == *signature;
    ensure(ours == same, || format!("{alg:?}: verified {ours}, though unchanged is {same}"))
}

fn changed(mut signature: Vec<u8>, (position, pattern, less, more): Change<'_>) -> Vec<u8> {
    let position = usize::from(position) % signature.len().max(1);
    if let Some(byte) = signature.get_mut(position) {
        *byte ^= pattern;
    }
    signature.truncate(signature.len().saturating_sub(usize::from(less)));
    signature.extend_from_slice(more);
    signature
}
