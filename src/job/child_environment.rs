//! The environment of the command that `run` starts: the caller's, without what is a secret of ours, what would be used
//! in the place of the login that we placed, and what opens the place that our secrets come from. Pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::credential::Client;

/// Ours, and the inputs of an action, which have seeds and keys in them.
const OUR_PREFIXES: [&str; 2] = ["AUTHBATON_", "INPUT_"];

/// Tokens that a CI gives unasked, and with which a job reaches caches, secrets or other clouds.
///
/// What is no secret stays (`ACTIONS_RESULTS_URL`, `ACTIONS_ID_TOKEN_REQUEST_URL`, `RUNNER_TRACKING_ID`, by which the
/// runner finds what the command leaves running), and so does what a person put there (`GITHUB_TOKEN`, Azure's
/// `SYSTEM_ACCESSTOKEN`, GitLab's `id_tokens`). `CI_JOB_TOKEN` stays, too: GitLab writes it into the checkout, where the
/// command has it anyway.
const CI_TOKENS: [&str; 9] = [
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "BITBUCKET_STEP_OIDC_TOKEN",
    "BUILDKITE_AGENT_ACCESS_TOKEN",
    "CI_JOB_JWT",
    "CI_JOB_JWT_V1",
    "CI_JOB_JWT_V2",
    "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2",
];

/// What Codex would use instead of the home's login, or send its tokens to (observed with 0.169.0).
///
/// Not `OPENAI_API_KEY`: Codex takes no login from it, and providers of the user's own and other programs read it.
const CODEX_CREDENTIALS: [&str; 7] = [
    "CODEX_ACCESS_TOKEN",
    "CODEX_API_KEY",
    "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
    "CODEX_REVOKE_TOKEN_URL_OVERRIDE",
    "OPENAI_FEDERATION_RULE_ID",
    "OPENAI_IDENTITY_TOKEN_FILE",
    "OPENAI_WORKLOAD_IDENTITY_CONTEXT",
];

/// The same for LLMX (its source). Not `LITELLM_API_KEY`: without it LLMX sends the home's login to LiteLLM.
const LLMX_CREDENTIALS: [&str; 2] = ["LLMX_API_KEY", "LLMX_REFRESH_TOKEN_URL_OVERRIDE"];

/// Both spellings: which of them a program reads first differs.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
const LOOPBACK: &str = "127.0.0.1";

/// What the command is to find.
#[derive(Clone, Copy)]
pub struct ForChild<'a> {
    /// Whose login it is.
    pub client: Client,
    /// The home that the command uses.
    pub home: &'a Path,
    /// Where the broker answers, if there is one.
    pub broker: Option<&'a str>,
    /// Variables with secrets, by name: `--seed-env`.
    pub secrets: &'a [String],
}

/// A whole environment. What is in it may be secret for others, so it has no `Debug`.
pub struct ChildEnvironment(BTreeMap<OsString, OsString>);

impl ChildEnvironment {
    /// Makes the environment of the command out of ours.
    #[must_use]
    pub fn new(ours: impl IntoIterator<Item = (OsString, OsString)>, wanted: ForChild<'_>) -> Self {
        let ForChild { client, home, broker, .. } = wanted;
        let kept = ours.into_iter().filter(|(name, _)| !is_withheld(name, wanted));
        let mut variables: BTreeMap<OsString, OsString> = kept.collect();
        let ours = for_clients(client, home, broker, |name| variables.get(OsStr::new(name)).cloned());
        variables.extend(ours);
        Self(variables)
    }

