//! What must never happen, what may happen for a documented cause, and the gaps that are documented as such.

use crate::actor::At;
use crate::explorer::Explorer;
use crate::protocol::Facts;
use crate::world::{Kind, STRANGER, Slot, Token, Why, World};
use crate::worlds::Verb;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Flaw,
    /// A token is POSTed a second time, for a documented cause.
    Double,
    /// What nothing can close (design, section 4).
    Gap,
}

/// Something that an invariant noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    pub(crate) severity: Severity,
    pub(crate) text: &'static str,
}

impl Note {
    pub(crate) const fn flaw(text: &'static str) -> Self {
        Self { severity: Severity::Flaw, text }
    }

    pub(crate) const fn double(text: &'static str) -> Self {
        Self { severity: Severity::Double, text }
    }

    pub(crate) const fn gap(text: &'static str) -> Self {
        Self { severity: Severity::Gap, text }
    }
}

impl Explorer {
    fn flaw(&mut self, text: &'static str) {
        self.notes.push(Note::flaw(text));
    }

    fn flaw_if(&mut self, is_so: bool, text: &'static str) {
        if is_so {
            self.flaw(text);
        }
    }

    pub(crate) fn check_swap(&mut self, world: &World, who: usize, next: Slot) {
        let (old, new) = (self.protocol.facts(world.slot), self.protocol.facts(next));
        if let Some(token) = new.holds.filter(|token| Some(*token) != old.holds) {
            self.flaw_if(self.protocol.knows(world.slot, token), "a spent token or a known seed is stored");
            self.flaw_if(token.login() == STRANGER, "another account's token is stored");
            if world.is_used(token) {
                let text = "the stored token was used already";
                let is_gap = world.has(Why::Client, token);
                self.notes.push(if is_gap { Note::gap(text) } else { Note::flaw(text) });
            }
        }
        let is_older = new.holds.is_some() && new.holds == old.holds && next.access < world.slot.access;
        self.flaw_if(is_older, "an older access token replaces a newer one");
        let result = world.journals[who].and_then(|journal| journal.reply);
        let is_spent = result.is_some_and(|reply| reply.kind == Kind::New && Some(reply.parent) == new.holds);
        let handed_back = old.owner == Some(who as u8) && new.owner.is_none() && !new.is_dead;
        self.flaw_if(is_spent && handed_back, "the lease over a spent token is handed back");
        let Some(held) = old.holds.filter(|held| world.is_alive(*held)) else { return };
        let kills = new.is_dead && !old.is_dead && !world.has(Why::Deny2, held);
        self.flaw_if(kills, "dead is written over a living token");
        let by_person =
            matches!(self.role(who).verb, Verb::Reseed | Verb::Save | Verb::Purge | Verb::SeedJob);
        let displaced = new.holds != old.holds && !by_person;
        self.flaw_if(displaced, "a living token is displaced by something else than a person");
    }

    /// Looks at a POST that goes out now, and keeps its reasons.
    pub(crate) fn check_post(&mut self, world: &World, who: usize, token: Token) -> World {
        let owns = self.owns(world, who);
        let mut next = *world;
        if !owns || world.actors[who].late {
            next = next.because(Why::Gap, token);
        }
        if world.is_used(token) {
            let note = self.second_post(world, who, token);
            self.notes.push(note);
            next = next.because(
                match note.severity {
                    Severity::Flaw => Why::Flaw,
                    Severity::Double => Why::Double,
                    Severity::Gap => Why::Gap,
                },
                token,
            );
        } else {
            self.flaw_if(world.slot.cool && owns, "POST within ten minutes of suspect");
        }
        let is_third = world.has(Why::Deny2, token) && owns && self.role(who).verb != Verb::Force;
        self.flaw_if(is_third, "POST after a second 401");
        self.flaw_if(world.actors[who].unclear > 1, "a third POST after two without an answer");
        next
    }

