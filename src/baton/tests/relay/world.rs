//! A slot, the people and jobs around it, and what has not reached it yet.

use std::time::Duration;

use proptest::sample::Index;
use serde_json::json;

use super::{Answer, Step, Which};
use crate::baton::tests::*;
use crate::credential::{Due, FullLogin, RefreshToken, Refused, Renewal};
use crate::testing::Sample;

/// The result of an exchange, with the login that it gave.
#[derive(Clone)]
struct Outcome {
    exchanged: Exchanged,
    login: Option<FullLogin>,
}

pub(super) struct World {
    pub(super) baton: Baton,
    /// The number of every token that was ever seen; tokens are named after it.
    tokens: u64,
    /// The lease that each actor believes to have.
    actors: [Option<LeaseId>; 3],
    journals: Vec<Outcome>,
    written: u8,
    leases: u8,
}

fn sample(number: u64, issued_at: Option<i64>, other_account: bool) -> Sample {
    let account = if other_account { "account-b" } else { "account-a" };
    Sample { refresh_token: format!("refresh-{number}"), account, issued_at, ..Sample::default() }
}

impl World {
    pub(super) fn new(remembered: u64) -> Self {
        let names =
            (0..remembered).map(|number| RefreshToken::new(&format!("refresh-{number}")).ok().unwrap());
        let spent: Vec<_> = names.map(|token| TokenHash::of(&token)).collect();
        let baton = Baton::new(nonce(0)).with(|state| State { spent, ..state.clone() });
        Self { baton, tokens: remembered, actors: [None; 3], journals: Vec::new(), written: 0, leases: 0 }
    }

    fn writer(&mut self) -> Nonce {
        self.written += 1;
        nonce(self.written)
    }

    fn new_number(&mut self) -> u64 {
        self.tokens += 1;
        self.tokens - 1
    }

    /// Returns the number of a token that was there before, recent ones more often than not.
    fn old_number(&self, index: &Index) -> Option<u64> {
        let recent = self.tokens.min(12);
        (recent > 0).then(|| self.tokens - 1 - index.index(usize::try_from(recent).unwrap()) as u64)
    }

    /// Returns the actor's lease, if the slot still shows it.
    fn own(&self, actor: u8) -> Option<LeaseId> {
        self.actors[usize::from(actor)].filter(|lease| self.baton.state().is_leased_as(*lease))
    }

