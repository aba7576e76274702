//! Which files GitHub reads, and what is in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use yaml_rust2::{Yaml, YamlLoader};

/// The description of the action.
pub(crate) const ACTION: &str = "action.yml";
/// What runs in this repository.
pub(crate) const WORKFLOWS: &str = ".github/workflows";
/// What users copy.
pub(crate) const EXAMPLES: &str = "examples/github";

/// Returns the path of a file of this repository.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns a file of this repository.
#[track_caller]
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the workflows of a directory, sorted. GitHub reads both spellings of the ending; we have one.
pub(crate) fn in_directory(directory: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path(directory)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".yaml"), "{directory}/{name}: name it .yml");
        if name.ends_with(".yml") {
            names.push(format!("{directory}/{name}"));
        }
    }
    names.sort();
    assert!(!names.is_empty(), "{directory} has no workflow");
    names
}

/// Returns everything that is linted as a workflow.
pub(crate) fn all() -> Vec<String> {
    [in_directory(WORKFLOWS), in_directory(EXAMPLES)].concat()
}

/// Returns the one document of a text.
#[track_caller]
pub(crate) fn parse(name: &str, text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

#[test]
fn an_example_begins_by_saying_when_to_use_it() {
    for name in in_directory(EXAMPLES) {
        let text = text(&name);
        assert!(text.starts_with("# Use this "), "{name} begins otherwise");
    }
}

/// A job without a limit runs for six hours, and a token without permissions of its own has those of the repository.
#[test]
fn every_job_has_a_limit_and_every_workflow_says_its_permissions() {
    for name in all() {
        let workflow = parse(&name, &text(&name));
        assert!(!workflow["permissions"].is_badvalue(), "{name} says no permissions");
        let jobs = workflow["jobs"].as_hash().unwrap_or_else(|| panic!("{name} has no jobs"));
        for (job, settings) in jobs {
            let calls = !settings["uses"].is_badvalue();
            let limit = settings["timeout-minutes"].as_i64();
            assert!(calls || limit.is_some(), "{name}: the job {job:?} has no timeout-minutes");
        }
    }
}

/// Whatever is left in the checkout's configuration can be read by every later step.
#[test]
fn no_checkout_leaves_its_token_behind() {
    for name in all() {
        let text = text(&name);
        let checkouts = text.matches("uses: actions/checkout@").count();
        let kept = text.matches("persist-credentials: false").count();
        assert_eq!(checkouts, kept, "{name}");
    }
}
