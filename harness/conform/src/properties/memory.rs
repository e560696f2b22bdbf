//! The property of the replay memory. It must not let time run backwards: no caller's clock may.

use arbitrary::Unstructured;
use bearproof_scheme::store::{ReplayMemory, Spent};

use super::ensure;
use super::ground::Ground;

pub(super) fn replay(_: &Ground, data: &[u8]) -> Result<(), String> {
    let mut input = Unstructured::new(data);
    let capacity = input.int_in_range(0..=6).unwrap_or(3);
    let memory = ReplayMemory::new(capacity);
    let mut spent: Vec<(usize, u8, u64)> = Vec::new();
    let mut now = 0_u64;
    while let Ok((step, credential, value, life)) = next(&mut input) {
        now += step;
        let until = now.saturating_add(life);
        spent.retain(|(_, _, until)| *until > now);
        let expected = if spent.iter().any(|(c, v, _)| (*c, *v) == (credential, value)) {
            Spent::Reused
        } else if spent.len() >= capacity {
            Spent::Full
        } else {
            spent.push((credential, value, until));
            Spent::Fresh
        };
        let found = memory.spend(credential, &[value], until, now);
        ensure(found == expected, || {
            format!(
                "at {now}, value {value} of credential {credential}: expected {expected:?}, found {found:?}"
            )
        })?;
    }
    Ok(())
}

/// Seconds that pass, a credential, a value, and how long the token lives; `Err` at the end of the bytes.
fn next(input: &mut Unstructured<'_>) -> arbitrary::Result<(u64, usize, u8, u64)> {
    if input.is_empty() {
        return Err(arbitrary::Error::NotEnoughData);
    }
    Ok((
        input.int_in_range(0..=3)?,
        input.int_in_range(0..=2)?,
        input.int_in_range(0..=7)?,
        input.int_in_range(0..=9)?,
    ))
}
