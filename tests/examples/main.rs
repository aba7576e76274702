//! What users copy: every shell part of `examples/jenkins`, `examples/shell` and of the pages that lead through them, taken
//! out of the files and executed against the rehearsal authority.
//!
//! A part is a script, a `sh` step of a Jenkinsfile, an `ExecStart` line, a line of a crontab, or a block of a page. The
//! table below says which scenario executes which. A scenario that leaves one of its parts out fails, and so does a part
//! that is in no scenario.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod containers;
#[path = "../support/debian.rs"]
mod debian;
#[path = "../support/git_host.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod git_host;
mod jenkins;
mod jenkinsfile;
mod keep_alive;
mod moving;
mod pages;
mod parts;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/pypi.rs"]
mod pypi;
mod runner_hooks;
#[path = "../support/sandbox.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod sandbox;
mod scene;
mod shellcheck;
mod sshd;

use std::collections::BTreeSet;

/// Makes a test of each scenario, and a list of the parts that they execute.
macro_rules! scenarios {
    ($($module:ident::$name:ident: [$($part:literal),* $(,)?];)*) => {
        const LISTED: &[&str] = &[$($($part),*),*];

        mod scenario {
            $(#[test] fn $name() {
                let mut scene = crate::scene::Scene::new(&[$($part),*]);
                crate::$module::$name(&mut scene);
                scene.every_part_ran();
            })*
        }
    };
}

scenarios! {
    jenkins::two_builds_on_an_agent: [
        "examples/jenkins/Jenkinsfile.agent: Login",
        "examples/jenkins/Jenkinsfile.agent: Work",
        "examples/jenkins/Jenkinsfile.agent: always",
    ];
    jenkins::two_builds_with_a_shared_store: [
        "examples/jenkins/Jenkinsfile.shared: Work",
        "examples/jenkins/Jenkinsfile.shared: always",
    ];
    jenkins::a_build_with_an_api_key: [
        "examples/jenkins/Jenkinsfile.api-key: Login",
        "examples/jenkins/Jenkinsfile.api-key: Work",
        "examples/jenkins/Jenkinsfile.api-key: always",
    ];
    runner_hooks::two_jobs_of_a_runner: [
        "examples/shell/github-runner/job-started.sh",
        "examples/shell/github-runner/job-completed.sh",
    ];
    keep_alive::cron_renews_what_is_due: ["examples/shell/crontab: 1"];
    keep_alive::systemd_renews_what_is_due: ["examples/shell/systemd/authbaton-refresh.service: ExecStart"];
    containers::a_container_has_a_home: ["examples/shell/run-in-container"];
    moving::a_login_is_moved: ["examples/shell/move-login"];
    moving::a_login_is_made_and_moved: ["examples/shell/login-into-store"];
    pages::the_page_of_jenkins: ["docs/jenkins.md: 1", "docs/jenkins.md: 2", "docs/jenkins.md: 3"];
    pages::the_page_of_shells: [
        "docs/shell.md: 1",
        "docs/shell.md: 2",
        "docs/shell.md: 3",
        "docs/shell.md: 4",
        "docs/shell.md: 5",
        "docs/shell.md: 6",
    ];
    pages::the_page_of_headless_machines: [
        "docs/headless.md: 1",
        "docs/headless.md: 2",
        "docs/headless.md: 3",
    ];
}

#[test]
fn every_part_is_in_a_scenario() {
    let there: BTreeSet<String> = parts::all().into_iter().map(|part| part.name).collect();
    let listed: BTreeSet<String> = LISTED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(there, listed);
}
