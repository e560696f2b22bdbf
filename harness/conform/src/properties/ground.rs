//! What properties stand on: the published schemes, each with a good request. It must not judge anything.

use std::sync::Arc;

use bearproof_scheme::description::{Part, Place};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, signed};
use bearproof_scheme::weakness::{Weakness, all};

use super::oracle::Peer;
use super::signatures::Signed;
use super::signing::{ROLES, refused, signer};
use crate::compose::{Site, sites};
use crate::entropy::Published;
use crate::redact::Redactor;
use crate::resolve::carrier;
use crate::suite::{Folder, Suite, Variant};

/// The byte by which an input names its scheme. Permanent: committed inputs begin with them.
pub const TAGS: [(u8, &str); 7] = [
    (b'a', "annexcloud"),
    (b'b', "bursagb-jwt"),
    (b'c', "masonhub-callback"),
    (b'h', "hotwax"),
    (b'k', "bursagb-apikey"),
    (b'm', "masonhub"),
    (b'x', "hexsafe"),
];

/// The schemes by tag, and the peer.
pub struct Ground {
    stands: Vec<Stand>,
    pub(super) peer: Peer,
    /// What an RSA key of a published world signed.
    pub(super) signed: Signed,
}

/// A scheme in its published world.
pub(super) struct Stand {
    pub(super) tag: u8,
    pub(super) variant: Variant,
    pub(super) folder: Arc<dyn Folder>,
    pub(super) redactor: Redactor,
    /// The primary caller's drafts for the endpoints in [`ROLES`].
    pub(super) drafts: Vec<Draft>,
    /// The first of them, signed.
    pub(super) good: Message,
    /// What can be composed.
    pub(super) sites: Vec<Site>,
    /// The verifiers that are wrong in one way.
    pub(super) weaknesses: Vec<Weakness>,
}

impl Ground {
    /// Prepares the schemes of a suite.
    ///
    /// # Errors
    /// A scheme without a tag, a tag without a scheme, or a good request that is refused.
    pub fn new(suite: &Suite, peer: Peer) -> Result<Self, String> {
        if let Some(new) = suite.schemes.iter().find(|s| !TAGS.iter().any(|(_, id)| *id == s.id)) {
            return Err(format!("the scheme `{}` has no tag: add one to the tags of the properties", new.id));
        }
        let stands = TAGS.iter().map(|(tag, id)| {
            let scheme = suite.scheme(id).map_err(|fault| fault.to_string())?;
            Stand::new(*tag, scheme.default.clone(), Arc::clone(&scheme.folder))
        });
        let stands = stands.collect::<Result<Vec<Stand>, String>>()?;
        let by_rsa = stands.iter().find(|stand| stand.tag == b'x').ok_or("no scheme signs with RSA")?;
        let signed = Signed::new(&by_rsa.variant.world)?;
        Ok(Self { stands, peer, signed })
    }

    /// The scheme that the first byte names, in either case, and the bytes after it.
    pub(super) fn stand<'d>(&self, data: &'d [u8]) -> Option<(&Stand, &'d [u8])> {
        let (tag, rest) = data.split_first()?;
        let stand = self.stands.iter().find(|s| s.tag == tag.to_ascii_lowercase())?;
        Some((stand, rest))
    }

    /// The good request of each scheme.
    pub(super) fn goods(&self) -> impl Iterator<Item = &Message> {
        self.stands.iter().map(|stand| &stand.good)
    }
}

impl Stand {
    fn new(tag: u8, variant: Variant, folder: Arc<dyn Folder>) -> Result<Self, String> {
        let endpoints = variant.world.endpoints.iter().filter(|e| ROLES.contains(&e.role.as_str()));
        let drafts: Vec<Draft> = endpoints.map(|e| Draft::of(&variant.world, e)).collect();
        let draft = drafts.first().ok_or_else(|| format!("`{}` has no endpoint", variant.description.id))?;
        let entropy = Published::new("properties", 0);
        let signer = signer(&variant, &entropy).ok_or("the world has no primary credential")?;
        let good = signed(&signer, draft).map_err(|e| e.to_string())?;
        if let Some(reason) = refused(&variant, &good) {
            return Err(format!("the good request of `{}` is refused: {reason}", variant.description.id));
        }
        let redactor = Redactor::of_world(&variant.world);
        let sites = sites(&variant);
        let weaknesses = all(&variant.description, &variant.world);
        Ok(Self { tag, variant, folder, redactor, drafts, good, sites, weaknesses })
    }

    /// The part that carries the credential, where it is a field.
    pub(super) fn carrier(&self) -> Option<&Part> {
        carrier(&self.variant.description).filter(|part| part.place == Place::Field)
    }

    /// The good request with other lines of its carrier field.
    pub(super) fn carrying(&self, part: &Part, lines: Vec<Vec<u8>>) -> Message {
        let mut message = self.good.clone();
        message.fields.retain(|(name, _)| !name.eq_ignore_ascii_case(&part.name));
        message.fields.extend(lines.into_iter().map(|line| (part.name.clone(), line)));
        message
    }
}
