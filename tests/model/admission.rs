//! Steps 1 to 5: lock the home, recover journals, load, lease. As `relay/recover.rs` and `relay/lease.rs` go.

use authbaton::baton::{Permission, ResultVerdict};
use authbaton::relay::{Ending, Settled, Want};

use crate::actor::{Actor, At, Stage};
use crate::explorer::Explorer;
use crate::mutation::Mutation;
use crate::protocol::{Change, Look};
use crate::world::{Fault, Journal, NOBODY, World};
use crate::worlds::Verb;

impl Explorer {
    pub(crate) fn lock(&mut self, world: &World, who: usize) {
        let home = self.role(who).home;
        let is_locked = self.actors().any(|other| {
            let actor = &world.actors[other];
            other != who && self.role(other).home == home && actor.at != At::Lock && !actor.has_ended()
        });
        if is_locked {
            return;
        }
        let (at, stage) = match self.role(who).verb {
            Verb::Job | Verb::Force => (At::Recover, Stage::Admit),
            Verb::SeedJob | Verb::Save => (At::Recover, Stage::Verb),
            Verb::Reseed => (At::Seed, Stage::Verb),
            Verb::Purge => (At::Purge, Stage::Verb),
        };
        let home = self.role(who).seed.map(|(token, _)| token).filter(|_| self.role(who).verb == Verb::Save);
        self.add("locks", world.with(who, |actor| (actor.at, actor.stage, actor.home) = (at, stage, home)));
    }

    /// Step 2 begins: the journals that no living process has locked are locked, all at once.
    pub(crate) fn recover(&mut self, world: &World, who: usize) {
        if self.is_recovering_here(world, who) && !self.protocol.breaks(Mutation::NoRecoveryLock) {
            return;
        }
        let mut next = world.with(who, |actor| {
            actor.at = At::Settle;
            actor.under_way = 0;
        });
        for owner in self.leftovers(world, who) {
            if let Some(journal) = &mut next.journals[owner] {
                journal.locked_by = who as u8;
            }
        }
        self.settled_one("looks for journals", next, who);
    }

    fn is_recovering_here(&self, world: &World, who: usize) -> bool {
        self.actors().any(|other| {
            other != who
                && world.actors[other].at == At::Settle
                && self.role(other).machine == self.role(who).machine
        })
    }

    /// The owners of the journals of this machine that nobody has locked.
    fn leftovers(&self, world: &World, who: usize) -> Vec<usize> {
        let machine = self.role(who).machine;
        let is_free = |owner: &usize| world.journals[*owner].is_some_and(|found| found.locked_by == NOBODY);
        self.actors().filter(|owner| self.role(*owner).machine == machine).filter(is_free).collect()
    }

    /// The next journal that an actor has locked in step 2.
    fn locked(world: &World, who: usize) -> Option<(usize, Journal)> {
        let is_locked = |journal: &Journal| usize::from(journal.locked_by) == who;
        let mut all = world.journals.iter().enumerate();
        all.find_map(|(owner, journal)| {
            let journal = journal.filter(|journal| is_locked(journal) && owner != who)?;
            Some((owner, journal))
        })
    }

    /// One journal of step 2.
    pub(crate) fn settle(&mut self, world: &World, who: usize) {
        let Some((owner, journal)) = Self::locked(world, who) else { return };
        let kept = {
            let mut next = *world;
            next.journals[owner] = Some(Journal { locked_by: NOBODY, ..journal });
            next
        };
        let Some(reply) = journal.reply else {
            if self.protocol.is_leased_by(world.slot, owner as u8) {
                let next = kept.with(who, |actor| actor.under_way |= 1 << owner);
                self.settled_one("finds a blank journal under its lease", next, who);
            } else {
                self.settled_one("drops a blank journal", world.discard(owner), who);
            }
            return;
        };
        let verdict = self.protocol.judge(world.slot, owner as u8, reply);
        let (settled, change) = match verdict {
            ResultVerdict::Landed => (Settled::Landed, None),
            ResultVerdict::Keep => (Settled::MovedOn, None),
            ResultVerdict::Refuse => (Settled::Refused, Some(Change::Dead)),
            ResultVerdict::Store(_) => (Settled::Stored, Some(Change::Stored(owner as u8, reply))),
        };
        match change {
            None if settled.drops_journal() => {
                self.settled_one("drops a journal that has landed", world.discard(owner), who);
            }
            None => self.settled_one("keeps a journal", kept, who),
            Some(_) if !world.actors[who].fresh => {
                self.add("loads for a journal", world.with(who, |actor| actor.fresh = true));
            }
            // The journal is dropped in a step of its own: then it has landed.
            Some(change) => {
                let next = self.swap(if settled.drops_journal() { world } else { &kept }, who, change);
                self.settled_one("writes what a journal says", next, who);
            }
        }
    }

    fn settled_one(&mut self, what: &'static str, world: World, who: usize) {
        if Self::locked(&world, who).is_some() {
            self.add(what, world);
            return;
        }
        let actor = world.actors[who];
        let at = match (actor.stage, self.role(who).verb) {
            (Stage::Verb, Verb::Save) => At::SaveLook,
            (Stage::Verb, _) => At::Seed,
            (Stage::Admit, _) => At::Load,
            (Stage::Again, _) => At::LookAgain,
        };
        let under_way = if at == At::Load { actor.under_way } else { 0 };
        self.add(
            what,
            world.with(who, |actor| {
                (actor.at, actor.under_way, actor.fresh) = (at, under_way, false);
            }),
        );
    }