    /// A token is POSTed a second time: why? Whatever is no documented cause is a flaw.
    fn second_post(&self, world: &World, who: usize, token: Token) -> Note {
        let has = |why| world.has(why, token);
        let machine = self.role(who).machine;
        let mut journaled = self.actors().filter_map(|owner| {
            let reply = world.journals[owner]?.reply?;
            (reply.parent == token).then_some((owner, reply))
        });
        let lies_here = journaled.clone().any(|(owner, reply)| {
            reply.kind == Kind::New && self.role(owner).machine == machine && world.actors[owner].has_ended()
        });
        if !world.lives(token) {
            Note::double("the login was dead already (verdict not stored yet, or forced)")
        } else if !self.owns(world, who) {
            Note::gap("POST after the lease was lost between its check and the POST")
        } else if self.holds(world) != Some(token) {
            Note::flaw("second POST although the slot has moved on")
        } else if has(Why::Client) {
            Note::gap("a client in the home used the token that was being saved")
        } else if has(Why::Gap) {
            Note::gap("another actor POSTed in the gap before")
        } else if lies_here && !has(Why::Elsewhere) {
            // Before all that a crash excuses: a journal of this machine must be found.
            Note::flaw("second POST although its journal lies here")
        } else if has(Why::Lost) {
            Note::double("reply lost")
        } else if has(Why::Window) {
            Note::double("crash, or machine lost, before the journal or with it")
        } else if has(Why::Other) {
            Note::double("reply for another account, verdict not stored yet")
        } else if has(Why::Elsewhere) {
            Note::double("result in the hand of an owner that was paused or could not store, lease over")
        } else if journaled.any(|(owner, _)| self.role(owner).machine != machine) {
            Note::double("journal on another machine, lease over")
        } else {
            Note::flaw("second POST without a documented cause")
        }
    }

    /// Somebody ends with exit 0: does the login that it relies on live?
    pub(crate) fn check_success(&mut self, world: &World, who: usize, text: &'static str) {
        let Some(holds) = self.holds(world).filter(|holds| !world.lives(*holds)) else { return };
        let excused = touches(world, Why::Gap, holds) || touches(world, Why::Client, holds);
        // Whoever was told so itself has no excuse.
        let is_gap = excused && !world.actors[who].told;
        self.notes.push(if is_gap { Note::gap(text) } else { Note::flaw(text) });
    }

    /// Looks at a world in which nothing happens any more.
    pub(crate) fn check_end(&mut self, world: &World) {
        self.flaw_if(world.actors.iter().any(|actor| !actor.has_ended()), "somebody is stuck");
        let facts = self.protocol.facts(world.slot);
        self.check_loss(world, facts);
        let left_by = facts.owner.map(|owner| world.actors[usize::from(owner)].at);
        let is_left = left_by.is_some_and(|at| !matches!(at, At::Crashed | At::Exit10));
        self.flaw_if(is_left, "a lease was not handed back");
        let has_faults = self.setup.faults.iter().any(|count| *count > 0);
        if !has_faults && !self.setup.is_eventful {
            let exact = world.used.count_ones() == u32::from(self.setup.rotations);
            self.flaw_if(!exact, "other than one exchange per rotation without a fault");
            let failed = self.actors().any(|who| world.actors[who].at != At::Ok);
            self.flaw_if(failed, "a job failed without a fault");
        }
        let seeds = self.setup.roles.iter().filter_map(|role| role.seed);
        let latest = seeds.map(|(token, at)| (at, token.login())).max().unwrap_or((1, 0)).1;
        let all_well = self.actors().all(|who| matches!(world.actors[who].at, At::Ok | At::Told));
        let older = facts.holds.is_some_and(|holds| holds.login() != latest) && all_well;
        self.flaw_if(older, "an older seed won");
    }

    fn check_loss(&mut self, world: &World, facts: Facts) {
        let Some(holds) = facts.holds else { return };
        if world.is_alive(holds) {
            let without_reason = facts.is_dead && !world.has(Why::Deny2, holds);
            self.flaw_if(without_reason, "dead, but alive");
            return;
        }
        let login = world.logins[usize::from(holds.login())];
        let is_kept =
            login.alive
                && world.journals.iter().flatten().filter_map(|journal| journal.reply).any(|reply| {
                    reply.parent == holds && reply.token == Token::new(holds.login(), login.newest)
                });
        let causes = [
            Why::Gap,
            Why::Double,
            Why::Lost,
            Why::Window,
            Why::Elsewhere,
            Why::Other,
            Why::Client,
            Why::Flaw,
        ];
        let is_documented = causes.into_iter().any(|why| touches(world, why, holds));
        self.flaw_if(!is_kept && !is_documented, "a login is lost without a documented cause");
    }
}

/// Whether a reason was kept for any token of the same login.
fn touches(world: &World, why: Why, token: Token) -> bool {
    world.why[why as usize] >> (token.login() * 8) & 0xff != 0
}
