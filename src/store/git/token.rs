//! Tokens of the job for a repository: each goes to its own host alone, as a header that only the child's environment has.

use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;
use zeroize::Zeroizing;

use crate::job::Environment;

/// A person's token for the store's repository, whatever its host.
const OURS: &str = "AUTHBATON_GIT_TOKEN";
/// What is read here, and what git does not get to see.
pub(super) const VARIABLES: [&str; 6] =
    [OURS, "GITHUB_TOKEN", "GITHUB_SERVER_URL", "CI_JOB_TOKEN", "CI_SERVER_HOST", "CI_SERVER_PORT"];

/// Returns the header that lets this job in at `origin`; `None` when no token is meant for it.
pub(super) fn header(origin: &Url, environment: &Environment) -> Option<Zeroizing<String>> {
    let (user, token) = if let Some(token) = environment.get(OURS) {
        ("x-access-token", token)
    } else if let Some(token) = environment.get("GITHUB_TOKEN").filter(|_| is_github(origin, environment)) {
        ("x-access-token", token)
    } else if let Some(token) = environment.get("CI_JOB_TOKEN").filter(|_| is_gitlab(origin, environment)) {
        ("gitlab-ci-token", token)
    } else {
        return None;
    };
    let credential = Zeroizing::new(format!("{user}:{}", token.as_str()));
    let credential = Zeroizing::new(STANDARD.encode(credential.as_bytes()));
    Some(Zeroizing::new(format!("Authorization: Basic {}", credential.as_str())))
}

fn is_github(origin: &Url, environment: &Environment) -> bool {
    let server = environment.get("GITHUB_SERVER_URL");
    let server = server.as_deref().map_or("https://github.com", String::as_str);
    Url::parse(server).is_ok_and(|server| server.origin() == origin.origin())
}

fn is_gitlab(origin: &Url, environment: &Environment) -> bool {
    let Some(host) = environment.get("CI_SERVER_HOST") else { return false };
    let port = environment.get("CI_SERVER_PORT");
    let port = port.map_or(Some(443), |port| port.parse().ok());
    origin.host_str() == Some(host.to_ascii_lowercase().as_str()) && origin.port_or_known_default() == port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_its_own_host_alone() {
        const BOTH: &[(&str, &str)] =
            &[("GITHUB_TOKEN", "g"), ("CI_JOB_TOKEN", "c"), ("CI_SERVER_HOST", "gitlab.example")];
        type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
        let table: [Row<'_>; 17] = [
            ("https://github.com/", BOTH, Some("x-access-token:g")),
            ("https://gitlab.example/", BOTH, Some("gitlab-ci-token:c")),
            ("https://elsewhere.example/", BOTH, None),
            ("https://github.com.evil.example/", BOTH, None),
            ("https://api.github.com/", BOTH, None),
            ("https://github.com:8443/", BOTH, None),
            ("http://127.0.0.1:1/", BOTH, None),
            ("https://gitlab.example:8443/", BOTH, None),
            ("https://gitlab.example.evil.example/", BOTH, None),
            ("https://github.com/", &[("GITHUB_TOKEN", "")], None),
            (
                "https://github.com/",
                &[("GITHUB_TOKEN", "g"), ("GITHUB_SERVER_URL", "https://ghes.example")],
                None,
            ),
            (
                "https://ghes.example/",
                &[("GITHUB_TOKEN", "g"), ("GITHUB_SERVER_URL", "https://ghes.example/")],
                Some("x-access-token:g"),
            ),
            ("https://ghes.example/", &[("GITHUB_TOKEN", "g"), ("GITHUB_SERVER_URL", "ghes.example")], None),
            ("https://gitlab.example/", &[("CI_JOB_TOKEN", "c")], None),
            (
                "https://gitlab.example:8443/",
                &[("CI_JOB_TOKEN", "c"), ("CI_SERVER_HOST", "GitLab.example"), ("CI_SERVER_PORT", "8443")],
                Some("gitlab-ci-token:c"),
            ),
            ("https://elsewhere.example/", &[(OURS, "o")], Some("x-access-token:o")),
            ("https://github.com/", &[(OURS, "o"), ("GITHUB_TOKEN", "g")], Some("x-access-token:o")),
        ];
        for (origin, variables, expected) in table {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let found = header(&Url::parse(origin).unwrap(), &Environment::Fixed(variables.collect()));
            let expected = expected.map(|it| format!("Authorization: Basic {}", STANDARD.encode(it)));
            assert_eq!(found.as_deref(), expected.as_ref(), "{origin}");
        }
    }
}
