//! The five files of a stage: where they lie, what may be written into them, and what is wrong with what was written.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a step summary may have at most; more is not shown at all.
const MOST_SUMMARY: usize = 1024 * 1024;

/// Each file: the variable that names it, how its name begins, and what the runner calls it.
const FILES: [(&str, &str, &str); 5] = [
    ("GITHUB_PATH", "add_path_", "path"),
    ("GITHUB_ENV", "set_env_", "env"),
    ("GITHUB_STEP_SUMMARY", "step_summary_", "step_summary"),
    ("GITHUB_STATE", "save_state_", "state"),
    ("GITHUB_OUTPUT", "set_output_", "output"),
];

/// The files of one stage.
pub(crate) struct CommandFiles {
    directory: PathBuf,
    suffix: String,
}

/// What one stage asked for. What stands before an error counts, as on the real runner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) state: Vec<(String, String)>,
    pub(crate) outputs: Vec<(String, String)>,
    pub(crate) summary: String,
    /// In the runner's words; one of them fails the step.
    pub(crate) errors: Vec<String>,
}

impl CommandFiles {
    /// Makes five empty files, and deletes those of the stage before.
    pub(crate) fn create(temporary: &Path) -> Self {
        let directory = temporary.join("_runner_file_commands");
        fs::remove_dir_all(&directory).ok();
        fs::create_dir_all(&directory).unwrap();
        let files = Self { directory, suffix: super::guid() };
        for (_, path) in files.variables() {
            fs::write(path, "").unwrap();
        }
        files
    }

    /// Returns the variables that say where the files are.
    pub(crate) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        FILES.iter().map(|(variable, prefix, _)| (*variable, self.path(prefix))).collect()
    }

    /// Reads what the stage has written, however it ended.
    pub(crate) fn read(&self) -> Asked {
        let mut asked = Asked::default();
        for (_, prefix, name) in FILES {
            // A file that the stage deleted says nothing.
            let Ok(bytes) = fs::read(self.path(prefix)) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            if let Err(reason) = asked.take(name, text.strip_prefix('\u{feff}').unwrap_or(&text)) {
                asked.errors.push(format!("Unable to process file command '{name}' successfully."));
                asked.errors.push(reason);
            }
        }
        asked
    }

    fn path(&self, prefix: &str) -> PathBuf {
        self.directory.join(format!("{prefix}{}", self.suffix))
    }
}

impl Asked {
    fn take(&mut self, name: &str, text: &str) -> Result<(), String> {
        match name {
            "path" => self.path.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned)),
            "env" => {
                let mut pairs = Vec::new();
                let read = read_pairs(text, &mut pairs);
                for (key, value) in pairs {
                    if key.eq_ignore_ascii_case("NODE_OPTIONS") {
                        self.errors
                            .push(format!("Can't store {key} output parameter using '$GITHUB_ENV' command."));
                    } else {
                        self.env.push((key, value));
                    }
                }
                read?;
            }
            "state" => read_pairs(text, &mut self.state)?,
            "output" => read_pairs(text, &mut self.outputs)?,
            _ if text.len() > MOST_SUMMARY => {
                return Err(format!(
                    "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {}k, got {}k.",
                    MOST_SUMMARY / 1024,
                    text.len() / 1024
                ));
            }
            _ => text.clone_into(&mut self.summary),
        }
        Ok(())
    }
}

/// Reads `NAME=VALUE` and `NAME<<DELIMITER`, one after the other, up to the first that is malformed.
fn read_pairs(text: &str, pairs: &mut Vec<(String, String)>) -> Result<(), String> {
    let mut lines = Lines { text, at: 0 };
    while let Some((line, _)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, here) = (line.find('='), line.find("<<"));
        match (equals, here) {
            (_, Some(here)) if equals.is_none_or(|equals| here < equals) => {
                let (key, delimiter) = (&line[..here], &line[here + 2..]);
                if key.is_empty() || delimiter.is_empty() {
                    return Err(format!(
                        "Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
                    ));
                }
                pairs.push((key.to_owned(), lines.until(delimiter)?));
            }
            (Some(equals), _) => pairs.push((line[..equals].to_owned(), line[equals + 1..].to_owned())),
            _ => return Err(format!("Invalid format '{line}'")),
        }
    }
    Ok(())
}

