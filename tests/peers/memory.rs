//! While Codex works with a renewed login, nobody in the job has a refresh token: not in memory, variables, arguments or
//! files. Those who have it, our own processes, cannot be looked into by the job's user.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::chown,
    path::Path,
    process::Command,
    thread,
    time::Instant,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;

use crate::{
    job::{CANARY, Job, LIMIT, TURN, contains},
    other_user::{USER, can_start, lowered},
    support::process,
};

#[test]
fn no_process_of_the_job_has_a_refresh_token() {
    let Some(job) = Job::with_left(TimeDelta::days(10)) else { return };
    let as_other = may_be_another_user(&job);
    job.scene.model.refuse_only(job.seeds_authorization());
    job.scene.model.hold();
    let script = format!("sleep 600 & {TURN}; kill $!; exit 0");
    let mut command = job.command(&["--broker", "always"], &script);
    if as_other {
        command = lowered(&command);
    }
    let running = process::start(&mut command, b"").unwrap();
    let end = Instant::now() + LIMIT;
    // Now Codex has a token that the broker has just renewed, and waits for the model.
    let renewed = loop {
        let turns = job.scene.model.turns();
        let other = turns.into_iter().filter_map(|turn| turn.authorization);
        if let Some(renewed) = other.into_iter().find(|it| *it != job.seeds_authorization()) {
            break renewed;
        }
        assert!(Instant::now() < end, "Codex did not get another token");
        thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(job.authority.exchanges(), 1);

    let processes = below(running.child.id());
    let (ours, theirs): (Vec<_>, Vec<_>) = processes.iter().partition(|it| it.name == "authbaton");
    let names: BTreeSet<&str> = theirs.iter().map(|it| it.name.as_str()).collect();
    assert!(names.is_superset(&BTreeSet::from(["codex", "sh", "sleep"])), "{names:?}");
    assert_eq!(ours.len(), 2, "run and its broker: {processes:?}");

    let access_token = renewed.strip_prefix("Bearer ").unwrap();
    let seal_key = BASE64_STANDARD.encode([7; 32]);
    let mut found_access_token = false;
    for process in &theirs {
        let memory = memory(process.id);
        for (what, secret) in [("a refresh token", CANARY), ("the seal key", seal_key.as_str())] {
            for (place, bytes) in [
                ("memory", &memory),
                ("environment", &read(process.id, "environ").unwrap()),
                ("arguments", &read(process.id, "cmdline").unwrap()),
            ] {
                assert!(!contains(bytes, secret.as_bytes()), "{what} is in the {place} of {process:?}");
            }
        }
        found_access_token |= process.name == "codex" && contains(&memory, access_token.as_bytes());
    }
    assert!(found_access_token, "the search finds nothing at all");

    for process in &ours {
        let arguments = read(process.id, "cmdline").unwrap();
        assert!(!contains(&arguments, CANARY.as_bytes()) && !contains(&arguments, seal_key.as_bytes()));
    }
    if as_other || !rustix::process::geteuid().is_root() {
        let codex = theirs.iter().find(|it| it.name == "codex").unwrap();
        for file in ["environ", "maps", "mem"] {
            // Yama may keep siblings out of any memory, so that Codex's is no counterpart.
            let is_open = file == "mem" || can_read(as_other, codex.id, file);
            assert!(is_open, "even {file} of Codex cannot be read");
            for process in &ours {
                assert!(!can_read(as_other, process.id, file), "{file} of {process:?} can be read");
            }
        }
    }
    assert!(job.no_file_has_it() > 3);

    job.scene.model.release();
    let done = job.done(running.finish(LIMIT).unwrap().exited(0));
    assert_eq!((done.codex_codes.as_slice(), done.exchanges), ([0].as_slice(), 1), "{:#?}", done.outcome);
    assert!(!done.outcome.stdout.contains(&seal_key) && !done.outcome.stderr.contains(&seal_key));
}

#[derive(Debug)]
struct Process {
    id: u32,
    name: String,
}

/// Returns a process and all its descendants. One that has lost its parent is not among them: there is none here.
fn below(root: u32) -> Vec<Process> {
    let all: Vec<(u32, u32, String)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let (head, tail) = stat.rsplit_once(") ")?;
            let parent = tail.split(' ').nth(1)?.parse().ok()?;
            Some((id, parent, head.split_once('(')?.1.to_owned()))
        })
        .collect();
    let mut family = BTreeSet::from([root]);
    loop {
        let children = all.iter().filter(|(_, parent, _)| family.contains(parent)).map(|(id, ..)| *id);
        let grown: BTreeSet<u32> = family.iter().copied().chain(children).collect();
        if grown.len() == family.len() {
            break;
        }
        family = grown;
    }
    all.into_iter().filter(|(id, ..)| family.contains(id)).map(|(id, _, name)| Process { id, name }).collect()
}

fn read(process: u32, file: &str) -> std::io::Result<Vec<u8>> {
    fs::read(format!("/proc/{process}/{file}"))
}

/// Returns what can be read of the memory of a process, without what is unchanged of files.
fn memory(process: u32) -> Vec<u8> {
    let maps = String::from_utf8(read(process, "maps").unwrap()).unwrap();
    let mut memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, permissions) = (fields.next().unwrap(), fields.next().unwrap());
        let is_file = fields.nth(3).is_some_and(|name| name.starts_with('/'));
        if !permissions.starts_with('r') || (is_file && !permissions.contains('w')) {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
        let length = number(end) - number(start);
        if memory.seek(SeekFrom::Start(number(start))).is_ok() {
            // What is not there, `[vvar]` for one, says so; what came before it counts.
            (&memory).take(length).read_to_end(&mut all).ok();
        }
    }
    assert!(all.len() > 4096, "no memory of {process} could be read");
    all
}

/// Whether the job's user can read the first byte (of memory: open it).
fn can_read(as_other: bool, process: u32, file: &str) -> bool {
    let path = format!("/proc/{process}/{file}");
    let read = if file == "mem" { ": <" } else { "head -c 1 <" };
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{read} {path}")]);
    if as_other {
        command = lowered(&command);
    }
    command.output().unwrap().status.success()
}

/// Gives the sandbox to another user, if we are root and that user can start what the job starts.
fn may_be_another_user(job: &Job) -> bool {
    if !rustix::process::geteuid().is_root() {
        // Then the job's user is ours, who is no root either.
        return false;
    }
    let mut open = vec![job.scene.sandbox.path("")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        chown(&path, Some(USER), Some(USER)).ok();
    }
    can_start(
        &[Path::new(env!("CARGO_BIN_EXE_authbaton")), job.scene.program()],
        &job.scene.sandbox.path("work"),
    )
}
