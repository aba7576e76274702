//! The inputs of the action, which the runner hands over as variables: `INPUT_`, then the name in capitals, hyphens kept.
//!
//! Some systems cannot have hyphens in the names of variables and write underscores. Those count only where no name has a
//! hyphen: GitHub's runner sets each input with its hyphens, even to nothing, and every step of a job may set
//! `INPUT_AUTHORITY_URL` for those that follow. It must not decide where a token is sent.

use std::fmt;

use zeroize::Zeroizing;

use super::super::Environment;

const PREFIX: &str = "INPUT_";

/// The inputs, and everything that is wrong with them.
pub struct Inputs<'a> {
    environment: &'a Environment,
    has_hyphens: bool,
    problems: Vec<String>,
}

impl<'a> Inputs<'a> {
    /// Takes the inputs out of an environment.
    #[must_use]
    pub fn of(environment: &'a Environment) -> Self {
        let has_hyphens = environment.names().iter().any(|name| name.starts_with(PREFIX) && name.contains('-'));
        Self { environment, has_hyphens, problems: Vec::new() }
    }

    /// Returns the variable of an input.
    #[must_use]
    pub fn variable(&self, name: &str) -> String {
        let name = name.to_uppercase();
        let name = if self.has_hyphens { name } else { name.replace('-', "_") };
        format!("{PREFIX}{name}")
    }

    /// Returns an input without the white space around it; `None` when there is nothing else.
    pub fn text(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let variable = self.variable(name);
        match self.environment.get(&variable) {
            Some(text) => {
                let text = Zeroizing::new(text.trim().to_owned());
                (!text.is_empty()).then_some(text)
            }
            None if self.environment.has(&variable) => {
                self.note(name, "it is not UTF-8");
                None
            }
            None => None,
        }
    }

    /// Returns an input that is no secret.
    pub fn plain(&mut self, name: &str) -> Option<String> {
        self.text(name).map(|text| text.to_string())
    }

    /// Reads a switch as YAML's core schema does, which is how GitHub's own actions read theirs; nothing is the default.
    pub fn switch(&mut self, name: &str, default: bool) -> bool {
        match self.plain(name).as_deref() {
            None => default,
            Some("true" | "True" | "TRUE") => true,
            Some("false" | "False" | "FALSE") => false,
            Some(_) => {
                self.note(name, "expected `true` or `false`");
                default
            }
        }
    }

    /// Reads an input as something else, if it is given.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        parse(&text).map_err(|problem| self.note(name, problem)).ok()
    }

    /// Notes what is wrong with an input. Its value is not repeated: it may be a secret in the wrong place.
    pub fn note(&mut self, name: &str, problem: impl fmt::Display) {
        self.problems.push(format!("input `{name}`: {problem}"));
    }

    /// Returns everything that is wrong, a sentence each.
    #[must_use]
    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::Fixed(owned.collect())
    }

    #[test]
    fn names_have_hyphens_or_underscores() {
        let hyphens = environment(&[("INPUT_SEAL-KEY", " k\n"), ("INPUT_STORE", "file:/s")]);
        let underscores = environment(&[("INPUT_SEAL_KEY", "k"), ("INPUT_STORE", "file:/s")]);
        for environment in [hyphens, underscores] {
            let mut inputs = Inputs::of(&environment);
            assert_eq!(inputs.plain("seal-key").as_deref(), Some("k"));
            assert_eq!(inputs.plain("store").as_deref(), Some("file:/s"));
            assert_eq!(inputs.plain("slot"), None);
        }
    }

    /// A step before ours can set any variable but those that the runner sets for us.
    #[test]
    fn an_underscore_does_not_stand_in_for_an_input_of_the_runner() {
        for authority in ["", "https://auth.example"] {
            let environment = environment(&[
                ("INPUT_AUTHORITY-URL", authority),
                ("INPUT_AUTHORITY_URL", "https://evil.example"),
                ("INPUT_CA_FILE", "/evil"),
            ]);
            let mut inputs = Inputs::of(&environment);
            assert_eq!(inputs.plain("authority-url").unwrap_or_default(), authority);
            assert_eq!(inputs.plain("ca-file"), None);
        }
    }

    #[test]
    fn switches_are_strict_and_all_problems_are_told() {
        let table = [
            ("", Some(true)),
            (" ", Some(true)),
            ("true", Some(true)),
            ("True", Some(true)),
            ("TRUE", Some(true)),
            ("false", Some(false)),
            ("False", Some(false)),
            (" FALSE ", Some(false)),
            ("yes", None),
            ("0", None),
            ("tRUE", None),
        ];
        for (text, expected) in table {
            let environment = environment(&[("INPUT_CLEANUP", text)]);
            let mut inputs = Inputs::of(&environment);
            let read = inputs.switch("cleanup", true);
            let problems = inputs.into_problems();
            assert_eq!(problems.is_empty().then_some(read), expected, "{text:?}");
        }
        let environment = environment(&[("INPUT_A-B", "secret"), ("INPUT_C", "secret")]);
        let mut inputs = Inputs::of(&environment);
        assert_eq!(inputs.switch("a-b", false), false);
        assert_eq!(inputs.parsed("c", str::parse::<u8>), None);
        let expected =
            ["input `a-b`: expected `true` or `false`", "input `c`: invalid digit found in string"];
        assert_eq!(inputs.into_problems(), expected);
    }
}
