//! The desk with a clock that stands still until it is told, and exchanges that end when they are told.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::testing::{Sample, full_login, jwt};

/// Only a failing test waits for it. Less than any limit of the desk, at which whoever was not woken up wakes by himself.
const PATIENCE: Duration = Duration::from_secs(10);
/// The desk waits in real time, but is told each time ours moves: none of its own limits is ever reached here.
const LIMITS: Limits = Limits {
    answer: Duration::from_secs(15),
    recovery: Duration::from_secs(28),
    after_failure: Duration::from_secs(20),
    look: Duration::from_secs(30),
    body: Duration::from_secs(10),
};
const HOUR: i64 = 3600;

/// Is told how many seconds have passed.
type Look = Box<dyn Fn(u64)>;

thread_local! {
    /// Told when this thread reads the wall clock, which it does at the desk, with the lock.
    static READS: RefCell<Option<Look>> = const { RefCell::new(None) };
}

fn when_i_read(told: impl Fn(u64) + 'static) {
    READS.with_borrow_mut(|reads| *reads = Some(Box::new(told)));
}

/// Seconds since the test began, and by how much more the wall clock differs from that.
#[derive(Clone, Default)]
struct Hand(Arc<Mutex<(u64, i64)>>);

impl Hand {
    fn read(&self) -> (u64, i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        let (seconds, off) = self.read();
        READS.with_borrow(|told| told.iter().for_each(|told| told(seconds)));
        at(i64::try_from(seconds).unwrap() + off)
    }

    fn boot(&self) -> Duration {
        Duration::from_secs(1_000 + self.read().0)
    }

    fn sleep(&self, _: Duration) {
        unreachable!("the desk waits for its clients, too");
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_900_000_000 + seconds)
}

/// A token that says when it began and when it ends, in seconds since the test began.
fn token(name: &str, from: i64, to: i64) -> Current {
    let claims = json!({"tag": name, "iat": at(from).timestamp(), "exp": at(to).timestamp()});
    let mut document = Sample::default().document();
    document["tokens"]["access_token"] = json!(jwt(&claims));
    Current::from_login(&full_login(&document))
}

type Answer = Result<String, Failure>;

/// A desk, somebody who works at it, and a test in the place of the authority.
struct Scene {
    desk: Arc<Desk>,
    clock: Hand,
    /// Why, with which token, and in which second.
    begun: Receiver<(Why, String, u64)>,
    results: Sender<Result<Current, Failure>>,
    events: Arc<Mutex<Vec<Event>>>,
    worker: Option<JoinHandle<()>>,
    /// The second in which the worker last saw whether something is due.
    worker_saw: Arc<AtomicU64>,
}

impl Scene {
    fn open(current: Current) -> Self {
        Self::with_margin(current, Margin::Fixed(TimeDelta::zero()))
    }

    fn with_margin(current: Current, margin: Margin) -> Self {
        let clock = Hand::default();
        let desk = Arc::new(Desk::open(current, margin, LIMITS, Box::new(clock.clone())));
        let ((begin, begun), (results, result)) = (channel(), channel());
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let worker_saw = Arc::new(AtomicU64::new(u64::MAX));
        let (at_desk, told, saw) = (Arc::clone(&desk), Arc::clone(&events), Arc::clone(&worker_saw));
        let at_work = clock.clone();
        let worker = thread::spawn(move || {
            when_i_read(move |second| saw.store(second, Ordering::SeqCst));
            let renew = |why, current: &Current| {
                let token = current.access_token().expose().to_owned();
                begin.send((why, token, at_work.read().0)).unwrap();
                result.recv_timeout(PATIENCE).unwrap()
            };
            at_desk.work(renew, |event| told.lock().unwrap().push(event.clone()));
        });
        Self { desk, clock, begun, results, events, worker: Some(worker), worker_saw }
    }

    /// Somebody asks, on a thread, and is at the desk when this returns.
    fn ask(&self, asked: Asked) -> Receiver<Answer> {
        let (desk, (send, receive), (arrive, arrived)) = (Arc::clone(&self.desk), channel(), channel());
        thread::spawn(move || {
            // It reads more than once; the first time counts.
            when_i_read(move |_| _ = arrive.send(()));
            send.send(desk.ask(asked, |current, _| current.access_token().expose().to_owned()))
        });
        arrived.recv_timeout(PATIENCE).unwrap();
        receive
    }

    fn answer(&self, asked: Asked) -> Answer {
        self.ask(asked).recv_timeout(PATIENCE).unwrap()
    }

