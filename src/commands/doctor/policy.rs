//! The policy: whether it can be decided, what it says of the credential that the client would use here and of the slot's
//! login, and what may change that: a keyring, a bundle in the cloud, a variable.

use super::finding::{Finding, FindingId, Severity, Topic};
use crate::commands::judge::Judgement;
use crate::commands::{Bench, CommandError, FILE};
use crate::credential::{Client, Credential};
use crate::home::AuthFile;
use crate::job::Level;
use crate::policy::{
    Ambient, Cloud, CredentialsStore, GateError, Mismatch, Note, Policy, PolicyError, ambient,
};
use crate::relay::RelayError;

const TOPIC: Topic = Topic::Policy;

/// What there is to know of the policy.
pub(super) struct PolicyFacts {
    /// Why there is none.
    unreadable: Option<PolicyError>,
    decided: Option<Decided>,
    /// The variables with a credential, in the client's order.
    variables: Vec<&'static str>,
    /// Whether there is another login that a variable would be used in place of.
    has_login: bool,
    /// The variable that names another address for renewals, and whether that is on this machine.
    sent_elsewhere: Option<(&'static str, bool)>,
}

/// A policy that can be decided.
struct Decided {
    summary: String,
    notes: Vec<Note>,
    credentials_store: CredentialsStore,
    not_read: Option<GateError>,
    judged: Result<Judged, CommandError>,
    /// Why the slot's login may not be used here.
    slot: Option<Mismatch>,
    cloud: Cloud,
}

/// What the policy says of the credentials that the client would come to.
#[derive(Default)]
struct Judged {
    passed_over: Vec<(&'static str, Mismatch)>,
    refused: Option<(&'static str, Mismatch)>,
    /// Why the home's login is not allowed.
    forbidden: Option<Mismatch>,
    active: Option<&'static str>,
}

/// What others have found out already.
pub(super) struct Known<'a> {
    pub(super) file: &'a AuthFile,
    /// The login in the home.
    pub(super) home: Option<&'a Credential>,
    /// The login in the slot.
    pub(super) slot: Option<&'a Credential>,
    /// Where a broker of the home answers: that address is ours.
    pub(super) broker: Option<&'a str>,
}

impl PolicyFacts {
    /// Judges what there is.
    pub(super) fn look(bench: &Bench<'_>, policy: Result<Policy, PolicyError>, known: Known<'_>) -> Self {
        let client = bench.settings.client;
        let has_login = known.home.is_some() || known.slot.is_some();
        let variables =
            ambient(client, bench.environment).into_iter().map(|Ambient { variable, .. }| variable);
        let variables = variables.collect();
        let sent_elsewhere = sent_elsewhere(bench, client, known.broker);
        match policy {
            Err(error) => {
                Self { unreadable: Some(error), decided: None, variables, has_login, sent_elsewhere }
            }
            Ok(policy) => {
                let decided = Decided::of(bench, &policy, &known);
                Self { unreadable: None, decided: Some(decided), variables, has_login, sent_elsewhere }
            }
        }
    }

    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.unreadable.map(|error| Finding::error(TOPIC, error)));
        let is_refused = self.decided.as_ref().is_some_and(Decided::refuses_a_variable);
        findings.extend(self.decided.map(Decided::findings).unwrap_or_default());
        if let Some(variable) = self.variables.first().filter(|_| !is_refused) {
            findings.push(if self.has_login {
                let rival = CommandError::RivalCredential(format!("`{variable}`"));
                Finding::of(TOPIC, Severity::Warning, rival)
            } else {
                let text = format!("the client uses the credential in `{variable}`");
                Finding::new(TOPIC, FindingId::CredentialInVariable, text)
            });
        }
        if let Some((variable, is_loopback)) = self.sent_elsewhere {
            let place = if is_loopback { "another place on this machine" } else { "another machine" };
            let text = format!("`{variable}` has the client send refresh tokens to {place}");
            findings.push(Finding::new(TOPIC, FindingId::RefreshSentElsewhere, text));
        }
        findings
    }
}

/// Its value may have a secret path in it, and is not shown.
fn sent_elsewhere(bench: &Bench<'_>, client: Client, broker: Option<&str>) -> Option<(&'static str, bool)> {
    let variable = client.refresh_override();
    let address = bench.environment.get(variable).filter(|address| Some(address.as_str()) != broker)?;
    let is_loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    Some((variable, is_loopback.iter().any(|prefix| address.starts_with(prefix))))
}

