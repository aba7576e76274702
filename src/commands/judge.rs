//! Which credential the client would use here, and what the policy says of it: for `enforce` and `status`.
//!
//! The client takes a credential from a variable before it looks at `auth.json`. So the variables are judged first, in
//! its order: one that is allowed ends the matter, one that its own layers do not allow is passed over, and one that it
//! would use and may not is named. Then the file is judged by itself: it is never deleted for a variable's sake.

use crate::credential::{NotFull, Unusable};
use crate::home::{AuthFile, Found};
use crate::policy::{AmbientVerdict, Cloud, Mismatch, Policy, ambient};
use crate::relay::RelayError;

use super::explain_policy::Judged;
use super::{Bench, CommandError, FILE};

/// What came of the walk over the credentials.
#[derive(Default)]
pub(super) struct Judgement {
    /// The variable or the file that the client would use.
    pub(super) active: Option<&'static str>,
    /// Variables with a credential that the client passes over, because it is not allowed.
    pub(super) passed_over: Vec<(&'static str, Mismatch)>,
    /// The variable that the client would use, and may not.
    pub(super) refused: Option<(&'static str, Mismatch)>,
    /// Why the home's login is not allowed, and what it was when we looked.
    pub(super) forbidden: Option<(Mismatch, Found)>,
    /// Whether a cloud bundle may change that.
    pub(super) cloud: Option<Cloud>,
}

impl Judgement {
    /// Judges every credential that the client would come to, up to the first that it would use.
    ///
    /// # Errors
    /// When the client could not read one, or would not come to the file at all.
    pub(super) fn of(bench: &Bench<'_>, policy: &Policy, file: &AuthFile) -> Result<Self, CommandError> {
        let mut judgement = Self::default();
        for (place, found) in ambient(policy.client(), bench.environment).into_iter().enumerate() {
            let variable = found.variable;
            match policy.check_ambient(&found, place == 0) {
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
        match judgement.judge_file(bench, policy, file) {
            // The file is not what the client would use, and no reason to keep quiet about the variable.
            Err(_) if judgement.refused.is_some() => {}
            judged => judged?,
        }
        Ok(judgement)
    }

    fn judge_file(
        &mut self,
        bench: &Bench<'_>,
        policy: &Policy,
        file: &AuthFile,
    ) -> Result<(), CommandError> {
        policy.refuse_other_stores()?;
        let found = file.look(bench.clock)?;
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
                self.cloud = Some(Cloud::of(policy, Some(credential)));
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

    /// Returns it as reports tell it.
    pub(super) fn judged(&self) -> Judged<'_> {
        let of_file = self.forbidden.as_ref().map(|(mismatch, _)| mismatch);
        let mismatch = of_file.or(self.refused.as_ref().map(|(_, mismatch)| mismatch));
        Judged { active: self.active, mismatch, cloud: self.cloud }
    }
}
