//! Many jobs, one login: how many requests each makes, how long it waits, and how both grow with their number.
//!
//!     cargo bench --bench scale [-- --store KIND] [--processes 10,50,200] [--tasks 10,100,1000] [--expiries 3]
//!
//! KIND is `strict` (our own S3 in this process, which counts), `moto` (the S3 of others, counted by a proxy), or the URL of
//! a store (`file:DIR`, `git:URL`), where tasks alone are counted, by what they ask of the store. Every job has a home and
//! a machine of its own. An exchange takes half a second. At each expiry 100 jobs start in a second; then exactly one exchange
//! must have been made, and every job must have ended well. Jobs and expiries are counted, and everything has a limit.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "a bench arranges files, processes and time by itself")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a bench cannot arrange ends it, and its table is its purpose"
)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use authbaton::authority::{Authority as Client, AuthorityUrl};
use authbaton::baton::{Audience, SealKeys, SealedBytes, SlotId, SlotName};
use authbaton::credential::{Client as Kind, Margin};
use authbaton::home::{Home, StateDirectory};
use authbaton::job::{Environment, Job, Level, Masks, Notices, Platform, SystemClock};
use authbaton::policy::{Gate, Layers, PolicyOptions};
use authbaton::rehearsal::{Account, Authority, Behaviour, IssueOptions, Settings};
use authbaton::relay::{Late, Relay, Surroundings, Want};
use authbaton::store::{Facts, Opening, Store, StoreError, StoreUrl, Swap, Version};
use chrono::TimeDelta;

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/support/bucket_server/mod.rs"]
mod bucket_server;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/support/object_servers.rs"]
mod object_servers;
#[path = "../tests/support/peer.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod peer;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/support/process.rs"]
mod process;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/support/sandbox.rs"]
mod sandbox;

use bucket_server::{BUCKET, BucketServer};
use sandbox::Sandbox;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
/// What the authority needs for an exchange.
const EXCHANGE: Duration = Duration::from_millis(500);
/// Between the starts of two jobs: one machine plays the parts of many.
const APART: Duration = Duration::from_millis(10);
const LIMIT: Duration = Duration::from_secs(240);
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
    println!("store {}, {expiries} expiries; load of the machine before: {}", place.kind, load());
    println!(
        "\n| jobs | requests per job: first expiry, later | later: requests per second and job | wait s p50 | p95 | p99 | exchanges |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|");
    for jobs in numbers("--processes", "10,50,200") {
        round(&place, jobs, expiries, &processes);
    }
    for jobs in numbers("--tasks", "10,100,1000") {
        round(&place, jobs, expiries, &tasks);
    }
    println!("\nload of the machine after: {}", load());
}

/// Where the store is, and who counts.
struct Place {
    kind: String,
    url: String,
    strict: Option<BucketServer>,
    counted: Arc<AtomicUsize>,
}

impl Place {
    fn of(kind: &str) -> Self {
        let counted = Arc::new(AtomicUsize::new(0));
        let (url, strict) = match kind {
            "strict" => {
                let server = BucketServer::start();
                (server.origin().to_owned(), Some(server))
            }
            "moto" => {
                let port = object_servers::moto().unwrap();
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                write!(stream, "PUT /{BUCKET} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
                stream.read_to_end(&mut Vec::new()).unwrap();
                (format!("http://127.0.0.1:{}", counting_proxy(port, Arc::clone(&counted))), None)
            }
            url => (url.to_owned(), None),
        };
        Self { kind: kind.to_owned(), url, strict, counted }
    }

    /// A store that nobody has used.
    fn fresh(&self) -> String {
        let name = format!("{:016x}", u64::from_le_bytes(authbaton::job::random().unwrap()));
        match self.url.split_once(':').unwrap().0 {
            "http" => format!("s3://{BUCKET}/{name}?endpoint={}", self.url),
            "git" => format!("{}#refs/authbaton/{name}", self.url),
            _ => format!("{}/{name}", self.url),
        }
    }

    fn counted(&self) -> usize {
        let strict = self.strict.as_ref().map_or(0, |server| server.asked().len());
        self.counted.swap(0, Ordering::SeqCst) + strict
    }
}

/// What all jobs of one expiry know.
struct Expiry<'a> {
    place: &'a Place,
    store: &'a str,
    authority: &'a Authority,
    sandbox: &'a Sandbox,
    margin: TimeDelta,
    has_complained: AtomicBool,
}

/// How one job ended: after how long, and whether it made the exchange.
type Ended = (Duration, bool);

