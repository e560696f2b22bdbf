//! What the verifying side remembers: credentials with their states, and nonces that were used.
//! It must not decide whom to let in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::compute::{self, Sources};
use crate::description::{Description, Kind, Part, Source};
use crate::hmac_sha256::sha256;
use crate::world::{Credential, Platform, State, Value, Values, World, value};

/// Credentials, found by what identifies them.
///
/// Of many, what is looked up is in no cache. So the index is small (of each a position), and what tells whether it is
/// the right one lies beside the state and the values that are read next.
#[derive(Debug, Clone)]
pub struct Credentials {
    entries: Vec<Entry>,
    /// Positions of entries, the first one with each identity.
    index: HashTable<u32>,
    /// Hashes public identities, so that nobody can choose many with one hash.
    hasher: RandomState,
    /// Whether identities are secret, or made of something that is.
    secret: bool,
}

/// A credential in the order in which the verifier reads it.
#[derive(Debug, Clone)]
#[repr(C)]
struct Entry {
    /// None where nothing identifies it.
    identity: Option<Identity>,
    /// Another entry with the same identity, if it is not the last one that is linked.
    next: Option<u32>,
    credential: Credential,
}

/// Positions of credentials; several have one identity during a rotation.
pub(crate) type Positions = SmallVec<[usize; 2]>;

/// An identifying value as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    /// SHA-256 of a secret: how long it takes to find one says nothing of the others' bytes.
    Digest([u8; 32]),
    /// What everybody may see.
    Public(Box<[u8]>),
}

impl Identity {
    /// The hash by which it is found: a digest already is one.
    fn hash(&self, hasher: &RandomState) -> u64 {
        match self {
            Self::Digest(digest) => digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first)),
            Self::Public(value) => hasher.hash_one(&**value),
        }
    }
}

