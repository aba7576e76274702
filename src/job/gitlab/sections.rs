//! Parts of a job's log that GitLab shows under a title and lets a person fold. Pure.

/// Clears the line, so that a log that is read elsewhere shows no marker.
const CLEAR: &str = "\u{1b}[0K";

/// Begins a section that is shown unfolded. `name` is made of letters, digits and `_`; `at` is in seconds.
#[must_use]
pub fn section_start(name: &str, title: &str, at: i64) -> String {
    format!("{CLEAR}section_start:{at}:{name}\r{CLEAR}{title}\n")
}

/// Ends it.
#[must_use]
pub fn section_end(name: &str, at: i64) -> String {
    format!("{CLEAR}section_end:{at}:{name}\r{CLEAR}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_marked_as_gitlab_documents_it() {
        assert_eq!(
            section_start("authbaton_run_7", "authbaton run", 1_560_896_352),
            "\u{1b}[0Ksection_start:1560896352:authbaton_run_7\r\u{1b}[0Kauthbaton run\n"
        );
        assert_eq!(
            section_end("authbaton_run_7", 1_560_896_353),
            "\u{1b}[0Ksection_end:1560896353:authbaton_run_7\r\u{1b}[0K\n"
        );
    }
}
