//! Many jobs, one login: how many requests each makes, how long it waits, and how both grow with their number.
//!
//!     cargo bench --bench scale [-- --store KIND] [--processes 10,50,200] [--tasks 10,100,1000] [--expiries 3]
//!                               [--per-second 100] [--at-once 1000]
//!
//! KIND is `strict` (our own S3 in this process, which counts), `moto` (the S3 of others, counted by a proxy), `git` (a bare
//! repository by its path) or `git-http` (the same behind git's own HTTP server), where each `ls-remote`, `fetch` and `push` is
//! counted, or `file:DIR`, where tasks alone are counted. Every job has a home and a machine of its own. An exchange takes half
//! a second. At each expiry so many jobs start per second, and no more than so many are under way: one machine plays the parts
//! of many, and with git each has children. Then exactly one exchange must have been made, every job must have
//! ended well, and whoever waited must have looked no more than once a second on average. Everything has a limit.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "a bench arranges files, processes and time by itself")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a bench cannot arrange ends it, and its table is its purpose"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use authbaton::authority::{Authority as Client, AuthorityUrl};
use authbaton::baton::{Audience, SealKeys, SlotId, SlotName};
use authbaton::credential::{Client as Kind, Margin};
use authbaton::home::{Home, StateDirectory};
use authbaton::job::{Environment, Job, Masks, Platform, Silent, SystemClock, explain};
use authbaton::policy::{Gate, Layers, PolicyOptions};
use authbaton::rehearsal::{Account, Authority, Behaviour, IssueOptions, Settings};
use authbaton::relay::{Late, Relay, Surroundings, Want};
use authbaton::store::{Opening, Store, StoreUrl};
use chrono::TimeDelta;

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/support/bucket_server/mod.rs"]
mod bucket_server;
mod counted;
#[path = "../../tests/support/counting_git.rs"]
mod counting_git;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/support/git_host.rs"]
mod git_host;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/support/object_servers.rs"]
mod object_servers;
#[path = "../../tests/support/peer.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod peer;
mod place;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/support/process.rs"]
mod process;
#[path = "../../tests/support/program.rs"]
mod program;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/support/sandbox.rs"]
mod sandbox;

use counted::Counted;
use place::Place;
use sandbox::Sandbox;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
/// What the authority needs for an exchange.
const EXCHANGE: Duration = Duration::from_millis(500);
const LIMIT: Duration = Duration::from_secs(600);
const MOST_JOBS: usize = 1000;
const MOST_EXPIRIES: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str, usual: &str| {
        let value = arguments.iter().skip_while(|argument| *argument != name).nth(1);
        value.map_or(usual.to_owned(), String::clone)
    };
    let numbers = |name: &str, usual: &str| -> Vec<usize> {
        let text = option(name, usual);
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts
            .map(|part| part.parse().unwrap())
            .inspect(|jobs| assert!((1..=MOST_JOBS).contains(jobs)))
            .collect()
    };
    let expiries: usize = option("--expiries", "3").parse().unwrap();
    assert!((1..=MOST_EXPIRIES).contains(&expiries), "--expiries takes 1 to {MOST_EXPIRIES}");
    let place = Place::of(&option("--store", "strict"));
    let rate: u32 = option("--per-second", "100").parse().unwrap();
    let pace =
        Pace { apart: Duration::from_secs(1) / rate, most: option("--at-once", "1000").parse().unwrap() };
    println!(
        "store {}, {expiries} expiries, {rate} jobs started per second, {} at once; load of the machine before: {}",
        place.kind,
        pace.most,
        load()
    );
    println!(
        "\n| jobs | requests per job: first expiry | later | looks per second of waiting | wait s p50 | p95 | p99 | exchanges |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for jobs in numbers("--processes", "10,50,200") {
        round(&place, (jobs, "processes"), &pace, expiries, &processes);
    }
    for jobs in numbers("--tasks", "10,100,1000") {
        round(&place, (jobs, "tasks"), &pace, expiries, &tasks);
    }
    println!("\nload of the machine after: {}", load());
}

/// How fast jobs come.
struct Pace {
    /// Between the starts of two.
    apart: Duration,
    /// How many are under way at most.
    most: usize,
}

