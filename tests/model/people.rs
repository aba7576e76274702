//! Verbs of people: seeds, `save`, `purge`. As `relay/seed.rs` and `commands/save.rs` go.

use authbaton::baton::SeedVerdict;

use crate::actor::{At, Stage};
use crate::explorer::Explorer;
use crate::protocol::Change;
use crate::world::{Fault, Why, World};
use crate::worlds::Verb;

impl Explorer {
    pub(crate) fn seed(&mut self, world: &World, who: usize) {
        let Some((token, issued_at)) = self.role(who).seed else { return };
        if self.protocol.judge_seed(world.slot, token, issued_at) != SeedVerdict::Replace {
            let next = self.after_seed(*world, who);
            self.add_with("does not need the seed", token, next);
        } else if !world.actors[who].fresh {
            self.add("loads for the seed", world.with(who, |actor| actor.fresh = true));
        } else {
            let swapped = self.swap(world, who, Change::Seeded(token, issued_at));
            let next = self.after_seed(swapped, who);
            self.add_with("SEEDS", token, next);
            if world.can(Fault::Store) {
                let lost = swapped.fault(Fault::Store).with(who, |actor| {
                    (actor.at, actor.fresh) = (At::SeedRead, true);
                });
                self.add_with("SEEDS, REPLY LOST", token, lost);
            }
        }
    }

    pub(crate) fn seed_read(&mut self, world: &World, who: usize) {
        if world.actors[who].fresh {
            let next = self.after_seed(*world, who);
            self.add("reads back its own seed", next);
        } else {
            self.add("reads back somebody else's", world.end(who, At::Exit8));
        }
    }

    fn after_seed(&self, world: World, who: usize) -> World {
        match self.role(who).verb {
            Verb::SeedJob => world.with(who, |actor| {
                (actor.at, actor.stage, actor.fresh) = (At::Recover, Stage::Admit, false);
            }),
            _ => world.end(who, At::Told),
        }
    }

    pub(crate) fn purge(&mut self, world: &World, who: usize) {
        match self.holds(world) {
            None => self.add("finds nothing to purge", world.end(who, At::Told)),
            Some(_) if !world.actors[who].fresh => {
                self.add("loads to purge", world.with(who, |actor| actor.fresh = true));
            }
            Some(holds) => {
                let purged = world.because(Why::Purged, holds);
                let swapped = self.swap(&purged, who, Change::Purged);
                self.add_with("PURGES", holds, swapped.end(who, At::Told));
            }
        }
    }

    pub(crate) fn save_look(&mut self, world: &World, who: usize) {
        let next = world.with(who, |actor| {
            (actor.at, actor.parent, actor.fresh) = (At::SaveSeed, actor.home, false);
        });
        self.add("looks into its home", next);
    }

    /// What was found is offered, whatever the home holds by now.
    pub(crate) fn save_seed(&mut self, world: &World, who: usize) {
        let (Some((_, first)), Some(found)) = (self.role(who).seed, world.actors[who].parent) else { return };
        let issued_at = first + i64::from(found.number());
        match self.protocol.judge_seed(world.slot, found, issued_at) {
            SeedVerdict::Replace if !world.actors[who].fresh => {
                self.add("loads to save", world.with(who, |actor| actor.fresh = true));
            }
            SeedVerdict::Replace => {
                let swapped = self.swap(world, who, Change::Seeded(found, issued_at));
                self.add_with("SAVES", found, swapped.with(who, |actor| actor.at = At::Strip));
            }
            SeedVerdict::Known => {
                let next = world.with(who, |actor| (actor.at, actor.fresh) = (At::Strip, false));
                self.add("has saved it before", next);
            }
            SeedVerdict::Older | SeedVerdict::OtherAccount | SeedVerdict::TooMany => {
                self.add("is not newer than the slot", world.end(who, At::Told));
            }
        }
    }

    pub(crate) fn strip(&mut self, world: &World, who: usize) {
        let actor = world.actors[who];
        if actor.parent == actor.home {
            self.add("leaves an access-only file", world.end(who, At::Told));
        } else {
            self.add("finds the home changed", world.with(who, |actor| actor.at = At::SaveLook));
        }
    }
}
