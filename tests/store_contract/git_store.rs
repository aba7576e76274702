//! What a store in a git repository promises besides: nothing of the job's git, nothing left behind, tokens where they
//! belong, and each failure told by its kind.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use authbaton::baton::MAX_BATON_BYTES;
use authbaton::store::{Access, Durability, Exclusive, Store, StoreError, Swap};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::git_place::{ByHttp, ByPath, TOKEN, basic};
use crate::place::{Place, content, fixed, get, open, programs, put, slot};
use crate::support::git_host::{GitHost, git, left_behind};
use crate::support::program::write_program;

const REF: &str = "refs/authbaton/default";

/// Opens a place with more variables.
fn open_with(place: &dyn Place, more: &[(&str, &str)]) -> Box<dyn Store> {
    let variables = place.variables();
    let own = variables.iter().map(|(name, value)| (*name, value.as_str()));
    open(&place.address(), &fixed(&own.chain(more.iter().copied()).collect::<Vec<_>>()))
}

#[track_caller]
fn is_denied(store: &dyn Store) {
    assert!(matches!(store.load(&slot()), Err(StoreError::Denied(_))));
    assert!(matches!(store.swap(&slot(), None, &content("two")), Err(StoreError::Denied(_))));
}

#[track_caller]
fn is_unreachable(store: &dyn Store) {
    assert!(matches!(store.load(&slot()), Err(StoreError::Unreachable(_))));
    assert!(matches!(store.swap(&slot(), None, &content("two")), Err(StoreError::Unreachable(_))));
}

#[track_caller]
fn is_not_here(store: &dyn Store, part: &str) {
    match store.load(&slot()) {
        Err(StoreError::NotHere(text)) => assert!(text.contains(part), "{text}"),
        other => panic!("{:?}", other.err()),
    }
}

/// Writes a program and returns the directory that it lies in.
fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(directory).unwrap();
    let path = directory.join(name);
    write_program(&path, text);
    path
}

#[test]
fn a_slot_is_one_commit_with_one_file_and_without_parents() {
    let place = ByPath::new();
    let first = put(&*place.open(), &slot(), None, "one");
    put(&*place.open(), &slot(), Some(&first), "two");
    let repository = place.repository();
    assert_eq!(git(&repository, &["rev-list", "--count", REF]), "1");
    assert_eq!(git(&repository, &["show", &format!("{REF}:baton")]), "two");
    assert_eq!(git(&repository, &["ls-tree", "-r", "--name-only", REF]), "baton");
    let commit = git(&repository, &["cat-file", "commit", REF]);
    let (_, rest) = commit.split_once('\n').unwrap();
    let (who, mark) = rest.split_once("\n\n").unwrap();
    let expected = "author authbaton <authbaton@localhost> 1000000000 +0000\n\
                    committer authbaton <authbaton@localhost> 1000000000 +0000";
    assert_eq!(who, expected);
    assert!(mark.len() == 32 && mark.bytes().all(|byte| byte.is_ascii_hexdigit()), "{mark}");
    assert_eq!(git(&repository, &["for-each-ref", "--format=%(refname)"]), REF);
}

