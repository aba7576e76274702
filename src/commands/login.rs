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

/// Reads a credential and places it.
///
/// # Errors
/// When there is none to read, it is malformed, or the policy does not allow it. The file that was there is untouched.
pub fn login(
    bench: &Bench<'_>,
    kind: LoginKind,
    source: &SecretSource,
    allow_account_change: bool,
) -> Result<Report, CommandError> {
    let credential = read_credential(bench, kind, source)?;
    if credential.is_chatgpt() {
        let login = FullLogin::new(&credential).map_err(CommandError::NotFull)?;
        return chatgpt(bench, login, allow_account_change);
    }
    let parts = bench.parts()?;
    let approved = parts.gate.approve(credential).map_err(CommandError::refused(kind))?;
    put(bench, &bench.around(&parts), &approved)?;
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

fn chatgpt(bench: &Bench<'_>, login: FullLogin, allow_account_change: bool) -> Result<Report, CommandError> {
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
            put(bench, &around, &whole)?;
            bench.info("saved; the home holds this login, and nothing else may use a copy of it");
            Ok(report.with("mode", whole.get().mode().name()))
        }
        Holder::Store(store) => {
            let keys = bench.seal_keys()?;
            let relay = bench.relay(&around, &*store, &keys)?;
            let session = around.lock()?;
            relay.recover_journals()?;
            let seeded = relay.seed(&approved, allow_account_change)?;
            // Only what was taken may replace another login: that is what was asked for.
            let placement = match &seeded {
                Seeded::Taken(_) => Placement::Replace,
                Seeded::Known(_) => Placement::Careful,
                Seeded::Older(_) => return Err(RelayError::NotNewer.into()),
            };
            tell_seeded(bench, &seeded);
            let found = session.file().look(bench.clock)?;
            warn_of_loss(bench, &found, &approved.whole(bench.settings.client));
            let placed = relay.place_over(&session, seeded.loaded(), &found, placement)?;
            Ok(report
                .with("mode", placed.get().mode().name())
                .with("seeded", matches!(seeded, Seeded::Taken(_)))
                .with("generation", seeded.loaded().baton().state().generation))
        }
    }
}

/// Replaces whatever is in the home: that is what `login` is asked for, and what the client's own does.
fn put(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    credential: &Approved<Credential>,
) -> Result<(), CommandError> {
    let session = around.lock()?;
    let found = session.file().look(bench.clock)?;
    warn_of_loss(bench, &found, credential);
    session.file().place(credential, &found, &around.patience(&|_| {}))?;
    Sidecar::remove(around.home)?;
    for (path, _) in Renewed::all(session.file())? {
        bench.warn(&format!("`{}` is still in the home: it may be the only copy of a login", path.display()));
    }
    Ok(())
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
