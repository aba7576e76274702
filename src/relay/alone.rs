//! Without a store the home is the holder: the login stays there whole, as the client keeps it, and is renewed there.
//!
//! What comes back is written beside `auth.json` first, into a place made before the POST; whatever happens then, the
//! next run finds it.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::baton::{TokenHash, UNPROVEN_WAIT};
use crate::credential::{Due, Freshness, FullLogin, Renewal};
use crate::home::{Found, HomeError, LeftInHome, Renewed};
use crate::job::{Deferral, Level, explain};
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
        match refresh_once(around, session, force) {
            Ok(Some(refreshed)) => return Ok(refreshed),
            // Before anything was spent; afterwards it is told as `NotPlaced`.
            Ok(None) | Err(RelayError::Home(HomeError::Changed(_))) => {}
            Err(error) => return Err(error),
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
    let approved = around.gate.approve_login(login_of(&found)?)?;
    let due = match approved.get().lifetime().freshness(around.clock.now(), around.margin) {
        _ if force => Due::Forced,
        Freshness::Due(due) => due,
        Freshness::Fresh => return Ok(Some(Refreshed { login: approved.into_inner(), exchanged: false })),
    };
    let parent = TokenHash::of(approved.get().refresh_token());
    if !force && let Some(kept) = Renewed::kept_reply(&session.file, parent) {
        return Err(RelayError::ReplyKept(kept));
    }
    session.file.preflight()?;
    around.authority.prepare().map_err(ExchangeError::Client)?;
    let place = Renewed::reserve(&session.file, parent)?;
    let deferral = Deferral::begin().map_err(RelayError::Signals)?;
    around.tell(Level::Detail, &format!("exchanging the home's refresh token: {due}"));
    let is_unchanged = || {
        place.touch(around.clock.now())?;
        Ok(session.file.look(around.clock)?.is_same(&found))
    };
    let body = match exchange(around, &approved, due, &deferral, is_unchanged) {
        Ok(Some(body)) => body,
        Ok(None) => {
            drop_place(around, place);
            return Ok(None);
        }
        Err(error) => {
            drop_place(around, place);
            return Err(error);
        }
    };
    // From here on the old token is spent. What came is safe on the disk before anybody is waited for.
    let now = around.clock.now();
    let renewal = match judged(&body, &approved, now) {
        Ok(renewal) => renewal,
        Err(error) => {
            let kept = place.keep_reply(&body)?;
            around.tell(Level::Warning, &format!("the reply is kept in `{}`", kept.display()));
            return Err(error);
        }
    };
    let renewed = approved.renewed(&renewal, now).map_err(ExchangeError::ReplyRefused)?;
    let written = place.write(renewed.get());
    let made = |there: &Found| on(around, there, &renewal, now).unwrap_or_else(|| renewed.clone());
    let whole = |there: &Found| made(there).whole(around.home.client());
    match session.file.place_made(whole, &found, &around.patience(&|_| {})) {
        Ok(()) => {
            drop_place(around, place);
            Ok(Some(Refreshed { login: renewed.into_inner(), exchanged: true }))
        }
        Err(source) => {
            deferral.dismiss();
            match written.or_else(|_| place.write(renewed.get())) {
                Ok(()) => Err(RelayError::NotPlaced { source, kept: place.location() }),
                Err(source) => Err(RelayError::Lost(source)),
            }
        }
    }
}

/// A place that stays is found by whoever comes next; that it stays is no reason to report a failure.
fn drop_place(around: &Surroundings<'_>, place: Renewed) {
    if let Err(error) = place.discard() {
        around.tell(Level::Warning, &format!("a file of ours could not be deleted: {}", explain(&error)));
    }
}

fn judged(body: &[u8], parent: &Approved<FullLogin>, now: DateTime<Utc>) -> Result<Renewal, RelayError> {
    let renewal = Renewal::read(body).map_err(|_| ExchangeError::Unreadable)?;
    parent.renewed(&renewal, now).map_err(ExchangeError::ReplyRefused)?;
    Ok(renewal)
}