#[test]
fn a_ref_that_is_named_is_used() {
    let place = ByPath::new();
    let address = format!("{}#refs/heads/batons/*", place.address());
    let environment = fixed(&[("PATH", &programs()), ("TMPDIR", place.temporary().to_str().unwrap())]);
    put(&*open(&address, &environment), &slot(), None, "one");
    let names = git(&place.repository(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(names, "refs/heads/batons/default");
}

#[test]
fn nothing_is_left_behind() {
    let place = ByPath::new();
    let store = place.open();
    let version = put(&*store, &slot(), None, "one");
    assert!(get(&*place.open(), &slot()).is_some());
    assert_eq!(store.swap(&slot(), None, &content("two")).unwrap(), Swap::Conflict);
    fs::rename(place.repository(), place.repository().with_extension("away")).unwrap();
    assert!(store.load(&slot()).is_err());
    assert!(store.swap(&slot(), Some(&version), &content("two")).is_err());
    assert_eq!(left_behind(&place.temporary()), 0);
}

#[test]
fn facts_are_told_without_asking_anybody() {
    let place = ByPath::new();
    fs::remove_dir_all(place.repository()).unwrap();
    let facts = place.open().facts().unwrap();
    assert_eq!((facts.exclusive, facts.durability), (Exclusive::Always, Durability::Now));
    assert_eq!((facts.access, facts.worst_swap), (Access::Write, Duration::from_secs(15)));
}

#[test]
fn what_is_no_baton_is_an_error_and_is_not_replaced() {
    let place = ByPath::new();
    let repository = place.repository();
    let work = place.temporary().join("work");
    git(&place.temporary(), &["init", "--quiet", work.to_str().unwrap()]);
    let publish = |name: &str, bytes: &[u8]| {
        fs::write(work.join(name), bytes).unwrap();
        git(&work, &["add", "."]);
        let who = ["-c", "user.name=x", "-c", "user.email=x@x"];
        let commit = ["commit", "--quiet", "--message", "x"];
        git(&work, &who.iter().chain(&commit).copied().collect::<Vec<_>>());
        git(&work, &["push", "--quiet", "--force", repository.to_str().unwrap(), &format!("HEAD:{REF}")]);
        git(&repository, &["rev-parse", REF])
    };
    let noise = |length: usize| {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..length).map(|_| next()).collect::<Vec<u8>>()
    };
    // Another file; too large a one, which packs small; one that does not pack.
    for (name, bytes) in
        [("other", b"x".to_vec()), ("baton", vec![0; MAX_BATON_BYTES + 1]), ("baton", noise(3 << 20))]
    {
        let commit = publish(name, &bytes);
        let store = place.open();
        let loaded = store.load(&slot());
        assert!(matches!(loaded, Err(StoreError::Garbled(_))), "{name}: {:?}", loaded.err());
        assert_eq!(store.swap(&slot(), None, &content("two")).unwrap(), Swap::Conflict);
        assert_eq!(git(&repository, &["rev-parse", REF]), commit);
    }
    assert_eq!(left_behind(&place.temporary()), 0);
}

#[test]
fn a_push_that_a_rule_forbids_is_denied() {
    let place = ByPath::new();
    let store = place.open();
    let version = put(&*store, &slot(), None, "one");
    script(&place.repository().join("hooks"), "pre-receive", "#!/bin/sh\nexit 1\n");
    assert!(matches!(store.swap(&slot(), Some(&version), &content("two")), Err(StoreError::Denied(_))));
    let facts = store.facts().unwrap();
    assert!(matches!(facts.access, Access::ReadOnly(_)) && !facts.may_lease());
    assert_eq!(get(&*store, &slot()).unwrap().0, "one");
}

#[test]
fn a_host_that_lets_us_read_alone_is_read_only() {
    let place = ByHttp::new();
    let store = place.open();
    let version = put(&*store, &slot(), None, "one");
    place.host.rules().read_only.store(true, Ordering::SeqCst);
    assert!(matches!(store.swap(&slot(), Some(&version), &content("two")), Err(StoreError::Denied(_))));
    assert!(matches!(store.facts().unwrap().access, Access::ReadOnly(_)));
    assert_eq!(get(&*place.open(), &slot()).unwrap().0, "one");
}

#[test]
fn a_host_that_is_busy_with_the_ref_is_asked_again() {
    let place = ByPath::new();
    let store = place.open();
    let version = put(&*store, &slot(), None, "one");
    let lock = place.repository().join(format!("{REF}.lock"));
    fs::write(&lock, "").unwrap();
    let swapped = store.swap(&slot(), Some(&version), &content("two"));
    assert!(matches!(swapped, Err(StoreError::Unreachable(_))), "{swapped:?}");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(150));
            fs::remove_file(&lock).unwrap();
        });
        put(&*store, &slot(), Some(&version), "three");
    });
}

#[test]
fn of_two_who_push_the_same_content_at_once_one_wins() {
    let place = ByPath::new();
    let (first, second) = (place.open(), place.open());
    let version = put(&*first, &slot(), None, "one");
    let same = content("the same");
    assert!(matches!(first.swap(&slot(), Some(&version), &same), Ok(Swap::Done(_))));
    assert!(matches!(second.swap(&slot(), Some(&version), &same), Ok(Swap::Conflict)));
}

