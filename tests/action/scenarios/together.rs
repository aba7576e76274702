//! Several jobs at once: however many ask, a due login costs one exchange.

use std::thread;

use chrono::TimeDelta;

use super::first::{FOUND, RENEWED};
use crate::{
    support::cache_server::Route,
    trigger::Trigger,
    world::{DUE, LIMIT, Played, World},
};

const OLD: TimeDelta = TimeDelta::days(9);

/// Runs so many jobs of the default branch, none of which is answered before all of them have looked.
fn at_once(jobs: usize) -> (World, Vec<Played>, Vec<Route>) {
    let mut world = World::new();
    let seed = world.login(DUE, OLD);
    world.play(&Trigger::push(), &[("auth-json", &seed), ("refresh", "never")]).well();
    world.authority.hold();
    let requests = world.cache.requests().len();
    let world_of_all = &world;
    let played: Vec<Played> = thread::scope(|scope| {
        let running: Vec<_> =
            (0..jobs).map(|_| scope.spawn(|| world_of_all.play(&Trigger::push(), &[]))).collect();
        assert!(world_of_all.authority.wait_for_posts(1, LIMIT));
        assert!(
            world_of_all.cache.wait_for(Route::Download, requests, jobs, LIMIT),
            "not all jobs have looked"
        );
        world_of_all.authority.release();
        running.into_iter().map(|job| job.join().unwrap().well()).collect()
    });
    let requests = world.cache.requests().split_off(requests);
    (world, played, requests)
}

#[test]
fn jobs_that_start_at_once_share_one_exchange() {
    for (jobs, scenario) in [(2, "two jobs at once, one due login"), (4, "four jobs at once, one due login")]
    {
        let (world, played, requests) = at_once(jobs);
        assert_eq!((world.authority.posts(), world.authority.exchanges()), (1, 1), "{jobs}");
        assert_eq!(world.generation(), Some(2));
        let refreshed = played.iter().filter(|it| it.output("refreshed") == "true").count();
        assert_eq!(refreshed, 1, "{jobs}");
        assert!(played.iter().all(|it| it.output("generation") == "2"), "{jobs}");
        world.login_is_alive();
        world.note_together(scenario, &played, &requests);
    }
}

#[test]
fn eight_readers_and_a_writer_cost_one_exchange() {
    let mut world = World::new();
    let seed = world.login(DUE, OLD);
    world.play(&Trigger::push(), &[("auth-json", &seed), ("refresh", "never")]).well();
    let before = world.cache.requests().len();
    let played: Vec<Played> = thread::scope(|scope| {
        let world = &world;
        let writer = scope.spawn(|| world.play(&Trigger::schedule(), &[]));
        let readers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| world.play(&Trigger::pull_request(), &[]))).collect();
        let readers: Vec<Played> = readers.into_iter().map(|job| job.join().unwrap().well()).collect();
        writer.join().unwrap().well();
        readers
    });
    let requests = world.cache.requests().split_off(before);
    for reader in &played {
        assert_eq!((reader.output("refreshed"), reader.output("saved")), ("false", "false"));
    }
    assert_eq!((world.authority.posts(), world.authority.exchanges()), (1, 1));
    // Two for each reader, and those of the writer.
    assert_eq!(requests.len(), 8 * FOUND.len() + RENEWED.len(), "{requests:?}");
    world.login_is_alive();
    world.note_together("one writer and eight readers, one due login", &played, &requests);
    world.play(&Trigger::comment("OWNER"), &[]).well().asked(&FOUND).has(&[("generation", "2")]);
}
