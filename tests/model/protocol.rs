//! The program's own functions, called for the worlds: every decision and every change of a slot is made by `State` and
//! `Ending`. A `State` is numbered, so that worlds stay small; names of people, clocks and writers' marks are the same
//! everywhere, so that equal worlds are equal. A mutation changes what one of the functions says, never the functions.

use std::collections::HashMap;
use std::time::Duration;

use authbaton::baton::{
    AccountPin, DeadReason, Exchanged, HomeId, Lease, LeaseId, Mark, Nonce, Observed, Owner, OwnerId,
    Permission, Phase, ReplyKind, ResultVerdict, Seed, SeedVerdict, State, TokenHash, View,
};
use authbaton::credential::{Due, Identity};
use authbaton::relay::Ending;
use chrono::{DateTime, TimeDelta, Utc};

use crate::mutation::Mutation;
use crate::world::{ACTORS, Kind, Reply, STRANGER, Slot, Token};

/// What a swap does to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// By whom, in which home.
    Leased(u8, u8),
    HandedBack,
    /// Under whose lease, what.
    Stored(u8, Reply),
    Seeded(Token, i64),
    Purged,
    Dead,
    Denied,
}

/// What the worlds look at in a `State`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) holds: Option<Token>,
    pub(crate) owner: Option<u8>,
    pub(crate) is_dead: bool,
    pub(crate) is_suspect: bool,
    pub(crate) is_unproven: bool,
}

/// What an actor knows when it asks for the lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) due: bool,
    pub(crate) force: bool,
    /// The lease was seen for its whole duration.
    pub(crate) is_over: bool,
    pub(crate) home: u8,
    pub(crate) under_way: bool,
}

pub(crate) struct Protocol {
    pub(crate) mutation: Option<Mutation>,
    states: Vec<(State, Facts)>,
    numbers: HashMap<State, u16>,
    changes: HashMap<(u16, Change), u16>,
    tokens: [TokenHash; 32],
    account: AccountPin,
}

const LEASE: Duration = Duration::from_secs(90);
const TEN_MINUTES: TimeDelta = TimeDelta::minutes(10);
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn lease_id(actor: u8) -> LeaseId {
    LeaseId::new([actor; 16])
}

fn owner_id(actor: u8) -> OwnerId {
    OwnerId::new([actor; 16])
}

fn writer() -> Nonce {
    Nonce::new([0; 16])
}

impl Protocol {
    pub(crate) fn new(mutation: Option<Mutation>) -> Self {
        Self {
            mutation,
            states: Vec::new(),
            numbers: HashMap::new(),
            changes: HashMap::new(),
            tokens: std::array::from_fn(|number| TokenHash::of_number(number as u64)),
            account: AccountPin::of(&Identity { account_id: "account".to_owned(), user_id: None }),
        }
    }

    /// Returns a slot that never held anything.
    pub(crate) fn empty(&mut self) -> Slot {
        Slot { state: self.number(State::new(writer())), access: 0, cool: false }
    }

    pub(crate) fn facts(&self, slot: Slot) -> Facts {
        self.states[usize::from(slot.state)].1
    }

    fn state(&self, slot: Slot) -> &State {
        &self.states[usize::from(slot.state)].0
    }

    pub(crate) fn permits(&self, slot: Slot, look: Look) -> Permission {
        let state = self.state(slot);
        self.state(slot).permits(&View {
            due: look.due.then_some(Due::Forced),
            force: look.force,
            now: if slot.cool { NOW } else { NOW + TEN_MINUTES },
            boot: if look.is_over { LEASE } else { Duration::ZERO },
            observed: state.lease().map(|lease| Observed { id: lease.id, since: Duration::ZERO }),
            home: HomeId::new([look.home; 16]),
            request_under_way: look.under_way && !self.breaks(Mutation::BlankIsIgnored),
        })
    }

    pub(crate) fn is_leased_by(&self, slot: Slot, actor: u8) -> bool {
        self.state(slot).is_leased_by(owner_id(actor))
    }

    /// Returns whether the slot shows the lease of an actor. A renewal has a new id; no record of the old one stays
    /// anywhere, so one name for all leases of an actor is enough.
    pub(crate) fn is_leased_as(&self, slot: Slot, actor: u8) -> bool {
        self.state(slot).is_leased_as(lease_id(actor))
    }

    pub(crate) fn knows(&self, slot: Slot, token: Token) -> bool {
        let (state, token) = (self.state(slot), self.hash(token));
        state.is_spent(token) || state.seeds.contains(&token)
    }

    /// The reply as the decisions see it. That it belongs to somebody else shows beside its parent only.
    fn exchanged(&self, slot: Slot, actor: u8, reply: Reply) -> Exchanged {
        let refused = self.facts(slot).holds == Some(reply.parent) && !self.breaks(Mutation::OtherIsStored);
        let kind = match reply.kind {
            Kind::Same => ReplyKind::Same,
            Kind::Other if refused => ReplyKind::Refused,
            Kind::New | Kind::Other => ReplyKind::New(self.hash(reply.token)),
        };
        Exchanged { parent: self.hash(reply.parent), lease: lease_id(actor), reply: kind }
    }

    /// Judges a journaled reply.
    pub(crate) fn judge(&self, slot: Slot, actor: u8, reply: Reply) -> ResultVerdict {
        let exchanged = self.exchanged(slot, actor, reply);
        let verdict = self.state(slot).judge_result(&exchanged);
        self.mutated(slot, reply, verdict)
    }

