//! The real client of GitHub's cache against our strict server, and against what our store puts there. The server would
//! otherwise prove no more than that we agree with ourselves.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use authbaton::baton::{Audience, SealedBytes, SlotName};
use authbaton::job::{Environment, Masks};
use authbaton::store::{ActionsCacheStore, Opening, Store, Swap};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cache_server::{CacheServer, MAIN, Mint, Says, Speaks, environment, on_main};
use crate::support::npm::Peer;
use crate::support::process::run;

static CLIENT: Peer = Peer::new("actions-cache", "@actions/cache", "6.3.0");
const LIMIT: Duration = Duration::from_secs(60);
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/cache_client.mjs");

/// A machine of a runner, with the server that it asks.
struct Runner {
    server: CacheServer,
    directory: TempDir,
    client: PathBuf,
}

/// What the client answered to each command, and what it told people.
struct Said {
    answers: Vec<Value>,
    told: String,
}

impl Runner {
    /// None when the peer tests are turned off.
    fn new() -> Option<Self> {
        let client = CLIENT.installed()?.to_owned();
        let directory = TempDir::new().unwrap();
        for name in ["work", "temp"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        Some(Self { server: CacheServer::start(), directory, client })
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("work/envelope.json")
    }

    /// Runs the client as a job with this token.
    #[track_caller]
    fn ask(&self, token: &str, commands: &[Value]) -> Said {
        self.ask_with(token, &std::env::var("PATH").unwrap(), commands)
    }

    #[track_caller]
    fn ask_with(&self, token: &str, path: &str, commands: &[Value]) -> Said {
        let node = which("node");
        let mut command = Command::new(node);
        command
            .arg(DRIVER)
            .arg(&self.client)
            .env_clear()
            .envs(environment(self.server.url(), Speaks::V2, token))
            .env("ACTIONS_CACHE_SERVICE_V2", "True")
            .env("PATH", path)
            .env("GITHUB_WORKSPACE", self.directory.path().join("work"))
            .env("RUNNER_TEMP", self.directory.path().join("temp"))
            .current_dir(self.directory.path().join("work"));
        let input: String = commands.iter().map(|command| format!("{command}\n")).collect();
        let outcome = run(&mut command, input.as_bytes(), LIMIT).unwrap().exited(0);
        let answers: Vec<Value> =
            outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), commands.len(), "{}", outcome.stderr);
        Said { answers, told: outcome.stderr }
    }

    fn store(&self, token: &str) -> ActionsCacheStore {
        let environment = Environment::Fixed(environment(self.server.url(), Speaks::V2, token));
        let audience = Audience::new("4711").unwrap();
        let masks = Masks::none();
        let opening = Opening {
            environment: &environment,
            ca_file: None,
            audience: &audience,
            masks,
            secrets: &[],
            read_only: None,
        };
        ActionsCacheStore::open(None, &opening).unwrap()
    }
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|directory| directory.join(program)).find(|it| it.is_file());
    found.unwrap_or_else(|| panic!("`{program}` is needed, and is not on PATH"))
}

fn save(key: &str) -> Value {
    json!({"verb": "save", "paths": ["envelope.json"], "key": key})
}

fn restore(key: &str, restore_keys: &[&str], lookup_only: bool) -> Value {
    let paths = ["envelope.json"];
    json!({"verb": "restore", "paths": paths, "key": key, "restoreKeys": restore_keys, "lookupOnly": lookup_only})
}

fn pull() -> String {
    Mint::scopes(&[("refs/pull/7/merge", 3), (MAIN, 1)]).token()
}

fn slot() -> SlotName {
    SlotName::default()
}

