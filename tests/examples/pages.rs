//! The pages: their blocks, executed as somebody would who follows them, and where their links lead.

use std::{fs, os::unix::fs::PermissionsExt as _};

use authbaton::cli::errors_page;
use serde_json::Value;

use crate::{
    containers::install_docker,
    parts,
    scene::{Scene, files, refresh_token},
    sshd,
};

const PAGES: [&str; 3] = ["docs/headless.md", "docs/jenkins.md", "docs/shell.md"];

/// Returns some blocks of a page, as one script: a person's shell keeps its variables.
fn blocks(scene: &mut Scene, page: &str, numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|number| scene.part(&format!("{page}: {number}"))).collect()
}

/// Runs what a person types, with these variables.
fn types(scene: &Scene, script: &str, variables: &[(&str, &str)]) {
    let mut shell = scene.command("/bin/sh");
    shell.args(["-euc", script]).envs(variables.iter().copied());
    scene.run(&mut shell).exited(0);
}

fn user() -> String {
    rustix::process::geteuid().as_raw().to_string()
}

/// Puts scripts that another scenario looks at onto the `PATH`.
fn install(scene: &Scene, scripts: &[&str]) {
    for name in scripts {
        scene.program(name, &scene.filled(&parts::text(&format!("examples/shell/{name}"))));
    }
}

pub(crate) fn the_page_of_jenkins(scene: &mut Scene) {
    let login = scene.fresh();
    scene.sandbox.write("issued.json", login.as_bytes());
    // Between the first two a person gives the files to Jenkins.
    let script = blocks(scene, "docs/jenkins.md", 1..=1)
        + "cp \"$seed/auth.json\" \"$seed/seal.key\" \"$JENKINS\"\n"
        + &blocks(scene, "docs/jenkins.md", 2..=3);
    let jenkins = scene.sandbox.path("jenkins");
    fs::create_dir(&jenkins).unwrap();
    fs::remove_dir_all(scene.sandbox.path("var")).unwrap();
    types(scene, &script, &[("JENKINS", jenkins.to_str().unwrap()), ("AGENT_USER", &user())]);
    assert_eq!(files(&scene.sandbox.path("temporary")), [] as [std::path::PathBuf; 0]);
    let store = scene.sandbox.path("var");
    assert_eq!(fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o700);
    // What Jenkins was given is what the pipelines need.
    fs::copy(jenkins.join("seal.key"), scene.key()).unwrap();
    let seed = jenkins.join("auth.json");
    scene.authbaton(&["restore", "--seed-file", seed.to_str().unwrap()], "").exited(0);
    assert_eq!(scene.held().unwrap(), refresh_token(&login));
}

pub(crate) fn the_page_of_shells(scene: &mut Scene) {
    install(scene, &["login-into-store"]);
    let issued = scene.sandbox.path("issued.json");
    fs::write(&issued, scene.due()).unwrap();
    fs::remove_dir_all(scene.sandbox.path("var")).unwrap();
    fs::remove_dir_all(scene.sandbox.path("etc")).unwrap();
    let begin = blocks(scene, "docs/shell.md", 1..=2);
    // Twice, as two jobs would.
    let job = blocks(scene, "docs/shell.md", 3..=4);
    types(scene, &(begin + &job + &job), &[("OWNER", &user())]);
    assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1));
    scene.holds_a_living_login();
    scene.nothing_lies_around(&[&issued]);
    let seen = fs::read_to_string(scene.sandbox.path("seen/environment")).unwrap();
    assert!(!seen.contains("AUTHBATON_"), "{seen}");

    // A machine whose home has an API key, and which has the store from before.
    let (url, key) = (scene.store_url(), scene.key());
    let machine = [
        ("AUTHBATON_STORE", url.as_str()),
        ("AUTHBATON_SEAL_KEY_FILE", key.to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-canary-4Tn7"),
    ];
    types(scene, "printenv OPENAI_API_KEY | authbaton login --with-api-key", &machine);
    let later = scene.later();
    fs::write(&issued, &later).unwrap();
    let there = blocks(scene, "docs/shell.md", 5..=5);
    types(scene, &there, &machine);
    let home = scene.sandbox.path("user/.codex/auth.json");
    let read = || serde_json::from_slice::<Value>(&fs::read(&home).unwrap()).unwrap();
    assert_eq!(
        (&read()["auth_mode"], &read()["tokens"]["refresh_token"]),
        (&"chatgptAuthTokens".into(), &"".into())
    );
    assert_eq!(scene.held().unwrap(), refresh_token(&later));
    let back = blocks(scene, "docs/shell.md", 6..=6);
    types(scene, &back, &machine);
    assert_eq!(
        (&read()["auth_mode"], &read()["OPENAI_API_KEY"]),
        (&"apikey".into(), &"sk-canary-4Tn7".into())
    );
    assert_eq!(scene.held(), None);
    assert!(!scene.authority.is_alive(&refresh_token(&later)), "the login was to be revoked");
    scene.nothing_lies_around(&[&issued]);
}

