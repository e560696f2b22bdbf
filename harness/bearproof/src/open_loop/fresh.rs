//! Requests of one caller to one endpoint, each signed when it is asked for. It must not send them.

use bearproof_conform::entropy::Published;
use bearproof_conform::login::Logins;
use bearproof_conform::subject::Subject;
use bearproof_conform::suite::Variant;
use bearproof_scheme::document::nearest;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Prepared, Signer};
use bearproof_scheme::world::Endpoint;

use crate::clock::system_now;
use crate::marked::agent;

/// Seconds after which a token from a login is looked at again.
const LOOK: u64 = 5;

/// Whose requests go where.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) variant: Variant,
    pub(crate) role: String,
    pub(crate) endpoint: Endpoint,
}

impl Caller {
    /// The caller with this role at an endpoint: the named one, else `read`, else the first that takes requests.
    ///
    /// # Errors
    /// What the profile does not have, or why nothing can be signed, and what to do.
    pub(crate) fn of(variant: &Variant, role: &str, endpoint: Option<&str>) -> Result<Self, String> {
        let (d, world) = (&variant.description, &variant.world);
        let credential = world.credential(role).ok_or_else(|| {
            let near = nearest(role, world.credentials.iter().map(|c| c.role.as_str()));
            format!("the profile has no credential `{role}`\n  help: {near}")
        })?;
        if credential.request.is_some() {
            return Err("only a captured request is here, and each request is to be signed\n  help: give the caller's \
                        key, a captured token, or what a login asks for"
                .into());
        }
        let ordinary = || world.endpoints.iter().filter(|e| d.operation(&e.role).is_none());
        let found = match endpoint {
            Some(name) => ordinary().find(|e| e.role == name).ok_or_else(|| {
                let near = nearest(name, ordinary().map(|e| e.role.as_str()));
                format!("the profile has no endpoint `{name}` that takes requests\n  help: {near}")
            })?,
            None => ordinary()
                .find(|e| e.role == "read")
                .or_else(|| ordinary().next())
                .ok_or("the profile has no endpoint that takes requests")?,
        };
        Ok(Self { variant: variant.clone(), role: role.into(), endpoint: found.clone() })
    }
}

/// Where the requests of a caller come from.
pub(crate) struct Source<'a> {
    pub(crate) caller: Caller,
    /// Id of the run: other runs have other nonces.
    pub(crate) run: &'a str,
    /// Tokens, if nobody here can make one.
    pub(crate) logins: Logins,
    /// Whom a login asks.
    pub(crate) subject: &'a (dyn Subject + Sync),
}

/// What a signer signs with, and how long it is not looked at again.
pub(crate) struct World {
    variant: Variant,
    until: u64,
    /// Tells the signers of a run apart, and so their nonces.
    name: String,
    entropy: Published,
}

impl Source<'_> {
    /// What is needed to sign now, under a name that no other of this run has.
    ///
    /// # Errors
    /// Why a login gave no token.
    pub(crate) fn world(&self, name: String) -> Result<World, String> {
        let Caller { variant, role, .. } = &self.caller;
        let variant = self.logins.logged_in(variant, role, self.run, self.subject)?;
        let entropy = Published::of_run(self.run, &name, 0);
        Ok(World { variant, until: system_now() + LOOK, name, entropy })
    }

    /// A signer.
    ///
    /// # Errors
    /// What can't be signed.
    pub(crate) fn signer<'w>(&'w self, world: &'w World) -> Result<Fresh<'w>, String> {
        let Variant { description, world: held, .. } = &world.variant;
        // Of the profile's world a login changes the token alone.
        let credential = held.credential(&self.caller.role).ok_or("the profile has lost its caller")?;
        let signer = Signer {
            description,
            credential,
            platform: held.platform("primary"),
            now: system_now(),
            entropy: &world.entropy,
        };
        let prepared =
            Prepared::new(&signer, &Draft::of(held, &self.caller.endpoint)).map_err(|e| e.to_string())?;
        Ok(Fresh { prepared, run: self.run, world, made: 0 })
    }
}

/// Signs one request after the other.
pub(crate) struct Fresh<'w> {
    prepared: Prepared<'w>,
    run: &'w str,
    world: &'w World,
    made: usize,
}

impl Fresh<'_> {
    /// Whether its token need not be looked at yet.
    pub(crate) fn is_good(&self) -> bool {
        system_now() < self.world.until
    }

    /// The next request, signed now.
    ///
    /// # Errors
    /// What can't be signed.
    pub(crate) fn next(&mut self) -> Result<Message, String> {
        self.made += 1;
        let entropy = Published::of_run(self.run, &self.world.name, self.made);
        let mut message = self.prepared.sign(system_now(), &entropy).map_err(|e| e.to_string())?.clone();
        if message.request().values("user-agent").next().is_none() {
            message.fields.push(("User-Agent".into(), agent(self.run).into_bytes()));
        }
        Ok(message)
    }
}
