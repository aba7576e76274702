//! Git stores: a bare repository in a directory, and the same behind git's own HTTP server, which demands a token.

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use crate::place::{Place, programs};
use crate::support::git_host::{GitHost, bare};

pub(crate) const TOKEN: &str = "ghs_CANARYa1b2c3d4e5f6";

/// A bare repository on this machine.
pub(crate) struct ByPath {
    parent: TempDir,
}

impl ByPath {
    pub(crate) fn new() -> Self {
        let parent = TempDir::new().unwrap();
        bare(&parent.path().join("store.git"));
        Self { parent }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.parent.path().join("store.git")
    }

    /// Where private repositories are made.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.parent.path().to_owned()
    }
}

impl Place for ByPath {
    fn is_slow(&self) -> bool {
        true
    }

    fn address(&self) -> String {
        format!("git:{}", self.repository().display())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let directory = self.parent.path().to_str().unwrap().to_owned();
        vec![("PATH", programs()), ("HOME", directory.clone()), ("TMPDIR", directory)]
    }
}

/// The same behind HTTP, for whoever has the token.
pub(crate) struct ByHttp {
    pub(crate) host: GitHost,
    home: TempDir,
}

impl ByHttp {
    pub(crate) fn new() -> Self {
        let host = GitHost::start();
        host.rules().demand(&basic("x-access-token", TOKEN));
        Self { host, home: TempDir::new().unwrap() }
    }
}

impl Place for ByHttp {
    fn is_slow(&self) -> bool {
        true
    }

    fn address(&self) -> String {
        format!("git:{}", self.host.url())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let directory = self.home.path().to_str().unwrap().to_owned();
        vec![
            ("PATH", programs()),
            ("HOME", directory.clone()),
            ("TMPDIR", directory),
            ("GITHUB_TOKEN", TOKEN.to_owned()),
            ("GITHUB_SERVER_URL", format!("http://127.0.0.1:{}", self.host.port())),
        ]
    }
}

/// The header that a host wants to see.
pub(crate) fn basic(user: &str, token: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{token}")))
}
