//! `action.yml`, as the runner reads it: what may be given, what is run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use yaml_rust2::{Yaml, YamlLoader, yaml::Hash};

const USING: [&str; 4] = ["node12", "node16", "node20", "node24"];

/// An action of the kind that we are: Node.js, `main` and `post`.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: String,
    /// Each input with its default, or empty.
    pub(crate) inputs: Vec<(String, String)>,
    pub(crate) outputs: Vec<String>,
    pub(crate) main: PathBuf,
    pub(crate) post: Option<Post>,
}

/// The stage at the end of the job.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) script: PathBuf,
    pub(crate) condition: Condition,
}

/// When `post` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    Success,
}

impl Action {
    /// Reads the `action.yml` of a directory.
    pub(crate) fn read(directory: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(directory.join("action.yml")).map_err(|error| error.to_string())?;
        let documents = YamlLoader::load_from_str(&text).map_err(|error| error.to_string())?;
        let root = documents.first().and_then(Yaml::as_hash).ok_or("no mapping")?;
        let runs = mapping(root, "runs")?.ok_or("Top level 'runs:' section is required")?;
        let using = text_of(runs, "using").ok_or("'using' is required")?;
        if !USING.contains(&using.to_lowercase().as_str()) {
            return Err(format!(
                "'using: {using}' is not supported, use 'docker', 'node12', 'node16', 'node20' or 'node24' instead."
            ));
        }
        let script = |key| text_of(runs, key).map(|name| directory.join(name));
        let condition = match text_of(runs, "post-if").as_deref() {
            None | Some("always()") => Condition::Always,
            Some("success()") => Condition::Success,
            Some(other) => return Err(format!("this harness does not know `post-if: {other}`")),
        };
        let named = |section| -> Result<Vec<(String, String)>, String> {
            let of = |(key, value): (&Yaml, &Yaml)| {
                let default = value.as_hash().and_then(|it| text_of(it, "default")).unwrap_or_default();
                (scalar(key).unwrap_or_default(), default)
            };
            Ok(mapping(root, section)?.map(|it| it.iter().map(of).collect()).unwrap_or_default())
        };
        Ok(Self {
            name: text_of(root, "name").ok_or("'name' is required")?,
            inputs: named("inputs")?,
            outputs: named("outputs")?.into_iter().map(|(name, _)| name).collect(),
            main: script("main").ok_or("You are using a JavaScript Action but there is not an entry JavaScript file provided in action.yml.")?,
            post: script("post").map(|script| Post { script, condition }),
        })
    }
}

fn mapping<'a>(of: &'a Hash, key: &str) -> Result<Option<&'a Hash>, String> {
    match of.get(&Yaml::String(key.to_owned())) {
        None | Some(Yaml::Null) => Ok(None),
        Some(Yaml::Hash(found)) => Ok(Some(found)),
        Some(_) => Err(format!("'{key}' is no mapping")),
    }
}

fn text_of(of: &Hash, key: &str) -> Option<String> {
    of.get(&Yaml::String(key.to_owned())).and_then(scalar)
}

/// Every scalar is text to the runner: `true` is "true", whether or not it was quoted.
fn scalar(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

#[test]
fn reads_what_the_runner_reads() {
    let read = |text: &str| {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("action.yml"), text).unwrap();
        Action::read(directory.path())
    };
    let action = read(
        "name: x\ninputs:\n  a-b: {default: true}\n  c:\n    description: >-\n      two\n      lines\n    default: \"1\"\n  d:\nruns:\n  using: node24\n  main: m.js\n  post: p.js\n",
    )
    .unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(action.inputs, [pair("a-b", "true"), pair("c", "1"), pair("d", "")]);
    assert_eq!(action.post.unwrap().condition, Condition::Always);
    let table = [
        ("name: x\n", "Top level 'runs:' section is required"),
        ("name: x\nruns: {using: node18, main: m.js}\n", "'using: node18' is not supported"),
        ("name: x\nruns: {using: node24}\n", "there is not an entry JavaScript file"),
        ("name: x\nruns: {using: node24, main: m.js, post-if: \"env.A\"}\n", "does not know"),
    ];
    for (text, error) in table {
        let found = read(text).unwrap_err();
        assert!(found.contains(error), "{text}: {found}");
    }
}
