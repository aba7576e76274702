//! What the program says, word for word: one behaviour a file below `tests/cmd`, of one command each.
//!
//! A case runs in a copy of a world (`tests/cmd/worlds`, or its own `.in` directory); what an `.out` directory has
//! must be there afterwards. After a wanted change: `TRYCMD=overwrite cargo test --test scenarios`, and read the diff.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "a test looks at its own files")]
#![expect(clippy::unwrap_used, reason = "what a test cannot arrange is a failed test")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const CASES: &str = "tests/cmd/*/*.toml";
const WORLDS: &str = "tests/cmd/worlds";

#[test]
fn scenarios() {
    // Absolute paths, which no case can name: nothing of the machine's user is read or written.
    let user = tempfile::tempdir().unwrap();
    let path = |name: &str| user.path().join(name).to_str().unwrap().to_owned();
    let cases = trycmd::TestCases::new();
    cases.env("HOME", path("user")).env("XDG_STATE_HOME", path("state"));
    cases.register_bin("authbaton", without_system(user.path())).case(CASES);
    cases.run();
}

/// The program with a system configuration of its own: no case depends on `/etc/codex` of the machine.
fn without_system(directory: &Path) -> PathBuf {
    let script = directory.join("authbaton");
    let (program, root) = (env!("CARGO_BIN_EXE_authbaton"), directory.join("system"));
    let text = format!("#!/bin/sh\nexec '{program}' --config-root '{}' \"$@\"\n", root.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    script
}

/// Without one of these a case would pass whatever happens, or depend on who runs it.
#[test]
fn every_scenario_says_everything() {
    let mut cases = 0;
    for case in toml_files() {
        let text = fs::read_to_string(&case).unwrap();
        for needed in ["bin.name = \"authbaton\"", "env.inherit = false", "fs.sandbox = true"] {
            assert!(text.lines().any(|line| line == needed), "{}: {needed}", case.display());
        }
        // No status is success.
        for needed in ["args", "stdout", "stderr"] {
            let beside = case.with_extension(needed).exists();
            let inside = text.lines().any(|line| line.starts_with(needed));
            assert!(beside || inside, "{}: {needed}", case.display());
        }
        cases += 1;
    }
    assert!(cases > 100, "only {cases} cases were found");
}

fn toml_files() -> impl Iterator<Item = PathBuf> {
    let entries = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries(Path::new("tests/cmd"))
        .filter(|path| path.is_dir() && path != Path::new(WORLDS))
        .flat_map(move |path| entries(&path).collect::<Vec<_>>())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
}
