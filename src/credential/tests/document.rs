//! A document is read, kept and written whole, whatever stands in it.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Map;

use super::*;
use crate::testing::config;

/// What may stand where we do not look.
fn anything() -> impl Strategy<Value = Value> {
    let number = prop_oneof!["-?[1-9][0-9]{0,30}", "-?[0-9]\\.[0-9]{1,9}", "[1-9]e[+-]?[0-9]{1,3}"]
        .prop_map(|text| serde_json::from_str(&text).unwrap());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn unknown_fields() -> impl Strategy<Value = Vec<(String, Value)>> {
    prop::collection::vec(("[a-zA-Z_ü\"\\\\]{1,8}".prop_map(|name| format!("x{name}")), anything()), 0..6)
}

fn optional(value: impl Into<Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![Just(None), Just(Some(Value::Null)), Just(Some(value.into()))]
}

/// A document with any of the fields that we know, some null, and any others, in any order.
fn documents() -> impl Strategy<Value = Value> {
    let sample = Sample::default().document();
    let known = (
        optional("chatgpt"),
        optional("sk-test"),
        optional(sample["last_refresh"].clone()),
        optional(json!({"account_id": "a", "weight": 1.5})),
        optional("at-x"),
        optional(json!({"api_key": "k", "region": "r", "more": [1.0]})),
        prop::option::of((optional("account-a"), unknown_fields())),
    );
    (known, unknown_fields())
        .prop_flat_map(move |((mode, key, last_refresh, identity, token, bedrock, tokens), unknown)| {
            let tokens = tokens.map(|(account, unknown)| {
                let mut fields = Map::from_iter(unknown);
                for name in ["refresh_token", "access_token", "id_token"] {
                    fields.insert(name.to_owned(), sample["tokens"][name].clone());
                }
                fields.extend(account.map(|account| ("account_id".to_owned(), account)));
                Value::Object(fields)
            });
            let known = [
                ("auth_mode", mode),
                ("OPENAI_API_KEY", key),
                ("last_refresh", last_refresh),
                ("agent_identity", identity),
                ("personal_access_token", token),
                ("bedrock_api_key", bedrock),
                ("tokens", tokens),
            ];
            let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Just(known.chain(unknown).collect::<Vec<_>>()).prop_shuffle()
        })
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// The fields that we do not know, in their order.
fn unknown(object: &Value) -> Vec<(&String, &Value)> {
    object.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with('x')).collect()
}

#[test]
fn whatever_is_read_is_written_whole_and_always_alike() {
    TestRunner::new(config(200, 20_000))
        .run(&documents(), |value| {
            let text = document(&value).to_text();
            let written: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(unknown(&written), unknown(&value));
            prop_assert_eq!(unknown(&written["tokens"]), unknown(&value["tokens"]));
            for (name, old) in value.as_object().unwrap().iter().filter(|(name, _)| *name != "tokens") {
                prop_assert_eq!(&written[name], old);
            }
            for name in ["id_token", "access_token", "refresh_token", "account_id"] {
                prop_assert_eq!(&written["tokens"][name], &value["tokens"][name]);
            }
            prop_assert!(written.get("OPENAI_API_KEY").is_some());
            let again = AuthJson::parse(text.as_bytes()).unwrap().to_text();
            prop_assert_eq!(again.as_str(), text.as_str());
            Ok(())
        })
        .unwrap();
}

#[test]
fn arbitrary_bytes_panic_nowhere() {
    let sample = Sample::default().document().to_string();
    let broken = (any::<prop::sample::Index>(), 0..9_usize, ".{0,9}").prop_map(move |(index, cut, new)| {
        let from = index.index(sample.len());
        [&sample.as_bytes()[..from], new.as_bytes(), &sample.as_bytes()[(from + cut).min(sample.len())..]]
            .concat()
    });
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..200), broken];
    TestRunner::new(config(400, 50_000))
        .run(&bytes, |bytes| {
            let _ = api_key(&bytes);
            let _ = personal_access_token(&bytes);
            let _ = Renewal::read(&bytes);
            if let Ok(document) = auth_json(&bytes) {
                for client in CLIENTS {
                    let Ok(credential) = Credential::new(client, document.clone()) else { continue };
                    let _ = FullLogin::new(&credential);
                    let _ = (credential.id_claims(), credential.lifetime(), credential.account_id());
                    let again = AuthJson::parse(credential.to_text().as_bytes()).unwrap();
                    prop_assert!(*again.to_text() == *credential.to_text());
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let _ = IdClaims::read(&format!("e30.{text}.s"));
            let _ = AccessClaims::read(&text);
            Ok(())
        })
        .unwrap();
}

#[test]
fn numbers_keep_every_digit() {
    let as_written = ["0", "1.50", "1.0", "1e-5", "1e+400", "-7", "123456789012345678901234567890", "0.1e-7"];
    // The one thing that changes is the spelling of an exponent.
    let respelled = [("1e5", "1e+5"), ("1E5", "1e+5"), ("2.50E-3", "2.50e-3")];
    for (number, expected) in as_written.map(|number| (number, number)).into_iter().chain(respelled) {
        let text = AuthJson::parse(format!("{{\"x\":{number}}}").as_bytes()).unwrap().to_text();
        assert!(text.contains(&format!("\"x\": {expected}\n")), "{}", text.as_str());
    }
}

#[test]
fn a_known_field_of_another_shape_is_refused() {
    let identity = "agent_identity";
    let tokens =
        Sample::default().document()["tokens"].as_object().unwrap().values().cloned().collect::<Value>();
    let table = [
        // The fields in their order, but no object: whoever looks for a refresh token by its name would find none.
        ("tokens", tokens),
        ("tokens", "text".into()),
        ("tokens", json!({})),
        ("tokens", 5.into()),
        (identity, 5.into()),
        (identity, 5.5.into()),
        (identity, json!([])),
        (identity, true.into()),
        ("bedrock_api_key", json!(["k", "r"])),
        ("bedrock_api_key", "k".into()),
        ("bedrock_api_key", json!({"api_key": "k"})),
        ("bedrock_access_keys", json!(["i", "s", "r"])),
        ("bedrock_access_keys", json!({"access_key_id": "i", "region": "r"})),
        ("personal_access_token", json!({})),
        ("OPENAI_API_KEY", false.into()),
        ("auth_mode", "ChatGPT".into()),
        ("auth_mode", 1.into()),
        ("last_refresh", 1.into()),
    ];
    for (name, value) in table {
        let text = json!({ name: value }).to_string();
        let refused =
            matches!(AuthJson::parse(text.as_bytes()).err(), Some(ParseError::NotACredential { .. }));
        assert!(refused, "{text}");
    }
    let twice =
        br#"{"tokens":{"id_token":"e30.e30.s","access_token":"a","refresh_token":"r","refresh_token":"s"}}"#;
    assert!(matches!(AuthJson::parse(twice).err(), Some(ParseError::NotACredential { .. })));
}

#[test]
fn the_limit_counts_what_would_be_written_too() {
    let filled =
        |bytes: usize| format!("{{\n  \"OPENAI_API_KEY\": null,\n  \"x\": \"{}\"\n}}", "f".repeat(bytes));
    let frame = filled(0).len();
    assert!(AuthJson::parse(filled(MAX_LOGIN_BYTES - frame).as_bytes()).is_ok());
    let one_more = AuthJson::parse(filled(MAX_LOGIN_BYTES - frame + 1).as_bytes()).err();
    assert_eq!(one_more, Some(ParseError::TooLarge(MAX_LOGIN_BYTES + 1)));
    // Short as it is given; indented it would be too long to be sealed and opened again.
    let compact = format!("{{\"x\":[{}0]}}", "0,".repeat(15_000));
    assert!(matches!(AuthJson::parse(compact.as_bytes()).err(), Some(ParseError::TooLarge(_))));
}

#[test]
fn a_deep_document_is_refused_and_overflows_nothing() {
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(AuthJson::parse(deep.as_bytes()).err(), Some(ParseError::NotJson { .. })));
}
