//! A git on a path of its own that notes each run which talks to the other side, and is the machine's git otherwise.

use std::{ffi::OsString, fs, path::PathBuf};

use tempfile::TempDir;

use super::program::write_program;

const SCRIPT: &str = r#"#!/bin/sh
for word; do
    case $word in
    ls-remote | fetch | push)
        echo "$word" >>'LIST'
        break
        ;;
    esac
done
exec 'GIT' "$@"
"#;

/// The directory with this git. It vanishes with this value.
pub(crate) struct CountingGit {
    directory: TempDir,
}

impl CountingGit {
    pub(crate) fn new() -> Self {
        let git = Self { directory: TempDir::new().unwrap() };
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|directory| directory.join("git"));
        let real = real.into_iter().find(|program| program.is_file()).unwrap();
        let script = SCRIPT.replace("LIST", git.list().to_str().unwrap());
        let script = script.replace("GIT", real.to_str().unwrap());
        write_program(&git.directory.path().join("git"), &script);
        git
    }

    fn list(&self) -> PathBuf {
        self.directory.path().join("list")
    }

    /// Returns the path on which this git comes first.
    pub(crate) fn programs(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap();
        let others = std::env::split_paths(&path);
        std::env::join_paths([self.directory.path().to_owned()].into_iter().chain(others)).unwrap()
    }

    /// Returns what was asked since the last time, in order. Nobody may be asking while it is called, or a note is lost.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.asked_so_far();
        fs::write(self.list(), "").unwrap();
        asked
    }

    /// Returns the same, and goes on with the list.
    pub(crate) fn asked_so_far(&self) -> Vec<String> {
        let list = fs::read_to_string(self.list()).unwrap_or_default();
        list.lines().map(str::to_owned).collect()
    }
}
