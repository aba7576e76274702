//! What object stores promise beside the contract: whose answers mean what, that nothing is sent twice, that a service which
//! does not keep its conditions is found out, and who we are for it.

mod answers;
mod credentials;
mod probe;

use std::collections::BTreeMap;

use authbaton::baton::Audience;
use authbaton::job::{Environment, Masks};
use authbaton::store::{Opening, Store, StoreError, StoreUrl};

use crate::bucket_server::{BUCKET, BucketServer};
use crate::place::Place;
use crate::support::object_servers::{self, AZURITE_ACCOUNT, AZURITE_KEY};

/// A prefix of its own in a bucket.
pub(crate) struct Bucket {
    url: Option<String>,
    server: Option<BucketServer>,
}

impl Bucket {
    /// In moto, the S3 of others.
    pub(crate) fn moto() -> Self {
        Self::of_others(object_servers::moto().map(|port| {
            let endpoint = format!("http://127.0.0.1:{port}");
            request(reqwest::Method::PUT, &format!("{endpoint}/{BUCKET}"), &[]);
            format!("s3://{BUCKET}/{}?endpoint={endpoint}", fresh())
        }))
    }

    /// In Azurite, the Azure of others.
    pub(crate) fn azurite() -> Self {
        Self::of_others(object_servers::azurite().map(|port| {
            let endpoint = format!("http://127.0.0.1:{port}/{AZURITE_ACCOUNT}");
            make_container(&endpoint);
            format!("az://{AZURITE_ACCOUNT}/{BUCKET}/{}?endpoint={endpoint}", fresh())
        }))
    }

    /// In the server of our own.
    pub(crate) fn strict(scheme: &str) -> Self {
        let server = BucketServer::start();
        Self { url: Some(server.store(scheme, "ci/authbaton")), server: Some(server) }
    }

    pub(crate) fn server(&self) -> &BucketServer {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().unwrap()
    }

    fn of_others(url: Option<String>) -> Self {
        Self { url, server: None }
    }
}

impl Place for Bucket {
    fn variables(&self) -> Vec<(&'static str, String)> {
        CREDENTIALS.map(|(name, value)| (name, value.to_owned())).into()
    }

    fn address(&self) -> String {
        self.url().to_owned()
    }

    fn is_turned_off(&self) -> bool {
        self.url.is_none()
    }
}

/// What every server here takes.
const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret-canary"),
    ("GOOGLE_OAUTH_ACCESS_TOKEN", "token-canary"),
    ("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY),
];

/// Opens a store with such credentials.
pub(crate) fn open(url: &str) -> Box<dyn Store> {
    open_with(url, &CREDENTIALS).unwrap()
}

pub(crate) fn open_with(url: &str, variables: &[(&str, &str)]) -> Result<Box<dyn Store>, StoreError> {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::Fixed(owned.collect::<BTreeMap<_, _>>());
    let audience = Audience::default();
    let opening = Opening {
        environment: &environment,
        ca_file: None,
        audience: &audience,
        masks: Masks::none(),
        secrets: &[],
        read_only: None,
    };
    Ok(StoreUrl::parse(url).unwrap().open(&opening)?.unwrap())
}

fn fresh() -> String {
    format!("test-{:016x}", u64::from_le_bytes(authbaton::job::random().unwrap()))
}

/// Asks a server for something that the store never asks for.
fn request(method: reqwest::Method, url: &str, headers: &[(&str, String)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        headers.iter().fold(client.request(method, url), |it, (name, value)| it.header(*name, value));
    let status = runtime.block_on(request.send()).unwrap().status();
    // 409: another test has made it.
    assert!(status.is_success() || status == 409, "{status}");
}

/// Makes the container, with the signature that Azure wants for it.
fn make_container(endpoint: &str) {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use hmac::{Hmac, KeyInit, Mac};
    let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let text = format!(
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2023-11-03\n\
         /{AZURITE_ACCOUNT}/{AZURITE_ACCOUNT}/{BUCKET}\nrestype:container"
    );
    let mut mac =
        Hmac::<sha2::Sha256>::new_from_slice(&BASE64_STANDARD.decode(AZURITE_KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let headers = [
        ("x-ms-date", date),
        ("x-ms-version", "2023-11-03".to_owned()),
        ("content-length", "0".to_owned()),
        ("authorization", format!("SharedKey {AZURITE_ACCOUNT}:{signature}")),
    ];
    request(reqwest::Method::PUT, &format!("{endpoint}/{BUCKET}?restype=container"), &headers);
}
