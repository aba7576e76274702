//! The scripts of the action, by a real Node: which program they start, with what environment, and how they end.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(clippy::unwrap_used, reason = "what a test cannot arrange is a failed test")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use authbaton::store::StoreUrl;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

#[path = "support/process.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod process;
#[path = "support/program.rs"]
mod program;

use process::{Outcome, run, start};
use program::write_program;

const LIMIT: Duration = Duration::from_secs(60);
const ACTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/action");
/// What a program for the scripts writes down: its arguments, and the names in its environment.
const PROGRAM: &str = r#"#!/bin/sh
echo "arguments: $1 $2"
printf '%s' "$CODEX_API_KEY" > "$RUNNER_TEMP/rival"
env | sed 's/=.*//' | sort > "$RUNNER_TEMP/names"
"#;

struct Scene {
    root: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { root: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_program(&path, text);
        path
    }

    fn command(&self, script: &Path) -> Command {
        let mut command = Command::new("node");
        command.arg(script).env_clear().current_dir(self.root.path());
        command.env("PATH", env::var_os("PATH").unwrap()).env("RUNNER_TEMP", self.root.path());
        command.env("GITHUB_ACTION_REPOSITORY", "owner/authbaton");
        command
    }

    /// Runs the stage of the repository's own scripts with this program.
    fn stage(&self, script: &str, program: &Path) -> Command {
        let mut command = self.command(&Path::new(ACTION).join(script));
        command.env("INPUT_BINARY-PATH", program);
        command
    }

    /// A copy of the scripts whose commit names this program for this machine.
    fn released(&self, url: &str, content: &[u8], sha256: &str) -> PathBuf {
        let directory = self.path("copy/action");
        fs::create_dir_all(&directory).unwrap();
        for name in ["main.js", "post.js", "shared.js"] {
            fs::copy(Path::new(ACTION).join(name), directory.join(name)).unwrap();
        }
        let of_node = node(&["-p", "`${process.platform}-${process.arch}`"]);
        let asset = json!({"name": "authbaton-test", "sha256": sha256, "size": content.len()});
        let checksums = json!({"version": "1.2.3", "url": url, "assets": {of_node: asset}});
        fs::write(directory.join("checksums.json"), checksums.to_string()).unwrap();
        directory.join("main.js")
    }
}

fn node(arguments: &[&str]) -> String {
    let ran = Command::new("node").args(arguments).output().unwrap();
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn ended(command: &mut Command, code: i32) -> Outcome {
    run(command, b"", LIMIT).unwrap().exited(code)
}

#[track_caller]
fn refused(command: &mut Command, why: &str) {
    let outcome = ended(command, 2);
    let expected = format!("::error title=authbaton%3A program-missing::{why}");
    assert!(outcome.stdout.starts_with(&expected), "{why}: {outcome:#?}");
    assert_eq!(outcome.stderr, "");
}

#[test]
fn they_are_short_and_need_nothing_but_node() {
    let names = ["main.js", "post.js", "shared.js"];
    let texts = names.map(|name| fs::read_to_string(Path::new(ACTION).join(name)).unwrap());
    let lines: usize = texts.iter().map(|text| text.lines().count()).sum();
    assert!(lines < 200, "{lines} lines");
    for text in &texts {
        for required in text.split("require('").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert!(required.starts_with("node:") || required == "./shared.js", "{required}");
        }
    }
}

