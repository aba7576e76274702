//! `run -- codex exec …` and worse: however many Codex processes ask, and whatever they do to their home, a due token
//! costs one exchange, and the store's login lives.

use authbaton::rehearsal::Behaviour;
use chrono::TimeDelta;
use std::time::Duration;

use crate::{
    job::{Done, Job, TURN},
    support::model::REPLY,
    table::{self, CASES},
};

/// Codex and we ask for another token when 300 s are left. A job that starts with these 310 s has 10 s to start in, and
/// after [`WAIT`] its token is due.
const SOON_DUE: TimeDelta = TimeDelta::seconds(310);
const WAIT: &str = "sleep 11";
const FRESH: TimeDelta = TimeDelta::days(10);

#[test]
fn an_expired_token_is_renewed_before_the_start() {
    let Some(job) = Job::with_left(TimeDelta::hours(-1)) else { return };
    let done = job.run(&[], TURN);
    worked(&done, 1);
    assert_eq!((done.exchanges, done.posts_at_broker), (1, 0));
    carried_renewed(&job, 1);
    table::note(CASES[0], &done);
}

#[test]
fn a_token_that_ends_during_the_job_is_renewed_once() {
    let Some(job) = Job::with_left(SOON_DUE) else { return };
    let done = job.run(&[], &format!("{TURN}; {WAIT}; {TURN}"));
    worked(&done, 2);
    assert_eq!(done.exchanges, 1);
    assert!(done.posts_at_broker >= 1, "{:#?}", done.outcome);
    let turns = job.scene.model.turns();
    assert_eq!(turns.first().unwrap().authorization, Some(job.seeds_authorization()));
    carried_renewed(&job, 1);
    table::note(CASES[1], &done);
    job.next_job_works();
}

#[test]
fn a_token_that_the_model_refuses_is_renewed_once() {
    let Some(job) = Job::with_left(FRESH) else { return };
    job.scene.model.refuse_only(job.seeds_authorization());
    let done = job.run(&["--broker", "always"], TURN);
    worked(&done, 1);
    assert_eq!(done.exchanges, 1);
    assert!(done.posts_at_broker >= 1, "{:#?}", done.outcome);
    carried_renewed(&job, 1);
    table::note(CASES[2], &done);
    job.next_job_works();
}

#[test]
fn four_at_once_share_one_exchange() {
    let Some(job) = Job::with_left(SOON_DUE) else { return };
    // Slow, so that all of them ask before the first has its answer.
    job.authority.always(Behaviour::Honest.delayed(Duration::from_secs(3)));
    let one = format!("( {TURN} ) &");
    let done = job.run(&[], &format!("{WAIT}; {one} {one} {one} {one} wait"));
    worked(&done, 4);
    assert_eq!(done.exchanges, 1);
    assert!(done.posts_at_broker >= 2, "{:#?}", done.outcome);
    carried_renewed(&job, 4);
    table::note(CASES[3], &done);
}

