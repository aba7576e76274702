//! The login in the home: what it is, when it ends, and whether anybody renews it.

use chrono::{DateTime, SecondsFormat, Utc};

use super::finding::{Finding, FindingId, Severity, Topic};
use crate::commands::{CommandError, report};
use crate::credential::{Credential, Freshness, FullLogin, Margin, NotFull};
use crate::home::{Found, HomeError};
use crate::relay::RelayError;

const TOPIC: Topic = Topic::Home;

/// What there is to know of the login.
pub(super) struct LoginFacts<'a> {
    pub(super) found: &'a Result<Found, HomeError>,
    pub(super) now: DateTime<Utc>,
    pub(super) margin: Margin,
    /// Whether a store holds the login.
    pub(super) has_store: bool,
    /// Whether a broker was seen to serve the home.
    pub(super) has_broker: bool,
}

impl LoginFacts<'_> {
    /// Says what that means. A file that cannot be read at all is told with the home.
    pub(super) fn findings(&self) -> Vec<Finding> {
        match self.found {
            // Nothing of it can be repeated here; whoever reads it again says why.
            Err(_) => Vec::new(),
            Ok(Found::Nothing) => {
                let severity = if self.has_store { Severity::Info } else { Severity::Warning };
                vec![Finding::of(TOPIC, severity, RelayError::NoLogin)]
            }
            Ok(Found::Unparsable(error)) => vec![Finding::error(TOPIC, RelayError::Unparsable(*error))],
            Ok(Found::Unusable(error)) => vec![Finding::error(TOPIC, RelayError::Unusable(*error))],
            Ok(Found::Credential(credential)) => self.of_credential(credential),
        }
    }

    fn of_credential(&self, credential: &Credential) -> Vec<Finding> {
        let lifetime = credential.lifetime();
        let ends = lifetime.and_then(|it| it.expires_at);
        let kind = kind_of(credential);
        let until = ends.map(|at| format!("; its access token ends at {}", when(at))).unwrap_or_default();
        let file = Finding::new(TOPIC, FindingId::AuthJson, format!("auth.json has {kind}{until}"))
            .with("mode", credential.mode().name())
            .with("has_refresh_token", credential.has_refresh_token())
            .with("expires_at", report::time(ends));
        let mut findings = vec![file];
        if credential.has_handle() {
            findings.push(if self.has_broker {
                Finding::new(TOPIC, FindingId::BrokerServes, "a broker serves the home: a run uses it now")
            } else {
                Finding::of(TOPIC, Severity::Warning, CommandError::HomeBrokered)
            });
        }
        let has_ended = ends.is_some_and(|at| at <= self.now);
        if credential.is_access_only() && has_ended {
            let ended = "the access token in the home has ended, and the home cannot renew it";
            findings.push(Finding::new(TOPIC, FindingId::AccessTokenEnded, ended));
        }
        if credential.has_refresh_token() {
            findings.extend(self.of_full_login(credential));
        }
        findings
    }

    fn of_full_login(&self, credential: &Credential) -> Option<Finding> {
        match FullLogin::new(credential) {
            // The client does not renew it, or sends no token, and says nothing.
            Err(error @ (NotFull::NoAccountId | NotFull::NoLastRefresh | NotFull::ExternallyManaged)) => {
                return Some(Finding::of(TOPIC, Severity::Warning, RelayError::NotFull(error)));
            }
            _ if self.has_store => {
                return Some(Finding::of(TOPIC, Severity::Warning, RelayError::HomeOccupied));
            }
            _ => {}
        }
        match credential.lifetime()?.freshness(self.now, self.margin) {
            Freshness::Due(due) => {
                Some(Finding::new(TOPIC, FindingId::RenewalDue, format!("a renewal is due: {due}")))
            }
            Freshness::Fresh => None,
        }
    }
}

