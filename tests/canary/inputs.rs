//! Every way to hand a credential over, right and wrong.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::scene::{API_KEY, OF_OTHERS, PERSONAL, Scene, VOICES};

#[test]
fn login_takes_each_kind() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        scene.run(&["login", "--with-api-key"], format!("  {API_KEY}\n").as_bytes(), 0);
        scene.run(&["status"], b"", 0);
        scene.run(&["refresh"], b"", 3);
        scene.run(&scene.with_store(&["save"]), b"", 3);
        scene.run(&["enforce", "--forced-login-method", "chatgpt", "--dry-run"], b"", 4);
        scene.run(&["enforce", "--forced-login-method", "chatgpt"], b"", 4);
        scene.run(&["login", "--with-access-token"], PERSONAL.as_bytes(), 0);
        scene.run(&["status"], b"", 0);
        scene.run(&["logout", "--revoke"], b"", 0);
        scene.home_is_holder(true);
        let login = scene.issue();
        scene.run(&["login", "--with-auth-json"], BASE64_STANDARD.encode(&login).as_bytes(), 0);
        scene.run(&["status"], b"", 0);
        scene.run(&["enforce", "--forced-chatgpt-workspace-id", "elsewhere", "--dry-run"], b"", 4);
        scene.run(&["login", "--with-api-key"], API_KEY.as_bytes(), 0);
        scene.home_is_holder(false);
        scene.run(&["logout"], b"", 0);
        assert_eq!(scene.runs(), 14);
    }
}

#[test]
fn login_refuses_what_is_wrong() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        let login = scene.issue();
        let encoded = BASE64_STANDARD.encode(&login);
        let cut = |text: &str| text.chars().take(text.len() - 30).collect::<String>();
        let with = |from: &str, to: &str| login.replace(from, to);
        let large = format!("{API_KEY}{}", " ".repeat(70_000));
        let wrong = [
            ("--with-api-key", format!("{API_KEY}\n{API_KEY}"), 3),
            ("--with-api-key", login.clone(), 3),
            ("--with-api-key", large, 3),
            ("--with-access-token", API_KEY.to_owned(), 3),
            ("--with-access-token", format!("{PERSONAL}\n{PERSONAL}"), 3),
            ("--with-auth-json", API_KEY.to_owned(), 3),
            ("--with-auth-json", cut(&login), 3),
            ("--with-auth-json", cut(&encoded), 3),
            ("--with-auth-json", format!("{{\"{API_KEY}\": {PERSONAL}"), 3),
            ("--with-auth-json", format!("{{\"auth_mode\": \"{API_KEY}\"}}"), 3),
            ("--with-auth-json", format!("{{\"OPENAI_API_KEY\": [\"{API_KEY}\"]}}"), 3),
            ("--with-auth-json", format!("[\"{PERSONAL}\", {login}]"), 3),
            ("--with-auth-json", with("\"last_refresh\"", "\"was\""), 3),
            ("--with-auth-json", with("\"account_id\"", "\"whose\""), 3),
            ("--with-auth-json", with("\"refresh_token\": \"", "\"refresh_token\": \"abh1_"), 3),
            ("--with-auth-json", with("\"id_token\": \"ey", "\"id_token\": \"no."), 3),
            ("--with-auth-json", with("\"chatgpt\"", "\"chatgptAuthTokens\""), 3),
        ];
        for (kind, input, code) in &wrong {
            scene.run(&["login", *kind], input.as_bytes(), *code);
        }
        let mut bytes = API_KEY.as_bytes().to_vec();
        bytes.push(0xff);
        scene.run(&["login", "--with-api-key"], &bytes, 3);
        let forbidden = ["login", "--with-auth-json", "--forced-login-method", "api"];
        scene.run(&forbidden, login.as_bytes(), 4);
        scene.run_with(&["login", "--with-auth-json"], login.as_bytes(), &[("CI", "true")], 2);
        scene.run(&["login", "--with-access-token", "--client", "llmx"], PERSONAL.as_bytes(), 2);
    }
}

#[test]
fn a_seed_is_taken_from_everywhere() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        let login = scene.issue();
        let file = scene.give("seed.json", login.as_bytes());
        scene.run(&scene.with_store(&["restore", "--seed-file", &file]), b"", 0);
        scene.run(&scene.with_store(&["restore", "--seed-stdin"]), scene.issue().as_bytes(), 0);
        let encoded = BASE64_STANDARD.encode(&login);
        let seed = scene.with_store(&["restore", "--seed-env", "LOGIN"]);
        scene.run_with(&seed, b"", &[("LOGIN", &encoded)], 0);
        // The value in place of the name, and wrong things in the variable.
        scene.run(&scene.with_store(&["restore", "--seed-env", &encoded]), b"", 2);
        scene.run(&scene.with_store(&["restore", "--seed-file", &encoded]), b"", 2);
        scene.run(&scene.with_store(&["restore", "--seed-file", &login]), b"", 2);
        scene.run_with(&seed, b"", &[("LOGIN", API_KEY)], 3);
        scene.run_with(&seed, b"", &[("LOGIN", &format!("{{\"OPENAI_API_KEY\":\"{API_KEY}\"}}"))], 3);
    }
}

/// A configuration file is the client's, and what else is in it is not ours to show.
#[test]
fn nothing_of_a_configuration_file_is_shown() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        scene.run(&["login", "--with-api-key"], API_KEY.as_bytes(), 0);
        for broken in [
            format!("token = \"{OF_OTHERS}"),
            format!("{OF_OTHERS}\n"),
            format!("[a]\nb = {OF_OTHERS}\n"),
            format!("forced_chatgpt_workspace_id = {{ x = \"{OF_OTHERS}\" }}"),
            format!("forced_login_method = [\"{OF_OTHERS}\"]"),
            format!("a = \"{OF_OTHERS}\"\na = \"{OF_OTHERS}\""),
        ] {
            scene.give("home/config.toml", broken.as_bytes());
            scene.run(&["status"], b"", 2);
            scene.run(&["enforce"], b"", 2);
            scene.run(&["login", "--with-api-key"], API_KEY.as_bytes(), 2);
        }
    }
}