    /// Returns every variable.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

fn is_withheld(name: &OsStr, wanted: ForChild<'_>) -> bool {
    let credentials: &[&str] = match wanted.client {
        Client::Codex => &CODEX_CREDENTIALS,
        Client::Llmx => &LLMX_CREDENTIALS,
    };
    let is = |other: &str| name == other;
    OUR_PREFIXES.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        || CI_TOKENS.into_iter().any(is)
        || credentials.iter().copied().any(is)
        || wanted.secrets.iter().any(|secret| is(secret))
}

/// What clients of a home need in their environment, where `there` says what it has already: the home, where its broker
/// answers, and that this is no address for a proxy: it would get what is meant for the broker (observed).
pub fn for_clients(
    client: Client,
    home: &Path,
    broker: Option<&str>,
    there: impl Fn(&str) -> Option<OsString>,
) -> Vec<(OsString, OsString)> {
    let mut variables = vec![(client.home_variable().into(), home.into())];
    if let Some(url) = broker {
        variables.push((client.refresh_override().into(), url.into()));
        variables.extend(spare_loopback(there));
    }
    variables
}

/// Extends both spellings by our address. One that is missing begins as the other: a program that reads it first would
/// otherwise lose what the other says.
fn spare_loopback(there: impl Fn(&str) -> Option<OsString>) -> Vec<(OsString, OsString)> {
    let set = |name: &str| there(name).filter(|value| !value.is_empty());
    let either = NO_PROXY.into_iter().find_map(set);
    let extended = |name| with_loopback(set(name).or_else(|| either.clone()));
    NO_PROXY.into_iter().map(|name| (name.into(), extended(name))).collect()
}

fn with_loopback(value: Option<OsString>) -> OsString {
    let Some(mut value) = value else { return LOOPBACK.into() };
    let text = value.to_string_lossy();
    // A star alone spares everything; beside others some programs take it for a name.
    let is_spared = text.trim() == "*" || text.split(',').any(|entry| entry.trim() == LOOPBACK);
    if !is_spared {
        value.push(",");
        value.push(LOOPBACK);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "/run/home";
    const URL: &str = "http://127.0.0.1:7/secret/oauth/token";

    fn of(client: Client, broker: Option<&str>, ours: &[(&str, &str)]) -> BTreeMap<String, String> {
        let secrets = ["SEED".to_owned()];
        let wanted = ForChild { client, home: Path::new(HOME), broker, secrets: &secrets };
        let ours = ours.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let text = |text: &OsStr| text.to_str().unwrap().to_owned();
        ChildEnvironment::new(ours, wanted).iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn secrets_and_other_logins_are_withheld() {
        let withheld: Vec<&str> =
            [&["AUTHBATON_SEAL_KEY", "AUTHBATON_X", "INPUT_AUTH-JSON", "SEED"] as &[_], &CI_TOKENS].concat();
        for (client, credentials) in
            [(Client::Codex, &CODEX_CREDENTIALS as &[_]), (Client::Llmx, &LLMX_CREDENTIALS)]
        {
            for name in withheld.iter().chain(credentials) {
                let expected = map(&[(client.home_variable(), HOME), ("PATH", "/bin")]);
                let ours = [(*name, "secret"), ("PATH", "/bin"), (client.home_variable(), "/own")];
                assert_eq!(of(client, None, &ours), expected, "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_of_ours_stays() {
        let kept = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x"),
            ("ACTIONS_RESULTS_URL", "https://x"),
            ("CI_JOB_TOKEN", "t"),
            ("GITHUB_TOKEN", "t"),
            ("LITELLM_API_KEY", "k"),
            ("LLMX_API_KEY", "the other client's"),
            ("MY_AUTHBATON_X", ""),
            ("NO_PROXY", "example.com"),
            ("OPENAI_API_KEY", "sk"),
            ("RUNNER_TRACKING_ID", "github_1"),
            ("SEEDLING", "1"),
        ];
        let mut expected = map(&kept);
        expected.insert("CODEX_HOME".to_owned(), HOME.to_owned());
        assert_eq!(of(Client::Codex, None, &kept), expected);
    }

    #[test]
    fn the_broker_is_named_and_spared_from_proxies() {
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
        let table: [Row<'_>; 8] = [
            (&[], "127.0.0.1", "127.0.0.1"),
            (&[("NO_PROXY", "")], "127.0.0.1", "127.0.0.1"),
            (&[("NO_PROXY", "a,b")], "a,b,127.0.0.1", "a,b,127.0.0.1"),
            (&[("no_proxy", "a")], "a,127.0.0.1", "a,127.0.0.1"),
            (&[("NO_PROXY", "a"), ("no_proxy", "b")], "a,127.0.0.1", "b,127.0.0.1"),
            (&[("NO_PROXY", "a, 127.0.0.1 ,b")], "a, 127.0.0.1 ,b", "a, 127.0.0.1 ,b"),
            (&[("NO_PROXY", "127.0.0.10")], "127.0.0.10,127.0.0.1", "127.0.0.10,127.0.0.1"),
            (&[("NO_PROXY", " * ")], " * ", " * "),
        ];
        for (ours, upper, lower) in table {
            let expected = map(&[
                ("CODEX_HOME", HOME),
                ("CODEX_REFRESH_TOKEN_URL_OVERRIDE", URL),
                ("NO_PROXY", upper),
                ("no_proxy", lower),
            ]);
            assert_eq!(of(Client::Codex, Some(URL), ours), expected, "{ours:?}");
        }
        let llmx = of(Client::Llmx, Some(URL), &[("LLMX_REFRESH_TOKEN_URL_OVERRIDE", "http://poisoned")]);
        assert_eq!(llmx.get("LLMX_REFRESH_TOKEN_URL_OVERRIDE").map(String::as_str), Some(URL));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf8_passes_untouched() {
        use std::os::unix::ffi::OsStrExt;
        let odd = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        let wanted =
            ForChild { client: Client::Codex, home: Path::new(HOME), broker: Some(URL), secrets: &[] };
        let ours = [
            (odd(b"N\xff"), odd(b"v\xfe")),
            (odd(b"NO_PROXY"), odd(b"\xfd")),
            (odd(b"AUTHBATON_\xff"), odd(b"1")),
        ];
        let made = ChildEnvironment::new(ours, wanted).0;
        assert_eq!(made.get(&odd(b"N\xff")), Some(&odd(b"v\xfe")));
        assert_eq!(made.get(&odd(b"NO_PROXY")), Some(&odd(b"\xfd,127.0.0.1")));
        assert!(!made.contains_key(&odd(b"AUTHBATON_\xff")));
    }
}
