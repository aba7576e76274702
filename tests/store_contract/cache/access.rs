//! Who may write, judged before anything is asked; and what decides which branch writes.

use std::fs;

use authbaton::store::{Access, Durability, Exclusive, Store, StoreError};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Cache, SystemLike};
use crate::cache_server::{MAIN, Mint, Speaks, now, on_main};
use crate::place::{content, get, put, slot};

/// What a run may do: nothing for a store that cannot be opened, `write`, or why it may only read.
fn may(cache: &Cache, token: &str, more: &[(&str, &str)]) -> String {
    match cache.with(token, more, SystemLike::default()) {
        Err(error) => format!("error: {error}"),
        Ok(store) => match store.facts().unwrap().access {
            Access::Write => "write".to_owned(),
            Access::ReadOnly(reason) => reason,
        },
    }
}

fn scopes(scopes: &[(&str, u64)]) -> String {
    Mint::scopes(scopes).token()
}

#[test]
fn the_facts_give_a_lease_of_five_minutes() {
    let facts = Cache::new(Speaks::V2).as_run(&on_main()).unwrap().facts().unwrap();
    assert_eq!((facts.exclusive, facts.durability), (Exclusive::Always, Durability::Now));
    let lengths = authbaton::baton::Lengths::for_store(facts.worst_swap);
    assert_eq!((lengths.lease.as_secs(), lengths.waiting.as_secs()), (300, 420));
}

#[test]
fn only_runs_that_write_the_default_branchs_scope_write() {
    let cache = Cache::new(Speaks::V2);
    let other = "only runs on `refs/heads/main` write, and this one is on";
    let table: [(&[(&str, u64)], String); 7] = [
        (&[(MAIN, 3)], "write".into()),
        (&[("refs/pull/7/merge", 3), (MAIN, 1)], format!("{other} `refs/pull/7/merge`")),
        (&[("refs/heads/topic", 3), (MAIN, 1)], format!("{other} `refs/heads/topic`")),
        (&[("refs/tags/v1", 3), (MAIN, 1)], format!("{other} `refs/tags/v1`")),
        // As events that anybody can cause give it.
        (&[(MAIN, 1)], "this run's cache token may only read".into()),
        (&[("refs/heads/topic", 1), (MAIN, 1)], "error: the store cannot be used here: ".into()),
        // Which of the two would be written, nobody can tell.
        (&[("refs/heads/topic", 3), (MAIN, 3)], "error: the store cannot be used here: ".into()),
    ];
    for (list, expected) in table {
        let found = may(&cache, &scopes(list), &[]);
        assert!(found.starts_with(&expected), "{list:?}: {found}");
    }
    let two = scopes(&[("refs/heads/topic", 3), (MAIN, 3)]);
    let found = may(&cache, &two, &[("GITHUB_REF", MAIN)]);
    assert!(
        found.contains("by `actions-cache:?ref=") || found.contains("as in `actions-cache:?ref="),
        "{found}"
    );
}

