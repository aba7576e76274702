//! `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` and `az://ACCOUNT/CONTAINER/PREFIX`, with the few options that say where a
//! service is. The address of a service is part of the store, so it stands here and never in a variable: a job's
//! environment must not be able to send batons to somebody else's service.

use std::fmt;

use url::{Host, Url};

/// An object's key may have 1024 bytes; the slot's name and what we add to it need some of them.
const LONGEST_PREFIX: usize = 512;
/// The longest name of a bucket, a container or an account, in bytes; that of GCS, with dots.
const LONGEST_NAME: usize = 222;

/// An object store and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUrl {
    pub(super) service: Service,
    /// The bucket, or the container.
    pub(super) bucket: String,
    /// What keys begin with; empty, or without slashes at its ends.
    pub(super) prefix: String,
    /// Another service than the cloud's own.
    pub(super) endpoint: Option<Url>,
}

/// Which protocol it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Service {
    S3 {
        region: Option<String>,
        /// `None`: as the service is usually asked.
        path_style: Option<bool>,
        /// Where a web identity becomes keys, if that is not AWS's own place in the region.
        sts: Option<Url>,
    },
    Gcs,
    Azure {
        account: String,
    },
}

/// Why a text is no such URL. The text is not repeated: an address may have a secret in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectUrlError {
    /// No bucket, or one that cannot be.
    #[error(
        "it needs a bucket, as in `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://ACCOUNT/CONTAINER/PREFIX`"
    )]
    NoBucket,
    /// A prefix that is no plain path.
    #[error(
        "what stands behind the bucket must be a plain path: letters, digits, `-`, `_`, `.` and single `/`"
    )]
    NotAPrefix,
    /// An option that this store does not have, or with a value that it cannot have.
    #[error(
        "it has the options `endpoint=`, and for `s3:` `region=`, `path-style=yes|no` and `sts=`, each once"
    )]
    UnknownOption,
    /// An address that is none, or has more in it than an address.
    #[error("an `endpoint` or `sts` is an address as in `https://HOST`, without name, password, `?` and `#`")]
    NotAnAddress,
    /// Plain HTTP to another machine.
    #[error(
        "an `endpoint` is asked by `https` (`--ca-file` takes the certificate of your own service); plain `http` goes no further than this machine"
    )]
    NotEncrypted,
}

impl ObjectUrl {
    /// Reads what stands behind `s3:`, `gs:` or `az:`.
    ///
    /// # Errors
    /// When it names no place, or has options that it cannot have.
    pub(in crate::store) fn parse(scheme: &str, rest: &str) -> Result<Self, ObjectUrlError> {
        let rest = rest.strip_prefix("//").ok_or(ObjectUrlError::NoBucket)?;
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (first, path) = path.split_once('/').unwrap_or((path, ""));
        let (mut service, bucket, prefix) = match scheme {
            "az" => {
                let (container, prefix) = path.split_once('/').unwrap_or((path, ""));
                (Service::Azure { account: named(first)? }, container, prefix)
            }
            "gs" => (Service::Gcs, first, path),
            _ => (Service::S3 { region: None, path_style: None, sts: None }, first, path),
        };
        let mut endpoint = None;
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or(ObjectUrlError::UnknownOption)?;
            match (&mut service, name) {
                (_, "endpoint") if endpoint.is_none() => endpoint = Some(address(value)?),
                (Service::S3 { region, .. }, "region") if region.is_none() => {
                    *region = Some(named(value).map_err(|_| ObjectUrlError::UnknownOption)?);
                }
                (Service::S3 { path_style, .. }, "path-style") if path_style.is_none() => {
                    *path_style = Some(match value {
                        "yes" => true,
                        "no" => false,
                        _ => return Err(ObjectUrlError::UnknownOption),
                    });
                }
                (Service::S3 { sts, .. }, "sts") if sts.is_none() => *sts = Some(address(value)?),
                _ => return Err(ObjectUrlError::UnknownOption),
            }
        }
        Ok(Self { service, bucket: named(bucket)?, prefix: plain(prefix)?, endpoint })
    }

    /// Returns the key of something of a slot's.
    pub(super) fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

/// The store's name for people and journals: what makes it this store, and no option that only says how it is reached.
impl fmt::Display for ObjectUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Service::S3 { .. } => write!(out, "s3://{}", self.bucket)?,
            Service::Gcs => write!(out, "gs://{}", self.bucket)?,
            Service::Azure { account } => write!(out, "az://{account}/{}", self.bucket)?,
        }
        if !self.prefix.is_empty() {
            write!(out, "/{}", self.prefix)?;
        }
        match &self.endpoint {
            Some(endpoint) => write!(out, "?endpoint={}", endpoint.as_str().trim_end_matches('/')),
            None => Ok(()),
        }
    }
}

