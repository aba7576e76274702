//! Another user: who may start things as one, and Codex as one beside an authbaton that is none of his.

use std::{fs, io::Write as _, os::unix::fs::chown, path::Path, process::Command};

use chrono::TimeDelta;

use crate::job::{Job, no_file_below_has_it};

/// `nobody`, as a job's user.
pub(crate) const USER: u32 = 65534;

/// As `docs/broker.md` says it.
const COPIED: &str = r#"
    cp -R "$CODEX_HOME/." "$COPY" && chown -R 65534:65534 "$COPY" || exit 9
    (
        cd "$COPY" && CODEX_HOME="$COPY" HOME="$COPY" TMPDIR=/tmp exec \
            setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$0" "$@" </dev/null
    )
    echo $? >>codes"#;

#[test]
fn codex_renews_as_another_user() {
    let Some(job) = Job::with_left(TimeDelta::days(10)) else { return };
    let copy = tempfile::TempDir::new().unwrap();
    if !rustix::process::geteuid().is_root() {
        say(b"NOT SHOWN, because we are not root: that Codex renews through the broker as another user\n");
        return;
    }
    chown(copy.path(), Some(USER), Some(USER)).unwrap();
    if !can_start(&[job.scene.program()], copy.path()) {
        return;
    }
    job.scene.model.refuse_only(job.seeds_authorization());
    let done = job.finish(job.command(&["--broker", "always"], COPIED).env("COPY", copy.path()));
    assert_eq!(done.codex_codes, [0], "{:#?}", done.outcome);
    assert_eq!(done.exchanges, 1);
    assert!(done.posts_at_broker >= 1, "{:#?}", done.outcome);
    let renewed = job.scene.model.turns().pop().unwrap().authorization.unwrap();
    let left = fs::read_to_string(copy.path().join("auth.json")).unwrap();
    assert!(left.contains(renewed.strip_prefix("Bearer ").unwrap()), "the copy does not have the new token");
    assert!(no_file_below_has_it(copy.path()) > 0);
    job.next_job_works();
}

/// Whether that user can execute these programs and write that directory. Says loudly what is not shown otherwise.
pub(crate) fn can_start(programs: &[&Path], directory: &Path) -> bool {
    let script = r#"test "$(id -u)" = 65534 && test -w . && for it; do test -x "$it" || exit 1; done"#;
    let mut trial = Command::new("sh");
    trial.args(["-c", script, "sh"]).args(programs).current_dir(directory);
    let can = lowered(&trial).status().is_ok_and(|status| status.success());
    if !can {
        say(b"NOT SHOWN: what the job's user can and cannot do. We are root, and cannot run the job as another user\n\
              (setpriv; a target directory and a temporary directory that others can enter).\n");
    }
    can
}

/// The same command as another user.
pub(crate) fn lowered(command: &Command) -> Command {
    let mut lowered = Command::new("setpriv");
    lowered.args(["--reuid", &USER.to_string(), "--regid", &USER.to_string(), "--clear-groups", "--"]);
    lowered.arg(command.get_program()).args(command.get_args());
    let variables: Vec<_> = command.get_envs().collect();
    if !variables.is_empty() {
        lowered.env_clear();
    }
    lowered.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        lowered.current_dir(directory);
    }
    lowered
}

/// Past the capturing of the test harness.
fn say(notice: &[u8]) {
    std::io::stderr().write_all(notice).unwrap();
}
