//! Where the cache answers, and by which of its two protocols. Only actions are told; a `run:` step is not.

use url::{Host, Url};
use zeroize::Zeroizing;

use crate::job::Environment;
use crate::store::StoreError;

/// The protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// GitHub.
    V2,
    /// GitHub Enterprise Server, and programs that imitate it.
    V1,
}

/// A service, and what opens it.
pub(super) struct Service {
    pub(super) protocol: Protocol,
    pub(super) base: Url,
    pub(super) token: Zeroizing<String>,
}

impl Service {
    /// Looks which cache the platform offers.
    ///
    /// The variable by which GitHub's own client chooses is not looked at: actions in containers do not have it.
    ///
    /// # Errors
    /// When there is none, or none that a token may be sent to.
    pub(super) fn find(environment: &Environment) -> Result<Self, StoreError> {
        let not_here = |text: &str| StoreError::NotHere(text.to_owned());
        let results = environment.get("ACTIONS_RESULTS_URL");
        let cache = environment.get("ACTIONS_CACHE_URL");
        let (protocol, address) = match (results, cache) {
            (Some(results), _) if !is_enterprise_server(environment) => (Protocol::V2, results),
            (_, Some(cache)) => (Protocol::V1, cache),
            _ => {
                const NONE: &str =
                    "the platform has told nothing of its cache; only an action is told, not a `run:` step";
                return Err(not_here(NONE));
            }
        };
        let token = environment.get("ACTIONS_RUNTIME_TOKEN");
        let token =
            token.ok_or_else(|| not_here("ACTIONS_RUNTIME_TOKEN is not set; only an action gets it"))?;
        let base = address_of(&address)
            .ok_or_else(|| not_here("the cache's address is neither https nor loopback"))?;
        Ok(Self { protocol, base, token })
    }
}

/// Reads the address of a service. A token travels encrypted, or does not leave the machine.
pub(super) fn address_of(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| url.scheme() == "https" || is_plain_loopback(url))
}

/// Whether this is plain HTTP within the machine. A name is not enough: others decide what it stands for.
pub(super) fn is_plain_loopback(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    url.scheme() == "http" && is_loopback
}

fn is_enterprise_server(environment: &Environment) -> bool {
    let Some(server) = environment.get("GITHUB_SERVER_URL") else { return false };
    let url = Url::parse(server.trim()).ok();
    // What has no host is not github.com either.
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_ascii_lowercase();
    !(host == "github.com" || host.ends_with(".ghe.com") || host.ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<(Protocol, String)> {
        let token = ("ACTIONS_RUNTIME_TOKEN", "t");
        let all =
            variables.iter().chain([&token]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let service = Service::find(&Environment::Fixed(all.collect())).ok()?;
        Some((service.protocol, service.base.to_string()))
    }

    #[test]
    fn the_protocol_follows_what_is_offered_and_where() {
        let (results, cache) = (("ACTIONS_RESULTS_URL", "https://r/"), ("ACTIONS_CACHE_URL", "https://c/"));
        let server = |url| ("GITHUB_SERVER_URL", url);
        let v2 = Some((Protocol::V2, "https://r/".to_owned()));
        let v1 = Some((Protocol::V1, "https://c/".to_owned()));
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[results]), v2);
        assert_eq!(found(&[cache]), v1);
        assert_eq!(found(&[results, cache]), v2);
        for ours in ["https://github.com", "https://GitHub.com/", "https://a.ghe.com", "http://a.localhost"] {
            assert_eq!(found(&[results, cache, server(ours)]), v2, "{ours}");
        }
        for theirs in ["https://git.example.com", "https://github.com.example.com", "https://notghe.com", "?"]
        {
            assert_eq!(found(&[results, cache, server(theirs)]), v1, "{theirs}");
            assert_eq!(found(&[results, server(theirs)]), None, "{theirs}");
        }
    }

    #[test]
    fn no_token_is_sent_in_the_clear_to_another_machine() {
        for bad in
            ["http://10.0.0.1/", "http://localhost/", "http://results/", "ftp://127.0.0.1", "results", ""]
        {
            assert_eq!(found(&[("ACTIONS_RESULTS_URL", bad)]), None, "{bad}");
        }
        for good in ["http://127.0.0.1:1/", "http://[::1]:1/", "https://results.example.com/x/"] {
            assert!(found(&[("ACTIONS_RESULTS_URL", good)]).is_some(), "{good}");
        }
    }
}