    /// Waits until an exchange has begun.
    fn exchange(&self) -> (Why, String, u64) {
        self.begun.recv_timeout(PATIENCE).unwrap()
    }

    /// Ends the exchange, and waits until the desk knows.
    fn end(&self, result: Result<Current, Failure>) {
        let before = self.desk.lock().ended;
        self.results.send(result).unwrap();
        self.until(|state| state.ended > before);
    }

    /// Waits until the worker has seen that nothing is to be done now.
    fn idle(&self) {
        let second = self.clock.read().0;
        self.until(|_| self.worker_saw.load(Ordering::SeqCst) == second);
        assert_eq!(self.desk.lock().order, None);
    }

    fn advance(&self, seconds: u64) {
        self.clock.0.lock().unwrap().0 += seconds;
        // Whoever is between a look at the clock and its sleep has the lock.
        let state = self.desk.lock();
        self.desk.changed.notify_all();
        drop(state);
    }

    /// Waits until the desk is in a state.
    fn until(&self, is_so: impl Fn(&State) -> bool) {
        let deadline = crate::job::SystemClock.boot() + PATIENCE;
        let mut state = self.desk.lock();
        while !is_so(&state) {
            assert!(crate::job::SystemClock.boot() < deadline, "the desk never came to it");
            state = self.desk.wait(state, Duration::from_millis(20));
        }
    }

    /// Closes the desk, and returns every event, once no other exchange was begun.
    fn close(mut self) -> Vec<Event> {
        self.desk.close();
        let worker = self.worker.take().unwrap();
        let deadline = crate::job::SystemClock.boot() + PATIENCE;
        while !worker.is_finished() {
            assert!(
                crate::job::SystemClock.boot() < deadline,
                "the worker does not know that the desk is closed"
            );
            crate::job::SystemClock.sleep(Duration::from_millis(1));
        }
        worker.join().unwrap();
        assert_eq!(self.begun.try_recv(), Err(TryRecvError::Disconnected), "an exchange that nobody needed");
        self.events.lock().unwrap().clone()
    }
}

fn name(answer: Answer) -> Result<String, Failure> {
    answer.map(|token| {
        let claims = crate::credential::AccessClaims::read(&token);
        format!("until {}", (claims.expires_at.unwrap() - at(0)).num_seconds())
    })
}

#[test]
fn a_fresh_token_is_answered_at_once() {
    let scene = Scene::open(token("old", 0, 301));
    assert_eq!(name(scene.answer(Asked::BeforeExpiry)), Ok("until 301".into()));
    assert_eq!(scene.close(), [Event::Answered]);
}

#[test]
fn one_exchange_serves_everybody() {
    let scene = Scene::open(token("old", 0, -1));
    let first = scene.ask(Asked::BeforeExpiry);
    assert_eq!(scene.exchange().0, Why::Due);
    let others: Vec<_> = (1..50)
        .map(|number| scene.ask(if number % 2 == 0 { Asked::BeforeExpiry } else { Asked::AfterRefusal }))
        .collect();
    scene.end(Ok(token("new", 0, HOUR)));
    for answer in others.into_iter().chain([first]) {
        assert_eq!(name(answer.recv_timeout(PATIENCE).unwrap()), Ok("until 3600".into()));
    }
    let events = scene.close();
    let count = |wanted: Event| events.iter().filter(|it| **it == wanted).count();
    assert_eq!(
        [count(Event::Ordered(Why::Due)), count(Event::Renewed), count(Event::Answered), events.len()],
        [1, 1, 50, 52]
    );
}

#[test]
fn nobody_waits_longer_than_a_client_does() {
    // 200 s are left: too little for Codex, but more than nothing.
    let scene = Scene::open(token("old", 0, 200));
    let waiting = [scene.ask(Asked::BeforeExpiry), scene.ask(Asked::Unexplained)];
    scene.exchange();
    scene.advance(14);
    let early = scene.desk.lock().events.contains(&Event::AnsweredInTime);
    assert!(!early && waiting[0].try_recv() == Err(TryRecvError::Empty));
    scene.advance(1);
    for answer in waiting {
        assert_eq!(name(answer.recv_timeout(PATIENCE).unwrap()), Ok("until 200".into()));
    }
    // Once it has ended there is nothing to give, and the client shall ask again.
    scene.advance(185);
    let late = scene.ask(Asked::BeforeExpiry);
    scene.advance(15);
    assert_eq!(late.recv_timeout(PATIENCE).unwrap(), Err(Failure::Passing));
    // The exchange goes on behind it, and what it brings is there for the next one.
    scene.end(Ok(token("new", 200, HOUR)));
    assert_eq!(name(scene.answer(Asked::BeforeExpiry)), Ok("until 3600".into()));
    let events = scene.close();
    let in_time = events.iter().filter(|it| **it == Event::AnsweredInTime).count();
    assert_eq!((in_time, events.contains(&Event::Failed(Failure::Passing))), (2, true));
}

