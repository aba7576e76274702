//! `git:URL#REF`: which repository and which ref, checked before git sees either. No word of a person reaches git as an
//! option, as another transport, or with a secret in it.

use url::{Host, Url};

use crate::baton::SlotName;

/// Where slots rest unless a ref is named.
const DEFAULT_REF: &str = "refs/authbaton/*";
const MAX_BYTES: usize = 1024;

/// A repository, and the ref of each slot in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitUrl {
    remote: String,
    transport: Transport,
    /// A `*` in it stands for the slot.
    reference: String,
}

/// How git talks to the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// A directory of this machine.
    Path,
    /// HTTPS, or HTTP on loopback, with the origin in the form `https://host:1/`.
    Http(Url),
    /// SSH.
    Ssh,
}

/// Why a text names no repository of ours. The text itself is not repeated: it may have a secret in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitUrlError {
    /// Neither an address that git knows nor an absolute path.
    #[error(
        "`git:` needs `https://…`, `ssh://…`, `user@host:path` or an absolute path, and nothing that git could \
         take for an option, a query or another transport"
    )]
    NotARepository,
    /// Without TLS, and not on this machine.
    #[error("`git:` takes `http://` on loopback only")]
    Plain,
    /// A user name with HTTP, or a password anywhere: everybody could read it.
    #[error(
        "a git address with a user name or a password in it is refused: give a token by AUTHBATON_GIT_TOKEN, or use \
         git's credential helpers"
    )]
    Credential,
    /// No ref of git.
    #[error(
        "behind `#` stands the whole name of a ref, as in `refs/heads/authbaton/*`, where `*` is the slot"
    )]
    NotARef,
}

impl GitUrl {
    /// Reads what stands behind `git:`.
    ///
    /// # Errors
    /// When git could understand something else by it than a repository and a ref.
    pub fn parse(text: &str) -> Result<Self, GitUrlError> {
        let (remote, reference) = match text.rsplit_once('#') {
            Some((remote, reference)) => (remote, reference),
            None => (text, DEFAULT_REF),
        };
        if !is_reference(reference) {
            return Err(GitUrlError::NotARef);
        }
        let odd = |character: char| character.is_control() || character.is_whitespace() || character == '\\';
        if remote.len() > MAX_BYTES || remote.contains(odd) || remote.contains('#') {
            return Err(GitUrlError::NotARepository);
        }
        let (remote, transport) = repository(remote)?;
        Ok(Self { remote, transport, reference: reference.to_owned() })
    }

    /// Returns the repository as git is told of it.
    pub(super) fn remote(&self) -> &str {
        &self.remote
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns the ref of a slot. A dot is spelled out: git has rules for dots (`a..b`, `a.lock`), slots have none.
    pub(super) fn reference(&self, slot: &SlotName) -> String {
        self.reference.replace('*', &slot.as_str().replace('.', "%2E"))
    }
}

impl std::fmt::Display for GitUrl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "git:{}#{}", self.remote, self.reference)
    }
}

fn repository(text: &str) -> Result<(String, Transport), GitUrlError> {
    let path = text.strip_prefix("file://").unwrap_or(text);
    if path.starts_with('/') {
        if path.starts_with("//") {
            // `git://host/path` without its scheme: nobody means a directory by it.
            return Err(GitUrlError::NotARepository);
        }
        return Ok((path.to_owned(), Transport::Path));
    }
    match text.split_once("://") {
        Some(("https" | "http", _)) => http(text),
        Some(("ssh", _)) => ssh(text),
        Some(_) => Err(GitUrlError::NotARepository),
        None => short_ssh(text),
    }
}

fn http(text: &str) -> Result<(String, Transport), GitUrlError> {
    let url = Url::parse(text).map_err(|_| GitUrlError::NotARepository)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(GitUrlError::Credential);
    }
    if url.query().is_some() {
        return Err(GitUrlError::NotARepository);
    }
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err(GitUrlError::NotARepository),
    };
    if url.scheme() == "http" && !loopback {
        return Err(GitUrlError::Plain);
    }
    let mut origin = url.clone();
    origin.set_path("/");
    // As this parser reads it, not as it was typed: git gets no other idea of the host.
    Ok((url.into(), Transport::Http(origin)))
}

fn ssh(text: &str) -> Result<(String, Transport), GitUrlError> {
    let url = Url::parse(text).map_err(|_| GitUrlError::NotARepository)?;
    if url.password().is_some() {
        return Err(GitUrlError::Credential);
    }
    let fits = is_user_or_none(url.username())
        && url.host_str().is_some_and(is_host)
        && url.query().is_none()
        && url.path().len() > 1
        && !url.path().starts_with("/-");
    if fits { Ok((url.into(), Transport::Ssh)) } else { Err(GitUrlError::NotARepository) }
}

/// `user@host:path`, as git hosts show it.
fn short_ssh(text: &str) -> Result<(String, Transport), GitUrlError> {
    let fits = text.split_once(':').is_some_and(|(place, path)| {
        let host = place.split_once('@').filter(|(user, host)| is_user_or_none(user) && is_host(host));
        // `host::path` would name a transport.
        host.is_some() && !path.is_empty() && !path.starts_with(['-', ':'])
    });
    if fits { Ok((text.to_owned(), Transport::Ssh)) } else { Err(GitUrlError::NotARepository) }
}

fn is_user_or_none(text: &str) -> bool {
    text.is_empty() || is_host(text)
}

/// Nothing that ssh could take for an option or a shell for a command.
fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(allowed)
}

