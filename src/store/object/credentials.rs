//! Who we are for a service, as CIs tell it: by variables, by files that variables name, and, only when there is none of
//! these, by what a machine or a container can ask about itself.
//!
//! Everything comes out of the [`Environment`] that the store was opened with. Variables that say where a service is, or
//! what it does not have to enforce, are not read: those are in the store's URL, or nowhere.

use std::path::{Path, PathBuf};

use object_store::aws::AmazonS3ConfigKey as S3;
use object_store::azure::AzureConfigKey as Azure;
use object_store::gcp::GoogleConfigKey as Gcs;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::StoreError;
use crate::disk::{Read, read_capped};
use crate::job::Environment;

/// Every variable that is read here, by service.
pub(super) const S3_VARIABLES: [&str; 15] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
];
pub(super) const GCS_VARIABLES: [&str; 7] = [
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_CREDENTIALS",
    "HOME",
    "APPDATA",
];
pub(super) const AZURE_VARIABLES: [&str; 12] = [
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_MSI_RESOURCE_ID",
];

/// Who gives out Azure's tokens, in its clouds. A variable that names another would send our secret there.
const AZURE_AUTHORITIES: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
];

/// A key file of Google's has 2 to 3 KiB.
const MAX_KEY_BYTES: usize = 64 * 1024;

/// Settings for the crate's builder of one service.
pub(super) struct Credentials<Key> {
    pub(super) settings: Vec<(Key, Zeroizing<String>)>,
}

impl<Key> Credentials<Key> {
    fn none() -> Self {
        Self { settings: Vec::new() }
    }

    fn with(mut self, key: Key, value: impl Into<Option<Zeroizing<String>>>) -> Self {
        self.settings.extend(value.into().map(|value| (key, value)));
        self
    }
}

/// AWS's own order: keys, a web identity, the container, the machine.
pub(super) fn s3(environment: &Environment) -> Result<Credentials<S3>, StoreError> {
    let get = |name| environment.get(name);
    let found = Credentials::none();
    match (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            let found = found.with(S3::AccessKeyId, id).with(S3::SecretAccessKey, secret);
            return Ok(found.with(S3::Token, get("AWS_SESSION_TOKEN")));
        }
        (None, None) => {}
        _ => return Err(not_here("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set")),
    }
    if let (Some(file), Some(role)) = (get("AWS_WEB_IDENTITY_TOKEN_FILE"), get("AWS_ROLE_ARN")) {
        let found = found.with(S3::WebIdentityTokenFile, file).with(S3::RoleArn, role);
        return Ok(found.with(S3::RoleSessionName, get("AWS_ROLE_SESSION_NAME")));
    }
    if let Some(path) = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return Ok(found.with(S3::ContainerCredentialsRelativeUri, path));
    }
    if let (Some(uri), Some(file)) =
        (get("AWS_CONTAINER_CREDENTIALS_FULL_URI"), get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
    {
        let found = found.with(S3::ContainerCredentialsFullUri, uri);
        return Ok(found.with(S3::ContainerAuthorizationTokenFile, file));
    }
    if get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(not_here("no credentials for S3 are set, and AWS_EC2_METADATA_DISABLED is"));
    }
    Ok(found)
}

/// Returns where the buckets are, unless the URL says it.
pub(super) fn region(environment: &Environment) -> Option<Zeroizing<String>> {
    environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"))
}

/// Refuses a variable that names another service than the one that the URL means: whoever set it expects that it counts.
pub(super) fn refuse_endpoint(environment: &Environment) -> Result<(), StoreError> {
    let names = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    match names.into_iter().find(|name| environment.has(name)) {
        None => Ok(()),
        Some(name) => Err(not_here(&format!(
            "{name} is set, and only the store's URL says where it is: `s3://BUCKET/PREFIX?endpoint=https://HOST`"
        ))),
    }
}

