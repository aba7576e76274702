//! Which refresh tokens are good: the rules of rotation, without I/O, clock or randomness.
//!
//! A login is a family of refresh tokens, of which the newest alone can be exchanged, once. Whoever presents a spent
//! one has it from a copy, so the whole family ends: this is what makes an exchange that is done twice visible.

use std::collections::HashSet;
use std::mem;

use super::login::Account;

/// Why a refresh token was not exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// It was exchanged before. Its family has ended, by this if not before.
    Reused,
    /// Its family has ended: another of its tokens was used twice, or it was revoked.
    Invalidated,
    /// Nobody was ever given this token.
    Unknown,
}

/// A refresh token was to be given out that has been given out before.
#[derive(Debug, thiserror::Error)]
#[error("this refresh token was given out before")]
pub(super) struct GivenOutBefore;

/// One login and all the refresh tokens that it has had.
pub(super) struct Family {
    /// Whose login it is.
    pub(super) account: Account,
    /// The access token that was given out last.
    pub(super) access_token: String,
    newest: String,
    spent: HashSet<String>,
    alive: bool,
}

impl Family {
    fn has(&self, token: &str) -> bool {
        self.newest == token || self.spent.contains(token)
    }
}

/// All logins that were ever issued.
#[derive(Default)]
pub(super) struct Ledger {
    families: Vec<Family>,
    exchanges: usize,
}

impl Ledger {
    /// Opens a family with its first tokens.
    pub(super) fn open(
        &mut self,
        account: Account,
        refresh_token: String,
        access_token: String,
    ) -> Result<(), GivenOutBefore> {
        if self.families.iter().any(|family| family.has(&refresh_token)) {
            return Err(GivenOutBefore);
        }
        let family =
            Family { account, access_token, newest: refresh_token, spent: HashSet::new(), alive: true };
        self.families.push(family);
        Ok(())
    }

    /// Spends `presented` for `successor`, which must be new.
    pub(super) fn rotate(&mut self, presented: &str, successor: String) -> Result<&mut Family, Denial> {
        let family = present(&mut self.families, presented)?;
        family.spent.insert(mem::replace(&mut family.newest, successor));
        self.exchanges += 1;
        Ok(family)
    }

    /// Accepts `presented` without spending it.
    pub(super) fn keep(&mut self, presented: &str) -> Result<&mut Family, Denial> {
        present(&mut self.families, presented)
    }

    /// Ends the family of `token`, whichever of its refresh tokens it is. Returns whether there is one.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        let family = self.families.iter_mut().find(|family| family.has(token));
        family.map(|family| family.alive = false).is_some()
    }

    /// Returns whether `token` could be exchanged now.
    pub(super) fn is_alive(&self, token: &str) -> bool {
        self.families.iter().any(|family| family.alive && family.newest == token)
    }

    /// Returns how often a token was rotated.
    pub(super) fn exchanges(&self) -> usize {
        self.exchanges
    }
}