fn kind_of(credential: &Credential) -> String {
    let mode = credential.mode().name();
    if credential.has_handle() {
        "a ChatGPT login with the handle of a broker".to_owned()
    } else if credential.is_access_only() {
        "an access-only ChatGPT login".to_owned()
    } else if credential.has_refresh_token() {
        "a full ChatGPT login, refresh token included".to_owned()
    } else {
        format!("a credential of the mode `{mode}`")
    }
}

/// A time as reports show it.
pub(super) fn when(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::ids;
    use super::*;
    use crate::credential::{AuthJson, Client, ParseError, Unusable};
    use crate::testing::jwt;

    const NOW: i64 = 1_800_000_000;

    fn login(refresh: &str, ends_in: i64) -> Value {
        let access = jwt(&json!({"exp": NOW + ends_in, "iat": NOW - 1000}));
        json!({
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": jwt(&json!({"email": "a@example.com"})),
                "access_token": access,
                "refresh_token": refresh,
                "account_id": "acct",
            },
            "last_refresh": "2026-01-01T00:00:00Z",
        })
    }

    fn findings(found: Result<Found, HomeError>, has_store: bool, has_broker: bool) -> Vec<Finding> {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        LoginFacts { found: &found, now, margin: Margin::Default, has_store, has_broker }.findings()
    }

    fn of(document: &Value, has_store: bool, has_broker: bool) -> Vec<String> {
        let document = AuthJson::parse(document.to_string().as_bytes()).unwrap();
        let credential = Credential::new(Client::Codex, document).unwrap();
        ids(findings(Ok(Found::Credential(Box::new(credential))), has_store, has_broker))
    }

    #[test]
    fn who_holds_the_login_decides_what_is_well() {
        const WEEK: i64 = 7 * 86_400;
        let full = login("rt-x", WEEK);
        assert_eq!(of(&full, false, false), ["ok auth-json"]);
        assert_eq!(of(&full, true, false), ["ok auth-json", "warning !Relay(HomeOccupied)"]);
        assert_eq!(of(&login("rt-x", 400), false, false), ["ok auth-json", "info renewal-due"]);
        assert_eq!(of(&login("", WEEK), true, false), ["ok auth-json"]);
        assert_eq!(of(&login("", 1), true, false), ["ok auth-json"]);
        assert_eq!(of(&login("", 0), true, false), ["ok auth-json", "warning access-token-ended"]);
        let handle = login(&format!("abh1_{}", "x".repeat(43)), WEEK);
        assert_eq!(of(&handle, true, true), ["ok auth-json", "info broker-serves"]);
        assert_eq!(of(&handle, true, false), ["ok auth-json", "warning !HomeBrokered"]);
        assert_eq!(of(&json!({"OPENAI_API_KEY": "sk"}), false, false), ["ok auth-json"]);
    }

    #[test]
    fn what_the_client_would_not_renew_in_silence_is_told() {
        let mut login = login("rt-x", 86_400);
        login["tokens"]["account_id"] = Value::Null;
        assert_eq!(of(&login, false, false), ["ok auth-json", "warning !Relay(NotFull(NoAccountId))"]);
        login["tokens"]["account_id"] = "acct".into();
        login["last_refresh"] = Value::Null;
        assert_eq!(of(&login, false, false), ["ok auth-json", "warning !Relay(NotFull(NoLastRefresh))"]);
    }

    #[test]
    fn what_is_no_login_is_told_as_other_verbs_tell_it() {
        let only = |found, has_store| ids(findings(Ok(found), has_store, false));
        assert_eq!(only(Found::Nothing, true), ["info !Relay(NoLogin)"]);
        assert_eq!(only(Found::Nothing, false), ["warning !Relay(NoLogin)"]);
        assert_eq!(only(Found::Unparsable(ParseError::Blank), true), ["error !Relay(Unparsable(Blank))"]);
        assert_eq!(only(Found::Unusable(Unusable::Nothing), true), ["error !Relay(Unusable(Nothing))"]);
    }
}
