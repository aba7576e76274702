//! Doctor from outside: what it says of slots, homes, locks and clients as they really are, and that it leaves all of
//! them as they were.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authbaton::rehearsal::{Account, Behaviour, Fault, Refusal};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::arena::{Arena, Ran, Runner, due, fresh};
use crate::launch::{self, LIMIT};
use crate::unstored::refresh_without_storing;

/// The client that the tests were written against.
const TESTED: &str = "echo codex-cli 0.169.0";

/// Runs doctor with this client on its `PATH`, and demands that it changed nothing and asked nobody.
#[track_caller]
fn examine_with(client: &str, arena: &Arena, runner: &Runner, arguments: &[&str]) -> Ran {
    let bin = arena.sandbox.path("bin");
    install(&bin, client);
    let arguments: Vec<&str> = ["doctor"].into_iter().chain(arguments.iter().copied()).collect();
    let mut command = arena.command(runner, &arguments);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let look = || {
        let mut tree = tree(&arena.sandbox.path(""));
        // Git has made a repository of its own there, and is to leave nothing of it.
        if arguments.iter().any(|argument| argument.starts_with("git:")) {
            tree.remove(&arena.sandbox.path("temporary"));
        }
        (tree, arena.authority.received().len())
    };
    let before = look();
    let ran = arena.ended(launch::start(&mut command, ""));
    assert_eq!(before, look(), "doctor changed something, or asked somebody");
    assert!(ran.json["findings"].is_array(), "{}\n{}", ran.json, ran.stderr);
    ran
}

#[track_caller]
fn examine(arena: &Arena, runner: &Runner, arguments: &[&str]) -> Ran {
    examine_with(TESTED, arena, runner, arguments)
}

/// A program by the client's name. Another process writes it: what this one has open for writing its children have, too.
fn install(directory: &Path, script: &str) {
    fs::create_dir_all(directory).unwrap();
    let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1/codex\" && chmod 755 \"$1/codex\"";
    let mut command = Command::new("sh");
    command.args(["-c", write, "sh"]).arg(directory).arg(script);
    assert!(command.status().unwrap().success());
}

/// Everything that there is, as far as a look may not change it.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u64, u32, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let it = path.symlink_metadata().unwrap();
            if it.is_dir() {
                directories.push(path.clone());
            }
            found.insert(path, (it.ino(), it.mode(), it.len(), it.mtime(), it.mtime_nsec()));
        }
    }
    found
}

impl Ran {
    /// Returns what doctor found above `ok`, but for who the test's user is.
    fn found(&self) -> Vec<String> {
        let findings = self.json["findings"].as_array().unwrap().iter();
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
        let short = findings.map(|it| format!("{} {}", text(it, "severity"), text(it, "id")));
        short.filter(|it| !it.starts_with("ok ") && it != "info runs-as-root").collect()
    }

    /// Returns the finding with this id.
    #[track_caller]
    fn finding(&self, id: &str) -> &Value {
        let found = self.json["findings"].as_array().unwrap().iter().find(|it| it["id"] == id);
        found.unwrap_or_else(|| panic!("no `{id}` in {}", self.json))
    }
}

#[test]
fn a_restored_home_with_its_slot_is_well() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let ran = examine(&arena, &arena.first(), &["--strict"]);
    ran.fine();
    assert_eq!(ran.found(), [""; 0]);
    assert!(["ok", "info"].contains(&ran.json["worst"].as_str().unwrap()), "{}", ran.json);
    let slot = &ran.finding("slot")["details"];
    assert_eq!((&slot["state"], &slot["generation"]), (&"idle".into(), &1.into()));
    assert!(slot["refresh_due_from"].as_str() < slot["expires_at"].as_str(), "{slot}");
    assert_eq!(ran.finding("client")["details"]["version"], "0.169.0");
    assert!(ran.finding("store")["details"]["latency_ms"].is_u64());
}

/// The first thing that anybody runs, where nothing is yet: not even directories.
#[test]
fn where_nothing_is_yet_nothing_is_made() {
    let arena = Arena::new();
    for directory in ["store", "state"] {
        fs::remove_dir(arena.sandbox.path(directory)).unwrap();
    }
    let ran = examine(&arena, &arena.runner(1, 1), &[]);
    ran.fine();
    assert_eq!(ran.found(), ["info home-missing", "info not-logged-in", "warning slot-empty"]);
}

