//! The servers of a repository for `bench/action.py`, until its standard input ends.

use std::io::Read as _;

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    trigger::Trigger,
    world::{FRESH, World},
};

/// As large as a sealed login is.
const SIZE: usize = 6 * 1024;

#[test]
#[ignore = "serves bench/action.py, and ends with it"]
fn serve() {
    let mut world = World::new();
    let seed = world.login(FRESH, TimeDelta::zero());
    let setup = world.setup(&Trigger::push());
    let environment: std::collections::BTreeMap<_, _> =
        setup.contexts.into_iter().chain(setup.services).collect();
    let inputs: Vec<_> = world
        .action
        .inputs
        .iter()
        .cloned()
        .chain(world.with(&[("binary-path", "")]).into_iter().map(|(name, value)| (name.to_owned(), value)))
        .collect();
    let inputs: std::collections::BTreeMap<_, _> = inputs.into_iter().collect();
    let facts = json!({
        "environment": environment,
        "event": setup.event,
        "inputs": inputs,
        "seed": seed,
        "size": SIZE,
    });
    println!("{facts}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
