//! Seal keys: 32 random bytes each, newest first. The first seals, any of them opens.

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NAME_BYTES: usize = 8;
/// More are a mistake: a key that is older than a few rotations has nothing left to open.
const MAX_KEYS: usize = 16;

/// What is wrong with the seal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// None was given.
    #[error("no seal key was given")]
    Missing,
    /// One is not 32 bytes in base64 or hex: a passphrase, a short value, a value with quotes.
    #[error("seal key {0} is not 32 bytes in base64 or hex")]
    NotAKey(usize),
    /// Too many at once.
    #[error("more than {MAX_KEYS} seal keys were given")]
    TooMany,
}

/// One seal key with its public name.
pub(in crate::baton) struct SealKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: String,
}

/// The seal keys, newest first; at least one.
pub struct SealKeys {
    newest: SealKey,
    older: Vec<SealKey>,
}

impl SealKey {
    fn parse(text: &str) -> Option<Self> {
        let bytes = if text.len() == 2 * KEY_BYTES { from_hex(text) } else { from_base64(text) }?;
        let mut name = [0; NAME_BYTES];
        // A name that says nothing of the key: HKDF with a label of its own.
        Hkdf::<Sha256>::new(None, bytes.as_slice()).expand(b"authbaton/1 key id", &mut name).ok()?;
        let id = name.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { bytes, id })
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl SealKeys {
    /// Reads keys, newest first, separated by white space or commas.
    ///
    /// # Errors
    /// When there is none, or one is not 32 bytes in base64 (standard or URL-safe) or hex.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        let texts = text.split(|character: char| character.is_whitespace() || character == ',');
        for text in texts.filter(|text| !text.is_empty()) {
            keys.push(SealKey::parse(text).ok_or(KeyError::NotAKey(keys.len() + 1))?);
        }
        if keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany);
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(KeyError::Missing)?;
        Ok(Self { newest, older: keys.collect() })
    }

    pub(in crate::baton) fn newest(&self) -> &SealKey {
        &self.newest
    }

    /// Returns whether a text could be the name of a key.
    pub(super) fn is_name(text: &str) -> bool {
        text.len() == 2 * NAME_BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Finds a key by its name, and tells whether it is not the newest.
    pub(in crate::baton) fn find(&self, id: &str) -> Option<(&SealKey, bool)> {
        if self.newest.id == id {
            return Some((&self.newest, false));
        }
        self.older.iter().find(|key| key.id == id).map(|key| (key, true))
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn from_base64(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut padded = Zeroizing::new(text.trim_end_matches('=').to_owned());
    while !padded.len().is_multiple_of(4) {
        padded.push('=');
    }
    let bytes = STANDARD.decode(padded.as_bytes()).or_else(|_| URL_SAFE.decode(padded.as_bytes())).ok()?;
    let bytes = Zeroizing::new(bytes);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if bytes.len() != KEY_BYTES {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> String {
        SealKeys::parse(text).unwrap().newest.id
    }

    #[test]
    fn reads_base64_and_hex_and_nothing_else() {
        let hex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let base64 = "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=";
        let url_safe = "ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8";
        assert_eq!(id(hex), id(base64));
        assert_eq!(id(hex), id(url_safe));
        assert_eq!(id(hex), id(&format!("\n {base64}\n")));
        assert_eq!(SealKeys::parse(" ").err(), Some(KeyError::Missing));
        for bad in [
            "correct horse battery staple",
            "c2hvcnQ=",
            "00112233445566778899aabbccddeeff",
            "zz",
            &format!("{hex}00"),
        ] {
            assert!(matches!(SealKeys::parse(bad).err(), Some(KeyError::NotAKey(_))), "{bad}");
        }
        let keys = SealKeys::parse(&format!("{hex},{}", hex.replace('0', "1"))).unwrap();
        let old = keys.older.first().unwrap().id.clone();
        assert!(keys.find(&old).unwrap().1);
        assert!(!keys.find(&id(hex)).unwrap().1);
        assert!(keys.find("0000000000000000").is_none());
    }
}
