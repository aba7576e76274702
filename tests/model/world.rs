//! A world: the slot, the authority, the machines and the actors at one moment. Small and `Copy`: there are millions.

use crate::actor::{Actor, At};

/// The most actors that a world has.
pub(crate) const ACTORS: usize = 4;
/// Whoever locks nothing.
pub(crate) const NOBODY: u8 = u8::MAX;
/// The login that belongs to another account.
pub(crate) const STRANGER: u8 = 3;

/// A refresh token: POSTing number 0 of a login gives number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Token(pub(crate) u8);

impl Token {
    /// Logins are 0 to 3, and each has at most eight tokens.
    pub(crate) const fn new(login: u8, number: u8) -> Self {
        assert!(login < 4 && number < 8, "a token that no world can reach");
        Self(login << 3 | number)
    }

    pub(crate) const fn login(self) -> u8 {
        self.0 >> 3
    }

    pub(crate) const fn number(self) -> u8 {
        self.0 & 7
    }

    pub(crate) const fn next(self) -> Self {
        Self::new(self.login(), self.number() + 1)
    }

    /// Its place in a set of tokens.
    pub(crate) const fn bit(self) -> u32 {
        1 << self.0
    }
}

/// What lies in the store. `state` is the number of a `State` that [`crate::protocol::Protocol`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) state: u16,
    /// The number of the access token: stands for how long it lasts.
    pub(crate) access: u8,
    /// The ten minutes after `suspect` are not over yet.
    pub(crate) cool: bool,
}

/// What the authority knows of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Login {
    pub(crate) newest: u8,
    pub(crate) alive: bool,
}

/// The request of a process that is gone, still on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) token: Token,
    /// The token had been used when it was sent.
    pub(crate) second: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    New,
    /// The refresh token stays.
    Same,
    /// Tokens of another account.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reply {
    pub(crate) parent: Token,
    pub(crate) token: Token,
    pub(crate) kind: Kind,
    pub(crate) access: u8,
}

/// The journal of an actor's exchange. It lies on the actor's machine and is called by the actor's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Journal {
    /// Who has locked it: its owner, a job that recovers it, or [`NOBODY`].
    pub(crate) locked_by: u8,
    /// `None`: blank.
    pub(crate) reply: Option<Reply>,
}

/// What may go wrong, as often as a world says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Crash,
    /// A machine with everything on it.
    Lose,
    /// Longer than a lease.
    Pause,
    /// A reply of the authority is lost, or its request was.
    Reply,
    /// A reply of the store is lost, or the store is out.
    Store,
    OtherAccount,
    SameToken,
    /// A 401 that does not say why.
    Deny,
    /// The client refreshes the home that is being saved.
    Client,
}
pub(crate) const FAULTS: usize = 9;

/// What has happened to a token, so that what follows from it has a cause that the design documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// POSTed after the lease was lost between its check and the POST.
    Gap,
    /// POSTed a second time, for a documented cause.
    Double,
    /// The reply was lost.
    Lost,
    /// Crash, or machine lost, before the journal or with it.
    Window,
    /// The owner was paused, or could not store, with the result in its hand.
    Elsewhere,
    Other,
    Client,
    Flaw,
    // These excuse nothing but what they name.
    Purged,
    Deny1,
    Deny2,
}
pub(crate) const WHYS: usize = 11;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) slot: Slot,
    pub(crate) logins: [Login; 4],
    /// Every token that the authority has seen, as bits.
    pub(crate) used: u32,
    pub(crate) flights: [Option<Flight>; ACTORS],
    pub(crate) journals: [Option<Journal>; ACTORS],
    pub(crate) actors: [Actor; ACTORS],
    pub(crate) faults: [u8; FAULTS],
    /// For each [`Why`] the tokens, as bits.
    pub(crate) why: [u32; WHYS],
}

impl World {
    pub(crate) fn is_alive(&self, token: Token) -> bool {
        let login = self.logins[usize::from(token.login())];
        token.login() != STRANGER && login == Login { newest: token.number(), alive: true }
    }

    pub(crate) fn lives(&self, token: Token) -> bool {
        self.logins[usize::from(token.login())].alive
    }

    pub(crate) fn is_used(&self, token: Token) -> bool {
        self.used & token.bit() != 0
    }

    /// The authority takes a token: a new one, or, at the second use, the end of its login.
    pub(crate) fn spend(mut self, token: Token) -> (bool, Self) {
        let login = &mut self.logins[usize::from(token.login())];
        let taken = login.alive && self.used & token.bit() == 0;
        if taken {
            login.newest = token.number() + 1;
        } else {
            login.alive = false;
        }
        self.used |= token.bit();
        (taken, self)
    }

    pub(crate) fn has(&self, why: Why, token: Token) -> bool {
        self.why[why as usize] & token.bit() != 0
    }

    pub(crate) fn because(mut self, why: Why, token: Token) -> Self {
        self.why[why as usize] |= token.bit();
        self
    }

    pub(crate) fn can(&self, fault: Fault) -> bool {
        self.faults[fault as usize] > 0
    }

    pub(crate) fn fault(mut self, fault: Fault) -> Self {
        self.faults[fault as usize] -= 1;
        self
    }

    /// Changes an actor.
    pub(crate) fn with(mut self, who: usize, change: impl FnOnce(&mut Actor)) -> Self {
        change(&mut self.actors[who]);
        self
    }

    /// Ends an actor: its locks are free. Its own journal is left as it is.
    pub(crate) fn end(mut self, who: usize, at: At) -> Self {
        for journal in self.journals.iter_mut().flatten() {
            if usize::from(journal.locked_by) == who {
                journal.locked_by = NOBODY;
            }
        }
        self.actors[who] = Actor::new(at);
        self
    }

    /// Deletes an actor's own journal.
    pub(crate) fn discard(mut self, who: usize) -> Self {
        self.journals[who] = None;
        self
    }
}
