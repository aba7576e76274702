//! What renews a login when no job runs: cron and systemd, each with the environment that it gives to what it starts.

use std::{env, fs, process::Command};

use crate::{
    parts, process,
    scene::{LIMIT, Scene},
};

const SERVICE: &str = "examples/shell/systemd/authbaton-refresh.service";
const TIMER: &str = "examples/shell/systemd/authbaton-refresh.timer";
/// What systemd says of a unit, from 0 (shut in) to 100 (free).
const MOST_EXPOSED: &str = "15";

/// A first time that renews, and a second one at which nothing is due.
#[track_caller]
fn renews_once(scene: &Scene, command: impl Fn() -> Command) {
    scene.seed(&scene.due());
    for _ in 0..2 {
        let outcome = scene.run(&mut command()).exited(0);
        // cron sends what is said by mail.
        assert_eq!((outcome.stdout.as_str(), scene.authority.exchanges()), ("", 1));
        scene.holds_a_living_login();
        scene.nothing_lies_around(&[]);
    }
    assert_eq!(scene.authority.posts(), 1);
}

pub(crate) fn cron_renews_what_is_due(scene: &mut Scene) {
    let job = scene.part("examples/shell/crontab: 1");
    // For cron a percent sign is the end of the line.
    assert!(!job.contains('%'), "{job}");
    let settings = parts::cron_settings(&scene.filled(&parts::text("examples/shell/crontab")));
    let home = scene.sandbox.path("user");
    let command = || {
        let mut cron = Command::new("/bin/sh");
        cron.arg("-c").arg(&job).env_clear().current_dir(&home);
        cron.env("HOME", &home).env("LOGNAME", "one").env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin");
        cron.envs(settings.iter().map(|(name, value)| (name, value)));
        cron
    };
    renews_once(scene, command);
    let outcome = scene.run(&mut command()).exited(0);
    assert_eq!((outcome.stdout, outcome.stderr), (String::new(), String::new()), "cron would send a mail");
}

/// `%S` is where states are, `%d` where systemd puts the credentials of a unit.
fn specified(scene: &Scene, text: &str) -> String {
    scene.filled(&text.replace("%S", "/var/lib").replace("%d", "/run/credentials"))
}

pub(crate) fn systemd_renews_what_is_due(scene: &mut Scene) {
    scene.take_for("/run/credentials", scene.sandbox.path("credentials").to_str().unwrap());
    fs::create_dir(scene.sandbox.path("credentials")).unwrap();
    fs::copy(scene.sandbox.path("seal.key"), scene.sandbox.path("credentials/seal.key")).unwrap();
    let line = scene.part(&format!("{SERVICE}: ExecStart"));
    // Words are what white space parts: nothing is quoted, nothing is put in.
    assert!(!line.contains(['"', '\'', '$', '\\']), "{line}");
    let line = specified(scene, &line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let unit = parts::text(SERVICE);
    let set = unit.lines().filter_map(|it| it.strip_prefix("Environment=")?.split_once('='));
    let set: Vec<(String, String)> =
        set.map(|(name, value)| (name.to_owned(), specified(scene, value))).collect();
    // A system service has next to no environment, and no home.
    renews_once(scene, || {
        let mut service = Command::new(words[0]);
        service.args(&words[1..]).env_clear().current_dir("/").env("PATH", "/usr/bin:/bin");
        service.envs(set.iter().map(|(name, value)| (name, value)));
        service
    });
    systemd_takes_the_units(scene);
}

/// systemd's own reader finds nothing to say, and its own judge finds the service well shut in.
fn systemd_takes_the_units(scene: &Scene) {
    let path = env::var("PATH").unwrap();
    let analyze = env::split_paths(&path).map(|it| it.join("systemd-analyze")).find(|it| it.exists());
    let analyze =
        analyze.unwrap_or_else(|| panic!("there is no systemd-analyze: install your system's systemd"));
    let directory = scene.sandbox.path("units");
    fs::create_dir(&directory).unwrap();
    let units = [SERVICE, TIMER].map(|name| {
        // It looks whether the program is there.
        let text = parts::text(name).replace("/usr/local/bin/authbaton", env!("CARGO_BIN_EXE_authbaton"));
        let path = directory.join(name.rsplit('/').next().unwrap());
        fs::write(&path, text).unwrap();
        path
    });
    let mut verify = Command::new(&analyze);
    verify.arg("verify").args(&units);
    let outcome = process::run(&mut verify, b"", LIMIT).unwrap().exited(0);
    assert_eq!(outcome.stderr, "", "systemd does not like the units");
    let mut judge = Command::new(&analyze);
    judge.args(["security", "--offline=true", "--no-pager", "--threshold", MOST_EXPOSED]).arg(&units[0]);
    process::run(&mut judge, b"", LIMIT).unwrap().exited(0);
    let calls = scene.sandbox.path("units/authbaton-refresh.timer");
    let calendar = fs::read_to_string(calls).unwrap();
    let calendar = calendar.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
    let mut times = Command::new(&analyze);
    process::run(times.args(["calendar", calendar]), b"", LIMIT).unwrap().exited(0);
}
