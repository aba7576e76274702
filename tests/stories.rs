//! What takes several commands, or what no scenario file can arrange: a terminal, a huge input, a home without user.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(clippy::unwrap_used, reason = "what a test cannot arrange is a failed test")]

#[path = "support/process.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod process;
#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod sandbox;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use process::{Outcome, run};
use sandbox::Sandbox;

const LIMIT: Duration = Duration::from_secs(60);

fn store(sandbox: &Sandbox, verb: &str) -> Command {
    let mut command = sandbox.authbaton(verb);
    command.args(["--store", &sandbox.store(), "--seal-key-file"]).arg(sandbox.path("seal.key"));
    command
}

fn finish(command: &mut Command) -> Outcome {
    run(command, b"", LIMIT).unwrap()
}

/// Two logins of one account, the second a person's later one.
fn logins() -> (Authority, String, String) {
    let authority = Authority::start(Settings::default()).unwrap();
    let account = Account::named("runner");
    let first = authority.issue(&account, &IssueOptions::default()).unwrap();
    let later = IssueOptions { issued: Some(TimeDelta::minutes(5)), ..IssueOptions::default() };
    let second = authority.issue(&account, &later).unwrap();
    (authority, first, second)
}

#[test]
fn a_seed_is_taken_once_and_the_old_one_of_a_queued_job_is_ignored() {
    let (_authority, first, second) = logins();
    let sandbox = Sandbox::new();
    let seed = |login: &str| {
        let file = sandbox.write("seed.json", login.as_bytes());
        finish(store(&sandbox, "restore").arg("--seed-file").arg(file)).exited(0)
    };
    seed(&first).said("the seed was taken").said("generation 1");
    seed(&first).said("the seed is ignored: the slot has had this login already").said("generation 1");
    finish(&mut store(&sandbox, "restore")).exited(0).said("restored slot `default`, generation 1");
    seed(&second).said("the seed was taken").said("generation 2");
    seed(&first).said("the seed is ignored").said("generation 2");
}

#[test]
fn a_purged_slot_is_empty_and_remembers_its_seeds() {
    let (_authority, first, second) = logins();
    let sandbox = Sandbox::new();
    let first = sandbox.write("first.json", first.as_bytes());
    let second = sandbox.write("second.json", second.as_bytes());
    let restore = |file| finish(store(&sandbox, "restore").arg("--seed-file").arg(file));
    restore(&first).exited(0);
    finish(store(&sandbox, "logout").arg("--purge")).exited(0).said("logged out").said("was not revoked");
    assert_eq!(sandbox.auth_json(), None);
    finish(&mut store(&sandbox, "restore")).exited(3).said("error[slot-empty]");
    restore(&first).exited(3).said("the seed is ignored").said("error[slot-empty]");
    assert_eq!(sandbox.auth_json(), None);
    restore(&second).exited(0).said("the seed was taken");
}

#[test]
fn a_saved_login_is_restored_into_another_home() {
    let (_authority, first, _) = logins();
    let sandbox = Sandbox::new();
    sandbox.place(first.as_bytes());
    finish(&mut store(&sandbox, "save")).exited(0).said("saved; the store holds this login now");
    finish(&mut store(&sandbox, "save")).exited(0).said("nothing to save");
    let saved = sandbox.auth_json().unwrap();
    fs::remove_file(sandbox.path("home/auth.json")).unwrap();
    finish(&mut store(&sandbox, "restore")).exited(0);
    assert_eq!(sandbox.auth_json().unwrap(), saved);
}

