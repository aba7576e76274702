//! Our own options narrow what the client's layers allow, and never widen it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::arena::{Arena, Ran};
use crate::scene::{MANAGED, REQUIREMENTS, SYSTEM, run, write};

const METHOD: &str = "--forced-login-method";
const WORKSPACE: &str = "--forced-chatgpt-workspace-id";
const FILE: &str = "--managed-config";
const METHOD_VARIABLE: &str = "AUTHBATON_FORCED_LOGIN_METHOD";
const WORKSPACE_VARIABLE: &str = "AUTHBATON_FORCED_CHATGPT_WORKSPACE_ID";
const LOOK: [&str; 2] = ["enforce", "--dry-run"];

type Texts = &'static [&'static str];

/// What the layers allow.
struct Base {
    managed: &'static str,
    requirements: &'static str,
    methods: Texts,
    workspaces: Option<Texts>,
}

const BASES: [Base; 8] = [
    Base { managed: "", requirements: "", methods: &["api", "chatgpt"], workspaces: None },
    Base { managed: "forced_login_method = \"api\"", requirements: "", methods: &["api"], workspaces: None },
    Base {
        managed: "forced_login_method = \"chatgpt\"",
        requirements: "",
        methods: &["chatgpt"],
        workspaces: None,
    },
    Base {
        managed: "forced_chatgpt_workspace_id = [\"A\", \"B\"]",
        requirements: "",
        methods: &["api", "chatgpt"],
        workspaces: Some(&["A", "B"]),
    },
    Base {
        managed: "forced_chatgpt_workspace_id = [\"A\", \"B\"]",
        requirements: "allowed_login_methods = [\"chatgpt\"]\nallowed_chatgpt_workspaces = [\"B\", \"C\"]",
        methods: &["chatgpt"],
        workspaces: Some(&["B"]),
    },
    Base {
        managed: "forced_chatgpt_workspace_id = []",
        requirements: "allowed_login_methods = [\"api\", \"chatgpt\"]",
        methods: &["api", "chatgpt"],
        workspaces: None,
    },
    Base {
        managed: "",
        requirements: "allowed_chatgpt_workspaces = []",
        methods: &["api"],
        workspaces: Some(&[]),
    },
    Base {
        managed: "forced_chatgpt_workspace_id = \"A\"",
        requirements: "allowed_chatgpt_workspaces = [\"B\"]",
        methods: &["api"],
        workspaces: Some(&[]),
    },
];

/// What our options demand, as arguments, variables and the content of the file.
#[derive(Clone, Copy)]
struct Ours {
    options: Texts,
    variables: &'static [(&'static str, &'static str)],
    file: &'static str,
    methods: Texts,
    workspaces: &'static [Texts],
}

const NOTHING: Ours = Ours { options: &[], variables: &[], file: "", methods: &[], workspaces: &[] };

const OURS: [Ours; 20] = [
    NOTHING,
    Ours { options: &[METHOD, "api"], methods: &["api"], ..NOTHING },
    Ours { options: &[METHOD, "chatgpt"], methods: &["chatgpt"], ..NOTHING },
    Ours { variables: &[(METHOD_VARIABLE, "api")], methods: &["api"], ..NOTHING },
    Ours { variables: &[(METHOD_VARIABLE, "chatgpt")], methods: &["chatgpt"], ..NOTHING },
    Ours { variables: &[(METHOD_VARIABLE, "")], ..NOTHING },
    // An option beats its variable, and does not join it.
    Ours {
        options: &[METHOD, "chatgpt"],
        variables: &[(METHOD_VARIABLE, "api")],
        methods: &["chatgpt"],
        ..NOTHING
    },
    Ours { options: &[WORKSPACE, "A"], workspaces: &[&["A"]], ..NOTHING },
    Ours { options: &[WORKSPACE, " A ", WORKSPACE, "B"], workspaces: &[&["A", "B"]], ..NOTHING },
    Ours { options: &[WORKSPACE, "Z"], workspaces: &[&["Z"]], ..NOTHING },
    Ours { options: &[WORKSPACE, "a"], workspaces: &[&["a"]], ..NOTHING },
    Ours { options: &[WORKSPACE, " "], ..NOTHING },
    Ours { variables: &[(WORKSPACE_VARIABLE, "A\r\n\nB\n")], workspaces: &[&["A", "B"]], ..NOTHING },
    Ours {
        options: &[WORKSPACE, "B"],
        variables: &[(WORKSPACE_VARIABLE, "A")],
        workspaces: &[&["B"]],
        ..NOTHING
    },
    Ours { file: "forced_login_method = \"api\"", methods: &["api"], ..NOTHING },
    Ours { file: "forced_chatgpt_workspace_id = [\"A\", \"Z\"]", workspaces: &[&["A", "Z"]], ..NOTHING },
    Ours { file: "forced_chatgpt_workspace_id = []\nmodel = \"x\"\n[t]\nx = 1", ..NOTHING },
    // All of ours count together.
    Ours {
        options: &[METHOD, "chatgpt"],
        file: "forced_login_method = \"api\"",
        methods: &["chatgpt", "api"],
        ..NOTHING
    },
    Ours {
        options: &[WORKSPACE, "A", WORKSPACE, "B"],
        file: "forced_chatgpt_workspace_id = \"B\"",
        workspaces: &[&["A", "B"], &["B"]],
        ..NOTHING
    },
    Ours {
        options: &[METHOD, "api", WORKSPACE, "A"],
        file: "forced_chatgpt_workspace_id = \"B\"",
        methods: &["api"],
        workspaces: &[&["A"], &["B"]],
        ..NOTHING
    },
];

