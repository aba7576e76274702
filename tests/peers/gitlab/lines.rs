//! The lines of scripts in a GitLab file, so that a line which no pipeline has run is noticed.

use yaml_rust2::{Yaml, YamlLoader};

const SCRIPTS: [&str; 3] = ["before_script", "script", "after_script"];

/// Returns every line of every script in these files.
pub(crate) fn of(texts: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for document in texts.iter().flat_map(|text| YamlLoader::load_from_str(text).unwrap()) {
        for (_, job) in document.as_hash().unwrap() {
            lines.extend(SCRIPTS.iter().flat_map(|part| of_script(&job[*part])));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

fn of_script(script: &Yaml) -> Vec<String> {
    let lines = script.as_vec().into_iter().flatten().map(|line| line.as_str().unwrap().to_owned());
    let lines: Vec<String> = lines.collect();
    // Nor does the runner print more than the first of several.
    assert!(lines.iter().all(|line| !line.contains('\n')), "one line for each command: {lines:?}");
    lines
}

#[test]
fn lines_of_every_script_are_found() {
    let text = "spec: {inputs: {a: {default: b}}}\n---\nx:\n  before_script: [one]\n  script:\n    - two\n    - one\ny:\n  after_script: []\n";
    assert_eq!(of(&[text, "z: {script: [three]}"]), ["one", "three", "two"]);
}
