//! Moves of a login: over a real ssh, and into a container. Wherever it ends, there is one login that works, one place has it,
//! and whoever moved it knows which.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    containers::install_docker,
    process::{self, Outcome},
    scene::{Scene, files, refresh_token},
    sshd,
};

const HOST: &str = "build.example.com";

/// A laptop with a login, and a machine that it goes to.
struct Move<'a> {
    scene: &'a Scene,
    script: PathBuf,
    home: PathBuf,
}

impl<'a> Move<'a> {
    fn new(scene: &'a Scene, script: &Path) -> Self {
        let home = scene.sandbox.path("user/.codex");
        fs::create_dir_all(&home).unwrap();
        Self { scene, script: script.to_owned(), home }
    }

    fn put(&self, login: &str) {
        self.scene.sandbox.write("user/.codex/auth.json", login.as_bytes());
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.scene.command(&self.script);
        command.args(words);
        command
    }

    /// Moves into the store of the target.
    fn to_store(&self, target: [&str; 2]) -> Command {
        let mut command = self.command(&target);
        command.args(self.scene.store());
        command
    }

    fn run(&self, command: &mut Command) -> Outcome {
        self.scene.run(command)
    }

    /// The client has this login, and nothing is set aside.
    #[track_caller]
    fn is_here(&self, login: &str) {
        assert_eq!(fs::read_to_string(self.home.join("auth.json")).unwrap(), login);
        assert_eq!(self.aside(), [] as [PathBuf; 0]);
        self.is_the_only_one(login, &self.home.join("auth.json"));
    }

    /// This machine has nothing of it.
    #[track_caller]
    fn is_gone(&self) {
        assert_eq!(files(&self.home), [] as [PathBuf; 0]);
        assert_eq!(fs::read_dir(&self.home).unwrap().count(), 0);
    }

    /// What is set aside, with the login in it.
    fn aside(&self) -> Vec<PathBuf> {
        let paths = fs::read_dir(&self.home).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().contains("auth.json.moving.")).collect()
    }

    /// No file but this one has the refresh token.
    #[track_caller]
    fn is_the_only_one(&self, login: &str, place: &Path) {
        let token = refresh_token(login);
        let has =
            |path: &PathBuf| fs::read(path).is_ok_and(|it| String::from_utf8_lossy(&it).contains(&token));
        let places: Vec<PathBuf> =
            files(&self.scene.sandbox.path("")).into_iter().filter(|it| has(it)).collect();
        assert_eq!(places, [place.to_owned()]);
    }
}

pub(crate) fn a_login_is_moved(scene: &mut Scene) {
    let script = scene.script("examples/shell/move-login");
    install_docker(scene);
    let there = scene.sandbox.path("there/user");
    let moving = Move::new(scene, &script);
    let targets = if sshd::serve(scene, HOST, &there) {
        vec![["ssh", HOST], ["docker", "runner"]]
    } else {
        vec![["docker", "runner"]]
    };
    for target in &targets {
        into_a_home(&moving, *target, &there.join(".codex"));
    }
    for target in targets {
        into_a_store(&moving, target);
    }
    refused_before_anything_is_touched(&moving);
}

/// A machine that keeps its home becomes the holder. What is there already is not replaced.
fn into_a_home(moving: &Move<'_>, target: [&str; 2], there: &Path) {
    let login = moving.scene.fresh();
    moving.put(&login);
    let mut command = moving.command(&target);
    moving.run(command.args(["--store", "home:"])).exited(0).said("this machine has none");
    moving.is_gone();
    moving.is_the_only_one(&login, &there.join("auth.json"));
    assert_eq!(fs::metadata(there.join("auth.json")).unwrap().permissions().mode() & 0o777, 0o600);

    // The answer was lost and the command is given again: the same login is taken for an answer.
    moving.put(&login);
    moving.run(moving.command(&target).args(["--store", "home:"])).exited(0);
    moving.is_gone();
    moving.is_the_only_one(&login, &there.join("auth.json"));

    let other = moving.scene.later();
    moving.put(&other);
    let refused = moving.run(moving.command(&target).args(["--store", "home:"])).exited(9);
    refused.said("error[home-occupied]").said("the client has its login as before");
    moving.is_here(&other);
    moving.is_the_only_one(&login, &there.join("auth.json"));
    fs::remove_dir_all(there).unwrap();
    fs::remove_file(moving.home.join("auth.json")).unwrap();
}

