//! The release: the scripts of its workflow, run here on made-up trees.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use serde_json::Value;

use super::{process, program::write_program, workflows};

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

/// The action of a release starts the program that the release has, and nobody else's: the checksums are made here as
/// the workflow makes them, and read by the action.
#[test]
fn the_action_runs_the_program_that_the_checksums_name() {
    let tree = tempfile::tempdir().unwrap();
    let action = tree.path().join("action");
    let dist = tree.path().join("dist");
    for directory in [&action, &dist] {
        fs::create_dir(directory).unwrap();
    }
    for file in ["main.js", "post.js", "shared.js"] {
        fs::copy(workflows::path("action").join(file), action.join(file)).unwrap();
    }
    for system in systems() {
        let suffix = if system.starts_with("win32-") { ".exe" } else { "" };
        let program = format!("#!/bin/sh\necho \"{system} was asked for: $1 $2\"\n");
        fs::write(dist.join(format!("authbaton-{system}{suffix}")), program).unwrap();
    }
    let mut checksums = Command::new("bash");
    checksums
        .arg(workflows::path(".ci/checksums"))
        .args(["1.2.3", "dist"])
        .env("GITHUB_SERVER_URL", "https://github.invalid")
        .env("GITHUB_REPOSITORY", "owner/authbaton")
        .current_dir(tree.path());
    let checksums = process::run(&mut checksums, b"", LIMIT).unwrap().exited(0).stdout;
    fs::write(action.join("checksums.json"), &checksums).unwrap();
    let checksums: Value = serde_json::from_str(&checksums).unwrap();
    assert_eq!(checksums["url"], "https://github.invalid/owner/authbaton/releases/download/v1.2.3");
    let named: Vec<&String> = checksums["assets"].as_object().unwrap().keys().collect();
    assert_eq!(named, systems().iter().collect::<Vec<_>>());

    // As if it had been downloaded before. Nothing is downloaded here: the host does not exist.
    let system = node(tree.path(), &["-p", "`${process.platform}-${process.arch}`"]).exited(0).stdout;
    let asset = &checksums["assets"][system.trim()];
    let kept = tree.path().join("authbaton").join(asset["sha256"].as_str().unwrap());
    fs::create_dir_all(&kept).unwrap();
    let kept = kept.join("authbaton");
    fs::copy(dist.join(asset["name"].as_str().unwrap()), &kept).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o700)).unwrap();
    let run = node(tree.path(), &["action/main.js"]).exited(0);
    assert_eq!(run.stdout, format!("{} was asked for: action main\n", system.trim()));

    // One byte of it is another's.
    let other = fs::read_to_string(&kept).unwrap().replace("asked", "baked");
    fs::write(&kept, other).unwrap();
    let run = node(tree.path(), &["action/main.js"]).exited(2);
    assert!(run.stdout.contains("could not be downloaded"), "{run:#?}");
}

/// Runs node as the runner does for an action of a repository.
fn node(tree: &Path, arguments: &[&str]) -> process::Outcome {
    let mut node = Command::new("node");
    node.args(arguments)
        .current_dir(tree)
        .env("GITHUB_ACTION_REPOSITORY", "owner/authbaton")
        .env("RUNNER_TOOL_CACHE", tree);
    process::run(&mut node, b"", LIMIT).unwrap()
}

/// The systems that the workflow builds for.
fn systems() -> Vec<String> {
    let name = ".github/workflows/release.yml";
    let workflow = workflows::parse(name, &workflows::text(name));
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_vec().unwrap();
    matrix.iter().map(|row| row["system"].as_str().unwrap().to_owned()).collect()
}

/// A `cargo` that builds a program which needs the libraries of this machine, as almost all of its programs do.
#[test]
fn a_program_for_linux_that_is_not_static_is_not_released() {
    let tree = tempfile::tempdir().unwrap();
    let bin = tree.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let cargo = "#!/bin/sh\nmkdir -p target/x86_64-unknown-linux-musl/release\n\
                 cp /usr/bin/env target/x86_64-unknown-linux-musl/release/authbaton\n";
    write_program(&bin.join("cargo"), cargo);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut build = Command::new("bash");
    build
        .arg(workflows::path(".ci/build-release"))
        .args(["x86_64-unknown-linux-musl", "linux-x64", "dist"])
        .env("PATH", path)
        .current_dir(tree.path());
    process::run(&mut build, b"", LIMIT).unwrap().exited(1).said("is not static");
    assert!(!tree.path().join("dist").exists());
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