/// A token that somebody has made, a key in a variable, a file, and the machine.
pub(super) fn gcs(environment: &Environment) -> Result<Credentials<Gcs>, StoreError> {
    let get = |name| environment.get(name);
    let found = Credentials::none();
    if let Some(token) = get("GOOGLE_OAUTH_ACCESS_TOKEN").or_else(|| get("CLOUDSDK_AUTH_ACCESS_TOKEN")) {
        return Ok(found.with(Gcs::BearerToken, token));
    }
    let key = get("GOOGLE_SERVICE_ACCOUNT_KEY").or_else(|| get("GOOGLE_CREDENTIALS"));
    // Some put the name of a file there.
    if let Some(key) = key.filter(|key| key.trim_start().starts_with('{')) {
        return match kind(key.as_bytes())? {
            Kind::ServiceAccount => Ok(found.with(Gcs::ServiceAccountKey, key)),
            Kind::AuthorizedUser => Err(not_here("a user's Google credentials are read from a file only")),
        };
    }
    let named = environment.path("GOOGLE_APPLICATION_CREDENTIALS");
    let path = match named {
        Some(path) => path,
        None => match well_known(environment).filter(|path| path.exists()) {
            Some(path) => path,
            None => return Ok(found),
        },
    };
    google_file(&path)
}

fn google_file(path: &Path) -> Result<Credentials<Gcs>, StoreError> {
    let Read::Content(content) = read_capped(path, MAX_KEY_BYTES)? else {
        return Err(not_here("the file that GOOGLE_APPLICATION_CREDENTIALS names is not there"));
    };
    let found = Credentials::none();
    match kind(&content)? {
        Kind::ServiceAccount => {
            let text = std::str::from_utf8(&content).map_err(|_| not_here(NO_GOOGLE_FILE))?;
            Ok(found.with(Gcs::ServiceAccountKey, Zeroizing::new(text.to_owned())))
        }
        Kind::AuthorizedUser => {
            let path = path.to_str().ok_or_else(|| not_here(NO_GOOGLE_FILE))?;
            Ok(found.with(Gcs::ApplicationCredentials, Zeroizing::new(path.to_owned())))
        }
    }
}

/// Where `gcloud auth application-default login` puts them.
fn well_known(environment: &Environment) -> Option<PathBuf> {
    let below_home = || Some(environment.path("HOME")?.join(".config"));
    let base = if cfg!(windows) { environment.path("APPDATA") } else { below_home() };
    Some(base?.join("gcloud").join("application_default_credentials.json"))
}

const NO_GOOGLE_FILE: &str = "what Google's variables name is no service account and no user's credentials";

enum Kind {
    ServiceAccount,
    AuthorizedUser,
}

fn kind(content: &[u8]) -> Result<Kind, StoreError> {
    #[derive(Deserialize)]
    struct Label {
        r#type: String,
    }
    let label: Label = serde_json::from_slice(content).map_err(|_| not_here(NO_GOOGLE_FILE))?;
    match label.r#type.as_str() {
        "service_account" => Ok(Kind::ServiceAccount),
        "authorized_user" => Ok(Kind::AuthorizedUser),
        "external_account" => Err(not_here(
            "workload identity federation by a file is not supported: let google-github-actions/auth make an access \
             token (`token_format: access_token`) and hand it over as GOOGLE_OAUTH_ACCESS_TOKEN",
        )),
        _ => Err(not_here(NO_GOOGLE_FILE)),
    }
}

