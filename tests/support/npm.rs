//! Peers from npm, pinned, installed once per target directory: real programs to which ours is compared.

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use super::process;

/// The largest download is about 150 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// A package of somebody else's.
pub(crate) struct Peer {
    /// For people.
    what: &'static str,
    /// For its directory.
    name: &'static str,
    package: &'static str,
    version: &'static str,
    /// The failure is kept as well: otherwise every test would wait for its own failing installation.
    installed: OnceLock<Result<PathBuf, String>>,
}

impl Peer {
    pub(crate) const fn new(
        what: &'static str,
        name: &'static str,
        package: &'static str,
        version: &'static str,
    ) -> Self {
        Self { what, name, package, version, installed: OnceLock::new() }
    }

    /// Returns the directory with the package, installed on the first call. Returns none only when a developer has turned
    /// the peer tests off, and says so past the capturing of the test harness; a CI may not turn them off.
    pub(crate) fn installed(&self) -> Option<&Path> {
        let Self { what, package, version, .. } = self;
        if env::var_os("AUTHBATON_PEERS").is_some_and(|value| value == "off") {
            assert!(
                env::var_os("CI").is_none(),
                "AUTHBATON_PEERS=off is for developers: in a CI the peer tests run or fail"
            );
            let notice = format!("NOT RUN, because AUTHBATON_PEERS=off: a test against the real {what}\n");
            std::io::stderr().write_all(notice.as_bytes()).unwrap();
            return None;
        }
        match self.installed.get_or_init(|| self.install()) {
            Ok(directory) => Some(directory),
            Err(reason) => panic!(
                "\nTHE PEER COULD NOT BE INSTALLED, and without it this test proves nothing: {what} {version}.\n{reason}\n\
                 What to do: install Node.js with npm, check that `npm view {package}@{version}` answers, and run\n\
                 the tests again. On a developer's machine AUTHBATON_PEERS=off leaves the peer tests out.\n"
            ),
        }
    }

    /// Installs beside the final directory and renames: what has the final name is complete. The lock makes other test
    /// processes wait for the one download.
    fn install(&self) -> Result<PathBuf, String> {
        let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("peers");
        fs::create_dir_all(&peers).map_err(|error| format!("{}: {error}", peers.display()))?;
        let of = |suffix: &str| peers.join(format!("{}-{}{suffix}", self.name, self.version));
        let lock = File::create(of(".lock")).map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;

        let installed = of("");
        if !installed.exists() {
            let partial = of(".partial");
            // What an interrupted installation left is no base for the next one.
            fs::remove_dir_all(&partial).ok();
            self.download(&partial)?;
            fs::rename(&partial, &installed).map_err(|error| error.to_string())?;
        }
        Ok(installed)
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
        fs::create_dir(directory).map_err(|error| error.to_string())?;
        let outcome = process::run(&mut npm, b"", INSTALL_LIMIT).map_err(|error| format!("npm: {error}"))?;
        if outcome.code == Some(0) { Ok(()) } else { Err(format!("npm failed: {outcome:#?}")) }
    }
}
