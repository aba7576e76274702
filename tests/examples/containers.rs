//! A home in a container. No engine is here: `docker` is a stand-in that mounts what a container would get into a namespace
//! of its own, as an engine does, and runs the command there.

use std::{fs, io::Write as _, path::Path, process::Command};

use crate::scene::Scene;

/// `docker run [--rm] --volume FROM:TO … [--env N=V …] [--user U] IMAGE COMMAND…` and `docker exec -i NAME COMMAND…`. Below the
/// first directory of TO only what is mounted is there. A container has an environment of its own.
const DOCKER: &str = r#"#!/bin/bash
set -eu
set_up='
mount -t tmpfs none "/$(cut -d/ -f2 <<<"$2")"
mkdir -p "$(dirname "$2")"
if [ -d "$1" ]; then mkdir "$2"; else : >"$2"; fi
mount --bind "$1" "$2"
shift 2
cd /
exec env -i "$@"'
within=(PATH="$PATH" HOME=@/there/user XDG_STATE_HOME=@/there/state)
verb=$1
shift
volume=
while :; do
    case $1 in
    --rm | -i) shift ;;
    --volume) volume=$2; shift 2 ;;
    --env) within+=("$2"); shift 2 ;;
    --user) [ "$2" = "$(id -u):$(id -g)" ]; shift 2 ;;
    -*) echo "unknown flag: $1" >&2; exit 125 ;;
    *) break ;;
    esac
done
shift
if [ "$verb" = exec ]; then
    exec env -i "${within[@]}" "$@"
fi
how=(-m)
[ "$(id -u)" = 0 ] || how=(-U -r -m)
exec unshare "${how[@]}" bash -c "$set_up" docker "${volume%%:*}" "${volume#*:}" "${within[@]}" "$@"
"#;

/// Puts the stand-in on the `PATH`, and another machine's directories into the sandbox.
pub(crate) fn install_docker(scene: &Scene) {
    for name in ["there", "there/user", "there/state"] {
        fs::create_dir_all(scene.sandbox.path(name)).unwrap();
    }
    scene.program("docker", &DOCKER.replace("@/", scene.sandbox.path("").to_str().unwrap()));
}

/// False, loudly, where nobody may mount. A CI must be able to.
fn may_mount() -> bool {
    let how: &[&str] = if rustix::process::geteuid().is_root() { &["-m"] } else { &["-U", "-r", "-m"] };
    let mount = ["sh", "-c", "mount -t tmpfs none /srv"];
    let may = Command::new("unshare").args(how).args(mount).status().is_ok_and(|status| status.success());
    if !may {
        assert!(std::env::var_os("CI").is_none(), "a CI must be able to mount: this case did not run");
        std::io::stderr().write_all(b"NOT RUN: this user may not mount file systems\n").unwrap();
    }
    may
}

pub(crate) fn a_container_has_a_home(scene: &mut Scene) {
    let script = scene.script("examples/shell/run-in-container");
    install_docker(scene);
    scene.seed(&scene.due());
    if !may_mount() {
        return;
    }
    let run = |least: &str| {
        let mut command = scene.command(&script);
        command.args(["example/image", "codex", "exec", "say hello"]).env("MIN_TTL", least);
        command.env("AUTHBATON_STORE", scene.store_url());
        command.env("AUTHBATON_SEAL_KEY_FILE", scene.sandbox.path("etc/seal.key"));
        scene.run(&mut command)
    };
    for _ in 0..2 {
        assert_eq!(run("").exited(0).stdout, "hello\n");
        assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1));
        scene.nothing_lies_around(&[]);
    }
    run("300h").exited(3).said("error[token-too-short]");
    let environment = fs::read_to_string(scene.sandbox.path("seen/environment")).unwrap();
    assert!(environment.contains("CODEX_HOME=/srv/codex\n"), "{environment}");
    assert!(!environment.contains("AUTHBATON_"), "{environment}");
}

/// A file that is mounted by itself cannot be replaced. Whatever would write it says so, with what to do instead, and has
/// spent, taken and stored nothing.
#[test]
fn a_single_file_that_is_mounted_is_refused_with_what_to_do() {
    let scene = Scene::new(&[]);
    install_docker(&scene);
    if !may_mount() {
        return;
    }
    let login = scene.due();
    let file = scene.sandbox.write("auth.json", login.as_bytes());
    let other = scene.later();
    // An engine makes a directory of a file that its host has not.
    let missing = scene.sandbox.path("missing");
    fs::create_dir(&missing).unwrap();
    let store = scene.store();
    let within = |mounted: &Path, options: &[&str], input: &str| {
        let mut command = scene.command(scene.sandbox.path("bin/docker"));
        command.args(["run", "--volume", &format!("{}:/srv/codex/auth.json", mounted.display())]);
        command.args(["--env", "CODEX_HOME=/srv/codex", "image", "authbaton"]).args(options);
        scene.run_with(&mut command, input.as_bytes())
    };
    let holder = ["--store", "home:"];
    let with_store: Vec<&str> = store.iter().map(String::as_str).collect();
    let table: [(&[&str], &[&str]); 6] = [
        (&["refresh"], &holder),
        (&["logout"], &holder),
        (&["login", "--with-auth-json"], &holder),
        (&["login", "--with-auth-json"], &with_store),
        (&["login", "--with-api-key"], &holder),
        (&["save"], &with_store),
    ];
    let refused = |verb: &[&str], options: &[&str]| {
        for mounted in [&file, &missing] {
            let options = [verb, options].concat();
            let outcome =
                within(mounted, &options, if verb.contains(&"--with-api-key") { "sk-x" } else { &other });
            assert_eq!(outcome.code, Some(2), "{options:?} {}: {}", mounted.display(), outcome.stderr);
            outcome.said("error[home-mounted]").said("mount the whole home");
        }
    };
    for (verb, options) in table {
        refused(verb, options);
    }
    assert_eq!(scene.held(), None, "a store took what could not be placed");
    scene.seed(&other);
    refused(&["restore", "--replace"], &with_store);
    assert_eq!(fs::read_to_string(&file).unwrap(), login);
    assert_eq!(scene.authority.posts(), 0);
}