#[test]
fn a_refused_token_is_not_given_again_when_time_is_up() {
    let scene = Scene::open(token("old", 0, HOUR));
    let (told, untold) = (scene.ask(Asked::AfterRefusal), scene.ask(Asked::Unexplained));
    assert_eq!(scene.exchange().0, Why::Refused);
    scene.advance(15);
    assert_eq!(untold.recv_timeout(PATIENCE).unwrap(), Err(Failure::Passing));
    // Whoever was refused has nothing else to go on with, and waits longer.
    scene.advance(12);
    assert_eq!(told.try_recv(), Err(TryRecvError::Empty));
    scene.advance(1);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Err(Failure::Passing));
    scene.end(Ok(token("new", 0, HOUR + 1)));
    scene.close();
}

#[test]
fn a_failure_is_remembered_for_a_while() {
    let scene = Scene::open(token("old", 0, -1));
    let first = scene.ask(Asked::BeforeExpiry);
    scene.exchange();
    scene.end(Err(Failure::Passing));
    assert_eq!(first.recv_timeout(PATIENCE).unwrap(), Err(Failure::Passing));
    scene.advance(19);
    for _ in 0..11 {
        assert_eq!(scene.answer(Asked::BeforeExpiry), Err(Failure::Passing));
    }
    scene.advance(1);
    let next = scene.ask(Asked::BeforeExpiry);
    scene.exchange();
    scene.end(Ok(token("new", 0, HOUR)));
    assert_eq!(name(next.recv_timeout(PATIENCE).unwrap()), Ok("until 3600".into()));
    scene.close();
}

#[test]
fn what_is_dead_stays_dead() {
    let scene = Scene::open(token("old", 0, 200));
    let first = scene.ask(Asked::AfterRefusal);
    scene.exchange();
    scene.end(Err(Failure::Dead));
    // The access token outlives its login.
    assert_eq!(name(first.recv_timeout(PATIENCE).unwrap()), Ok("until 200".into()));
    scene.advance(100);
    assert_eq!(name(scene.answer(Asked::BeforeExpiry)), Ok("until 200".into()));
    scene.advance(100);
    for _ in 0..3 {
        assert_eq!(scene.answer(Asked::BeforeExpiry), Err(Failure::Dead));
        scene.advance(10_000);
    }
    scene.close();
}

#[test]
fn a_refused_token_is_renewed_once_a_minute() {
    let scene = Scene::open(token("old", 0, HOUR));
    let old = scene.answer(Asked::BeforeExpiry).unwrap();
    let waiting = [scene.ask(Asked::AfterRefusal), scene.ask(Asked::AfterRefusal)];
    assert_eq!(scene.exchange(), (Why::Refused, old, 0));
    scene.end(Ok(token("new", 0, HOUR + 1)));
    for answer in waiting {
        assert_eq!(name(answer.recv_timeout(PATIENCE).unwrap()), Ok("until 3601".into()));
    }
    scene.advance(59);
    assert_eq!(name(scene.answer(Asked::AfterRefusal)), Ok("until 3601".into()));
    scene.advance(1);
    let again = scene.ask(Asked::AfterRefusal);
    assert_eq!(scene.exchange().0, Why::Refused);
    scene.end(Ok(token("newer", 0, HOUR + 2)));
    assert_eq!(name(again.recv_timeout(PATIENCE).unwrap()), Ok("until 3602".into()));
    scene.close();
}

#[test]
fn a_token_that_nobody_has_yet_is_not_the_refused_one() {
    let scene = Scene::with_margin(token("old", 0, HOUR), Margin::Default);
    scene.advance(1800);
    assert_eq!(scene.exchange().0, Why::Due);
    scene.end(Ok(token("new", 1800, 3 * HOUR)));
    scene.advance(600);
    assert_eq!(name(scene.answer(Asked::AfterRefusal)), Ok("until 10800".into()));
    let again = scene.ask(Asked::AfterRefusal);
    assert_eq!(scene.exchange().0, Why::Refused);
    scene.end(Ok(token("newer", 2400, 3 * HOUR + 1)));
    assert_eq!(name(again.recv_timeout(PATIENCE).unwrap()), Ok("until 10801".into()));
    scene.close();
}

