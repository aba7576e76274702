//! Which variables a step finds, and which of them win over those that an earlier step has set.

use std::{collections::BTreeMap, path::Path};

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// Everything that the environment of a step is made of, weakest first.
pub(crate) struct Sources<'a> {
    /// The runner's own process: PATH, HOME, and the mark by which it finds what was left running.
    pub(crate) runner: &'a Variables,
    /// What earlier steps wrote into `GITHUB_ENV`.
    pub(crate) carried: &'a Variables,
    /// What earlier steps wrote into `GITHUB_PATH`; the last one comes first.
    pub(crate) path: &'a [String],
    /// `GITHUB_…` and `RUNNER_…`, which no earlier step can change.
    pub(crate) contexts: &'a Variables,
    /// The five files of this stage.
    pub(crate) files: Vec<(&'static str, &'a Path)>,
}

/// What an action gets beyond that. A `run:` step gets none of it.
pub(crate) struct ForAction<'a> {
    /// Every declared input, by name, with its value.
    pub(crate) inputs: &'a [(String, String)],
    /// `ACTIONS_…`: where the services are, and the token for them.
    pub(crate) services: &'a Variables,
    /// What `main` left for `post`; nothing in `main`.
    pub(crate) state: &'a Variables,
}

/// Returns the environment of a `run:` step, or of a stage of an action.
pub(crate) fn of_step(sources: &Sources<'_>, action: Option<&ForAction<'_>>) -> Variables {
    let mut all = sources.runner.clone();
    let mut put =
        |variables: &Variables| all.extend(variables.iter().map(|(key, value)| (key.clone(), value.clone())));
    put(sources.carried);
    if let Some(action) = action {
        put(&action.inputs.iter().map(|(name, value)| (input(name), value.clone())).collect());
    }
    put(sources.contexts);
    if let Some(action) = action {
        put(action.services);
        put(&action.state.iter().map(|(name, value)| (format!("STATE_{name}"), value.clone())).collect());
    }
    all.extend(sources.files.iter().map(|(name, path)| ((*name).to_owned(), path.display().to_string())));
    let path = sources.path.iter().rev().chain(all.get("PATH")).cloned().collect::<Vec<_>>().join(":");
    all.insert("PATH".to_owned(), path);
    all
}

/// Returns the variable of an input. Hyphens stay.
fn input(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}

#[test]
fn an_action_gets_what_a_run_step_does_not() {
    let variables = |pairs: &[(&str, &str)]| -> Variables {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let runner = variables(&[("PATH", "/bin"), ("HOME", "/h")]);
    let carried = variables(&[
        ("ACTIONS_RUNTIME_TOKEN", "poison"),
        ("GITHUB_REF", "poison"),
        ("HOME", "/poison"),
        ("INPUT_A-B", "poison"),
        ("INPUT_OTHER", "poison"),
        ("STATE_kept", "poison"),
    ]);
    let contexts = variables(&[("GITHUB_REF", "refs/heads/main")]);
    let services = variables(&[("ACTIONS_RUNTIME_TOKEN", "token")]);
    let sources = Sources {
        runner: &runner,
        carried: &carried,
        path: &["/one".to_owned(), "/two".to_owned()],
        contexts: &contexts,
        files: vec![("GITHUB_ENV", Path::new("/f"))],
    };
    let inputs = [("a-b".to_owned(), "1".to_owned()), ("c d".to_owned(), String::new())];
    let state = variables(&[("kept", "s")]);
    let action = ForAction { inputs: &inputs, services: &services, state: &state };
    let common = [
        ("GITHUB_ENV", "/f"),
        ("GITHUB_REF", "refs/heads/main"),
        ("HOME", "/poison"),
        ("INPUT_OTHER", "poison"),
        ("PATH", "/two:/one:/bin"),
    ];
    let expected = |own: &[(&str, &str)]| variables(&[&common[..], own].concat());
    assert_eq!(
        of_step(&sources, Some(&action)),
        expected(&[
            ("ACTIONS_RUNTIME_TOKEN", "token"),
            ("INPUT_A-B", "1"),
            ("INPUT_C_D", ""),
            ("STATE_kept", "s")
        ])
    );
    // A poisoned variable passes where the runner sets none itself.
    assert_eq!(
        of_step(&sources, None),
        expected(&[("ACTIONS_RUNTIME_TOKEN", "poison"), ("INPUT_A-B", "poison"), ("STATE_kept", "poison")])
    );
}
