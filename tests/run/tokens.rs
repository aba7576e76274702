//! Which token the command gets, and how often it costs an exchange.

use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use authbaton::rehearsal::Endpoint;

use crate::arena::{Arena, due, fresh, issued, wait_until};
use crate::job::Job;
use crate::launch::LIMIT;

/// A slot with this login; nobody's home has a copy that counts.
fn arena(options: &authbaton::rehearsal::IssueOptions) -> Arena {
    let arena = Arena::new();
    arena.seed(options);
    arena
}

#[test]
fn a_due_token_is_exchanged_once_before_the_start() {
    let arena = arena(&due());
    let job = Job::start(&arena, &["--broker", "always"]);
    assert_eq!(arena.authority.exchanges(), 1);
    arena.holds_a_living_token();
    assert_eq!(job.access_token(), arena.held_access_token(), "the command has another token than the store");
    let client = job.client();
    assert_eq!(client.ask("proactive_expiry").unwrap().token(&client), arena.held_access_token());
    job.end(&arena);
    assert_eq!((arena.authority.posts(), arena.phase().as_str()), (1, "idle"));
    arena.nothing_lies_around();
}

#[test]
fn a_broker_is_started_where_the_token_may_end_before_the_job() {
    let hours = |hours| issued(TimeDelta::hours(-1), TimeDelta::hours(hours));
    let table: [(_, &[&str], bool); 6] = [
        (fresh(), &[], false),
        (hours(25), &["--broker", "auto"], false),
        (hours(23), &[], true),
        (fresh(), &["--broker", "always"], true),
        (hours(23), &["--broker", "never"], false),
        (hours(23), &["--refresh-before-expiry", "1h", "--broker", "auto"], true),
    ];
    for (number, (login, options, expected)) in table.into_iter().enumerate() {
        let arena = arena(&login);
        // Otherwise what has less than half of its life left is renewed first.
        let options: Vec<_> = if options.contains(&"--refresh-before-expiry") {
            options.to_vec()
        } else {
            options.iter().chain(&["--refresh-before-expiry", "10m"]).copied().collect()
        };
        let job = Job::start(&arena, &options);
        let refresh_token =
            job.auth_json()["tokens"]["refresh_token"].as_str().unwrap_or_default().to_owned();
        let seen = (
            job.broker().is_some(),
            job.variable("CODEX_REFRESH_TOKEN_URL_OVERRIDE").is_some(),
            refresh_token.starts_with("abh1_"),
        );
        assert_eq!(seen, (expected, expected, expected), "row {number}");
        assert!(expected || refresh_token.is_empty(), "row {number}");
        job.end(&arena);
        assert_eq!(arena.authority.posts(), 0, "row {number}");
    }
}

/// A token of 302 s: in two seconds every client asks, and so does ours, fifty times at once.
#[test]
fn a_token_that_ends_during_the_job_is_renewed_once_for_all() {
    let arena = arena(&due());
    arena.authority.set_access_lifetime(Some(TimeDelta::seconds(302)));
    let job = Job::begin(&arena, &["--broker", "auto", "-v"], |_| {});
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    arena.authority.set_access_lifetime(Some(TimeDelta::days(10)));
    wait_until("the command", || job.variable_if_begun("CODEX_REFRESH_TOKEN_URL_OVERRIDE").is_some());
    let (client, first) = (job.client(), job.access_token());
    wait_until("the last 300 s", || left(&first) < TimeDelta::seconds(300));
    let tokens: Vec<String> = thread::scope(|scope| {
        let ask = || client.ask("proactive_expiry").unwrap().token(&client);
        let clients: Vec<_> = (0..50).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(arena.authority.posts(), 2, "one before the start, one for all clients: {}", job.said());
    assert_ne!(tokens[0], first);
    assert!(tokens.iter().all(|token| *token == arena.held_access_token()));
    arena.holds_a_living_token();
    job.end(&arena);
}

#[test]
fn a_refused_token_costs_one_exchange_a_minute() {
    let arena = arena(&fresh());
    let job = Job::start(&arena, &["--broker", "always"]);
    let (client, first) = (job.client(), job.access_token());
    assert_eq!(arena.authority.posts(), 0);
    let second = client.ask("unauthorized_recovery").unwrap().token(&client);
    assert_ne!(first, second);
    for reason in ["unauthorized_recovery", "forced", "unauthorized_recovery", "proactive_expiry"] {
        assert_eq!(client.ask(reason).unwrap().token(&client), second, "{reason}");
    }
    assert_eq!((arena.authority.posts(), arena.held_access_token()), (1, second));
    job.end(&arena);
}

/// The client writes its configuration while it works; half of it is no verdict.
#[cfg(feature = "failpoints")]
#[test]
fn a_policy_that_cannot_be_read_for_a_moment_is_not_the_end() {
    let arena = arena(&fresh());
    let job = Job::start_with(&arena, &["--broker", "always"], |command| {
        command.env("AUTHBATON_CLOCK_SPEED", "25");
    });
    let client = job.client();
    let config = job.home().join("config.toml");
    std::fs::write(&config, "model = \"").unwrap();
    assert_eq!(client.ask("unauthorized_recovery").unwrap().status, 503);
    assert_eq!(arena.authority.posts(), 0);
    std::fs::write(&config, "model = \"x\"\n").unwrap();
    wait_until("an answer", || client.ask("unauthorized_recovery").unwrap().status == 200);
    // A verdict is one.
    std::fs::write(&config, "forced_login_method = \"api\"\n").unwrap();
    let refused = || client.ask("unauthorized_recovery").unwrap().status == 401;
    wait_until("a refusal", refused);
    std::fs::write(&config, "").unwrap();
    job.end(&arena);
    assert_eq!(arena.authority.exchanges(), 1);
}

#[test]
fn a_revocation_ends_at_the_broker() {
    let arena = arena(&fresh());
    let job = Job::start(&arena, &["--broker", "always", "-v"]);
    assert_eq!(job.client().revoke().unwrap().status, 200);
    let end = job.end(&arena);
    assert!(end.stderr.contains("a revocation was answered and dropped"), "{end:?}");
    assert!(!arena.authority.received().iter().any(|request| request.endpoint == Endpoint::Revoke));
    arena.holds_a_living_token();
    arena.run(&arena.first(), &["refresh", "--force"]).refreshed(true);
}

/// How long an access token is good for.
fn left(token: &str) -> TimeDelta {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    DateTime::from_timestamp(claims["exp"].as_i64().unwrap(), 0).unwrap() - Utc::now()
}

/// The broker's own environment has nothing of the platform: it is told.
#[test]
fn the_broker_of_a_job_that_is_not_trusted_renews_nothing() {
    for (protected, status) in [("false", 503), ("true", 200)] {
        let arena = arena(&fresh());
        let job = Job::start_with(&arena, &["--broker", "always"], |command| {
            command.env("GITLAB_CI", "true").env("CI_COMMIT_REF_PROTECTED", protected);
        });
        let answer = job.client().ask("unauthorized_recovery").unwrap();
        assert_eq!(answer.status, status, "{}: {}", answer.body, job.said());
        assert_eq!(arena.authority.exchanges(), usize::from(protected == "true"));
        assert_eq!(job.said().contains("this ref is not protected"), protected == "false", "{}", job.said());
        job.end(&arena);
    }
}