/// A position in less room. Of more than 2³² - 1 credentials, for which no memory is large enough, the others would not
/// be told apart.
fn short(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

impl Credentials {
    fn new(secret: bool) -> Self {
        Self { entries: Vec::new(), index: HashTable::new(), hasher: RandomState::new(), secret }
    }

    /// Prepares the credentials of a world.
    pub fn prepare(description: &Description, world: &World) -> Self {
        let public = |source: &Source| match source {
            Source::Credential(name) => description.credential_kind(name).is_some_and(Kind::is_public),
            _ => false,
        };
        let identifying = description.parts.iter().find(|p| p.identifies).and_then(Part::pipeline);
        let mut all = Self::new(!identifying.is_some_and(|pipeline| pipeline.sources().all(public)));
        for credential in &world.credentials {
            all.insert(description, world.platform("primary"), credential.clone());
        }
        all
    }

    /// Adds a credential.
    pub(crate) fn insert(&mut self, d: &Description, platform: Option<&Platform>, credential: Credential) {
        let identity = self.identity(d, platform, &credential);
        self.put(identity, credential);
    }

    /// What identifies a credential, as it is kept.
    fn identity(
        &self,
        d: &Description,
        platform: Option<&Platform>,
        credential: &Credential,
    ) -> Option<Identity> {
        let part = d.parts.iter().find(|p| p.identifies)?;
        Some(self.kept(&of_credential(part, &credential.values, platform)?))
    }

    fn kept(&self, identity: &[u8]) -> Identity {
        if self.secret { Identity::Digest(sha256(identity)) } else { Identity::Public(identity.into()) }
    }

    fn put(&mut self, identity: Option<Identity>, credential: Credential) {
        self.entries.push(Entry { identity, next: None, credential });
        self.link(self.entries.len() - 1);
    }

    /// Makes the entry at a position known to the index, or to the first one with the same identity.
    fn link(&mut self, position: usize) {
        let Some(identity) = self.entries.get(position).and_then(|entry| entry.identity.as_ref()) else {
            return;
        };
        let hash = identity.hash(&self.hasher);
        if let Some(first) = self.first(hash, |own| own == identity) {
            // Right behind the first one, so that however many there are none is walked over.
            let first = self.entries.get_mut(first as usize);
            let next = first.and_then(|first| first.next.replace(short(position)));
            if let Some(entry) = self.entries.get_mut(position) {
                entry.next = next;
            }
        } else {
            let again = |i: &u32| {
                let entry = self.entries.get(*i as usize);
                entry.and_then(|e| e.identity.as_ref()).map_or(0, |own| own.hash(&self.hasher))
            };
            self.index.insert_unique(hash, short(position), again);
        }
    }

    /// Makes the index anew: rarely needed.
    fn link_all(&mut self) {
        self.index.clear();
        self.entries.iter_mut().for_each(|entry| entry.next = None);
        (0..self.entries.len()).for_each(|position| self.link(position));
    }

    /// The first entry with the wanted identity, which has this hash.
    fn first(&self, hash: u64, wanted: impl Fn(&Identity) -> bool) -> Option<u32> {
        let is_wanted = |i: &u32| {
            let entry = self.entries.get(*i as usize);
            entry.and_then(|entry| entry.identity.as_ref()).is_some_and(&wanted)
        };
        self.index.find(hash, is_wanted).copied()
    }

    /// Replaces values of a credential.
    pub(crate) fn update(
        &mut self,
        d: &Description,
        platform: Option<&Platform>,
        position: usize,
        new: Values,
    ) {
        let Some(Entry { credential, .. }) = self.entries.get_mut(position) else { return };
        for (name, new) in new {
            credential.values.retain(|(n, _)| *n != name);
            credential.values.push((name, new));
        }
        let identity = self.get(position).and_then(|credential| self.identity(d, platform, credential));
        if let Some(entry) = self.entries.get_mut(position) {
            entry.identity = identity;
        }
        self.link_all();
    }

    /// Positions of the credentials with this identifying value, in their order.
    pub(crate) fn find(&self, identity: &[u8]) -> Positions {
        let mut next = if self.secret {
            let wanted = Identity::Digest(sha256(identity));
            self.first(wanted.hash(&self.hasher), |own| *own == wanted)
        } else {
            let hash = self.hasher.hash_one(identity);
            self.first(hash, |own| matches!(own, Identity::Public(own) if **own == *identity))
        };
        let mut found = Positions::new();
        while let Some(position) = next.map(|next| next as usize) {
            found.push(position);
            next = self.entries.get(position).and_then(|entry| entry.next);
        }
        found.sort_unstable();
        found
    }

    /// Positions of the credentials for which `part` has this value: a scan, for operations only.
    pub(crate) fn matching(&self, part: &Part, platform: Option<&Platform>, wanted: &[u8]) -> Vec<usize> {
        let fits = |c: &Credential| {
            of_credential(part, &c.values, platform)
                .is_some_and(|v| constant_time_eq::constant_time_eq(&v, wanted))
        };
        self.entries.iter().enumerate().filter(|(_, e)| fits(&e.credential)).map(|(i, _)| i).collect()
    }

    /// The credential at a position.
    pub fn get(&self, position: usize) -> Option<&Credential> {
        self.entries.get(position).map(|entry| &entry.credential)
    }

    /// All positions.
    pub(crate) fn all(&self) -> Positions {
        (0..self.entries.len()).collect()
    }

    /// The first active position, else the first.
    pub(crate) fn prefer_active(&self, positions: &[usize]) -> Option<usize> {
        let active = |i: &&usize| self.get(**i).is_some_and(|c| c.state == State::Active);
        positions.iter().find(active).or_else(|| positions.first()).copied()
    }

    /// Sets the state of a credential.
    pub(crate) fn set_state(&mut self, position: usize, state: State) {
        if let Some(entry) = self.entries.get_mut(position) {
            entry.credential.state = state;
        }
    }

    /// Takes the values of a credential out, as if it had never been.
    pub(crate) fn forget(&mut self, position: usize) {
        if let Some(entry) = self.entries.get_mut(position) {
            entry.identity = None;
            entry.credential.values.clear();
        }
        self.link_all();
    }

    /// The position of the credential with this role.
    pub fn by_role(&self, role: &str) -> Option<usize> {
        self.entries.iter().position(|e| e.credential.role == role)
    }
}

/// The value that a part has for a credential, as far as it depends on credential and platform alone.
pub(crate) fn of_credential(part: &Part, values: &Values, platform: Option<&Platform>) -> Option<Vec<u8>> {
    compute::value(part.pipeline()?, &OfCredential { values, platform }).ok().map(Cow::into_owned)
}

struct OfCredential<'a> {
    values: &'a Values,
    platform: Option<&'a Platform>,
}