#[test]
fn a_logout_by_codex_leaves_the_store_its_login() {
    let Some(job) = Job::with_left(FRESH) else { return };
    let done = job.run(&["--broker", "always"], r#""$0" logout; echo $? >>codes"#);
    assert_eq!(done.codex_codes, [0], "{:#?}", done.outcome);
    assert_eq!(done.exchanges, 0);
    let stderr = &done.outcome.stderr;
    assert!(stderr.contains("broker: a revocation was answered and dropped"), "{stderr}");
    assert!(stderr.contains("Successfully logged out"), "{stderr}");
    table::note(CASES[4], &done);
    job.next_job_works();
}

#[test]
fn a_login_by_codex_is_reported_and_not_stored() {
    const KEY: &str = "sk-of-the-job-1234567890";
    let Some(job) = Job::with_left(FRESH) else { return };
    job.run(&["--broker", "always"], ":").outcome.exited(0);
    let stored = stored(&job);
    let script =
        format!(r#"printf {KEY} | "$0" login --with-api-key; echo $? >>codes; cat "$CODEX_HOME/auth.json""#);
    let report = job.scene.sandbox.path("work/report.json");
    let done = job.run(&["--broker", "always", "--report", report.to_str().unwrap()], &script);
    assert_eq!(done.codex_codes, [0], "{:#?}", done.outcome);
    assert!(done.outcome.stdout.contains(KEY), "the home has no API key: {:#?}", done.outcome);
    let stderr = &done.outcome.stderr;
    assert!(stderr.contains("a login of its own"), "{stderr}");
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains(r#""foreign_login":true"#), "{report}");
    assert_eq!(done.exchanges, 0);
    assert!(self::stored(&job) == stored, "the slot was changed");
    table::note(CASES[5], &done);
    job.next_job_works();
}

#[test]
fn a_proxy_is_not_asked_for_the_broker() {
    for (variable, case) in [("HTTP_PROXY", CASES[6]), ("http_proxy", CASES[7]), ("ALL_PROXY", CASES[8])] {
        let Some(job) = Job::with_left(FRESH) else { return };
        job.scene.model.refuse_only(job.seeds_authorization());
        let proxy = Job::proxy();
        let done = job.finish(job.command(&["--broker", "always"], TURN).env(variable, proxy.origin()));
        worked(&done, 1);
        assert_eq!(done.exchanges, 1, "{variable}");
        assert!(done.posts_at_broker >= 1, "{variable}: {:#?}", done.outcome);
        carried_renewed(&job, 1);
        assert!(proxy.seen().is_empty(), "{variable}: {:#?}", proxy.seen());
        table::note(case, &done);
    }
}

#[test]
fn a_script_that_starts_codex_twice_costs_one_exchange() {
    let Some(job) = Job::with_left(SOON_DUE) else { return };
    let done = job.run(&[], &format!("{WAIT}; {TURN}; {TURN}; exit 7"));
    assert_eq!(done.outcome.code, Some(7), "{:#?}", done.outcome);
    assert_eq!(done.codex_codes, [0, 0], "{:#?}", done.outcome);
    assert_eq!(done.exchanges, 1);
    assert!(done.posts_at_broker >= 1, "{:#?}", done.outcome);
    carried_renewed(&job, 2);
    table::note(CASES[9], &done);
}

#[track_caller]
fn worked(done: &Done, turns: usize) {
    assert_eq!(done.outcome.code, Some(0), "{:#?}", done.outcome);
    assert_eq!(done.codex_codes, vec![0; turns], "{:#?}", done.outcome);
    assert!(done.outcome.stdout.contains(REPLY), "no reply of the model: {:#?}", done.outcome);
}

/// Demands that the last turns went out with one and the same token, which is not the seed's.
#[track_caller]
fn carried_renewed(job: &Job, turns: usize) {
    let all = job.scene.model.turns();
    let renewed = all.last().unwrap().authorization.clone();
    assert!(renewed.is_some() && renewed != Some(job.seeds_authorization()), "the token is still the seed's");
    assert!(
        all.iter().rev().take(turns).all(|turn| turn.authorization == renewed),
        "more than one new token"
    );
}

/// What the store has, byte for byte.
fn stored(job: &Job) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(job.scene.sandbox.path("store"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

/// Codex would give up after 20 s. It is answered before with the token that there is, while the exchange goes on; it
/// asks again (observed), and has the new token then.
#[test]
fn a_slow_authority_does_not_end_codex() {
    let Some(job) = Job::with_left(SOON_DUE) else { return };
    job.authority.always(Behaviour::Honest.delayed(Duration::from_secs(25)));
    let done = job.run(&[], &format!("{WAIT}; {TURN}; {TURN}"));
    worked(&done, 2);
    assert_eq!(done.exchanges, 1);
    assert!(done.outcome.stderr.contains("the token that there was"), "{:#?}", done.outcome);
    carried_renewed(&job, 1);
    table::note(CASES[10], &done);
}
