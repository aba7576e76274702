//! What a store behind a helper promises besides: each way in which a helper can fail is told, and it gets no secret of ours.

use std::fs;
use std::time::{Duration, Instant};

use authbaton::baton::Audience;
use authbaton::job::Masks;
use authbaton::store::{Access, Durability, Exclusive, Opening, Store, StoreError, StoreUrl, Swap};
use tempfile::TempDir;

use crate::exec_place::{HELPER, InEtcd};
use crate::place::{Place, content, fixed, get, open, programs, put, slot};
use crate::support::program::write_program;

const FACTS: &str = r#"{"protocol":1,"result":"facts","exclusive":true,"access":"write","durability":"now","worst_swap_seconds":1}"#;

/// A helper that says these facts, and runs `script` for the rest.
fn helper(script: &str) -> (TempDir, Box<dyn Store>) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("helper");
    let text = format!(
        "#!/bin/sh\nread -r request\ncase \"$request\" in *'\"facts\"'*) echo '{FACTS}'; exit;; esac\n{script}\n"
    );
    write_program(&path, &text);
    let store = open(&format!("exec:{}", path.display()), &fixed(&[("PATH", &programs())]));
    (directory, store)
}

/// Loads and swaps, and returns the two errors as text with their kind.
#[track_caller]
fn failures(store: &dyn Store) -> [(String, String); 2] {
    let swapped = store.swap(&slot(), None, &content("one")).map(|_| ());
    [store.load(&slot()).map(|_| ()), swapped].map(|result| {
        let error = result.unwrap_err();
        let kind = match &error {
            StoreError::NotHere(_) => "not here",
            StoreError::Unreachable(_) => "unreachable",
            StoreError::Denied(_) => "denied",
            StoreError::Garbled(_) => "garbled",
            StoreError::Helper(_) => "helper",
            _ => "other",
        };
        (kind.to_owned(), error.to_string())
    })
}

