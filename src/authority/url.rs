//! The authority's address. Plain HTTP only on loopback, for rehearsals.

use ::url::{Host, Url};

/// The base address of an authority; its endpoints are `/oauth/token` and `/oauth/revoke` below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityUrl(Url);

/// Why a text is no authority's address. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityUrlError {
    /// Not a URL.
    #[error("it is not a URL")]
    NotAUrl,
    /// Plain HTTP to another machine.
    #[error("it must be https, or http on loopback")]
    Insecure,
    /// A user, password, query or fragment in it.
    #[error("it has a user, a query or a fragment, and takes none")]
    Decorated,
}

impl AuthorityUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// When a refresh token should not be sent there.
    pub fn parse(text: &str) -> Result<Self, AuthorityUrlError> {
        let url = Url::parse(text).map_err(|_| AuthorityUrlError::NotAUrl)?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(AuthorityUrlError::NotAUrl),
        };
        if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
            return Err(AuthorityUrlError::Insecure);
        }
        let decorated = !url.username().is_empty() || url.password().is_some();
        if decorated || url.query().is_some() || url.fragment().is_some() {
            return Err(AuthorityUrlError::Decorated);
        }
        Ok(Self(url))
    }

    /// Returns whether it is plain HTTP, which is only ever loopback.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    pub(super) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses() {
        for good in
            ["https://auth.openai.com", "http://127.0.0.1:80", "http://localhost:1/x/", "http://[::1]:1"]
        {
            assert!(AuthorityUrl::parse(good).is_ok(), "{good}");
        }
        let table = [
            ("auth.openai.com", AuthorityUrlError::NotAUrl),
            ("http://auth.openai.com", AuthorityUrlError::Insecure),
            ("http://127.0.0.1.example.com", AuthorityUrlError::Insecure),
            ("ftp://127.0.0.1", AuthorityUrlError::Insecure),
            ("https://user@host", AuthorityUrlError::Decorated),
            ("https://host?x=1", AuthorityUrlError::Decorated),
        ];
        for (bad, expected) in table {
            assert_eq!(AuthorityUrl::parse(bad), Err(expected), "{bad}");
        }
        let url = AuthorityUrl::parse("http://localhost:1/x/").unwrap();
        assert_eq!(url.endpoint("/oauth/token"), "http://localhost:1/x/oauth/token");
    }
}
