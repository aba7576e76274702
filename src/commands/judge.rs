//! Which credential the client would use here, and what the policy says of it: for `enforce` and `status`.
//!
//! The client takes a credential from a variable before it looks at `auth.json`. So the variables are judged first, in
//! its order: one that is allowed ends the matter, one that its own layers do not allow is passed over, and one that it
//! would use and may not is named. Then the file is judged by itself: it is never deleted for a variable's sake.

use crate::credential::{NotFull, Unusable};
use crate::home::{AuthFile, Found};
use crate::policy::{AmbientVerdict, Cloud, Mismatch, Policy, ambient};
use crate::relay::RelayError;

use super::{Bench, CommandError, FILE};

/// What came of the walk over the credentials.
pub(super) struct Judgement {
    /// The variable or the file that the client would use.
    pub(super) active: Option<&'static str>,
    /// Variables with a credential that the client passes over, because it is not allowed.
    pub(super) passed_over: Vec<(&'static str, Mismatch)>,
    /// The variable that the client would use, and may not.
    pub(super) refused: Option<(&'static str, Mismatch)>,
    /// Why the home's login is not allowed, and what it was when we looked.
    pub(super) forbidden: Option<(Mismatch, Found)>,
    /// Whether a cloud bundle may change that. The client fetches it with the login in the home, whatever it uses.
    pub(super) cloud: Cloud,
}

impl Judgement {
    /// Judges every credential that the client would come to, up to the first that it would use.
    ///
    /// # Errors
    /// When the client could not read one, or would not come to the file at all.
    pub(super) fn of(bench: &Bench<'_>, policy: &Policy, file: &AuthFile) -> Result<Self, CommandError> {
        let found = file.look(bench.clock);
        let stored = match &found {
            Ok(Found::Credential(credential)) => Some(&**credential),
            _ => None,
        };
        let mut judgement = Self {
            active: None,
            passed_over: Vec::new(),
            refused: None,
            forbidden: None,
            cloud: Cloud::of(policy, stored),
        };
        for (place, ambient) in ambient(policy.client(), bench.environment).into_iter().enumerate() {
            let variable = ambient.variable;
            match policy.check_ambient(&ambient, place == 0) {
                AmbientVerdict::Allowed => return Ok(Self { active: Some(variable), ..judgement }),
                AmbientVerdict::PassedOver(mismatch) => judgement.passed_over.push((variable, mismatch)),
                AmbientVerdict::Unreadable => return Err(CommandError::AmbientUnreadable(variable)),
                AmbientVerdict::Forbidden(mismatch) => {
                    let is_undecided = mismatch.is_undecided();
                    judgement.active = Some(variable);
                    judgement.refused = Some((variable, mismatch));
                    // Should the variable turn out to be allowed, the client would never come to the file.
                    if is_undecided {
                        return Ok(judgement);
                    }
                    break;
                }
            }
        }
        let judged = policy
            .refuse_other_stores()
            .map_err(CommandError::from)
            .and_then(|()| judgement.judge_file(policy, found?));
        match judged {
            // The file is not what the client would use, and no reason to keep quiet about the variable.
            Err(_) if judgement.refused.is_some() => {}
            judged => judged?,
        }
        Ok(judgement)
    }

    fn judge_file(&mut self, policy: &Policy, found: Found) -> Result<(), CommandError> {
        let unusable = |error: Unusable| CommandError::from(RelayError::Unusable(error));
        let verdict = match &found {
            Found::Nothing => return Ok(()),
            Found::Unparsable(error) => return Err(RelayError::Unparsable(*error).into()),
            // A login without tokens and a blank key are credentials to the client, and forbidden as such.
            Found::Unusable(error @ Unusable::Nothing) => match policy.check_incomplete() {
                Ok(()) => return Err(unusable(*error)),
                Err(mismatch) => Err(mismatch),
            },
            Found::Unusable(Unusable::BlankApiKey) => policy.check_blank_key(),
            Found::Unusable(error) => return Err(unusable(*error)),
            Found::Credential(credential) => {
                let is_complete = !credential.is_chatgpt() || credential.last_refresh().is_some();
                match policy.check_file(credential) {
                    Ok(()) if !is_complete => return Err(CommandError::NotFull(NotFull::NoLastRefresh)),
                    verdict => verdict,
                }
            }
        };
        self.active = self.active.or(Some(FILE));
        self.forbidden = verdict.err().map(|mismatch| (mismatch, found));
        Ok(())
    }

    /// Returns what is not allowed, and where it is: what the client would use first.
    pub(super) fn mismatches(&self) -> impl Iterator<Item = (&'static str, &Mismatch)> {
        let of_file = self.forbidden.as_ref().map(|(mismatch, _)| (FILE, mismatch));
        let of_variable = self.refused.as_ref().map(|(variable, mismatch)| (*variable, mismatch));
        // What is passed over is told only where nothing else is left.
        let none_left = self.active.is_none();
        let passed_over =
            self.passed_over.iter().filter(move |_| none_left).map(|(name, mismatch)| (*name, mismatch));
        of_variable.into_iter().chain(of_file).chain(passed_over)
    }

    /// Returns why the login in the home has to go, and what it was when we looked.
    pub(super) fn must_go(&self) -> Option<(&Mismatch, &Found)> {
        let (mismatch, found) = self.forbidden.as_ref()?;
        (!mismatch.is_undecided()).then_some((mismatch, found))
    }
}
