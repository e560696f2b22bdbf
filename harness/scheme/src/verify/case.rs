//! What is known of a request while it runs through the rows. It must not decide anything.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::compute::Sources;
use crate::description::{Place, Source};
use crate::encoding::Members;
use crate::plan::{Plan, Route};
use crate::request::Request;
use crate::token::Compact;
use crate::verify::Context;
use crate::verify::values::{items, plain};
use crate::world::{Credential, Value, Values, value};

/// Decoded bytes that parsed members borrow from.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) header: OnceCell<Vec<u8>>,
    pub(crate) claims: OnceCell<Vec<u8>>,
}

/// A request on its way through the rows.
pub(crate) struct Case<'c> {
    pub(crate) plan: &'c Plan,
    pub(crate) request: &'c Request<'c>,
    pub(crate) context: Context<'c>,
    pub(crate) buffers: &'c Buffers,
    pub(crate) route: Option<Route<'c>>,
    /// Value of each part that sits in a field, by position of the part.
    pub(crate) fields: Vec<(usize, &'c [u8])>,
    pub(crate) token: Option<&'c [u8]>,
    pub(crate) compact: Option<Compact<'c>>,
    pub(crate) header: Option<Members<'c>>,
    pub(crate) claims: Option<Members<'c>>,
    pub(crate) body: Option<Members<'c>>,
    pub(crate) candidates: Vec<usize>,
    pub(crate) credential: Option<usize>,
}

impl<'c> Case<'c> {
    pub(crate) fn new(
        plan: &'c Plan,
        request: &'c Request<'c>,
        context: &Context<'c>,
        buffers: &'c Buffers,
    ) -> Self {
        Self {
            plan,
            request,
            context: *context,
            buffers,
            route: plan.route(request),
            fields: Vec::new(),
            token: None,
            compact: None,
            header: None,
            claims: None,
            body: None,
            candidates: Vec::new(),
            credential: None,
        }
    }

    /// The members of header, claims or body, where parsed.
    pub(crate) fn members(&self, place: Place) -> Option<&Members<'c>> {
        match place {
            Place::Header => self.header.as_ref(),
            Place::Claims => self.claims.as_ref(),
            Place::Body => self.body.as_ref(),
            Place::Field | Place::Parameter | Place::Answer => None,
        }
    }

    /// The value of the part at this position, where it sits in a field.
    pub(crate) fn field(&self, part: usize) -> Option<&'c [u8]> {
        self.fields.iter().find(|(i, _)| *i == part).map(|(_, value)| *value)
    }

    /// A source as a list of items, for access rules: a list has its own items, anything else is one.
    pub(crate) fn items(&self, source: &Source) -> Option<Vec<Vec<u8>>> {
        let listed = |values: &Values, name: &str| value(values, name).and_then(Value::items);
        match source {
            Source::Claims(name) => items(self.members(Place::Claims)?.find(name)?),
            Source::Header(name) => items(self.members(Place::Header)?.find(name)?),
            Source::Credential(name) => listed(&self.credential()?.values, name),
            Source::Endpoint(name) => listed(&self.route.as_ref()?.endpoint.attributes, name),
            _ => self.bytes(source).map(|bytes| vec![bytes]),
        }
    }

    pub(crate) fn credential(&self) -> Option<&'c Credential> {
        self.context.credentials.get(self.credential?)
    }
}

impl Sources for Case<'_> {
    fn bytes(&self, source: &Source) -> Option<Vec<u8>> {
        let member = |place, name: &str| plain(self.members(place)?.find(name)?).map(Cow::into_owned);
        match source {
            Source::Method => Some(self.request.method.as_bytes().to_vec()),
            Source::Host => self.request.host().map(String::into_bytes),
            Source::Path => Some(self.request.path().as_bytes().to_vec()),
            Source::Query => Some(self.request.query().as_bytes().to_vec()),
            Source::Target => Some(self.request.target.as_bytes().to_vec()),
            Source::Body => Some(self.request.body.to_vec()),
            Source::Parameter(name) => {
                let route = self.route.as_ref()?;
                route.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone().into_bytes())
            }
            Source::Credential(name) => value(&self.credential()?.values, name).and_then(Value::bytes),
            Source::Platform(name) => {
                value(&self.plan.platform.as_ref()?.values, name).and_then(Value::bytes)
            }
            Source::Endpoint(name) => {
                value(&self.route.as_ref()?.endpoint.attributes, name).and_then(Value::bytes)
            }
            Source::Claims(name) => member(Place::Claims, name),
            Source::Header(name) => member(Place::Header, name),
            Source::Token => self.token.map(<[u8]>::to_vec),
        }
    }
}