#[test]
fn a_login_that_must_not_replace_another_is_refused_before_the_slot_takes_it() {
    let (_authority, first, second) = logins();
    let sandbox = Sandbox::new();
    let login = |with: &[&str], login: &str| {
        run(store(&sandbox, "login").arg("--with-auth-json").args(with), login.as_bytes(), LIMIT).unwrap()
    };
    let alone = |with: &[&str], login: &str| {
        let mut command = sandbox.authbaton("login");
        run(command.arg("--with-auth-json").args(with), login.as_bytes(), LIMIT).unwrap()
    };
    sandbox.place(first.as_bytes());
    login(&["--no-replace"], &second).exited(9).said("error[home-occupied]");
    assert_eq!(fs::read_dir(sandbox.path("store")).unwrap().count(), 0);
    alone(&["--no-replace"], &second).exited(9).said("error[home-occupied]");
    assert_eq!(sandbox.auth_json().unwrap(), first.as_bytes());
    // The same login again is no other one.
    alone(&["--no-replace"], &first).exited(0);
    alone(&[], &second).exited(0).said("a ChatGPT login is replaced");

    // What the slot has had is its own, whatever the home has by then.
    fs::remove_file(sandbox.path("home/auth.json")).unwrap();
    login(&["--no-replace"], &first).exited(0).said("the seed was taken");
    login(&["--no-replace"], &first).exited(0).said("the slot has had this login already");
    // The same login in the home would be a second holder.
    for arguments in [&["--no-replace"][..], &[]] {
        sandbox.place(first.as_bytes());
        login(arguments, &first).exited(0).said("the slot has had this login already");
        assert_ne!(sandbox.auth_json().unwrap(), first.as_bytes(), "slot and home hold the same login");
    }
    sandbox.place(second.as_bytes());
    login(&[], &first).exited(9).said("error[taken-not-placed]").said("authbaton did not place");
    assert_eq!(sandbox.auth_json().unwrap(), second.as_bytes());
}

/// Whoever gives such a login away must not be told that the slot has it: nothing in the slot is of that account any more.
#[test]
fn a_login_whose_slot_another_account_has_taken_is_refused_and_kept() {
    let (authority, first, _) = logins();
    let later = IssueOptions { issued: Some(TimeDelta::minutes(5)), ..IssueOptions::default() };
    let other = authority.issue(&Account::named("other"), &later).unwrap();
    let sandbox = Sandbox::new();
    let login = |with: &[&str], login: &str| {
        run(store(&sandbox, "login").arg("--with-auth-json").args(with), login.as_bytes(), LIMIT).unwrap()
    };
    login(&[], &first).exited(0);
    login(&["--allow-account-change"], &other).exited(0).said("the seed was taken");
    login(&["--no-replace"], &first).exited(9).said("error[not-newer]");
    sandbox.place(first.as_bytes());
    login(&[], &first).exited(9).said("error[not-newer]");
    finish(&mut store(&sandbox, "save")).exited(9).said("error[not-newer]");
    assert_eq!(sandbox.auth_json().unwrap(), first.as_bytes());
}

#[test]
fn enforce_deletes_the_login_and_its_sidecar_and_the_store_keeps_its_baton() {
    let (_authority, first, _) = logins();
    let sandbox = Sandbox::new();
    sandbox.place(first.as_bytes());
    finish(&mut store(&sandbox, "save")).exited(0);
    let baton = fs::read(sandbox.path("store/default.baton")).unwrap();
    finish(store(&sandbox, "enforce").args(["--forced-login-method", "api"])).exited(4);
    assert_eq!(sandbox.auth_json(), None);
    assert!(!sandbox.path("home/authbaton.json").exists());
    assert_eq!(fs::read(sandbox.path("store/default.baton")).unwrap(), baton);
}

#[test]
fn a_forbidden_seed_is_not_stored() {
    let (_authority, first, _) = logins();
    let sandbox = Sandbox::new();
    let file = sandbox.write("seed.json", first.as_bytes());
    let mut restore = store(&sandbox, "restore");
    restore.arg("--seed-file").arg(file).args(["--forced-login-method", "api"]);
    finish(&mut restore).exited(4).said("error[policy-forbidden]");
    assert_eq!(fs::read_dir(sandbox.path("store")).unwrap().count(), 0);
    assert_eq!(sandbox.auth_json(), None);
}

