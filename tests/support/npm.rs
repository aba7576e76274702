//! Peers from npm: a package and its version, installed as npm does it, without the scripts of packages.

use std::{path::Path, process::Command, time::Duration};

use super::{peer, process};

/// The largest download is about 150 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// A package of somebody else's.
pub(crate) struct Peer {
    /// For its directory.
    name: &'static str,
    package: &'static str,
    version: &'static str,
    installed: peer::Kept,
}

impl Peer {
    pub(crate) const fn new(name: &'static str, package: &'static str, version: &'static str) -> Self {
        Self { name, package, version, installed: peer::Kept::new() }
    }

    /// Returns the directory with the package, installed on the first call; none only when a developer has turned the
    /// peer tests off.
    pub(crate) fn installed(&'static self) -> Option<&'static Path> {
        let Self { name, package, version, .. } = self;
        let what_to_do =
            format!("install Node.js with npm, check that `npm view {package}@{version}` answers");
        peer::demand(&self.installed, &format!("{name}-{version}"), &what_to_do, |name| {
            peer::install(name, |directory| self.download(directory))
        })
    }

    /// With the caller's environment: mirrors, proxies and certificates of npm are the caller's business.
    fn download(&self, directory: &Path) -> Result<(), String> {
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--include=optional",
            "--prefix",
        ])
        .arg(directory)
        .arg(format!("{}@{}", self.package, self.version));
        let outcome = process::run(&mut npm, b"", INSTALL_LIMIT).map_err(|error| format!("npm: {error}"))?;
        if outcome.code == Some(0) { Ok(()) } else { Err(format!("npm failed: {outcome:#?}")) }
    }
}
