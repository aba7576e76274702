//! zizmor: what is syntactically right and still dangerous, such as injections, unpinned actions and wide permissions. In
//! its pedantic persona, and offline: what it says depends on nothing but these files.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::Value;

use super::{peer, process, pypi, workflows};

/// The version that the workflows were written against.
const VERSION: &str = "1.32.0";
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the names of the audits that fail for these files, with all that it says, or none where a developer has
/// turned peers off.
fn findings(files: &[String]) -> Option<Vec<(String, Value)>> {
    static DIRECTORY: peer::Kept = peer::Kept::new();
    let what_to_do = "install Python 3 with pip, check that `pip index versions zizmor` answers";
    let download = |directory: &Path| pypi::download(directory, "zizmor", VERSION);
    let install = |name: &str| peer::install(name, download);
    let directory = peer::demand(&DIRECTORY, &format!("zizmor-{VERSION}"), what_to_do, install)?;
    let mut zizmor = Command::new(directory.join("bin").join("zizmor"));
    // Exceptions stand beside what they except; a file of settings would be far from it.
    zizmor
        .args(["--offline", "--no-config", "--no-progress", "--persona", "pedantic"])
        .args(["--strict-collection", "--no-exit-codes", "--format", "json-v1"])
        .args(files)
        .current_dir(workflows::path(""));
    let outcome = process::run(&mut zizmor, b"", LIMIT).unwrap().exited(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = answer.as_array().unwrap().iter();
    Some(findings.map(|finding| (finding["ident"].as_str().unwrap().to_owned(), finding.clone())).collect())
}

#[test]
fn zizmor_finds_nothing_in_our_workflows_examples_and_action() {
    let mut files = workflows::all();
    files.push(workflows::ACTION.to_owned());
    if let Some(findings) = findings(&files) {
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

#[test]
fn zizmor_reports_an_injection_and_an_action_that_is_not_pinned() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad.yml");
    let bad = "on: issue_comment\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      \
               - uses: actions/checkout@v6\n      - run: echo ${{ github.event.comment.body }}\n";
    fs::write(&file, bad).unwrap();
    let Some(findings) = findings(&[file.to_str().unwrap().to_owned()]) else { return };
    let audits: Vec<&str> = findings.iter().map(|(audit, _)| audit.as_str()).collect();
    for audit in ["artipacked", "excessive-permissions", "template-injection", "unpinned-uses"] {
        assert!(audits.contains(&audit), "{audit} is missing: {audits:?}");
    }
}
