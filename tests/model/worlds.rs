//! The worlds: who acts on which machine, and what may go wrong how often.

use crate::world::{FAULTS, Fault, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `refresh`.
    Job,
    /// `refresh --force`.
    Force,
    /// `restore` with a seed, then `refresh`.
    SeedJob,
    /// `login`, or a seed alone.
    Reseed,
    /// `save`.
    Save,
    /// `logout --purge`.
    Purge,
}

/// An actor: what it does, on which machine, in which home, with which login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    pub(crate) verb: Verb,
    pub(crate) machine: u8,
    pub(crate) home: u8,
    pub(crate) seed: Option<(Token, i64)>,
}

const fn role(verb: Verb, machine: u8, home: u8) -> Role {
    Role { verb, machine, home, seed: None }
}

const fn seeding(verb: Verb, machine: u8, home: u8, login: u8, issued_at: i64) -> Role {
    Role { verb, machine, home, seed: Some((Token::new(login, 0), issued_at)) }
}

/// A world at its start.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) roles: Vec<Role>,
    pub(crate) faults: [u8; FAULTS],
    /// The access token that is fresh enough: so many exchanges are due.
    pub(crate) rotations: u8,
    pub(crate) is_empty: bool,
    pub(crate) is_dead: bool,
    /// Something else than faults makes exchanges and ends differ from run to run.
    pub(crate) is_eventful: bool,
    /// Only with `AUTHBATON_TEST_SIZE=full`.
    pub(crate) is_large: bool,
}

impl Setup {
    fn new(name: &'static str, roles: &[Role], faults: &[(Fault, u8)]) -> Self {
        let mut counts = [0; FAULTS];
        for (fault, count) in faults {
            counts[*fault as usize] = *count;
        }
        Self {
            name,
            roles: roles.to_vec(),
            faults: counts,
            rotations: 1,
            is_empty: false,
            is_dead: false,
            is_eventful: !faults.is_empty(),
            is_large: false,
        }
    }

    fn twice(self) -> Self {
        Self { rotations: 2, ..self }
    }

    fn empty(self) -> Self {
        Self { is_empty: true, ..self }
    }

    fn dead(self) -> Self {
        Self { is_dead: true, ..self }
    }

    fn eventful(self) -> Self {
        Self { is_eventful: true, ..self }
    }

    fn large(self) -> Self {
        Self { is_large: true, ..self }
    }
}

/// Every world.
pub(crate) fn worlds() -> Vec<Setup> {
    use Fault::{Client, Crash, Deny, Lose, OtherAccount, Pause, Reply, SameToken, Store};
    use Verb::{Force, Job, Purge, Reseed, Save, SeedJob};
    // Two homes on machine 1, one on machine 2, one on machine 3; a second job in the first home.
    let (a, b, c, d) = (role(Job, 1, 1), role(Job, 1, 2), role(Job, 2, 3), role(Job, 3, 4));
    let a2 = role(Job, 1, 1);
    let (seed, seed_here) = (seeding(SeedJob, 2, 3, 0, 1), seeding(SeedJob, 1, 1, 0, 1));
    let (reseed, reseed2) = (seeding(Reseed, 3, 5, 1, 5), seeding(Reseed, 3, 6, 2, 6));
    let (save, purge, force) = (seeding(Save, 3, 7, 1, 5), role(Purge, 3, 8), role(Force, 1, 1));
    let new = Setup::new;
    vec![
        new("no faults, 4 jobs", &[a, b, c, d], &[]),
        new("no faults, one home", &[a, a2, c], &[]),
        new("no faults, two rotations", &[a, b, c], &[]).twice().eventful(),
        new("first seed, empty slot", &[seed, seed_here, a], &[(Store, 1)]).empty(),
        new("crash", &[a, b, c], &[(Crash, 1)]),
        new("crash, one home", &[a, a2, c], &[(Crash, 1)]),
        new("crash, one home and a neighbour", &[a, a2, b], &[(Crash, 1)]),
        new("two crashes", &[a, b, c], &[(Crash, 2)]),
        new("pause", &[a, b, c], &[(Pause, 1)]),
        new("crash and pause", &[a, b, c], &[(Crash, 1), (Pause, 1)]),
        new("two lost replies", &[a, b, c], &[(Reply, 2)]),
        new("lost reply and store fault", &[a, b, c], &[(Reply, 1), (Store, 1)]),
        new("machine lost and pause", &[a, b, c], &[(Lose, 1), (Pause, 1)]),
        new("other account and crash", &[a, b, c], &[(OtherAccount, 1), (Crash, 1)]),
        new("other account and reseed", &[a, b, reseed], &[(OtherAccount, 1)]).twice(),
        new("other account, then forced", &[a, force], &[(OtherAccount, 1)]),
        new("no refresh token and crash", &[a, b, c], &[(SameToken, 1), (Crash, 1)]),
        new("same twice and crash", &[a, b], &[(SameToken, 2), (Crash, 1)]).twice(),
        new("three other 401", &[a, b, c], &[(Deny, 3)]),
        new("other 401, lost replies", &[a, b, c], &[(Deny, 2), (Reply, 2)]),
        new("force a dead slot", &[force, b, c], &[(Crash, 1), (Reply, 1)]).dead(),
        new("reseed, crash and pause", &[a, c, reseed], &[(Crash, 1), (Pause, 1)]),
        new("reseed, store and reply", &[a, b, reseed], &[(Store, 1), (Reply, 1)]),
        new("two reseeds and an old seed", &[seed, reseed, reseed2, a], &[]).eventful(),
        new("purge and an old seed", &[a, seed, purge], &[(Crash, 1)]),
        new("save while the client runs", &[a, c, save], &[(Client, 1)]),
        new("two rotations, crash, store", &[a, b, c], &[(Crash, 1), (Store, 1)]).twice(),
        new("two rotations, crash, pause", &[a, b, c], &[(Crash, 1), (Pause, 1)]).twice(),
        new("crash, pause and store", &[a, b, c], &[(Crash, 1), (Pause, 1), (Store, 1)]),
        new("two crashes and pause", &[a, b, c], &[(Crash, 2), (Pause, 1)]),
        new("save, due login, crash", &[a, c, save], &[(Client, 1), (Crash, 1)]).twice(),
        new("reseed, two rotations, pause", &[a, c, reseed], &[(Pause, 1), (Crash, 1), (Reply, 1)]).twice(),
        new("crash and pause, 4 jobs", &[a, b, c, d], &[(Crash, 1), (Pause, 1)]),
        new("crash, pause, store, reply", &[a, b, c], &[(Crash, 1), (Pause, 1), (Store, 1), (Reply, 1)])
            .large(),
        new("two rotations, two crashes", &[a, b, c], &[(Crash, 2), (Pause, 1), (Store, 1)]).twice().large(),
        new("reseed, 4 actors", &[a, b, c, reseed], &[(Crash, 1), (Pause, 1)]).twice().large(),
        new(
            "every answer",
            &[a, b, c],
            &[(Reply, 1), (OtherAccount, 1), (SameToken, 1), (Deny, 2), (Crash, 1)],
        )
        .twice()
        .large(),
        new("crash, pause, lose, 4 jobs", &[a, a2, c, d], &[(Crash, 1), (Pause, 1), (Lose, 1)]).large(),
    ]
}