impl Decided {
    fn of(bench: &Bench<'_>, policy: &Policy, known: &Known<'_>) -> Self {
        let judged = Judgement::of(bench, policy, known.file).map(|it| Judged {
            passed_over: it.passed_over,
            refused: it.refused,
            forbidden: it.forbidden.map(|(mismatch, _)| mismatch),
            active: it.active,
        });
        Self {
            summary: summary(policy),
            notes: policy.notes().to_vec(),
            credentials_store: policy.demands().credentials_store,
            not_read: policy.refuse_other_stores().err(),
            judged,
            slot: known.slot.and_then(|login| policy.check(login).err()),
            // The client fetches the bundle with the login that it finds; before it is placed that is the slot's.
            cloud: Cloud::of(policy, known.home.or(known.slot)),
        }
    }

    fn refuses_a_variable(&self) -> bool {
        match &self.judged {
            Ok(judged) => judged.refused.is_some() || !judged.passed_over.is_empty(),
            Err(error) => matches!(error, CommandError::AmbientUnreadable(_)),
        }
    }

    fn findings(self) -> Vec<Finding> {
        let mut findings = vec![Finding::new(TOPIC, FindingId::PolicyFound, self.summary)];
        findings.extend(self.notes.into_iter().map(|note| {
            let is_warning = note.level == Level::Warning;
            let id = if is_warning { FindingId::PolicyNote } else { FindingId::UnknownKeys };
            Finding::new(TOPIC, id, note.text)
        }));
        if self.credentials_store == CredentialsStore::Auto {
            let text = "`cli_auth_credentials_store = \"auto\"`: the client looks into a keyring first";
            findings.push(Finding::new(TOPIC, FindingId::KeyringFirst, text));
        }
        findings.extend(self.not_read.map(|error| Finding::error(TOPIC, CommandError::Gate(error))));
        match self.judged {
            Ok(judged) => findings.extend(judged.findings()),
            Err(error) if is_told_with_the_home(&error) => {}
            Err(error) => findings.push(Finding::error(TOPIC, error)),
        }
        findings.extend(self.slot.map(|mismatch| {
            let mut finding = Finding::error(TOPIC, CommandError::Gate(GateError::Mismatch(mismatch)));
            finding.text.insert_str(0, "the slot's login: ");
            finding
        }));
        if self.cloud == Cloud::NotEvaluated {
            let text = "the workspace's cloud configuration may restrict more; it cannot be read offline";
            findings.push(Finding::new(TOPIC, FindingId::CloudConfiguration, text));
        }
        findings
    }
}

/// A file that is no login, and a client that reads none, have findings of their own.
fn is_told_with_the_home(error: &CommandError) -> bool {
    use RelayError::{Unparsable, Unusable};
    matches!(
        error,
        CommandError::Relay(Unparsable(_) | Unusable(_))
            | CommandError::NotFull(_)
            | CommandError::Gate(GateError::NotRead { .. })
    )
}

impl Judged {
    fn findings(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        // What is passed over does harm only where nothing else is left, and then it is what another verb stops at.
        let mut passed_over = self.passed_over.into_iter();
        if self.active.is_none() && self.refused.is_none() {
            findings.extend(passed_over.next().map(|(variable, mismatch)| {
                Finding::error(TOPIC, CommandError::ForbiddenAmbient { variable, mismatch })
            }));
        }
        findings.extend(passed_over.map(|(variable, mismatch)| {
            let text = format!("the client passes over the credential in `{variable}`: {mismatch}");
            Finding::new(TOPIC, FindingId::PassedOver, text)
        }));
        findings.extend(self.refused.map(|(variable, mismatch)| {
            Finding::error(TOPIC, CommandError::ForbiddenAmbient { variable, mismatch })
        }));
        findings.extend(self.forbidden.map(|mismatch| {
            let is_undecided = mismatch.is_undecided();
            let error = if is_undecided {
                CommandError::Undecidable(mismatch)
            } else {
                CommandError::WouldLogOut(mismatch)
            };
            let mut finding = Finding::error(TOPIC, error);
            finding.text.insert_str(0, &format!("{FILE}: "));
            finding
        }));
        findings
    }
}