/// Returns the family whose newest token is `token`; a spent token ends its family.
fn present<'a>(families: &'a mut [Family], token: &str) -> Result<&'a mut Family, Denial> {
    let family = families.iter_mut().find(|family| family.has(token)).ok_or(Denial::Unknown)?;
    if family.newest != token {
        family.alive = false;
        return Err(Denial::Reused);
    }
    if family.alive { Ok(family) } else { Err(Denial::Invalidated) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ledger(tokens: &[&str]) -> Ledger {
        let mut ledger = Ledger::default();
        for token in tokens {
            ledger.open(Account::named(token), (*token).into(), String::new()).unwrap();
        }
        ledger
    }

    /// What is presented, what succeeds it, and how that ends. Each table starts with the logins `a0` and `b0`.
    type Exchange = (&'static str, &'static str, Result<(), Denial>);

    const ROTATION: &[Exchange] = &[("a0", "a1", Ok(())), ("a1", "a2", Ok(())), ("b0", "b1", Ok(()))];
    const REUSE: &[Exchange] = &[
        ("a0", "a1", Ok(())),
        ("a0", "a2", Err(Denial::Reused)),
        ("a1", "a2", Err(Denial::Invalidated)),
        ("a0", "a2", Err(Denial::Reused)),
        ("b0", "b1", Ok(())),
    ];
    const UNKNOWN: &[Exchange] =
        &[("", "x", Err(Denial::Unknown)), ("c0", "c1", Err(Denial::Unknown)), ("a0", "a1", Ok(()))];

    #[test]
    fn exchanges_follow_the_rules_of_rotation() {
        for table in [ROTATION, REUSE, UNKNOWN] {
            let mut ledger = ledger(&["a0", "b0"]);
            for (presented, successor, expected) in table {
                let outcome = ledger.rotate(presented, (*successor).into()).map(|_| ());
                assert_eq!(outcome, *expected, "{presented} for {successor}");
                assert_eq!(ledger.is_alive(successor), outcome.is_ok(), "{successor}");
                assert!(!ledger.is_alive(presented), "{presented}");
            }
            assert_eq!(ledger.exchanges(), table.iter().filter(|(_, _, outcome)| outcome.is_ok()).count());
        }
    }

    #[test]
    fn a_kept_token_is_not_spent() {
        let mut ledger = ledger(&["a0"]);
        assert!(ledger.keep("a0").is_ok() && ledger.keep("a0").is_ok());
        assert!(ledger.is_alive("a0"));
        assert_eq!(ledger.exchanges(), 0);
    }

    #[test]
    fn revoking_any_token_of_a_family_ends_it() {
        for revoked in ["a0", "a1"] {
            let mut ledger = ledger(&["a0", "b0"]);
            ledger.rotate("a0", "a1".into()).ok().unwrap();
            assert!(ledger.revoke(revoked) && !ledger.revoke("unknown"));
            assert_eq!(ledger.rotate("a1", "a2".into()).err(), Some(Denial::Invalidated));
            assert!(ledger.is_alive("b0"));
        }
    }

    #[test]
    fn no_token_is_given_out_twice() {
        let mut ledger = ledger(&["a0"]);
        ledger.rotate("a0", "a1".into()).ok().unwrap();
        for token in ["a0", "a1"] {
            assert!(ledger.open(Account::named("b"), token.into(), String::new()).is_err());
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Rotate(usize),
        Keep(usize),
        Revoke(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        // Mostly recent tokens, so that families live for a while.
        let age = prop_oneof![8 => Just(0_usize), 2 => 0..6_usize];
        prop_oneof![
            8 => age.clone().prop_map(Step::Rotate),
            2 => age.clone().prop_map(Step::Keep),
            1 => age.prop_map(Step::Revoke),
        ]
    }

    proptest! {
        #[test]
        fn a_family_has_one_live_token_at_most_and_a_second_use_ends_it(
            steps in prop::collection::vec(step(), 0..40),
        ) {
            let mut ledger = ledger(&["t0"]);
            let mut given = vec!["t0".to_owned()];
            let mut ended = false;
            for step in steps {
                let (Step::Rotate(age) | Step::Keep(age) | Step::Revoke(age)) = step;
                let token = given[given.len().saturating_sub(1 + age)].clone();
                let newest = given.last() == Some(&token);
                let expected = match (newest, ended) {
                    (false, _) => Some(Denial::Reused),
                    (true, true) => Some(Denial::Invalidated),
                    (true, false) => None,
                };
                match step {
                    Step::Rotate(_) => {
                        let successor = format!("t{}", given.len());
                        prop_assert_eq!(ledger.rotate(&token, successor.clone()).err(), expected);
                        if expected.is_none() {
                            given.push(successor);
                        }
                    }
                    Step::Keep(_) => prop_assert_eq!(ledger.keep(&token).err(), expected),
                    Step::Revoke(_) => prop_assert!(ledger.revoke(&token)),
                }
                ended |= matches!(step, Step::Revoke(_)) || !newest;

                let alive: Vec<_> = given.iter().filter(|token| ledger.is_alive(token)).collect();
                let expected: Vec<_> = given.last().filter(|_| !ended).into_iter().collect();
                prop_assert_eq!(alive, expected);
                prop_assert_eq!(ledger.exchanges(), given.len() - 1);
            }
        }
    }
}
