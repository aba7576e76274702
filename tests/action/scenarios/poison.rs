//! A step before ours sets whatever it likes: nothing of that decides where a token is sent or put.

use chrono::TimeDelta;

use crate::{
    support::model::Model,
    trigger::Trigger,
    world::{DUE, World},
};

const OLD: TimeDelta = TimeDelta::days(9);

#[test]
fn what_an_earlier_step_has_set_changes_nothing() {
    let mut world = World::new();
    let seed = world.login(DUE, OLD);
    let evil = Model::start();
    let origin = evil.origin();
    let mut job = world.job(&Trigger::push());
    let trap = job.root().join("trap");
    std::fs::create_dir(&trap).unwrap();
    let trap = trap.display();
    let step = job
        .run(&format!(
            r#"cat >>"$GITHUB_ENV" <<'END'
CODEX_HOME={trap}/home
LLMX_HOME={trap}/home
CODEX_REFRESH_TOKEN_URL_OVERRIDE={origin}/oauth/token
CODEX_REVOKE_TOKEN_URL_OVERRIDE={origin}/oauth/revoke
CODEX_AUTHAPI_BASE_URL={origin}/api/accounts
AUTHBATON_AUTHORITY_URL={origin}
AUTHBATON_STORE=file:{trap}/store
AUTHBATON_SLOT=poison
AUTHBATON_AUDIENCE=poison
AUTHBATON_HOME={trap}/home
AUTHBATON_SEAL_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
AUTHBATON_PLATFORM=shell
AUTHBATON_MASK=none
AUTHBATON_BROKER=always
AUTHBATON_CONFIG_ROOT={trap}
AUTHBATON_REFRESH_BEFORE_EXPIRY=1s
AUTHBATON_FAILPOINT=exchange-sent:exit
INPUT_AUTHORITY_URL={origin}
INPUT_SEAL_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
INPUT_CODEX_HOME={trap}/home
INPUT_CA_FILE={trap}/ca.pem
STATE_home={trap}
STATE_codex-home={trap}
SSL_CERT_FILE={trap}/ca.pem
SSL_CERT_DIR={trap}
NODE_EXTRA_CA_CERTS={trap}/ca.pem
XDG_STATE_HOME={trap}/state
XDG_CONFIG_HOME={trap}/config
TMPDIR={trap}/temporary
HTTP_PROXY={origin}
http_proxy={origin}
ALL_PROXY={origin}
LD_PRELOAD_OF_OURS={trap}/none.so
GITHUB_REF=refs/heads/other
GITHUB_REPOSITORY_ID=1
RUNNER_TEMP={trap}
ACTIONS_RUNTIME_TOKEN=poison
ACTIONS_RESULTS_URL={origin}/
END"#
        ))
        .unwrap();
    assert!(step.succeeded, "{}", step.log);
    let trapped = job.root().join("trap");
    let found = std::cell::RefCell::new(Vec::new());
    let run = world.play_on(job, &[("auth-json", &seed)], None, |_| {
        let entries = std::fs::read_dir(&trapped).unwrap().flatten().map(|entry| entry.file_name());
        found.borrow_mut().extend(entries);
    });
    let run = run.well().has(&[("refreshed", "true"), ("generation", "2")]);
    assert!(found.borrow().is_empty(), "{:?}", found.borrow());
    assert!(evil.seen().is_empty(), "{:?}", evil.seen());
    assert!(run.output("codex-home").starts_with(&run.ended.temporary().display().to_string()));
    assert_eq!((world.authority.posts(), world.authority.exchanges()), (1, 1));
    world.login_is_alive();
    world.note("a poisoned environment", &run);
}
