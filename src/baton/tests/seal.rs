//! What opens and what does not: keys, slots, audiences, kinds, versions, sizes. Each way has its own error.

use serde_json::Value;

use super::*;
use crate::baton::seal::BatonHeader;
use crate::credential::MAX_LOGIN_BYTES;
use crate::testing::{Sample, full_login};

pub(super) const FIRST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
pub(super) const SECOND: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub(super) fn keys(text: &str) -> SealKeys {
    SealKeys::parse(text).unwrap()
}

pub(super) fn id(slot: &str, audience: &str) -> SlotId {
    SlotId { slot: SlotName::new(slot).unwrap(), audience: Audience::new(audience).unwrap() }
}

pub(super) fn slot() -> SlotId {
    id("default", "repository 42 ü")
}

pub(super) fn random() -> SealRandom {
    SealRandom { salt: [3; 32], nonce: [4; 24] }
}

pub(super) fn baton() -> Baton {
    Baton::new(nonce(0)).seeded(Sample::default().login(), nonce(1))
}

pub(super) fn sealed() -> SealedBytes {
    baton().seal(&keys(FIRST), &slot(), &random()).unwrap()
}

pub(super) fn error(keys: &SealKeys, id: &SlotId, text: &[u8]) -> Option<OpenError> {
    Baton::open(keys, id, &SealedBytes::from_store(text.to_vec())).err()
}

fn journal_header() -> JournalHeader {
    let SlotId { slot, audience } = slot();
    JournalHeader { slot, audience, store: "file:".to_owned(), parent: token(HELD), lease: lease_id(1) }
}

/// Returns the sealed text with one of its clear fields changed.
fn changed(sealed: &SealedBytes, pointer: &str, new: Value) -> Vec<u8> {
    let mut text: Value = serde_json::from_slice(sealed.as_slice()).unwrap();
    *text.pointer_mut(pointer).unwrap() = new;
    serde_json::to_vec(&text).unwrap()
}

#[test]
fn what_is_sealed_opens_again() {
    for state in every_phase() {
        let unspoilt = baton().with(|held| State {
            holds: held.holds,
            account: held.account,
            phase: if state.holds.is_some() { state.phase.clone() } else { Phase::Idle },
            ..state.clone()
        });
        let sealed = unspoilt.seal(&keys(FIRST), &slot(), &random()).unwrap();
        let opened = Baton::open(&keys(FIRST), &slot(), &sealed).unwrap();
        assert!(!opened.old_key);
        assert_eq!(opened.baton.state(), unspoilt.state());
        let text = opened.baton.login().unwrap().to_text();
        assert!(*text == *Sample::default().login().to_text());
    }
    let purged = baton().purged(nonce(2));
    let opened =
        Baton::open(&keys(FIRST), &slot(), &purged.seal(&keys(FIRST), &slot(), &random()).unwrap()).unwrap();
    assert_eq!(opened.baton.state(), purged.state());
    assert!(opened.baton.login().is_none());
}

#[test]
fn a_sealed_text_shows_nothing_of_the_login() {
    let login = Sample::default().login();
    let text = String::from_utf8(sealed().as_slice().to_vec()).unwrap();
    let plain = login.to_text();
    for secret in plain.split('"').filter(|word| word.len() > 8) {
        assert!(!text.contains(secret));
    }
}

#[test]
fn the_same_baton_sealed_with_other_randomness_has_another_text() {
    let again = SealRandom { salt: [3; 32], nonce: [5; 24] };
    assert!(sealed() != baton().seal(&keys(FIRST), &slot(), &again).unwrap());
    let again = SealRandom { salt: [4; 32], nonce: [4; 24] };
    assert!(sealed() != baton().seal(&keys(FIRST), &slot(), &again).unwrap());
}

#[test]
fn an_unknown_key_is_named() {
    let Some(OpenError::UnknownKey(name)) = error(&keys(SECOND), &slot(), sealed().as_slice()) else {
        panic!("another key opened it");
    };
    let text: Value = serde_json::from_slice(sealed().as_slice()).unwrap();
    assert_eq!(text.pointer("/clear/key_id").unwrap(), &Value::from(name));
}

#[test]
fn what_is_no_name_of_a_key_never_reaches_an_error() {
    for name in ["", "x", "\n::stop-commands::x", "0123456789ABCDEF", "0123456789abcdef0"] {
        let text = changed(&sealed(), "/clear/key_id", name.into());
        assert_eq!(error(&keys(FIRST), &slot(), &text), Some(OpenError::Damaged), "{name}");
    }
}

#[test]
fn another_key_under_the_right_name_is_not_the_key() {
    let by_second = baton().seal(&keys(SECOND), &slot(), &random()).unwrap();
    let first_name: Value = serde_json::from_slice(sealed().as_slice()).unwrap();
    let first_name = first_name.pointer("/clear/key_id").unwrap().clone();
    let renamed = changed(&by_second, "/clear/key_id", first_name);
    assert_eq!(error(&keys(FIRST), &slot(), &renamed), Some(OpenError::WrongKey));
}

