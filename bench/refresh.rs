//! What exclusiveness costs: the lock and the lease of a refresh, and the waiting of those who come second.
//!
//!     cargo bench --bench refresh [-- --runs N]
//!
//! The program runs as a process, as a job runs it; the authority is the one for rehearsals, in this process. The runs of
//! all variants alternate, so that whatever else the machine does meets each of them. CPU is user and system time as
//! the kernel accounts them to the child. Processes and rounds are counted, and each process has a limit.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "a bench arranges files, processes and time by itself")]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a bench cannot arrange ends it, and its table is its purpose"
)]

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};
use chrono::TimeDelta;
use nix::sys::resource::{UsageWho, getrusage};

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/support/sandbox.rs"]
mod sandbox;

use sandbox::Sandbox;

/// What lock, lease and store may add to the CPU time of a refresh.
const MOST_CPU_MS: f64 = 3.0;
/// How soon after a release the next waiter has the lock.
const MOST_WAITING_MS: f64 = 50.0;
/// Ends a bench in which something hangs.
const LIMIT: Duration = Duration::from_secs(30);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runs = arguments.iter().skip_while(|argument| *argument != "--runs").nth(1);
    let runs = runs.map_or(30, |runs| runs.parse().unwrap());
    assert!((1..=1000).contains(&runs), "--runs takes 1 to 1000");
    println!("load of the machine before: {}", load());
    exclusiveness(runs);
    for waiters in [1, 8] {
        waiting(runs, waiters);
    }
    println!("\nload of the machine after: {}", load());
}

/// One login in a sandbox.
struct Bench {
    sandbox: Sandbox,
    authority: Authority,
}

impl Bench {
    fn new(lifetime: TimeDelta) -> Self {
        let settings = Settings { access_lifetime: Some(lifetime), ..Settings::default() };
        Self { sandbox: Sandbox::new(), authority: Authority::start(settings).unwrap() }
    }

    fn login(&self, lifetime: TimeDelta) -> String {
        let options = IssueOptions { lifetime: Some(lifetime), ..IssueOptions::default() };
        self.authority.issue(&Account::named("one"), &options).unwrap()
    }