/// The slot takes it once, whoever asks again; what it does not take is given back.
fn into_a_store(moving: &Move<'_>, target: [&str; 2]) {
    let scene = moving.scene;
    fs::remove_dir_all(scene.sandbox.path("var/store")).ok();
    let (older, login) = (scene.fresh(), scene.later());
    moving.put(&login);
    moving.run(&mut moving.to_store(target)).exited(0).said("this machine has none");
    moving.is_gone();
    assert_eq!(scene.held().unwrap(), refresh_token(&login));
    scene.nothing_lies_around(&[&scene.sandbox.path("there")]);

    moving.put(&older);
    moving.run(&mut moving.to_store(target)).exited(9).said("error[not-newer]");
    moving.is_here(&older);
    // An option that the target does not know, and quotes that are for nobody's shell.
    moving.run(moving.command(&target).arg("--stroe").arg("it's \"; exit 0; #")).exited(2).said("--stroe");
    moving.is_here(&older);

    // The slot has renewed it meanwhile, and a backup brings the old copy back: it is known, and deleted.
    let home = scene.sandbox.path("seed-home");
    scene.authbaton(&["refresh", "--force", "--home", home.to_str().unwrap()], "").exited(0);
    let renewed = scene.held().unwrap();
    moving.put(&login);
    moving.run(&mut moving.to_store(target)).exited(0);
    moving.is_gone();
    assert_eq!(scene.held().unwrap(), renewed);
}

fn refused_before_anything_is_touched(moving: &Move<'_>) {
    let login = moving.scene.later();
    let file = moving.home.join("auth.json");
    let docker = ["docker", "runner"];
    moving.run(&mut moving.to_store(docker)).exited(2).said("there is no");
    moving.put(&login);
    for wrong in [&[][..], &["ssh"], &["ssh", "-oProxyCommand=x"], &["scp", HOST], &["put-back", "x"]] {
        moving.run(&mut moving.command(wrong)).exited(2);
        moving.is_here(&login);
    }
    // No such machine, a container that is down, and one without authbaton.
    for (code, said) in [(255, ""), (1, "is not running"), (127, "not found"), (0, "Welcome!")] {
        moving.scene.program("docker", &format!("#!/bin/sh\necho '{said}'\nexit {code}\n"));
        moving.run(&mut moving.to_store(docker)).exited(2).said("there is no authbaton at runner");
        moving.is_here(&login);
    }
    install_docker(moving.scene);
    moving.run(moving.command(&["put-back"]).env("CODEX_HOME", &moving.home)).exited(2);
    moving.is_here(&login);
    let second = moving.home.join("second");
    fs::hard_link(&file, &second).unwrap();
    moving.run(&mut moving.to_store(docker)).exited(2).said("no plain file with one name");
    fs::remove_file(&file).unwrap();
    symlink(&second, &file).unwrap();
    moving.run(&mut moving.to_store(docker)).exited(2).said("no plain file with one name");
    fs::remove_file(&file).unwrap();
    fs::rename(&second, &file).unwrap();
    moving.is_here(&login);
}

/// A stand-in for a way to another machine, on which something happens.
fn docker_that(scene: &Scene, does: &str) {
    let text = format!(
        "#!/bin/sh\nset -eu\nshift 4\n[ \"$1\" = --version ] && exec authbaton \"$@\"\nHOME={}\nexport HOME\n{does}\n",
        scene.sandbox.path("there/user").display()
    );
    scene.program("docker", &text);
}

fn moved_by_stand_in() -> (Scene, PathBuf) {
    let scene = Scene::new(&[]);
    install_docker(&scene);
    let script = crate::parts::path("examples/shell/move-login");
    (scene, script)
}

#[test]
fn an_answer_that_is_lost_leaves_no_second_login_that_anybody_uses() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    // Each in turn: what the way does, and whether the target has the login afterwards.
    let table = [
        ("authbaton \"$@\" >/dev/null; exit 255", true),
        ("authbaton \"$@\" >/dev/null; kill -9 $$", true),
        ("authbaton \"$@\" >/dev/null; exit 0", true),
        ("exit 255", false),
        ("cat >/dev/null; exit 0", false),
        ("cat >/dev/null; echo '{\"ok\":false}'; exit 7", false),
        ("cat >/dev/null; echo '{\"ok\":false,\"error\":{\"id\":\"home-unusable\"}}'; exit 2", false),
    ];
    for (does, has) in table {
        fs::remove_dir_all(scene.sandbox.path("var/store")).ok();
        let login = scene.fresh();
        moving.put(&login);
        docker_that(&scene, does);
        let outcome = moving.run(&mut moving.to_store(["docker", "runner"]));
        outcome.exited(1).said("nobody knows").said("run the same command again");
        let [aside] = moving.aside().try_into().unwrap();
        assert!(!moving.home.join("auth.json").exists(), "{does}");
        moving.is_the_only_one(&login, &aside.join("auth.json"));
        assert_eq!(scene.held().is_some(), has, "{does}");

        // Nobody takes it to another place meanwhile, and a new login of the person's is not mixed up with it.
        docker_that(&scene, "exec authbaton \"$@\"");
        moving
            .run(&mut moving.to_store(["docker", "other"]))
            .exited(2)
            .said("may be at another target already");
        let newer = scene.later();
        moving.put(&newer);
        moving.run(&mut moving.to_store(["docker", "runner"])).exited(2).said("keep one of the two");
        assert_eq!(fs::read_to_string(moving.home.join("auth.json")).unwrap(), newer);
        fs::remove_file(moving.home.join("auth.json")).unwrap();

        // The same again: whether the target had it or not, it has it now, once.
        moving.run(&mut moving.to_store(["docker", "runner"])).exited(0).said("going on with a move");
        moving.is_gone();
        assert_eq!(scene.held().unwrap(), refresh_token(&login), "{does}");
    }
}