/// The lines of a file, each with whether a newline ended it. Only `\n` does, on Linux and macOS.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(&'a str, bool)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (line, ended) = rest.split_once('\n').map_or((rest, false), |(line, _)| (line, true));
        self.at += line.len() + usize::from(ended);
        Some((line, ended))
    }

    /// Returns what stands before the line that is the delimiter, without the newline before it.
    fn until(&mut self, delimiter: &str) -> Result<String, String> {
        let start = self.at;
        let mut end = start;
        loop {
            let Some((line, ended)) = self.next() else {
                return Err(format!("Invalid value. Matching delimiter not found '{delimiter}'"));
            };
            if line == delimiter {
                return Ok(self.text[start..end].to_owned());
            }
            if !ended {
                return Err("Invalid value. EOF marker missing new line.".to_owned());
            }
            end = self.at - 1;
        }
    }
}

#[test]
fn reads_pairs_by_the_runners_grammar() {
    type Row = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);
    let table: [Row; 18] = [
        ("", &[], None),
        ("\n\n", &[], None),
        ("a=b", &[("a", "b")], None),
        ("a=b=c\n", &[("a", "b=c")], None),
        ("a=\n", &[("a", "")], None),
        ("=b\n", &[("", "b")], None),
        ("a=1\na=2\n", &[("a", "1"), ("a", "2")], None),
        ("a=b<<c\n", &[("a", "b<<c")], None),
        ("a<<E\nx\ny\nE\nb=2\n", &[("a", "x\ny"), ("b", "2")], None),
        ("a<<E\nE\n", &[("a", "")], None),
        ("a<<E\n\n\nE", &[("a", "\n")], None),
        ("a<<E\nx\r\nE\n", &[("a", "x\r")], None),
        ("a<<E=F\nx\nE=F\n", &[("a", "x")], None),
        ("a\n", &[], Some("Invalid format 'a'")),
        (
            "b=1\n<<E\nE\n",
            &[("b", "1")],
            Some("Invalid format '<<E'. Name must not be empty and delimiter must not be empty"),
        ),
        (
            "a<<\nx\n",
            &[],
            Some("Invalid format 'a<<'. Name must not be empty and delimiter must not be empty"),
        ),
        ("a<<E\nx\n E\n", &[], Some("Invalid value. Matching delimiter not found 'E'")),
        ("a<<E\nx", &[], Some("Invalid value. EOF marker missing new line.")),
    ];
    for (text, expected, error) in table {
        let mut pairs = Vec::new();
        let read = read_pairs(text, &mut pairs);
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, expected, "{text:?}");
        assert_eq!(read.err().as_deref(), error, "{text:?}");
    }
}

#[test]
fn reads_five_files_and_words_errors_as_the_runner_does() {
    let temporary = tempfile::tempdir().unwrap();
    let first = CommandFiles::create(temporary.path());
    let files = CommandFiles::create(temporary.path());
    assert_eq!(fs::read_dir(temporary.path().join("_runner_file_commands")).unwrap().count(), 5);
    assert!(first.suffix != files.suffix);
    assert_eq!(files.read(), Asked::default());
    let texts = [
        ("GITHUB_PATH", "/one\n\n/two\n"),
        ("GITHUB_ENV", "A=1\nnode_options=--x\nB<<E\n2\nE\n"),
        ("GITHUB_STATE", "Case_Kept=s\n"),
        ("GITHUB_OUTPUT", "good=1\nbad\n"),
        ("GITHUB_STEP_SUMMARY", "# All is well\n"),
    ];
    let written = files.variables();
    for (name, text) in texts {
        fs::write(&written.iter().find(|(variable, _)| *variable == name).unwrap().1, text).unwrap();
    }
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let expected = Asked {
        path: vec!["/one".to_owned(), "/two".to_owned()],
        env: vec![pair("A", "1"), pair("B", "2")],
        state: vec![pair("Case_Kept", "s")],
        outputs: vec![pair("good", "1")],
        summary: "# All is well\n".to_owned(),
        errors: vec![
            "Can't store node_options output parameter using '$GITHUB_ENV' command.".to_owned(),
            "Unable to process file command 'output' successfully.".to_owned(),
            "Invalid format 'bad'".to_owned(),
        ],
    };
    assert_eq!(files.read(), expected);
}

#[test]
fn a_summary_has_a_limit() {
    let mut asked = Asked::default();
    assert_eq!(asked.take("step_summary", &"x".repeat(MOST_SUMMARY)), Ok(()));
    let error = asked.take("step_summary", &"x".repeat(MOST_SUMMARY + 1)).unwrap_err();
    assert!(error.starts_with("$GITHUB_STEP_SUMMARY upload aborted"), "{error}");
}
