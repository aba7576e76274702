//! Which credential the client would use here, and what the policy says of it: for `enforce` and `status`.
//!
//! The client takes a credential from a variable before it looks at `auth.json`. So the variables are judged first, in
//! its order; one that is allowed ends the matter, one that is not is named, and the walk goes on.

use crate::credential::Unusable;
use crate::home::{AuthFile, Found};
use crate::job::explain;
use crate::policy::{AmbientVerdict, Cloud, Mismatch, Policy, ambient};
use crate::relay::RelayError;

use super::explain_policy::Judged;
use super::{Bench, CommandError, FILE};

/// What came of the walk over the credentials.
pub(super) struct Judgement {
    /// The variable or the file that the client would use.
    pub(super) active: Option<&'static str>,
    /// Variables with a credential that is not allowed.
    pub(super) refused: Vec<(&'static str, Mismatch)>,
    /// Why the home's login is not allowed, and what it was when we looked.
    pub(super) forbidden: Option<(Mismatch, Found)>,
    /// Whether a cloud bundle may change that.
    pub(super) cloud: Option<Cloud>,
}

impl Judgement {
    /// Judges every credential that the client would come to, up to the first that is allowed. Where nothing is
    /// restricted, the client looks at none of them before it uses one, and one that it cannot read is no error here.
    ///
    /// # Errors
    /// When the client could not read one, or would not come to the file at all.
    pub(super) fn of(bench: &Bench<'_>, policy: &Policy, file: &AuthFile) -> Result<Self, CommandError> {
        let mut judgement = Self { active: None, refused: Vec::new(), forbidden: None, cloud: None };
        for found in ambient(policy.client(), bench.environment) {
            judgement.active = judgement.active.or(Some(found.variable));
            match policy.check_ambient(&found) {
                AmbientVerdict::Allowed => return Ok(judgement),
                AmbientVerdict::Forbidden(mismatch) => judgement.refused.push((found.variable, mismatch)),
                AmbientVerdict::Unreadable if !policy.is_restricted() => return Ok(judgement),
                AmbientVerdict::Unreadable => return Err(CommandError::AmbientUnreadable(found.variable)),
            }
        }
        match policy.refuse_other_stores() {
            Err(error) if judgement.refused.is_empty() && policy.is_restricted() => return Err(error.into()),
            // The client never comes to the file. What it came to before is told.
            Err(error) => {
                bench.warn(&explain(&error));
                return Ok(judgement);
            }
            Ok(()) => {}
        }
        let found = file.look(bench.clock)?;
        let verdict = match &found {
            Found::Nothing => return Ok(judgement),
            Found::Unparsable(_) | Found::Unusable(_) if !policy.is_restricted() => return Ok(judgement),
            Found::Unparsable(error) => return Err(RelayError::Unparsable(*error).into()),
            // Without tokens it is a ChatGPT login all the same, and the client forbids it as one.
            Found::Unusable(error @ Unusable::Nothing) => match policy.check_incomplete() {
                Ok(()) => return Err(RelayError::Unusable(*error).into()),
                Err(mismatch) => Err(mismatch),
            },
            Found::Unusable(error) => return Err(RelayError::Unusable(*error).into()),
            Found::Credential(credential) => {
                judgement.cloud = Some(Cloud::of(policy, Some(credential)));
                policy.check_file(credential)
            }
        };
        judgement.active = judgement.active.or(Some(FILE));
        judgement.forbidden = verdict.err().map(|mismatch| (mismatch, found));
        Ok(judgement)
    }

    /// Returns it as reports tell it.
    pub(super) fn judged(&self) -> Judged<'_> {
        let of_file = self.forbidden.as_ref().map(|(mismatch, _)| mismatch);
        let mismatch = of_file.or_else(|| self.refused.first().map(|(_, mismatch)| mismatch));
        Judged { active: self.active, mismatch, cloud: self.cloud }
    }
}