#[test]
fn the_program_gets_the_environment_of_the_list_and_nothing_else() {
    let scene = Scene::new();
    let program = scene.program("program", PROGRAM);
    let withheld = [
        "AUTHBATON_STORE",
        "AUTHBATON_SEAL_KEY",
        "CODEX_HOME",
        "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
        "NODE_OPTIONS_",
        "NODE_EXTRA_CA_CERTS_",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GITHUB_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "MY_SECRET",
        "LD_LIBRARY_PATH",
        "GIT_SSH_COMMAND",
    ];
    let given = [
        "ACTIONS_CACHE_MODE",
        "ACTIONS_RESULTS_URL",
        "ACTIONS_RUNTIME_TOKEN",
        "CI",
        "GITHUB_REF",
        "HOME",
        "HTTPS_PROXY",
        "INPUT_STORE",
        "RUNNER_TRACKING_ID",
        "STATE_directory",
        "no_proxy",
    ];
    let mut main = scene.stage("main.js", &program);
    main.envs(withheld.iter().chain(&given).map(|name| (name, "x"))).env("CODEX_API_KEY", "sk-other");
    let outcome = ended(&mut main, 0);
    assert_eq!(outcome.stdout, "arguments: action main\n");
    assert_eq!(fs::read_to_string(scene.path("rival")).unwrap(), "set", "the value of somebody else's key");
    let names = fs::read_to_string(scene.path("names")).unwrap();
    // What a shell adds.
    let names: BTreeSet<&str> =
        names.lines().filter(|it| !["PWD", "OLDPWD", "SHLVL", "_"].contains(it)).collect();
    let own = ["CODEX_API_KEY", "GITHUB_ACTION_REPOSITORY", "INPUT_BINARY-PATH", "PATH", "RUNNER_TEMP"];
    // A shell drops what it could not name.
    let expected: BTreeSet<&str> = given.into_iter().chain(own).filter(|name| !name.contains('-')).collect();
    assert_eq!(names.into_iter().filter(|it| !it.contains('-')).collect::<BTreeSet<_>>(), expected);
}

