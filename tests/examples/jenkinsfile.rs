//! Reads a Jenkinsfile as far as our examples go: stages in their order, what follows a build, the `sh` steps in both with the
//! credentials around them, and the environment. It is no Groovy; what it does not understand fails the test.

use std::fmt::Write as _;

/// A credential that Jenkins binds to a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// `file` or `string`.
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) variable: String,
}

/// A `sh` step.
pub(crate) struct Step {
    /// The name of its stage, or the condition under which it follows a build.
    pub(crate) stage: String,
    pub(crate) is_post: bool,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) script: String,
}

/// What a build executes.
pub(crate) struct Jenkinsfile {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) steps: Vec<Step>,
}

impl Jenkinsfile {
    #[track_caller]
    pub(crate) fn parse(file: &str, text: &str) -> Self {
        // Groovy would put secrets into what it interpolates, and change what has a backslash.
        assert!(!text.contains("\"\"\"") && !text.contains('\\'), "{file} leaves something to Groovy");
        let mut parsed = Self { environment: Vec::new(), steps: Vec::new() };
        let mut blocks: Vec<String> = Vec::new();
        let mut head = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if rest.starts_with("//") {
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if first == '\'' {
                let fence = if rest.starts_with("'''") { "'''" } else { "'" };
                let (inside, after) = rest.strip_prefix(fence).unwrap().split_once(fence).unwrap();
                rest = after;
                match head.trim() {
                    "sh" => {
                        parsed.steps.push(step(&blocks, inside));
                        head.clear();
                    }
                    setting if blocks.last().is_some_and(|it| it == "environment") => {
                        let name = setting.strip_suffix('=').unwrap().trim().to_owned();
                        parsed.environment.push((name, inside.to_owned()));
                        head.clear();
                    }
                    _ => write!(head, "'{inside}'").unwrap(),
                }
            } else {
                rest = rest.strip_prefix(first).unwrap();
                match first {
                    '{' => blocks.push(std::mem::take(&mut head).split_whitespace().collect()),
                    '}' => {
                        blocks.pop().unwrap_or_else(|| panic!("{file} closes what is not open"));
                        head.clear();
                    }
                    // A list goes over several lines.
                    '\n' if !head.contains('[') => head.clear(),
                    other => head.push(other),
                }
            }
        }
        assert!(blocks.is_empty(), "{file} leaves {blocks:?} open");
        let steps = text.lines().filter(|line| line.trim_start().starts_with("sh ")).count();
        assert_eq!(parsed.steps.len(), steps, "{file}: a step was not understood");
        parsed
    }
}

fn step(blocks: &[String], script: &str) -> Step {
    let is_post = blocks.get(1).is_some_and(|it| it == "post");
    let stage = if is_post {
        blocks[2].clone()
    } else {
        let stage = blocks.iter().find_map(|it| it.strip_prefix("stage('")?.strip_suffix("')")).unwrap();
        stage.to_owned()
    };
    let bindings = blocks.iter().filter_map(|it| it.strip_prefix("withCredentials([")?.strip_suffix("])"));
    Step { stage, is_post, bindings: bindings.flat_map(bindings_of).collect(), script: script.to_owned() }
}

/// `file(credentialsId:'a',variable:'B'),string(…)`, without white space.
fn bindings_of(list: &str) -> Vec<Binding> {
    let calls = list.split("),").map(|call| call.trim_end_matches(')'));
    calls
        .map(|call| {
            let (kind, arguments) = call.split_once('(').unwrap();
            let value = |key: &str| {
                let found = arguments.split(',').find_map(|it| it.strip_prefix(key)?.strip_prefix(":'"));
                found.unwrap_or_else(|| panic!("{call} has no {key}")).trim_end_matches('\'').to_owned()
            };
            Binding { kind: kind.to_owned(), id: value("credentialsId"), variable: value("variable") }
        })
        .collect()
}

#[test]
fn reads_a_jenkinsfile() {
    let text = "// sh 'no'\npipeline {\n agent any\n environment {\n  A = 'b c'\n }\n stages {\n  stage('One') {\n   steps {\n    \
                withCredentials([\n     file(credentialsId: 'x', variable: 'X'),\n     string(credentialsId: 'y', variable: 'Y')\n    ]) {\n     \
                sh '''\n echo '1' }\n'''\n    }\n    sh 'echo 2'\n   }\n  }\n }\n post {\n  always {\n   sh 'echo 3'\n  }\n }\n}\n";
    let parsed = Jenkinsfile::parse("text", text);
    assert_eq!(parsed.environment, [("A".to_owned(), "b c".to_owned())]);
    let binding = |kind: &str, id: &str, variable: &str| Binding {
        kind: kind.to_owned(),
        id: id.to_owned(),
        variable: variable.to_owned(),
    };
    let steps: Vec<_> = parsed
        .steps
        .iter()
        .map(|it| (it.stage.as_str(), it.is_post, it.bindings.clone(), it.script.as_str()))
        .collect();
    let both = vec![binding("file", "x", "X"), binding("string", "y", "Y")];
    assert_eq!(
        steps,
        [
            ("One", false, both, "\n echo '1' }\n"),
            ("One", false, vec![], "echo 2"),
            ("always", true, vec![], "echo 3")
        ]
    );
}
