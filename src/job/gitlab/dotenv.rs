//! The report of variables that a job hands to later ones (`artifacts:reports:dotenv`): a line `NAME=value` each. Pure.
//!
//! GitLab takes a line as it is: quotes stay in the value, a line break would begin another variable, and `$` is expanded
//! in the job that gets it. So only values are written in which nothing has a meaning, to a shell either. No secret is
//! ever put into one: whoever sees the pipeline can download the report.

/// The report must be smaller than 5 KiB, with at most 20 variables where nobody has changed that.
#[cfg(test)]
const MAX_REPORT: usize = 5 * 1024;
const MAX_VALUE: usize = 256;
const PLAIN: &str = "-_.:/@+=,%";

/// Returns the line of a variable; `None` for a value that cannot be written as it is.
#[must_use]
pub fn line(name: &str, value: &str) -> Option<String> {
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    let is_plain = value.chars().all(|it| it.is_ascii_alphanumeric() || PLAIN.contains(it));
    let fits = !value.is_empty() && value.len() <= MAX_VALUE;
    (is_name && is_plain && fits).then(|| format!("{name}={value}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_nothing_else_is_written() {
        for value in ["chatgptAuthTokens", "2026-11-26T20:27:52Z", "7", "true", "/tmp/a-b_c.d/home", "a=b"] {
            assert_eq!(line("AUTHBATON_X", value), Some(format!("AUTHBATON_X={value}\n")));
        }
        let long = "x".repeat(MAX_VALUE + 1);
        for value in
            ["", " ", "a b", "a\nB=c", "a\r", "$CI_JOB_TOKEN", "`id`", "\"a\"", "'a'", "a\\", "#", "é", &long]
        {
            assert_eq!(line("AUTHBATON_X", value), None, "{value:?}");
        }
        for name in ["", "A-B", "A B", "A=B", "A\n"] {
            assert_eq!(line(name, "x"), None, "{name:?}");
        }
    }

    #[test]
    fn seventeen_of_the_longest_lines_fit_into_a_report() {
        let longest = line(&"N".repeat(30), &"x".repeat(MAX_VALUE)).unwrap().len();
        assert!(17 * longest < MAX_REPORT, "{longest}");
    }
}