type Left = (BTreeSet<String>, Option<BTreeSet<String>>);

/// What is left of a base, computed the plain way; nothing when the demands contradict each other.
fn left(base: &Base, ours: &Ours) -> Option<Left> {
    let set = |texts: Texts| texts.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<String>>();
    let mut methods = set(base.methods);
    for method in ours.methods {
        methods.retain(|it| it == method);
    }
    let mut workspaces = base.workspaces.map(set);
    for ids in ours.workspaces {
        workspaces = Some(match workspaces {
            Some(left) => left.intersection(&set(ids)).cloned().collect(),
            None => set(ids),
        });
    }
    let nobody = workspaces.as_ref().is_some_and(BTreeSet::is_empty);
    let contradiction = nobody && methods.contains("chatgpt");
    (!contradiction && !methods.is_empty()).then_some((methods, workspaces))
}

fn found(ran: &Ran) -> Left {
    let set = |list: &Value| {
        let list = list.as_array()?.iter().map(|it| it.as_str().unwrap().to_owned());
        Some(list.collect::<BTreeSet<String>>())
    };
    let policy = &ran.json["policy"];
    (set(&policy["methods"]).unwrap(), set(&policy["workspaces"]))
}

#[test]
fn our_options_only_narrow() {
    let arena = Arena::new();
    let (mut narrowed, mut impossible) = (0, 0);
    for base in &BASES {
        write(&arena, MANAGED, base.managed);
        write(&arena, REQUIREMENTS, base.requirements);
        for ours in &OURS {
            let file = write(&arena, "ours.toml", ours.file);
            let mut arguments = [&LOOK[..], ours.options].concat();
            if !ours.file.is_empty() {
                arguments.extend([FILE, file.to_str().unwrap()]);
            }
            let ran = run(&arena, &arguments, ours.variables);
            let case = format!(
                "{:?} {:?}: {:?} {:?} {:?}",
                base.managed, base.requirements, ours.options, ours.variables, ours.file
            );
            match left(base, ours) {
                None => {
                    assert_eq!(ran.code, Some(2), "{case}: {}", ran.json);
                    ran.failed(2, "policy-impossible");
                    impossible += 1;
                }
                Some(left) => {
                    assert_eq!(ran.code, Some(0), "{case}: {}", ran.stderr);
                    assert_eq!(found(&ran), left, "{case}");
                    assert!(left.0.iter().all(|it| base.methods.contains(&it.as_str())), "{case}");
                    narrowed += 1;
                }
            }
        }
    }
    assert!(narrowed > 60 && impossible > 20, "{narrowed} narrowed, {impossible} impossible");
}

/// Who made the contradiction is named: each option and each file.
#[test]
fn a_contradiction_names_its_sources() {
    let arena = Arena::new();
    let managed = write(&arena, MANAGED, "forced_chatgpt_workspace_id = \"A\"\n");
    let file = write(&arena, "ours.toml", "forced_chatgpt_workspace_id = \"B\"\n");
    let arguments = [&LOOK[..], &[FILE, file.to_str().unwrap(), METHOD, "chatgpt"]].concat();
    let ran = run(&arena, &arguments, &[]);
    ran.failed(2, "policy-impossible");
    for source in [managed.to_str().unwrap(), file.to_str().unwrap(), METHOD, "managed (", FILE] {
        assert!(ran.stderr.contains(source), "{source}: {}", ran.stderr);
    }
}

