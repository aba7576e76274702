//! The descent rule, and what follows from it for seeds and for the results of exchanges.
//!
//! *A token is stored iff its parent is what the slot holds, whatever the state; a token found in `holds`, `spent` or
//! `seeds` has landed already: adopt what is there.* Everything else is a conflict.

use super::{AccountPin, LeaseId, MAX_SEEDS, Mark, State, TokenHash};

/// What the descent rule says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// Its parent is what the slot holds: store it.
    Store,
    /// It has had its turn here: adopt what the slot holds.
    Landed,
    /// The slot holds something else.
    Conflict,
}

/// The result of an exchange, as far as the decisions look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exchanged {
    /// The token that was spent.
    pub parent: TokenHash,
    /// The lease under which it was spent.
    pub lease: LeaseId,
    /// What came back.
    pub reply: ReplyKind,
}

/// What a 2xx reply was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyKind {
    /// A new refresh token.
    New(TokenHash),
    /// New tokens, but the refresh token stays: nothing was spent.
    Same,
    /// Somebody else's tokens, or an empty refresh token.
    Refused,
}

/// What becomes of the result of an exchange, fresh or found in a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultVerdict {
    /// Store it, displacing whatever lease there is.
    Store(TokenHash),
    /// Drop it and adopt what the slot holds.
    Landed,
    /// Finish the slot as dead: the reply was refused, and its parent is spent.
    Refuse,
    /// Neither: keep it and report it.
    Keep,
}

/// A login that a person provides, as far as the decisions look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed {
    /// Its refresh token.
    pub token: TokenHash,
    /// The later `iat` of its two JWTs, in seconds since 1970.
    pub issued_at: Option<i64>,
    /// Whose it is.
    pub account: AccountPin,
}

/// What becomes of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedVerdict {
    /// It replaces the content, in whatever state the slot is.
    Replace,
    /// It is the slot's own, or had its turn: ignored.
    Known,
    /// It is not later than the newest seed, or does not say when it was issued: ignored.
    Older,
    /// It belongs to another account: refused, unless that is allowed.
    OtherAccount,
    /// The slot remembers as many seeds as it can: refused.
    TooMany,
}

impl State {
    /// Applies the descent rule to `token`, which came out of `parent`.
    #[must_use]
    pub fn descent(&self, parent: TokenHash, token: TokenHash) -> Descent {
        let held = self.holds == Some(token);
        // Before the parent is looked at: an authority that hands out a spent token again does not bring it back.
        if !held && self.knows(token) {
            Descent::Landed
        } else if self.holds == Some(parent) {
            Descent::Store
        } else if held {
            Descent::Landed
        } else {
            Descent::Conflict
        }
    }

    /// Judges the result of an exchange.
    #[must_use]
    pub fn judge_result(&self, result: &Exchanged) -> ResultVerdict {
        let parent_held = self.holds == Some(result.parent);
        let (token, rotated) = match result.reply {
            // Once is enough: a lease that was forced over `dead` is not ended by the verdict that it tries again.
            ReplyKind::Refused if parent_held && !matches!(self.mark(), Some(Mark::Dead { .. })) => {
                return ResultVerdict::Refuse;
            }
            ReplyKind::Refused => return ResultVerdict::Keep,
            // The authority may also repeat the token instead of leaving it out.
            ReplyKind::New(token) => (token, token != result.parent),
            ReplyKind::Same => (result.parent, false),
        };
        // Nothing was spent, so nothing is lost; stored over another's lease it could bring an older access token back.
        if !rotated && !self.is_leased_as(result.lease) {
            return ResultVerdict::Landed;
        }
        match self.descent(result.parent, token) {
            Descent::Store => ResultVerdict::Store(token),
            Descent::Landed => ResultVerdict::Landed,
            Descent::Conflict => ResultVerdict::Keep,
        }
    }

    /// Judges a seed.
    #[must_use]
    pub fn judge_seed(&self, seed: &Seed, allow_account_change: bool) -> SeedVerdict {
        if self.knows(seed.token) {
            return SeedVerdict::Known;
        }
        let later = match (seed.issued_at, self.seed_iat) {
            (None, _) => self.seeds.is_empty(),
            (Some(_), None) => true,
            (Some(new), Some(newest)) => new > newest,
        };
        if !later {
            return SeedVerdict::Older;
        }
        if !allow_account_change && self.account.is_some_and(|account| !account.matches(&seed.account)) {
            return SeedVerdict::OtherAccount;
        }
        if self.seeds.len() >= MAX_SEEDS { SeedVerdict::TooMany } else { SeedVerdict::Replace }
    }
}
