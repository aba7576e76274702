//! Who we are for a service: what the environment says reaches it, and nothing else that an environment may say counts.

use std::fs;

use authbaton::store::{Store, StoreError};

use super::{Bucket, open_with};
use crate::bucket_server::{BucketServer, Fault, On, SESSION};
use crate::place::{put, slot};

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret-canary")];

/// Writes once, and returns how the service was told who we are.
fn authorization(place: &Bucket, store: &dyn Store) -> String {
    put(store, &slot(), None, "one");
    place.server().authorizations().concat()
}

/// Tokens in files, as CIs leave them.
fn token_file(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn keys_and_their_session_token_sign_requests() {
    let place = Bucket::strict("s3");
    let store = open_with(place.url(), &[&KEYS[..], &[("AWS_SESSION_TOKEN", "session")]].concat()).unwrap();
    let told = authorization(&place, &*store);
    assert!(told.starts_with("AWS4-HMAC-SHA256 Credential=id/"), "{told}");
    assert!(told.ends_with(" session") && !told.contains("canary"), "{told}");
}

#[test]
fn a_web_identity_becomes_keys_where_the_url_says() {
    let (sts, place) = (BucketServer::start(), Bucket::strict("s3"));
    let (_directory, file) = token_file("web-token");
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", &*file), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci")];
    // A variable does not say where.
    let poisoned = [&variables[..], &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")]].concat();
    let store = open_with(&format!("{}&sts={}", place.url(), sts.origin()), &poisoned).unwrap();
    let told = authorization(&place, &*store);
    assert!(told.contains("Credential=sts-id/") && told.contains(SESSION), "{told}");
    assert_eq!(sts.asked().len(), 1, "credentials are asked for once");
}

#[test]
fn a_container_gives_keys() {
    let (pod, place) = (BucketServer::start(), Bucket::strict("s3"));
    let (_directory, file) = token_file("pod-token");
    let uri = format!("{}/container", pod.origin());
    let variables =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &*file)];
    let store = open_with(place.url(), &variables).unwrap();
    let told = authorization(&place, &*store);
    assert!(told.contains("Credential=pod-id/"), "{told}");
    // In plain text no further than this machine.
    let outside = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x"), variables[1]];
    let refused = open_with(place.url(), &outside).unwrap().load(&slot()).err().unwrap();
    assert!(refused.to_string().contains("in plain text only"), "{refused}");
}

#[test]
fn who_gives_out_credentials_and_does_not_is_told_apart_from_the_store() {
    let (sts, place) = (BucketServer::start(), Bucket::strict("s3"));
    let (_directory, file) = token_file("web-token");
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", &*file), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci")];
    let url = format!("{}&sts={}", place.url(), sts.origin());
    sts.fault(On::Credentials, Fault::Answer(403, "AccessDenied"));
    let denied = open_with(&url, &variables).unwrap().load(&slot()).err().unwrap();
    assert!(matches!(denied, StoreError::Denied(_)), "{denied}");
    assert!(denied.to_string().contains("who gives out its credentials answered 403"), "{denied}");
    for _ in 0..3 {
        sts.fault(On::Credentials, Fault::Answer(503, "Down"));
    }
    let down = open_with(&url, &variables).unwrap().load(&slot()).err().unwrap();
    assert!(matches!(down, StoreError::Unreachable(_)), "{down}");
    let missing = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"), variables[1]];
    let missing = open_with(&url, &missing).unwrap().load(&slot()).err().unwrap();
    assert!(matches!(missing, StoreError::NotHere(_)), "{missing}");
    assert!(place.server().asked().is_empty(), "nothing is asked without credentials");
}

#[test]
fn google_is_told_a_token() {
    let place = Bucket::strict("gs");
    let store = open_with(place.url(), &[("GOOGLE_OAUTH_ACCESS_TOKEN", "token")]).unwrap();
    assert!(authorization(&place, &*store).starts_with("Bearer token"));
}

#[test]
fn azure_takes_a_signature_that_others_have_made_and_says_when_it_is_none() {
    let server = BucketServer::start();
    let url = format!("az://account/bkt/p?endpoint={}", server.origin());
    let store = open_with(&url, &[("AZURE_STORAGE_SAS_TOKEN", "?sv=2023&sig=canary%2B1")]).unwrap();
    // The server wants a header; what matters is that no error has the signature in it.
    let denied = store.load(&slot()).err().unwrap();
    assert!(matches!(denied, StoreError::Denied(_)) && !denied.to_string().contains("canary"), "{denied}");
    let store = open_with(&url, &[("AZURE_STORAGE_KEY", "no base64 canary")]).unwrap();
    let unusable = store.load(&slot()).err().unwrap();
    assert!(matches!(unusable, StoreError::NotHere(_)), "{unusable}");
    assert!(!unusable.to_string().contains("canary"), "{unusable}");
}

#[test]
fn variables_do_not_move_or_weaken_a_store() {
    let (elsewhere, place) = (BucketServer::start(), Bucket::strict("s3"));
    let poison = [
        ("AWS_CONDITIONAL_PUT", "disabled"),
        ("AWS_SKIP_SIGNATURE", "true"),
        ("AWS_ENDPOINT_URL_S3", elsewhere.origin()),
        ("AWS_ENDPOINT", elsewhere.origin()),
        ("HTTP_PROXY", elsewhere.origin()),
    ];
    let store = open_with(place.url(), &[&KEYS[..], &poison].concat()).unwrap();
    assert!(authorization(&place, &*store).contains("Credential=id/"));
    store.prove(&slot()).unwrap();
    assert!(elsewhere.asked().is_empty());
    // Where the URL does not say where the service is, a variable that does is not passed over in silence.
    let refused = open_with("s3://bucket/p?region=eu-west-1", &[&KEYS[..], &poison].concat()).err().unwrap();
    assert!(
        matches!(&refused, StoreError::NotHere(text) if text.contains("AWS_ENDPOINT_URL_S3")),
        "{refused}"
    );
    let nowhere = open_with("s3://bucket/p", &KEYS).err().unwrap();
    assert!(matches!(&nowhere, StoreError::NotHere(text) if text.contains("AWS_REGION")), "{nowhere}");
}

#[test]
fn the_name_of_a_store_has_nothing_in_it_that_says_who_we_are() {
    let place = Bucket::strict("s3");
    let url = format!("{}&region=eu-west-1&path-style=yes", place.url());
    let store = open_with(&url, &KEYS).unwrap();
    assert_eq!(store.name(), place.url());
}