#[test]
fn after_a_rotation_the_old_key_opens_and_the_new_one_seals() {
    let old = baton().seal(&keys(SECOND), &slot(), &random()).unwrap();
    let both = keys(&format!("{FIRST} {SECOND}"));
    let opened = Baton::open(&both, &slot(), &old).unwrap();
    assert!(opened.old_key);
    let new = opened.baton.seal(&both, &slot(), &random()).unwrap();
    assert!(!Baton::open(&both, &slot(), &new).unwrap().old_key);
    assert!(Baton::open(&keys(FIRST), &slot(), &new).is_ok());
    assert!(matches!(error(&keys(SECOND), &slot(), new.as_slice()), Some(OpenError::UnknownKey(_))));
}

#[test]
fn it_opens_only_for_its_slot_and_audience() {
    let sealed = sealed();
    let sealed = sealed.as_slice();
    let wrong_slot = Some(OpenError::WrongSlot(SlotName::default()));
    assert_eq!(error(&keys(FIRST), &id("other", "repository 42 ü"), sealed), wrong_slot);
    assert_eq!(error(&keys(FIRST), &id("default", ""), sealed), Some(OpenError::WrongAudience));
    assert_eq!(error(&keys(FIRST), &id("default", "repository 43"), sealed), Some(OpenError::WrongAudience));
}

#[test]
fn a_slot_that_was_renamed_in_the_text_is_damaged() {
    let moved = changed(&sealed(), "/clear/header/slot", "other".into());
    assert_eq!(error(&keys(FIRST), &id("other", "repository 42 ü"), &moved), Some(OpenError::Damaged));
    let moved = changed(&sealed(), "/clear/header/audience", "mine".into());
    assert_eq!(error(&keys(FIRST), &id("default", "mine"), &moved), Some(OpenError::Damaged));
}

#[test]
fn a_state_that_was_edited_is_damaged() {
    let edits = [
        ("/clear/header/state/generation", Value::from(9)),
        ("/clear/header/state/seeds", vec![""; 0].into()),
    ];
    for (pointer, new) in edits {
        assert_eq!(error(&keys(FIRST), &slot(), &changed(&sealed(), pointer, new)), Some(OpenError::Damaged));
    }
}

#[test]
fn a_newer_version_is_said_whatever_else_it_has() {
    let newer = changed(&sealed(), "/clear/version", 2.into());
    assert_eq!(error(&keys(SECOND), &slot(), &newer), Some(OpenError::NewerVersion(2)));
    let later =
        br#"{"clear":{"magic":"authbaton","version":9,"kind":"baton","key_id":"x","new":[1]},"more":{}}"#;
    assert_eq!(error(&keys(FIRST), &slot(), later), Some(OpenError::NewerVersion(9)));
    let older = changed(&sealed(), "/clear/version", 0.into());
    assert_eq!(error(&keys(FIRST), &slot(), &older), Some(OpenError::Damaged));
}

#[test]
fn a_journal_is_no_baton_and_a_baton_is_no_journal() {
    let journal = super::super::seal(&keys(FIRST), &journal_header(), b"reply", &random()).unwrap();
    assert_eq!(error(&keys(FIRST), &slot(), journal.as_slice()), Some(OpenError::NotSealed));
    let as_journal = open::<JournalHeader>(&keys(FIRST), &sealed()).err();
    assert_eq!(as_journal, Some(OpenError::NotSealed));
    // Nor with the other's label: the label is authenticated, and the headers differ.
    let renamed = changed(&journal, "/clear/kind", "baton".into());
    assert_eq!(error(&keys(FIRST), &slot(), &renamed), Some(OpenError::Damaged));
    let opened = open::<JournalHeader>(&keys(FIRST), &journal).unwrap();
    assert_eq!(opened.header, journal_header());
    assert_eq!(opened.secret.as_slice(), b"reply");
}

#[test]
fn a_journal_of_the_largest_reply_fits_and_a_larger_one_is_refused() {
    let fits = super::super::seal(&keys(FIRST), &journal_header(), &[0xff; 32 * 1024], &random()).unwrap();
    assert!(fits.as_slice().len() <= MAX_JOURNAL_BYTES);
    let large = super::super::seal(&keys(FIRST), &journal_header(), &[0; MAX_JOURNAL_BYTES], &random());
    assert!(matches!(large.err(), Some(OpenError::TooLarge(_))));
}

#[test]
fn an_oversized_text_is_refused_before_it_is_read() {
    let mut text = sealed().as_slice().to_vec();
    text.resize(MAX_BATON_BYTES, b' ');
    assert_eq!(error(&keys(FIRST), &slot(), &text), Some(OpenError::Damaged));
    text.push(b' ');
    assert_eq!(error(&keys(FIRST), &slot(), &text), Some(OpenError::TooLarge(MAX_BATON_BYTES + 1)));
}