    /// Judges a fresh reply; `None`: it is to be stored.
    pub(crate) fn before_storing(&self, slot: Slot, actor: u8, reply: Reply) -> Option<Ending> {
        let exchanged = self.exchanged(slot, actor, reply);
        let verdict = self.state(slot).judge_result(&exchanged);
        match self.mutated(slot, reply, verdict) {
            broken if broken == verdict => Ending::before_storing(self.state(slot), &exchanged),
            ResultVerdict::Store(_) => None,
            ResultVerdict::Landed | ResultVerdict::Refuse | ResultVerdict::Keep => Some(Ending::Overtaken),
        }
    }

    pub(crate) fn after_storing(&self, slot: Slot) -> Ending {
        Ending::after_storing(self.state(slot))
    }

    pub(crate) fn after_refusal(&self, slot: Slot, refused: Token) -> Ending {
        Ending::after_refusal(self.state(slot), Some(self.hash(refused)))
    }

    pub(crate) fn judge_seed(&self, slot: Slot, token: Token, issued_at: i64) -> SeedVerdict {
        match self.state(slot).judge_seed(&self.seed(token, issued_at), false) {
            SeedVerdict::Older if self.breaks(Mutation::OlderSeed) => SeedVerdict::Replace,
            verdict => verdict,
        }
    }

    fn seed(&self, token: Token, issued_at: i64) -> Seed {
        Seed { token: self.hash(token), issued_at: Some(issued_at), account: self.account }
    }

    /// Makes the slot that a swap writes.
    pub(crate) fn changed(&mut self, slot: Slot, change: Change) -> Slot {
        let state = match self.changes.get(&(slot.state, change)) {
            Some(number) => *number,
            None => {
                let number = self.number(self.change(self.state(slot), change));
                self.changes.insert((slot.state, change), number);
                number
            }
        };
        let access = match change {
            Change::Stored(_, reply) => reply.access,
            Change::Seeded(..) => 1,
            Change::Purged => 0,
            Change::Leased(..) | Change::HandedBack | Change::Dead | Change::Denied => slot.access,
        };
        let is_suspect = self.states[usize::from(state)].1.is_suspect;
        Slot { state, access, cool: change == Change::Denied && is_suspect }
    }

    fn change(&self, state: &State, change: Change) -> State {
        match change {
            Change::Leased(actor, home) => {
                let mut next = state.leased(lease(actor, home), writer());
                if let Phase::Leased { mark, .. } = &mut next.phase
                    && self.breaks(Mutation::MarkForgotten)
                {
                    *mark = None;
                }
                next
            }
            Change::HandedBack => state.handed_back(writer()),
            Change::Stored(actor, reply) => {
                let reply_kind = match reply.kind {
                    Kind::Same => ReplyKind::Same,
                    Kind::New | Kind::Other => ReplyKind::New(self.hash(reply.token)),
                };
                let result =
                    Exchanged { parent: self.hash(reply.parent), lease: lease_id(actor), reply: reply_kind };
                let mut next = state.stored(&result, self.hash(reply.token), NOW, writer());
                if self.breaks(Mutation::NoUnproven) {
                    next.unproven = None;
                }
                next
            }
            Change::Seeded(token, issued_at) => state.seeded(&self.seed(token, issued_at), writer()),
            Change::Purged => state.purged(writer()),
            Change::Dead => state.dead(DeadReason::Reused, writer()),
            Change::Denied => state.denied(NOW, writer()),
        }
    }

    /// Numbers a state. What is there for people only is made equal, as is the order of coming: no decision looks at it
    /// as long as the slot remembers everything, and no world is long enough for it to forget.
    fn number(&mut self, mut state: State) -> u16 {
        state.generation = 0;
        state.spent.sort_unstable();
        state.seeds.sort_unstable();
        match &mut state.phase {
            Phase::Dead { reason } | Phase::Leased { mark: Some(Mark::Dead { reason }), .. } => {
                *reason = DeadReason::Reused;
            }
            _ => {}
        }
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let number = u16::try_from(self.states.len()).unwrap();
        let facts = self.facts_of(&state);
        self.numbers.insert(state.clone(), number);
        self.states.push((state, facts));
        number
    }

    fn facts_of(&self, state: &State) -> Facts {
        let token = |hash: TokenHash| (0..32).map(Token).find(|token| self.hash(*token) == hash).unwrap();
        let holds = state.holds.map(token);
        assert!(
            holds.is_none_or(|holds| holds.login() != STRANGER) || self.breaks(Mutation::OtherIsStored),
            "nobody seeds another account's login"
        );
        Facts {
            holds,
            owner: (0..ACTORS as u8).find(|actor| state.is_leased_by(owner_id(*actor))),
            is_dead: matches!(state.phase, Phase::Dead { .. }),
            is_suspect: matches!(state.phase, Phase::Suspect { .. }),
            is_unproven: state.unproven.is_some(),
        }
    }

    pub(crate) fn hash(&self, token: Token) -> TokenHash {
        self.tokens[usize::from(token.0)]
    }
}

fn lease(actor: u8, home: u8) -> Lease {
    let owner = Owner { id: owner_id(actor), name: String::new(), home: HomeId::new([home; 16]) };
    Lease { id: lease_id(actor), owner, taken_at: NOW, seconds: LEASE.as_secs() }
}
