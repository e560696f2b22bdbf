//! What is known of a request while it runs through the rows. It must not decide anything.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::mem::MaybeUninit;

use smallvec::SmallVec;

use crate::compute::Sources;
use crate::description::{Place, Source};
use crate::encoding::{self, Members, Places, Room, Rules, decode_strict, decode_url};
use crate::key::Secret;
use crate::plan::{Plan, Route};
use crate::request::Request;
use crate::store::Positions;
use crate::token::{Compact, MAX_TOKEN};
use crate::verdict::Reason;
use crate::verify::Context;
use crate::verify::values::{self, plain};
use crate::world::{Credential, Value, value};

/// Decoded bytes that parsed members borrow from, where they are not in a room of the stack.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) header: OnceCell<Vec<u8>>,
    pub(crate) claims: OnceCell<Vec<u8>>,
}

/// Room for the claims of every token that is short enough to be looked at.
pub(crate) type ClaimsRoom = [MaybeUninit<u8>; MAX_TOKEN / 4 * 3];

/// A request on its way through the rows.
pub(crate) struct Case<'c> {
    pub(crate) plan: &'c Plan,
    pub(crate) request: &'c Request<'c>,
    pub(crate) context: Context<'c>,
    pub(crate) buffers: &'c Buffers,
    /// Where claims are decoded; there until they are.
    room: Option<&'c mut Room>,
    /// The claims in that room.
    decoded: Option<&'c [u8]>,
    pub(crate) route: Option<Route<'c>>,
    /// Value of each part that sits in a field, by position of the part.
    pub(crate) fields: SmallVec<[(usize, &'c [u8]); 4]>,
    pub(crate) token: Option<&'c [u8]>,
    pub(crate) compact: Option<Compact<'c>>,
    /// Borrowed from the plan if it is one of the headers that most tokens have.
    pub(crate) header: Option<Cow<'c, Members<'c>>>,
    pub(crate) claims: Option<Members<'c>>,
    /// Where the names of [`Plan::claim_names`] stand among the claims, where that is known.
    pub(crate) places: Option<Places>,
    pub(crate) body: Option<Members<'c>>,
    pub(crate) candidates: Positions,
    pub(crate) credential: Option<usize>,
}

impl<'c> Case<'c> {
    pub(crate) fn new(
        plan: &'c Plan,
        request: &'c Request<'c>,
        context: &Context<'c>,
        buffers: &'c Buffers,
        room: &'c mut ClaimsRoom,
    ) -> Self {
        Self {
            plan,
            request,
            context: *context,
            buffers,
            room: Some(room),
            decoded: None,
            route: plan.route(request),
            fields: SmallVec::new(),
            token: None,
            compact: None,
            header: None,
            claims: None,
            places: None,
            body: None,
            candidates: Positions::new(),
            credential: None,
        }
    }

    /// Decodes the claims of a signed token.
    pub(crate) fn decode_claims(&mut self, payload: &[u8], rules: &Rules) -> Result<(), Reason> {
        let room = self.room.take();
        self.decoded = room.and_then(|room| decode_strict(payload, room));
        if self.decoded.is_none() {
            let bytes = decode_url(payload, rules).map_err(|_| Reason::TokenMalformed)?;
            self.buffers.claims.get_or_init(|| bytes);
        }
        Ok(())
    }

    /// The text of the claims, where it is known.
    pub(crate) fn claims_text(&self) -> Option<&'c [u8]> {
        self.decoded.or_else(|| self.buffers.claims.get().map(Vec::as_slice))
    }

    /// Whether the header is one that most tokens have: those are as the description wants them, and say no more.
    pub(crate) fn has_usual_header(&self) -> bool {
        matches!(self.header, Some(Cow::Borrowed(_)))
    }

    /// The members of header, claims or body, where parsed.
    pub(crate) fn members(&self, place: Place) -> Option<&Members<'c>> {
        match place {
            Place::Header => self.header.as_deref(),
            Place::Claims => self.claims.as_ref(),
            Place::Body => self.body.as_ref(),
            Place::Field | Place::Parameter | Place::Answer => None,
        }
    }

    /// The value of the part at this position, where it sits in a field.
    pub(crate) fn field(&self, part: usize) -> Option<&'c [u8]> {
        self.fields.iter().find(|(i, _)| *i == part).map(|(_, value)| *value)
    }

    /// Whether `each` is true of every item that a source has: of those of a list, or of the one that a single value is.
    /// `None` if there is no value. `number` is that of a claim, see [`Case::claim`].
    pub(crate) fn every(
        &self,
        source: &Source,
        number: Option<usize>,
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Option<bool> {
        match source {
            Source::Claims(name) => values::every(self.claim(number, name)?, each),
            Source::Header(name) => values::every(self.members(Place::Header)?.find(name)?, each),
            Source::Credential(name) => values::every_held(&self.credential()?.values, name, each),
            Source::Endpoint(name) => {
                values::every_held(&self.route.as_ref()?.endpoint.attributes, name, each)
            }
            _ => Some(each(&self.bytes(source)?)),
        }
    }

    /// The claim with this name, which has this number among [`Plan::claim_names`] if it is one of them.
    #[inline]
    pub(crate) fn claim(&self, number: Option<usize>, name: &str) -> Option<&encoding::Value<'c>> {
        let claims = self.claims.as_ref()?;
        match (&self.places, number) {
            (Some(places), Some(number)) => places.find(claims, number),
            (Some(places), None) if !places.has_others() => None,
            _ => claims.find(name),
        }
    }

    pub(crate) fn credential(&self) -> Option<&'c Credential> {
        self.context.credentials.get(self.credential?)
    }
}

impl Sources for Case<'_> {
    fn bytes(&self, source: &Source) -> Option<Cow<'_, [u8]>> {
        fn borrowed(text: &str) -> Option<Cow<'_, [u8]>> {
            Some(Cow::Borrowed(text.as_bytes()))
        }
        match source {
            Source::Method => borrowed(self.request.method),
            Source::Host => self.request.host().map(|host| match host {
                Cow::Borrowed(host) => Cow::Borrowed(host.as_bytes()),
                Cow::Owned(host) => Cow::Owned(host.into_bytes()),
            }),
            Source::Path => borrowed(self.request.path()),
            Source::Query => borrowed(self.request.query()),
            Source::Target => borrowed(self.request.target),
            Source::Body => Some(Cow::Borrowed(self.request.body)),
            Source::Parameter(name) => {
                let route = self.route.as_ref()?;
                route.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| Cow::Borrowed(v.as_bytes()))
            }
            Source::Credential(name) => value(&self.credential()?.values, name).and_then(Value::bytes),
            Source::Platform(name) => {
                value(&self.plan.platform.as_ref()?.values, name).and_then(Value::bytes)
            }
            Source::Endpoint(name) => {
                value(&self.route.as_ref()?.endpoint.attributes, name).and_then(Value::bytes)
            }
            Source::Claims(name) => plain(self.members(Place::Claims)?.find(name)?),
            Source::Header(name) => plain(self.members(Place::Header)?.find(name)?),
            Source::Token => self.token.map(Cow::Borrowed),
        }
    }

    fn secret(&self, source: &Source) -> Option<&Secret> {
        let held = match source {
            Source::Credential(name) => value(&self.credential()?.values, name)?,
            Source::Platform(name) => value(&self.plan.platform.as_ref()?.values, name)?,
            _ => return None,
        };
        held.secret()
    }
}