fn round(place: &Place, jobs: usize, expiries: usize, run: &dyn Fn(&Expiry<'_>, usize) -> Vec<Ended>) {
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
    let (mut waits, mut requests, mut looks) = (Vec::new(), Vec::new(), (0.0, 0.0));
    for expiry in 1..=expiries {
        // What there is lasts less than the margin, and what comes next lasts longer.
        authority.set_access_lifetime(Some(hours(expiry + 1)));
        let margin = hours(expiry) + TimeDelta::minutes(30);
        let expiry = Expiry {
            place,
            store: &store,
            authority: &authority,
            sandbox: &sandbox,
            margin,
            has_complained: AtomicBool::new(false),
        };
        let ended = run(&expiry, jobs);
        assert_eq!(ended.len(), jobs, "a job did not end well");
        assert_eq!(ended.iter().filter(|(_, exchanged)| *exchanged).count(), 1);
        let counted = place.counted();
        let waited: f64 = ended.iter().map(|(wait, _)| wait.as_secs_f64()).sum();
        // The first one proves the store, too.
        if !requests.is_empty() {
            looks = (looks.0 + counted as f64, looks.1 + waited);
        }
        requests.push(counted as f64 / jobs as f64);
        waits.extend(ended.into_iter().map(|(wait, _)| wait.as_secs_f64()));
    }
    assert_eq!(
        (authority.posts(), authority.exchanges()),
        (expiries, expiries),
        "not one exchange per expiry"
    );
    let alive =
        command(&authority, &sandbox, &store, "refresh", 0).args(["--refresh-before-expiry", "1m"]).status();
    assert!(alive.unwrap().success(), "the login is lost");
    waits.sort_by(f64::total_cmp);
    let at = |percent: usize| waits[((waits.len() - 1) * percent).div_ceil(100)];
    let later = requests[1..].iter().sum::<f64>() / (requests.len() - 1).max(1) as f64;
    println!(
        "| {jobs} | {:.1}, {later:.1} | {:.2} | {:.2} | {:.2} | {:.2} | {} |",
        requests[0],
        looks.0 / looks.1,
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
    let margin = format!("{}m", expiry.margin.num_minutes());
    let start = |job: usize| {
        let mut command = command(expiry.authority, expiry.sandbox, expiry.store, "refresh", job);
        command.args(["--refresh-before-expiry", &margin]);
        let said = expiry.sandbox.path(&format!("said-{job}"));
        command.stdout(fs::File::create(&said).unwrap());
        thread::sleep(APART);
        (command.spawn().unwrap(), said, Instant::now())
    };
    let mut running: Vec<Option<(Child, _, Instant)>> = (1..=jobs).map(|job| Some(start(job))).collect();
    let mut ended = Vec::new();
    let limit = Instant::now() + LIMIT;
    while ended.len() < jobs {
        for job in &mut running {
            let Some((child, said, began)) = job else { continue };
            let Some(status) = child.try_wait().unwrap() else { continue };
            let said = fs::read_to_string(said).unwrap();
            assert!(status.success(), "a job ended with {status}: {said}");
            ended.push((began.elapsed(), said.contains("\"refreshed\":true")));
            *job = None;
        }
        assert!(Instant::now() < limit, "jobs hang");
        thread::sleep(Duration::from_millis(5));
    }
    ended
}

/// The same as threads of this process, with the library's relay.
fn tasks(expiry: &Expiry<'_>, jobs: usize) -> Vec<Ended> {
    let barrier = Barrier::new(jobs);
    thread::scope(|scope| {
        let started: Vec<_> = (1..=jobs)
            .map(|job| {
                let barrier = &barrier;
                let task = thread::Builder::new().stack_size(1024 * 1024);
                task.spawn_scoped(scope, move || task_of(expiry, job, barrier)).unwrap()
            })
            .collect();
        started.into_iter().filter_map(|task| task.join().unwrap()).collect()
    })
}

fn task_of(expiry: &Expiry<'_>, job: usize, barrier: &Barrier) -> Option<Ended> {
    let sandbox = expiry.sandbox;
    let mut variables: BTreeMap<String, String> =
        KEYS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let state = sandbox.path(&format!("task-state-{job}"));
    variables.insert("XDG_STATE_HOME".to_owned(), state.display().to_string());
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
    let counting = expiry.store.split_once(':').unwrap().0 != "s3";
    let store = Counted { inner, asked: Cell::new(0) };
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
    barrier.wait();
    thread::sleep(APART * u32::try_from(job).unwrap());
    let began = Instant::now();
    let refreshed = relay.refresh(&session, Want::default());
    let took = began.elapsed();
    if counting {
        expiry.place.counted.fetch_add(store.asked.get(), Ordering::SeqCst);
    }
    match refreshed {
        Ok(refreshed) => Some((took, refreshed.exchanged)),
        Err(error) => {
            if !expiry.has_complained.swap(true, Ordering::SeqCst) {
                println!("the first task that failed did so after {} s: {error}", took.as_secs());
            }
            None
        }
    }
}

struct Silent;

impl Notices for Silent {
    fn tell(&self, _level: Level, _text: &str) {}
}

/// Counts what is asked of a store that has no server of ours.
struct Counted {
    inner: Box<dyn Store>,
    asked: Cell<usize>,
}

impl Counted {
    fn count(&self) {
        self.asked.set(self.asked.get() + 1);
    }
}

impl Store for Counted {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        self.inner.facts()
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        self.count();
        self.inner.load(slot)
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        self.count();
        self.inner.swap(slot, expected, new)
    }

    fn prove(&self, slot: &SlotName) -> Result<(), StoreError> {
        self.inner.prove(slot)
    }
}

/// Passes connections on, and counts the requests in them.
fn counting_proxy(to: u16, counted: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
            let (mut from, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let counted = Arc::clone(&counted);
            thread::spawn(move || {
                let (mut server, mut buffer) = (server, [0; 16 * 1024]);
                while let Ok(read @ 1..) = from.read(&mut buffer) {
                    let begins = [&b"GET /"[..], b"PUT /", b"DELETE /"];
                    // Clients here wait for an answer before they ask again: a request begins a packet.
                    counted.fetch_add(
                        begins.iter().filter(|it| buffer[..read].starts_with(it)).count(),
                        Ordering::SeqCst,
                    );
                    if server.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                server.shutdown(Shutdown::Write).ok();
            });
            thread::spawn(move || {
                let mut client = client;
                std::io::copy(&mut back, &mut client).ok();
                client.shutdown(Shutdown::Write).ok();
            });
        }
    });
    port
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned()).trim().to_owned()
}
