//! How a token travels to the authority: TLS with bundled roots and `--ca-file`, proxies from the environment, no
//! redirects. A real TLS endpoint and a real proxy on loopback, the rehearsal authority behind them.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, on its own files"
)]

#[expect(dead_code, reason = "these tests use a part of what tests share")]
#[path = "../support/process.rs"]
mod process;
mod proxy;
#[expect(dead_code, reason = "these tests use a part of what tests share")]
#[path = "../support/sandbox.rs"]
mod sandbox;
mod tls;

use std::process::Command;
use std::time::Duration;

use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};
use chrono::TimeDelta;
use process::{Outcome, run};
use proxy::Proxy;
use sandbox::Sandbox;
use tls::Endpoint;

const LIMIT: Duration = Duration::from_secs(30);

/// A home without a store whose login is due, and the authority that issued it.
fn due_home() -> (Sandbox, Authority) {
    let sandbox = Sandbox::new();
    let authority = Authority::start(Settings::default()).unwrap();
    let options = IssueOptions { lifetime: Some(TimeDelta::minutes(-5)), ..IssueOptions::default() };
    sandbox.place(authority.issue(&Account::named("one"), &options).unwrap().as_bytes());
    (sandbox, authority)
}

fn refresh(sandbox: &Sandbox, url: &str, change: impl FnOnce(&mut Command)) -> Outcome {
    let mut command = sandbox.authbaton("refresh");
    command.args(["--store", "home:", "--timeout", "1s", "--authority-url", url]);
    change(&mut command);
    run(&mut command, b"", LIMIT).unwrap()
}

#[test]
fn a_ca_file_adds_a_root() {
    let (sandbox, authority) = due_home();
    let endpoint = Endpoint::before(&authority.url());
    let ca = sandbox.write("ca.pem", endpoint.ca().as_bytes());
    refresh(&sandbox, &endpoint.url(), |command| {
        command.arg("--ca-file").arg(&ca);
    })
    .exited(0);
    assert_eq!(authority.exchanges(), 1);
}

#[test]
fn an_unknown_root_gets_no_token() {
    let (sandbox, authority) = due_home();
    let endpoint = Endpoint::before(&authority.url());
    let ca = sandbox.write("ca.pem", endpoint.ca().as_bytes());
    // Neither the machine's roots nor the variables that name others are looked at.
    let outcome = refresh(&sandbox, &endpoint.url(), |command| {
        command.env("SSL_CERT_FILE", &ca).env("CODEX_CA_CERTIFICATE", &ca).env("AUTHBATON_CA_FILE", &ca);
    });
    outcome.exited(6).said("error[authority-unreachable]");
    assert_eq!(authority.posts(), 0);
}

#[test]
fn without_any_roots_on_the_machine_the_client_can_be_built() {
    let (sandbox, authority) = due_home();
    let endpoint = Endpoint::before(&authority.url());
    let ca = sandbox.write("ca.pem", endpoint.ca().as_bytes());
    refresh(&sandbox, &endpoint.url(), |command| {
        command
            .arg("--ca-file")
            .arg(&ca)
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent");
    })
    .exited(0);
    assert_eq!(authority.exchanges(), 1);
}

#[test]
fn a_ca_file_without_certificates_is_refused_before_anything_is_sent() {
    let (sandbox, authority) = due_home();
    for content in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let ca = sandbox.write("ca.pem", content.as_bytes());
        let outcome = refresh(&sandbox, &authority.url(), |command| {
            command.arg("--ca-file").arg(&ca);
        });
        outcome.exited(2).said("error[ca-file-unusable]");
    }
    let missing = sandbox.path("missing.pem");
    refresh(&sandbox, &authority.url(), |command| {
        command.arg("--ca-file").arg(&missing);
    })
    .exited(2);
    assert_eq!(authority.posts(), 0);
}

#[test]
fn a_proxy_of_the_environment_carries_what_is_encrypted() {
    let (sandbox, authority) = due_home();
    let endpoint = Endpoint::before(&authority.url());
    let ca = sandbox.write("ca.pem", endpoint.ca().as_bytes());
    let proxy = Proxy::start();
    let through = |no_proxy: &str| {
        refresh(&sandbox, &endpoint.url(), |command| {
            command
                .args(["--force", "--ca-file"])
                .arg(&ca)
                .env("HTTPS_PROXY", proxy.url())
                .env("NO_PROXY", no_proxy);
        })
        .exited(0);
    };
    through("");
    assert_eq!((authority.exchanges(), proxy.tunnels()), (1, 1), "through the proxy");
    through("127.0.0.1");
    assert_eq!((authority.exchanges(), proxy.tunnels()), (2, 1), "past the proxy");
}

#[test]
fn no_proxy_reads_a_token_that_is_not_encrypted() {
    let (sandbox, authority) = due_home();
    let proxy = Authority::start(Settings::default()).unwrap();
    refresh(&sandbox, &authority.url(), |command| {
        command.env("HTTP_PROXY", proxy.url()).env("http_proxy", proxy.url()).env("ALL_PROXY", proxy.url());
    })
    .exited(0);
    assert_eq!((authority.exchanges(), proxy.received().len()), (1, 0));
}

#[test]
fn another_authority_only_by_option() {
    let (sandbox, authority) = due_home();
    // A poisoned environment: none of these may receive the token. Nothing answers at the real authority's proxy.
    let mut command = sandbox.authbaton("refresh");
    command.args(["--store", "home:", "--timeout", "1s"]);
    for name in [
        "AUTHBATON_AUTHORITY_URL",
        "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
        "CODEX_AUTHAPI_BASE_URL",
        "LLMX_REFRESH_TOKEN_URL_OVERRIDE",
    ] {
        command.env(name, authority.url());
    }
    command.env("HTTPS_PROXY", "http://127.0.0.1:9");
    run(&mut command, b"", LIMIT).unwrap().exited(6).said("error[authority-unreachable]");
    assert!(authority.received().is_empty());
}