/// A name with a slip in it would restrict nothing, and nobody would know.
#[test]
fn keys_that_do_nothing_in_our_file_are_warned_of() {
    let arena = Arena::new();
    let slips = "forced_login_metod = \"api\"\nallowed_login_methods = [\"api\"]\nmodel = \"x\"\n";
    let file = write(&arena, "ours.toml", slips);
    let ran = run(&arena, &[&LOOK[..], &[FILE, file.to_str().unwrap()]].concat(), &[]);
    ran.fine();
    assert_eq!(ran.json["policy"]["methods"], serde_json::json!(["api", "chatgpt"]));
    let expected = format!(
        "warning: {FILE} ({0}): `allowed_login_methods` is ignored: it belongs into requirements.toml\n\
         warning: {FILE} ({0}): `forced_login_metod` is ignored: the client knows no such key\n\
         the home has no login\n",
        file.display()
    );
    assert_eq!(ran.stderr, expected);
}

#[test]
fn a_bad_value_of_ours_is_refused_and_not_repeated() {
    // Options, variables, and the error.
    type Bad<'a> = (Vec<&'a str>, Vec<(&'a str, &'a str)>, &'a str);
    let arena = Arena::new();
    let secret = "sk-hunter2-canary";
    let file = write(&arena, "ours.toml", &format!("forced_login_method = \"{secret}\"\n"));
    let commas = format!("{secret},B");
    let profiles = ["a.b", "../x", "a b", "\u{e9}", "a/b", ".", secret];
    let mut cases: Vec<Bad<'_>> = vec![
        (vec![METHOD, secret], vec![], "usage"),
        (vec![], vec![(METHOD_VARIABLE, secret)], "usage"),
        (vec![WORKSPACE, &commas], vec![], "usage"),
        (vec![], vec![(WORKSPACE_VARIABLE, &commas)], "usage"),
        (vec![FILE, file.to_str().unwrap()], vec![], "policy-invalid"),
        (vec![FILE, secret], vec![], "policy-unreadable"),
        (vec![], vec![("AUTHBATON_MANAGED_CONFIG", secret)], "policy-unreadable"),
        (vec!["-c", secret], vec![], "usage"),
        (vec!["-c", "=sk-hunter2-canary"], vec![], "usage"),
        (vec![], vec![("AUTHBATON_CONFIG", "model=x\nsk-hunter2-canary\n")], "usage"),
        (vec!["--profile", ""], vec![], "usage"),
    ];
    for profile in &profiles[..profiles.len() - 1] {
        cases.push((vec!["--profile", profile], vec![], "usage"));
        cases.push((vec![], vec![("AUTHBATON_PROFILE", profile)], "usage"));
    }
    for (options, variables, id) in cases {
        let ran = run(&arena, &[&LOOK[..], &options].concat(), &variables);
        ran.failed(2, id);
        let said = format!("{}{}", ran.stderr, ran.json);
        assert!(!said.contains(secret), "{options:?} {variables:?}: {said}");
    }
}

/// In the variable one a line; what is no TOML is a text, and the last one of a key counts.
#[test]
fn the_variable_of_settings_has_several_lines() {
    let table = [
        ("forced_login_method=chatgpt\nforced_login_method=\"api\"\n", "api"),
        ("model=x\r\n\r\nforced_login_method=chatgpt\r\n", "chatgpt"),
        ("forced_login_method = 'api'", "api"),
    ];
    let arena = Arena::new();
    for (lines, expected) in table {
        let ran = run(&arena, &LOOK, &[("AUTHBATON_CONFIG", lines)]);
        ran.fine();
        assert_eq!(ran.json["policy"]["forced_login_method"], expected, "{lines:?}");
        assert_eq!(ran.json["policy"]["values"][0]["layer"], "flags", "{lines:?}");
    }
    let ran =
        run(&arena, &[&LOOK[..], &["-c", "forced_login_method=api"]].concat(), &[("AUTHBATON_CONFIG", "?")]);
    ran.fine();
    assert_eq!(ran.json["policy"]["forced_login_method"], "api", "an option beats its variable");
}

/// An environment must not make us look away from what the administrator has forbidden.
#[test]
fn no_variable_moves_the_systems_files() {
    let arena = Arena::new();
    write(&arena, SYSTEM, "forced_login_method = \"api\"\n");
    let elsewhere = arena.sandbox.path("elsewhere");
    for name in ["AUTHBATON_CONFIG_ROOT", "CODEX_CONFIG_ROOT", "AUTHBATON_ROOT"] {
        let ran = run(&arena, &LOOK, &[(name, elsewhere.to_str().unwrap())]);
        ran.fine();
        assert_eq!(ran.json["policy"]["forced_login_method"], "api", "{name}");
    }
}
