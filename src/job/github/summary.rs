//! The page that a step adds to its run: what login the job got, what was done for it, and what a person should do next.
//! No secret is in it, and nothing of a token, an event or a message is taken for Markdown or HTML.

/// The runner refuses a larger page (GitHub's limit for one step).
pub const MAX_SUMMARY_BYTES: usize = 1024 * 1024;
/// A value is for people to recognise, not to copy.
const MAX_CELL: usize = 300;
const MAX_ROWS: usize = 100;

/// What went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The stable id.
    pub id: &'a str,
    /// What happened.
    pub text: &'a str,
    /// What to do.
    pub hint: &'a str,
}

/// The content of the page.
#[derive(Clone, Debug, Default)]
pub struct Summary<'a> {
    /// What there is to know: names and values.
    pub rows: Vec<(&'static str, String)>,
    /// What went wrong, if something did.
    pub failure: Option<Failure<'a>>,
    /// What a person should do although nothing went wrong.
    pub next: Vec<String>,
}

impl Summary<'_> {
    /// Writes the page.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::from(if self.failure.is_some() { "### authbaton: failed\n\n" } else { "### authbaton\n\n" });
        if let Some(Failure { id, text, hint }) = self.failure {
            page.push_str(&format!("**`{}`** {}\n\n**Next:** {}\n\n", code(id), prose(text), prose(hint)));
        }
        if !self.rows.is_empty() {
            page.push_str("| | |\n|---|---|\n");
        }
        for (name, value) in self.rows.iter().take(MAX_ROWS) {
            page.push_str(&format!("| {name} | `{}` |\n", code(value)));
        }
        for next in self.next.iter().take(MAX_ROWS) {
            page.push_str(&format!("\n**Next:** {}\n", prose(next)));
        }
        page.push('\n');
        page
    }
}

/// For a code span in a table: there only a backtick and a bar mean something.
fn code(text: &str) -> String {
    let plain = |it: char| if it.is_control() || it == '`' || it == '|' { '\u{fffd}' } else { it };
    text.chars().map(plain).take(MAX_CELL).collect()
}

/// For a sentence. Code spans of ours stay; everything else that could be markup is escaped.
fn prose(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut in_code = false;
    for character in text.chars().take(4 * MAX_CELL) {
        match character {
            '`' => {
                in_code = !in_code;
                escaped.push('`');
            }
            _ if character.is_control() => escaped.push('\u{fffd}'),
            '<' | '>' | '&' | '*' | '_' | '[' | ']' | '\\' | '|' | '#' | '!' | '@' | '~' if !in_code => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    // An odd one would swallow what follows.
    if in_code {
        escaped.push('`');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<(&'static str, String)> {
        [("login", "chatgptAuthTokens"), ("account", "a|b`<img>"), ("generation", "7")]
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec()
    }

    #[test]
    fn the_page_of_a_success() {
        let next = vec!["run `authbaton status`".to_owned()];
        let summary = Summary { rows: rows(), failure: None, next };
        assert_eq!(summary.page(), include_str!("summary/success.md"));
    }

    #[test]
    fn the_page_of_a_failure() {
        let failure = Failure {
            id: "event-refused",
            text: "a stranger's <b>text</b> with [a link](https://x) and `code`\n# and a `backtick",
            hint: "use `push`",
        };
        let summary = Summary { rows: Vec::new(), failure: Some(failure), next: Vec::new() };
        assert_eq!(summary.page(), include_str!("summary/failure.md"));
    }

    #[test]
    fn the_largest_page_is_below_the_limit() {
        let huge = "\u{10ffff}*".repeat(100_000);
        let failure = Failure { id: &huge, text: &huge, hint: &huge };
        let rows = vec![("row", huge.clone()); 1000];
        let summary = Summary { rows, failure: Some(failure), next: vec![huge.clone(); 1000] };
        assert!(summary.page().len() <= MAX_SUMMARY_BYTES, "{}", summary.page().len());
    }
}