/// Here and not in a scenario: the store's directory must be private, and a copied one is what the umask makes it.
#[test]
fn what_we_did_not_write_is_neither_read_nor_overwritten() {
    let (_authority, first, _) = logins();
    let sandbox = Sandbox::new();
    sandbox.write("store/default.baton", b"hello");
    let file = sandbox.write("seed.json", first.as_bytes());
    finish(&mut store(&sandbox, "restore")).exited(8).said("error[baton-not-sealed]");
    let mut restore = store(&sandbox, "restore");
    finish(restore.arg("--seed-file").arg(file)).exited(8).said("error[baton-not-sealed]");
    assert_eq!(fs::read(sandbox.path("store/default.baton")).unwrap(), b"hello");
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_on_stdin_is_refused_at_once() {
    let sandbox = Sandbox::new();
    sandbox.place(b"{}");
    for kind in ["--with-api-key", "--with-access-token", "--with-auth-json"] {
        // Opened, the multiplexer is the upper end of a new pseudo-terminal: a terminal on which nobody types.
        let terminal = fs::File::options().read(true).write(true).open("/dev/ptmx").unwrap();
        let output =
            sandbox.authbaton("login").arg(kind).stdin(std::process::Stdio::from(terminal)).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.starts_with("error[stdin-is-terminal]: stdin is a terminal"), "{stderr}");
        assert!(stderr.contains("--from-file"), "{stderr}");
    }
    assert_eq!(sandbox.auth_json().unwrap(), b"{}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_is_read_although_stdin_is_a_terminal() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("key", b"sk-example\n");
    let terminal = fs::File::options().read(true).write(true).open("/dev/ptmx").unwrap();
    let mut login = sandbox.authbaton("login");
    login.args(["--with-api-key", "--from-file"]).arg(file).stdin(std::process::Stdio::from(terminal));
    assert!(login.output().unwrap().status.success());
}

#[test]
fn more_than_64_kib_are_refused_from_everywhere() {
    let sandbox = Sandbox::new();
    sandbox.place(b"{}");
    let login = |kind| {
        let mut login = sandbox.authbaton("login");
        login.arg(kind);
        login
    };
    let large = [b'a'; 64 * 1024 + 1];
    let file = sandbox.write("large", &large);
    for kind in ["--with-api-key", "--with-access-token", "--with-auth-json"] {
        run(&mut login(kind), &large, LIMIT).unwrap().exited(3).said("error[input-too-large]");
        finish(login(kind).arg("--from-file").arg(&file)).exited(3).said("error[input-too-large]");
    }
    // What fits into the input may still be too large for a login.
    let document = format!("{{\"OPENAI_API_KEY\":\"{}\"}}", "a".repeat(40 * 1024));
    let outcome = run(&mut login("--with-auth-json"), document.as_bytes(), LIMIT).unwrap();
    outcome.exited(3).said("error[auth-json-too-large]");
    assert_eq!(sandbox.auth_json().unwrap(), b"{}");
}

#[test]
fn without_a_user_there_is_no_home_and_no_place_for_journals() {
    let sandbox = Sandbox::new();
    let mut status = sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
    status.arg("status").env_remove("HOME").env_remove("CODEX_HOME");
    finish(&mut status).exited(2).said("error[home-not-found]");
    let mut restore = store(&sandbox, "restore");
    restore.env_remove("HOME").env("XDG_STATE_HOME", "not/absolute");
    finish(&mut restore).exited(2).said("error[state-directory-unknown]");
}

#[test]
fn a_login_into_a_home_that_is_not_there_makes_it() {
    let sandbox = Sandbox::new();
    let home = sandbox.path("work/a/new/home");
    let mut login = sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
    login.args(["login", "--with-api-key", "--home"]).arg(&home);
    run(&mut login, b"sk-example", LIMIT).unwrap().exited(0);
    assert!(home.join("auth.json").exists());
    // A look makes nothing.
    let mut status = sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
    status.args(["status", "--home"]).arg(sandbox.path("work/nowhere"));
    finish(&mut status).exited(3);
    assert!(!sandbox.path("work/nowhere").exists());
}

/// What the file system says of a file and of its directory. Reading changes none of it; a lock file beside it, a new mode,
/// a rename or a write changes some.
fn traces(file: &Path) -> Vec<(String, u64, u32, i64, i64, i64, i64)> {
    let directory = file.parent().unwrap();
    let beside = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = beside.chain([directory.to_owned()]).collect();
    paths.sort();
    let look = |path: PathBuf| {
        let it = fs::metadata(&path).unwrap();
        let (changed, modified) = ((it.ctime(), it.ctime_nsec()), (it.mtime(), it.mtime_nsec()));
        (path.display().to_string(), it.ino(), it.mode(), changed.0, changed.1, modified.0, modified.1)
    };
    paths.into_iter().map(look).collect()
}

/// Writes a file of a directory that a CI makes for secrets.
fn secret_file(sandbox: &Sandbox, name: &str, content: &str, modes: [u32; 2]) -> PathBuf {
    let path = sandbox.path(name);
    let directory = path.parent().unwrap();
    fs::create_dir_all(directory).unwrap();
    fs::write(&path, content).unwrap();
    for (path, mode) in [(path.as_path(), modes[0]), (directory, modes[1])] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    path
}

/// Every way in which a secret file is named, each with what it has in it.
fn use_everywhere(authority: &Authority, sandbox: &Sandbox, seed: &Path, key: &Path, api_key: &Path) {
    let url = authority.url();
    let with_store = |verb: &str| {
        let mut command = sandbox.authbaton(verb);
        command.args(["--authority-url", &url, "--store", &sandbox.store(), "--seal-key-file"]).arg(key);
        command
    };
    finish(with_store("restore").arg("--seed-file").arg(seed)).exited(0).said("the seed was taken");
    finish(with_store("login").args(["--with-auth-json", "--from-file"]).arg(seed)).exited(0);
    finish(with_store("refresh").arg("--force")).exited(0);
    let mut run = sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
    run.args(["run", "--authority-url", &url, "--store", &sandbox.store(), "--broker", "always"]);
    run.arg("--seal-key-file").arg(key).arg("--seed-file").arg(seed).args(["--", "true"]);
    finish(&mut run).exited(0);
    finish(sandbox.authbaton("login").args(["--with-api-key", "--from-file"]).arg(api_key)).exited(0);
}

#[test]
fn secret_files_of_a_ci_are_read_and_nothing_else() {
    // Jenkins: read-only files in a directory of their own. GitLab: files that everybody may write, beside the project,
    // without a line break at the end. Neither is a reason to refuse, and neither is a place for anything of ours.
    let table = [
        ("jenkins", "workspace@tmp/secretFiles/7", [0o400, 0o500], "\n"),
        ("gitlab", "builds/project.tmp", [0o666, 0o777], ""),
    ];
    for (platform, directory, modes, end) in table {
        let (authority, login, _) = logins();
        let sandbox = Sandbox::new();
        let file = |name: &str, content: &str| {
            let path = format!("{directory}/{name}/{name}");
            secret_file(&sandbox, &path, &format!("{content}{end}"), modes)
        };
        let key = fs::read_to_string(sandbox.path("seal.key")).unwrap();
        let encoded = BASE64_STANDARD.encode(&login);
        for (number, seed) in [login.as_str(), &encoded].into_iter().enumerate() {
            let store = sandbox.path("store");
            fs::remove_dir_all(&store).unwrap();
            fs::create_dir(&store).unwrap();
            fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
            let files = [file(&format!("seed{number}"), seed), file(&format!("key{number}"), &key), {
                file(&format!("api{number}"), "sk-example")
            }];
            let before = files.each_ref().map(|path| traces(path));
            // Somebody else holds it: nobody waits, because nobody locks what is not his.
            let held = fs::File::open(&files[0]).unwrap();
            rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
            if number == 0 {
                use_everywhere(&authority, &sandbox, &files[0], &files[1], &files[2]);
            } else {
                // The token of the seed was spent by the first round: only that it can be read matters here.
                let mut command = sandbox.authbaton("restore");
                command.args(["--store", &sandbox.store(), "--seal-key-file"]).arg(&files[1]);
                finish(command.arg("--replace").arg("--seed-file").arg(&files[0])).exited(0);
            }
            assert_eq!(files.each_ref().map(|path| traces(path)), before, "{platform}");
        }
    }
}
