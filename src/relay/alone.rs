//! Without a store the home is the holder: the login stays there whole, as the client keeps it, and is renewed there.
//!
//! What comes back is written beside `auth.json` first, into a place made before the POST; whatever happens then, the
//! next run finds it.

use crate::baton::TokenHash;
use crate::credential::{Due, Freshness, FullLogin, Renewal};
use crate::home::{Found, LeftInHome, Renewed};
use crate::job::{Deferral, Level};
use crate::policy::Approved;

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

/// One run makes no more attempts than this; each but the first needs somebody else to have changed the home.
const MAX_ROUNDS: usize = 4;

/// Renews the login of a home that is the holder, if that is due.
///
/// The client does not know our lock. So the home is looked at before each POST, retries included: a token that the
/// client has spent meanwhile is not sent again, because that would end the login.
///
/// # Errors
/// When there is no full login, it is not allowed, the client could not replace the file, or the authority refuses.
/// [`RelayError::NotPlaced`] when it was renewed and `auth.json` could not take it.
pub fn refresh(around: &Surroundings<'_>, session: &Session, force: bool) -> Result<Refreshed, RelayError> {
    for _ in 0..MAX_ROUNDS {
        if let Some(refreshed) = refresh_once(around, session, force)? {
            return Ok(refreshed);
        }
        around.tell(Level::Info, "the client changed the home's login meanwhile; looking again");
    }
    Err(RelayError::Restless)
}

/// Returns nothing when the home was changed before anything was spent.
fn refresh_once(
    around: &Surroundings<'_>,
    session: &Session,
    force: bool,
) -> Result<Option<Refreshed>, RelayError> {
    let found = recovered(around, session)?;
    let approved = around.policy.approve_login(login_of(&found)?).map_err(RelayError::Policy)?;
    let due = match approved.get().lifetime().freshness(around.clock.now(), around.margin) {
        _ if force => Due::Forced,
        Freshness::Due(due) => due,
        Freshness::Fresh => return Ok(Some(Refreshed { login: approved.into_inner(), exchanged: false })),
    };
    session.file.preflight()?;
    around.authority.prepare().map_err(ExchangeError::Client)?;
    let place = Renewed::reserve(&session.file, TokenHash::of(approved.get().refresh_token()))?;
    let deferral = Deferral::begin().map_err(RelayError::Signals)?;
    around.tell(Level::Detail, &format!("exchanging the home's refresh token: {due}"));
    let is_unchanged = || Ok(session.file.look(around.clock)?.is_same(&found));
    let renewed = match exchange(around, &approved, due, &deferral, is_unchanged) {
        Ok(Some(renewed)) => renewed,
        Ok(None) => {
            place.discard()?;
            return Ok(None);
        }
        Err(error) => {
            place.discard()?;
            return Err(error);
        }
    };
    // From here on the old token is spent. The new one is safe on the disk before anybody is waited for.
    let written = place.write(renewed.get());
    let whole = renewed.whole(around.home.client());
    match session.file.place(&whole, &found, &around.patience(&|_| {})) {
        Ok(()) => {
            place.discard()?;
            Ok(Some(Refreshed { login: renewed.into_inner(), exchanged: true }))
        }
        Err(cause) => {
            deferral.dismiss();
            written?;
            Err(RelayError::NotPlaced { source: cause, kept: place.location() })
        }
    }
}

/// Looks at the home, and places first what an interrupted run has left behind for the token that it holds.
fn recovered(around: &Surroundings<'_>, session: &Session) -> Result<Found, RelayError> {
    let found = session.file.look(around.clock)?;
    match &found {
        Found::Credential(credential) if credential.is_access_only() => {
            return Err(RelayError::HolderElsewhere);
        }
        _ => {}
    }
    let parent = TokenHash::of(login_of(&found)?.refresh_token());
    match Renewed::left(&session.file, parent)? {
        LeftInHome::Nothing => return Ok(found),
        LeftInHome::Blank => {}
        LeftInHome::Login(login) => {
            let approved = around.policy.approve_login(*login).map_err(RelayError::Policy)?;
            let whole = approved.whole(around.home.client());
            session.file.place(&whole, &found, &around.patience(&|_| {}))?;
            around.tell(Level::Info, "what an interrupted run had renewed was placed");
        }
    }
    Renewed::forget(&session.file, parent)?;
    Ok(session.file.look(around.clock)?)
}

/// Returns nothing when `is_unchanged` said no, and nothing was spent.
fn exchange(
    around: &Surroundings<'_>,
    login: &Approved<FullLogin>,
    due: Due,
    deferral: &Deferral,
    is_unchanged: impl FnMut() -> Result<bool, RelayError>,
) -> Result<Option<Approved<FullLogin>>, RelayError> {
    let attempts = Attempts {
        authority: around.authority,
        clock: around.clock,
        notices: around.notices,
        timeout: around.timeout,
        deferral,
    };
    let body = match attempts.run(login.get().refresh_token(), due, is_unchanged)? {
        Exchange::Success(body) => body,
        Exchange::Dead(reason) => return Err(ExchangeError::Dead(reason).into()),
        Exchange::Unauthorized => return Err(ExchangeError::Unauthorized.into()),
        Exchange::Failed(error) => return Err(error.into()),
        Exchange::Displaced => return Ok(None),
    };
    let renewal = Renewal::read(&body).map_err(|_| ExchangeError::Unreadable)?;
    Ok(Some(login.renewed(&renewal, around.clock.now()).map_err(ExchangeError::ReplyRefused)?))
}