#[test]
fn what_a_killed_run_left_is_deleted_a_day_later() {
    let place = ByPath::new();
    let day = Duration::from_secs(24 * 60 * 60);
    let make = |name: &str, age: Duration| {
        let path = place.temporary().join(name);
        fs::create_dir_all(path.join("objects/pack")).unwrap();
        fs::write(path.join("objects/pack/x"), "sealed").unwrap();
        fs::File::open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        path
    };
    let stale = make("authbaton-git-stale", day * 2);
    let young = make("authbaton-git-young", day / 2);
    let foreign = make("somebody-elses", day * 2);
    let link = place.temporary().join("authbaton-git-link");
    std::os::unix::fs::symlink(&foreign, &link).unwrap();
    // As old as what it is not.
    let old = Timespec { tv_sec: 1_000_000_000, tv_nsec: 0 };
    let times = Timestamps { last_access: old, last_modification: old };
    utimensat(CWD, &link, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    // Whoever only looks changes nothing.
    let store = place.open();
    store.load(&slot()).unwrap();
    assert!(stale.exists());
    assert!(matches!(store.swap(&slot(), None, &content("new")), Ok(Swap::Done(_))));
    assert_eq!(
        [&stale, &young, &foreign, &link].map(|path| path.symlink_metadata().is_ok()),
        [false, true, true, true]
    );
    assert!(foreign.join("objects/pack/x").exists());
}

#[test]
fn whoever_has_no_token_or_a_wrong_one_is_denied_and_nobody_is_asked() {
    let place = ByHttp::new();
    put(&*place.open(), &slot(), None, "one");
    is_denied(&*open_with(&place, &[("GITHUB_TOKEN", "wrong")]));
    is_denied(&*open_with(&place, &[("GITHUB_TOKEN", "")]));
    is_denied(&*open_with(&place, &[("GITHUB_SERVER_URL", "")]));
    assert!(
        get(&*open_with(&place, &[("GITHUB_TOKEN", ""), ("AUTHBATON_GIT_TOKEN", TOKEN)]), &slot()).is_some()
    );
    place.host.rules().demand(&basic("gitlab-ci-token", TOKEN));
    is_denied(&*place.open());
    let port = place.host.port().to_string();
    let gitlab = [
        ("GITHUB_TOKEN", ""),
        ("CI_JOB_TOKEN", TOKEN),
        ("CI_SERVER_HOST", "127.0.0.1"),
        ("CI_SERVER_PORT", port.as_str()),
    ];
    assert!(get(&*open_with(&place, &gitlab), &slot()).is_some());
}

#[test]
fn credential_helpers_of_the_user_are_asked_and_hooks_of_his_are_not_run() {
    let place = ByHttp::new();
    let home = place.variables().into_iter().find(|(name, _)| *name == "HOME").unwrap().1;
    let home = Path::new(&home);
    let hooks = home.join("hooks");
    for hook in ["pre-push", "reference-transaction", "post-checkout"] {
        script(&hooks, hook, &format!("#!/bin/sh\ntouch {}/hook-ran\nexit 1\n", home.display()));
    }
    let helper = format!("!f() {{ echo username=x-access-token; echo password={TOKEN}; }}; f");
    let path = home.join(".gitconfig");
    let settings = format!("[core]\n hooksPath = {}\n[commit]\n gpgSign = true\n", hooks.display());
    fs::write(&path, settings).unwrap();
    git(home, &["config", "--file", path.to_str().unwrap(), "credential.helper", &helper]);
    let store = open_with(&place, &[("GITHUB_TOKEN", "")]);
    let version = put(&*store, &slot(), None, "one");
    put(&*store, &slot(), Some(&version), "two");
    assert!(!home.join("hook-ran").exists());
}

#[test]
fn a_repository_that_is_not_there_is_no_empty_slot() {
    let place = ByPath::new();
    fs::remove_dir_all(place.repository()).unwrap();
    is_denied(&*place.open());
    let place = ByHttp::new();
    fs::remove_dir_all(place.host.repository()).unwrap();
    is_denied(&*place.open());
}

#[test]
fn a_host_that_is_away_is_no_empty_slot() {
    let place = ByHttp::new();
    put(&*place.open(), &slot(), None, "one");
    place.host.rules().away.store(true, Ordering::SeqCst);
    is_unreachable(&*place.open());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let environment = fixed(&[("PATH", &programs())]);
    is_unreachable(&*open(&format!("git:http://{closed}/store.git"), &environment));
}

#[test]
fn a_host_that_never_answers_is_given_up() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = ByPath::new();
    let address = format!("git:http://{}/store.git", silent.local_addr().unwrap());
    let environment = fixed(&[("PATH", &programs()), ("TMPDIR", place.temporary().to_str().unwrap())]);
    let start = Instant::now();
    assert!(matches!(open(&address, &environment).load(&slot()), Err(StoreError::Unreachable(_))));
    let took = start.elapsed();
    assert!((Duration::from_secs(15)..Duration::from_secs(25)).contains(&took), "{took:?}");
    assert_eq!(left_behind(&place.temporary()), 0);
}