/// Returns whether an address is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn named(text: &str) -> Result<String, ObjectUrlError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let whole = !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(fits);
    if whole && !text.starts_with('.') { Ok(text.to_owned()) } else { Err(ObjectUrlError::NoBucket) }
}

fn plain(prefix: &str) -> Result<String, ObjectUrlError> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let is_part = |part: &str| part != "." && part != ".." && named(part.trim_start_matches('.')).is_ok();
    if prefix.is_empty() || prefix.len() <= LONGEST_PREFIX && prefix.split('/').all(is_part) {
        Ok(prefix.to_owned())
    } else {
        Err(ObjectUrlError::NotAPrefix)
    }
}

fn address(text: &str) -> Result<Url, ObjectUrlError> {
    let url = Url::parse(text).map_err(|_| ObjectUrlError::NotAnAddress)?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match url.scheme() {
        _ if !is_bare || !url.has_host() => Err(ObjectUrlError::NotAnAddress),
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(ObjectUrlError::NotEncrypted),
        _ => Err(ObjectUrlError::NotAnAddress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store's name, or why there is none.
    fn read(text: &str) -> Result<String, ObjectUrlError> {
        let (scheme, rest) = text.split_once(':').unwrap();
        ObjectUrl::parse(scheme, rest).map(|url| url.to_string())
    }

    #[test]
    fn reads_urls_and_names_stores_by_what_makes_them_this_store() {
        let table = [
            ("s3://bucket", Ok("s3://bucket")),
            ("s3://my.bucket-1/ci/authbaton/", Ok("s3://my.bucket-1/ci/authbaton")),
            ("s3://b/p?region=eu-west-1&path-style=yes&sts=https://sts.example", Ok("s3://b/p")),
            ("s3://b?endpoint=https://s3.example/", Ok("s3://b?endpoint=https://s3.example")),
            ("s3://b?endpoint=http://127.0.0.1:9/&path-style=no", Ok("s3://b?endpoint=http://127.0.0.1:9")),
            ("s3://b?endpoint=http://localhost:9", Ok("s3://b?endpoint=http://localhost:9")),
            ("gs://b/p", Ok("gs://b/p")),
            ("az://account/container/p/q", Ok("az://account/container/p/q")),
            ("az://a/c?endpoint=https://a.blob.example", Ok("az://a/c?endpoint=https://a.blob.example")),
            ("s3:bucket", Err(ObjectUrlError::NoBucket)),
            ("s3://", Err(ObjectUrlError::NoBucket)),
            ("s3:///p", Err(ObjectUrlError::NoBucket)),
            ("s3://KEY:SECRET@bucket/p", Err(ObjectUrlError::NoBucket)),
            ("az://account", Err(ObjectUrlError::NoBucket)),
            ("s3://b/../c", Err(ObjectUrlError::NotAPrefix)),
            ("s3://b//p", Err(ObjectUrlError::NotAPrefix)),
            ("s3://b/p q", Err(ObjectUrlError::NotAPrefix)),
            ("s3://b/p%2f", Err(ObjectUrlError::NotAPrefix)),
            ("s3://b/p#x", Err(ObjectUrlError::NotAPrefix)),
            ("s3://b?region=eu&region=us", Err(ObjectUrlError::UnknownOption)),
            ("s3://b?conditional-put=disabled", Err(ObjectUrlError::UnknownOption)),
            ("s3://b?path-style=maybe", Err(ObjectUrlError::UnknownOption)),
            ("gs://b?region=eu", Err(ObjectUrlError::UnknownOption)),
            ("az://a/c?sig=abc", Err(ObjectUrlError::UnknownOption)),
            ("s3://b?endpoint=https://user:secret@s3.example", Err(ObjectUrlError::NotAnAddress)),
            ("s3://b?endpoint=https://s3.example?token=secret", Err(ObjectUrlError::NotAnAddress)),
            ("s3://b?endpoint=s3.example", Err(ObjectUrlError::NotAnAddress)),
            ("s3://b?endpoint=file:///etc", Err(ObjectUrlError::NotAnAddress)),
            ("s3://b?endpoint=http://192.168.0.2:9000", Err(ObjectUrlError::NotEncrypted)),
            ("s3://b?endpoint=http://127.0.0.1.example", Err(ObjectUrlError::NotEncrypted)),
            ("s3://b?sts=http://sts.example", Err(ObjectUrlError::NotEncrypted)),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn keys_lie_below_the_prefix() {
        let table = [("s3://b", "x"), ("s3://b/", "x"), ("s3://b/p/q", "p/q/x"), ("az://a/c/.p", ".p/x")];
        for (text, key) in table {
            let (scheme, rest) = text.split_once(':').unwrap();
            assert_eq!(ObjectUrl::parse(scheme, rest).unwrap().key("x"), key, "{text}");
        }
    }
}
