//! The sealed format: one JSON text, every clear field authenticated, one spelling only.
//!
//! XChaCha20-Poly1305 under a key made for each message; that key and a commitment to it come from the seal key by
//! HKDF-SHA256. The commitment is compared first: without it one ciphertext could open under two keys. The text is
//! canonical (it must read back as it is written), so no byte of it can change unnoticed.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Audience, LeaseId, MAX_SEEDS, MAX_SPENT, SlotId, SlotName, State, TokenHash};

mod bytes;
mod keys;

pub use bytes::SealedBytes;
use bytes::{Base64, Base64Bytes};
pub(super) use keys::SealKey;
pub use keys::{KeyError, SealKeys};

const MAGIC: &str = "authbaton";
const VERSION: u32 = 1;
/// The most that a sealed baton may take, in bytes: a login of 32 KiB, in base64, with all its hashes.
pub const MAX_BATON_BYTES: usize = 128 * 1024;
/// The most that a sealed journal may take, in bytes.
pub const MAX_JOURNAL_BYTES: usize = 96 * 1024;

/// Why a sealed text cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not one of ours.
    #[error("it is no sealed baton")]
    NotSealed,
    /// The text ends too early.
    #[error("it is cut short")]
    Truncated,
    /// The text is ours, but changed.
    #[error("it is damaged")]
    Damaged,
    /// Written by a later version of this program.
    #[error("it has format {0}, which is newer than this program")]
    NewerVersion(u64),
    /// Larger than it may be.
    #[error("it has {0} bytes, more than it may have")]
    TooLarge(usize),
    /// More hashes than a slot may remember.
    #[error("it has more hashes than a slot may remember")]
    TooManyHashes,
    /// Sealed under a key that we do not have.
    #[error("it was sealed with the key {0}, which is not among the keys given")]
    UnknownKey(String),
    /// The key has the right name, but it is not the key.
    #[error("it does not open with the key that it names")]
    WrongKey,
    /// Sealed for another slot.
    #[error("it was sealed for the slot `{0}`")]
    WrongSlot(SlotName),
    /// Sealed for another audience.
    #[error("it was sealed for another audience")]
    WrongAudience,
    /// Genuine, but its parts contradict each other.
    #[error("its parts contradict each other")]
    Inconsistent,
}

/// Randomness for one sealing.
pub struct SealRandom {
    /// Salt of the message's key.
    pub salt: [u8; 32],
    /// Nonce of the cipher.
    pub nonce: [u8; 24],
}

/// What stands in clear text beside a secret. Each kind of sealed text has its own, so that none passes for another.
pub trait Header: Serialize + DeserializeOwned {
    /// The kind, as the text names it.
    const KIND: &str;
    /// The most that the sealed text may take, in bytes.
    const MAX_BYTES: usize;

    /// Returns whether lists in it are longer than they may be.
    fn has_too_many_hashes(&self) -> bool {
        false
    }
}

/// The clear part of a baton.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatonHeader {
    pub(super) slot: SlotName,
    pub(super) audience: Audience,
    pub(super) state: State,
}

/// The clear part of a journal: which exchange its reply belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalHeader {
    /// The slot.
    pub slot: SlotName,
    /// The audience.
    pub audience: Audience,
    /// The store, by the name that it gives itself.
    pub store: String,
    /// The token that was spent.
    pub parent: TokenHash,
    /// The lease under which it was spent.
    pub lease: LeaseId,
}

/// An opened text.
pub struct Opened<H> {
    /// Its clear part, authenticated.
    pub header: H,
    /// Its secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// The name of the key that it was sealed under.
    pub key_id: String,
    /// Whether that is another than the newest.
    pub old_key: bool,
}

impl BatonHeader {
    pub(super) fn check(&self, id: &SlotId) -> Result<(), OpenError> {
        if self.slot != id.slot {
            Err(OpenError::WrongSlot(self.slot.clone()))
        } else if self.audience != id.audience {
            Err(OpenError::WrongAudience)
        } else {
            Ok(())
        }
    }
}

impl Header for BatonHeader {
    const KIND: &str = "baton";
    const MAX_BYTES: usize = MAX_BATON_BYTES;

    fn has_too_many_hashes(&self) -> bool {
        self.state.spent.len() > MAX_SPENT || self.state.seeds.len() > MAX_SEEDS
    }
}

impl Header for JournalHeader {
    const KIND: &str = "journal";
    const MAX_BYTES: usize = MAX_JOURNAL_BYTES;
}

/// Everything but the ciphertext: this is what is authenticated, as its canonical JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clear<H> {
    magic: String,
    version: u32,
    kind: String,
    key_id: String,
    header: H,
    salt: Base64<32>,
    nonce: Base64<24>,
    commitment: Base64<32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<H> {
    clear: Clear<H>,
    ciphertext: Base64Bytes,
}

/// The part of a text that every version has.
#[derive(Deserialize)]
struct Label {
    clear: LabelFields,
}

#[derive(Deserialize)]
struct LabelFields {
    magic: String,
    version: u64,
    kind: String,
    key_id: String,
}

