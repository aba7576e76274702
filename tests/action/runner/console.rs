//! The log of a job as people see it, and the commands in what its steps print.

use std::collections::BTreeMap;

use super::{
    commands::{self, Command},
    environment::Variables,
    masks::Masks,
};

const DISABLED: &str = "command is disabled. Please upgrade to using Environment Files or opt into unsecure command \
                        execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`.";
const BAD_TOKEN: &str = "You cannot use a endToken that is an empty string, the string 'pause-logging', or another \
                         workflow command.";

/// The commands that are printed in their own way, whether or not `echo` is on.
const WITHOUT_ECHO: [&str; 5] = ["add-mask", "debug", "error", "notice", "warning"];

/// The log, and what is hidden in it from now on.
#[derive(Default)]
pub(crate) struct Console {
    pub(crate) masks: Masks,
    pub(crate) log: String,
    /// The word that ends a pause, while commands are paused.
    pause: Option<String>,
    echo: bool,
}

/// What one stage said by commands.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) state: Vec<(String, String)>,
    pub(crate) failed: bool,
}

impl Console {
    /// Opens a log in which these are hidden from the start.
    pub(crate) fn hiding(secrets: &[String]) -> Self {
        let mut console = Self::default();
        secrets.iter().for_each(|secret| console.masks.add_lines(secret));
        console
    }

    /// Prints a line as people see it.
    pub(crate) fn print(&mut self, text: &str) {
        self.log.push_str(&self.masks.apply(text));
        self.log.push('\n');
    }

    /// Prints how a step begins: its inputs and variables, as the runner shows them.
    pub(crate) fn open_step(&mut self, title: &str, inputs: &[(String, String)], variables: &Variables) {
        // A step that does not end its pause ends with it.
        (self.pause, self.echo) = (None, false);
        self.print(&format!("##[group]{title}"));
        let given: Vec<_> = inputs.iter().map(|(name, value)| (name, value)).collect();
        for (heading, mut pairs) in [("with:", given), ("env:", variables.iter().collect())] {
            pairs.retain(|(_, value)| !value.is_empty());
            if !pairs.is_empty() {
                self.print(heading);
            }
            for (name, value) in pairs {
                // First as a whole: the mask of a text of several lines hides it in one piece only.
                let whole = self.masks.apply(&format!("  {name}: {value}"));
                whole.lines().for_each(|line| self.print(line));
            }
        }
        self.print("##[endgroup]");
    }

    /// Prints a line of a step, or does what it commands.
    pub(crate) fn obey(&mut self, line: &str, said: &mut Said) {
        let Some(command) = commands::read(line, self.pause.as_deref()) else { return self.print(line) };
        if let Some(token) = &self.pause {
            if token.to_lowercase() == command.name {
                self.pause = None;
            }
            return self.print(line);
        }
        if self.echo && !WITHOUT_ECHO.contains(&command.name.as_str()) {
            self.print(line);
        }
        if let Err(reason) = self.execute(line, &command, said) {
            self.print(&format!("##[error]Unable to process command '{line}' successfully."));
            self.print(&format!("##[error]{reason}"));
            said.failed = true;
        }
    }

    fn execute(&mut self, line: &str, command: &Command, said: &mut Said) -> Result<(), String> {
        let Command { name, properties, data } = command;
        match name.as_str() {
            commands::STOP => return self.stop_commands(line, data),
            "add-mask" if data.trim().is_empty() => {
                self.print("##[warning]Can't add secret mask for empty string in ##[add-mask] command.");
            }
            "add-mask" => self.masks.add_lines(data),
            "set-env" | "add-path" => return Err(format!("The `{name}` {DISABLED}")),
            "set-output" | "save-state" => {
                let missing = || format!("Required field 'name' is missing in ##[{name}] command.");
                let pair = (properties.get("name").ok_or_else(missing)?.clone(), data.clone());
                self.print(&format!(
                    "##[warning]The `{name}` command is deprecated and will be disabled soon."
                ));
                if name == "set-output" {
                    said.outputs.extend([pair]);
                } else {
                    said.state.push(pair);
                }
            }
            "echo" => {
                self.echo = match data.trim().to_lowercase().as_str() {
                    "on" => true,
                    "off" => false,
                    _ => {
                        return Err(format!(
                            "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{data}'."
                        ));
                    }
                };
            }
            "add-matcher" | "remove-matcher" => {}
            "endgroup" => self.print("##[endgroup]"),
            _ => {
                let title = properties.get("title").map(|title| format!("{title}: ")).unwrap_or_default();
                self.print(&format!("##[{name}]{title}{data}"));
            }
        }
        Ok(())
    }

    fn stop_commands(&mut self, line: &str, token: &str) -> Result<(), String> {
        let lower = token.to_lowercase();
        let is_command = lower == commands::STOP || commands::NAMES.contains(&lower.as_str());
        if token.is_empty() || lower == "pause-logging" || is_command {
            return Err(BAD_TOKEN.to_owned());
        }
        self.pause = Some(token.to_owned());
        if token.len() > 6 {
            self.masks.add(token);
        }
        self.print(line);
        Ok(())
    }
}