#[test]
fn renews_before_anybody_asks() {
    let scene = Scene::with_margin(token("old", 0, HOUR), Margin::Fixed(TimeDelta::minutes(10)));
    scene.advance(2999);
    scene.idle();
    scene.advance(1);
    assert_eq!(scene.exchange().0, Why::Due);
    // Meanwhile the old one is good enough, and nobody waits.
    assert_eq!(name(scene.answer(Asked::BeforeExpiry)), Ok("until 3600".into()));
    scene.end(Err(Failure::Passing));
    scene.advance(19);
    scene.idle();
    scene.advance(1);
    assert_eq!(scene.exchange().2, 3020);
    scene.end(Ok(token("new", 3020, 3020 + HOUR)));
    assert_eq!(name(scene.answer(Asked::BeforeExpiry)), Ok("until 6620".into()));
    scene.close();
}

#[test]
fn while_nobody_waits_an_authority_that_fails_is_asked_less_and_less() {
    let scene = Scene::with_margin(token("old", 0, 24 * HOUR), Margin::Fixed(TimeDelta::days(1)));
    let mut pause = 20;
    for _ in 0..9 {
        scene.exchange();
        scene.end(Err(Failure::Passing));
        scene.advance(pause - 1);
        scene.idle();
        scene.advance(1);
        pause = (pause * 2).min(1280);
    }
    // Who asks does not wait for that.
    scene.exchange();
    scene.end(Err(Failure::Passing));
    scene.advance(20);
    let asked = scene.ask(Asked::AfterRefusal);
    assert_eq!(scene.exchange().0, Why::Refused);
    scene.end(Ok(token("new", 0, 24 * HOUR + 1)));
    assert_eq!(name(asked.recv_timeout(PATIENCE).unwrap()), Ok("until 86401".into()));
    scene.close();
}

#[test]
fn a_margin_longer_than_life_does_not_spend_one_token_after_the_other() {
    let scene = Scene::with_margin(token("old", -HOUR, 0), Margin::Fixed(TimeDelta::days(1)));
    scene.exchange();
    scene.end(Ok(token("new", 0, HOUR)));
    scene.advance(1799);
    assert_eq!(name(scene.answer(Asked::BeforeExpiry)), Ok("until 3600".into()));
    scene.idle();
    scene.advance(1);
    assert_eq!(scene.exchange().2, 1800);
    scene.end(Ok(token("newer", 1800, 1800 + HOUR)));
    scene.close();
}

#[test]
fn a_token_that_has_ended_by_our_clock_is_handed_out_all_the_same() {
    let scene = Scene::open(token("old", -HOUR, -1));
    scene.clock.0.lock().unwrap().1 = 2 * HOUR;
    let waiting = scene.ask(Asked::BeforeExpiry);
    scene.exchange();
    scene.end(Ok(token("new", 0, HOUR)));
    assert_eq!(name(waiting.recv_timeout(PATIENCE).unwrap()), Ok("until 3600".into()));
    scene.close();
}

#[test]
fn closing_waits_for_an_exchange_but_not_for_its_clients() {
    let scene = Scene::open(token("old", 0, -1));
    let waiting = scene.ask(Asked::BeforeExpiry);
    scene.exchange();
    scene.desk.close();
    assert_eq!(waiting.recv_timeout(PATIENCE).unwrap(), Err(Failure::Passing));
    assert_eq!(scene.answer(Asked::BeforeExpiry), Err(Failure::Passing));
    assert!(!scene.worker.as_ref().unwrap().is_finished());
    scene.end(Ok(token("new", 0, HOUR)));
    assert_eq!(scene.close().last(), Some(&Event::Renewed));
}

#[test]
fn what_was_not_begun_is_dropped() {
    let desk = Arc::new(Desk::open(
        token("old", 0, -1),
        Margin::Fixed(TimeDelta::zero()),
        LIMITS,
        Box::new(Hand::default()),
    ));
    let (at_desk, (send, answer)) = (Arc::clone(&desk), channel());
    thread::spawn(move || send.send(at_desk.ask(Asked::BeforeExpiry, |_, _| ())));
    while desk.lock().order.is_none() {
        thread::yield_now();
    }
    desk.close();
    assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), Err(Failure::Passing));
    // Nobody worked there yet; whoever comes now only tells what happened, once.
    for expected in [2, 0] {
        let mut told = 0;
        desk.work(|_, _| unreachable!("it was dropped"), |_| told += 1);
        assert_eq!(told, expected);
    }
}
