//! The harness itself, with small scripts in the place of our action: it carries, hides, refuses and cancels as the
//! runner does.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    runner::{Action, Cancellation, Job, Setup, Status},
    search::Secrets,
};

const DESCRIPTION: &str = "name: subject\ninputs:\n  plain:\n    default: given\n  with-hyphen:\n  secret:\noutputs:\n  o: {}\n\
                           runs:\n  using: node24\n  main: main.js\n  post: post.js\n  post-if: always()\n";

struct Subject {
    _directory: TempDir,
    action: Action,
}

impl Subject {
    fn new(main: &str, post: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let helpers = "const fs = require('fs'); const append = (file, text) => fs.appendFileSync(process.env[file], text);\n";
        for (name, text) in [("main.js", main), ("post.js", post)] {
            fs::write(directory.path().join(name), format!("{helpers}{text}")).unwrap();
        }
        fs::write(directory.path().join("action.yml"), DESCRIPTION).unwrap();
        let action = Action::read(directory.path()).unwrap();
        Self { _directory: directory, action }
    }
}

fn setup() -> Setup {
    Setup {
        services: [("ACTIONS_RUNTIME_TOKEN".to_owned(), "token-of-the-services".to_owned())].into(),
        secrets: vec!["secret-of-the-workflow".to_owned(), "token-of-the-services".to_owned()],
        ..Setup::default()
    }
}

#[test]
fn a_step_finds_its_variables_and_no_others() {
    let subject = Subject::new("console.log(JSON.stringify(process.env))", "");
    let mut job = Job::begin(setup());
    let main = job.uses(&subject.action, &[("with-hyphen", "h"), ("odd", "x")]).unwrap();
    let seen: std::collections::BTreeMap<String, String> = serde_json::from_str(&main.raw[0].text).unwrap();
    assert_eq!(seen["INPUT_PLAIN"], "given");
    assert_eq!(seen["INPUT_WITH-HYPHEN"], "h");
    assert_eq!(seen["INPUT_SECRET"], "");
    assert_eq!(seen["ACTIONS_RUNTIME_TOKEN"], "token-of-the-services");
    let foreign = |name: &&String| {
        !["ACTIONS_", "GITHUB_", "INPUT_", "RUNNER_"].iter().any(|prefix| name.starts_with(prefix))
    };
    let others: Vec<&str> = seen.keys().filter(foreign).map(String::as_str).collect();
    assert_eq!(others, ["CI", "HOME", "PATH"]);
    let run = job.run("env").unwrap();
    for absent in ["ACTIONS_", "INPUT_"] {
        assert!(!run.raw.iter().any(|line| line.text.starts_with(absent)), "{absent}: {}", run.log);
    }
    assert!(run.log.contains("RUNNER_TEMP="), "{}", run.log);
    let ended = job.end();
    assert_eq!(ended.status, Status::Success);
    let warning = "##[warning]Unexpected input(s) 'odd', valid inputs are ['plain', 'with-hyphen', 'secret']";
    assert!(ended.record.log.contains(warning), "{}", ended.record.log);
}

#[test]
fn a_job_carries_variables_paths_outputs_and_state() {
    let main = "append('GITHUB_ENV', 'CARRIED=c\\n'); append('GITHUB_PATH', '/carried\\n');\
                append('GITHUB_OUTPUT', 'o<<E\\none\\ntwo\\nE\\nempty=\\nleak=token-of-the-services\\n');\
                append('GITHUB_STATE', 'kept_Case=s\\n'); append('GITHUB_STEP_SUMMARY', '# secret-of-the-workflow\\n');";
    let post = "console.log(process.env.STATE_kept_Case, process.env.CARRIED, process.env.INPUT_PLAIN)";
    let subject = Subject::new(main, post);
    let mut job = Job::begin(setup());
    let main = job.uses(&subject.action, &[]).unwrap();
    assert_eq!(main.outputs["o"], "one\ntwo");
    assert_eq!(main.summary, "# ***");
    let run = job.run("echo \"$CARRIED ${PATH%%:*} ${STATE_kept_Case-none}\"").unwrap();
    assert_eq!(run.raw[0].text, "c /carried none");
    let ended = job.end();
    assert_eq!(ended.posts[0].raw[0].text, "s c given");
    assert_eq!(ended.outputs.keys().collect::<Vec<_>>(), ["o"]);
    let log = &ended.record.log;
    assert!(log.contains("##[warning]Skip output 'leak' since it may contain secret."), "{log}");
    assert!(log.contains("##[debug]Save intra-action state kept_Case = s"), "{log}");
    assert!(log.contains("##[debug]Set output leak = ***"), "{log}");
}