/// Applies the reply to the document as it is now, as Codex does: a field that was added meanwhile survives.
fn on(
    around: &Surroundings<'_>,
    there: &Found,
    renewal: &Renewal,
    now: DateTime<Utc>,
) -> Option<Approved<FullLogin>> {
    let approved = around.gate.approve_login(login_of(there).ok()?).ok()?;
    approved.renewed(renewal, now).ok()
}

/// Looks at the home, and places first what an interrupted run has left behind for the token that it holds.
///
/// # Errors
/// When the home has no full login, or what was left cannot be placed.
pub fn recovered(around: &Surroundings<'_>, session: &Session) -> Result<Found, RelayError> {
    let file = &session.file;
    let found = file.look(around.clock)?;
    match &found {
        Found::Credential(credential) if credential.is_access_only() => {
            return Err(RelayError::HolderElsewhere);
        }
        _ => {}
    }
    let parent = TokenHash::of(login_of(&found)?.refresh_token());
    match Renewed::left(file, parent)? {
        LeftInHome::Nothing => {}
        LeftInHome::Blank(made) => {
            wait_for_its_request(around, made);
            Renewed::forget(file, parent)?;
        }
        LeftInHome::Torn => {
            let kept = Renewed::set_aside(file, parent)?;
            return Err(RelayError::ReplyKept(kept));
        }
        LeftInHome::Login(login) => {
            let approved = around.gate.approve_login(*login)?;
            let whole = approved.whole(around.home.client());
            file.place(&whole, &found, &around.patience(&|_| {}))?;
            Renewed::forget(file, parent)?;
            around.tell(Level::Info, "what an interrupted run had renewed was placed");
        }
    }
    let found = file.look(around.clock)?;
    sweep(around, session, &login_of(&found)?)?;
    Ok(found)
}

/// Deletes what has landed; anything else that lies there may be somebody's only copy, and is named.
fn sweep(around: &Surroundings<'_>, session: &Session, held: &FullLogin) -> Result<(), RelayError> {
    for (path, login) in Renewed::all(&session.file)? {
        let landed =
            login.is_some_and(|login| login.refresh_token().expose() == held.refresh_token().expose());
        if landed {
            crate::disk::remove(&path).map_err(HomeError::from)?;
        } else if path.extension().is_none_or(|it| it != "reply") {
            around.tell(Level::Warning, &format!("`{}` is kept: the home has another login", path.display()));
        }
    }
    Ok(())
}

/// A request of a process that is gone may still be on its way: it must not arrive after ours.
fn wait_for_its_request(around: &Surroundings<'_>, made: DateTime<Utc>) {
    let age = (around.clock.now() - made).to_std().unwrap_or_default();
    let wait = UNPROVEN_WAIT.saturating_sub(age);
    if !wait.is_zero() {
        let text = format!("an interrupted request may be under way; waiting {} s", wait.as_secs());
        around.tell(Level::Info, &text);
        around.clock.sleep(wait);
    }
}

/// Returns nothing when `is_unchanged` said no, and nothing was spent.
fn exchange(
    around: &Surroundings<'_>,
    login: &Approved<FullLogin>,
    due: Due,
    deferral: &Deferral,
    is_unchanged: impl FnMut() -> Result<bool, RelayError>,
) -> Result<Option<Zeroizing<Vec<u8>>>, RelayError> {
    let attempts = Attempts {
        authority: around.authority,
        clock: around.clock,
        notices: around.notices,
        timeout: around.timeout,
        deferral,
    };
    match attempts.run(login.get().refresh_token(), due, is_unchanged)? {
        Exchange::Success(body) => Ok(Some(body)),
        Exchange::Dead(reason) => Err(ExchangeError::Dead(reason).into()),
        Exchange::Unauthorized => Err(ExchangeError::Unauthorized.into()),
        Exchange::Failed(error) => Err(error.into()),
        Exchange::Displaced => Ok(None),
    }
}