/// Seals a secret and its header under the newest key.
///
/// # Errors
/// When the text would be larger than it may be.
pub fn seal<H: Header>(
    keys: &SealKeys,
    header: &H,
    secret: &[u8],
    random: &SealRandom,
) -> Result<SealedBytes, OpenError> {
    seal_under(keys.newest(), header, secret, random)
}

/// Seals under a key of our choice.
pub(super) fn seal_under<H: Header>(
    key: &SealKey,
    header: &H,
    secret: &[u8],
    random: &SealRandom,
) -> Result<SealedBytes, OpenError> {
    if header.has_too_many_hashes() {
        return Err(OpenError::TooManyHashes);
    }
    let (message_key, commitment) = derive(key.bytes(), &random.salt)?;
    let clear = Clear {
        magic: MAGIC.to_owned(),
        version: VERSION,
        kind: H::KIND.to_owned(),
        key_id: key.id().to_owned(),
        header,
        salt: Base64(random.salt),
        nonce: Base64(random.nonce),
        commitment: Base64(commitment),
    };
    let aad = canonical(&clear)?;
    let ciphertext = cipher(&message_key)
        .encrypt(&XNonce::from(random.nonce), Payload { msg: secret, aad: &aad })
        .map_err(|_| OpenError::TooLarge(secret.len()))?;
    let text = canonical(&Envelope { clear, ciphertext: Base64Bytes(ciphertext) })?;
    if text.len() > H::MAX_BYTES { Err(OpenError::TooLarge(text.len())) } else { Ok(SealedBytes::new(text)) }
}

/// Opens a sealed text.
///
/// # Errors
/// When it is not ours, not whole, not of this kind, or not sealed with one of `keys`.
pub fn open<H: Header>(keys: &SealKeys, sealed: &SealedBytes) -> Result<Opened<H>, OpenError> {
    let text = sealed.as_slice();
    if text.len() > H::MAX_BYTES {
        return Err(OpenError::TooLarge(text.len()));
    }
    let label: Label = serde_json::from_slice(text).map_err(|error| unreadable(text, &error))?;
    let label = label.clear;
    if label.magic != MAGIC || label.kind != H::KIND {
        return Err(OpenError::NotSealed);
    }
    if label.version > u64::from(VERSION) {
        return Err(OpenError::NewerVersion(label.version));
    }
    // The name goes into an error before anything is authenticated: it must not be able to speak to a CI's log.
    if !SealKeys::is_name(&label.key_id) {
        return Err(OpenError::Damaged);
    }
    let (key, old_key) = keys.find(&label.key_id).ok_or(OpenError::UnknownKey(label.key_id))?;
    let envelope: Envelope<H> = serde_json::from_slice(text).map_err(|_| OpenError::Damaged)?;
    let Envelope { clear, ciphertext } = envelope;
    let aad = canonical(&clear)?;
    let envelope = Envelope { clear, ciphertext };
    if canonical(&envelope)? != text {
        return Err(OpenError::Damaged);
    }
    let Envelope { clear, ciphertext } = envelope;
    if clear.header.has_too_many_hashes() {
        return Err(OpenError::TooManyHashes);
    }
    let (message_key, commitment) = derive(key.bytes(), &clear.salt.0)?;
    if !bool::from(commitment.ct_eq(&clear.commitment.0)) {
        return Err(OpenError::WrongKey);
    }
    let secret = cipher(&message_key)
        .decrypt(&XNonce::from(clear.nonce.0), Payload { msg: &ciphertext.0, aad: &aad })
        .map_err(|_| OpenError::Damaged)?;
    Ok(Opened { header: clear.header, secret: Zeroizing::new(secret), key_id: clear.key_id, old_key })
}

fn unreadable(text: &[u8], error: &serde_json::Error) -> OpenError {
    // Ours begins like this; anything else was never sealed here.
    let ours = text.starts_with(b"{\"clear\":{\"magic\":\"authbaton\"");
    match error.classify() {
        serde_json::error::Category::Eof if ours => OpenError::Truncated,
        _ if ours => OpenError::Damaged,
        _ => OpenError::NotSealed,
    }
}

fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, OpenError> {
    serde_json::to_vec(value).map_err(|_| OpenError::Inconsistent)
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// Derives the key of one message, and the commitment to it.
fn derive(key: &[u8; 32], salt: &[u8; 32]) -> Result<(Zeroizing<[u8; 32]>, [u8; 32]), OpenError> {
    let hkdf = Hkdf::<Sha256>::new(Some(salt), key);
    let mut message_key = Zeroizing::new([0; 32]);
    let mut commitment = [0; 32];
    // 32 bytes are always within what HKDF can give.
    hkdf.expand(b"authbaton/1 message key", message_key.as_mut_slice())
        .map_err(|_| OpenError::Inconsistent)?;
    hkdf.expand(b"authbaton/1 key commitment", &mut commitment).map_err(|_| OpenError::Inconsistent)?;
    Ok((message_key, commitment))
}
