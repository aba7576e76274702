//! The points of a rehearsal, in the order in which they are played. Each proves itself by looking.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;

use super::Proof;
use super::stage::{Done, Stage};
use crate::rehearsal::{Behaviour, IssueOptions};

type Point = fn(&Stage) -> Proof;

/// A token that ends within Codex's five minutes is due at once; one of a minute still works.
const DUE_SOON: TimeDelta = TimeDelta::minutes(1);
const LONG: TimeDelta = TimeDelta::days(10);
const TOGETHER: [&str; 3] = ["job-3", "job-4", "job-5"];

pub(super) const POINTS: [(&str, Point); 10] = [
    ("a seed goes in", seed_goes_in),
    ("job 1 restores, refreshes once and stores", job_1_refreshes),
    ("job 2, on a fresh home, works with what job 1 stored", job_2_adopts),
    ("no home has a refresh token", no_refresh_token_in_homes),
    ("three processes at once make one exchange", three_at_once),
    ("a tampered baton is refused", tampered_is_refused),
    ("a wrong key is refused", wrong_key_is_refused),
    ("the old seed is ignored", old_seed_is_ignored),
    ("a new seed is taken", new_seed_is_taken),
    ("a forbidden login is logged out, the store intact", forbidden_is_logged_out),
];

fn seed_goes_in(stage: &Stage) -> Proof {
    let options = IssueOptions { lifetime: Some(TimeDelta::minutes(-5)), ..IssueOptions::default() };
    let seed = stage.seed("first.json", &options)?;
    expect(&stage.play("job-1", &["restore", "--seed-file", text(&seed)?])?, "ok")?;
    let generation = stage.baton()?.state().generation;
    check(generation == 1 && stage.authority.posts() == 0, format!("generation {generation}, no exchange"))
}

fn job_1_refreshes(stage: &Stage) -> Proof {
    let before = stage.access_token("job-1")?;
    stage.authority.set_access_lifetime(Some(DUE_SOON));
    let done = stage.play("job-1", &["refresh"])?;
    expect(&done, "ok")?;
    let exchanges = stage.authority.exchanges();
    let baton = stage.baton()?;
    let stored = baton.login().map(|login| login.access_token().expose().to_owned());
    let placed = stage.access_token("job-1")?;
    check(
        exchanges == 1 && done.refreshed() && placed != before && placed == stored,
        format!("{exchanges} exchange, generation {}", baton.state().generation),
    )
}

fn job_2_adopts(stage: &Stage) -> Proof {
    expect(&stage.play("job-2", &["restore"])?, "ok")?;
    let exchanges = stage.authority.exchanges();
    let (one, two) = (stage.access_token("job-1")?, stage.access_token("job-2")?);
    check(exchanges == 1 && two.is_some() && one == two, "the same access token, no exchange".to_owned())
}

fn three_at_once(stage: &Stage) -> Proof {
    stage.authority.set_access_lifetime(Some(LONG));
    // Slow enough for the others to find the lease taken.
    stage.authority.script(Behaviour::Honest.delayed(Duration::from_millis(300)));
    for job in TOGETHER {
        expect(&stage.play(job, &["restore"])?, "ok")?;
    }
    let done = stage.play_together(&TOGETHER, &["refresh"])?;
    done.iter().try_for_each(|done| expect(done, "ok"))?;
    let renewed = done.iter().filter(|done| done.refreshed()).count();
    let tokens: Vec<Option<String>> =
        TOGETHER.iter().map(|job| stage.access_token(job)).collect::<Result<_, _>>()?;
    let alike = tokens.windows(2).all(|pair| matches!(pair, [Some(one), Some(other)] if one == other));
    let exchanges = stage.authority.exchanges() - 1;
    check(
        exchanges == 1 && renewed == 1 && alike,
        format!("{exchanges} exchange, 3 homes with its access token"),
    )
}