/// What belongs to storage alone, then an application's identity, then the machine's.
pub(super) fn azure(environment: &Environment) -> Result<Credentials<Azure>, StoreError> {
    let get = |name| environment.get(name);
    let found = Credentials::none();
    if let Some(token) = get("AZURE_STORAGE_TOKEN") {
        return Ok(found.with(Azure::Token, token));
    }
    let keys = ["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY"];
    if let Some(key) = keys.into_iter().find_map(get) {
        return Ok(found.with(Azure::AccessKey, key));
    }
    if let Some(sas) = get("AZURE_STORAGE_SAS_TOKEN").or_else(|| get("AZURE_STORAGE_SAS_KEY")) {
        return Ok(found.with(Azure::SasKey, sas));
    }
    let client = get("AZURE_CLIENT_ID");
    let (file, secret) = (get("AZURE_FEDERATED_TOKEN_FILE"), get("AZURE_CLIENT_SECRET"));
    match (client, get("AZURE_TENANT_ID")) {
        (Some(client), Some(tenant)) if file.is_some() || secret.is_some() => {
            let found = found.with(Azure::ClientId, client).with(Azure::AuthorityId, tenant);
            let found = found.with(Azure::AuthorityHost, authority(environment)?);
            // A token that lasts minutes before a secret that lasts years.
            Ok(match file {
                Some(file) => found.with(Azure::FederatedTokenFile, file),
                None => found.with(Azure::ClientSecret, secret),
            })
        }
        (client, _) => {
            let found = found.with(Azure::ClientId, client);
            Ok(found.with(Azure::MsiResourceId, get("AZURE_MSI_RESOURCE_ID")))
        }
    }
}

fn authority(environment: &Environment) -> Result<Option<Zeroizing<String>>, StoreError> {
    let Some(address) = environment.get("AZURE_AUTHORITY_HOST") else { return Ok(None) };
    let known = url::Url::parse(&address).is_ok_and(|url| {
        let is_microsoft = url.host_str().is_some_and(|host| AZURE_AUTHORITIES.contains(&host));
        url.scheme() == "https" && is_microsoft || super::url::is_loopback(&url)
    });
    if known { Ok(Some(address)) } else { Err(not_here("AZURE_AUTHORITY_HOST is none of Microsoft's")) }
}

