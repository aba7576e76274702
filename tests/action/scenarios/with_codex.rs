//! The real Codex as the user's step, in the home that the action exports.

use chrono::TimeDelta;

use crate::{
    runner::Job,
    support::{
        codex,
        model::{Model, REPLY},
    },
    trigger::Trigger,
    world::{FRESH, World},
};

const NEW: TimeDelta = TimeDelta::zero();

/// One turn in a step. It has nothing but what the action has exported; Codex is kept on loopback.
fn turn(job: &mut Job, model: &Model, program: &std::path::Path) {
    let quoted: Vec<String> = codex::turn(model.origin())
        .iter()
        .map(|argument| format!("'{}'", argument.replace('\'', r"'\''")))
        .collect();
    let configuration = codex::configuration(model.origin(), "");
    let script = format!(
        "cat >\"$CODEX_HOME/config.toml\" <<'END'\n{configuration}\nEND\n\
         export CODEX_AUTHAPI_BASE_URL={origin}/api/accounts HTTPS_PROXY={origin}\n\
         '{program}' {arguments} </dev/null\n",
        origin = model.origin(),
        program = program.display(),
        arguments = quoted.join(" "),
    );
    let step = job.run(&script).unwrap();
    assert!(step.succeeded && step.log.contains(REPLY), "{}", step.log);
}

#[test]
fn codex_works_with_the_login_that_it_is_given() {
    let Some(program) = codex::program() else { return };
    let mut world = World::new();
    let model = Model::start();
    let seed = world.login(FRESH, NEW);
    world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let run = world
        .play_with(&Trigger::push(), &[("broker", "never")], None, |job| turn(job, &model, program))
        .well();
    assert_eq!(model.refreshes().len() + model.revocations().len(), 0);
    assert_eq!((world.authority.posts(), world.generation()), (0, Some(1)));
    world.login_is_alive();
    world.note("Codex as the next step, without a broker", &run);
}

#[test]
fn codex_is_renewed_by_the_broker_when_its_token_is_refused() {
    let Some(program) = codex::program() else { return };
    let mut world = World::new();
    let model = Model::start();
    let seed = world.login(FRESH, NEW);
    world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let token = world.baton().unwrap().login().unwrap().access_token().expose().to_owned();
    model.refuse_only(format!("Bearer {token}"));
    let run = world
        .play_with(&Trigger::push(), &[("broker", "always")], None, |job| {
            assert_eq!(job.processes().len(), 1, "{:?}", job.processes());
            turn(job, &model, program);
        })
        .well();
    assert_eq!(model.refreshes().len() + model.revocations().len(), 0);
    assert_eq!((world.authority.posts(), world.generation()), (1, Some(2)));
    assert_ne!(model.turns().last().unwrap().authorization, Some(format!("Bearer {token}")));
    world.login_is_alive();
    world.note("Codex as the next step, with a broker", &run);
}
