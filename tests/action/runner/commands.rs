//! Commands in what a step prints: `::name key=value::data` at the beginning of a line, and `##[name key=value]data`
//! anywhere in it. Reading them only; `job.rs` does what they say.

use std::collections::BTreeMap;

/// The commands that there are. Another name is no command, and its line is printed.
pub(crate) const NAMES: [&str; 14] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "warning",
];

/// Stops all others until its data comes back as a command.
pub(crate) const STOP: &str = "stop-commands";

/// One command as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) data: String,
}

/// How one of the two forms is written.
struct Form {
    separator: char,
    property: &'static [(&'static str, &'static str)],
    data: &'static [(&'static str, &'static str)],
}

/// `%25` comes last: what it gives is not read again.
const COLONS: Form = Form {
    separator: ',',
    property: &[("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")],
    data: &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")],
};
const BRACKETS: Form = Form {
    separator: ';',
    property: &[("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")],
    data: &[("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")],
};

/// Reads the command of a line, if it has one. `token` is the word that ends a pause, and a command then.
pub(crate) fn read(line: &str, token: Option<&str>) -> Option<Command> {
    colons(line, token).or_else(|| brackets(line, token))
}

fn colons(line: &str, token: Option<&str>) -> Option<Command> {
    let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    COLONS.command(head, data, token)
}

fn brackets(line: &str, token: Option<&str>) -> Option<Command> {
    let (head, data) = line.split_once("##[")?.1.split_once(']')?;
    BRACKETS.command(head, data, token)
}

impl Form {
    fn command(&self, head: &str, data: &str, token: Option<&str>) -> Option<Command> {
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let name = name.to_lowercase();
        let is_token = token.is_some_and(|token| token.to_lowercase() == name);
        if !is_token && name != STOP && !NAMES.contains(&name.as_str()) {
            return None;
        }
        let properties = properties
            .trim()
            .split(self.separator)
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), unescape(value, self.property)))
            .collect();
        Some(Command { name, properties, data: unescape(data, self.data) })
    }
}

fn unescape(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes.iter().fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[test]
fn reads_both_forms() {
    type Row = (&'static str, Option<(&'static str, &'static [(&'static str, &'static str)], &'static str)>);
    let table: [Row; 20] = [
        ("", None),
        ("text", None),
        ("::", None),
        ("::add-mask:x", None),
        ("::unknown::x", None),
        ("text ::add-mask::x", None),
        ("::add-mask::x", Some(("add-mask", &[], "x"))),
        (" \t::add-mask::x", Some(("add-mask", &[], "x"))),
        ("::ADD-Mask::x", Some(("add-mask", &[], "x"))),
        ("::add-mask::a::b", Some(("add-mask", &[], "a::b"))),
        ("::add-mask::a%0Ab%250A", Some(("add-mask", &[], "a\nb%0A"))),
        ("::add-mask::a%0ab", Some(("add-mask", &[], "a%0ab"))),
        (
            "::error title=a%3Ab%2Cc,file=f,line=1::m%3A",
            Some(("error", &[("title", "a:b,c"), ("file", "f"), ("line", "1")], "m%3A")),
        ),
        ("::set-output name=a=b::c", Some(("set-output", &[("name", "a=b")], "c"))),
        ("::stop-commands::T", Some(("stop-commands", &[], "T"))),
        ("##[group]x", Some(("group", &[], "x"))),
        ("text ##[error]x", Some(("error", &[], "x"))),
        ("##[error file=a%5D;line=2]b%5D%3B", Some(("error", &[("file", "a]"), ("line", "2")], "b];"))),
        ("##[unknown]x", None),
        // What is no command in the first form may still be one in the second.
        ("::unknown::##[debug]x", Some(("debug", &[], "x"))),
    ];
    for (line, expected) in table {
        let expected = expected.map(|(name, properties, data)| Command {
            name: name.to_owned(),
            properties: properties
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            data: data.to_owned(),
        });
        assert_eq!(read(line, None), expected, "{line:?}");
    }
    assert!(read("::Some-Token::", None).is_none());
    assert_eq!(read("::Some-Token::", Some("some-token")).unwrap().name, "some-token");
}