#[test]
fn what_is_registered_is_hidden_from_then_on() {
    let main = "console.log('early-1234567'); console.log('::add-mask::early-1234567'); console.log('early-1234567');\
                console.log(Buffer.from('early-1234567').toString('base64'));\
                console.log('::stop-commands::pause-1234'); console.log('::add-mask::late-1234567');\
                console.log('late-1234567'); console.log('::pause-1234::'); console.log('::add-mask::');";
    let subject = Subject::new(main, "");
    let mut job = Job::begin(setup());
    let main = job.uses(&subject.action, &[("secret", "secret-of-the-workflow")]).unwrap();
    let expected = "  plain: given\n  secret: ***\n##[endgroup]\nearly-1234567\n***\n***\n::stop-commands::***\n\
                    ::add-mask::late-1234567\nlate-1234567\n::***::\n\
                    ##[warning]Can't add secret mask for empty string in ##[add-mask] command.\n";
    assert!(main.log.ends_with(expected), "{}", main.log);
    assert!(main.succeeded);
}

#[test]
fn a_step_that_breaks_a_rule_fails() {
    let table = [
        ("console.log('::set-env name=A::b')", "The `set-env` command is disabled."),
        ("console.error('##[add-path]/x')", "The `add-path` command is disabled."),
        ("console.log('::set-output::b')", "Required field 'name' is missing in ##[set-output] command."),
        ("console.log('::stop-commands::')", "You cannot use a endToken that is an empty string"),
        ("console.log('::stop-commands::error')", "You cannot use a endToken that is an empty string"),
        (
            "append('GITHUB_ENV', 'x')",
            "##[error]Unable to process file command 'env' successfully.\n##[error]Invalid format 'x'",
        ),
        ("append('GITHUB_ENV', 'NODE_OPTIONS=x')", "Can't store NODE_OPTIONS output parameter"),
        ("append('GITHUB_STATE', 'a<<E\\nb')", "Invalid value. EOF marker missing new line."),
        ("process.exitCode = 3", "##[error]Process completed with exit code 3."),
    ];
    for (main, words) in table {
        let subject = Subject::new(main, "console.log('after all')");
        let mut job = Job::begin(setup());
        let stage = job.uses(&subject.action, &[]).unwrap();
        assert!(!stage.succeeded && stage.log.contains(words), "{main}: {}", stage.log);
        assert!(job.run("true").is_none(), "{main}: a later step ran");
        let ended = job.end();
        assert_eq!(ended.status, Status::Failure, "{main}");
        assert_eq!(ended.posts[0].raw[0].text, "after all", "{main}");
    }
}

#[test]
fn posts_run_backwards_also_after_a_step_that_failed() {
    let first = Subject::new("append('GITHUB_STATE', 'a=1\\n')", "console.log('first', process.env.STATE_a)");
    let second = Subject::new("", "console.log('second', process.env.STATE_a); process.exitCode = 1");
    let mut job = Job::begin(setup());
    job.uses(&first.action, &[]).unwrap();
    job.uses(&second.action, &[]).unwrap();
    assert!(!job.run("false").unwrap().succeeded);
    let ended = job.end();
    let said: Vec<&str> = ended.posts.iter().map(|post| post.raw[0].text.as_str()).collect();
    assert_eq!(said, ["second undefined", "first 1"]);
    assert_eq!(ended.status, Status::Failure);
}

#[test]
fn a_cancellation_signals_the_one_process_and_loses_patience() {
    let wait = "setInterval(() => {}, 1000); fs.writeFileSync('ready', '');";
    let table = [
        ("process.on('SIGINT', () => process.exit(7));", 7, vec![Signal::INT], 0.0),
        (
            "process.on('SIGINT', () => {}); process.on('SIGTERM', () => process.exit(8));",
            8,
            vec![Signal::INT, Signal::TERM],
            7.5,
        ),
        (
            "process.on('SIGINT', () => {}); process.on('SIGTERM', () => {});",
            137,
            vec![Signal::INT, Signal::TERM, Signal::KILL],
            10.0,
        ),
    ];
    for (handlers, code, signals, seconds) in table {
        let subject = Subject::new(&format!("{handlers}{wait}"), "console.log('after all')");
        let mut job = Job::begin(setup());
        let ready = job.workspace().join("ready");
        let main = job
            .uses_until(
                &subject.action,
                &[],
                Some(Cancellation { when: &mut || wait_for(&ready), then: &mut || {} }),
            )
            .unwrap();
        assert_eq!((main.code, &main.signals), (code, &signals), "{handlers}");
        let took = main.took.as_secs_f64();
        assert!((seconds..seconds + 2.0).contains(&took), "{handlers}: {took}");
        assert_eq!(job.status(), Status::Cancelled);
        assert!(job.run("true").is_none());
        assert_eq!(job.end().posts[0].raw[0].text, "after all");
    }
}

