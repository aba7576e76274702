//! Where the store of the bench is, and who counts what it is asked.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::bucket_server::{BUCKET, BucketServer};
use crate::counting_git::CountingGit;
use crate::git_host::GitHost;
use crate::object_servers;

/// What a job that need not wait asks at most: a look, an attempt for the lease that somebody else wins, what that reads
/// back, and a look. With git each look is two requests when something has changed.
const WITHOUT_WAITING: f64 = 4.0;
const WITHOUT_WAITING_GIT: f64 = 8.0;
/// The first renewal in an object store proves it.
const PROOF: f64 = 49.0;

pub(crate) struct Place {
    pub(crate) kind: String,
    url: String,
    counter: Counter,
}

enum Counter {
    /// Our own server knows.
    Strict(BucketServer),
    /// A proxy in front of it knows.
    Proxy(Arc<AtomicUsize>),
    /// The git on the path knows.
    Git { git: CountingGit, _host: GitHost },
    /// The jobs themselves know, as far as they are tasks.
    Tasks(AtomicUsize),
}

impl Place {
    pub(crate) fn of(kind: &str) -> Self {
        let (url, counter) = match kind {
            "strict" => {
                let server = BucketServer::start();
                (server.origin().to_owned(), Counter::Strict(server))
            }
            "moto" => {
                let port = object_servers::moto().unwrap();
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                write!(stream, "PUT /{BUCKET} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
                stream.read_to_end(&mut Vec::new()).unwrap();
                let counted = Arc::default();
                let proxy = counting_proxy(port, Arc::clone(&counted));
                (format!("http://127.0.0.1:{proxy}"), Counter::Proxy(counted))
            }
            "git" | "git-http" => {
                let host = GitHost::start();
                let remote = match kind {
                    "git" => host.repository().display().to_string(),
                    _ => host.url(),
                };
                (format!("git:{remote}"), Counter::Git { git: CountingGit::new(), _host: host })
            }
            url => (url.to_owned(), Counter::Tasks(AtomicUsize::new(0))),
        };
        Self { kind: kind.to_owned(), url, counter }
    }

    /// A store that nobody has used.
    pub(crate) fn fresh(&self) -> String {
        let name = format!("{:016x}", u64::from_le_bytes(authbaton::job::random().unwrap()));
        match self.url.split_once(':').unwrap().0 {
            "http" => format!("s3://{BUCKET}/{name}?endpoint={}", self.url),
            "git" => format!("{}#refs/authbaton/{name}", self.url),
            _ => format!("{}/{name}", self.url),
        }
    }

    /// The path on which jobs find their programs.
    pub(crate) fn programs(&self) -> OsString {
        match &self.counter {
            Counter::Git { git, .. } => git.programs(),
            _ => std::env::var_os("PATH").unwrap(),
        }
    }

    /// Takes note of what a task has asked of a store that has no other counter.
    pub(crate) fn note(&self, asked: usize) {
        if let Counter::Tasks(counted) = &self.counter {
            counted.fetch_add(asked, Ordering::SeqCst);
        }
    }

    /// Returns what was asked since the last time.
    pub(crate) fn counted(&self) -> usize {
        match &self.counter {
            Counter::Strict(server) => server.asked().len(),
            Counter::Proxy(counted) => counted.swap(0, Ordering::SeqCst),
            Counter::Tasks(counted) => counted.swap(0, Ordering::SeqCst),
            Counter::Git { git, .. } => git.asked().len(),
        }
    }

    /// Returns the most that so many jobs may have asked which waited for so many seconds together: one look a second.
    pub(crate) fn most(&self, jobs: usize, waited: f64, is_first: bool) -> f64 {
        let (each, once) = match (&self.counter, is_first) {
            (Counter::Git { .. }, _) => (WITHOUT_WAITING_GIT, 0.0),
            (Counter::Strict(_) | Counter::Proxy(_), true) => (WITHOUT_WAITING, PROOF),
            _ => (WITHOUT_WAITING, 0.0),
        };
        jobs as f64 * each + once + waited
    }
}

/// Passes connections on, and counts the requests in them.
fn counting_proxy(to: u16, counted: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
            let (mut from, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let counted = Arc::clone(&counted);
            thread::spawn(move || {
                let (mut server, mut buffer) = (server, [0; 16 * 1024]);
                while let Ok(read @ 1..) = from.read(&mut buffer) {
                    let begins = [&b"GET /"[..], b"PUT /", b"DELETE /"];
                    // Clients here wait for an answer before they ask again: a request begins a packet.
                    counted.fetch_add(
                        begins.iter().filter(|it| buffer[..read].starts_with(it)).count(),
                        Ordering::SeqCst,
                    );
                    if server.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                server.shutdown(Shutdown::Write).ok();
            });
            thread::spawn(move || {
                let mut client = client;
                std::io::copy(&mut back, &mut client).ok();
                client.shutdown(Shutdown::Write).ok();
            });
        }
    });
    port
}