fn summary(policy: &Policy) -> String {
    if !policy.is_restricted() {
        return "nothing is restricted".to_owned();
    }
    let methods: Vec<&str> = policy.methods().iter().map(|method| method.name()).collect();
    let mut text = format!("allowed: {}", methods.join(", "));
    if let Some(ids) = policy.workspaces() {
        let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        text.push_str(&format!("; workspaces: {ids}"));
    }
    let sources: Vec<String> = policy.sources().iter().map(ToString::to_string).collect();
    if !sources.is_empty() {
        text.push_str(&format!("; by {}", sources.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;

    fn decided() -> Decided {
        Decided {
            summary: "nothing is restricted".to_owned(),
            notes: Vec::new(),
            credentials_store: CredentialsStore::File,
            not_read: None,
            judged: Ok(Judged { active: Some(FILE), ..Judged::default() }),
            slot: None,
            cloud: Cloud::NotApplicable,
        }
    }

    fn with(change: impl FnOnce(&mut Decided)) -> Vec<String> {
        let mut decided = decided();
        change(&mut decided);
        ids(decided.findings())
    }

    fn facts(decided: Decided, variables: &[&'static str], has_login: bool) -> PolicyFacts {
        let variables = variables.to_vec();
        PolicyFacts { unreadable: None, decided: Some(decided), variables, has_login, sent_elsewhere: None }
    }

    #[test]
    fn what_the_policy_says_is_told_as_other_verbs_tell_it() {
        assert_eq!(with(|_| {}), ["ok policy"]);
        let forbidden =
            |mismatch| with(|it| it.judged = Ok(Judged { forbidden: Some(mismatch), ..Judged::default() }));
        assert_eq!(forbidden(Mismatch::ApiRequired), ["ok policy", "error !WouldLogOut(ApiRequired)"]);
        let undecided = Mismatch::Undecidable { client: Client::Codex, allowed: Vec::new() };
        assert_eq!(forbidden(undecided), ["ok policy", "error !Undecidable(Undecidable"]);
        let slot = with(|it| it.slot = Some(Mismatch::ApiRequired));
        assert_eq!(slot, ["ok policy", "error !Gate(Mismatch(ApiRequired))"]);
        let note = |level| Note { level, text: "`x` does nothing".to_owned() };
        let notes = vec![note(Level::Warning), note(Level::Info)];
        assert_eq!(with(|it| it.notes = notes), ["ok policy", "warning policy-note", "info unknown-keys"]);
        let unreadable = PolicyFacts {
            unreadable: Some(PolicyError::NoManagedConfig),
            decided: None,
            ..facts(decided(), &[], false)
        };
        assert_eq!(ids(unreadable.findings()), ["error !Policy(NoManagedConfig)"]);
    }

    #[test]
    fn what_may_change_the_verdict_is_told() {
        let cloud = with(|it| it.cloud = Cloud::NotEvaluated);
        assert_eq!(cloud, ["ok policy", "info cloud-configuration"]);
        assert_eq!(with(|it| it.cloud = Cloud::CannotChange), ["ok policy"]);
        let auto = with(|it| it.credentials_store = CredentialsStore::Auto);
        assert_eq!(auto, ["ok policy", "info keyring-first"]);
        let keyring = |judged: bool| {
            with(|it| {
                let not_read = || GateError::NotRead { store: "keyring", by: None };
                it.not_read = Some(not_read());
                if judged {
                    it.judged = Err(CommandError::Gate(not_read()));
                }
            })
        };
        for judged in [false, true] {
            assert_eq!(keyring(judged), ["ok policy", "error !Gate(NotRead"], "told once");
        }
    }

    #[test]
    fn a_credential_in_a_variable_is_a_rival_only_to_another_login() {
        let of = |has_login| ids(facts(decided(), &["CODEX_API_KEY"], has_login).findings());
        assert_eq!(of(true), ["ok policy", "warning !RivalCredential("]);
        assert_eq!(of(false), ["ok policy", "info credential-in-variable"]);
        let refused = || Some(("CODEX_API_KEY", Mismatch::ChatgptRequired));
        let judged = |judged| {
            let decided = Decided { judged: Ok(judged), ..decided() };
            ids(facts(decided, &["CODEX_API_KEY"], true).findings())
        };
        let active = Judged { active: Some("CODEX_API_KEY"), refused: refused(), ..Judged::default() };
        assert_eq!(judged(active), ["ok policy", "error !ForbiddenAmbient"]);
        let passed_over: Vec<_> = refused().into_iter().collect();
        let nothing_left = Judged { passed_over: passed_over.clone(), ..Judged::default() };
        assert_eq!(judged(nothing_left), ["ok policy", "error !ForbiddenAmbient"]);
        let file_left = Judged { passed_over, active: Some(FILE), ..Judged::default() };
        assert_eq!(judged(file_left), ["ok policy", "warning credential-passed-over"]);
    }

    #[test]
    fn where_tokens_are_sent_is_told_without_the_address() {
        for (is_loopback, place) in [(true, "another place on this machine"), (false, "another machine")] {
            let mut facts = facts(decided(), &[], true);
            facts.sent_elsewhere = Some(("CODEX_REFRESH_TOKEN_URL_OVERRIDE", is_loopback));
            let found = facts.findings();
            assert!(found[1].text.ends_with(place), "{}", found[1].text);
            assert_eq!(ids(found), ["ok policy", "warning refresh-sent-elsewhere"]);
        }
    }
}
