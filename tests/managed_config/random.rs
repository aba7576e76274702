//! Worlds that nobody has recorded, at random but always the same ones: the program says what the oracle says.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::Value;

use crate::{
    cell::{Case, Cell, cases},
    differences_of,
    layers::{MANAGED, REQUIREMENTS, SYSTEM},
    oracle,
};

const WORLDS: u32 = 300;
const SEED: [u8; 32] = [7; 32];
const IDS: [&str; 3] = [
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
    "33333333-3333-4333-8333-333333333333",
];

/// The forced keys of one layer, as lines.
fn forced() -> impl Strategy<Value = String> {
    let method = prop_oneof![
        3 => Just(String::new()),
        1 => select(vec!["api", "chatgpt"]).prop_map(|name| format!("forced_login_method = \"{name}\"\n")),
    ];
    let workspaces = prop_oneof![
        3 => Just(String::new()),
        2 => subsequence(IDS.to_vec(), 0..=3).prop_map(|ids| format!("forced_chatgpt_workspace_id = {ids:?}\n")),
        1 => select(IDS.to_vec()).prop_map(|id| format!("forced_chatgpt_workspace_id = \" {id} \"\n")),
    ];
    (method, workspaces).prop_map(|(method, workspaces)| method + &workspaces)
}

/// The constraints, as lines.
fn allowed() -> impl Strategy<Value = String> {
    let methods = prop_oneof![
        3 => Just(String::new()),
        1 => subsequence(vec!["api", "chatgpt"], 0..=2)
            .prop_map(|names| format!("allowed_login_methods = {names:?}\n")),
    ];
    let workspaces = prop_oneof![
        3 => Just(String::new()),
        1 => subsequence(IDS.to_vec(), 0..=3).prop_map(|ids| format!("allowed_chatgpt_workspaces = {ids:?}\n")),
    ];
    (methods, workspaces).prop_map(|(methods, workspaces)| methods + &workspaces)
}

/// A recorded login, in a world of its own.
fn worlds(logins: Vec<(Value, BTreeMap<String, String>)>) -> impl Strategy<Value = Case> {
    let files = (forced(), forced(), forced(), allowed());
    let typed = (forced(), forced(), any::<bool>());
    (select(logins), files, typed, any::<bool>()).prop_map(|(login, files, typed, status)| {
        let (system, user, managed, requirements) = files;
        let (flags, profile, with_profile) = typed;
        let (auth_json, env) = login;
        let mut argv = vec!["codex".to_owned()];
        argv.extend(if status {
            vec!["login".to_owned(), "status".to_owned()]
        } else {
            vec!["exec".to_owned()]
        });
        argv.extend(flags.lines().flat_map(|line| ["-c".to_owned(), line.replacen(" = ", "=", 1)]));
        let mut files = vec![(SYSTEM, system), (MANAGED, managed), (REQUIREMENTS, requirements)];
        if with_profile {
            argv.extend(["-p".to_owned(), "prof".to_owned()]);
            files.push(("$CODEX_HOME/prof.config.toml", profile));
        }
        let files = files.into_iter().filter(|(path, text)| path.contains("prof") || !text.is_empty());
        let cell = Cell {
            cell: "random".to_owned(),
            group: String::new(),
            layer: String::new(),
            restriction: String::new(),
            auth: String::new(),
            command: String::new(),
            files: files.map(|(path, text)| (path.to_owned(), text)).collect(),
            user_config_extra: String::new(),
            env,
            argv,
            setup: String::new(),
            stdout: String::new(),
            stderr: String::new(),
            auth_json: String::new(),
            model_request: None,
        };
        Case { cell, user_config: Some(user), auth_json, stdin: String::new() }
    })
}

#[test]
fn random_worlds_are_judged_as_the_oracle_does() {
    let mut logins: Vec<(Value, BTreeMap<String, String>)> = Vec::new();
    for case in cases() {
        let login = (case.auth_json, case.cell.env);
        if !logins.contains(&login) {
            logins.push(login);
        }
    }
    let config =
        Config { cases: WORLDS, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
    let outcome = runner.run(&worlds(logins), |case| {
        let Some(expected) = oracle::ours(&case) else {
            return Err(TestCaseError::reject("a world that cannot be understood"));
        };
        let all = differences_of(&case, &expected);
        let world = format!("{:?} {:?} {:?}", case.cell.argv, case.user_config, case.cell.files);
        if all.is_empty() { Ok(()) } else { Err(TestCaseError::fail(format!("{}\n{world}", all.join("\n")))) }
    });
    // Not the value, in which the login is: the reason has all that is needed.
    if let Err(proptest::test_runner::TestError::Fail(reason, _)) = outcome {
        panic!("{reason}");
    }
}