#[test]
fn each_state_of_a_slot_is_told_and_strict_ends_as_a_run_would() {
    let arena = Arena::due();
    let first = arena.first();
    let strict = |expected: &[&str], code: i32| {
        let ran = examine(&arena, &first, &["--strict"]);
        assert_eq!(
            (ran.found(), ran.code),
            (expected.iter().map(|it| (*it).to_owned()).collect(), Some(code))
        );
    };
    strict(&["warning access-token-ended", "info renewal-due"], 0);
    arena.authority.script(Behaviour::Failing(Fault::Refusal(Refusal::new(401, "refresh_token_reused"))));
    arena.refresh().failed(5, "login-reused");
    strict(&["warning access-token-ended", "error login-reused", "info renewal-due"], 5);
    examine(&arena, &first, &[]).fine();
    arena.run(&first, &["logout", "--purge"]).fine();
    strict(&["info not-logged-in", "warning slot-empty"], 0);
    assert!(examine(&arena, &first, &[]).finding("slot")["message"].as_str().unwrap().contains("is purged"));
}

#[test]
fn the_owner_of_a_lease_is_told_while_it_lives_and_after_it_was_killed() {
    let arena = Arena::due();
    let first = arena.first();
    arena.authority.hold_replies();
    let started = arena.start(&first, &["refresh"], "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    let during = examine(&arena, &first, &[]);
    for id in ["lease-held", "lock-held", "journal-held"] {
        assert_eq!(during.finding(id)["severity"], "info");
    }
    let owner = during.finding("lease-held")["details"]["owner"].as_str().unwrap().to_owned();
    assert!(owner.ends_with(&format!("(pid {})", started.id())), "{owner}");
    assert_eq!(during.finding("lock-held")["details"]["process"], started.id());
    started.kill();
    arena.authority.release();
    let after = examine(&arena, &first, &[]).found();
    let expected =
        ["warning access-token-ended", "info journal-blank", "info lease-held", "info renewal-due"];
    assert_eq!(after, expected);
}

/// The worst that can lie around: the only place of a login.
#[test]
fn a_journal_with_a_reply_is_warned_of() {
    let arena = Arena::due();
    refresh_without_storing(&arena, &arena.first());
    let ran = examine(&arena, &arena.first(), &[]);
    let path = ran.finding("journal-left")["message"].as_str().unwrap();
    assert!(path.ends_with("is left behind, of this slot"), "{path}");
    assert!(!ran.json.to_string().contains("login-rolled-back"), "the slot waits for it: {}", ran.json);
    let other = examine(&arena, &arena.first(), &["--slot", "other"]);
    let path = other.finding("journal-left")["message"].as_str().unwrap();
    assert!(path.ends_with("of another slot, or another store"), "{path}");
}

#[test]
fn an_old_baton_that_came_back_is_told_where_it_was_spent() {
    let arena = Arena::due();
    let old = fs::read(arena.sandbox.path("store/default.baton")).unwrap();
    arena.refresh().refreshed(true);
    arena.sandbox.write("store/default.baton", &old);
    examine(&arena, &arena.first(), &["--strict"]).failed(5, "login-rolled-back");
    let elsewhere = examine(&arena, &arena.runner(2, 2), &["--strict"]);
    assert_eq!(elsewhere.fine().found(), ["info home-missing", "info not-logged-in", "info renewal-due"]);
}

/// From within a job: what a run has arranged is no finding.
#[test]
fn a_broker_that_serves_the_home_is_seen() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let bin = arena.sandbox.path("bin");
    install(&bin, TESTED);
    let out = arena.sandbox.path("out.json");
    let program = Path::new(env!("CARGO_BIN_EXE_authbaton"));
    let script = format!(
        "'{}' doctor --json --config-root '{}' > '{}'",
        program.display(),
        arena.sandbox.path("system").display(),
        out.display()
    );
    let mut command = arena.sandbox.command(program);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env_remove("CODEX_HOME");
    command.args(["run", "--broker", "always", "--store", &arena.sandbox.store(), "--seal-key-file"]);
    command.arg(arena.sandbox.path("seal.key")).args(["--authority-url", &arena.authority.url()]);
    command.args(["--", "sh", "-c", &script]);
    let ended = launch::start(&mut command, "").end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let json = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let ran = Ran { code: ended.code, json, stderr: ended.stderr };
    assert_eq!(ran.found(), ["info home-is-holder", "info broker-serves"]);
    assert_eq!(arena.authority.posts(), 0);
}