fn no_refresh_token_in_homes(stage: &Stage) -> Proof {
    let tokens: Vec<String> =
        stage.authority.secrets().into_iter().filter(|secret| secret.starts_with("rt_")).collect();
    let mut files = 0;
    let mut directories = vec![stage.path("homes")];
    while let Some(directory) = directories.pop() {
        let entries = std::fs::read_dir(&directory).map_err(|error| error.to_string())?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            files += 1;
            let content =
                match crate::disk::read_capped(&path, 1024 * 1024).map_err(|error| error.to_string())? {
                    crate::disk::Read::Content(content) => content,
                    crate::disk::Read::Missing => continue,
                };
            let has = |token: &String| content.windows(token.len()).any(|window| window == token.as_bytes());
            if tokens.iter().any(has) {
                return Err(format!("{} has one", path.display()));
            }
        }
    }
    check(
        tokens.len() >= 2 && files > 0,
        format!("{} refresh tokens were issued, none is in a home", tokens.len()),
    )
}

fn tampered_is_refused(stage: &Stage) -> Proof {
    let mut content = stage.sealed()?.as_slice().to_vec();
    // A character of the ciphertext, far from both ends.
    let place = content.len() - 200;
    let byte = content.get_mut(place).ok_or("the baton is too short")?;
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    let other = stage.other_store(&content)?;
    let done = stage.play_with("job-6", Some(&other), None, &["restore"])?;
    refused(stage, "job-6", &done, "baton-damaged")
}

fn wrong_key_is_refused(stage: &Stage) -> Proof {
    let key = stage.other_key()?;
    let done = stage.play_with("job-7", None, Some(&key), &["restore"])?;
    refused(stage, "job-7", &done, "baton-unknown-key")
}

fn refused(stage: &Stage, job: &str, done: &Done, id: &str) -> Proof {
    expect(done, id)?;
    let nothing = stage.access_token(job)?.is_none();
    check(nothing && done.exit == Some(8), format!("{id}, exit 8, nothing placed"))
}

fn old_seed_is_ignored(stage: &Stage) -> Proof {
    let before = stage.sealed()?;
    let seed = stage.path("seeds").join("first.json");
    expect(&stage.play("job-8", &["restore", "--seed-file", text(&seed)?])?, "ok")?;
    let adopted = stage.access_token("job-8")? == stage.access_token("job-3")?;
    let same = stage.sealed()?.as_slice() == before.as_slice();
    check(same && adopted, "the slot is unchanged, the job got what it holds".to_owned())
}

fn new_seed_is_taken(stage: &Stage) -> Proof {
    let before = stage.baton()?.state().generation;
    let options = IssueOptions { issued: Some(TimeDelta::minutes(1)), ..IssueOptions::default() };
    let seed = stage.seed("second.json", &options)?;
    expect(&stage.play("job-9", &["restore", "--seed-file", text(&seed)?])?, "ok")?;
    let after = stage.baton()?.state().generation;
    let changed = stage.access_token("job-9")? != stage.access_token("job-3")?;
    check(after == before + 1 && changed, format!("generation {after}"))
}

fn forbidden_is_logged_out(stage: &Stage) -> Proof {
    let before = stage.sealed()?;
    let done = stage.play("job-9", &["enforce", "--forced-login-method", "api"])?;
    expect(&done, "policy-logged-out")?;
    let gone = stage.access_token("job-9")?.is_none();
    let kept = stage.sealed()?.as_slice() == before.as_slice();
    check(gone && kept && done.exit == Some(4), "policy-logged-out, exit 4, the slot is unchanged".to_owned())
}

fn expect(done: &Done, id: &str) -> Result<(), String> {
    let outcome = done.outcome();
    if outcome == id { Ok(()) } else { Err(format!("a job ended with {outcome}, not {id}")) }
}

fn check(holds: bool, seen: String) -> Proof {
    if holds { Ok(seen) } else { Err(format!("did not hold: {seen}")) }
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "the temporary directory's name is not UTF-8".to_owned())
}
