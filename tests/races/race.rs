//! One race: rounds in which everybody refreshes at once, in each of which the token has become due anew.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use chrono::TimeDelta;
use serde_json::Value;

use crate::arena::{Arena, Ran, Runner};
use crate::launch::{Done, LIMIT};
use crate::table::{self, Row};

/// A pause of the reader between two looks at all homes: it shall look at them all the time, not take a whole core.
const GLANCE: Duration = Duration::from_micros(200);

/// Where the refresh token is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Store,
    Home,
}

pub(crate) struct Race {
    pub(crate) cell: &'static str,
    pub(crate) arena: Arena,
    pub(crate) runners: Vec<Runner>,
    pub(crate) holder: Holder,
}

pub(crate) fn processes() -> usize {
    size(8, 64)
}

pub(crate) fn homes() -> usize {
    size(4, 16)
}

fn rounds() -> usize {
    size(2, 20)
}

/// How much to try: the first by default, the second with `AUTHBATON_TEST_SIZE=full`.
fn size(smoke: usize, full: usize) -> usize {
    if env::var("AUTHBATON_TEST_SIZE").is_ok_and(|size| size == "full") { full } else { smoke }
}

impl Race {
    pub(crate) fn run(self) {
        let mut turn = table::turn();
        if self.holder == Holder::Store {
            for runner in self.homes().values() {
                self.arena.run_only(runner, &["restore"], "").fine();
            }
        }
        let done = Done::default();
        let slowest = thread::scope(|scope| {
            let reader = scope.spawn(|| self.read_until(&done));
            let ending = done.in_the_end();
            let slowest = (1..=rounds()).map(|round| self.round(round)).max().unwrap();
            drop(ending);
            assert!(reader.join().unwrap() > 0, "nobody read");
            slowest
        });
        turn.push(Row {
            cell: self.cell,
            rounds: rounds(),
            processes: self.runners.len(),
            homes: self.homes().len(),
            exchanges: self.arena.authority.exchanges(),
            slowest,
        });
    }

    /// Lets all refresh at once, and returns how long the slowest took.
    ///
    /// Nothing waits for a token to become due: each round gives tokens that last an hour longer than the round
    /// before, and demands that half an hour more is left than those last.
    fn round(&self, round: usize) -> Duration {
        let hours = i64::try_from(round).unwrap();
        let authority = &self.arena.authority;
        authority.set_access_lifetime(Some(TimeDelta::hours(hours + 1)));
        let margin = format!("{}m", hours * 60 + 30);
        let mut arguments = vec!["refresh", "--timeout", "60s", "--refresh-before-expiry", &margin];
        if self.holder == Holder::Home {
            arguments.extend(["--store", "home:"]);
        }
        // The first exchange is held until all have started: so everybody takes part.
        authority.hold();
        let ran: Vec<(Ran, Duration)> = thread::scope(|scope| {
            let run = |runner| {
                let (arguments, begin) = (&arguments, Instant::now());
                let started = self.arena.start(runner, arguments, "");
                scope.spawn(move || (self.arena.ended(started), begin.elapsed()))
            };
            let running: Vec<_> = self.runners.iter().map(run).collect();
            let asked = authority.wait_for_posts(round, LIMIT);
            authority.release();
            assert!(asked, "nobody asked the authority in round {round}");
            running.into_iter().map(|running| running.join().unwrap()).collect()
        });
        for (ran, _) in &ran {
            ran.fine();
        }
        let exchanged = ran.iter().filter(|(ran, _)| ran.json["refreshed"] == true).count();
        assert_eq!(exchanged, 1, "round {round}");
        assert_eq!((authority.posts(), authority.exchanges()), (round, round));
        self.everybody_has_the_living_login();
        ran.iter().map(|(_, took)| *took).max().unwrap()
    }

    fn everybody_has_the_living_login(&self) {
        let held = match self.holder {
            Holder::Store => {
                self.arena.holds_a_living_token();
                self.arena.nothing_lies_around();
                self.arena.held_access_token()
            }
            Holder::Home => {
                let [runner] = self.homes().into_values().collect::<Vec<_>>().try_into().ok().unwrap();
                assert!(self.arena.authority.is_alive(&refresh_token(&runner.auth_json())));
                let left = fs::read_dir(&runner.home).unwrap();
                let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
                assert!(!left.into_iter().any(|name| name.contains("renewed")), "something was not placed");
                runner.access_token()
            }
        };
        for runner in self.homes().values() {
            assert!(runner.access_token() == held, "{} has another token", runner.home.display());
            assert!(self.arena.journals(runner).is_empty());
        }
    }

    /// Reads every home again and again, and returns how often.
    fn read_until(&self, done: &Done) -> usize {
        let homes: BTreeSet<_> = self.runners.iter().map(Runner::auth_json).collect();
        let mut times = 0;
        while !done.is_said() {
            for home in &homes {
                assert_eq!(refresh_token(home).is_empty(), self.holder == Holder::Store);
                times += 1;
            }
            thread::sleep(GLANCE);
        }
        times
    }

    /// One runner for each home.
    fn homes(&self) -> std::collections::BTreeMap<PathBuf, &Runner> {
        self.runners.iter().map(|runner| (runner.home.clone(), runner)).collect()
    }
}

/// Returns the refresh token in a file that must be whole at any time.
#[track_caller]
fn refresh_token(auth_json: &PathBuf) -> String {
    let document: Value = serde_json::from_slice(&fs::read(auth_json).unwrap()).unwrap();
    document["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}
