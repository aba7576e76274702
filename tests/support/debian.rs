//! Peers from Debian: packages, unpacked beside each other and not installed. Nothing of the system changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{peer, process};

const LIMIT: Duration = Duration::from_secs(300);

/// Returns the directory with these packages, unpacked on the first call. `program` must be there then.
pub(crate) fn unpacked(name: &str, packages: &[&str], program: &str) -> Result<PathBuf, String> {
    let installed = peer::install(name, |directory| {
        let download = || run(directory, "apt-get", &[&["download"], packages].concat());
        // A fresh container has no lists yet.
        download().or_else(|_| run(directory, "apt-get", &["update"]).and_then(|()| download()))?;
        let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
        let brought: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .collect();
        if brought.len() != packages.len() {
            return Err(format!("apt-get brought {brought:?}"));
        }
        brought.iter().try_for_each(|it| run(directory, "dpkg-deb", &["-x", it.to_str().unwrap(), "."]))
    })?;
    let there = installed.join(program);
    if there.is_file() {
        Ok(installed)
    } else {
        Err(format!("{} is not there; remove {} to install again", there.display(), installed.display()))
    }
}

/// With the caller's environment: mirrors and proxies of apt are the caller's business.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    match process::run(&mut command, b"", LIMIT).map_err(|error| format!("{program}: {error}"))? {
        outcome if outcome.code == Some(0) => Ok(()),
        outcome => Err(format!("{program} failed: {outcome:#?}")),
    }
}
