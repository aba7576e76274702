//! What every verb works with, put together from the settings; nothing is opened, read or built before it is needed.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::authority::Authority;
use crate::baton::{Audience, SealKeys, SlotId};
use crate::credential::Credential;
use crate::disk::{DiskError, Read, read_capped};
use crate::home::{Home, StateDirectory};
use crate::job::{Clock, Environment, Hidden, Job, Level, Notices, for_helper, github};
use crate::policy::{Gate, Layers, Policy};
use crate::relay::{Late, Relay, RelayError, Surroundings};
use crate::store::{Opening, Store, StoreUrl};

use super::secret_input::may_be_secret;
use super::{CommandError, Settings};

/// 32-byte keys take 44 or 64 characters each; a file of keys is not larger than this, in bytes.
const MAX_KEY_FILE_BYTES: usize = 4 * 1024;
/// The variable with the seal keys. Its option names a file, because keys do not belong on a command line.
pub(super) const SEAL_KEY_VARIABLE: &str = "AUTHBATON_SEAL_KEY";

/// A verb's workbench.
pub struct Bench<'a> {
    /// What the options mean.
    pub settings: &'a Settings,
    /// The environment.
    pub environment: &'a Environment,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Whom to tell.
    pub notices: &'a dyn Notices,
    /// Why this run may not write the store, whatever that and the job's platform say.
    pub read_only: Option<String>,
}

/// Who holds the login.
pub(super) enum Holder {
    /// The home itself.
    Home,
    /// A slot of this store.
    Store(Box<dyn Store>),
}

/// The parts that [`Surroundings`] borrows.
pub(super) struct Parts {
    pub(super) home: Home,
    pub(super) gate: Gate,
    authority: Authority,
    job: Job,
}

