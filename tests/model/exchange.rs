//! Steps 6 to 9: POST, journal, store, drop the journal. As `relay/refresh.rs` and `relay/store_result.rs` go.

use authbaton::relay::{Ending, may_ask_again};

use crate::actor::At;
use crate::explorer::Explorer;
use crate::mutation::Mutation;
use crate::protocol::Change;
use crate::world::{Fault, Flight, Journal, Kind, Reply, STRANGER, Token, Why, World};

impl Explorer {
    /// Is the lease young? The clock decides without a look at the store.
    pub(crate) fn post_check(&mut self, world: &World, who: usize) {
        let actor = world.actors[who];
        if !actor.late {
            self.add(
                "has a young lease",
                world.with(who, |actor| (actor.at, actor.fresh) = (At::Post, false)),
            );
        }
        if !actor.fresh {
            self.end_holding("cannot renew the lease", world, who, Ending::Displaced, At::Exit8);
        } else if actor.late {
            let next = self.swap(world, who, Change::Leased(who as u8, self.role(who).home));
            self.add("renews the lease", next.with(who, |actor| (actor.at, actor.late) = (At::Post, false)));
        }
    }

    pub(crate) fn post(&mut self, world: &World, who: usize) {
        let actor = world.actors[who];
        let Some(token) = actor.parent else { return };
        let world = self.check_post(world, who, token);
        let (taken, answered) = world.spend(token);
        if world.can(Fault::Crash) {
            let crashed = world.fault(Fault::Crash).because(Why::Window, token);
            let mut crashed = crashed.end(who, At::Crashed);
            crashed.flights[who] = Some(Flight { token, second: !taken });
            self.add_with("CRASHES, its request is under way", token, crashed);
        }
        if !taken {
            self.add_with("POSTs and is refused", token, answered.with(who, |actor| actor.at = At::Gone));
            return;
        }
        let held = self.holds(&world) == Some(token);
        let access = if held { world.slot.access + 1 } else { 1 };
        let got = |world: World, kind: Kind, token: Token| {
            let parent = actor.parent.unwrap_or(token);
            world.with(who, |actor| {
                (actor.at, actor.told) = (At::Journal, false);
                actor.reply = Some(Reply { parent, token, kind, access });
            })
        };
        self.add_with("POSTs", token, got(answered, Kind::New, token.next()));
        let unclear = |world: World| {
            world.fault(Fault::Reply).with(who, |actor| {
                (actor.at, actor.unclear) = (At::Unclear, actor.unclear + 1);
            })
        };
        if world.can(Fault::Reply) {
            self.add_with("POSTs, REPLY LOST", token, unclear(answered).because(Why::Lost, token));
            self.add_with("POSTs, NOT PROCESSED", token, unclear(world));
        }
        if world.can(Fault::OtherAccount) {
            let next = answered.fault(Fault::OtherAccount).because(Why::Other, token);
            self.add_with("POSTs, OTHER ACCOUNT", token, got(next, Kind::Other, Token::new(STRANGER, 0)));
        }
        if world.can(Fault::SameToken) {
            let next = world.fault(Fault::SameToken);
            self.add_with("POSTs, NO NEW REFRESH TOKEN", token, got(next, Kind::Same, token));
        }
        if world.can(Fault::Deny) {
            let next = world.fault(Fault::Deny).with(who, |actor| actor.at = At::Denied);
            self.add_with("POSTs, OTHER 401", token, next);
        }
    }

    pub(crate) fn unclear(&mut self, world: &World, who: usize) {
        let failed = Ending::Failed { has_reply: false };
        let unclear = world.actors[who].unclear;
        if may_ask_again(unclear.into()) || self.protocol.breaks(Mutation::AskedAgain) && unclear < 3 {
            let fresh = self.owns(world, who);
            self.add(
                "tries once more",
                world.with(who, |actor| {
                    (actor.at, actor.fresh) = (At::PostCheck, fresh);
                }),
            );
        } else {
            self.end_holding("gives up", world, who, failed, At::Exit6);
        }
    }

