//! zizmor: what is syntactically right and still dangerous, such as injections, unpinned actions and wide permissions. In
//! its pedantic persona, and offline: what it says depends on nothing but these files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use super::{peer, process, workflows};

/// The version that the workflows were written against.
const VERSION: &str = "1.32.0";
/// It is one wheel of 10 MB with the program in it.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the names of the audits that fail for these files, with all that it says, or none where a developer has
/// turned peers off.
fn findings(files: &[String]) -> Option<Vec<(String, Value)>> {
    static DIRECTORY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if peer::turned_off("zizmor") {
        return None;
    }
    let directory = DIRECTORY.get_or_init(|| peer::install(&format!("zizmor-{VERSION}"), download)).as_ref();
    let directory = directory.unwrap_or_else(|reason| {
        panic!(
            "\nTHE LINTER COULD NOT BE INSTALLED, and without it nothing is linted: zizmor {VERSION}.\n{reason}\n\
             What to do: install Python 3 with pip, and check that `pip index versions zizmor` answers.\n"
        )
    });
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

fn download(directory: &Path) -> Result<(), String> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--target"])
        .arg(directory)
        .arg(format!("zizmor=={VERSION}"));
    let outcome = process::run(&mut pip, b"", INSTALL_LIMIT).map_err(|error| format!("pip: {error}"))?;
    if outcome.code == Some(0) { Ok(()) } else { Err(format!("pip failed: {outcome:#?}")) }
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
