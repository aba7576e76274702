//! Without a store the home is the holder: the login stays there whole, as the client keeps it, and is renewed there.
//!
//! Nothing is journaled: the reply goes into the home at once, and that is the only place that may have it.

use crate::credential::{Due, Freshness, FullLogin, Renewal};
use crate::home::Found;
use crate::job::{Deferral, Level};

use super::exchange::{Attempts, Exchange};
use super::{ExchangeError, RelayError, Session, Surroundings};

/// What a refresh of a home came to.
pub struct Refreshed {
    /// What the home holds.
    pub login: FullLogin,
    /// Whether this run exchanged a token.
    pub exchanged: bool,
}

/// Reads the full login that a home holds.
///
/// # Errors
/// When there is none.
pub fn login_of(found: &Found) -> Result<FullLogin, RelayError> {
    match found {
        Found::Nothing => Err(RelayError::NoLogin),
        Found::Unparsable(error) => Err(RelayError::Unparsable(*error)),
        Found::Unusable(error) => Err(RelayError::Unusable(*error)),
        Found::Credential(credential) => FullLogin::new(credential).map_err(RelayError::NotFull),
    }
}

/// Renews the login of a home that is the holder, if that is due.
///
/// # Errors
/// When there is no full login, it is not allowed, the client could not replace the file, or the authority refuses.
pub fn refresh(around: &Surroundings<'_>, session: &Session, force: bool) -> Result<Refreshed, RelayError> {
    let found = session.file.look(around.clock)?;
    if let Found::Credential(credential) = &found
        && credential.is_access_only()
    {
        return Err(RelayError::HolderElsewhere);
    }
    let login = login_of(&found)?;
    let approved = around.policy.approve_login(login).map_err(RelayError::Policy)?;
    let due = match approved.get().lifetime().freshness(around.clock.now(), around.margin) {
        _ if force => Due::Forced,
        Freshness::Due(due) => due,
        Freshness::Fresh => return Ok(Refreshed { login: approved.into_inner(), exchanged: false }),
    };
    session.file.preflight()?;
    around.authority.prepare().map_err(ExchangeError::Client)?;
    let deferral = Deferral::begin().map_err(RelayError::Signals)?;
    let attempts = Attempts {
        authority: around.authority,
        clock: around.clock,
        notices: around.notices,
        timeout: around.timeout,
        deferral: &deferral,
    };
    around.tell(Level::Detail, &format!("exchanging the home's refresh token: {due}"));
    let body = match attempts.run(approved.get().refresh_token(), due, || Ok(true))? {
        Exchange::Success(body) => body,
        Exchange::Dead(reason) => return Err(ExchangeError::Dead(reason).into()),
        Exchange::Unauthorized => return Err(ExchangeError::Unauthorized.into()),
        Exchange::Failed(error) => return Err(error.into()),
        Exchange::Displaced => return Err(RelayError::Restless),
    };
    let renewal = Renewal::read(&body).map_err(|_| ExchangeError::Unreadable)?;
    let renewed = approved.renewed(&renewal, around.clock.now()).map_err(ExchangeError::ReplyRefused)?;
    let credential = renewed.whole(around.home.client());
    session.file.place(&credential, &found, &around.patience(&|_| {}))?;
    Ok(Refreshed { login: renewed.into_inner(), exchanged: true })
}