/// A part of what `git check-ref-format` allows, and one `*` at most.
fn is_reference(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/*".contains(&byte);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    text.len() <= 200
        && text.starts_with("refs/")
        && text.bytes().all(allowed)
        && text.split('/').all(part)
        && text.split('/').count() > 2
        && !text.contains("..")
        && !text.ends_with('.')
        && text.matches('*').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_and_what_is_none() {
        let table = [
            ("/srv/store.git", Ok("/srv/store.git")),
            ("file:///srv/store.git", Ok("/srv/store.git")),
            ("https://Example.com/a/b.git", Ok("https://example.com/a/b.git")),
            ("https://example.com:443/a", Ok("https://example.com/a")),
            ("http://127.0.0.1:8080/a", Ok("http://127.0.0.1:8080/a")),
            ("http://[::1]:8080/a", Ok("http://[::1]:8080/a")),
            ("http://localhost/a", Ok("http://localhost/a")),
            ("ssh://git@example.com:22/a/b.git", Ok("ssh://git@example.com:22/a/b.git")),
            ("ssh://example.com/a", Ok("ssh://example.com/a")),
            ("git@github.com:owner/repo.git", Ok("git@github.com:owner/repo.git")),
            ("", Err(GitUrlError::NotARepository)),
            ("store.git", Err(GitUrlError::NotARepository)),
            ("./store.git", Err(GitUrlError::NotARepository)),
            ("~/store.git", Err(GitUrlError::NotARepository)),
            ("file://host/srv", Err(GitUrlError::NotARepository)),
            ("http://example.com/a", Err(GitUrlError::Plain)),
            ("http://127.0.0.1.example.com/a", Err(GitUrlError::Plain)),
            ("http://localhost.example.com/a", Err(GitUrlError::Plain)),
            ("//example.com/a", Err(GitUrlError::NotARepository)),
            ("git://example.com/a", Err(GitUrlError::NotARepository)),
            ("ftp://example.com/a", Err(GitUrlError::NotARepository)),
            ("https://token@example.com/a", Err(GitUrlError::Credential)),
            ("https://user:word@example.com/a", Err(GitUrlError::Credential)),
            ("https://:word@example.com/a", Err(GitUrlError::Credential)),
            ("ssh://git:word@example.com/a", Err(GitUrlError::Credential)),
            ("https://example.com/a?token=x", Err(GitUrlError::NotARepository)),
            ("https://example.com\\@evil.example/a", Err(GitUrlError::NotARepository)),
            ("https:///a", Ok("https://a/")),
            ("--upload-pack=touch /tmp/x", Err(GitUrlError::NotARepository)),
            ("-oProxyCommand=x@host:path", Err(GitUrlError::NotARepository)),
            ("ext::sh -c x", Err(GitUrlError::NotARepository)),
            ("ext::sh", Err(GitUrlError::NotARepository)),
            ("fd::17/a", Err(GitUrlError::NotARepository)),
            ("a@ext::sh", Err(GitUrlError::NotARepository)),
            ("https::https://example.com/a", Err(GitUrlError::NotARepository)),
            ("ssh://-oProxyCommand=x/a", Err(GitUrlError::NotARepository)),
            ("ssh://-x@host/a", Err(GitUrlError::NotARepository)),
            ("ssh://host/-x", Err(GitUrlError::NotARepository)),
            ("git@-host:a", Err(GitUrlError::NotARepository)),
            ("git@host:-a", Err(GitUrlError::NotARepository)),
            ("git@ho$(x)st:a", Err(GitUrlError::NotARepository)),
            ("git@host:", Err(GitUrlError::NotARepository)),
            ("/a\nb", Err(GitUrlError::NotARepository)),
        ];
        for (text, expected) in table {
            let parsed = GitUrl::parse(text).map(|url| url.remote);
            assert_eq!(parsed.as_deref(), expected.as_ref().copied(), "{text}");
        }
    }

    #[test]
    fn refs_and_what_is_none() {
        let slot = |name: &str| SlotName::new(name).unwrap();
        let table = [
            ("/r", "default", "refs/authbaton/default"),
            ("/r", "a..b.lock.", "refs/authbaton/a%2E%2Eb%2Elock%2E"),
            ("/r", "-x", "refs/authbaton/-x"),
            ("/r#refs/heads/baton", "default", "refs/heads/baton"),
            ("/r#refs/heads/batons/*", "a", "refs/heads/batons/a"),
            ("/r#refs/heads/baton-*-x", "a", "refs/heads/baton-a-x"),
        ];
        for (text, name, expected) in table {
            assert_eq!(GitUrl::parse(text).unwrap().reference(&slot(name)), expected, "{text}");
        }
        let none = [
            "",
            "main",
            "HEAD",
            "refs/",
            "refs/x",
            "refs/heads/",
            "refs/heads//x",
            "refs/heads/.x",
            "refs/heads/x.lock",
            "refs/heads/x..y",
            "refs/heads/x.",
            "refs/heads/a b",
            "refs/heads/a:refs/heads/b",
            "+refs/heads/a",
            "-refs/heads/a",
            "refs/heads/*/*",
            "refs/heads/~1",
            "refs/heads/a^",
            "refs/heads/@{0}",
        ];
        for reference in none {
            assert_eq!(GitUrl::parse(&format!("/r#{reference}")), Err(GitUrlError::NotARef), "{reference}");
        }
    }

    #[test]
    fn the_name_has_the_repository_and_the_ref() {
        let name = |text: &str| GitUrl::parse(text).unwrap().to_string();
        assert_eq!(name("https://EXAMPLE.com/a"), "git:https://example.com/a#refs/authbaton/*");
        assert_eq!(name("/r#refs/heads/baton"), "git:/r#refs/heads/baton");
    }
}