impl Sources for OfCredential<'_> {
    fn bytes(&self, source: &Source) -> Option<Cow<'_, [u8]>> {
        match source {
            Source::Credential(name) => value(self.values, name).and_then(Value::bytes),
            Source::Platform(name) => value(&self.platform?.values, name).and_then(Value::bytes),
            _ => None,
        }
    }
}

/// Remembers single-use values. Check and insert are one atomic act.
#[derive(Debug)]
pub struct ReplayMemory {
    seen: Mutex<Seen>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Seen {
    /// Until when a value of a credential is remembered.
    values: HashMap<(usize, Vec<u8>), u64>,
    /// What was over at this time may be forgotten.
    forgotten: u64,
    /// Nothing is over before: looking through a full memory for room waits until then.
    first_over: u64,
}

/// What [`ReplayMemory::spend`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// The value was fresh and is now remembered.
    Fresh,
    /// The value was used before.
    Reused,
    /// There is no room, or the clock went back behind what was forgotten. The caller refuses: forgetting an old
    /// value would let its replay in.
    Full,
}

impl ReplayMemory {
    /// Room for `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self { seen: Mutex::default(), capacity }
    }

    /// Remembers `value` of a credential until `until` (seconds since 1970 UTC), unless it is known.
    pub fn spend(&self, credential: usize, value: &[u8], until: u64, now: u64) -> Spent {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (credential, value.to_vec());
        if seen.values.get(&key).is_some_and(|until| *until > now) {
            return Spent::Reused;
        }
        if seen.values.len() >= self.capacity && seen.first_over <= now {
            seen.values.retain(|_, until| *until > now);
            seen.first_over = seen.values.values().copied().min().unwrap_or(u64::MAX);
            seen.forgotten = seen.forgotten.max(now);
        }
        // A clock that was put back makes tokens good again whose values may be forgotten.
        let unknown = now < seen.forgotten && until <= seen.forgotten;
        if unknown || seen.values.len() >= self.capacity {
            return Spent::Full;
        }
        seen.first_over = seen.first_over.min(until);
        seen.values.insert(key, until);
        Spent::Fresh
    }

    /// Forgets everything: for a reference server that is reset, never for a live one.
    pub fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(values: Values) -> Credential {
        let (role, state) = ("primary".into(), State::Active);
        Credential { state, values, role, captured: None, request: None, private: Vec::new() }
    }

    #[test]
    fn who_gets_another_identity_is_found_by_it_and_not_by_the_old_one() {
        let scheme = "format = 1\ntitle = \"T\"\n[transport]\n[credential]\nname = \"text\"\n\
                      [field.x-name]\nfrom = \"credential.name\"\nidentifies = true\n\
                      [refusal]\n\"*\" = { status = 401 }\n";
        let d = crate::description::load("t", "scheme.toml", scheme, &[]).unwrap();
        let named =
            |name: &str| -> Values { [("name".into(), Value::Text(name.into()))].into_iter().collect() };
        let mut all = Credentials::new(false);
        for name in ["one", "two", "one"] {
            all.insert(&d, None, credential(named(name)));
        }
        all.update(&d, None, 0, named("two"));
        assert_eq!((all.find(b"one").as_slice(), all.find(b"two").as_slice()), (&[2][..], &[0, 1][..]));
        all.update(&d, None, 0, named("three"));
        assert_eq!((all.find(b"two").as_slice(), all.find(b"three").as_slice()), (&[1][..], &[0][..]));
        all.update(&d, None, 7, named("four"));
        assert!(all.find(b"four").is_empty());
    }

    #[test]
    fn credentials_are_found_by_their_whole_identity() {
        for secret in [true, false] {
            let mut all = Credentials::new(secret);
            let identities = [Some("one"), None, Some("two"), Some("one"), Some("one"), Some("two")];
            for identity in identities {
                let identity = identity.map(|identity| all.kept(identity.as_bytes()));
                all.put(identity, credential(Values::new()));
            }
            assert_eq!(all.find(b"one").as_slice(), [0, 3, 4]);
            assert_eq!(all.find(b"two").as_slice(), [2, 5]);
            assert!(all.find(b"three").is_empty() && all.find(b"").is_empty());
            all.forget(0);
            assert_eq!(all.find(b"one").as_slice(), [3, 4]);
            all.forget(4);
            assert_eq!(all.find(b"one").as_slice(), [3]);
            assert_eq!(all.find(b"two").as_slice(), [2, 5]);
        }
    }

    #[test]
    fn digests_that_begin_alike_are_told_apart() {
        let mut all = Credentials::new(true);
        let digests = [1, 2].map(|last| {
            let mut digest = [7; 32];
            digest[31] = last;
            Identity::Digest(digest)
        });
        for digest in &digests {
            all.put(Some(digest.clone()), credential(Values::new()));
        }
        let [first, second] = digests;
        assert_eq!(first.hash(&all.hasher), second.hash(&all.hasher));
        assert_eq!(all.first(first.hash(&all.hasher), |own| *own == first), Some(0));
        assert_eq!(all.first(second.hash(&all.hasher), |own| *own == second), Some(1));
        assert_eq!(all.first(first.hash(&all.hasher), |own| *own == Identity::Digest([7; 32])), None);
    }

    #[test]
    fn a_value_is_spent_once_for_each_credential() {
        let memory = ReplayMemory::new(10);
        assert_eq!(memory.spend(1, b"n", 100, 50), Spent::Fresh);
        assert_eq!(memory.spend(1, b"n", 100, 99), Spent::Reused);
        assert_eq!(memory.spend(2, b"n", 100, 99), Spent::Fresh);
    }

    #[test]
    fn a_full_memory_refuses_and_makes_room_only_from_what_is_over() {
        let memory = ReplayMemory::new(2);
        assert_eq!(memory.spend(1, b"a", 100, 50), Spent::Fresh);
        assert_eq!(memory.spend(1, b"b", 200, 50), Spent::Fresh);
        assert_eq!(memory.spend(1, b"c", 200, 99), Spent::Full);
        assert_eq!(memory.spend(1, b"a", 200, 99), Spent::Reused);
        assert_eq!(memory.spend(1, b"c", 200, 100), Spent::Fresh, "`a` is over");
        assert_eq!(memory.spend(1, b"b", 200, 150), Spent::Reused);
    }

    #[test]
    fn what_there_is_room_for_is_not_forgotten() {
        let memory = ReplayMemory::new(10);
        assert_eq!(memory.spend(1, b"a", 100, 50), Spent::Fresh);
        assert_eq!(memory.spend(1, b"b", 300, 120), Spent::Fresh, "`a` is over");
        assert_eq!(
            memory.spend(1, b"a", 100, 99),
            Spent::Reused,
            "and known all the same when the clock goes back"
        );
    }

    #[test]
    fn a_clock_that_goes_back_lets_no_replay_in() {
        let memory = ReplayMemory::new(3);
        for value in [b"a", b"b", b"c"] {
            assert_eq!(memory.spend(1, value, 100, 50), Spent::Fresh);
        }
        assert_eq!(memory.spend(1, b"d", 300, 100), Spent::Fresh, "the others are over and forgotten");
        assert_eq!(memory.spend(1, b"a", 100, 99), Spent::Full, "whether it was used is not known");
        assert_eq!(memory.spend(1, b"d", 300, 99), Spent::Reused);
        assert_eq!(memory.spend(1, b"e", 101, 99), Spent::Fresh, "it would not have been forgotten");
        assert_eq!(memory.spend(1, b"f", 150, 100), Spent::Fresh, "the clock is right again");
        assert_eq!(memory.spend(1, b"g", 150, 90), Spent::Full, "an earlier look forgets no more");
        assert_eq!(memory.spend(1, b"e", 101, 100), Spent::Reused);
        memory.forget();
        assert_eq!(memory.spend(1, b"a", 100, 50), Spent::Fresh, "a reset is a new server");
    }
}
