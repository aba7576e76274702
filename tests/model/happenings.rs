//! Whose turn it is, faults, and the passing of time.

use crate::actor::At;
use crate::explorer::Explorer;
use crate::invariants::Note;
use crate::world::{ACTORS, Fault, Slot, Why, World};
use crate::worlds::Verb;

impl Explorer {
    /// Adds what an actor may do next.
    pub(crate) fn step(&mut self, world: &World, who: usize) {
        self.who = Some(who);
        match world.actors[who].at {
            At::Lock => self.lock(world, who),
            At::Recover => self.recover(world, who),
            At::Settle => self.settle(world, who),
            At::Load => self.load(world, who),
            At::Lease => self.lease(world, who),
            At::LeaseRead => self.lease_read(world, who),
            At::LookAgain => self.look_again(world, who),
            At::PostCheck => self.post_check(world, who),
            At::Post => self.post(world, who),
            At::Unclear => self.unclear(world, who),
            At::Gone => self.gone(world, who),
            At::WriteDead => self.write_dead(world, who),
            At::Denied => self.denied(world, who),
            At::Journal => self.journal(world, who),
            At::Refuse => self.refuse(world, who),
            At::Store => self.store(world, who),
            At::StoreRead => self.store_read(world, who),
            At::Drop | At::DropAndLook => self.drop_journal(world, who),
            At::Seed => self.seed(world, who),
            At::SeedRead => self.seed_read(world, who),
            At::Purge => self.purge(world, who),
            At::SaveLook => self.save_look(world, who),
            At::SaveSeed => self.save_seed(world, who),
            At::Strip => self.strip(world, who),
            At::Ok | At::Told | At::Exit3 | At::Exit5 | At::Exit6 | At::Exit8 | At::Exit10 | At::Crashed => {}
        }
    }

    /// Adds what time brings.
    pub(crate) fn time_passes(&mut self, world: &World) {
        self.who = None;
        for owner in 0..ACTORS {
            let Some(flight) = world.flights[owner] else { continue };
            let token = flight.token;
            let (taken, mut next) = world.spend(token);
            next.flights[owner] = None;
            let facts = self.protocol.facts(world.slot);
            // The cause of a second use was judged when it was sent. It kills what somebody relies on only if the slot holds
            // that login, and not unproven.
            let relied_on =
                facts.holds.is_some_and(|holds| holds.login() == token.login() && !facts.is_unproven);
            let is_safe = flight.second && !relied_on;
            if !taken && world.lives(token) && facts.holds != Some(token) && !is_safe {
                let text = "a request that was under way kills the login after somebody else succeeded";
                let is_gap = world.has(Why::Gap, token) || world.has(Why::Client, token);
                self.notes.push(if is_gap { Note::gap(text) } else { Note::flaw(text) });
            }
            self.add_with("A REQUEST ARRIVES", token, next);
        }
        if world.slot.cool {
            self.add("TEN MINUTES PASS", World { slot: Slot { cool: false, ..world.slot }, ..*world });
        }
    }

    /// Adds what may go wrong.
    pub(crate) fn faults(&mut self, world: &World) {
        for who in self.actors() {
            let actor = world.actors[who];
            self.who = Some(who);
            if actor.has_ended() {
                continue;
            }
            let because = |next: World, why: Why| match actor.parent {
                Some(parent) => next.because(why, parent),
                None => next,
            };
            if world.can(Fault::Crash) && actor.at != At::Lock {
                let next = world.fault(Fault::Crash).end(who, At::Crashed);
                let next = if actor.at == At::Journal { because(next, Why::Window) } else { next };
                self.add("CRASHES", next);
            }
            if world.can(Fault::Pause) && self.owns(world, who) && !actor.late {
                let next = world.fault(Fault::Pause).with(who, |actor| actor.late = true);
                let has_reply = matches!(actor.at, At::Journal | At::Store | At::StoreRead | At::Refuse);
                self.add("IS PAUSED", if has_reply { because(next, Why::Elsewhere) } else { next });
            }
            if world.can(Fault::Client) && self.role(who).verb == Verb::Save {
                self.client_refreshes(world, who);
            }
        }
        if world.can(Fault::Lose) {
            self.who = None;
            let mut machines: Vec<u8> = self.setup.roles.iter().map(|role| role.machine).collect();
            machines.sort_unstable();
            machines.dedup();
            for machine in machines {
                self.lose(world, machine);
            }
        }
    }

    fn client_refreshes(&mut self, world: &World, who: usize) {
        let actor = world.actors[who];
        let is_saving = matches!(actor.at, At::SaveLook | At::SaveSeed | At::Strip);
        let Some(token) = actor.home.filter(|token| is_saving && token.number() == 0) else { return };
        let (taken, next) = world.fault(Fault::Client).because(Why::Client, token).spend(token);
        let next = if taken { next.with(who, |actor| actor.home = Some(token.next())) } else { next };
        self.add_with("THE CLIENT REFRESHES", token, next);
    }

    fn lose(&mut self, world: &World, machine: u8) {
        let mut next = world.fault(Fault::Lose);
        for who in self.actors().filter(|who| self.setup.roles[*who].machine == machine) {
            let actor = world.actors[who];
            if let Some(reply) = world.journals[who].and_then(|journal| journal.reply) {
                next = next.because(Why::Window, reply.parent);
            }
            if let (At::Journal, Some(parent)) = (actor.at, actor.parent) {
                next = next.because(Why::Window, parent);
            }
            next = next.discard(who);
            if !actor.has_ended() {
                next = next.end(who, At::Crashed);
            }
        }
        self.add("A MACHINE IS LOST", next);
    }
}
