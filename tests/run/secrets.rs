//! Promise 8: the job is not given the refresh token, nor what opens the store.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use crate::arena::{Arena, due, fresh};
use crate::job::{Job, children, file_of};

/// What every refresh token of the arena begins with.
const CANARY: &str = "rt_CANARY_";
/// The key of the sandbox, in every form in which it could be written down.
const KEY: [u8; 32] = [7; 32];
/// Somebody else, for tests that root runs.
const NOBODY: u32 = 65534;

fn needles() -> Vec<Vec<u8>> {
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let texts = [CANARY.to_owned(), BASE64_STANDARD.encode(KEY), BASE64_URL_SAFE_NO_PAD.encode(KEY), hex];
    let canary = BASE64_STANDARD.encode(CANARY).trim_end_matches('=')[..12].to_owned();
    texts.into_iter().chain([canary]).map(String::into_bytes).chain([KEY.to_vec()]).collect()
}

#[track_caller]
fn is_clean(name: &str, bytes: &[u8]) {
    for needle in needles() {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "a secret is in {name}");
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

/// Everything that the job can look at, while it runs: files, variables, arguments.
#[track_caller]
fn job_is_clean(arena: &Arena, job: &Job) {
    for directory in [job.home(), arena.sandbox.path("temporary"), arena.sandbox.path("work")] {
        assert!(directory.is_dir());
        for path in files(&directory) {
            is_clean(&path.display().to_string(), &fs::read(&path).unwrap());
        }
    }
    assert!(job.environment().contains("CODEX_HOME="));
    is_clean("a variable", job.environment().as_bytes());
    for pid in children(job.pid()).into_iter().chain([job.pid()]) {
        is_clean("an argument", file_of(pid, "cmdline").as_bytes());
    }
    is_clean("the output", job.said().as_bytes());
}

#[test]
fn a_planted_secret_is_found() {
    for text in [CANARY.as_bytes(), BASE64_STANDARD.encode(KEY).as_bytes(), &KEY] {
        assert!(std::panic::catch_unwind(|| is_clean("nothing", &[b"x", text, b"y"].concat())).is_err());
    }
    // "rt_CANARY_" at the beginning of something that was encoded.
    let encoded = BASE64_STANDARD.encode("rt_CANARY_and more");
    assert!(std::panic::catch_unwind(|| is_clean("nothing", encoded.as_bytes())).is_err());
}

#[test]
fn the_job_has_no_refresh_token_and_no_seal_key() {
    let key = BASE64_STANDARD.encode(KEY);
    for options in [&["--broker", "never", "-v"][..], &["--broker", "always", "-v"]] {
        let arena = Arena::new();
        // The login comes by the variable, and the key too, as on a CI.
        let login = arena.issue(&due());
        let options = [options, &["--seed-env", "SEED"]].concat();
        let job = Job::start_with(&arena, &options, |command| {
            command.env("SEED", &login).env("AUTHBATON_SEAL_KEY", &key).env("INPUT_SEAL-KEY", &key);
        });
        assert_eq!(arena.authority.exchanges(), 1);
        job_is_clean(&arena, &job);
        if options.contains(&"always") {
            let client = job.client();
            client.ask("unauthorized_recovery").unwrap().token(&client);
            assert_eq!(arena.authority.exchanges(), 2);
            job_is_clean(&arena, &job);
        }
        let end = job.end(&arena);
        is_clean("the output", format!("{}{}", end.stdout, end.stderr).as_bytes());
        arena.nothing_lies_around();
    }
}

/// The key is in the variable of `run` alone: the broker has it from a pipe.
#[test]
fn the_broker_has_no_secret_where_others_can_look() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let key = BASE64_STANDARD.encode(KEY);
    let mut command = crate::job::bare(&arena, &["--store", &arena.sandbox.store(), "--broker", "always"]);
    let (script, out) = Job::script(&arena);
    command.args(["--", "/bin/sh", &script, out.to_str().unwrap()]);
    command.env("AUTHBATON_SEAL_KEY", &key).env("AWS_SECRET_ACCESS_KEY", "of others");
    command.env("RUNNER_TRACKING_ID", "github_x");
    let job = Job::spawn(&arena, &mut command, out);
    crate::arena::wait_until("the command", || job.variable_if_begun("CODEX_HOME").is_some());
    let broker = job.broker().unwrap();
    let arguments = file_of(broker, "cmdline");
    assert_eq!(arguments.lines().skip(1).collect::<Vec<_>>(), ["broker", "--handed-over"]);
    is_clean("an argument of the broker", arguments.as_bytes());
    match fs::read(format!("/proc/{broker}/environ")) {
        Ok(environment) => {
            is_clean("a variable of the broker", &environment);
            let environment = file_of(broker, "environ");
            let names = environment.lines().filter_map(|line| Some(line.split_once('=')?.0));
            let names: BTreeSet<_> = names.collect();
            assert_eq!(names, BTreeSet::from(["HOME", "RUNNER_TRACKING_ID", "XDG_STATE_HOME"]));
        }
        // Then nobody of this user can look there, which is better still: only root can.
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
    }
    let client = job.client();
    client.ask("unauthorized_recovery").unwrap().token(&client);
    job.end(&arena);
}