/// The relay reads back whose record is there.
#[test]
fn a_push_whose_answer_is_lost_is_no_success_and_no_conflict() {
    let place = ByHttp::new();
    let store = place.open();
    let version = put(&*store, &slot(), None, "one");
    place.host.rules().loses_answers.store(true, Ordering::SeqCst);
    let swapped = store.swap(&slot(), Some(&version), &content("two"));
    assert!(matches!(swapped, Err(StoreError::Unreachable(_))), "{swapped:?}");
    assert_eq!(get(&*store, &slot()).unwrap().0, "two");
}

#[test]
fn a_redirect_is_not_followed() {
    let (place, other) = (ByHttp::new(), GitHost::start());
    let elsewhere = format!("http://127.0.0.1:{}", other.port());
    place.host.rules().move_to(&elsewhere);
    is_unreachable(&*place.open());
    assert_eq!(other.rules().requests.load(Ordering::SeqCst), 0);
}

#[test]
fn a_rewritten_address_reaches_no_other_transport_and_takes_no_token_along() {
    let (place, other) = (ByHttp::new(), GitHost::start());
    let home = place.variables().into_iter().find(|(name, _)| *name == "HOME").unwrap().1;
    let (home, own) = (Path::new(&home), format!("http://127.0.0.1:{}/", place.host.port()));
    let rewrite = |to: &str| {
        let settings = format!("[url \"{to}\"]\n insteadOf = {own}\n[protocol \"ext\"]\n allow = always\n");
        fs::write(home.join(".gitconfig"), settings).unwrap();
    };
    rewrite(&format!("ext::sh -c touch% {}/ext-ran% ", home.display()));
    assert!(place.open().load(&slot()).is_err());
    assert!(!home.join("ext-ran").exists());
    rewrite(&format!("http://127.0.0.1:{}/", other.port()));
    put(&*place.open(), &slot(), None, "one");
    assert!(other.rules().seen().iter().all(Option::is_none), "the token went to another host");
}

