//! The release: the scripts of its workflow, run here on made-up trees.

use std::{fs, path::Path, process::Command, time::Duration};

use super::{process, workflows};

const LIMIT: Duration = Duration::from_secs(20);

/// Runs a script of `.ci` as it would run in a tree with these files.
fn script(name: &str, tree: &Path, arguments: &[&str]) -> process::Outcome {
    fs::create_dir_all(tree.join(".ci")).unwrap();
    let script = tree.join(".ci").join(name);
    fs::copy(workflows::path(".ci").join(name), &script).unwrap();
    process::run(Command::new("bash").arg(script).args(arguments).current_dir(tree), b"", LIMIT).unwrap()
}

#[test]
fn a_release_has_the_version_of_the_program_and_says_what_changed() {
    let tree = tempfile::tempdir().unwrap();
    fs::write(tree.path().join("Cargo.toml"), "[package]\nname = \"x\"\nversion = \"1.2.3\"\n").unwrap();
    let changelog =
        "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2027-01-01\n\n- New: one.\n\n## [1.2.2]\n\n- Old.\n";
    fs::write(tree.path().join("CHANGELOG.md"), changelog).unwrap();
    let notes = script("release-notes", tree.path(), &["1.2.3"]).exited(0);
    assert_eq!(notes.stdout.trim(), "- New: one.");
    script("release-notes", tree.path(), &["1.2.2"]).exited(1).said("Cargo.toml has another version");
    script("release-notes", tree.path(), &["1.2"]).exited(1).said("Cargo.toml has another version");
    fs::write(tree.path().join("CHANGELOG.md"), "## [1.2.3]\n\n## [1.2.30]\n\n- Other.\n").unwrap();
    script("release-notes", tree.path(), &["1.2.3"]).exited(1).said("CHANGELOG.md says nothing");
}

/// What the workflow promises of the oldest Rust is what `Cargo.toml` does.
#[test]
fn the_oldest_rust_is_that_of_the_manifest() {
    let manifest = workflows::text("Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("rust-version")).unwrap();
    let oldest = line.split('"').nth(1).unwrap();
    let name = ".github/workflows/ci.yml";
    let workflow = workflows::parse(name, &workflows::text(name));
    let tested = workflow["jobs"]["oldest"]["env"]["RUSTUP_TOOLCHAIN"].as_str().unwrap();
    assert_eq!(tested, format!("{oldest}.0"));
}
