//! Where the files of a policy are in an arena, and how our program is asked about them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::arena::{Arena, Ran};
use crate::launch;

pub(crate) const MANAGED: &str = "system/etc/codex/managed_config.toml";
pub(crate) const SYSTEM: &str = "system/etc/codex/config.toml";
pub(crate) const REQUIREMENTS: &str = "system/etc/codex/requirements.toml";
pub(crate) const USER: &str = "home/config.toml";
pub(crate) const PROFILE: &str = "home/robot.config.toml";
pub(crate) const PROJECT: &str = "work/.codex/config.toml";

/// What selects [`PROFILE`].
pub(crate) const WITH_PROFILE: [&str; 2] = ["--profile", "robot"];

/// Writes a file, with the directories that it needs.
pub(crate) fn write(arena: &Arena, name: &str, content: &str) -> PathBuf {
    fs::create_dir_all(arena.sandbox.path(name).parent().unwrap()).unwrap();
    arena.sandbox.write(name, content.as_bytes())
}

/// The setting that trusts the project in which our program runs.
pub(crate) fn trust(arena: &Arena) -> String {
    let work = arena.sandbox.path("work").canonicalize().unwrap();
    format!("[projects.{work:?}]\ntrust_level = \"trusted\"\n")
}

/// Runs our program in the first home with these variables and nothing on its standard input.
#[track_caller]
pub(crate) fn run(arena: &Arena, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = arena.command(&arena.first(), arguments);
    arena.ended(launch::start(command.envs(variables.iter().copied()), ""))
}

/// What a file is, without following a link at its end.
pub(crate) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