/// Saves three times, restores by key and by prefix, and finds what it saved, with its mode.
fn saves_and_restores(runner: &Runner, path: &str) {
    let ask = |command: Value| runner.ask_with(&on_main(), path, &[command]);
    for (key, text) in [("a-1", "one"), ("a-2", "two"), ("b-1", "three")] {
        fs::write(runner.file(), text).unwrap();
        fs::set_permissions(runner.file(), PermissionsExt::from_mode(0o600)).unwrap();
        let said = ask(save(key));
        assert!(said.answers[0]["value"].as_i64().is_some_and(|id| id > 0), "{}", said.told);
    }
    let table: [(&str, &[&str], &str, &str); 5] = [
        ("a-1", &[], "a-1", "one"),
        ("a-", &[], "a-2", "two"),
        ("nothing", &["a-"], "a-2", "two"),
        ("nothing", &["b-", "a-"], "b-1", "three"),
        ("a-1", &["b-"], "a-1", "one"),
    ];
    for (key, restore_keys, matched, text) in table {
        fs::remove_file(runner.file()).unwrap();
        let said = ask(restore(key, restore_keys, false));
        assert_eq!(said.answers[0], json!({"value": matched}), "{key}: {}", said.told);
        assert_eq!(fs::read_to_string(runner.file()).unwrap(), text, "{key}");
        assert_eq!(fs::metadata(runner.file()).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let said = ask(restore("nothing", &["c-"], true));
    assert_eq!(said.answers[0], json!({"value": null}));
}

#[test]
fn the_client_saves_and_restores_with_zstd_and_with_gzip() {
    let Some(runner) = Runner::new() else { return };
    saves_and_restores(&runner, &std::env::var("PATH").unwrap());
    // Without zstd the client computes another version, and sees nothing of what it saved with it.
    let Some(bare) = Runner::new() else { return };
    let programs = bare.directory.path().join("programs");
    fs::create_dir(&programs).unwrap();
    for program in ["tar", "gzip", "node", "sh"] {
        symlink(which(program), programs.join(program)).unwrap();
    }
    saves_and_restores(&bare, programs.to_str().unwrap());
}

#[test]
fn the_client_meets_what_is_there_already() {
    let Some(runner) = Runner::new() else { return };
    fs::write(runner.file(), "one").unwrap();
    for says in [Says::Words, Says::Status] {
        runner.server.evict_all();
        runner.server.say(says, says);
        let said = runner.ask(&on_main(), &[save("a-1"), save("a-1")]);
        assert!(said.answers[0]["value"].as_i64().is_some_and(|id| id > 0), "{}", said.told);
        assert_eq!(said.answers[1], json!({"value": -1}));
        assert!(said.told.contains("Unable to reserve cache with key a-1"), "{}", said.told);
        assert_eq!(runner.server.there().len(), 1);
    }
}

#[test]
fn the_client_sees_the_scopes_of_its_run() {
    let Some(runner) = Runner::new() else { return };
    let write = |token: &str, key: &str, text: &str| {
        fs::write(runner.file(), text).unwrap();
        runner.ask(token, &[save(key)]);
    };
    write(&on_main(), "a-1", "of main");
    let found = |token: &str| runner.ask(token, &[restore("a-", &[], true)]).answers.remove(0);
    assert_eq!(found(&pull()), json!({"value": "a-1"}));
    write(&pull(), "a-0", "of the pull request");
    // Its own comes first, however old the other is; and nobody else sees it.
    assert_eq!(found(&pull()), json!({"value": "a-0"}));
    assert_eq!(found(&on_main()), json!({"value": "a-1"}));
    let other = Mint::scopes(&[("refs/pull/8/merge", 3), (MAIN, 1)]).token();
    assert_eq!(found(&other), json!({"value": "a-1"}));
}

#[test]
fn the_client_is_denied_in_the_words_that_it_knows() {
    let Some(runner) = Runner::new() else { return };
    fs::write(runner.file(), "one").unwrap();
    let reader = Mint::scopes(&[(MAIN, 1)]).token();
    let said = runner.ask(&reader, &[save("a-1")]);
    assert_eq!(said.answers[0], json!({"value": -1}));
    assert!(said.told.contains("::warning::Failed to save: Unable to reserve cache with key a-1. More details: cache write denied:"), "{}", said.told);
    runner.server.say(Says::Status, Says::Status);
    let said = runner.ask(&reader, &[save("a-1")]);
    assert_eq!(said.answers[0], json!({"value": -1}));
    assert!(
        said.told.contains("Unable to reserve cache with key a-1, another job may be creating this cache"),
        "{}",
        said.told
    );
    let writer = Mint::scopes(&[(MAIN, 2)]).token();
    let said = runner.ask(&writer, &[restore("a-1", &[], false)]);
    assert_eq!(said.answers[0], json!({"value": null}));
    assert!(said.told.contains("(403) Forbidden: cache read denied:"), "{}", said.told);
    assert!(runner.server.there().is_empty());
}

#[test]
fn what_our_store_writes_the_client_finds() {
    let Some(runner) = Runner::new() else { return };
    let store = runner.store(&on_main());
    let sealed: Vec<u8> = (0..=u8::MAX).cycle().take(6000).collect();
    let written = store.swap(&slot(), None, &SealedBytes::from_store(sealed.clone())).unwrap();
    assert!(matches!(written, Swap::Done(_)));
    let (_, key, _) = runner.server.there().remove(0);
    let (prefix, version) = (key.trim_end_matches(|it: char| it.is_ascii_digit()), runner.server.version());
    let hit =
        json!({"value": {"ok": true, "key": key, "status": 200, "content": BASE64_STANDARD.encode(&sealed)}});
    let find = |key: &str, keys: &[&str], version: &str| json!({"verb": "find", "key": key, "restoreKeys": keys, "version": version});
    for token in [on_main(), pull()] {
        let said = runner.ask(
            &token,
            &[
                find(&key, &[], &version),
                find(prefix, &[], &version),
                find("nothing", &[prefix], &version),
                find(&key, &[], &"0".repeat(64)),
            ],
        );
        assert_eq!(said.answers[..3], [hit.clone(), hit.clone(), hit.clone()], "{}", said.told);
        assert_eq!(said.answers[3], json!({"value": {"ok": false}}));
    }
    // Saving something of its own beside it disturbs neither.
    fs::write(runner.file(), "one").unwrap();
    runner.ask(&on_main(), &[save(&key)]);
    assert!(store.load(&slot()).unwrap().unwrap().0.as_slice() == sealed);
}

#[test]
fn what_the_client_writes_our_store_reads() {
    let Some(runner) = Runner::new() else { return };
    let (store, other) = (runner.store(&on_main()), runner.store(&on_main()));
    let Swap::Done(first) = store.swap(&slot(), None, &SealedBytes::from_store(b"one".to_vec())).unwrap()
    else {
        panic!("nobody else writes here")
    };
    assert!(other.load(&slot()).unwrap().is_some());
    let (_, key, _) = runner.server.there().remove(0);
    let next = key.replace("000000000001", "000000000002");
    let version = runner.server.version();
    let put = |key: &str| json!({"verb": "put", "key": key, "version": version, "content": BASE64_STANDARD.encode("by the client")});
    let said = runner.ask(&on_main(), &[put(&next), put(&next)]);
    assert_eq!(said.answers[0], json!({"value": {"ok": true}}), "{}", said.told);
    assert_eq!(said.answers[1]["value"]["ok"], json!(false), "what is there is not replaced");
    assert!(store.load(&slot()).unwrap().unwrap().0.as_slice() == b"by the client");
    let swapped = other.swap(&slot(), Some(&first), &SealedBytes::from_store(b"two".to_vec())).unwrap();
    assert_eq!(swapped, Swap::Conflict);
}