/// The target's client has renewed what it got, before anybody asked again: neither of the two is replaced, or used.
#[test]
fn a_refusal_at_the_second_time_says_nothing_about_the_first() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    let login = scene.fresh();
    moving.put(&login);
    let to_home = || {
        let mut command = moving.command(&["docker", "runner"]);
        command.args(["--store", "home:"]);
        command
    };
    docker_that(&scene, "authbaton \"$@\" >/dev/null; exit 255");
    moving.run(&mut to_home()).exited(1).said("nobody knows");
    let renewed = scene.later();
    scene.sandbox.write("there/user/.codex/auth.json", renewed.as_bytes());
    docker_that(&scene, "exec authbaton \"$@\"");
    moving.run(&mut to_home()).exited(1).said("error[home-occupied]").said("nobody knows");
    let [aside] = moving.aside().try_into().unwrap();
    moving.is_the_only_one(&login, &aside.join("auth.json"));
    moving.is_the_only_one(&renewed, &scene.sandbox.path("there/user/.codex/auth.json"));
}

/// The store has it, and the target says that its home could not be written: nothing stays here.
#[test]
fn what_the_store_has_is_not_kept_here_whatever_the_home_does() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    let login = scene.fresh();
    moving.put(&login);
    let said = r#"{"schema":1,"verb":"login","ok":false,"error":{"id":"taken-not-placed","message":"x"}}"#;
    docker_that(&scene, &format!("authbaton \"$@\" >/dev/null; echo '{said}'; exit 9"));
    moving.run(&mut moving.to_store(["docker", "runner"])).exited(9).said("the store has the login");
    moving.is_gone();
    assert_eq!(scene.held().unwrap(), refresh_token(&login));
}

#[test]
fn a_person_may_put_back_what_is_set_aside_but_over_nothing() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    docker_that(&scene, "exit 255");
    let login = scene.fresh();
    moving.put(&login);
    moving.run(&mut moving.to_store(["docker", "runner"])).exited(1);
    let newer = scene.later();
    moving.put(&newer);
    moving.run(&mut moving.command(&["put-back"])).exited(2).said("is there");
    assert_eq!(fs::read_to_string(moving.home.join("auth.json")).unwrap(), newer);
    fs::remove_file(moving.home.join("auth.json")).unwrap();
    moving.run(&mut moving.command(&["put-back"])).exited(0).said("as before");
    moving.is_here(&login);
}

/// A login that a person makes while the move is under way stays.
#[test]
fn what_is_refused_is_not_put_back_over_a_login_that_came_meanwhile() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    let (login, newer) = (scene.fresh(), scene.later());
    moving.put(&login);
    let came = scene.sandbox.write("came", newer.as_bytes());
    let file = moving.home.join("auth.json");
    docker_that(
        &scene,
        &format!("mv '{}' '{}'; echo '{{\"ok\":false}}'; exit 3", came.display(), file.display()),
    );
    moving.run(&mut moving.to_store(["docker", "runner"])).exited(1).said("keep one of the two");
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
    let [aside] = moving.aside().try_into().unwrap();
    assert_eq!(fs::read_to_string(aside.join("auth.json")).unwrap(), login);
}

/// A signal to the whole group ends `mv` after its rename, too: what is set aside is looked at, and not deleted.
#[test]
fn a_rename_that_ends_badly_loses_nothing() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    let login = scene.fresh();
    moving.put(&login);
    docker_that(&scene, "echo '{\"ok\":false}'; exit 3");
    scene.program("mv", "#!/bin/sh\n/bin/mv \"$@\"\nexit 130\n");
    moving.run(&mut moving.to_store(["docker", "runner"])).exited(3).said("as before");
    moving.is_here(&login);
}

