//! The relay over a git host, by HTTP: what a job asks of it.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use authbaton::rehearsal::IssueOptions;

use crate::arena::{Arena, Ran, Runner, due, fresh, wait_until};
use crate::counting_git::CountingGit;
use crate::git_host::GitHost;
use crate::launch::{self, Started};

struct Scene {
    arena: Arena,
    host: GitHost,
    git: CountingGit,
}

impl Scene {
    fn new(login: &IssueOptions) -> Self {
        let scene = Self { arena: Arena::new(), host: GitHost::start(), git: CountingGit::new() };
        let seed = scene.arena.issue(login);
        let mut restore = scene.command(&scene.arena.first(), &["restore", "--seed-stdin"]);
        scene.arena.ended(launch::start(&mut restore, &seed)).fine();
        scene.forget();
        scene
    }

    fn command(&self, runner: &Runner, arguments: &[&str]) -> Command {
        let url = format!("git:{}", self.host.url());
        let mut command = self.arena.command(runner, &[arguments, &["--store", &url]].concat());
        command.env("PATH", self.git.programs());
        command
    }

    fn start(&self, runner: &Runner, verb: &str) -> Started {
        launch::start(&mut self.command(runner, &[verb]), "")
    }

    fn run(&self, runner: &Runner, verb: &str) -> Ran {
        let ran = self.arena.ended(self.start(runner, verb));
        self.arena.nothing_lies_around();
        ran
    }

    fn forget(&self) {
        self.git.asked();
        self.host.rules().requests.store(0, Ordering::SeqCst);
    }

    /// Demands what was asked, and how many requests that was; then it is forgotten.
    #[track_caller]
    fn has_asked(&self, words: &[&str], requests: usize) {
        assert_eq!(self.git.asked(), words);
        assert_eq!(self.host.rules().requests.swap(0, Ordering::SeqCst), requests, "{words:?}");
    }
}

#[test]
fn what_a_fresh_token_and_a_renewal_ask_of_a_git_host() {
    let scene = Scene::new(&fresh());
    scene.run(&scene.arena.first(), "refresh").refreshed(false);
    scene.has_asked(&["ls-remote", "fetch"], 5);
    scene.run(&scene.arena.runner(2, 2), "restore").fine();
    scene.has_asked(&["ls-remote", "fetch"], 5);
    let scene = Scene::new(&due());
    scene.run(&scene.arena.first(), "refresh").refreshed(true);
    // Look, lease, store.
    scene.has_asked(&["ls-remote", "fetch", "push", "push"], 9);
}

#[test]
fn who_waits_for_a_git_host_asks_for_a_number_and_reads_only_what_is_new() {
    let scene = Scene::new(&due());
    scene.arena.authority.hold();
    let winner = scene.start(&scene.arena.first(), "refresh");
    assert!(scene.arena.authority.wait_for_posts(1, Duration::from_secs(30)));
    scene.forget();
    let begin = Instant::now();
    let waiter = scene.start(&scene.arena.runner(2, 2), "refresh");
    wait_until("it has looked again", || scene.git.asked_so_far().len() >= 4);
    scene.arena.authority.release();
    scene.arena.ended(winner).refreshed(true);
    scene.arena.ended(waiter).refreshed(false);
    let waited = begin.elapsed().as_secs_f64();
    let asked = scene.git.asked();
    // It reads what is there at first and in the end. The push is the winner's.
    let count = |word: &str| asked.iter().filter(|it| *it == word).count();
    assert_eq!((count("fetch"), count("push")), (2, 1), "{asked:?}");
    assert!((3..=2 + waited as usize).contains(&count("ls-remote")), "{asked:?} in {waited} s");
    assert_eq!(scene.arena.authority.exchanges(), 1);
}