fn not_here(text: &str) -> StoreError {
    StoreError::NotHere(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test writes the files that it reads")]

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::Fixed(owned.collect())
    }

    /// The settings that variables come to, or why there are none.
    fn told<Key: AsRef<str>>(found: Result<Credentials<Key>, StoreError>) -> Vec<String> {
        match found {
            Ok(found) => {
                found.settings.iter().map(|(key, value)| format!("{}={}", key.as_ref(), **value)).collect()
            }
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn s3_takes_keys_then_a_web_identity_then_the_container_then_the_machine() {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "arn")];
        let container = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")];
        let pod = [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/x"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/p"),
        ];
        let of = |parts: &[&[(&str, &str)]]| told(s3(&environment(&parts.concat())));
        let with_keys = ["aws_access_key_id=id", "aws_secret_access_key=secret"];
        assert_eq!(of(&[&keys, &web, &container, &pod]), with_keys);
        let session = [("AWS_SESSION_TOKEN", "s")];
        assert_eq!(of(&[&keys, &session]), [&with_keys[..], &["aws_session_token=s"]].concat());
        assert_eq!(of(&[&web, &container]), ["aws_web_identity_token_file=/t", "aws_role_arn=arn"]);
        assert_eq!(of(&[&container, &pod]), ["aws_container_credentials_relative_uri=/v2/x"]);
        let of_pod = [
            "aws_container_credentials_full_uri=http://169.254.170.23/x",
            "aws_container_authorization_token_file=/p",
        ];
        assert_eq!(of(&[&pod]), of_pod);
        assert!(of(&[&session]).is_empty(), "the machine is asked");
        let disabled = of(&[&[("AWS_EC2_METADATA_DISABLED", "true")]]);
        assert!(disabled[0].contains("no credentials for S3"), "{disabled:?}");
        assert!(of(&[&keys[..1]])[0].contains("only one is set"));
    }

    #[test]
    fn what_would_weaken_or_move_a_service_is_not_read() {
        let poison = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_CONDITIONAL_PUT", "disabled"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_SKIP_SIGNATURE", "true"),
            ("AWS_ENDPOINT_URL_STS", "https://elsewhere"),
            ("AWS_METADATA_ENDPOINT", "https://elsewhere"),
            ("AZURE_STORAGE_ENDPOINT", "https://elsewhere"),
            ("AZURE_STORAGE_SAS_TOKEN", "sig=x"),
            ("GOOGLE_BASE_URL", "https://elsewhere"),
            ("GOOGLE_OAUTH_ACCESS_TOKEN", "token"),
        ];
        let poison = environment(&poison);
        assert_eq!(told(s3(&poison)), ["aws_access_key_id=id", "aws_secret_access_key=secret"]);
        assert_eq!(told(azure(&poison)), ["azure_storage_sas_key=sig=x"]);
        assert_eq!(told(gcs(&poison)), ["google_bearer_token=token"]);
        for name in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"] {
            let refused = refuse_endpoint(&environment(&[(name, "https://elsewhere")]));
            assert!(refused.unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn azure_takes_what_is_for_storage_then_an_application_then_the_machine() {
        let application = [("AZURE_CLIENT_ID", "c"), ("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_SECRET", "s")];
        let of = |more: &[(&str, &str)]| told(azure(&environment(&[&application, more].concat())));
        let both = ["azure_storage_client_id=c", "azure_storage_tenant_id=t"];
        assert_eq!(of(&[("AZURE_STORAGE_KEY", "k")]), ["azure_storage_account_key=k"]);
        assert_eq!(of(&[]), [&both[..], &["azure_storage_client_secret=s"]].concat());
        let federated = of(&[("AZURE_FEDERATED_TOKEN_FILE", "/f")]);
        assert_eq!(federated, [&both[..], &["azure_federated_token_file=/f"]].concat());
        assert!(of(&[("AZURE_AUTHORITY_HOST", "https://login.example")])[0].contains("none of Microsoft's"));
        assert!(of(&[("AZURE_AUTHORITY_HOST", "http://login.microsoftonline.com")])[0].contains("none of"));
        assert_eq!(of(&[("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/")]).len(), 4);
        let machine = environment(&[("AZURE_CLIENT_ID", "c")]);
        assert_eq!(told(azure(&machine)), ["azure_storage_client_id=c"]);
    }

    #[test]
    fn google_takes_a_token_then_a_key_then_a_file_then_the_machine() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let account = r#"{"type":"service_account"}"#;
        let account_file = file("account", account);
        let user_file = file("user", r#"{"type":"authorized_user"}"#);
        let named = |path: &str| told(gcs(&environment(&[("GOOGLE_APPLICATION_CREDENTIALS", path)])));
        let as_key = format!("google_service_account_key={account}");
        assert_eq!(named(&account_file), std::slice::from_ref(&as_key));
        assert_eq!(named(&user_file), [format!("google_application_credentials={user_file}")]);
        let federated = named(&file("federated", r#"{"type":"external_account"}"#));
        assert!(federated[0].contains("GOOGLE_OAUTH_ACCESS_TOKEN"), "{federated:?}");
        for odd in ["", "{}", "[]", r#"{"type":"other"}"#] {
            assert!(named(&file("odd", odd))[0].contains("no service account"), "{odd}");
        }
        assert!(named("/nonexistent/file")[0].contains("is not there"));
        let key = [("GOOGLE_CREDENTIALS", account), ("GOOGLE_APPLICATION_CREDENTIALS", &user_file)];
        assert_eq!(told(gcs(&environment(&key))), [as_key]);
        let home = directory.path().to_str().unwrap();
        assert!(told(gcs(&environment(&[("HOME", home)]))).is_empty(), "the machine is asked");
        std::fs::create_dir_all(directory.path().join(".config/gcloud")).unwrap();
        let well_known = file(".config/gcloud/application_default_credentials.json", account);
        assert_eq!(told(gcs(&environment(&[("HOME", home)]))).len(), 1, "{well_known}");
    }
}