#[test]
fn what_does_not_open_is_told_and_the_rest_as_well() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let first = arena.first();
    let closed = |arguments: &[&str], id: &str| {
        let ran = examine(&arena, &first, &[arguments, &["--strict"]].concat());
        ran.failed(8, id);
        ran.finding("client");
        ran.finding("policy");
        ran.finding("store");
    };
    closed(&["--audience", "others"], "baton-wrong-audience");
    fs::copy(arena.sandbox.path("store/default.baton"), arena.sandbox.path("store/moved.baton")).unwrap();
    closed(&["--slot", "moved"], "baton-wrong-slot");
    let key = fs::read(arena.sandbox.path("seal.key")).unwrap();
    arena.sandbox.write("seal.key", b"CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=");
    closed(&[], "baton-unknown-key");
    arena.sandbox.write("seal.key", b"a passphrase");
    examine(&arena, &first, &["--strict"]).failed(2, "seal-key-malformed");
    arena.sandbox.write("seal.key", &key);
    arena.sandbox.write("store/default.baton", b"{");
    closed(&[], "baton-not-sealed");
    fs::remove_dir_all(arena.sandbox.path("store")).unwrap();
    arena.sandbox.write("store", b"");
    closed(&[], "store-untrusted");
}

#[test]
fn two_holders_of_one_login_are_found() {
    let arena = Arena::new();
    let login = arena.seed(&fresh());
    arena.sandbox.place(login.as_bytes());
    let ran = examine(&arena, &arena.first(), &["--strict"]);
    ran.failed(2, "unwell");
    assert_eq!(ran.found(), ["warning home-occupied", "error two-holders"]);
    // The hint is good.
    arena.run(&arena.first(), &["restore", "--replace"]).fine();
    assert_eq!(examine(&arena, &arena.first(), &["--strict"]).fine().found(), [""; 0]);
}

#[test]
fn a_home_that_could_not_be_written_is_an_error_before_anything_is_spent() {
    let arena = Arena::due();
    let first = arena.first();
    let set = |mode| fs::set_permissions(first.auth_json(), Permissions::from_mode(mode)).unwrap();
    set(0o444);
    let found = ["warning auth-json-readable", "warning access-token-ended", "error home-obstacle"];
    let ran = examine(&arena, &first, &["--strict"]);
    ran.failed(2, "home-obstacle");
    assert!(found.iter().all(|it| ran.found().contains(&(*it).to_owned())), "{:?}", ran.found());
    set(0o600);
    // A lock file that nobody could lock.
    let lock = arena.sandbox.path("home/auth.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    examine(&arena, &first, &["--strict"]).failed(2, "home-unusable");
    fs::remove_dir(&lock).unwrap();
    // A link into the workspace, which goes into commits.
    let target = arena.sandbox.path("work/auth.json");
    fs::rename(first.auth_json(), &target).unwrap();
    symlink(&target, first.auth_json()).unwrap();
    let mut command = arena.command(&first, &["doctor"]);
    command.env("CI_PROJECT_DIR", arena.sandbox.path("work"));
    let ran = arena.ended(launch::start(&mut command, ""));
    ran.finding("auth-json-linked");
    ran.finding("home-in-workspace");
}

#[test]
fn what_cannot_be_read_is_told_once() {
    let arena = Arena::new();
    symlink("auth.json", arena.first().auth_json()).unwrap();
    let ran = examine(&arena, &arena.first(), &["--strict"]);
    ran.failed(2, "home-unusable");
    assert_eq!(ran.found(), ["error home-unusable", "warning slot-empty"]);
}

/// Before it is placed, the client would fetch the bundle with the slot's login.
#[test]
fn cloud_configuration_is_told_of_a_login_that_only_the_slot_has() {
    let arena = Arena::new();
    let account = Account { plan: "enterprise".to_owned(), ..Account::named("one") };
    let login = arena.authority.issue(&account, &fresh()).unwrap();
    arena.restore(&arena.first(), &login).fine();
    fs::remove_file(arena.first().auth_json()).unwrap();
    let ran = examine(&arena, &arena.first(), &[]);
    assert_eq!(ran.found(), ["info not-logged-in", "info cloud-configuration"]);
}

#[test]
fn who_holds_a_lock_is_told() {
    let arena = Arena::new();
    arena.seed(&fresh());
    for name in ["authbaton.lock", "auth.lock", "auth.json.lock"] {
        let path = arena.sandbox.path("home").join(name);
        let held = File::options().read(true).write(true).open(&path).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        let ran = examine(&arena, &arena.first(), &[]);
        assert_eq!(ran.found(), ["info lock-held"], "{name}");
        assert_eq!(ran.finding("lock-held")["details"]["process"], std::process::id(), "{name}");
    }
}

#[test]
fn an_older_client_is_told_what_it_lacks_here() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let first = arena.first();
    arena.sandbox.write("home/config.toml", b"forced_login_method = \"chatgpt\"\n");
    let with = |client: &str| examine_with(client, &arena, &first, &[]).found();
    assert_eq!(with(TESTED), [""; 0]);
    assert_eq!(
        with("echo codex-cli 0.47.0"),
        [
            "warning client-without-policy",
            "warning client-without-access-only",
            "warning client-without-broker"
        ]
    );
    assert_eq!(with("echo codex-cli 0.19.0"), ["error client-too-old"]);
    assert_eq!(with("echo codex-cli 9.0.0"), ["info client-untested"]);
    for unclear in ["echo rubbish", "exit 3", "kill -9 $$", "while :; do echo codex-cli 0.169.0; done"] {
        assert_eq!(with(unclear), ["warning client-unclear"], "{unclear}");
    }
    // Whatever it would do where it finds a home, it finds none, and nothing of ours.
    let nosy = "test -z \"$CODEX_HOME$AUTHBATON_SEAL_KEY$XDG_STATE_HOME\" || exit 1\n\
                mkdir -p \"$HOME/.codex\" && exit 1\necho codex-cli 0.169.0";
    assert_eq!(with(nosy), [""; 0]);
}

