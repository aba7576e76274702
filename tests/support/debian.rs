//! Programs of Debian, unpacked below the target directory and not installed: that needs no rights, and changes nothing
//! for whoever else uses the machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{peer, process};

const LIMIT: Duration = Duration::from_secs(300);

/// Returns the directory into which these packages were unpacked on the first call, under this peer's name.
pub(crate) fn unpacked(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    peer::install(name, |directory| {
        let arguments: Vec<&str> = ["download"].into_iter().chain(packages.iter().copied()).collect();
        let download = || run(directory, "apt-get", &arguments);
        // A fresh container has no lists yet.
        download().or_else(|_| run(directory, "apt-get", &["update"]).and_then(|()| download()))?;
        let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let archives: Vec<PathBuf> = paths.filter(|path| is_package(path)).collect();
        if archives.len() != packages.len() {
            return Err(format!("apt-get brought {archives:?} for {packages:?}"));
        }
        for archive in archives {
            run(directory, "dpkg-deb", &["-x", archive.to_str().unwrap(), "."])?;
        }
        Ok(())
    })
}

fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "deb")
}

/// With the caller's environment: mirrors and proxies of apt are the caller's business.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    let outcome = process::run(&mut command, b"", LIMIT);
    match outcome.map_err(|error| format!("{program}: {error}"))? {
        outcome if outcome.code == Some(0) => Ok(()),
        outcome => Err(format!("{program} failed: {outcome:#?}")),
    }
}