#[test]
fn each_failure_of_a_helper_is_told() {
    let table = [
        ("exit 0", "garbled", "answers nothing"),
        ("echo no", "garbled", "not one JSON object"),
        (r#"echo '{"protocol":1,"result":"facts"}'"#, "garbled", "misses a field"),
        (r#"echo '{"protocol":2,"result":"absent"}'"#, "garbled", "protocol"),
        ("while :; do echo too much; done", "garbled", "answers more than"),
        ("echo down >&2; exit 75", "unreachable", "does not reach its service: down"),
        ("echo 'ask mum' >&2; exit 77", "denied", "does not let it in: ask mum"),
        ("echo 'set X' >&2; exit 78", "not here", "misses a setting: set X"),
        ("exit 75", "unreachable", "does not reach its service"),
        ("echo '::error::x' >&2; exit 3", "helper", "it ended with exit code 3: : :error: :x"),
        ("kill -9 $$", "helper", "it was ended by a signal"),
        ("exec sleep 60", "unreachable", "did not end within"),
    ];
    std::thread::scope(|scope| {
        for (script, kind, part) in table {
            scope.spawn(move || {
                let (_directory, store) = helper(script);
                let start = Instant::now();
                for (found, text) in failures(&*store) {
                    assert_eq!(found, kind, "{script}: {text}");
                    assert!(text.contains(part), "{script}: {text}");
                    assert!(!text.contains('\n'), "{text:?}");
                }
                // 10 s for a load, and the second that this helper says for a swap.
                assert!(start.elapsed() < Duration::from_secs(25), "{script}");
            });
        }
    });
}

#[test]
fn facts_are_what_the_helper_says_and_are_asked_once() {
    let directory = TempDir::new().unwrap();
    let (path, calls) = (directory.path().join("helper"), directory.path().join("calls"));
    let facts = r#"{"protocol":1,"result":"facts","exclusive":false,"access":"read-only","durability":"at-job-end","worst_swap_seconds":7}"#;
    let text = format!("#!/bin/sh\necho x >>'{}'\ncat >/dev/null\necho '{facts}'\n", calls.display());
    write_program(&path, &text);
    let store = open(&format!("exec:{}", path.display()), &fixed(&[("PATH", &programs())]));
    for _ in 0..2 {
        let facts = store.facts().unwrap();
        assert_eq!((facts.exclusive, facts.durability), (Exclusive::No, Durability::AtJobEnd));
        assert_eq!(facts.worst_swap, Duration::from_secs(7));
        assert!(matches!(facts.access, Access::ReadOnly(_)) && !facts.may_lease());
    }
    assert_eq!(fs::read_to_string(calls).unwrap(), "x\n");
    // A helper that cannot even say that is of no use for anything.
    write_program(&path, "#!/bin/sh\nexit 0\n");
    let store = open(&format!("exec:{}", path.display()), &fixed(&[("PATH", &programs())]));
    assert!(matches!(store.facts(), Err(StoreError::Garbled(_))));
    assert!(matches!(store.load(&slot()), Err(StoreError::Garbled(_))));
}

#[test]
fn a_helper_that_is_not_there_or_cannot_be_executed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("helper");
    let environment = fixed(&[("PATH", directory.path().to_str().unwrap())]);
    let by_path = format!("exec:{}", path.display());
    for url in [by_path.as_str(), "exec:helper"] {
        fs::remove_file(&path).ok();
        assert!(matches!(open(url, &environment).facts(), Err(StoreError::NotHere(_))));
        fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(matches!(open(url, &environment).facts(), Err(StoreError::NotHere(_))));
        // By its name it is found on the `PATH` that was given, and nowhere else.
        write_program(&path, &format!("#!/bin/sh\necho '{FACTS}'\n"));
        assert!(open(url, &environment).facts().is_ok());
    }
}

#[test]
fn a_helper_gets_the_environment_without_our_secrets() {
    let directory = TempDir::new().unwrap();
    let (path, seen) = (directory.path().join("helper"), directory.path().join("seen"));
    let text = format!(
        "#!/bin/sh\n{{ pwd; echo \"args: $*\"; env; }} >'{}'\ncat >/dev/null\necho '{FACTS}'\n",
        seen.display()
    );
    write_program(&path, &text);
    let variables = [
        ("PATH", programs()),
        ("VAULT_ADDR", "https://vault.example".to_owned()),
        ("GITHUB_TOKEN", "kept".to_owned()),
        ("AUTHBATON_SEAL_KEY", "canary".to_owned()),
        ("AUTHBATON_ANYTHING", "canary".to_owned()),
        ("INPUT_SEAL-KEY", "canary".to_owned()),
        ("CODEX_AUTH_JSON", "canary".to_owned()),
    ];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (environment, audience) = (fixed(&variables), Audience::default());
    let secrets = ["CODEX_AUTH_JSON".to_owned()];
    let opening = Opening {
        environment: &environment,
        ca_file: None,
        audience: &audience,
        masks: Masks::none(),
        secrets: &secrets,
        read_only: None,
    };
    let url = StoreUrl::parse(&format!("exec:{}", path.display())).unwrap();
    url.open(&opening).unwrap().unwrap().facts().unwrap();
    let seen = fs::read_to_string(seen).unwrap();
    assert!(!seen.contains("canary"), "{seen}");
    for line in ["/", "args: ", "VAULT_ADDR=https://vault.example", "GITHUB_TOKEN=kept"] {
        assert!(seen.lines().any(|it| it == line), "{seen}");
    }
}

#[test]
fn a_helper_that_is_too_late_may_have_written_all_the_same() {
    let directory = TempDir::new().unwrap();
    let kept = directory.path().join("kept");
    let (_helper, store) = helper(&format!("echo \"$request\" >'{}'; exec sleep 30", kept.display()));
    let start = Instant::now();
    let swapped = store.swap(&slot(), None, &content("one"));
    assert!(matches!(swapped, Err(StoreError::Unreachable(_))));
    assert!(start.elapsed() < Duration::from_secs(8));
    assert!(fs::read_to_string(kept).unwrap().contains(r#""operation":"swap""#));
}

mod etcd {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Box<dyn Store> {
        let path = programs();
        let all: Vec<_> = [("PATH", path.as_str())].into_iter().chain(variables.iter().copied()).collect();
        open(&format!("exec:{HELPER}"), &fixed(&all))
    }

    #[test]
    fn settings_that_are_missing_or_unsafe_are_named() {
        for endpoint in ["", "http://etcd.example:2379", "ftp://127.0.0.1", "127.0.0.1:2379"] {
            for (kind, text) in failures(&*with(&[("ETCD_ENDPOINT", endpoint)])) {
                assert_eq!(kind, "not here", "{endpoint}: {text}");
                assert!(text.contains("ETCD_ENDPOINT"), "{text}");
            }
        }
    }

    #[test]
    fn a_server_that_is_away_or_lets_nobody_in() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (kind, text) in failures(&*with(&[("ETCD_ENDPOINT", &format!("http://{closed}"))])) {
            assert_eq!(
                (kind.as_str(), text.contains("etcd does not answer")),
                ("unreachable", true),
                "{text}"
            );
        }
        // This server has no users, and says so to whoever comes as one.
        let place = InEtcd::new();
        let variables = place.variables();
        let own = variables.iter().map(|(name, value)| (*name, value.as_str()));
        let wrong = [("ETCD_USERNAME", "nobody"), ("ETCD_PASSWORD", "hunter2-canary")];
        for (kind, text) in failures(&*with(&own.chain(wrong).collect::<Vec<_>>())) {
            assert_eq!(kind, "denied", "{text}");
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn keys_have_the_prefix_and_are_apart() {
        let (one, two) = (InEtcd::new(), InEtcd::new());
        put(&*one.open(), &slot(), None, "one");
        assert!(get(&*two.open(), &slot()).is_none());
        assert_eq!(one.open().swap(&slot(), None, &content("two")).unwrap(), Swap::Conflict);
    }
}