fn with_hashes(spent: usize, seeds: usize) -> Baton {
    let many = |count: usize, from: u64| (from..).map(token).take(count).collect::<Vec<_>>();
    baton().with(|state| State { spent: many(spent, 1000), seeds: many(seeds, 5000), ..state.clone() })
}

#[test]
fn more_hashes_than_a_slot_remembers_are_neither_sealed_nor_opened() {
    assert!(with_hashes(MAX_SPENT, MAX_SEEDS).seal(&keys(FIRST), &slot(), &random()).is_ok());
    for baton in [with_hashes(MAX_SPENT + 1, 0), with_hashes(0, MAX_SEEDS + 1)] {
        let refused = baton.seal(&keys(FIRST), &slot(), &random()).err();
        assert_eq!(refused, Some(OpenError::TooManyHashes));
        let state = serde_json::to_value(baton.state()).unwrap();
        let text = changed(&sealed(), "/clear/header/state", state);
        assert_eq!(error(&keys(FIRST), &slot(), &text), Some(OpenError::TooManyHashes));
    }
}

/// A login whose file has exactly so many bytes.
fn login_of(bytes: usize) -> Value {
    let mut document = Sample::default().document();
    document["filler"] = "".into();
    let length = full_login(&document).to_text().len();
    document["filler"] = "f".repeat(bytes - length).into();
    document
}

#[test]
fn the_largest_login_fits_with_all_its_hashes() {
    let login = full_login(&login_of(MAX_LOGIN_BYTES));
    assert_eq!(login.to_text().len(), MAX_LOGIN_BYTES);
    let hashes = with_hashes(MAX_SPENT, MAX_SEEDS - 1);
    let audience = "\u{ff}".repeat(128);
    let id = id(&"s".repeat(64), &audience);
    let sealed = hashes.seeded(login, nonce(2)).seal(&keys(FIRST), &id, &random()).unwrap();
    assert!(sealed.as_slice().len() <= MAX_BATON_BYTES);
    assert!(Baton::open(&keys(FIRST), &id, &sealed).is_ok());
}

#[test]
fn a_login_that_grew_in_an_exchange_still_opens() {
    // The longest login, and the longest reply: refusing it would lose the rotated token.
    let parent = full_login(&login_of(MAX_LOGIN_BYTES));
    let reply =
        serde_json::json!({"access_token": "a".repeat(32_000), "refresh_token": "refresh-1"}).to_string();
    let renewal = crate::credential::Renewal::read(reply.as_bytes()).unwrap();
    let grown = renewal.apply(&parent, at(0)).unwrap_or_else(|error| panic!("{error}")).login;
    assert!(grown.to_text().len() > MAX_LOGIN_BYTES);
    let result = Exchanged { parent: token(HELD), lease: lease_id(1), reply: ReplyKind::New(token(NEW)) };
    let baton = with_hashes(MAX_SPENT, MAX_SEEDS).stored(&result, grown.clone(), at(0), nonce(2));
    let sealed = baton.seal(&keys(FIRST), &slot(), &random()).unwrap();
    let opened = Baton::open(&keys(FIRST), &slot(), &sealed).unwrap();
    assert!(*opened.baton.login().unwrap().to_text() == *grown.to_text());
}

/// Seals a header and a secret that do not belong together: only we could, and nothing of ours does.
fn contradiction(state: State, secret: &[u8]) -> Option<OpenError> {
    let SlotId { slot: name, audience } = slot();
    let header = BatonHeader { slot: name, audience, state };
    let sealed = super::super::seal(&keys(FIRST), &header, secret, &random()).unwrap();
    error(&keys(FIRST), &slot(), sealed.as_slice())
}

#[test]
fn a_state_that_contradicts_its_login_is_refused() {
    let state = baton().state().clone();
    let text = Sample::default().login().to_text();
    assert_eq!(contradiction(state.clone(), text.as_bytes()), None);
    let access_only = text.replace("refresh-0", "");
    let other_token = text.replace("refresh-0", "refresh-9");
    for secret in ["", "{}", "no JSON", &access_only, &other_token] {
        assert_eq!(
            contradiction(state.clone(), secret.as_bytes()),
            Some(OpenError::Inconsistent),
            "{secret}"
        );
    }
    let empty = State::new(nonce(0));
    assert_eq!(contradiction(empty.clone(), b""), None);
    assert_eq!(contradiction(empty.clone(), text.as_bytes()), Some(OpenError::Inconsistent));
    let idle_without_login = State { phase: Phase::Idle, ..empty };
    assert_eq!(contradiction(idle_without_login.clone(), b""), Some(OpenError::Inconsistent));
    let empty_with_login = State { phase: Phase::Empty, ..state };
    assert_eq!(contradiction(empty_with_login, text.as_bytes()), Some(OpenError::Inconsistent));
    let unsealable = Baton::new(nonce(0)).with(|_| idle_without_login);
    assert_eq!(unsealable.seal(&keys(FIRST), &slot(), &random()).err(), Some(OpenError::Inconsistent));
}
