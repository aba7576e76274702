//! What may stand behind `uses:`. A tag is whatever its owner makes of it tomorrow; a commit stays what it is.

use std::collections::BTreeMap;

use yaml_rust2::Yaml;

use super::workflows;

/// How the examples name this action: the user puts the owner and the commit of a release there. `docs/github.md` says so.
const PLACEHOLDER: &str = "OWNER/authbaton@0000000000000000000000000000000000000000";

/// Returns every `uses` of a document, however deep it stands.
fn uses(document: &Yaml) -> Vec<String> {
    match document {
        Yaml::Array(items) => items.iter().flat_map(uses).collect(),
        Yaml::Hash(entries) => entries
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value.as_str()) {
                (Some("uses"), Some(action)) => vec![action.to_owned()],
                _ => uses(value),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns what is wrong with an action's name in an example or in a workflow of ours.
fn fault(action: &str, example: bool) -> Option<&'static str> {
    if action == PLACEHOLDER {
        return (!example).then_some("the placeholder belongs into examples");
    }
    if action == "./" || action.starts_with("./.github/workflows/") {
        return None;
    }
    let Some((name, commit)) = action.split_once('@') else { return Some("names no version") };
    if name.split('/').count() < 2 || name.starts_with("OWNER/") {
        return Some("names no repository");
    }
    if commit.len() != 40 || !commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Some("is not pinned by a whole commit");
    }
    commit.bytes().all(|byte| byte == b'0').then_some("is pinned by no real commit")
}

#[test]
fn every_action_is_pinned_by_a_commit() {
    let mut seen = 0;
    for name in workflows::all() {
        let example = name.starts_with(workflows::EXAMPLES);
        for action in uses(&workflows::parse(&name, &workflows::text(&name))) {
            seen += 1;
            assert_eq!(fault(&action, example), None, "{name}: {action}");
        }
    }
    assert!(seen > 10, "only {seen} actions were seen");
}

#[test]
fn what_is_not_pinned_is_told() {
    let commit = "de0fac2e4500dabe0009e67214ff5f5447ce83dd";
    let zeros = "0".repeat(40);
    for (action, example, expected) in [
        (format!("actions/checkout@{commit}"), false, None),
        (format!("owner/repository/path@{commit}"), false, None),
        ("./".into(), false, None),
        ("./.github/workflows/called.yml".into(), true, None),
        (PLACEHOLDER.into(), true, None),
        (PLACEHOLDER.into(), false, Some("the placeholder belongs into examples")),
        ("actions/checkout".into(), false, Some("names no version")),
        ("actions/checkout@v6".into(), false, Some("is not pinned by a whole commit")),
        (
            format!("actions/checkout@{}", &commit.to_uppercase()),
            false,
            Some("is not pinned by a whole commit"),
        ),
        (format!("actions/checkout@{zeros}"), true, Some("is pinned by no real commit")),
        (format!("OWNER/authbaton@{commit}"), true, Some("names no repository")),
        ("docker://alpine:3".into(), false, Some("names no version")),
    ] {
        assert_eq!(fault(&action, example), expected, "{action}");
    }
    let nested = workflows::parse("nested", "a:\n  - uses: one\n    b: {c: [{uses: two}]}\nuses: three\n");
    assert_eq!(uses(&nested), ["one", "two", "three"]);
}

/// The number beside the commit is for people, and for the bots that raise both.
#[test]
fn the_same_action_is_the_same_everywhere_and_says_its_version() {
    let mut pins: BTreeMap<String, (String, String)> = BTreeMap::new();
    for name in workflows::all() {
        for line in workflows::text(&name).lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let Some((action, pin)) = action.split_once('@') else { continue };
            let (_, version) = pin.split_once(" # ").unwrap_or_else(|| panic!("{name}: no version: {line}"));
            assert!(action.starts_with("OWNER/") || version.starts_with('v'), "{name}: {line}");
            let known = pins.entry(action.to_owned()).or_insert_with(|| (pin.to_owned(), name.clone()));
            assert_eq!(known.0, pin, "{action} in {} and {name}", known.1);
        }
    }
    assert!(pins.len() > 4, "{pins:?}");
}
