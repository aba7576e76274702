//! Where we differ from the client on purpose: what it did, why we do something else, and what that is. A rule looks at
//! what is in a cell, never at its id, and a cell to which one applies is compared with what the rule states.

use crate::{
    cell::{Case, Verb},
    layers::{InForce, PROJECT},
    login::{Login, Place, access_token, sources},
    oracle,
    outcome::{Class, Expected, FORCED_KEYS, Fate, LOGOUTS, Verdict},
    theirs::{Theirs, key_named},
};

/// A deliberate difference.
pub(crate) struct Deviation {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    applies: fn(&Case, &Theirs) -> bool,
    /// What the outcome must look like: a rule that explains anything explains nothing.
    states: fn(&Case, &Expected) -> bool,
}

/// The first that applies is the one.
pub(crate) const DEVIATIONS: [Deviation; 15] = [
    Deviation {
        name: "logout-is-always-possible",
        reason: "a logout deletes one file of ours and needs no policy: it must not fail for one that cannot be read",
        applies: |case, theirs| case.verb() == Verb::Logout && is_complaint(theirs),
        states: |_, it| it.verdict == Some(Verdict::Permitted) && it.fate != Fate::Kept,
    },
    Deviation {
        name: "other-keys-are-the-clients",
        reason: "a wrong type in a key that has nothing to do with logins stops the client, which says so itself",
        applies: |case, theirs| theirs.class == Some(Class::OtherType) && !is_our_key(&key_named(case)),
        states: |_, it| it.verdict != Some(Verdict::Configuration),
    },
    Deviation {
        name: "unknown-keys-are-warned-of",
        reason: "`--strict-config` is an option of the client's run; to us an unknown key is a warning",
        applies: |_, theirs| theirs.class == Some(Class::UnknownKey),
        states: |_, it| it.verdict != Some(Verdict::Configuration),
    },
    Deviation {
        name: "keyring-and-ephemeral-unsupported",
        reason: "the file that we place would be ignored, so nothing is decided over it, and that is said",
        applies: |case, _| {
            let elsewhere = matches!(store(case).as_str(), "keyring" | "ephemeral");
            elsewhere && oracle::ours(case).is_some_and(|it| it.verdict == Some(Verdict::Configuration))
        },
        states: |_, it| {
            it.verdict == Some(Verdict::Configuration) && it.fate != Fate::Removed && it.fate != Fate::Created
        },
    },
    Deviation {
        name: "config-read-asks-for-no-directory",
        reason: "the recorded question names no directory, so the answer leaves the project out; a run there does not",
        applies: |case, _| {
            case.verb() == Verb::ConfigRead
                && case.cell.files.contains_key(PROJECT)
                && InForce::of(case).is_some_and(|it| it.trusted)
        },
        states: |_, it| it.policy.is_some(),
    },
    Deviation {
        name: "status-judges-what-a-run-would-use",
        reason: "`login status` skips CODEX_API_KEY and passes over a variable that a run is stopped for",
        applies: |case, theirs| {
            case.verb() == Verb::Status
                && (case.variable("CODEX_API_KEY").is_some()
                    || (permitted(theirs) && blames_a_variable(case)))
        },
        states: |_, it| it.fate != Fate::Removed,
    },
    Deviation {
        name: "personal-access-token-undecidable",
        reason: "only the authority knows its workspace, and we ask nobody: under a workspace rule it fails closed",
        applies: |case, _| under_workspace_rule(case) && is_personal_access_token(case),
        states: |_, it| it.ids == ["policy-undecidable"] && matches!(it.fate, Fate::Kept | Fate::Absent),
    },
    Deviation {
        name: "refusal-by-the-authority-unseen",
        reason: "only a request tells that a personal access token is refused, and we send none",
        applies: |case, theirs| {
            case.cell.stderr.contains("personal access token metadata request failed")
                || (theirs.hid
                    && matches!(sources(case).first(), Some((_, Login::PersonalAccessToken)))
                    && oracle_permits(case))
        },
        states: |_, it| matches!(it.verdict, Some(Verdict::Permitted | Verdict::Forbidden)),
    },
    Deviation {
        name: "login-takes-no-agent-identity",
        reason: "our `--with-access-token` takes personal access tokens alone",
        applies: |case, theirs| {
            case.verb() == Verb::LoginToken
                && access_token(case.stdin.trim()) != Login::PersonalAccessToken
                && theirs.expected.verdict != Some(Verdict::Configuration)
        },
        states: |_, it| it.verdict == Some(Verdict::NoCredential),
    },
    Deviation {
        name: "broken-login-is-told",
        reason: "the client goes on without a credential, or calls it a login; nobody could work with it",
        applies: |case, theirs| is_broken(case) && !is_complaint(theirs),
        states: |_, it| it.verdict == Some(Verdict::NoCredential) && it.fate != Fate::Removed,
    },
    Deviation {
        name: "environment-mismatch-keeps-the-file",
        reason: "what is wrong is the variable, which we name; a file that is allowed itself is not deleted for it",
        applies: |case, theirs| {
            let forbidden = |class| LOGOUTS.contains(&class) || class == Class::WorkspaceAtLogin;
            is_judged(case)
                && (theirs.hid || theirs.class.is_some_and(forbidden))
                && matches!(sources(case).first(), Some((Place::Variable(_), _)))
                && blames_a_variable(case)
        },
        states: |_, it| it.verdict == Some(Verdict::Forbidden) && it.ids.contains(&"policy-environment"),
    },
    Deviation {
        name: "auto-store-deletes",
        reason: "the client fails to delete for want of a keyring that it never used; the file is what it reads",
        applies: |case, theirs| store(case) == "auto" && theirs.class.is_some_and(|it| LOGOUTS.contains(&it)),
        states: |_, it| it.ids == ["policy-logged-out"] && it.fate == Fate::Removed,
    },
    Deviation {
        name: "hidden-login-is-logged-out",
        reason: "what only `allowed_…` forbids is hidden by the client, whose run then fails with 401; we log out",
        applies: |case, theirs| case.verb() == Verb::Exec && theirs.hid,
        states: |case, it| {
            it.verdict == Some(Verdict::Forbidden)
                && (it.fate == Fate::Removed || !case.cell.setup.is_empty())
        },
    },
    Deviation {
        name: "hidden-but-stopped-elsewhere",
        reason: "`review` wants a repository before it would use the login; what it would hide, we log out",
        applies: |case, theirs| theirs.stopped_elsewhere && !oracle_permits(case),
        states: |_, it| it.verdict == Some(Verdict::Forbidden) && it.fate == Fate::Removed,
    },
    Deviation {
        name: "claim-and-account",
        reason: "the client compares the one here and the other there; we want both to be allowed",
        applies: |case, theirs| {
            under_workspace_rule(case)
                && permitted(theirs)
                && matches!(sources(case).first(), Some((_, Login::Chatgpt { claim, account, .. })) if claim != account)
                && is_judged(case)
                && !oracle_permits(case)
        },
        states: |_, it| {
            it.verdict == Some(Verdict::Forbidden)
                && it.classes.iter().all(|class| LOGOUTS[2..4].contains(class))
        },
    },
];

