//! What explains the policy shows configuration and names variables: never a credential in one, nor what else a
//! configuration file has.

use std::fs;

use crate::scene::{API_KEY, OF_OTHERS, PERSONAL, Scene, VOICES};

/// Verbs that judge or show, with the codes that they may end with.
const LOOKS: [&[&str]; 3] = [&["enforce", "--dry-run"], &["status"], &["enforce"]];

/// Something of somebody else's in every layer, beside what counts.
fn with_layers(scene: &Scene, restriction: &str) {
    fs::create_dir_all(scene.sandbox.path("system/etc/codex")).unwrap();
    let others = format!("model = \"x\"\nforced_login_metod = \"x\"\n[t]\ntoken = \"{OF_OTHERS}\"\n");
    scene.give("home/config.toml", format!("forced_login_method = \"api\"\n{others}").as_bytes());
    scene.give("home/robot.config.toml", others.as_bytes());
    scene.give("system/etc/codex/config.toml", others.as_bytes());
    let managed = format!("{restriction}\n{others}");
    scene.give("system/etc/codex/managed_config.toml", managed.as_bytes());
    scene.give("system/etc/codex/requirements.toml", others.as_bytes());
}

#[test]
fn settings_are_explained_without_anything_else() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        let flag = format!("t.token={OF_OTHERS}");
        let options = ["--profile", "robot", "-c", &flag];
        with_layers(&scene, "forced_login_method = \"api\"");
        scene.run(&["login", "--with-api-key"], API_KEY.as_bytes(), 0);
        for look in LOOKS {
            let outcome = scene.run(&[look, &options].concat(), b"", 0);
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(said.contains("forced_login_metod"), "nothing was read: {outcome:#?}");
        }
        with_layers(&scene, "forced_login_method = \"chatgpt\"");
        for (look, code) in LOOKS.into_iter().zip([4, 0, 4]) {
            scene.run(&[look, &options].concat(), b"", code);
        }
    }
}

#[test]
fn secrets_in_variables_are_judged_and_not_shown() {
    // The restriction, and what the three come to: a refused variable, a dry run and a real one alike.
    let table = [
        ("forced_login_method = \"api\"", [4, 0, 4]),
        ("forced_login_method = \"chatgpt\"", [4, 0, 4]),
        ("forced_chatgpt_workspace_id = \"elsewhere\"\nforced_login_method = \"chatgpt\"", [4, 0, 4]),
    ];
    for voice in VOICES {
        for (restriction, codes) in table {
            let scene = Scene::new(voice);
            with_layers(&scene, restriction);
            scene.home_is_holder(true);
            let login = scene.issue();
            scene.sandbox.place(login.as_bytes());
            let variables = if restriction.contains("\"api\"") {
                vec![("CODEX_ACCESS_TOKEN", PERSONAL), ("LLMX_API_KEY", API_KEY)]
            } else {
                vec![("CODEX_API_KEY", API_KEY), ("CODEX_ACCESS_TOKEN", PERSONAL)]
            };
            let (name, _) = variables.first().unwrap();
            for (look, code) in LOOKS.into_iter().zip(codes) {
                let outcome = scene.run_with(look, b"", &variables, code);
                let said = format!("{}{}", outcome.stdout, outcome.stderr);
                assert!(said.contains(name), "it was not judged: {outcome:#?}");
            }
        }
    }
}

/// A file or a variable that cannot be understood is not quoted either.
#[test]
fn what_is_not_understood_is_not_quoted() {
    let broken = [
        format!("forced_login_method = \"{OF_OTHERS}\""),
        format!("forced_login_method = [\"{OF_OTHERS}\"]"),
        format!("cli_auth_credentials_store = \"{OF_OTHERS}\""),
        format!("forced_chatgpt_workspace_id = \"{OF_OTHERS},x\""),
        format!("forced_chatgpt_workspace_id = {{ a = \"{OF_OTHERS}\" }}"),
        format!("a = \"{OF_OTHERS}"),
        OF_OTHERS.to_owned(),
        format!("a = {OF_OTHERS}"),
        format!("[t]\na = '{OF_OTHERS}'\na = '{OF_OTHERS}'"),
    ];
    for voice in VOICES {
        let scene = Scene::new(voice);
        for (number, text) in broken.iter().enumerate() {
            scene.give("home/config.toml", text.as_bytes());
            for look in LOOKS {
                let outcome = scene.attempt(look, b"", &[]);
                assert_eq!(outcome.code, Some(2), "{number}: {outcome:#?}");
            }
        }
        scene.give("home/config.toml", b"forced_login_method = \"chatgpt\"");
        // No token at all.
        let garbage = [("CODEX_ACCESS_TOKEN", OF_OTHERS)];
        scene.run_with(LOOKS[0], b"", &garbage, 3);
        scene.run_with(LOOKS[2], b"", &garbage, 3);
    }
}