#[test]
fn the_event_tells_the_default_branch() {
    let cache = Cache::new(Speaks::V2);
    let directory = tempfile::tempdir().unwrap();
    let event = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let trunk = event("trunk", r#"{"repository":{"default_branch":"trunk","x":[1]},"y":{}}"#);
    let with = |token: &str, path: &str| may(&cache, token, &[("GITHUB_EVENT_PATH", path)]);
    assert_eq!(with(&scopes(&[("refs/heads/trunk", 3)]), &trunk), "write");
    assert!(with(&on_main(), &trunk).contains("only runs on `refs/heads/trunk` write"));
    // A pull request into a branch that is not the default one: only the event leaves no doubt.
    let three = scopes(&[("refs/pull/7/merge", 3), ("refs/heads/release", 1), ("refs/heads/trunk", 1)]);
    assert!(with(&three, &trunk).contains("only runs on `refs/heads/trunk` write"));
    assert!(may(&cache, &three, &[]).starts_with("error: the store cannot be used here"));
    // What is no event says nothing, and the scopes decide.
    let odd = [
        "",
        "{}",
        "[]",
        r#"{"repository":{"default_branch":7}}"#,
        r#"{"repository":{"default_branch":"a b"}}"#,
    ];
    for text in odd {
        assert_eq!(with(&on_main(), &event("odd", text)), "write", "{text}");
    }
    assert_eq!(with(&on_main(), "/nonexistent"), "write");
    let directory_itself = directory.path().display().to_string();
    assert_eq!(with(&on_main(), &directory_itself), "write");
}

#[test]
fn a_claim_that_says_nothing_is_unknown_and_not_a_denial() {
    let cache = Cache::new(Speaks::V2);
    let odd: [Option<Value>; 9] = [
        None,
        Some(json!(null)),
        Some(json!("")),
        Some(json!("[]")),
        Some(json!([{"Scope": MAIN, "Permission": 3}])),
        Some(json!(r#"[{"Scope":"refs/heads/main"}]"#)),
        Some(json!(r#"[{"Scope":"refs/heads/main","Permission":7}]"#)),
        Some(json!(r#"[{"Scope":"","Permission":3}]"#)),
        Some(json!(r#"{"Scope":"refs/heads/main","Permission":3}"#)),
    ];
    let directory = tempfile::tempdir().unwrap();
    let event = directory.path().join("event.json");
    fs::write(&event, r#"{"repository":{"default_branch":"main"}}"#).unwrap();
    let event = ("GITHUB_EVENT_PATH", event.to_str().unwrap());
    for claim in odd {
        let token = Mint::claim(claim.clone()).token();
        assert_eq!(may(&cache, &token, &[event, ("GITHUB_REF", MAIN)]), "write", "{claim:?}");
        let elsewhere = may(&cache, &token, &[event, ("GITHUB_REF", "refs/heads/topic")]);
        assert!(elsewhere.contains("not known to be one"), "{claim:?}: {elsewhere}");
        assert!(may(&cache, &token, &[event]).contains("not known to be one"), "{claim:?}");
        assert!(may(&cache, &token, &[]).starts_with("error: "), "{claim:?}");
    }
    assert_eq!(may(&cache, "no.jwt", &[event, ("GITHUB_REF", MAIN)]), "write");
}

#[test]
fn a_token_that_ends_before_a_lease_may_only_read() {
    let cache = Cache::new(Speaks::V2);
    let ending =
        |seconds| Mint::scopes(&[(MAIN, 3)]).ending(Some(now() + TimeDelta::seconds(seconds))).token();
    assert_eq!(may(&cache, &ending(400), &[]), "write");
    let soon = may(&cache, &ending(290), &[]);
    assert!(
        soon.starts_with("this run's cache token ends in 2") && soon.ends_with("a lease takes 300 s"),
        "{soon}"
    );
    assert!(may(&cache, &ending(-10), &[]).contains("ends in 0 s"));
    assert_eq!(may(&cache, &Mint::scopes(&[(MAIN, 3)]).ending(None).token(), &[]), "write");
    // It is asked anew each time, and what is there to be stored under a lease is stored.
    let clock = SystemLike::default();
    let store = cache.with(&ending(400), &[], clock.clone()).unwrap();
    let version = put(&store, &slot(), None, "one");
    clock.pass(200);
    assert!(matches!(store.facts().unwrap().access, Access::ReadOnly(_)));
    put(&store, &slot(), Some(&version), "two");
}

#[test]
fn the_cache_mode_is_obeyed() {
    let cache = Cache::new(Speaks::V2);
    let writer = cache.as_run(&on_main()).unwrap();
    put(&writer, &slot(), None, "one");
    cache.server.asked();
    // Mode, reads, writes.
    let table = [
        ("none", false, false),
        ("read", true, false),
        (" READ ", true, false),
        ("write", true, true),
        ("write-only", false, true),
        ("something", true, true),
    ];
    for (mode, reads, writes) in table {
        let store = cache.with(&on_main(), &[("ACTIONS_CACHE_MODE", mode)], SystemLike::default()).unwrap();
        let may_write = store.facts().unwrap().access == Access::Write;
        assert_eq!(may_write, writes, "{mode}");
        match store.load(&slot()) {
            Ok(found) => assert!(reads && found.is_some(), "{mode}"),
            Err(error) => {
                assert!(!reads && matches!(error, StoreError::Denied(_)), "{mode}: {error}");
                assert!(cache.server.asked().is_empty(), "{mode}");
            }
        }
        if !writes || !reads {
            assert!(matches!(store.swap(&slot(), None, &content("x")), Err(StoreError::Denied(_))), "{mode}");
        }
        cache.server.asked();
    }
}

/// Its lookups would find nothing, and nothing is no empty slot.
#[test]
fn a_run_that_does_not_see_the_writing_branch_is_denied() {
    let cache = Cache::new(Speaks::V2);
    let directory = tempfile::tempdir().unwrap();
    let event = directory.path().join("event.json");
    fs::write(&event, r#"{"repository":{"default_branch":"trunk"}}"#).unwrap();
    let more = [("GITHUB_EVENT_PATH", event.to_str().unwrap())];
    let store = cache.with(&on_main(), &more, SystemLike::default()).unwrap();
    assert!(matches!(store.load(&slot()), Err(StoreError::Denied(_))));
    assert!(cache.server.asked().is_empty());
}

#[test]
fn runs_of_other_branches_read_and_do_not_see_each_other() {
    let cache = Cache::new(Speaks::V2);
    let main = cache.as_run(&on_main()).unwrap();
    put(&main, &slot(), None, "one");
    let pull = cache.as_run(&scopes(&[("refs/pull/7/merge", 3), (MAIN, 1)])).unwrap();
    assert_eq!(get(&pull, &slot()).unwrap().0, "one");
    assert_eq!(pull.name(), main.name());
}

#[test]
fn what_is_missing_is_named() {
    let cache = Cache::new(Speaks::V2);
    let with = |more: &[(&str, &str)]| may(&cache, &on_main(), more);
    assert!(with(&[("ACTIONS_RESULTS_URL", "")]).contains("only an action is told"));
    assert!(with(&[("ACTIONS_RUNTIME_TOKEN", "")]).contains("ACTIONS_RUNTIME_TOKEN"));
    assert!(with(&[("ACTIONS_RESULTS_URL", "http://10.1.2.3/")]).contains("neither https nor loopback"));
    assert!(with(&[("ACTIONS_RUNTIME_TOKEN", "a\nb")]).starts_with("error: "));
}
