//! Object stores of others: moto for S3 and Azurite for Azure, pinned, each started once per test process, on a free port
//! of loopback. They end when this process does, however that ends.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::peer;

const MOTO: &str = "5.2.5";
const AZURITE: &str = "3.37.0";
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// Both take some seconds on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(90);

/// moto as its own `moto_server` starts it, but for one thing: one request at a time. With a thread for each it looks first
/// and writes then, and loses a write now and then on a busy machine.
const ONE_AT_A_TIME: &str = "
import sys
from werkzeug.serving import run_simple
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication, MotoRequestHandler, create_backend_app)
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app),
    threaded=False, request_handler=MotoRequestHandler)
";

/// The account of Azurite, and its key, which is the same everywhere and published by Microsoft.
pub(crate) const AZURITE_ACCOUNT: &str = "devstoreaccount1";
pub(crate) const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Returns the port of moto; none when a developer has turned peers off.
pub(crate) fn moto() -> Option<u16> {
    static SERVER: OnceLock<Result<(u16, Server), String>> = OnceLock::new();
    if peer::turned_off("moto, an S3 of others") {
        return None;
    }
    let started = SERVER.get_or_init(|| {
        let directory = peer::install(&format!("moto-{MOTO}"), install_moto)?;
        Server::start(&directory, |port| {
            let mut command = Command::new(directory.join("venv/bin/python"));
            command.args(["-c", ONE_AT_A_TIME, &port.to_string()]);
            command
        })
    });
    Some(port("moto", MOTO, started))
}

/// Returns the port of Azurite; none when a developer has turned peers off.
pub(crate) fn azurite() -> Option<u16> {
    static SERVER: OnceLock<Result<(u16, Server), String>> = OnceLock::new();
    if peer::turned_off("Azurite, an Azure of others") {
        return None;
    }
    let started = SERVER.get_or_init(|| {
        let directory = peer::install(&format!("azurite-{AZURITE}"), install_azurite)?;
        Server::start(&directory, |port| {
            let mut command = Command::new("node");
            command
                .arg(directory.join("node_modules/azurite/dist/src/blob/main.js"))
                .args(["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"])
                .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
            command
        })
    });
    Some(port("Azurite", AZURITE, started))
}

fn port(name: &str, version: &str, started: &Result<(u16, Server), String>) -> u16 {
    match started {
        Ok((port, _)) => *port,
        Err(reason) => panic!(
            "\nTHE PEER COULD NOT BE STARTED, and without it this test proves nothing: {name} {version}.\n{reason}\n\
             What to do: install Python 3 with venv and Node.js with npm, check that pip and npm can download, and run\n\
             the tests again. On a developer's machine AUTHBATON_PEERS=off leaves the peer tests out.\n"
        ),
    }
}

/// A server of others.
struct Server {
    /// It ends when its stdin does, which is with this process at the latest.
    _watch: Child,
}

impl Server {
    fn start(directory: &Path, command: impl FnOnce(u16) -> Command) -> Result<(u16, Self), String> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let program = command(port);
        // The shell waits for the end of its stdin, and ends the server then: also when this process was killed.
        let watch =
            "\"$@\" >server.log 2>&1 </dev/null & server=$!; echo started; cat >/dev/null; kill $server";
        let mut shell = Command::new("sh");
        shell.args(["-c", watch, "sh"]).arg(program.get_program()).args(program.get_args());
        shell.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut watch = shell.spawn().map_err(|error| format!("sh: {error}"))?;
        let mut said = String::new();
        if let Some(stdout) = watch.stdout.take() {
            BufReader::new(stdout).read_line(&mut said).map_err(|error| error.to_string())?;
        }
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if start.elapsed() > START_LIMIT {
                return Err(format!("it does not answer; see {}", directory.join("server.log").display()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok((port, Self { _watch: watch }))
    }
}

fn install_moto(directory: &Path) -> Result<(), String> {
    let venv = directory.join("venv");
    run(Command::new("python3").args(["-m", "venv", "--copies"]).arg(&venv))?;
    let package = format!("moto[server,s3]=={MOTO}");
    run(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", &package]))
}

/// With the caller's environment: mirrors, proxies and certificates of npm are the caller's business.
fn install_azurite(directory: &Path) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(directory);
    run(npm.arg(format!("azurite@{AZURITE}")))
}

fn run(command: &mut Command) -> Result<(), String> {
    let outcome = super::process::run(command, b"", INSTALL_LIMIT)
        .map_err(|error| format!("{}: {error}", PathBuf::from(command.get_program()).display()))?;
    if outcome.code == Some(0) { Ok(()) } else { Err(format!("{outcome:#?}")) }
}
