//! From a URL and credentials to the client of one service. Conditions are always on, and nothing is sent again by itself:
//! a write whose first reply was lost would be told that somebody else was quicker.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ObjectStore as Objects, RetryConfig};
use url::Url;
use zeroize::Zeroizing;

use super::super::StoreError;
use super::credentials::{self, Credentials};
use super::url::{ObjectUrl, Service, is_loopback};
use super::wire::{Wire, place};
use crate::job::Environment;

/// Where GCS is; what a key file says of it does not count.
const GCS: &str = "https://storage.googleapis.com";
/// The region of services that have none.
const NO_REGION: &str = "us-east-1";

/// What a client of the service is made of.
pub(super) enum Settings {
    S3 { credentials: Credentials<AmazonS3ConfigKey>, region: Zeroizing<String> },
    Gcs(Credentials<GoogleConfigKey>),
    Azure(Credentials<AzureConfigKey>),
}

impl Settings {
    /// Reads what the service needs out of the environment.
    pub(super) fn read(url: &ObjectUrl, environment: &Environment) -> Result<Self, StoreError> {
        match &url.service {
            Service::S3 { region, .. } => {
                if url.endpoint.is_none() {
                    credentials::refuse_endpoint(environment)?;
                }
                let named = region.clone().map(Zeroizing::new).or_else(|| credentials::region(environment));
                let other = || url.endpoint.as_ref().map(|_| Zeroizing::new(NO_REGION.to_owned()));
                let region = named.or_else(other).ok_or_else(|| {
                    let text =
                        "no region is given: set AWS_REGION, or write `s3://BUCKET/PREFIX?region=REGION`";
                    StoreError::NotHere(text.to_owned())
                })?;
                Ok(Self::S3 { credentials: credentials::s3(environment)?, region })
            }
            Service::Gcs => Ok(Self::Gcs(credentials::gcs(environment)?)),
            Service::Azure { .. } => Ok(Self::Azure(credentials::azure(environment)?)),
        }
    }

    /// Returns whether the machine, or the container, is to say who we are.
    pub(super) fn asks_machine(&self) -> bool {
        match self {
            Self::S3 { credentials, .. } => !credentials.settings.iter().any(|(key, _)| {
                matches!(key, AmazonS3ConfigKey::AccessKeyId | AmazonS3ConfigKey::WebIdentityTokenFile)
            }),
            Self::Gcs(credentials) => credentials.settings.is_empty(),
            // A client's name alone says which of the machine's identities is meant.
            Self::Azure(credentials) => !credentials
                .settings
                .iter()
                .any(|(key, _)| !matches!(key, AzureConfigKey::ClientId | AzureConfigKey::MsiResourceId)),
        }
    }

    /// Makes the client. Nothing is asked yet.
    pub(super) fn build(&self, url: &ObjectUrl, wire: Wire) -> Result<Arc<dyn Objects>, StoreError> {
        let built: object_store::Result<Arc<dyn Objects>> = match self {
            Self::S3 { credentials, region } => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(&url.bucket)
                    .with_region(region.as_str())
                    .with_conditional_put(S3ConditionalPut::ETagMatch)
                    // One object by one request, for which the right to delete it is enough.
                    .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
                    .with_virtual_hosted_style_request(!has_path_style(url))
                    .with_retry(never())
                    .with_http_connector(wire);
                if let Some(endpoint) = endpoint(url) {
                    builder = builder.with_endpoint(endpoint);
                }
                if let Service::S3 { sts: Some(sts), .. } = &url.service {
                    builder = builder.with_config(AmazonS3ConfigKey::StsEndpoint, bare(sts));
                }
                let builder = set(builder, credentials, AmazonS3Builder::with_config);
                builder.build().map(|client| Arc::new(client) as _)
            }
            Self::Gcs(credentials) => {
                let builder = GoogleCloudStorageBuilder::new()
                    .with_bucket_name(&url.bucket)
                    .with_config(
                        GoogleConfigKey::BaseUrl,
                        url.endpoint.as_ref().map_or_else(|| GCS.to_owned(), bare),
                    )
                    .with_retry(never())
                    .with_http_connector(wire);
                let builder = set(builder, credentials, GoogleCloudStorageBuilder::with_config);
                builder.build().map(|client| Arc::new(client) as _)
            }
            Self::Azure(credentials) => {
                let Service::Azure { account } = &url.service else { return Err(unusable()) };
                let mut builder = MicrosoftAzureBuilder::new()
                    .with_account(account)
                    .with_container_name(&url.bucket)
                    .with_retry(never())
                    .with_http_connector(wire);
                if let Some(endpoint) = &url.endpoint {
                    builder = builder.with_endpoint(bare(endpoint));
                }
                let builder = set(builder, credentials, MicrosoftAzureBuilder::with_config);
                builder.build().map(|client| Arc::new(client) as _)
            }
        };
        // The crate's own words may have a key in them.
        built.map_err(|_| unusable())
    }
}

impl ObjectUrl {
    /// Returns host and port that the service is asked at.
    pub(super) fn place(&self, settings: &Settings) -> String {
        if let Some(told) = endpoint(self).and_then(|address| Url::parse(&address).ok()) {
            return place(&told);
        }
        let host = match (&self.service, settings) {
            (Service::S3 { .. }, Settings::S3 { region, .. }) if has_path_style(self) => {
                format!("s3.{}.amazonaws.com", **region)
            }
            (Service::S3 { .. }, Settings::S3 { region, .. }) => {
                format!("{}.s3.{}.amazonaws.com", self.bucket, **region)
            }
            (Service::Azure { account }, _) => format!("{account}.blob.core.windows.net"),
            _ => "storage.googleapis.com".to_owned(),
        };
        format!("{host}:443")
    }

    pub(super) fn is_on_this_machine(&self) -> bool {
        self.endpoint.as_ref().is_some_and(is_loopback)
    }
}

/// AWS wants the bucket in the host's name, where a bucket with dots has no certificate; other services have it in the path.
fn has_path_style(url: &ObjectUrl) -> bool {
    let usual = url.endpoint.is_some() || url.bucket.contains('.');
    match &url.service {
        Service::S3 { path_style, .. } => path_style.unwrap_or(usual),
        _ => usual,
    }
}

/// The address as the crate wants it: with the bucket in the host's name where that is the style.
fn endpoint(url: &ObjectUrl) -> Option<String> {
    let mut endpoint = url.endpoint.clone()?;
    if matches!(url.service, Service::S3 { .. }) && !has_path_style(url) {
        let host = format!("{}.{}", url.bucket, endpoint.host_str()?);
        endpoint.set_host(Some(&host)).ok()?;
    }
    Some(bare(&endpoint))
}

fn bare(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn set<Builder, Key: Copy>(
    builder: Builder,
    credentials: &Credentials<Key>,
    with: impl Fn(Builder, Key, String) -> Builder,
) -> Builder {
    credentials.settings.iter().fold(builder, |builder, (key, value)| with(builder, *key, value.to_string()))
}

/// Sends nothing twice.
fn never() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() }
}

fn unusable() -> StoreError {
    StoreError::NotHere("the credentials for it cannot be used".to_owned())
}
