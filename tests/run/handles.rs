//! A handle is refused at every door through which a login comes in: nothing is sealed, and nothing is sent.

use std::fs;

use crate::arena::{Arena, Runner, fresh};
use crate::job::{Job, bare, ran, run};

/// Makes a home file with a handle, as a job has it, and returns its text.
fn brokered(arena: &Arena) -> String {
    let job = Job::start(arena, &["--broker", "always"]);
    let text = fs::read_to_string(job.home().join("auth.json")).unwrap();
    job.client();
    job.end(arena);
    text
}

#[test]
fn a_handle_is_no_login() {
    let donor = Arena::new();
    donor.seed(&fresh());
    let text = brokered(&donor);
    let arena = Arena::new();
    let file = arena.sandbox.write("work/handle.json", text.as_bytes());
    let file = file.to_str().unwrap();
    let base64 = {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(&text)
    };
    let home = arena.first();
    let handed: [(&[&str], &str); 6] = [
        (&["login", "--with-auth-json"], &text),
        (&["login", "--with-auth-json"], &base64),
        (&["login", "--with-auth-json", "--store", "home:"], &text),
        (&["restore", "--seed-file", file], ""),
        (&["restore", "--seed-stdin"], &base64),
        (&["login", "--with-auth-json", "--from-file", file], ""),
    ];
    for (arguments, input) in handed {
        arena.run_with(&home, arguments, input).failed(3, "handle-given");
        assert!(!home.auth_json().exists(), "{arguments:?}");
    }
    arena.run_with(&home, &["rescue"], &text).failed(8, "baton-not-sealed");
    for options in [&["--seed-file", file][..], &["--seed-env", "SEED"]] {
        let mut command = run(&arena, options, &["/bin/true"]);
        command.env("SEED", &text);
        ran(&arena, command).refused(3, "handle-given");
    }
    is_untouched(&arena);
}

#[test]
fn a_handle_in_a_home_is_neither_saved_nor_exchanged() {
    let donor = Arena::new();
    donor.seed(&fresh());
    let text = brokered(&donor);
    let arena = Arena::new();
    arena.sandbox.place(text.as_bytes());
    let home: Runner = arena.first();
    arena.run(&home, &["save"]).failed(9, "home-brokered");
    for arguments in [&["refresh"][..], &["refresh", "--force"]] {
        let arguments = [arguments, &["--store", "home:"]].concat();
        arena.run(&home, &arguments).failed(3, "handle-given");
    }
    let mut command = bare(&arena, &["--store", "home:", "--", "/bin/true"]);
    command.env("CODEX_HOME", &home.home);
    ran(&arena, command).refused(3, "handle-given");
    assert!(fs::read_to_string(home.auth_json()).unwrap() == text, "the file was changed");
    is_untouched(&arena);
}

#[track_caller]
fn is_untouched(arena: &Arena) {
    assert_eq!(fs::read_dir(arena.sandbox.path("store")).unwrap().count(), 0, "something was sealed");
    assert_eq!(arena.authority.received().len(), 0, "something was sent");
}