/// What was renewed and not placed is the login that lives; the file that would be moved is spent.
#[test]
fn a_home_with_a_newer_login_is_not_moved() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    let login = scene.fresh();
    moving.put(&login);
    let renewed = moving.home.join("authbaton-renewed-1.json");
    fs::write(&renewed, scene.later()).unwrap();
    moving.run(&mut moving.to_store(["docker", "runner"])).exited(2).said("has a newer login");
    assert!(renewed.exists());
    assert_eq!(fs::read_to_string(moving.home.join("auth.json")).unwrap(), login);
}

/// A move that is interrupted in its middle: by a signal it goes on to the end, and when it is killed the next one goes on.
#[test]
fn signals_and_kills_lose_nothing() {
    let (scene, script) = moved_by_stand_in();
    let moving = Move::new(&scene, &script);
    let waiting = scene.sandbox.path("waiting");
    let go = scene.sandbox.path("go");
    // The way outlives a signal to the script alone, and waits until it may go on.
    let slow = format!(
        "trap '' HUP INT TERM\n: >'{}'\nwhile ! [ -e '{}' ]; do sleep 0.02; done\nexec authbaton \"$@\"",
        waiting.display(),
        go.display()
    );
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::KILL] {
        fs::remove_dir_all(scene.sandbox.path("var/store")).ok();
        fs::remove_file(&waiting).ok();
        fs::remove_file(&go).ok();
        let login = scene.fresh();
        moving.put(&login);
        docker_that(&scene, &slow);
        let running = process::start(&mut moving.to_store(["docker", "runner"]), b"").unwrap();
        wait_for(&waiting);
        // Another one at the same time has nothing to take.
        moving.run(&mut moving.to_store(["docker", "runner"])).exited(2).said("is moving this login");
        moving.run(&mut moving.command(&["put-back"])).exited(2).said("is moving this login");
        kill_process(Pid::from_child(&running.child), signal).unwrap();
        if signal == Signal::KILL {
            assert_eq!(running.finish(Duration::from_secs(30)).unwrap().code, None);
            let [aside] = moving.aside().try_into().unwrap();
            moving.is_the_only_one(&login, &aside.join("auth.json"));
            fs::write(&go, "").unwrap();
            moving.run(&mut moving.to_store(["docker", "runner"])).exited(0);
        } else {
            fs::write(&go, "").unwrap();
            running.finish(Duration::from_secs(30)).unwrap().exited(0);
        }
        moving.is_gone();
        assert_eq!(scene.held().unwrap(), refresh_token(&login));
    }
}

fn wait_for(path: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(Instant::now() < end, "{} never came", path.display());
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn a_login_is_made_and_moved(scene: &mut Scene) {
    let script = scene.script("examples/shell/login-into-store");
    let login = scene.fresh();
    let issued = scene.sandbox.write("issued.json", login.as_bytes());
    let run = |options: &[String]| scene.run(scene.command(&script).args(options));
    run(&scene.store()).exited(0).said("the store holds this login now");
    assert_eq!(scene.held().unwrap(), refresh_token(&login));
    assert_eq!(files(&scene.sandbox.path("user")), [] as [PathBuf; 0]);
    scene.nothing_lies_around(&[&issued]);

    // The store does not take it: it stays, as the only copy, where nothing cleans up, and the message ends the matter.
    let newer = scene.later();
    fs::write(&issued, &newer).unwrap();
    let wrong =
        ["--store".to_owned(), scene.store_url(), "--seal-key-file".to_owned(), "/nowhere".to_owned()];
    let outcome = run(&wrong).exited(2).said("may be nowhere else");
    let kept =
        files(&scene.sandbox.path("user")).into_iter().find(|path| path.ends_with("auth.json")).unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), newer);
    let told = outcome.stderr.lines().find(|line| line.starts_with("  authbaton save ")).unwrap();
    let told = told.replace("OPTION...", &scene.store().join(" "));
    let mut shell = scene.command("/bin/sh");
    scene.run(shell.args(["-ec", &told])).exited(0);
    assert_eq!(scene.held().unwrap(), refresh_token(&newer));
    assert_eq!(files(&scene.sandbox.path("user")), [] as [PathBuf; 0]);

    // No login, nothing kept.
    fs::remove_file(&issued).unwrap();
    run(&scene.store()).exited(1);
    assert_eq!(fs::read_dir(scene.sandbox.path("user")).unwrap().count(), 0);
}
