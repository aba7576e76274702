//! The relay over an object store: what a job asks of it, that a service is proven before anything is spent, and what
//! becomes of a token when the service fails in the middle.

use std::thread;
use std::time::{Duration, Instant};

use authbaton::baton::{Baton, SlotId, SlotName, State};
use authbaton::job::{Environment, Masks};
use authbaton::rehearsal::IssueOptions;
use authbaton::relay::RelayError;
use authbaton::store::{Opening, Store, StoreUrl};
use rustix::process::{Pid, Signal, kill_process};

use crate::arena::{Arena, Ran, Runner, due, fresh, wait_until};
use crate::bucket_server::{BucketServer, Fault, Keeps, On};
use crate::lab::{Lab, lease};
use crate::launch::{self, Started};

const KEY: &str = "p/default.baton";
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret-canary")];
/// Three rounds of six who create, a look, one more, six who replace, one more, and the end.
const PROBE: usize = 48;

/// An arena whose login is in a bucket.
struct Scene {
    arena: Arena,
    server: BucketServer,
}

impl Scene {
    fn new(login: &IssueOptions) -> Self {
        let scene = Self { arena: Arena::new(), server: BucketServer::start() };
        let seed = scene.arena.issue(login);
        scene.ended(scene.start_with(&scene.arena.first(), &["restore", "--seed-stdin"], &seed)).fine();
        scene.server.asked();
        scene
    }

    /// The same with a service that is proven, and a login that is due.
    fn proven() -> Self {
        let scene = Self::new(&due());
        scene.arena.authority.set_access_lifetime(Some(chrono::TimeDelta::minutes(-1)));
        scene.refresh().refreshed(true);
        assert_eq!(scene.kinds().len(), PROBE + 4, "the first refresh proves the service");
        scene.arena.authority.set_access_lifetime(Some(chrono::TimeDelta::days(10)));
        scene
    }

    fn url(&self) -> String {
        self.server.store("s3", "p")
    }

    fn start_with(&self, runner: &Runner, arguments: &[&str], input: &str) -> Started {
        let url = self.url();
        let mut command = self.arena.command(runner, &[arguments, &["--store", &url]].concat());
        command.envs(KEYS);
        launch::start(&mut command, input)
    }

    fn start(&self, runner: &Runner, verb: &str) -> Started {
        self.start_with(runner, &[verb], "")
    }

    fn ended(&self, started: Started) -> Ran {
        let ran = self.arena.ended(started);
        assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
        self.arena.nothing_lies_around();
        ran
    }

    fn refresh(&self) -> Ran {
        self.ended(self.start(&self.arena.first(), "refresh"))
    }

    fn store(&self) -> Box<dyn Store> {
        let variables = KEYS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::Fixed(variables.collect());
        let audience = Default::default();
        let opening = Opening {
            environment: &environment,
            ca_file: None,
            audience: &audience,
            masks: Masks::none(),
            secrets: &[],
            read_only: None,
        };
        StoreUrl::parse(&self.url()).unwrap().open(&opening).unwrap().unwrap()
    }

    fn state(&self) -> State {
        let id = SlotId { slot: SlotName::default(), audience: Default::default() };
        let (sealed, _) = self.store().load(&id.slot).unwrap().unwrap();
        Baton::open(&self.arena.keys(), &id, &sealed).unwrap().baton.state().clone()
    }

    fn kinds(&self) -> Vec<On> {
        self.server.asked().into_iter().map(|asked| asked.on).collect()
    }

