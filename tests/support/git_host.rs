//! A git host on loopback: git's own `http-backend`, as a CGI program behind a small server, with a token if wanted.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use authbaton::job::{Loopback, free_port};
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use tempfile::TempDir;

/// A bare repository, and a server in front of it. Both vanish with this value.
pub(crate) struct GitHost {
    directory: TempDir,
    rules: Arc<Rules>,
    port: u16,
    _server: Loopback,
}

/// What the host demands, and what it has seen.
#[derive(Default)]
pub(crate) struct Rules {
    root: PathBuf,
    /// Whoever comes without this `Authorization` header is asked for it.
    demands: Mutex<Option<String>>,
    /// Answers every push with 403.
    pub(crate) read_only: AtomicBool,
    /// Answers everything with 503.
    pub(crate) away: AtomicBool,
    /// Does what a push wants, and then answers 503.
    pub(crate) loses_answers: AtomicBool,
    /// Answers everything with a redirect there.
    moved_to: Mutex<Option<String>>,
    /// The `Authorization` headers that came.
    seen: Mutex<Vec<Option<String>>>,
    pub(crate) requests: AtomicUsize,
}

/// Runs git as the host's administrator does.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env_remove("GIT_DIR")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", directory)
        .output()
        .unwrap();
    assert!(status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).trim().to_owned()
}

/// Makes an empty bare repository that takes pushes.
pub(crate) fn bare(path: &Path) {
    git(path.parent().unwrap(), &["init", "--quiet", "--bare", path.to_str().unwrap()]);
    git(path, &["config", "http.receivepack", "true"]);
}

impl GitHost {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().unwrap();
        bare(&directory.path().join("store.git"));
        let rules = Arc::new(Rules { root: directory.path().to_owned(), ..Rules::default() });
        let (listener, address) = free_port().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&rules));
        let server = Loopback::serve("git-host", listener, router, Duration::ZERO).unwrap();
        Self { directory, rules, port: address.port(), _server: server }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.path().join("store.git")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/store.git", self.port)
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }
}

impl Rules {
    pub(crate) fn demand(&self, header: &str) {
        *self.demands.lock().unwrap() = Some(header.to_owned());
    }

    pub(crate) fn move_to(&self, url: &str) {
        *self.moved_to.lock().unwrap() = Some(url.to_owned());
    }

    pub(crate) fn seen(&self) -> Vec<Option<String>> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(rules): State<Arc<Rules>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 4 << 20).await.unwrap();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    rules.requests.fetch_add(1, Ordering::SeqCst);
    let header = parts.headers.get("authorization").map(|it| it.to_str().unwrap().to_owned());
    rules.seen.lock().unwrap().push(header.clone());
    if rules.away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if let Some(url) = &*rules.moved_to.lock().unwrap() {
        let to = format!("{url}{path}?{query}");
        return (StatusCode::MOVED_PERMANENTLY, [("location", to)]).into_response();
    }
    let demanded = rules.demands.lock().unwrap().clone();
    if demanded.is_some() && header != demanded {
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"git\"")]).into_response();
    }
    let is_push = path.ends_with("/git-receive-pack") || query.contains("git-receive-pack");
    if is_push && rules.read_only.load(Ordering::SeqCst) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let method = parts.method.to_string();
    let loses = path.ends_with("/git-receive-pack") && rules.loses_answers.load(Ordering::SeqCst);
    let served = tokio::task::spawn_blocking(move || {
        backend(&rules.root, &method, &path, &query, &parts.headers, &body)
    });
    let served = served.await.unwrap();
    if loses { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { served }
}

/// One request by CGI (RFC 3875), as any web server would run it.
fn backend(
    root: &Path,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REMOTE_USER", "tester")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = body.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let said = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap().ok();
    // A CGI answer has a head.
    let end = said.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&said[..end]).unwrap();
    let mut response = Response::builder();
    for line in head.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name.eq_ignore_ascii_case("status") {
            response = response.status(value.split(' ').next().unwrap().parse::<u16>().unwrap());
        } else {
            response = response.header(name, value);
        }
    }
    response.body(said[end + 4..].to_vec().into()).unwrap()
}

/// Counts what lies in a directory under names of ours.
pub(crate) fn left_behind(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_str().is_some_and(|name| name.starts_with("authbaton-git-"))).count()
}