#[test]
fn what_a_store_reads_goes_to_a_job_with_that_store_alone() {
    const OF_STORES: [(&str, &[&str]); 6] = [
        ("s3://bucket/x", &["AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
        ("gs://bucket/x", &["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"]),
        ("az://account/container/x", &["AZURE_CLIENT_ID", "AZURE_STORAGE_TOKEN"]),
        ("git:https://example.com/x", &["GIT_SSH_COMMAND", "SSH_AUTH_SOCK"]),
        ("actions-cache:", &[]),
        ("", &[]),
    ];
    let scene = Scene::new();
    let program = scene.program("program", PROGRAM);
    for (store, given) in OF_STORES {
        let mut main = scene.stage("main.js", &program);
        let all = OF_STORES.iter().flat_map(|(_, names)| *names);
        ended(main.env("INPUT_STORE", store).envs(all.clone().map(|name| (name, "x"))), 0);
        let names = fs::read_to_string(scene.path("names")).unwrap();
        let names: Vec<&str> = names.lines().collect();
        let got: Vec<&str> = all.copied().filter(|name| names.contains(name)).collect();
        assert_eq!(got, given, "{store}");
    }
}

/// The scripts and the program keep the same names.
#[test]
fn both_lists_are_one() {
    let words = |text: &str, begin: &str, quote: char| -> BTreeSet<String> {
        let (_, rest) = text.split_once(begin).unwrap();
        let (list, _) = rest.split_once(']').unwrap();
        list.split(quote).skip(1).step_by(2).map(str::to_owned).collect()
    };
    let script = fs::read_to_string(Path::new(ACTION).join("shared.js")).unwrap();
    let program = include_str!("../src/cli/action.rs");
    let mut of_script = words(&script, "const KEPT = [", '\'');
    of_script.extend(words(&script, "const RIVALS = [", '\''));
    assert_eq!(of_script, words(program, "const KEPT: [&str; 29] = [", '"'));
    let mut prefixes = words(&script, "const KEPT_PREFIXES = [", '\'');
    assert!(prefixes.remove("INPUT_"), "the program reads them, and keeps none");
    assert_eq!(prefixes, words(program, "const KEPT_PREFIXES: [&str; 3] = [", '"'));
}

#[test]
fn the_credentials_that_a_store_reads_are_passed_on() {
    let scene = Scene::new();
    let program = scene.program("program", "#!/bin/sh\nenv\n");
    for store in ["s3://bucket/x", "gs://bucket/x", "az://account/container/x"] {
        // But for one of Windows.
        let names = StoreUrl::parse(store).unwrap().variables().iter().filter(|name| **name != "APPDATA");
        let mut stage = scene.stage("main.js", &program);
        stage.env("INPUT_STORE", store).envs(names.clone().map(|name| (*name, "passed-on")));
        let outcome = ended(&mut stage, 0);
        for name in names {
            assert!(outcome.stdout.contains(&format!("{name}=passed-on\n")), "{store}: {name}");
        }
    }
}

#[test]
fn they_end_as_the_program_ends() {
    let scene = Scene::new();
    for code in [0, 1, 5, 10, 137] {
        let program = scene.program("program", &format!("#!/bin/sh\nexit {code}\n"));
        assert_eq!(ended(&mut scene.stage("main.js", &program), code).stdout, "");
    }
    let program = scene.program("program", "#!/bin/sh\nkill -9 $$\n");
    ended(&mut scene.stage("main.js", &program), 137);
    let broken = scene.program("program", "#!/nowhere\n");
    let outcome = ended(&mut scene.stage("main.js", &broken), 1);
    assert!(outcome.stdout.contains("could not be started"), "{outcome:#?}");
}

#[test]
fn signals_are_passed_on_and_the_end_is_waited_for() {
    let scene = Scene::new();
    let text = "#!/bin/sh\ntrap 'echo int' INT\ntrap 'echo term; exit 7' TERM\n: > \"$RUNNER_TEMP/ready\"\n\
                while :; do sleep 0.05; done\n";
    let program = scene.program("program", text);
    let running = start(&mut scene.stage("main.js", &program), b"").unwrap();
    wait_for(&scene.path("ready"));
    // As the runner: to this process alone, first one, then the other.
    let node = Pid::from_child(&running.child);
    kill_process(node, Signal::INT).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    kill_process(node, Signal::TERM).unwrap();
    let outcome = running.finish(LIMIT).unwrap().exited(7);
    assert_eq!(outcome.stdout, "int\nterm\n");
}

fn wait_for(path: &Path) {
    let start = std::time::Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < LIMIT, "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_program_is_the_one_that_the_commit_names() {
    let scene = Scene::new();
    let genuine = "#!/bin/sh\necho genuine\n";
    let main = scene.released("https://127.0.0.1:1/nothing", genuine.as_bytes(), &sha256(genuine.as_bytes()));
    let cached = format!("tools/authbaton/{}/authbaton", sha256(genuine.as_bytes()));
    let command = || {
        let mut command = scene.command(&main);
        command.env("RUNNER_TOOL_CACHE", scene.path("tools"));
        command
    };
    refused(&mut command(), "authbaton-test could not be downloaded: ");
    scene.program(&cached, genuine);
    for version in ["", "1.2.3", "v1.2.3"] {
        assert_eq!(ended(command().env("INPUT_VERSION", version), 0).stdout, "genuine\n");
    }
    refused(command().env("INPUT_VERSION", "1.2.4"), "`version` is not that of this commit");
    // A step before us cannot name another one.
    let other = scene.program("other", "#!/bin/sh\necho other\n");
    assert_eq!(ended(command().env("INPUT_BINARY_PATH", &other), 0).stdout, "genuine\n");
    // Of the same length.
    scene.program(&cached, &genuine.replace("genuine", "changed"));
    refused(&mut command(), "authbaton-test could not be downloaded: ");
    let checksums = main.with_file_name("checksums.json");
    fs::write(&checksums, r#"{"version":"1.2.3","url":"https://127.0.0.1:1","assets":{"other-system":{}}}"#)
        .unwrap();
    refused(&mut command(), "this commit names no program for ");
    refused(command().env("INPUT_BINARY-PATH", "nowhere"), "the file that `binary-path` names is not there");
}

#[test]
fn without_a_note_there_is_nothing_to_do_at_the_end() {
    let scene = Scene::new();
    let mut post = scene.command(&Path::new(ACTION).join("post.js"));
    assert_eq!(ended(&mut post, 0).stdout, "there is nothing to clean up\n");
    let program = scene.program("program", PROGRAM);
    let mut post = scene.stage("post.js", &program);
    assert_eq!(ended(post.env("STATE_directory", "x"), 0).stdout, "arguments: action post\n");
}