    pub(crate) fn load(&mut self, world: &World, who: usize) {
        let actor = world.actors[who];
        let facts = self.protocol.facts(world.slot);
        // The lease of a running owner runs out only when that was paused; a request arrives before the lease that was
        // taken for it runs out.
        let is_over = facts.owner.map(usize::from).is_some_and(|owner| {
            let owner_ended = world.actors[owner].has_ended() && world.flights[owner].is_none();
            world.actors[owner].late || owner_ended
        });
        let look = Look {
            due: actor.force || actor.must || world.slot.access < self.setup.rotations,
            force: actor.force,
            is_over,
            home: self.role(who).home,
            under_way: facts.owner.is_some_and(|owner| actor.under_way & 1 << owner != 0),
        };
        match self.protocol.permits(world.slot, look) {
            Permission::Empty => self.add("finds an empty slot", world.end(who, At::Exit3)),
            Permission::Dead(_) => self.add("finds a dead login", world.end(who, At::Exit5)),
            Permission::Suspect { .. } => self.add("finds it suspect", world.end(who, At::Exit5)),
            Permission::Use => {
                self.check_success(world, who, "exit 0 with a dead login: adopted");
                self.add("adopts what is there", world.end(who, At::Ok));
            }
            // It looks again and again; that matters when a journal has come.
            Permission::Wait(_) if self.has_work(world, who) => {
                self.add(
                    "looks again",
                    world.with(who, |actor| (actor.at, actor.under_way) = (At::Recover, 0)),
                );
            }
            Permission::Wait(_) => {}
            Permission::Lease(_) => {
                let mut next = *world;
                next.journals[who] = Some(Journal { locked_by: who as u8, reply: None });
                let at = At::Lease;
                self.add(
                    "makes its journal",
                    next.with(who, |actor| {
                        (actor.at, actor.fresh, actor.under_way) = (at, true, 0);
                    }),
                );
            }
        }
    }

    /// Whether step 2 would change anything now.
    fn has_work(&self, world: &World, who: usize) -> bool {
        self.leftovers(world, who).into_iter().any(|owner| {
            match world.journals[owner].and_then(|journal| journal.reply) {
                None => !self.protocol.is_leased_by(world.slot, owner as u8),
                Some(reply) => self.protocol.judge(world.slot, owner as u8, reply) != ResultVerdict::Keep,
            }
        })
    }

    pub(crate) fn lease(&mut self, world: &World, who: usize) {
        if !world.actors[who].fresh {
            let next = world.discard(who).with(who, |actor| actor.at = At::Recover);
            self.add("does not get the lease", next);
            return;
        }
        let swapped = self.swap(world, who, Change::Leased(who as u8, self.role(who).home));
        let parent = self.holds(world);
        let leased = swapped.with(who, |actor| {
            (actor.parent, actor.late, actor.unclear) = (parent, false, 0);
        });
        let leased_and_on = if self.protocol.breaks(Mutation::NoSecondLook) {
            leased.with(who, |actor| actor.at = At::LookAgain)
        } else {
            second_look(leased, who)
        };
        self.add("leases", leased_and_on);
        if world.can(Fault::Store) {
            let next = leased.fault(Fault::Store).with(who, |actor| {
                (actor.at, actor.fresh) = (At::LeaseRead, true);
            });
            self.add("leases, REPLY LOST", next);
        }
    }

    /// A swap without an answer is read back; the writer's mark tells whose it is.
    pub(crate) fn lease_read(&mut self, world: &World, who: usize) {
        if world.actors[who].fresh {
            self.add("reads back its own lease", second_look(*world, who));
        } else {
            self.add("reads back somebody else's", world.discard(who).end(who, At::Exit8));
        }
    }

    /// After step 2 with the lease held: is it still ours? Then what the slot holds is current.
    pub(crate) fn look_again(&mut self, world: &World, who: usize) {
        if !self.owns(world, who) {
            self.end_holding("has lost the lease", world, who, Ending::Displaced, At::Exit8);
            return;
        }
        // Whoever exchanges an unproven token waits until every older request must have arrived. (Here: every request
        // of a process that is gone.)
        let has_to_wait = self.protocol.facts(world.slot).is_unproven
            && world.flights.iter().any(Option::is_some)
            && !self.protocol.breaks(Mutation::NoWaiting);
        if !has_to_wait {
            self.add(
                "has the lease",
                world.with(who, |actor| {
                    (actor.at, actor.fresh) = (At::PostCheck, true);
                }),
            );
        }
    }

    /// What follows from an ending, as at the end of `Relay::refresh`. `at` is how a run ends that ends now.
    pub(crate) fn end_holding(
        &mut self,
        what: &'static str,
        world: &World,
        who: usize,
        ending: Ending,
        at: At,
    ) {
        let actor = world.actors[who];
        let hands_back = ending.hands_back()
            || ending == Ending::NotStored && self.protocol.breaks(Mutation::HandedBackUnstored);
        let mut next = if hands_back { self.finish(world, who, Change::HandedBack) } else { *world };
        if !ending.keeps_journal() {
            next = next.discard(who);
        }
        let must = |want: Want| want.must && !self.protocol.breaks(Mutation::NoMust);
        next = match ending.next(Want { force: actor.force, must: actor.must }) {
            None => next.end(who, at),
            Some(want) => {
                let again = Actor {
                    force: want.force,
                    must: must(want),
                    told: actor.told,
                    ..Actor::new(At::Recover)
                };
                next.with(who, |actor| *actor = again)
            }
        };
        self.add(what, next);
    }
}

fn second_look(world: World, who: usize) -> World {
    world.with(who, |actor| {
        (actor.at, actor.stage, actor.fresh) = (At::Recover, Stage::Again, false);
    })
}
