//! Programs of others that tests are held against: pinned, installed once per target directory, and never skipped in
//! silence. What is downloaded, and how, is told by each peer.

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// What became of an installation. A failure is kept as well: otherwise every test would wait for its own.
pub(crate) type Kept = OnceLock<Result<PathBuf, String>>;

/// Returns what `install` came to, which is called once, with the peer's name. Returns none only when a developer has
/// turned the peer tests off; fails the test where there is no peer, and says `what_to_do`.
pub(crate) fn demand(
    kept: &'static Kept,
    name: &str,
    what_to_do: &str,
    install: impl FnOnce(&str) -> Result<PathBuf, String>,
) -> Option<&'static Path> {
    if turned_off(name) {
        return None;
    }
    match kept.get_or_init(|| install(name)) {
        Ok(path) => Some(path),
        Err(reason) => panic!(
            "\nTHE PEER COULD NOT BE INSTALLED, and without it this test proves nothing: {name}.\n{reason}\n\
             What to do: {what_to_do}, and run the tests again. On a developer's machine AUTHBATON_PEERS=off leaves\n\
             the peer tests out.\n"
        ),
    }
}

/// Returns whether a developer has turned the peer tests off, and says so past the capturing of the test harness; a CI
/// may not turn them off.
pub(crate) fn turned_off(what: &str) -> bool {
    if env::var_os("AUTHBATON_PEERS").is_none_or(|value| value != "off") {
        return false;
    }
    assert!(
        env::var_os("CI").is_none(),
        "AUTHBATON_PEERS=off is for developers: in a CI the peer tests run or fail"
    );
    let notice = format!("NOT RUN, because AUTHBATON_PEERS=off: a test against {what}\n");
    std::io::stderr().write_all(notice.as_bytes()).unwrap();
    true
}

/// Returns the directory of the peer `name`, into which `download` has put it on the first call.
///
/// Installs beside the final directory and renames: what has the final name is complete. The lock makes other test
/// processes wait for the one download.
pub(crate) fn install(
    name: &str,
    download: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("peers");
    fs::create_dir_all(&peers).map_err(|error| format!("{}: {error}", peers.display()))?;
    let lock = File::create(peers.join(format!("{name}.lock"))).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;

    let installed = peers.join(name);
    if !installed.exists() {
        let partial = peers.join(format!("{name}.partial"));
        // What an interrupted installation left is no base for the next one.
        fs::remove_dir_all(&partial).ok();
        fs::create_dir(&partial).map_err(|error| error.to_string())?;
        download(&partial)?;
        fs::rename(&partial, &installed).map_err(|error| error.to_string())?;
    }
    Ok(installed)
}