impl Deviation {
    /// The rule that applies to what the client did, if there is one.
    pub(crate) fn of(case: &Case, theirs: &Theirs) -> Option<&'static Self> {
        DEVIATIONS.iter().find(|it| (it.applies)(case, theirs))
    }

    /// What we do instead.
    ///
    /// # Errors
    /// What comes out is not what the rule states.
    pub(crate) fn instead(&self, case: &Case) -> Result<Expected, String> {
        let expected = oracle::ours(case).ok_or_else(|| format!("{}: nothing to compare with", self.name))?;
        let fits = (self.states)(case, &expected);
        if fits { Ok(expected) } else { Err(format!("{} does not explain {expected:?}", self.name)) }
    }
}

fn is_complaint(theirs: &Theirs) -> bool {
    matches!(
        theirs.expected.verdict,
        Some(Verdict::Configuration | Verdict::NoCredential | Verdict::Forbidden)
    ) && theirs.class.is_some()
}

fn permitted(theirs: &Theirs) -> bool {
    theirs.expected.verdict == Some(Verdict::Permitted)
}

fn is_our_key(key: &str) -> bool {
    FORCED_KEYS.contains(&key) || key.starts_with("allowed_") || key == "cli_auth_credentials_store"
}

fn is_judged(case: &Case) -> bool {
    matches!(case.verb(), Verb::Exec | Verb::Status)
}

fn store(case: &Case) -> String {
    let judged =
        !matches!(case.verb(), Verb::Logout | Verb::LoginArgument | Verb::ConfigRead | Verb::StartupConfig);
    let rules = InForce::of(case).filter(|it| judged && !it.methods().is_empty());
    rules.map(|it| it.store).unwrap_or_default()
}

fn under_workspace_rule(case: &Case) -> bool {
    InForce::of(case)
        .is_some_and(|it| it.workspaces().is_some() && it.methods().iter().any(|method| method == "chatgpt"))
}

/// The login in question: the one that is typed, or the first that is there.
fn is_personal_access_token(case: &Case) -> bool {
    match case.verb() {
        Verb::LoginToken => access_token(case.stdin.trim()) == Login::PersonalAccessToken,
        Verb::Exec | Verb::Status => {
            let rules = InForce::of(case);
            let keys = rules.is_some_and(|it| it.methods().iter().any(|method| method == "api"));
            let hidden = |login: &Login| *login == Login::Key && !keys;
            sources(case)
                .iter()
                .find(|(_, it)| !hidden(it))
                .is_some_and(|(_, it)| *it == Login::PersonalAccessToken)
                && oracle::ours(case).is_some_and(|it| it.ids == ["policy-undecidable"])
        }
        _ => false,
    }
}

/// A login that has nothing to work with, and that we would report as such.
fn is_broken(case: &Case) -> bool {
    let broken =
        |login: &Login| matches!(login, Login::Broken { .. } | Login::Chatgpt { complete: false, .. });
    is_judged(case)
        && sources(case).iter().any(|(_, login)| broken(login))
        && oracle::ours(case).is_some_and(|it| it.verdict == Some(Verdict::NoCredential))
}

fn blames_a_variable(case: &Case) -> bool {
    oracle::ours(case).is_some_and(|it| it.ids.contains(&"policy-environment"))
}

fn oracle_permits(case: &Case) -> bool {
    oracle::ours(case).is_some_and(|it| it.verdict == Some(Verdict::Permitted))
}
