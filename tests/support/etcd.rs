//! The real etcd of Debian, unpacked once into the target directory, on free ports, with a directory of its own.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::debian;

const IN_PACKAGE: &str = "usr/bin/etcd";
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server. It ends with the last value that shares it, and with this process, however that ends.
pub(crate) struct Etcd {
    port: u16,
    /// A shell that ends etcd when our end of its stdin is closed.
    keeper: Child,
    _data: TempDir,
}

impl Etcd {
    /// Returns the server of this process, started if there is none at the moment.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Etcd>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let etcd = Arc::new(Self::start());
            *shared = Arc::downgrade(&etcd);
            etcd
        })
    }

    pub(crate) fn start() -> Self {
        let program = program();
        let data = TempDir::new().unwrap();
        let (port, peers) = (free_port(), free_port());
        let keeper = Command::new("sh")
            .args(["-c", r#""$0" "$@" </dev/null & etcd=$!; read -r _; kill -9 $etcd"#])
            .arg(program)
            .args(["--data-dir", data.path().to_str().unwrap(), "--unsafe-no-fsync", "--log-level", "error"])
            .args(["--listen-client-urls", &url(port), "--advertise-client-urls", &url(port)])
            .args(["--listen-peer-urls", &url(peers), "--initial-advertise-peer-urls", &url(peers)])
            .args(["--initial-cluster", &format!("default={}", url(peers))])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let etcd = Self { port, keeper, _data: data };
        let limit = Instant::now() + START_LIMIT;
        while !etcd.is_well() {
            assert!(Instant::now() < limit, "etcd does not begin to serve");
            thread::sleep(Duration::from_millis(20));
        }
        etcd
    }

    pub(crate) fn endpoint(&self) -> String {
        url(self.port)
    }

    /// Asks as a person would: with etcd's own words in the answer.
    fn is_well(&self) -> bool {
        use std::io::{Read as _, Write as _};
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked = stream.write_all(b"GET /health HTTP/1.0\r\n\r\n");
        let mut said = String::new();
        asked.is_ok() && stream.read_to_string(&mut said).is_ok() && said.contains(r#""health":"true""#)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Returns etcd's program, downloaded on the first call.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PROGRAM.get_or_init(|| Ok(debian::unpacked("etcd", &["etcd-server"], IN_PACKAGE)?.join(IN_PACKAGE)))
    {
        Ok(program) => program,
        Err(reason) => panic!(
            "\nTHE PEER COULD NOT BE INSTALLED, and without it this test proves nothing: Debian's etcd-server.\n{reason}\n\
             What to do: check that `apt-get download etcd-server` works in an empty directory (after `apt-get update`),\n\
             and run the tests again.\n"
        ),
    }
}