impl Bench<'_> {
    pub(super) fn home(&self) -> Result<Home, CommandError> {
        Ok(Home::find(self.settings.client, self.settings.home.clone(), self.environment)?)
    }

    pub(super) fn gate(&self, home: &Home) -> Gate {
        let options = self.settings.policy.clone();
        Gate::new(Layers::new(self.settings.client, home.path(), options, self.environment))
    }

    /// Reads the policy for a first look, and says once which keys do nothing.
    pub(super) fn policy(&self, gate: &Gate) -> Result<Policy, CommandError> {
        let policy = gate.policy()?;
        policy.notes().iter().for_each(|note| self.notices.tell(note.level, &note.text));
        Ok(policy)
    }

    pub(super) fn job(&self) -> Job {
        Job::detect(self.environment, self.settings.platform)
    }

    pub(super) fn parts(&self) -> Result<Parts, CommandError> {
        let parts = self.parts_unread()?;
        self.policy(&parts.gate)?;
        Ok(parts)
    }

    /// The same with the policy as it is now.
    pub(super) fn parts_and_policy(&self) -> Result<(Parts, Policy), CommandError> {
        let parts = self.parts_unread()?;
        let policy = self.policy(&parts.gate)?;
        Ok((parts, policy))
    }

    /// For `logout` and `rescue`, which must work when the configuration is broken (they place nothing in a home), and for
    /// whoever reads the policy by himself.
    pub(super) fn parts_unread(&self) -> Result<Parts, CommandError> {
        Ok(self.parts_at(self.home()?))
    }

    /// The same for another home.
    pub(super) fn parts_at(&self, home: Home) -> Parts {
        let settings = self.settings;
        let gate = self.gate(&home);
        let authority = Authority::new(settings.client, settings.authority.clone(), settings.ca_file.clone());
        Parts { home, gate, authority, job: self.job() }
    }

    pub(super) fn around<'a>(&'a self, parts: &'a Parts) -> Surroundings<'a> {
        Surroundings {
            home: &parts.home,
            gate: &parts.gate,
            authority: &parts.authority,
            job: &parts.job,
            clock: self.clock,
            notices: self.notices,
            margin: self.settings.margin,
            lock_timeout: self.settings.lock_timeout,
            timeout: self.settings.timeout,
        }
    }

    /// Returns why this run may not write a store: because somebody said so, or because its platform does.
    pub(super) fn why_read_only(&self) -> Option<String> {
        self.read_only.clone().or_else(|| self.job().trust.read_only().map(str::to_owned))
    }

    fn open(&self, url: &StoreUrl, audience: &Audience) -> Result<Option<Box<dyn Store>>, CommandError> {
        let reason = self.why_read_only();
        let opening = Opening {
            environment: self.environment,
            ca_file: self.settings.ca_file.as_deref(),
            audience,
            masks: self.notices.masks(),
            secrets: &self.settings.secret_variables,
            read_only: reason.as_deref(),
        };
        Ok(url.open(&opening).map_err(RelayError::from)?)
    }

    /// Returns who may open the batons: who was named, else whom the store takes.
    pub(super) fn audience(&self) -> Result<Audience, CommandError> {
        match (&self.settings.audience, &self.settings.store) {
            (Some(audience), _) => Ok(audience.clone()),
            (None, Some(store)) => Ok(store.audience(self.environment).map_err(RelayError::from)?),
            (None, None) => Ok(Audience::default()),
        }
    }

    /// Decides who holds a ChatGPT login. On a CI homes vanish, so there it must be said.
    pub(super) fn holder(&self) -> Result<Holder, CommandError> {
        let opened = match &self.settings.store {
            Some(url) => self.open(url, &self.audience()?)?,
            None if self.job().platform.is_ci() => return Err(CommandError::StoreNotConfigured),
            None => None,
        };
        Ok(opened.map_or(Holder::Home, Holder::Store))
    }

    /// Returns the store that was given, for a rehearsal that writes in it as another audience; none if none was.
    pub(super) fn store_to_rehearse(
        &self,
        audience: &Audience,
    ) -> Result<Option<Box<dyn Store>>, CommandError> {
        let opened = self.settings.store.as_ref().map_or(Ok(None), |url| self.open(url, audience))?;
        match (&opened, self.why_read_only()) {
            // Its jobs have an environment of their own, and would write.
            (Some(_), Some(reason)) => Err(RelayError::ReadOnly(reason).into()),
            _ => Ok(opened),
        }
    }

    /// Returns the variables that the store reads, for a process that uses it in our place. What is not UTF-8 it does without.
    pub(super) fn variables_of_store(&self) -> BTreeMap<String, Zeroizing<String>> {
        let Some(url) = &self.settings.store else { return BTreeMap::new() };
        // Stores of programs need a temporary directory, too.
        let names = url.variables().iter().copied().chain(Job::places());
        let named = names.filter_map(|name| Some((name.to_owned(), self.environment.get(name)?)));
        let mut variables: BTreeMap<_, _> = named.collect();
        if url.needs_whole_environment() {
            // Not ours, and not the seed.
            let all = for_helper(self.environment.all(), &self.settings.secret_variables);
            variables.extend(all.into_iter().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, Zeroizing::new(value.into_string().ok()?)))
            }));
        }
        variables
    }

    /// Returns the store that a verb cannot do without.
    pub(super) fn store(&self, verb: &'static str) -> Result<Box<dyn Store>, CommandError> {
        match self.holder()? {
            Holder::Store(store) => Ok(store),
            Holder::Home => Err(CommandError::StoreNeeded(verb)),
        }
    }

    /// Reads the seal keys: the file that was named, else the variable.
    pub(super) fn seal_keys(&self) -> Result<SealKeys, CommandError> {
        let Some(path) = &self.settings.seal_key_file else {
            let text = self.environment.get(SEAL_KEY_VARIABLE).unwrap_or_default();
            return Ok(SealKeys::parse(&text)?);
        };
        let bytes = match read_capped(path, MAX_KEY_FILE_BYTES) {
            Ok(Read::Content(bytes)) => bytes,
            Ok(Read::Missing) | Err(DiskError::Io { .. }) if may_be_secret(path) => {
                return Err(CommandError::SecretAsName { what: "a file" });
            }
            Ok(Read::Missing) => return Err(CommandError::NoSecretFile(path.clone())),
            Err(error) => return Err(CommandError::SealKeyFile(error)),
        };
        // Not UTF-8 is no key either.
        Ok(SealKeys::parse(std::str::from_utf8(&bytes).unwrap_or("?"))?)
    }

    pub(super) fn relay<'a>(
        &self,
        around: &'a Surroundings<'a>,
        store: &'a dyn Store,
        keys: &'a SealKeys,
    ) -> Result<Relay<'a>, CommandError> {
        let state = StateDirectory::find(self.environment)?;
        let id = SlotId { slot: self.settings.slot.clone(), audience: self.audience()? };
        Ok(Relay { around, store, facts: store.facts()?, keys, id, state, late: Late::default() })
    }

    /// Hides the secrets of a login from all output that follows, where the platform can be asked to.
    pub(super) fn mask(&self, credential: &Credential) {
        let masks = self.notices.masks();
        let secrets = match masks.hidden() {
            Hidden::All => credential.secrets(),
            Hidden::OfJob => credential.secrets_of_a_job(),
        };
        let forms: Vec<_> = secrets.iter().flat_map(|secret| github::mask_forms(secret)).collect();
        masks.hide_all(forms.iter().map(|form| form.as_str()));
    }

    pub(super) fn info(&self, text: &str) {
        self.notices.tell(Level::Info, text);
    }

    pub(super) fn warn(&self, text: &str) {
        self.notices.tell(Level::Warning, text);
    }
}
