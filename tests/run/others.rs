//! Credentials without a store, and an environment that would get in their way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::arena::{Arena, due, fresh};
use crate::job::{Job, bare, ran};

/// A job in the sandbox's home, which holds what it has by itself.
#[track_caller]
fn of_holder(arena: &Arena, options: &[&str]) -> Job {
    let mut command = bare(arena, options);
    let (script, out) = Job::script(arena);
    command.args(["--", "/bin/sh", &script, out.to_str().unwrap()]);
    let job = Job::spawn(arena, &mut command, out);
    crate::arena::wait_until("the command", || job.variable_if_begun("CODEX_HOME").is_some());
    job
}

#[test]
fn a_key_or_a_token_needs_no_store_and_no_broker() {
    let documents = [
        json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-of-the-user"}),
        json!({"auth_mode": "personalAccessToken", "personal_access_token": "at-of-the-user"}),
    ];
    for document in documents {
        for options in [&[][..], &["--store", "home:"], &["--broker", "always"]] {
            let arena = Arena::new();
            arena.sandbox.place(document.to_string().as_bytes());
            let report = arena.sandbox.path("work/report.json");
            let job = of_holder(&arena, &[options, &["--report", report.to_str().unwrap()]].concat());
            assert_eq!((job.home(), job.broker()), (arena.sandbox.home(), None), "{options:?}");
            assert_eq!(job.variable("CODEX_REFRESH_TOKEN_URL_OVERRIDE"), None);
            job.end(&arena);
            let there: Value = serde_json::from_slice(&arena.sandbox.auth_json().unwrap()).unwrap();
            assert_eq!(there, document);
            let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
            let seen =
                [&report["broker"], &report["refreshed"], &report["expires_at"], &report["foreign_login"]];
            assert_eq!(seen, [&json!(false), &json!(false), &Value::Null, &json!(false)], "{report}");
            assert_eq!(arena.authority.received().len(), 0);
        }
    }
}

/// Codex renews such a home by itself: it is renewed before the start only, where that is due.
#[test]
fn a_home_that_is_the_holder_is_used_as_it_is() {
    for (login, exchanges) in [(due(), 1), (fresh(), 0)] {
        let arena = Arena::new();
        arena.sandbox.place(arena.issue(&login).as_bytes());
        let before = arena.sandbox.auth_json().unwrap();
        let job = of_holder(&arena, &["--store", "home:"]);
        assert_eq!((job.home(), job.broker()), (arena.sandbox.home(), None));
        assert_eq!(arena.authority.exchanges(), exchanges);
        let held = job.auth_json()["tokens"]["refresh_token"].as_str().unwrap().to_owned();
        assert!(arena.authority.is_alive(&held), "the home has a spent token");
        assert_eq!(arena.sandbox.auth_json().unwrap() == before, exchanges == 0);
        job.end(&arena);
        assert_eq!(arena.authority.posts(), exchanges);
    }
    // On a CI a home is lost with the job, unless somebody says otherwise.
    let arena = Arena::new();
    arena.sandbox.place(arena.issue(&fresh()).as_bytes());
    let mut command = bare(&arena, &["--", "/bin/true"]);
    command.env("CI", "true");
    ran(&arena, command).refused(2, "store-not-configured");
    ran(&arena, bare(&Arena::new(), &["--", "/bin/true"])).refused(3, "not-logged-in");
}

#[test]
fn what_would_get_in_the_way_of_the_login_is_gone() {
    let arena = Arena::new();
    let login = arena.issue(&fresh());
    let gone = [
        "CODEX_ACCESS_TOKEN",
        "CODEX_API_KEY",
        "CODEX_REVOKE_TOKEN_URL_OVERRIDE",
        "OPENAI_FEDERATION_RULE_ID",
        "OPENAI_IDENTITY_TOKEN_FILE",
        "ACTIONS_RUNTIME_TOKEN",
        "AUTHBATON_SEAL_KEY",
        "AUTHBATON_ANYTHING",
        "INPUT_AUTH-JSON",
        "MY_SEED",
    ];
    let options = ["--seed-env", "MY_SEED", "--broker", "always"];
    let job = Job::start_with(&arena, &options, |command| {
        command.envs(gone.map(|name| (name, "in the way"))).env("MY_SEED", &login);
        command.env("CODEX_REFRESH_TOKEN_URL_OVERRIDE", "http://127.0.0.1:9/evil");
        command.env("NO_PROXY", "internal.example,.corp").env("HTTP_PROXY", "http://127.0.0.1:9");
        command.env("OPENAI_API_KEY", "of another provider").env("GITHUB_TOKEN", "of a person");
    });
    let environment = job.environment();
    for name in gone {
        assert!(!environment.contains(&format!("{name}=")), "{name} is still there");
    }
    assert!(!environment.contains("evil") && !environment.contains("in the way"));
    for name in ["NO_PROXY", "no_proxy"] {
        assert_eq!(job.variable(name).as_deref(), Some("internal.example,.corp,127.0.0.1"), "{name}");
    }
    for (name, value) in [("OPENAI_API_KEY", "of another provider"), ("GITHUB_TOKEN", "of a person")] {
        assert_eq!(job.variable(name).as_deref(), Some(value));
    }
    assert_eq!(job.variable("HOME"), Some(arena.sandbox.path("user").to_str().unwrap().to_owned()));
    let client = job.client();
    client.ask("proactive_expiry").unwrap().token(&client);
    job.end(&arena);
    arena.holds_a_living_token();
}

/// The user's settings, but neither his login nor his history; what the job does to them stays in the job.
#[test]
fn the_fresh_home_has_the_settings_of_the_user() {
    let arena = Arena::new();
    arena.seed(&fresh());
    for (name, content) in
        [("config.toml", "model = \"x\"\n"), ("AGENTS.md", "be kind"), ("history.jsonl", "{}")]
    {
        arena.sandbox.write(&format!("home/{name}"), content.as_bytes());
    }
    let job = Job::start(&arena, &["--broker", "always"]);
    let home: PathBuf = job.home();
    assert!(home.starts_with(arena.sandbox.path("temporary").canonicalize().unwrap()), "{}", home.display());
    assert_eq!(fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(home.join("auth.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(home.join("AGENTS.md")).unwrap(), "be kind");
    assert!(!home.join("history.jsonl").exists());
    fs::write(home.join("config.toml"), "of the job").unwrap();
    job.end(&arena);
    assert!(!home.exists());
    assert_eq!(fs::read_to_string(arena.sandbox.path("home/config.toml")).unwrap(), "model = \"x\"\n");
}

/// The policy is read many times, by two processes.
#[test]
fn a_key_that_does_nothing_is_told_once() {
    for broker in ["always", "never"] {
        let arena = Arena::new();
        arena.seed(&fresh());
        arena.sandbox.write("home/config.toml", b"forced_login_metod = \"api\"\n");
        let job = Job::start(&arena, &["--broker", broker]);
        if broker == "always" {
            let client = job.client();
            client.ask("unauthorized_recovery").unwrap().token(&client);
        }
        let end = job.end(&arena);
        assert_eq!(end.stderr.matches("`forced_login_metod` is ignored").count(), 1, "{broker}: {end:?}");
    }
}