    /// Takes a step, and says what became of it.
    pub(super) fn take(&mut self, step: &Step) -> &'static str {
        match step {
            Step::Seed { which, issued_at, other_account, allowed } => {
                let number = match which {
                    Which::New => Some(self.new_number()),
                    Which::Old(index) => self.old_number(index),
                };
                let Some(number) = number else { return "nothing to seed" };
                let login = sample(number, *issued_at, *other_account).login();
                match self.baton.state().judge_seed(&Seed::of(&login), *allowed) {
                    SeedVerdict::Replace => {
                        let writer = self.writer();
                        self.baton = self.baton.seeded(login, writer);
                        "seeded"
                    }
                    SeedVerdict::Known => "a known seed",
                    SeedVerdict::Older => "an older seed",
                    SeedVerdict::OtherAccount => "a seed of another account",
                    SeedVerdict::TooMany => "too many seeds",
                }
            }
            Step::Lease { actor, due, force, seen, under_way, minutes } => {
                self.lease(*actor, *due, *force, *seen, *under_way, *minutes)
            }
            Step::Exchange { actor, answer, at_once } => self.exchange(*actor, answer, *at_once),
            Step::Journal { which } => {
                if self.journals.is_empty() {
                    return "no journal";
                }
                // It stays in the list: a journal may be applied again before it is dropped.
                let result = which.get(&self.journals).clone();
                self.judge(result)
            }
            Step::HandBack { actor } => self.finish(*actor, State::handed_back, "handed back"),
            Step::Denied { actor, minutes } => {
                self.finish(*actor, |state, writer| state.denied(at(minutes * 60), writer), "denied")
            }
            Step::Dead { actor } => {
                self.finish(*actor, |state, writer| state.dead(DeadReason::Reused, writer), "found dead")
            }
            Step::Purge => {
                let writer = self.writer();
                self.baton = self.baton.purged(writer);
                "purged"
            }
        }
    }

    fn lease(
        &mut self,
        actor: u8,
        due: bool,
        force: bool,
        seen: bool,
        under_way: bool,
        minutes: i64,
    ) -> &'static str {
        let state = self.baton.state();
        let observed = match &state.phase {
            Phase::Leased { lease, .. } if seen => Some(Observed { id: lease.id, since: Duration::ZERO }),
            _ => None,
        };
        let view = View {
            due: due.then_some(Due::Forced),
            force,
            now: at(minutes * 60),
            boot: Duration::from_secs(90),
            observed,
            home: home(actor),
            request_under_way: under_way,
        };
        let taken_over = matches!(state.phase, Phase::Leased { .. });
        match state.permits(&view) {
            Permission::Empty => "found empty",
            Permission::Dead(_) => "found it dead",
            Permission::Use => {
                assert!(state.unproven.is_none(), "an unproven login is never used as it is");
                assert!(!matches!(state.mark(), Some(Mark::Dead { .. })), "nor a dead one");
                "used"
            }
            Permission::Suspect { .. } => "paused",
            Permission::Wait(_) => "waited",
            Permission::Lease(_) => {
                self.leases += 1;
                let owner = Owner { id: owner_id(self.leases), name: String::new(), home: home(actor) };
                let lease = Lease { owner, ..lease(self.leases) };
                self.actors[usize::from(actor)] = Some(lease.id);
                let writer = self.writer();
                self.baton = self.baton.leased(lease, writer);
                if taken_over { "taken over" } else { "leased" }
            }
        }
    }

    fn exchange(&mut self, actor: u8, answer: &Answer, at_once: bool) -> &'static str {
        let Some(lease) = self.own(actor) else { return "no lease to exchange under" };
        let parent = self.baton.login().unwrap().clone();
        let parent_hash = TokenHash::of(parent.refresh_token());
        assert!(!self.baton.state().is_spent(parent_hash), "a spent token is exchanged");
        let body = match answer {
            Answer::New => json!({"refresh_token": format!("refresh-{}", self.new_number())}),
            Answer::Again(index) => {
                json!({"refresh_token": format!("refresh-{}", self.old_number(index).unwrap())})
            }
            Answer::Same => json!({"access_token": "opaque"}),
            Answer::OtherAccount => {
                let other = sample(self.new_number(), None, parent.identity().account_id != "account-b");
                other.document()["tokens"].clone()
            }
            Answer::Empty => json!({"access_token": "opaque", "refresh_token": ""}),
        };
        let renewal = Renewal::read(body.to_string().as_bytes()).unwrap();
        let (reply, login) = match renewal.apply(&parent, at(0)) {
            Ok(renewed) if renewed.rotated => {
                (ReplyKind::New(TokenHash::of(renewed.login.refresh_token())), Some(renewed.login))
            }
            Ok(renewed) => (ReplyKind::Same, Some(renewed.login)),
            Err(Refused::OtherAccount | Refused::OtherUser | Refused::NoRefreshToken) => {
                (ReplyKind::Refused, None)
            }
        };
        let result = Outcome { exchanged: Exchanged { parent: parent_hash, lease, reply }, login };
        if at_once {
            return self.judge(result);
        }
        self.journals.push(result);
        "journaled"
    }

    fn judge(&mut self, Outcome { exchanged, login }: Outcome) -> &'static str {
        let writer = self.writer();
        match self.baton.state().judge_result(&exchanged) {
            ResultVerdict::Store(token) => {
                let login = login.expect("only a result with a login is stored");
                assert!(token == TokenHash::of(login.refresh_token()));
                let proven = self.baton.state().is_leased_as(exchanged.lease);
                self.baton = self.baton.stored(&exchanged, login, at(0), writer);
                if proven { "stored" } else { "stored unproven" }
            }
            ResultVerdict::Landed => "landed",
            ResultVerdict::Refuse => {
                self.baton = self.baton.with(|state| state.dead(DeadReason::ReplyRefused, writer));
                "refused"
            }
            ResultVerdict::Keep => "kept",
        }
    }

    fn finish(
        &mut self,
        actor: u8,
        change: impl FnOnce(&State, Nonce) -> State,
        name: &'static str,
    ) -> &'static str {
        if self.own(actor).is_none() {
            return "not the owner";
        }
        let writer = self.writer();
        self.baton = self.baton.with(|state| change(state, writer));
        name
    }
}