/// A git in front of git, which writes down how it was called.
#[test]
fn git_sees_no_secret_but_the_token_and_that_in_one_variable() {
    let place = ByHttp::new();
    let directory = tempfile::tempdir().unwrap();
    let (calls, bin) = (directory.path().join("calls"), directory.path().join("bin"));
    let text = format!(
        "#!/bin/sh\nPATH='{path}'\n{{ printf 'ARG %s\\n' \"$@\"; env | sed 's/^/ENV /'; }} >>'{calls}'\nexec git \"$@\"\n",
        path = programs(),
        calls = calls.display(),
    );
    script(&bin, "git", &text);
    let ambient = [
        ("PATH", bin.to_str().unwrap()),
        ("AUTHBATON_SEAL_KEY", "seal-key-canary"),
        ("INPUT_AUTH-JSON", "input-canary"),
        ("CODEX_AUTH_JSON", "seed-canary"),
        ("CI_JOB_TOKEN", "job-token-canary"),
        ("GIT_DIR", "/nowhere-canary"),
        ("GIT_WORK_TREE", "/nowhere-canary"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.canary"),
        ("GIT_CONFIG_VALUE_0", "config-canary"),
        ("GIT_CONFIG_PARAMETERS", "'core.canary=config-canary'"),
        ("GIT_CONFIG_GLOBAL", "/nowhere-canary"),
        ("GIT_TRACE", "/nowhere-canary"),
        ("GIT_ASKPASS", "/nowhere-canary"),
        ("GIT_SSL_NO_VERIFY", "1-canary"),
        ("GIT_EXEC_PATH", "/nowhere-canary"),
        ("LD_PRELOAD", "/nowhere-canary"),
    ];
    let store = open_with(&place, &ambient);
    let version = put(&*store, &slot(), None, "one");
    put(&*store, &slot(), Some(&version), "two");
    assert_eq!(get(&*open_with(&place, &ambient), &slot()).unwrap().0, "two");

    let calls = fs::read_to_string(calls).unwrap();
    assert!(calls.lines().filter(|line| *line == "ARG push").count() == 2, "{calls}");
    let header = basic("x-access-token", TOKEN);
    let secret = header.strip_prefix("Basic ").unwrap();
    for line in calls.lines() {
        assert!(!line.contains("canary"), "{line}");
        assert!(!line.contains(TOKEN), "{line}");
        let may = line.starts_with("ENV GIT_CONFIG_VALUE_1=Authorization: Basic ");
        assert!(may || !line.contains(secret), "{line}");
    }
    assert!(calls.contains(secret));
    // Every request had it, so git never had to ask.
    assert!(place.host.rules().seen().iter().all(|seen| seen.as_deref() == Some(header.as_str())));
}

#[test]
fn git_must_be_there_and_not_too_old() {
    let place = ByPath::new();
    let bin = place.temporary().join("bin");
    let path = bin.to_str().unwrap().to_owned();
    fs::create_dir(&bin).unwrap();
    is_not_here(&*open_with(&place, &[("PATH", &path)]), "was not found");
    let pretend = |version: &str| {
        let text = format!(
            "#!/bin/sh\nPATH='{}'\ncase \" $* \" in *' version '*) echo 'git version {version}';; *) exec git \"$@\";; esac\n",
            programs()
        );
        script(&bin, "git", &text);
    };
    pretend("2.29.9");
    is_not_here(&*open_with(&place, &[("PATH", &path)]), "2.30 or later");
    pretend("2.30.2");
    put(&*open_with(&place, &[("PATH", &path)]), &slot(), None, "one");
    // It could not be handed a token but in an argument or a file.
    is_not_here(&*open_with(&ByHttp::new(), &[("PATH", &path)]), "2.31 or later");
}

/// An ssh that runs its command here.
#[test]
fn ssh_is_called_as_the_user_calls_it_and_asks_nothing() {
    let place = ByPath::new();
    put(&*place.open(), &slot(), None, "one");
    let directory = place.temporary();
    let calls = directory.join("calls");
    let text = format!(
        "#!/bin/sh\necho \"$@\" >>'{}'\nwhile [ \"$1\" != git@host.example ]; do shift; done\nshift\nexec sh -c \"$*\"\n",
        calls.display()
    );
    let ssh = script(&directory.join("bin"), "ssh", &text);
    let remote = format!("git:git@host.example:{}", place.repository().display());
    let variables = place.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let open_ssh = |more: (&str, &str)| {
        open(&remote, &fixed(&variables.iter().copied().chain([more]).collect::<Vec<_>>()))
    };
    let path = format!("{}:{}", directory.join("bin").display(), programs());
    let command = format!("{} -i /key", ssh.display());
    let configured = format!("[core]\n sshCommand = {} -i /configured\n", ssh.display());
    let mut version = get(&*open_ssh(("PATH", &path)), &slot()).unwrap().1;
    version = put(&*open_ssh(("GIT_SSH_COMMAND", &command)), &slot(), Some(&version), "two");
    fs::write(directory.join(".gitconfig"), configured).unwrap();
    put(&*open_ssh(("LOGNAME", "x")), &slot(), Some(&version), "three");
    let calls = fs::read_to_string(calls).unwrap();
    for part in ["-i /key -o BatchMode=yes", "-i /configured -o BatchMode=yes"] {
        assert!(calls.contains(part), "{calls}");
    }
    assert!(calls.lines().all(|line| line.contains("-o BatchMode=yes")), "{calls}");
}

/// Not a promise but a measurement: `cargo test … -- --ignored --nocapture how_long`.
#[test]
#[ignore = "prints times"]
fn how_long_loads_and_swaps_take() {
    let places: [(&str, Box<dyn Place>); 2] =
        [("path", Box::new(ByPath::new())), ("http", Box::new(ByHttp::new()))];
    for (name, place) in places {
        let store = place.open();
        let (mut swaps, mut loads, mut polls) = (Vec::new(), Vec::new(), Vec::new());
        let mut version = put(&*store, &slot(), None, "0");
        let large = "x".repeat(20_000);
        for round in 0..40 {
            let timed = |times: &mut Vec<Duration>, work: &mut dyn FnMut()| {
                let start = Instant::now();
                work();
                times.push(start.elapsed());
            };
            timed(&mut swaps, &mut || {
                version = put(&*store, &slot(), Some(&version), &format!("{round} {large}"));
            });
            timed(&mut loads, &mut || drop(get(&*place.open(), &slot())));
            timed(&mut polls, &mut || drop(get(&*store, &slot())));
        }
        for (what, mut times) in [("swap", swaps), ("load", loads), ("unchanged", polls)] {
            times.sort();
            println!("{name} {what}: median {:?}, longest {:?}", times[20], times[39]);
        }
    }
}
