//! How requests leave this machine: one HTTP client with bundled roots and those of `--ca-file`, the proxies of the
//! environment, no redirects, and a runtime that drives it on the thread that asks. Nothing is built before it is used.
//!
//! It knows nothing of what is sent: who asks sets headers and time limits, and caps what is read.

mod body;

use std::cell::OnceCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client as HttpClient, redirect};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};

use crate::disk::{DiskError, Read, read_capped};

pub use body::{Body, read_body};

const MAX_CA_BYTES: usize = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether requests go through the proxies that the environment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// They do, as the variables say.
    OfEnvironment,
    /// They do not: a proxy would read what is not encrypted, and loopback needs none.
    Unused,
}

/// The client could not be made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The HTTP client cannot be built: an unusable proxy setting, or no sockets.
    #[error("the HTTP client cannot be built")]
    Build,
    /// The runtime cannot be built.
    #[error("the HTTP client cannot be started")]
    Runtime(#[source] io::Error),
    /// The file with additional roots cannot be read.
    #[error("the CA file cannot be read")]
    CaFile(#[from] DiskError),
    /// The file with additional roots has none.
    #[error("`{}` has no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
}

/// An HTTP client that costs nothing until it is first used.
pub struct Transport {
    ca_file: Option<PathBuf>,
    proxies: Proxies,
    built: OnceCell<(Runtime, HttpClient)>,
}

impl Transport {
    /// Says how requests are to travel. `ca_file` adds roots to the bundled ones.
    #[must_use]
    pub fn new(ca_file: Option<PathBuf>, proxies: Proxies) -> Self {
        Self { ca_file, proxies, built: OnceCell::new() }
    }

    /// Builds the client, so that what is wrong with it shows before anything is spent.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn prepare(&self) -> Result<(), TransportError> {
        self.built().map(drop)
    }

    /// Runs what `ask` does with the client, to its end.
    ///
    /// # Errors
    /// When the client cannot be built; then `ask` was not called.
    pub fn run<T>(&self, ask: impl AsyncFnOnce(&HttpClient) -> T) -> Result<T, TransportError> {
        let (runtime, client) = self.built()?;
        Ok(runtime.block_on(ask(client)))
    }

    fn built(&self) -> Result<&(Runtime, HttpClient), TransportError> {
        if let Some(built) = self.built.get() {
            return Ok(built);
        }
        // Someone in this process may have installed it already; then it is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(TransportError::Runtime)?;
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = &self.ca_file {
            add_certificates(&mut roots, path)?;
        }
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let builder = HttpClient::builder();
        let builder = match self.proxies {
            Proxies::OfEnvironment => builder,
            Proxies::Unused => builder.no_proxy(),
        };
        let client = builder
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|_| TransportError::Build)?;
        Ok(self.built.get_or_init(|| (runtime, client)))
    }
}

fn add_certificates(roots: &mut RootCertStore, path: &Path) -> Result<(), TransportError> {
    let none = || TransportError::NoCertificate(path.to_owned());
    let Read::Content(pem) = read_capped(path, MAX_CA_BYTES)? else { return Err(none()) };
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| none())?;
    match roots.add_parsable_certificates(certificates) {
        (0, _) | (_, 1..) => Err(none()),
        (_, 0) => Ok(()),
    }
}
