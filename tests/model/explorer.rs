//! What every step shares: the next worlds, and the notes that the invariants take on the way.

use std::fmt;

use crate::actor::{Actor, At};
use crate::invariants::Note;
use crate::mutation::Mutation;
use crate::protocol::{Change, Protocol};
use crate::world::{ACTORS, Login, Token, WHYS, Why, World};
use crate::worlds::{Role, Setup, Verb};

/// What happens between two worlds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) who: Option<usize>,
    pub(crate) what: &'static str,
    pub(crate) token: Option<Token>,
}

/// Makes the worlds that follow from a world.
pub(crate) struct Explorer {
    pub(crate) setup: Setup,
    pub(crate) protocol: Protocol,
    /// Whose step is made now.
    pub(crate) who: Option<usize>,
    pub(crate) next: Vec<(Label, World)>,
    pub(crate) notes: Vec<Note>,
}

impl Explorer {
    pub(crate) fn new(setup: Setup, mutation: Option<Mutation>) -> Self {
        let protocol = Protocol::new(mutation);
        Self { setup, protocol, who: None, next: Vec::new(), notes: Vec::new() }
    }

    /// Returns the world at its start.
    pub(crate) fn start(&mut self) -> World {
        let first = Token::new(0, 0);
        let mut slot = self.protocol.empty();
        if !self.setup.is_empty {
            slot = self.protocol.changed(slot, Change::Seeded(first, 1));
            slot.access = 0;
        }
        let mut actors = [Actor::new(At::Ok); ACTORS];
        for (actor, role) in actors.iter_mut().zip(&self.setup.roles) {
            *actor = Actor { force: role.verb == Verb::Force, ..Actor::new(At::Lock) };
        }
        let world = World {
            slot,
            logins: [Login { newest: 0, alive: true }; 4],
            used: 0,
            flights: [None; ACTORS],
            journals: [None; ACTORS],
            actors,
            faults: self.setup.faults,
            why: [0; WHYS],
        };
        if !self.setup.is_dead {
            return world;
        }
        let slot = self.protocol.changed(slot, Change::Dead);
        World { slot, ..world }.because(Why::Deny2, first)
    }

    pub(crate) fn role(&self, who: usize) -> Role {
        self.setup.roles[who]
    }

    pub(crate) fn actors(&self) -> std::ops::Range<usize> {
        0..self.setup.roles.len()
    }

    /// Adds a world that follows.
    pub(crate) fn add(&mut self, what: &'static str, world: World) {
        self.next.push((Label { who: self.who, what, token: None }, world));
    }

    /// Adds a world that follows from what happens to a token.
    pub(crate) fn add_with(&mut self, what: &'static str, token: Token, world: World) {
        self.next.push((Label { who: self.who, what, token: Some(token) }, world));
    }

    /// Whether the slot shows the actor's lease.
    pub(crate) fn owns(&self, world: &World, who: usize) -> bool {
        self.protocol.is_leased_as(world.slot, who as u8)
    }

    pub(crate) fn holds(&self, world: &World) -> Option<Token> {
        self.protocol.facts(world.slot).holds
    }

    /// The swap of an actor whose load is current. From now on nobody else's is.
    pub(crate) fn swap(&mut self, world: &World, who: usize, change: Change) -> World {
        let slot = self.protocol.changed(world.slot, change);
        self.check_swap(world, who, slot);
        let mut next = World { slot, ..*world };
        for actor in &mut next.actors {
            actor.fresh = false;
        }
        next
    }

    /// Ends a lease with a last change, if it is still ours.
    pub(crate) fn finish(&mut self, world: &World, who: usize, change: Change) -> World {
        if self.owns(world, who) { self.swap(world, who, change) } else { *world }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(who) = self.who {
            write!(out, "{who} ")?;
        }
        out.write_str(self.what)?;
        match self.token {
            Some(token) => write!(out, " {}.{}", token.login(), token.number()),
            None => Ok(()),
        }
    }
}