/// What a process of the same user cannot open, because the broker (and `run` itself) is not dumpable. Root could: so
/// where root runs the tests, the job is somebody else's.
#[test]
fn nobody_of_the_same_user_can_look_into_it() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let as_root = rustix::process::geteuid().is_root();
    if as_root && !can_be_nobody(&arena) {
        eprintln!("NOT TESTED: this root may not become another user, so nothing can be shown");
        return;
    }
    let program = arena.sandbox.path("authbaton");
    // By another process, as `write_program` does, and for the same reason.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_authbaton")).arg(&program).status().unwrap();
    assert!(copied.success());
    let (script, out) = Job::script(&arena);
    let run = crate::job::run(&arena, &["--broker", "always"], &["/bin/sh", &script, out.to_str().unwrap()]);
    let mut command = as_nobody(as_root, &program);
    command.args(run.get_args()).env_clear().current_dir(run.get_current_dir().unwrap());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if as_root {
        give_away(&arena.sandbox.path(""));
    }
    let job = Job::spawn(&arena, &mut command, out);
    crate::arena::wait_until("the command", || job.variable_if_begun("CODEX_HOME").is_some());
    let broker = job.broker().unwrap();
    let can_read = |pid: u32, name: &str| {
        let mut cat = as_nobody(as_root, Path::new("/bin/head"));
        cat.args(["-c", "1", &format!("/proc/{pid}/{name}")]).stderr(Stdio::null());
        cat.output().unwrap().status.success()
    };
    for name in ["environ", "maps", "auxv"] {
        assert!(can_read(job.command(), name), "the test shows nothing: /proc/PID/{name} of the command");
        for (whose, pid) in [("the broker", broker), ("run", job.pid())] {
            assert!(!can_read(pid, name), "/proc/PID/{name} of {whose} can be read");
        }
    }
    for pid in [broker, job.pid()] {
        assert_eq!(fs::metadata(format!("/proc/{pid}/mem")).unwrap().uid(), 0, "it is dumpable");
        assert!(file_of(pid, "limits").lines().any(|line| {
            line.starts_with("Max core file size") && line.split_whitespace().nth(4) == Some("0")
        }));
    }
    job.end(&arena);
}

fn as_nobody(as_root: bool, program: &Path) -> Command {
    if !as_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let id = NOBODY.to_string();
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(program);
    command
}

/// Whether that user can be had, and comes to where the sandbox is: a temporary directory may be below root's own.
fn can_be_nobody(arena: &Arena) -> bool {
    let root = arena.sandbox.path("");
    let mut look = as_nobody(true, Path::new("/usr/bin/stat"));
    look.arg(root).stdout(Stdio::null()).stderr(Stdio::null());
    look.status().is_ok_and(|status| status.success())
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}