    /// Puts the login into the store, and an access-only file into the home.
    fn seeded(lifetime: TimeDelta) -> Self {
        let bench = Self::new(lifetime);
        let seed = bench.sandbox.write("seed.json", bench.login(lifetime).as_bytes());
        let mut command = bench.stored("restore");
        command.arg("--seed-file").arg(&seed);
        end(start(&mut command));
        bench
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = self.sandbox.authbaton(verb);
        command.args(["--authority-url", &self.authority.url()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn stored(&self, verb: &str) -> Command {
        let mut command = self.command(verb);
        command
            .args(["--store", &self.sandbox.store(), "--seal-key-file"])
            .arg(self.sandbox.path("seal.key"));
        command
    }

    fn alone(&self, verb: &str) -> Command {
        let mut command = self.command(verb);
        command.args(["--store", "home:"]);
        command
    }
}

/// A refresh with an exchange, in a home without a store and with one; and one that finds nothing due. Access tokens last
/// an hour: when the program is told to renew what ends within two, an exchange is always due.
fn exclusiveness(runs: usize) {
    let hour = TimeDelta::hours(1);
    let alone = Bench::new(hour);
    alone.sandbox.place(alone.login(hour).as_bytes());
    let stored = Bench::seeded(hour);
    let mut variants = [
        ("nothing due, home alone", alone.alone("refresh"), "1m", Vec::new()),
        ("nothing due, file store", stored.stored("refresh"), "1m", Vec::new()),
        ("exchange, home alone", alone.alone("refresh"), "2h", Vec::new()),
        ("exchange, file store", stored.stored("refresh"), "2h", Vec::new()),
    ];
    for (_, command, margin, _) in &mut variants {
        command.args(["--refresh-before-expiry", margin]);
    }
    for run in 0..=runs {
        for (_, command, _, measured) in &mut variants {
            let measure = measure(command);
            // The first run of each warms the file cache.
            if run > 0 {
                measured.push(measure);
            }
        }
    }
    for bench in [&alone, &stored] {
        assert_eq!((bench.authority.posts(), bench.authority.exchanges()), (runs + 1, runs + 1));
    }
    println!("\n| refresh, medians of {runs} | CPU ms | wall ms |\n|---|--:|--:|");
    let mut medians = Vec::new();
    for (name, _, _, measured) in variants {
        let (cpu, wall): (Vec<f64>, Vec<f64>) = measured.into_iter().unzip();
        let (cpu, wall) = (percentile(cpu, 50), percentile(wall, 50));
        println!("| {name} | {cpu:.2} | {wall:.2} |");
        medians.push((cpu, wall));
    }
    let [_, _, (alone_cpu, alone_wall), (cpu, wall)] = medians.try_into().unwrap();
    let (cpu, wall) = (cpu - alone_cpu, wall - alone_wall);
    println!("| **lock, lease and file store add** | **{cpu:.2}** | **{wall:.2}** |");
    println!("\nunder {MOST_CPU_MS} ms CPU: {}", verdict(cpu < MOST_CPU_MS));
}

/// Waiters of one home, which this process locks. How long the first needs to have the lock after it is released, and
/// each later one after the one before it has ended. Who holds the lock is read from its file.
fn waiting(runs: usize, waiters: usize) {
    let bench = Bench::seeded(TimeDelta::days(10));
    let path = bench.sandbox.path("home/authbaton.lock");
    let (mut first, mut later, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let round = round(&bench, &path, waiters);
        let mut free = Duration::ZERO;
        for (number, (began, ended)) in round.into_iter().enumerate() {
            // The reading of the clock here may be later than the next one's start.
            let waited = milliseconds(began.saturating_sub(free));
            if number == 0 {
                first.push(waited)
            } else {
                later.push(waited)
            }
            ends.push(milliseconds(ended));
            free = ended;
        }
    }
    println!("\n| {waiters} waiting, {runs} rounds | p50 ms | p95 ms | max ms |\n|---|--:|--:|--:|");
    let met = first.iter().chain(&later).all(|waited| *waited < MOST_WAITING_MS);
    for (name, times) in [
        ("release until the first has the lock", first),
        ("end of one until the next has the lock", later),
        ("release until a waiter has ended", ends),
    ] {
        if !times.is_empty() {
            let [middle, late, last] = [50, 95, 100].map(|percent| percentile(times.clone(), percent));
            println!("| {name} | {middle:.2} | {late:.2} | {last:.2} |");
        }
    }
    println!("\neach within {MOST_WAITING_MS} ms: {}", verdict(met));
}

/// Returns when each waiter had the lock and when it had ended, after the release, in the order of having it.
fn round(bench: &Bench, path: &Path, waiters: usize) -> Vec<(Duration, Duration)> {
    let lock = OpenOptions::new().read(true).write(true).open(path).unwrap();
    lock.lock().unwrap();
    let said: Vec<PathBuf> =
        (0..waiters).map(|number| bench.sandbox.path(&format!("said-{number}"))).collect();
    let start = |said: &PathBuf| start(bench.stored("restore").stderr(File::create(said).unwrap()));
    let started: Vec<Child> = said.iter().map(start).collect();
    let pids: Vec<String> = started.iter().map(|child| format!("(pid {})", child.id())).collect();
    for said in &said {
        until(|| fs::read_to_string(said).unwrap().contains("waiting for the lock"));
    }
    let mut began: Vec<(usize, Duration)> = Vec::new();
    let running = AtomicUsize::new(waiters);
    let ended: Vec<Duration> = thread::scope(|scope| {
        let release = Instant::now();
        // Closes it: no process started after it was locked has kept a copy.
        drop(lock);
        let wait = |child| {
            let running = &running;
            scope.spawn(move || {
                end(child);
                running.fetch_sub(1, Ordering::SeqCst);
                release.elapsed()
            })
        };
        let waiting: Vec<_> = started.into_iter().map(wait).collect();
        while running.load(Ordering::SeqCst) > 0 {
            let holder = fs::read_to_string(path).unwrap();
            if let Some(number) = pids.iter().position(|pid| holder.contains(pid))
                && began.iter().all(|(known, _)| *known != number)
            {
                began.push((number, release.elapsed()));
            }
            thread::sleep(Duration::from_micros(100));
        }
        waiting.into_iter().map(|waiting| waiting.join().unwrap()).collect()
    });
    assert_eq!(began.len(), waiters, "a waiter was never seen with the lock");
    began.into_iter().filter_map(|(number, began)| Some((began, *ended.get(number)?))).collect()
}

/// Runs a command to its end and returns its CPU time and how long it took, in milliseconds.
fn measure(command: &mut Command) -> (f64, f64) {
    let (before, begin) = (children(), Instant::now());
    end(start(command));
    let wall = begin.elapsed();
    (milliseconds(children() - before), milliseconds(wall))
}

fn start(command: &mut Command) -> Child {
    command.spawn().unwrap()
}

#[track_caller]
fn end(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "the program ended with {status}");
}

/// Returns the CPU time of all children that have been waited for.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(u64::try_from(time.tv_sec()).unwrap())
            + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap())
    };
    micros(usage.user_time()) + micros(usage.system_time())
}

#[track_caller]
fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the value below which this many percent of the values lie.
fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    values.get((last * percent).div_ceil(100)).copied().unwrap()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn verdict(met: bool) -> &'static str {
    if met { "yes" } else { "NO" }
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned()).trim().to_owned()
}
