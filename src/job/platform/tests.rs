use std::collections::BTreeSet;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::Fixed(
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    )
}

#[test]
fn detects_platforms() {
    let table: [(&[(&str, &str)], Platform); 15] = [
        (&[], Platform::Shell),
        (&[("CI", "")], Platform::Shell),
        (&[("CI", "false")], Platform::Shell),
        (&[("CI", "0")], Platform::Shell),
        (&[("CI", "true")], Platform::OtherCi),
        (&[("CI", "true"), ("GITHUB_ACTIONS", "true")], Platform::GitHub),
        (&[("CI", "true"), ("GITLAB_CI", "true")], Platform::GitLab),
        (&[("TF_BUILD", "True")], Platform::Azure),
        (&[("CI", "true"), ("BUILDKITE", "true")], Platform::Buildkite),
        (&[("CI", "true"), ("CIRCLECI", "true")], Platform::CircleCi),
        (&[("JENKINS_URL", "http://x")], Platform::Jenkins),
        // Agents of Jenkins inherit what their machine has; the job of another platform has its own.
        (&[("JENKINS_URL", "http://x"), ("BUILDKITE", "true")], Platform::Buildkite),
        (&[("GITHUB_ACTIONS", "1"), ("CI", "1")], Platform::OtherCi),
        (&[("TF_BUILD", "1")], Platform::Shell),
        (&[("CIRCLECI", "false"), ("BUILDKITE", "no"), ("GITLAB_CI", "")], Platform::Shell),
    ];
    for (variables, expected) in table {
        assert_eq!(Job::detect(&environment(variables), None).platform, expected, "{variables:?}");
    }
    let github = environment(&[("GITHUB_ACTIONS", "true")]);
    for platform in Platform::ALL {
        assert_eq!(Job::detect(&github, Some(platform)).platform, platform);
    }
}

#[test]
fn platforms_have_names_of_their_own_and_are_all_looked_for() {
    let names: BTreeSet<_> = Platform::ALL.into_iter().map(Platform::name).collect();
    assert_eq!(names.len(), Platform::ALL.len());
    // Whoever needs no sign must be the last.
    let without = Platform::ALL.into_iter().position(|it| it.facts().sign == Sign::Nothing);
    assert_eq!(without, Some(Platform::ALL.len() - 1));
}

/// What a description reads and does not name would be missing in a broker, and in the table of the documents.
#[test]
fn a_platform_names_every_variable_that_it_reads() {
    for platform in Platform::ALL {
        let facts = platform.facts();
        let all: Vec<(&str, &str)> = facts.variables().map(|name| (name, name)).collect();
        let whole = (facts.describe)(&environment(&all));
        let told = whole.parts.iter().chain(&whole.run).chain(&whole.reference).chain(&whole.event);
        for value in told {
            assert!(facts.identity.contains(&value.as_str()), "{value} of {}", facts.name);
        }
        let text = include_str_of(platform);
        for quoted in text.split('"').skip(1).step_by(2).filter(|it| is_variable(it)) {
            assert!(facts.variables().any(|name| name == quoted), "{quoted} of {}", facts.name);
        }
    }
}

fn is_variable(text: &str) -> bool {
    text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// The source of a platform's description, before its tests.
fn include_str_of(platform: Platform) -> &'static str {
    let text = match platform {
        // Its files have variables of the action and the runner, too.
        Platform::GitHub => "",
        Platform::GitLab => include_str!("../gitlab.rs"),
        Platform::Azure => include_str!("../azure.rs"),
        Platform::Buildkite => include_str!("../buildkite.rs"),
        Platform::CircleCi => include_str!("../circleci.rs"),
        Platform::Jenkins => include_str!("../jenkins.rs"),
        Platform::OtherCi | Platform::Shell => "",
    };
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn a_job_has_a_name_of_one_line() {
    let job = Job::detect(
        &environment(&[("GITHUB_JOB", "a\nb\u{7}"), ("GITHUB_RUN_ID", "7")]),
        Some(Platform::GitHub),
    );
    assert!(job.name.starts_with("github 7 a b on "), "{}", job.name);
    assert!(job.name.ends_with(&format!(" (pid {})", std::process::id())), "{}", job.name);
}

/// A platform, what it says, and how the name of the job begins and ends.
type Naming = (Platform, &'static [(&'static str, &'static str)], &'static str, &'static str);

#[test]
fn a_job_is_named_by_its_platform_with_its_address() {
    let table: [Naming; 6] = [
        (
            Platform::GitHub,
            &[
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_RUN_ID", "7"),
                ("GITHUB_JOB", "build"),
                ("GITHUB_SERVER_URL", "https://github.example"),
            ],
            "github o/r 7 build on ",
            ", https://github.example/o/r/actions/runs/7",
        ),
        (
            Platform::GitLab,
            &[
                ("CI_PROJECT_PATH", "group/sub/project"),
                ("CI_PIPELINE_ID", "7"),
                ("CI_JOB_ID", "9"),
                ("CI_JOB_URL", "https://user:glpat-secret@gitlab.example/group/-/jobs/9?private_token=x#L1"),
            ],
            "gitlab group/sub/project 7 9 on ",
            ", https://gitlab.example/group/-/jobs/9",
        ),
        (
            Platform::Azure,
            &[("SYSTEM_TEAMPROJECT", "Team Project"), ("BUILD_BUILDID", "7"), ("AGENT_JOBNAME", "Job 1")],
            "azure Team Project 7 Job 1 on ",
            ")",
        ),
        (
            Platform::Buildkite,
            &[
                ("BUILDKITE_PIPELINE_SLUG", "p"),
                ("BUILDKITE_BUILD_URL", "https://buildkite.example/o/p/builds/7"),
            ],
            "buildkite p on ",
            ", https://buildkite.example/o/p/builds/7",
        ),
        (
            Platform::CircleCi,
            &[("CIRCLE_BUILD_NUM", "7"), ("CIRCLE_BUILD_URL", "javascript:alert(1)")],
            "circleci 7 on ",
            ")",
        ),
        (
            Platform::Jenkins,
            &[
                ("JOB_NAME", "folder/job"),
                ("BUILD_NUMBER", "7"),
                ("BUILD_URL", "http://jenkins.example/job/7/\n"),
            ],
            "jenkins folder/job 7 on ",
            ", http://jenkins.example/job/7/",
        ),
    ];
    for (platform, variables, begin, end) in table {
        let name = Job::detect(&environment(variables), Some(platform)).name;
        assert!(name.starts_with(begin) && name.ends_with(end), "{name}");
        assert!(!name.contains(char::is_control), "{name}");
    }
}

#[test]
fn a_long_name_is_cut_and_a_long_address_is_left_out() {
    let (path, url) = ("x".repeat(300), format!("https://gitlab.example/{}", "y".repeat(200)));
    let short = ("CI_JOB_URL", "https://gitlab.example/1");
    let name = |variables: &[(&str, &str)]| Job::detect(&environment(variables), Some(Platform::GitLab)).name;
    assert_eq!(name(&[("CI_PROJECT_PATH", &path)]).chars().count(), MAX_NAME);
    assert!(name(&[("CI_PROJECT_PATH", &path), short]).ends_with("x, https://gitlab.example/1"));
    assert_eq!(name(&[("CI_PROJECT_PATH", &path), ("CI_JOB_URL", &url)]).chars().count(), MAX_NAME);
}
