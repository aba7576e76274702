//! Credentials in variables: the client takes them before it looks at `auth.json`. They are named, never shown.

use std::fs;

use crate::arena::Arena;
use crate::fixtures;
use crate::scene::{MANAGED, REQUIREMENTS, is_there, run, write};

const KEY: &str = "sk-hunter2-canary";
const TOKEN: &str = "at-hunter2-canary";
const CANARY: &str = "hunter2-canary";
const PAIR: [(&str, &str); 2] = [
    ("OPENAI_FEDERATION_RULE_ID", "rule-hunter2-canary"),
    ("OPENAI_IDENTITY_TOKEN_FILE", "/run/hunter2-canary"),
];
const API_KEY: (&str, &str) = ("CODEX_API_KEY", KEY);
const ACCESS_TOKEN: (&str, &str) = ("CODEX_ACCESS_TOKEN", TOKEN);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Home {
    Nothing,
    ApiKey,
    Chatgpt,
}
use Home::{ApiKey, Chatgpt, Nothing};

/// A world and what comes of it: the error's id (empty: success), what counts as the credential in use, what is said,
/// and whether the file is still there.
struct Case {
    managed: &'static str,
    requirements: &'static str,
    variables: Vec<(&'static str, &'static str)>,
    home: Home,
    id: &'static str,
    active: Option<&'static str>,
    says: &'static [&'static str],
    keeps: bool,
}

const ONLY_API: &str = "forced_login_method = \"api\"";
const ONLY_CHATGPT: &str = "forced_login_method = \"chatgpt\"";
const WORKSPACE: &str = "forced_chatgpt_workspace_id = \"acct-1\"";
const ALLOWS_CHATGPT: &str = "allowed_login_methods = [\"chatgpt\"]";
const ALLOWS_API: &str = "allowed_login_methods = [\"api\"]";

fn forced(managed: &'static str, home: Home, variables: &[(&'static str, &'static str)]) -> Case {
    Case {
        managed,
        requirements: "",
        variables: variables.to_vec(),
        home,
        id: "",
        active: None,
        says: &[],
        keeps: home != Nothing,
    }
}

fn allowed(requirements: &'static str, home: Home, variables: &[(&'static str, &'static str)]) -> Case {
    Case { managed: "", requirements, ..forced("", home, variables) }
}

impl Case {
    fn uses(self, active: &'static str) -> Self {
        Self { active: Some(active), ..self }
    }

