//! What a workspace may have configured in the cloud. Codex fetches that bundle with the login itself; nobody else can,
//! so all there is to say is whether it may matter.

use super::{Layer, Policy};
use crate::credential::Credential;

/// The plans whose workspaces have a bundle (observed with Codex 0.169.0).
const PLANS: [&str; 4] = ["business", "enterprise", "edu", "enterprise_cbp_usage_based"];

/// Whether a cloud bundle may change the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// There is no ChatGPT login of a plan that has one.
    NotApplicable,
    /// There may be one, and it is too weak: the local layers forbid the login, so that it is not even fetched, or set
    /// both keys where a bundle cannot reach.
    CannotChange,
    /// There may be one that restricts more: the verdict is that of the local layers alone.
    NotEvaluated,
}

impl Cloud {
    /// Decides for the login in the home.
    #[must_use]
    pub fn of(policy: &Policy, credential: Option<&Credential>) -> Self {
        let stored = credential.filter(|it| it.is_chatgpt());
        let plan = stored.and_then(Credential::id_claims).and_then(|claims| claims.plan);
        let Some(stored) = stored.filter(|_| plan.is_some_and(|plan| PLANS.contains(&plan.as_str()))) else {
            return Self::NotApplicable;
        };
        let out_of_reach = ["forced_login_method", "forced_chatgpt_workspace_id"].iter().all(|key| {
            // A bundle lies between the system's file and the user's.
            policy.settings().iter().any(|it| it.key == *key && it.source.layer > Layer::System)
        });
        if out_of_reach || policy.check(stored).is_err() { Self::CannotChange } else { Self::NotEvaluated }
    }

    /// Returns its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::CannotChange => "cannot-change",
            Self::NotEvaluated => "not-evaluated",
        }
    }
}