#[test]
fn what_is_left_running_is_ended_and_named() {
    let main = "const child = require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'ignore'}); child.unref();\
                fs.writeFileSync('pid', String(child.pid))";
    let subject = Subject::new(main, "");
    let mut job = Job::begin(setup());
    job.uses(&subject.action, &[]).unwrap();
    let pid: i32 = fs::read_to_string(job.workspace().join("pid")).unwrap().parse().unwrap();
    assert_eq!(job.processes().iter().map(|it| it.pid).collect::<Vec<_>>(), [pid]);
    let ended = job.end();
    assert_eq!(
        ended.orphans.iter().map(|it| (it.pid, it.name.as_str())).collect::<Vec<_>>(),
        [(pid, "sleep")]
    );
    assert!(ended.record.log.contains(&format!("Terminate orphan process: pid ({pid}) (sleep)")));
}

#[test]
fn a_cancellation_does_not_reach_the_children() {
    let main = "require('child_process').spawn('sleep', ['600'], {stdio: 'ignore'}); process.on('SIGINT', () => process.exit(7));\
                setInterval(() => {}, 1000); fs.writeFileSync('ready', '')";
    let subject = Subject::new(main, "");
    let mut job = Job::begin(setup());
    let ready = job.workspace().join("ready");
    let cancel = Cancellation { when: &mut || wait_for(&ready), then: &mut || {} };
    assert_eq!(job.uses_until(&subject.action, &[], Some(cancel)).unwrap().code, 7);
    assert_eq!(job.end().orphans.len(), 1);
}

/// A child that keeps a stream open does not stop the job for ever.
#[test]
fn a_stream_that_is_held_costs_five_seconds() {
    let main =
        "const child = require('child_process').spawn('sleep', ['600'], {stdio: 'inherit'}); child.unref()";
    let subject = Subject::new(main, "");
    let mut job = Job::begin(setup());
    let begin = Instant::now();
    let main = job.uses(&subject.action, &[]).unwrap();
    assert!(main.streams_were_held);
    assert!((5..8).contains(&begin.elapsed().as_secs()));
    assert_eq!(job.end().orphans.len(), 1);
}

fn wait_for(path: &Path) {
    let end = Instant::now() + Duration::from_secs(30);
    while !path.exists() {
        assert!(Instant::now() < end, "{} did not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Each trace that a step can leave is looked at, and a mask does not excuse what was printed before it.
#[test]
fn the_search_finds_a_secret_in_every_trace() {
    const SECRET: &str = "canary-0123456789abcdef";
    const THEN: &str = " // and then\n";
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("x{SECRET}"));
    let table = [
        (format!("console.log('{SECRET}')"), &["the log", "printed on Stdout"][..]),
        (format!("console.log('::add-mask::{SECRET}'); console.log('{SECRET}')"), &["printed on Stdout"]),
        // Two steps: which of two streams of one step is read first, nobody knows.
        (
            format!("console.log('::add-mask::{SECRET}'){THEN}console.error('{encoded}')"),
            &["printed on Stderr"],
        ),
        (format!("console.log('::add-mask::{SECRET}')"), &[]),
        (format!("append('GITHUB_ENV', 'A={encoded}\\n')"), &["the log", "env A"]),
        (format!("append('GITHUB_STATE', 'A={SECRET}\\n')"), &["the log", "state A"]),
        (format!("append('GITHUB_OUTPUT', 'A={SECRET}\\n')"), &["the log", "output A", "the job's output A"]),
        (format!("append('GITHUB_STEP_SUMMARY', '{SECRET}')"), &["a summary"]),
        (format!("fs.writeFileSync(process.env.RUNNER_TEMP + '/left', '{SECRET}')"), &["left"]),
        (format!("fs.writeFileSync(process.env.HOME + '/left', encodeURIComponent('{SECRET}'))"), &["left"]),
    ];
    let mut secrets = Secrets::default();
    secrets.add("refresh token", SECRET);
    for (main, places) in table {
        let mut job = Job::begin(setup());
        for step in main.split(THEN) {
            job.uses(&Subject::new(step, "").action, &[]).unwrap();
        }
        let hits = secrets.find(&job.end());
        assert_eq!(hits.len(), places.len(), "{main}: {hits:?}");
        for place in places {
            assert!(hits.iter().any(|hit| hit.contains(place)), "{main}: {place} is not in {hits:?}");
        }
    }
}