#[test]
fn the_policy_is_told_for_the_home_and_for_the_slot() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let first = arena.first();
    let api_only = ["--strict", "--forced-login-method", "api"];
    let ran = examine(&arena, &first, &api_only);
    ran.failed(4, "policy-would-log-out");
    assert_eq!(ran.found(), ["error policy-would-log-out", "error policy-forbidden"]);
    arena.sandbox.write("home/config.toml", b"forced_login_method = \"any\"\n");
    let ran = examine(&arena, &first, &["--strict"]);
    ran.failed(2, "policy-invalid");
    assert_eq!(ran.found(), ["error policy-invalid"]);
    ran.finding("slot");
    arena.sandbox.write("home/config.toml", b"cli_auth_credentials_store = \"keyring\"\n");
    examine(&arena, &first, &["--strict"]).failed(2, "credentials-store-unsupported");
    arena.sandbox.write("home/config.toml", b"cli_auth_credentials_store = \"auto\"\nno_such_key = 1\n");
    assert_eq!(examine(&arena, &first, &[]).found(), ["info unknown-keys", "info keyring-first"]);
}

/// The store is asked once, by git itself, and its private repository is gone afterwards.
#[test]
fn a_git_store_is_looked_at_as_well() {
    let arena = Arena::new();
    let first = arena.first();
    let repository = arena.sandbox.path("store.git");
    let mut init = Command::new("git");
    init.args(["init", "--quiet", "--bare"]).arg(&repository).stdout(Stdio::null());
    assert!(init.status().unwrap().success());
    let url = format!("git:{}", repository.display());
    let ran = examine(&arena, &first, &["--store", &url]);
    assert_eq!(ran.found(), ["info not-logged-in", "warning slot-empty"]);
    ran.finding("git");
    let login = arena.issue(&due());
    arena.run_with(&first, &["restore", "--seed-stdin", "--store", &url], &login).fine();
    let ran = examine(&arena, &first, &["--store", &url]);
    assert_eq!(ran.found(), ["warning access-token-ended", "info renewal-due"]);
}

#[test]
fn on_a_ci_a_store_is_missed_and_rival_credentials_are_named() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let mut command = arena.sandbox.authbaton("doctor");
    command.args(["--json", "--strict"]).env("CI", "true").env("CODEX_API_KEY", "sk-canary");
    command.env("CODEX_REFRESH_TOKEN_URL_OVERRIDE", "https://secret.example/path");
    command.env("PATH", "/nowhere");
    let ran = arena.ended(launch::start(&mut command, ""));
    ran.fine();
    assert_eq!(
        ran.found(),
        [
            "warning store-not-configured",
            "warning client-missing",
            "warning rival-credential",
            "warning refresh-sent-elsewhere"
        ]
    );
    assert!(!ran.json.to_string().contains("secret.example"));
}