    /// Demands one exchange besides those of before, and that what it gave is in the slot.
    #[track_caller]
    fn has_landed(&self, exchanges: usize) {
        assert_eq!(self.arena.authority.exchanges(), exchanges);
        let content = self.server.content(KEY).unwrap();
        let text = String::from_utf8(content).unwrap();
        assert!(text.contains(r#""phase":{"is":"idle"}"#), "{text}");
        // Nothing is due any more, and nobody finds a token that was spent.
        self.refresh().refreshed(false);
        assert_eq!(self.arena.authority.posts(), exchanges);
    }
}

#[test]
fn a_fresh_token_takes_one_request() {
    let scene = Scene::new(&fresh());
    scene.refresh().refreshed(false);
    assert_eq!(scene.kinds(), [On::Get]);
    scene.ended(scene.start(&scene.arena.runner(2, 2), "restore")).fine();
    assert_eq!(scene.kinds(), [On::Get]);
}

#[test]
fn who_renews_a_due_token_takes_three_requests() {
    let scene = Scene::proven();
    scene.refresh().refreshed(true);
    // Look, lease, store.
    assert_eq!(scene.kinds(), [On::Get, On::Update, On::Update]);
}

#[test]
fn who_waits_looks_less_than_once_a_second() {
    let scene = Scene::proven();
    scene.arena.authority.hold();
    let winner = scene.start(&scene.arena.first(), "refresh");
    assert!(scene.arena.authority.wait_for_posts(2, Duration::from_secs(30)));
    scene.server.asked();
    let begin = Instant::now();
    let waiter = scene.start(&scene.arena.runner(2, 2), "restore");
    let other = scene.start(&scene.arena.runner(3, 3), "refresh");
    thread::sleep(Duration::from_secs(6));
    let (kinds, waited) = (scene.kinds(), begin.elapsed().as_secs_f64());
    assert!(kinds.iter().all(|kind| *kind == On::Get), "{kinds:?}");
    // `restore` of a token that has ended does not wait for another; `refresh` does.
    let looks = kinds.len();
    assert!((2..=2 + waited as usize).contains(&looks), "{looks} looks in {waited} s");
    scene.arena.authority.release();
    scene.ended(winner).refreshed(true);
    scene.ended(other).refreshed(false);
    scene.ended(waiter);
    scene.has_landed(2);
}

#[test]
fn who_waits_for_a_lease_waits_for_the_service_too() {
    let scene = Scene::proven();
    scene.arena.authority.hold();
    let winner = scene.start(&scene.arena.first(), "refresh");
    assert!(scene.arena.authority.wait_for_posts(2, Duration::from_secs(30)));
    let waiter = scene.start(&scene.arena.runner(2, 2), "refresh");
    let hasty = scene.start_with(&scene.arena.runner(3, 3), &["refresh", "--lock-timeout", "4s"], "");
    for started in [&waiter, &hasty] {
        wait_until("it waits for the lease", || started.said().contains("waiting for the lease of "));
    }
    scene.server.set_down(true);
    wait_until("it waits for the service", || started_waits(&waiter));
    let ran = scene.arena.ended(hasty);
    ran.failed(8, "store-unreachable");
    // Whoever does not wait for anybody is told at once.
    scene.ended(scene.start(&scene.arena.runner(4, 4), "refresh")).failed(8, "store-unreachable");
    scene.server.set_down(false);
    scene.arena.authority.release();
    scene.ended(winner).refreshed(true);
    scene.ended(waiter).refreshed(false);
    scene.has_landed(2);
}

fn started_waits(started: &Started) -> bool {
    started.said().contains("waiting for the store: the store cannot be reached: it answered 503")
}

#[test]
fn many_who_come_at_once_make_one_exchange() {
    let scene = Scene::proven();
    let started: Vec<_> =
        (1..=6).map(|number| scene.start(&scene.arena.runner(number, number), "refresh")).collect();
    let refreshed = started
        .into_iter()
        .map(|it| scene.arena.ended(it))
        .filter(|ran| ran.fine().json["refreshed"] == true);
    assert_eq!(refreshed.count(), 1);
    scene.has_landed(2);
}

#[test]
fn a_slot_is_proven_once_and_elsewhere_anew() {
    let scene = Scene::proven();
    assert!(scene.state().proven.is_some());
    // Somebody copies the bucket to another service, which knows nothing of conditions.
    let elsewhere = BucketServer::start();
    elsewhere.put(KEY, &scene.server.content(KEY).unwrap());
    elsewhere.keep(Keeps::NotIfMatch);
    let moved = Scene { arena: scene.arena, server: elsewhere };
    moved.refresh().failed(8, "store-not-exclusive");
    assert_eq!(moved.arena.authority.exchanges(), 1);
}

#[test]
fn a_service_that_does_not_keep_conditions_is_refused_and_nothing_is_spent() {
    for keeps in [Keeps::NotIfMatch, Keeps::NotIfNoneMatch, Keeps::LooksThenWrites] {
        let scene = Scene::new(&due());
        scene.server.keep(keeps);
        let before = scene.state();
        let ran = scene.refresh();
        ran.failed(8, "store-not-exclusive");
        assert_eq!(scene.arena.authority.posts(), 0, "{keeps:?}");
        let after = scene.state();
        assert_eq!((after.phase, after.holds, after.proven), (before.phase, before.holds, None), "{keeps:?}");
        assert_eq!(scene.server.keys(), [KEY], "{keeps:?}: something was left behind");
        assert!(scene.arena.journals(&scene.arena.first()).is_empty());
    }
}

#[test]
fn whatever_becomes_of_a_reply_there_is_one_exchange_and_it_lands() {
    let faults = [
        Fault::LoseReply,
        Fault::LoseRequest,
        Fault::DoneAnd(503),
        Fault::Answer(503, "SlowDown"),
        Fault::Answer(409, "ConditionalRequestConflict"),
    ];
    for fault in &faults {
        // The result is stored.
        let scene = Scene::proven();
        scene.server.fault(On::Update, Fault::Nothing);
        scene.server.fault(On::Update, fault.clone());
        scene.refresh().refreshed(true);
        scene.has_landed(2);
    }
    for fault in [Fault::LoseReply, Fault::DoneAnd(503)] {
        // The lease is taken.
        let scene = Scene::proven();
        scene.server.fault(On::Update, fault.clone());
        scene.refresh().refreshed(true);
        scene.has_landed(2);
    }
    for fault in [Fault::LoseRequest, Fault::Answer(503, "SlowDown")] {
        let scene = Scene::proven();
        scene.server.fault(On::Update, fault);
        scene.refresh().failed(8, "store-unreachable");
        assert_eq!(scene.arena.authority.posts(), 1, "nothing was spent");
        scene.refresh().refreshed(true);
    }
}

#[test]
fn who_may_only_read_takes_no_lease() {
    let scene = Scene::proven();
    scene.server.fault(On::Update, Fault::Answer(403, "AccessDenied"));
    scene.refresh().failed(8, "store-read-only");
    assert_eq!(scene.arena.authority.posts(), 1);
    scene.server.fault(On::Get, Fault::Answer(403, "AccessDenied"));
    scene.refresh().failed(8, "store-denied");
}

#[test]
fn a_service_that_is_back_within_the_lease_gets_the_token() {
    let scene = Scene::proven();
    scene.arena.authority.hold_replies();
    let started = scene.start(&scene.arena.first(), "refresh");
    assert!(scene.arena.authority.wait_for_exchanges(2, Duration::from_secs(30)));
    scene.server.set_down(true);
    scene.arena.authority.release();
    wait_until("it says that it cannot store", || started.said().contains("did not take the new login yet"));
    scene.server.set_down(false);
    let ran = scene.ended(started);
    ran.refreshed(true);
    assert!(ran.stderr.contains("the store cannot be reached: it answered 503"), "{}", ran.stderr);
    scene.has_landed(2);
}

#[test]
fn a_service_that_does_not_come_back_leaves_the_token_in_the_journal() {
    let scene = Scene::proven();
    scene.arena.authority.hold_replies();
    let runner = scene.arena.first();
    let started = scene.start(&runner, "refresh");
    assert!(scene.arena.authority.wait_for_exchanges(2, Duration::from_secs(30)));
    scene.server.set_down(true);
    scene.arena.authority.release();
    wait_until("it says that it cannot store", || started.said().contains("did not take the new login yet"));
    // The CI's patience ends before the lease does.
    for _ in 0..2 {
        kill_process(Pid::from_raw(started.id()).unwrap(), Signal::TERM).unwrap();
        thread::sleep(Duration::from_millis(300));
    }
    let ran = scene.arena.ended(started);
    ran.failed(10, "rotated-not-stored");
    assert!(ran.stderr.contains("-----BEGIN"), "{}", ran.stderr);
    assert!(ran.stderr.contains("journal"), "{}", ran.stderr);
    assert_eq!(scene.arena.journals(&runner).len(), 1);
    // The next job on this machine finds it, whatever home it has.
    scene.server.set_down(false);
    let ran = scene.ended(scene.start(&scene.arena.runner(2, 0), "refresh"));
    ran.fine();
    assert!(ran.stderr.contains("the journal of an interrupted job was stored"), "{}", ran.stderr);
    assert!(scene.arena.journals(&runner).is_empty());
    assert_eq!(scene.arena.authority.exchanges(), 2, "the journal's token was lost");
}

#[test]
fn a_service_that_is_away_for_a_whole_lease_is_given_up() {
    let scene = Scene::proven();
    let lab = Lab::new(&scene.arena, scene.arena.first());
    let store = scene.store();
    // Down as soon as the lease is there.
    scene.arena.authority.hold_replies();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            assert!(scene.arena.authority.wait_for_exchanges(2, Duration::from_secs(30)));
            scene.server.set_down(true);
            scene.arena.authority.release();
        });
        lab.refresh(&*store)
    });
    let Err(RelayError::NotStored { cause, journal, rescue }) = result else { panic!("it was stored") };
    assert!(matches!(*cause, RelayError::Store(_)), "{cause}");
    assert!(journal.is_some() && !rescue.is_empty());
    let slept = lab.clock.slept();
    assert!(slept >= lease() && slept < lease() * 2, "{slept:?}");
}