impl Pace {
    /// Returns when the next may start.
    fn wait(&self, under_way: impl Fn() -> usize) {
        thread::sleep(self.apart);
        let limit = Instant::now() + LIMIT;
        while under_way() >= self.most {
            assert!(Instant::now() < limit, "jobs hang");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What all jobs of one expiry know.
struct Expiry<'a> {
    place: &'a Place,
    store: &'a str,
    authority: &'a Authority,
    sandbox: &'a Sandbox,
    margin: TimeDelta,
    pace: &'a Pace,
    /// Why jobs did not end well, and how many.
    failures: Mutex<BTreeMap<String, usize>>,
}

/// How one job ended.
struct Ended {
    waited: Duration,
    has_exchanged: bool,
    /// How often it looked only because it waited. A process does not tell.
    looks: Option<usize>,
}

type Run = dyn Fn(&Expiry<'_>, usize) -> Vec<Ended>;

fn round(place: &Place, (jobs, kind): (usize, &str), pace: &Pace, expiries: usize, run: &Run) {
    let authority = Authority::start(Settings::default()).unwrap();
    authority.always(Behaviour::Honest.delayed(EXCHANGE));
    let sandbox = Sandbox::new();
    let store = place.fresh();
    let hours = |number: usize| TimeDelta::hours(i64::try_from(number).unwrap());
    let login = authority
        .issue(&Account::named("one"), &IssueOptions { lifetime: Some(hours(1)), ..IssueOptions::default() })
        .unwrap();
    let seed = sandbox.write("seed.json", login.as_bytes());
    let mut restore = command(&authority, &sandbox, &store, "restore", 0);
    assert!(restore.arg("--seed-file").arg(seed).status().unwrap().success());
    place.counted();
    let (mut waits, mut requests, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    for expiry in 1..=expiries {
        // What there is lasts less than the margin, and what comes next lasts longer.
        authority.set_access_lifetime(Some(hours(expiry + 1)));
        let margin = hours(expiry) + TimeDelta::minutes(30);
        let failures = Mutex::default();
        let (authority, sandbox, store) = (&authority, &sandbox, store.as_str());
        let expiry = Expiry { place, store, authority, sandbox, margin, pace, failures };
        let ended = run(&expiry, jobs);
        let failures = expiry.failures.into_inner().unwrap();
        assert!(failures.is_empty(), "jobs did not end well: {failures:#?}");
        assert_eq!(ended.len(), jobs);
        assert_eq!(ended.iter().filter(|job| job.has_exchanged).count(), 1);
        let counted = place.counted() as f64;
        let waited: f64 = ended.iter().map(|job| job.waited.as_secs_f64()).sum();
        let most = place.most(jobs, waited, requests.is_empty());
        assert!(counted <= most, "{counted} requests of {jobs} jobs that waited {waited:.0} s together");
        requests.push(counted / jobs as f64);
        looks.extend(ended.iter().filter_map(|job| job.looks));
        waits.extend(ended.into_iter().map(|job| job.waited.as_secs_f64()));
    }
    assert_eq!(
        (authority.posts(), authority.exchanges()),
        (expiries, expiries),
        "not one exchange per expiry"
    );
    let alive =
        command(&authority, &sandbox, &store, "refresh", 0).args(["--refresh-before-expiry", "1m"]).status();
    assert!(alive.unwrap().success(), "the login is lost");
    let waited: f64 = waits.iter().sum();
    let looked = (!looks.is_empty()).then(|| looks.iter().sum::<usize>() as f64 / waited);
    assert!(looked.is_none_or(|looked| looked <= 1.0), "waiters hammer the store: {looked:?} looks a second");
    waits.sort_by(f64::total_cmp);
    let at = |percent: usize| waits[((waits.len() - 1) * percent).div_ceil(100)];
    let later = requests[1..].iter().sum::<f64>() / (requests.len() - 1).max(1) as f64;
    println!(
        "| {jobs} {kind} | {:.1} | {later:.1} | {} | {:.2} | {:.2} | {:.2} | {} |",
        requests[0],
        looked.map_or("–".to_owned(), |looked| format!("{looked:.2}")),
        at(50),
        at(95),
        at(99),
        authority.exchanges(),
    );
}

fn command(authority: &Authority, sandbox: &Sandbox, store: &str, verb: &str, job: usize) -> Command {
    let mut command = sandbox.command(std::path::Path::new(env!("CARGO_BIN_EXE_authbaton")));
    command.arg(verb).arg("--home").arg(sandbox.path(&format!("home-{job}")));
    command.env("XDG_STATE_HOME", sandbox.path(&format!("state-{job}"))).envs(KEYS);
    command.args(["--store", store, "--authority-url", &authority.url(), "--json", "--seal-key-file"]);
    command.arg(sandbox.path("seal.key"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Jobs as they are: processes.
fn processes(expiry: &Expiry<'_>, jobs: usize) -> Vec<Ended> {
    let limit = Instant::now() + LIMIT;
    let (mut running, mut ended, mut started) = (Vec::new(), Vec::new(), 0);
    let mut last = Instant::now();
    while started < jobs || !running.is_empty() {
        if started < jobs && last.elapsed() >= expiry.pace.apart && running.len() < expiry.pace.most {
            started += 1;
            last = Instant::now();
            running.push(Process::start(expiry, started));
        }
        running.retain_mut(|process| {
            let Some(status) = process.child.try_wait().unwrap() else { return true };
            let said = fs::read_to_string(&process.said).unwrap();
            if status.success() {
                let has_exchanged = said.contains("\"refreshed\":true");
                ended.push(Ended { waited: process.began.elapsed(), has_exchanged, looks: None });
            } else {
                expiry.failed(format!("{status}: {said}"));
            }
            false
        });
        assert!(Instant::now() < limit, "jobs hang");
        thread::sleep(Duration::from_millis(2));
    }
    ended
}

struct Process {
    child: Child,
    said: PathBuf,
    began: Instant,
}

impl Process {
    fn start(expiry: &Expiry<'_>, job: usize) -> Self {
        let mut command = command(expiry.authority, expiry.sandbox, expiry.store, "refresh", job);
        let margin = format!("{}m", expiry.margin.num_minutes());
        command.args(["--refresh-before-expiry", &margin]).env("PATH", expiry.place.programs());
        let said = expiry.sandbox.path(&format!("said-{job}"));
        command.stdout(fs::File::create(&said).unwrap());
        Self { child: command.spawn().unwrap(), said, began: Instant::now() }
    }
}

/// The same as threads of this process, with the library's relay.
fn tasks(expiry: &Expiry<'_>, jobs: usize) -> Vec<Ended> {
    thread::scope(|scope| {
        let start = |job: usize| {
            let task = thread::Builder::new().stack_size(1024 * 1024);
            task.spawn_scoped(scope, move || task_of(expiry, job)).unwrap()
        };
        let mut started = Vec::new();
        for job in 1..=jobs {
            // Not all at first: what a task starts is a copy of this process before, with all its threads' memory.
            expiry.pace.wait(|| {
                started.iter().filter(|task: &&ScopedJoinHandle<'_, _>| !task.is_finished()).count()
            });
            started.push(start(job));
        }
        started.into_iter().filter_map(|task| task.join().unwrap()).collect()
    })
}

fn task_of(expiry: &Expiry<'_>, job: usize) -> Option<Ended> {
    let sandbox = expiry.sandbox;
    let mut variables: BTreeMap<String, String> =
        KEYS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let state = sandbox.path(&format!("task-state-{job}"));
    variables.insert("XDG_STATE_HOME".to_owned(), state.display().to_string());
    let programs = expiry.place.programs().into_string().unwrap();
    let directory = |name| sandbox.path(name).display().to_string();
    variables.extend([
        ("PATH".to_owned(), programs),
        ("HOME".to_owned(), directory("user")),
        ("TMPDIR".to_owned(), directory("temporary")),
    ]);
    let environment = Environment::Fixed(variables);
    let path = sandbox.path(&format!("task-home-{job}"));
    let home = Home::find(Kind::Codex, Some(path.clone()), &environment).unwrap();
    let unrestricted = PolicyOptions { root: Some(path.join("no-system")), ..PolicyOptions::default() };
    let audience = Audience::default();
    let opening = Opening {
        environment: &environment,
        ca_file: None,
        audience: &audience,
        masks: Masks::none(),
        secrets: &[],
        read_only: None,
    };
    let inner = StoreUrl::parse(expiry.store).unwrap().open(&opening).unwrap().unwrap();
    let store = Counted::new(inner);
    let keys = SealKeys::parse(&fs::read_to_string(sandbox.path("seal.key")).unwrap()).unwrap();
    let around = Surroundings {
        home: &home,
        gate: &Gate::new(Layers::new(Kind::Codex, &path, unrestricted, &environment)),
        authority: &Client::new(
            Kind::Codex,
            Some(AuthorityUrl::parse(&expiry.authority.url()).unwrap()),
            None,
        ),
        job: &Job::detect(&environment, Some(Platform::Shell)),
        clock: &SystemClock,
        notices: &Silent,
        margin: Margin::Fixed(expiry.margin),
        lock_timeout: None,
        timeout: Duration::from_secs(30),
    };
    let session = around.lock().unwrap();
    let facts = store.facts().unwrap();
    let id = SlotId { slot: SlotName::default(), audience: audience.clone() };
    let state = StateDirectory::find(&environment).unwrap();
    let relay =
        Relay { around: &around, store: &store, facts, keys: &keys, id, state, late: Late::default() };
    let began = Instant::now();
    let refreshed = relay.refresh(&session, Want::default());
    let took = began.elapsed();
    expiry.place.note(store.asked());
    match refreshed {
        Ok(refreshed) => {
            let looks = Some(store.looks_while_waiting());
            Some(Ended { waited: took, has_exchanged: refreshed.exchanged, looks })
        }
        Err(error) => {
            expiry.failed(explain(&error));
            None
        }
    }
}

impl Expiry<'_> {
    fn failed(&self, why: String) {
        *self.failures.lock().unwrap().entry(why).or_default() += 1;
    }
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned()).trim().to_owned()
}