pub(crate) fn the_page_of_headless_machines(scene: &mut Scene) {
    install(scene, &["login-into-store", "move-login"]);
    install_docker(scene);
    let there = scene.sandbox.path("there/user");
    let [forwarded, over_ssh, into_container] =
        [1, 2, 3].map(|number| blocks(scene, "docs/headless.md", number..=number));
    if !sshd::serve(scene, "build.example.com", &there) {
        return;
    }
    let login = scene.fresh();
    let issued = scene.sandbox.write("issued.json", login.as_bytes());
    types(scene, &forwarded, &[]);
    assert_eq!(scene.held().unwrap(), refresh_token(&login));
    scene.nothing_lies_around(&[&issued]);

    let home = scene.sandbox.path("user/.codex");
    fs::create_dir(&home).unwrap();
    for (script, place) in [(over_ssh, None), (into_container, Some(there.join(".codex/auth.json")))] {
        // The other machine's home has no login, and may have an access-only file of ours.
        let login = scene.later();
        fs::write(home.join("auth.json"), &login).unwrap();
        types(scene, &script, &[]);
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "the login is still here");
        match place {
            None => assert_eq!(scene.held().unwrap(), refresh_token(&login)),
            Some(place) => {
                assert_eq!(refresh_token(&fs::read_to_string(place).unwrap()), refresh_token(&login))
            }
        }
    }
}

/// Every page has the parts that somebody looks for, and what it links to is there: errors by their ids, too.
#[test]
fn pages_have_their_parts_and_links_lead_somewhere() {
    let known = errors_page();
    for page in PAGES {
        let text = parts::text(page);
        let job = if page == "docs/jenkins.md" { "## Each build" } else { "## Each job" };
        for heading in ["## What you need", "## Once", job, "## What is where", "## What goes wrong"] {
            assert!(text.contains(&format!("\n{heading}\n")), "{page} has no {heading:?}");
        }
        for link in text.split("](").skip(1) {
            let (target, _) = link.split_once(')').unwrap();
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.rsplit('/').next().unwrap() } else { file };
            let path = parts::path("docs").join(file);
            assert!(path.exists(), "{page}: {target} leads nowhere");
            let linked = if anchor.is_empty() { String::new() } else { fs::read_to_string(path).unwrap() };
            let is_there = anchor.is_empty()
                || (file == "errors.md" && known.contains(&format!("<a id=\"{anchor}\">")))
                || linked.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
            assert!(is_there, "{page}: {target} leads nowhere");
        }
        for row in text.lines().filter(|line| line.starts_with("| [`")) {
            for link in row.split(" | ").next().unwrap().trim_start_matches("| ").split(", ") {
                let id = link.strip_prefix("[`").and_then(|rest| rest.split_once("`]")).unwrap().0;
                assert_eq!(link, format!("[`{id}`](errors.md#{id})"), "{page}");
            }
        }
    }
}

/// A heading's anchor, as GitHub makes it.
fn slug(heading: &str) -> String {
    let kept = heading.trim_start_matches(['#', ' ']).chars();
    let kept = kept.filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
