//! The names by which secrets are known in clear text, and the random names of leases, homes and writers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::credential::{Identity, RefreshToken};

/// Sixteen bytes, written as 32 lower-case hex digits. Upper case is refused: a sealed text has one spelling only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Hex16([u8; 16]);

impl Hex16 {
    /// SHA-256, cut to 128 bits: enough to tell tokens apart, and what they are hashed from has more entropy.
    fn digest(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut cut = [0; 16];
        cut.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(cut)
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> = text
            .bytes()
            .map(|byte| match byte {
                b'0'..=b'9' => Some(byte - b'0'),
                b'a'..=b'f' => Some(byte - b'a' + 10),
                _ => None,
            })
            .collect();
        let digits: [u8; 32] = digits?.try_into().ok()?;
        let (pairs, _) = digits.as_chunks::<2>();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(pairs).for_each(|(byte, [high, low])| *byte = high << 4 | low);
        Some(Self(bytes))
    }
}

impl fmt::Display for Hex16 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Serialize for Hex16 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex16 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 32 lower-case hex digits"))
    }
}

macro_rules! named {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Hex16);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }
    };
}

named! {
    /// The name of a refresh token in clear text.
    TokenHash
}
named! {
    /// The name of one taking of a lease. A renewal has a new one.
    LeaseId
}
named! {
    /// The name of one exchange's owner: it stays when the lease is renewed, and its journal is called by it.
    OwnerId
}
named! {
    /// The name of a home: random, kept in its lock file.
    HomeId
}
named! {
    /// The name of a store that was seen to keep two writers apart.
    StoreMark
}
named! {
    /// A writer's mark: no two records are ever equal, so a read-back tells whose write landed.
    Nonce
}

impl TokenHash {
    /// Hashes a refresh token.
    #[must_use]
    pub fn of(token: &RefreshToken) -> Self {
        Self(Hex16::digest(token.expose().as_bytes()))
    }

    /// Makes a name out of a number: for models and tests, which have no tokens.
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        Self(Hex16::digest(&number.to_be_bytes()))
    }
}

impl StoreMark {
    /// Hashes the name that a store gives itself. What is proven of one store says nothing of another that its content is
    /// copied to.
    #[must_use]
    pub fn of(store: &str) -> Self {
        Self(Hex16::digest(store.as_bytes()))
    }
}

macro_rules! random {
    ($($name:ident)*) => {
        $(impl $name {
            /// Takes random bytes as a name.
            #[must_use]
            pub fn new(random: [u8; 16]) -> Self {
                Self(Hex16(random))
            }

            /// Reads the name as it is written in a file or in a file's name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Hex16::parse(text).map(Self)
            }
        })*
    };
}

random! { LeaseId OwnerId HomeId Nonce }

/// Whose login a slot carries. The user is compared only when both sides know one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountPin {
    account: TokenHash,
    user: Option<TokenHash>,
}

impl AccountPin {
    /// Fingerprints the owner of a login.
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        let hash = |text: &str| TokenHash(Hex16::digest(text.as_bytes()));
        Self { account: hash(&identity.account_id), user: identity.user_id.as_deref().map(hash) }
    }

    /// Returns whether both belong to the same account, and to the same user as far as they are known.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.account == other.account
            && match (self.user, other.user) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_only() {
        let hash = TokenHash::of(&RefreshToken::new("abc").unwrap());
        // The first half of SHA-256("abc"), from FIPS 180-2.
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223");
        assert!(Hex16::parse(&hash.to_string()) == Some(hash.0));
        assert!(Hex16::parse(&hash.to_string().to_uppercase()).is_none());
        assert!(Hex16::parse("ba78").is_none());
    }
}