    fn fails(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    fn says(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    fn logs_out(self) -> Self {
        Self { keeps: false, ..self.fails("policy-logged-out").uses("auth.json") }
    }
}

fn cases() -> Vec<Case> {
    let all = [PAIR[0], PAIR[1], API_KEY, ACCESS_TOKEN];
    let half = [PAIR[0], API_KEY];
    let other_half = [PAIR[1], ("CODEX_API_KEY", "\t "), ("OPENAI_API_KEY", KEY)];
    let blank_pair = [PAIR[0], ("OPENAI_IDENTITY_TOKEN_FILE", " ")];
    vec![
        // The first that the client comes to is judged.
        forced(ONLY_CHATGPT, Chatgpt, &all).uses("OPENAI_FEDERATION_RULE_ID"),
        forced(ONLY_API, ApiKey, &all)
            .fails("policy-environment")
            .uses("OPENAI_FEDERATION_RULE_ID")
            .says(&["`OPENAI_FEDERATION_RULE_ID`"]),
        forced(ONLY_API, ApiKey, &all[2..]).uses("CODEX_API_KEY"),
        forced(ONLY_CHATGPT, Chatgpt, &all[2..])
            .fails("policy-environment")
            .uses("CODEX_API_KEY")
            .says(&["`CODEX_API_KEY`", "ChatGPT login is required"]),
        forced(ONLY_CHATGPT, Chatgpt, &[ACCESS_TOKEN]).uses("CODEX_ACCESS_TOKEN"),
        forced(ONLY_API, ApiKey, &[ACCESS_TOKEN])
            .fails("policy-environment")
            .uses("CODEX_ACCESS_TOKEN")
            .says(&["`CODEX_ACCESS_TOKEN`", "API key login is required"]),
        // Both are forbidden: the file goes, and the variable is named.
        forced(ONLY_CHATGPT, ApiKey, &[API_KEY])
            .logs_out()
            .uses("CODEX_API_KEY")
            .says(&["warning: the credential in `CODEX_API_KEY` is not allowed either"]),
        forced(ONLY_API, Chatgpt, &[ACCESS_TOKEN])
            .logs_out()
            .uses("CODEX_ACCESS_TOKEN")
            .says(&["warning: the credential in `CODEX_ACCESS_TOKEN` is not allowed either"]),
        forced(ONLY_CHATGPT, Nothing, &[API_KEY]).fails("policy-environment").uses("CODEX_API_KEY"),
        // What is merely not among the allowed is passed over, and somebody should know.
        allowed(ALLOWS_CHATGPT, Chatgpt, &[API_KEY])
            .uses("auth.json")
            .says(&["warning: the client passes over the credential in `CODEX_API_KEY`"]),
        allowed(ALLOWS_API, ApiKey, &[PAIR[0], PAIR[1], ACCESS_TOKEN]).uses("auth.json").says(&[
            "passes over the credential in `OPENAI_FEDERATION_RULE_ID`",
            "passes over the credential in `CODEX_ACCESS_TOKEN`",
        ]),
        allowed(ALLOWS_CHATGPT, Nothing, &[API_KEY]).fails("policy-environment").says(&["`CODEX_API_KEY`"]),
        allowed(ALLOWS_CHATGPT, Chatgpt, &[API_KEY, ACCESS_TOKEN]).uses("CODEX_ACCESS_TOKEN"),
        allowed(ALLOWS_CHATGPT, ApiKey, &[API_KEY]).logs_out(),
        // Only the authority could tell.
        forced(WORKSPACE, Chatgpt, &PAIR).fails("policy-undecidable").uses("OPENAI_FEDERATION_RULE_ID"),
        forced(WORKSPACE, Chatgpt, &[ACCESS_TOKEN]).fails("policy-undecidable").uses("CODEX_ACCESS_TOKEN"),
        // Half a pair, blanks, and a variable of somebody else's are none.
        forced(ONLY_API, Chatgpt, &half).uses("CODEX_API_KEY"),
        forced(ONLY_API, Chatgpt, &other_half).logs_out(),
        forced(ONLY_API, Chatgpt, &blank_pair).logs_out(),
        forced(ONLY_CHATGPT, Chatgpt, &other_half).uses("auth.json"),
        // What is no token.
        forced(ONLY_CHATGPT, Chatgpt, &[("CODEX_ACCESS_TOKEN", CANARY)])
            .fails("environment-unusable")
            .says(&["`CODEX_ACCESS_TOKEN`"]),
    ]
}

#[test]
fn variables_are_judged_in_the_clients_order_and_never_shown() {
    for case in cases() {
        for verb in [&["enforce", "--dry-run"][..], &["enforce"]] {
            let arena = Arena::new();
            write(&arena, MANAGED, case.managed);
            write(&arena, REQUIREMENTS, case.requirements);
            match case.home {
                Nothing => {}
                ApiKey => arena.sandbox.place(&fixtures::bytes(&fixtures::api_key("sk-other"))),
                Chatgpt => arena.sandbox.place(&fixtures::bytes(&fixtures::chatgpt())),
            }
            let ran = run(&arena, verb, &case.variables);
            let names: Vec<&str> = case.variables.iter().map(|(name, _)| *name).collect();
            let said = format!(
                "{} {} {names:?} {:?} {verb:?}: {}",
                case.managed, case.requirements, case.home, ran.stderr
            );
            let is_dry = verb.len() > 1;
            let id = if is_dry { case.id.replace("logged-out", "would-log-out") } else { case.id.to_owned() };
            assert_eq!(ran.json["error"]["id"].as_str().unwrap_or_default(), id, "{said}");
            let code = match case.id {
                "" => 0,
                "environment-unusable" => 3,
                _ => 4,
            };
            assert_eq!(ran.code, Some(code), "{said}");
            assert_eq!(ran.json["policy"]["active"].as_str(), case.active, "{said}");
            // A dry run tells of the file alone.
            let says = case.says.iter().filter(|it| !is_dry || !it.contains("either"));
            for text in says {
                assert!(ran.stderr.contains(text), "{text} is missing: {said}");
            }
            assert_eq!(
                is_there(&arena.first().auth_json()),
                case.keeps || is_dry && case.home != Nothing,
                "{said}"
            );
            assert!(!format!("{}{}", ran.json, ran.stderr).contains(CANARY), "{said}");
            nothing_was_written(&arena);
        }
    }
}

#[track_caller]
fn nothing_was_written(arena: &Arena) {
    for directory in ["home", "state", "temporary", "user", "work"] {
        let entries = fs::read_dir(arena.sandbox.path(directory)).unwrap();
        for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!content.contains(CANARY), "{}", path.display());
        }
    }
}
