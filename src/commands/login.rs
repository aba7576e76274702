//! `login`: takes a credential from stdin or a file into the home. A ChatGPT login goes into the slot where there is a
//! store, and the home gets the access-only form.

use crate::credential::{self, Client, Credential, FullLogin, InputError};
use crate::home::{Found, Renewed, Sidecar};
use crate::policy::Approved;
use crate::relay::{Placement, RelayError, Seeded, Surroundings};

use super::bench::Holder;
use super::offer::tell_seeded;
use super::report::time;
use super::{Bench, CommandError, Report, SecretSource};

/// What `login` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKind {
    /// `--with-api-key`.
    ApiKey,
    /// `--with-access-token`.
    AccessToken,
    /// `--with-auth-json`.
    AuthJson,
}

impl LoginKind {
    fn what(self) -> &'static str {
        match self {
            Self::ApiKey => "the API key",
            Self::AccessToken => "the access token",
            Self::AuthJson => "the auth.json",
        }
    }
}

/// The options of `login`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoginOptions {
    /// `--allow-account-change`.
    pub allow_account_change: bool,
    /// `--no-replace`.
    pub no_replace: bool,
}

/// Reads a credential and places it.
///
/// # Errors
/// When there is none to read, it is malformed, or the policy does not allow it. The file that was there is untouched.
/// A login that a store took is taken, whatever the home does: [`CommandError::TakenNotPlaced`] alone says that.
pub fn login(
    bench: &Bench<'_>,
    kind: LoginKind,
    source: &SecretSource,
    options: LoginOptions,
) -> Result<Report, CommandError> {
    let credential = read_credential(bench, kind, source)?;
    if credential.is_chatgpt() {
        let login = FullLogin::new(&credential).map_err(CommandError::NotFull)?;
        return chatgpt(bench, login, options);
    }
    let parts = bench.parts()?;
    let approved = parts.gate.approve(credential).map_err(CommandError::refused(kind))?;
    put(bench, &bench.around(&parts), &approved, options)?;
    bench.info("saved; authentication is checked when a request is sent");
    Ok(Report::default()
        .with("mode", approved.get().mode().name())
        .with("home", parts.home.path().display().to_string()))
}

/// Reads a credential of a kind.
pub(super) fn read_credential(
    bench: &Bench<'_>,
    kind: LoginKind,
    source: &SecretSource,
) -> Result<Credential, CommandError> {
    let what = kind.what();
    let bytes = bench.read_secret(source, what)?;
    let wrong = |problem: InputError| CommandError::Input { what, problem };
    let client = bench.settings.client;
    let credential = match kind {
        LoginKind::ApiKey => {
            let key = credential::api_key(&bytes).map_err(wrong)?;
            Credential::of_api_key(client, &key)
        }
        LoginKind::AccessToken if client == Client::Llmx => return Err(CommandError::NotForLlmx),
        LoginKind::AccessToken => {
            let token = credential::personal_access_token(&bytes).map_err(wrong)?;
            Credential::of_personal_access_token(&token)
        }
        LoginKind::AuthJson => {
            let document = credential::auth_json(&bytes).map_err(wrong)?;
            Credential::new(client, document).map_err(CommandError::Unusable)?
        }
    };
    bench.mask(&credential);
    Ok(credential)
}

fn chatgpt(bench: &Bench<'_>, login: FullLogin, options: LoginOptions) -> Result<Report, CommandError> {
    let holder = bench.holder()?;
    let parts = bench.parts()?;
    let around = bench.around(&parts);
    let approved = parts.gate.approve_login(login).map_err(CommandError::refused(LoginKind::AuthJson))?;
    let report = Report::default()
        .with("home", parts.home.path().display().to_string())
        .with("account_id", approved.get().identity().account_id)
        .with("expires_at", time(approved.get().lifetime().expires_at));
    match holder {
        Holder::Home => {
            let whole = approved.whole(bench.settings.client);
            put(bench, &around, &whole, options)?;
            bench.info("saved; the home holds this login, and nothing else may use a copy of it");
            Ok(report.with("mode", whole.get().mode().name()))
        }
        Holder::Store(store) => {
            let keys = bench.seal_keys()?;
            let relay = bench.relay(&around, &*store, &keys)?;
            let session = around.lock()?;
            let whole = approved.whole(bench.settings.client);
            // Before the slot takes it, so that it need not be said afterwards.
            refuse_other(&session.file().look(bench.clock)?, &whole, options)?;
            session.file().preflight()?;
            relay.recover_journals()?;
            let seeded = relay.seed(&approved, options.allow_account_change)?.or_kept(&approved)?;
            tell_seeded(bench, &seeded);
            let found = session.file().look(bench.clock).map_err(taken)?;
            // The same login in the home would be a second holder of what the slot has by now.
            let is_second = matches!(&found, Found::Credential(there) if there.is_same_login(whole.get()));
            // Only what was taken may replace another login: that is what was asked for.
            let is_asked_for = matches!(seeded, Seeded::Taken(_)) && !options.no_replace;
            let placement = if is_second || is_asked_for { Placement::Replace } else { Placement::Careful };
            warn_of_loss(bench, &found, &whole);
            let placed = relay.place_over(&session, seeded.loaded(), &found, placement).map_err(taken)?;
            Ok(report
                .with("mode", placed.get().mode().name())
                .with("seeded", matches!(seeded, Seeded::Taken(_)))
                .with("saved", matches!(seeded, Seeded::Taken(_)))
                .with("generation", seeded.loaded().baton().state().generation))
        }
    }
}

/// Replaces whatever is in the home: that is what `login` is asked for, and what the client's own does.
fn put(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    credential: &Approved<Credential>,
    options: LoginOptions,
) -> Result<(), CommandError> {
    let session = around.lock()?;
    let found = session.file().look(bench.clock)?;
    refuse_other(&found, credential, options)?;
    warn_of_loss(bench, &found, credential);
    session.file().place(credential, &found, &around.patience(&|_| {}))?;
    Sidecar::remove(around.home)?;
    for (path, _) in Renewed::all(session.file())? {
        bench.warn(&format!("`{}` is still in the home: it may be the only copy of a login", path.display()));
    }
    Ok(())
}

/// With `--no-replace`, refuses a home that has something to lose. The same login once more is no other: who repeats a
/// command because its answer was lost is answered.
fn refuse_other(
    found: &Found,
    new: &Approved<Credential>,
    options: LoginOptions,
) -> Result<(), CommandError> {
    let is_free = match found {
        Found::Nothing => true,
        Found::Credential(there) => there.is_placed_copy() || there.is_same_login(new.get()),
        Found::Unparsable(_) | Found::Unusable(_) => false,
    };
    if is_free || !options.no_replace { Ok(()) } else { Err(RelayError::HomeOccupied.into()) }
}

/// What went wrong with the home after the slot had the login. Whoever sent it must know that it is not theirs any more.
fn taken(error: impl Into<RelayError>) -> CommandError {
    match error.into() {
        error @ (RelayError::Home(_) | RelayError::HomeOccupied) => CommandError::TakenNotPlaced(error),
        error => error.into(),
    }
}

fn warn_of_loss(bench: &Bench<'_>, found: &Found, new: &Approved<Credential>) {
    if let Found::Credential(old) = found
        && old.has_refresh_token()
        && !old.is_same_login(new.get())
    {
        let text =
            "a ChatGPT login is replaced; it was not revoked, and its refresh token is gone from this home";
        bench.warn(text);
    }
}