    /// `expired`, `reused`, `invalidated`: the slot is loaded once more.
    pub(crate) fn gone(&mut self, world: &World, who: usize) {
        let Some(refused) = world.actors[who].parent else { return };
        match self.protocol.after_refusal(world.slot, refused) {
            Ending::Failed { .. } => {
                self.add("finds nothing newer", world.with(who, |actor| actor.at = At::WriteDead));
            }
            ending => {
                let told = world.with(who, |actor| actor.told = true);
                self.end_holding("finds something newer", &told, who, ending, At::Exit5);
            }
        }
    }

    pub(crate) fn write_dead(&mut self, world: &World, who: usize) {
        let next = self.finish(world, who, Change::Dead);
        let failed = Ending::Failed { has_reply: false };
        self.end_holding("writes dead, if the lease is its own", &next, who, failed, At::Exit5);
    }

    pub(crate) fn denied(&mut self, world: &World, who: usize) {
        let mut next = *world;
        if let Some(token) = world.actors[who].parent
            && self.owns(world, who)
        {
            let why = if world.has(Why::Deny1, token) { Why::Deny2 } else { Why::Deny1 };
            next = next.because(why, token);
        }
        let next = self.finish(&next, who, Change::Denied);
        let failed = Ending::Failed { has_reply: false };
        self.end_holding("writes suspect or dead, if the lease is its own", &next, who, failed, At::Exit5);
    }

    /// Whatever a 2xx contained is journaled before it is judged.
    pub(crate) fn journal(&mut self, world: &World, who: usize) {
        let Some(reply) = world.actors[who].reply else { return };
        let is_refused = reply.kind == Kind::Other && !self.protocol.breaks(Mutation::OtherIsStored);
        let at = if is_refused { At::Refuse } else { At::Store };
        let mut next = world.with(who, |actor| (actor.at, actor.fresh) = (at, false));
        next.journals[who] = Some(Journal { locked_by: who as u8, reply: Some(reply) });
        self.add_with("journals", reply.token, next);
    }

    pub(crate) fn refuse(&mut self, world: &World, who: usize) {
        let next = self.finish(world, who, Change::Dead);
        let failed = Ending::Failed { has_reply: true };
        self.end_holding("refuses the reply: dead, if the lease is its own", &next, who, failed, At::Exit5);
    }

    pub(crate) fn store(&mut self, world: &World, who: usize) {
        let Some(reply) = world.actors[who].reply else { return };
        if let Some(ending) = self.protocol.before_storing(world.slot, who as u8, reply) {
            self.end_holding("is overtaken", world, who, ending, At::Exit8);
            return;
        }
        if !world.actors[who].fresh {
            self.add("loads to store", world.with(who, |actor| actor.fresh = true));
            return;
        }
        let swapped = self.swap(world, who, Change::Stored(who as u8, reply));
        self.stored("stores", &swapped, who);
        if world.can(Fault::Store) {
            let lost = swapped.fault(Fault::Store).with(who, |actor| {
                (actor.at, actor.fresh) = (At::StoreRead, true);
            });
            self.add_with("stores, REPLY LOST", reply.token, lost);
            let out = world.fault(Fault::Store).because(Why::Elsewhere, reply.parent);
            self.end_holding("finds the STORE OUT", &out, who, Ending::NotStored, At::Exit10);
        }
    }

    /// A swap without an answer is read back; the writer's mark tells whose it is.
    pub(crate) fn store_read(&mut self, world: &World, who: usize) {
        if world.actors[who].fresh {
            self.stored("reads back its own result", world, who);
        } else {
            self.add("reads back somebody else's", world.with(who, |actor| actor.at = At::Store));
        }
    }

    /// The slot holds our result: only one that was stored under its own lease is success.
    fn stored(&mut self, what: &'static str, world: &World, who: usize) {
        let at = match self.protocol.after_storing(world.slot) {
            Ending::Stored => {
                self.check_success(world, who, "exit 0 with a dead login: stored");
                At::Drop
            }
            _ => At::DropAndLook,
        };
        self.add(what, world.with(who, |actor| (actor.at, actor.fresh, actor.reply) = (at, false, None)));
    }

    pub(crate) fn drop_journal(&mut self, world: &World, who: usize) {
        let ending = if world.actors[who].at == At::Drop { Ending::Stored } else { Ending::Overtaken };
        self.end_holding("drops its journal", world, who, ending, At::Ok);
    }
}
