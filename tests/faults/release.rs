//! No release has failpoints.

use std::fs;

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Nobody gets them unasked, an optimized build with them does not compile, and `check` looks into the one that it made.
#[test]
fn no_release_has_failpoints() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    let names: Vec<&str> = features.keys().map(String::as_str).collect();
    assert_eq!(names, ["failpoints"], "a default or another feature could bring them");
    assert!(!manifest["profile"]["release"].as_table().unwrap().contains_key("debug-assertions"));
    let guard = "#[cfg(not(debug_assertions))]\ncompile_error!(";
    assert!(read("src/job/failpoints.rs").contains(guard));
    let check = read("check");
    assert!(check.contains("grep -q AUTHBATON_FAILPOINT") && check.contains("step 'no failpoints'"));
}

/// What `check` looks for is in a build that has them: it does not look for a text that no build has.
#[test]
fn a_build_with_failpoints_is_told_from_one_without() {
    let program = fs::read(env!("CARGO_BIN_EXE_authbaton")).unwrap();
    let name = b"AUTHBATON_FAILPOINT";
    assert!(program.windows(name.len()).any(|window| window == name));
}
