//! One of two machines has a clock that is ten minutes off: there is one exchange, and then it is quiet.

use std::process::Command;

use chrono::TimeDelta;

use crate::arena::{Arena, Runner, issued};
use crate::process::{Process, run, slow};

/// How early a token is renewed here, in minutes.
const MARGIN: i64 = 60;
const OFF: [i64; 2] = [-600, 600];

fn command(arena: &Arena, runner: &Runner, off: i64) -> Command {
    let mut command = slow(arena, runner, &["refresh", "--refresh-before-expiry", "60m"]);
    command.env("AUTHBATON_CLOCK_OFFSET", off.to_string());
    command
}

/// An arena whose login has so many minutes left, with two machines that have its access-only file.
fn arena(left: i64) -> (Arena, [Runner; 2]) {
    let arena = Arena::new();
    arena.seed(&issued(TimeDelta::hours(-10), TimeDelta::minutes(left)));
    let machines = [arena.first(), arena.runner(2, 2)];
    run(&arena, slow(&arena, &machines[1], &["restore"]), "").fine();
    (arena, machines)
}

#[test]
fn one_after_the_other() {
    for off in OFF {
        // Around the margin, and around the end itself.
        for left in [MARGIN - 5, MARGIN + 5, 5, -5] {
            for begins in 0..2 {
                let (arena, machines) = arena(left);
                let is_due = |off: i64| left * 60 - off < MARGIN * 60;
                let mut exchanges = 0;
                for turn in begins..begins + 6 {
                    // The second machine's clock is off.
                    let off = if turn % 2 == 1 { off } else { 0 };
                    let renews = exchanges == 0 && is_due(off);
                    exchanges += usize::from(renews);
                    let runner = &machines[turn % 2];
                    let ran = run(&arena, command(&arena, runner, off), "");
                    let case = format!("{left} min left, off by {off} s, turn {turn}: {}", ran.stderr);
                    assert_eq!((ran.code, &ran.json["refreshed"]), (Some(0), &renews.into()), "{case}");
                    assert_eq!(arena.authority.posts(), exchanges, "{case}");
                    assert_eq!(runner.access_token(), arena.held_access_token(), "{case}");
                }
                assert_eq!((arena.authority.exchanges(), arena.phase().as_str()), (exchanges, "idle"));
                arena.holds_a_living_token();
                arena.nothing_lies_around();
            }
        }
    }
}

#[test]
fn both_at_once() {
    for off in OFF {
        let (arena, machines) = arena(-5);
        let started: Vec<Process> = [(0, 0), (1, off)]
            .map(|(machine, off)| Process::start(command(&arena, &machines[machine], off), ""))
            .into();
        let ran: Vec<_> = started.into_iter().map(|started| started.end(&arena).ran).collect();
        assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
        let refreshed = ran.iter().filter(|ran| ran.fine().json["refreshed"] == true).count();
        assert_eq!(refreshed, 1);
        for machine in &machines {
            assert_eq!(machine.access_token(), arena.held_access_token());
        }
    }
}

/// With tokens that last an hour, ten minutes matter: still nobody renews what somebody has just renewed.
#[test]
fn short_tokens_do_not_flap() {
    for off in OFF {
        let (arena, machines) = arena(-5);
        arena.authority.set_access_lifetime(Some(TimeDelta::hours(1)));
        for turn in 0..6 {
            let mut command = slow(&arena, &machines[turn % 2], &["refresh"]);
            command.env("AUTHBATON_CLOCK_OFFSET", if turn % 2 == 1 { off } else { 0 }.to_string());
            run(&arena, command, "").refreshed(turn == 0);
        }
        assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
    }
}
