//! Workflow commands: lines of our output that the runner obeys (masks, annotations, groups), and the making harmless of
//! all that it should not obey.
//!
//! The runner looks at both streams, and takes a line that begins with `::`, and `##[` anywhere in a line. It reads the
//! streams independently: only in one stream does a mask come before what it is to hide.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Pieces and other forms of a secret that are shorter turn up by chance, and would blacken the log.
const LEAST: usize = 16;

/// What we say to the runner, in its words.
pub struct Commands;

impl Commands {
    /// Ends a group.
    pub const END_GROUP: &str = "::endgroup::\n";

    /// Hides a value from all output that follows; nothing for a value of several lines, whose lines the runner would hide
    /// one by one (of a JSON document: its braces), and for a blank one, which it refuses.
    #[must_use]
    pub fn mask(value: &str) -> Zeroizing<String> {
        let is_maskable = !value.trim().is_empty() && !value.contains(['\n', '\r']);
        let line = if is_maskable { format!("::add-mask::{}\n", data(value)) } else { String::new() };
        Zeroizing::new(line)
    }

    /// Shows an error at the head of the run.
    #[must_use]
    pub fn error(title: &str, text: &str) -> String {
        format!("::error title={}::{}\n", property(title), data(&harmless(text)))
    }

    /// Shows a warning there.
    #[must_use]
    pub fn warning(title: &str, text: &str) -> String {
        format!("::warning title={}::{}\n", property(title), data(&harmless(text)))
    }

    /// Begins a group of lines that is shown folded.
    #[must_use]
    pub fn group(title: &str) -> String {
        format!("::group::{}\n", data(&harmless(title)))
    }

    /// A line that is no command, whatever is in it.
    #[must_use]
    pub fn line(text: &str) -> String {
        format!("{}\n", harmless(text))
    }
}

/// Returns a secret in the forms in which it may turn up and that the runner does not hide by itself: it does so for the
/// value and for its base64 at each of the three shifts, but not for base64 of the URL-safe alphabet, nor for the parts
/// of a JWT. A JWT's header is the same in many and no secret.
#[must_use]
pub fn mask_forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms = vec![Zeroizing::new(secret.to_owned())];
    let mut segments = secret.split('.');
    if let (Some(_), Some(payload), Some(signature)) = (segments.next(), segments.next(), segments.next()) {
        let parts = [payload, signature].into_iter().filter(|part| part.len() >= LEAST);
        forms.extend(parts.map(|part| Zeroizing::new(part.to_owned())));
    }
    if secret.len() >= LEAST {
        let shifted = (0..3).map(|shift| url_safe(secret.as_bytes(), shift));
        forms.extend(shifted.filter(|form| form.contains(['-', '_'])));
    }
    forms
}

/// What base64 makes of a secret behind `shift` bytes, without the characters that depend on its neighbours.
fn url_safe(secret: &[u8], shift: usize) -> Zeroizing<String> {
    let mut shifted = Zeroizing::new(Vec::with_capacity(shift + secret.len()));
    shifted.resize(shift, 0);
    shifted.extend_from_slice(secret);
    let first = (shift * 8).div_ceil(6);
    let end = shifted.len() * 8 / 6;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*shifted));
    Zeroizing::new(text.get(first..end).unwrap_or_default().to_owned())
}

/// Makes one line of a text, and no command of it.
fn harmless(text: &str) -> String {
    let line: String = text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
    let line = line.replace("##[", "## [");
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => line,
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&harmless(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_becomes_a_command() {
        let table = [
            ("plain: text", "plain: text\n"),
            ("::set-output name=x::y", ": :set-output name=x::y\n"),
            ("  \t::add-mask::x", ": :add-mask::x\n"),
            ("\u{a0}::add-mask::x", ": :add-mask::x\n"),
            ("a\n::error::b", "a\u{fffd}::error::b\n"),
            ("a\r::error::b", "a\u{fffd}::error::b\n"),
            ("see ##[error]x and ##[group]y", "see ## [error]x and ## [group]y\n"),
            ("####[x", "#### [x\n"),
            ("100 % of a::b", "100 % of a::b\n"),
        ];
        for (text, expected) in table {
            assert_eq!(Commands::line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn annotations_are_escaped() {
        let expected = "::error title=authbaton%3A a%2Cb %25::50 %25 of ## [x\u{fffd}::y\n";
        assert_eq!(Commands::error("authbaton: a,b %", "50 % of ##[x\n::y"), expected);
        assert_eq!(Commands::warning("t", "::x"), "::warning title=t::: :x\n");
        assert_eq!(Commands::group("a\nb"), "::group::a\u{fffd}b\n");
    }

    #[test]
    fn only_single_lines_are_masked() {
        assert_eq!(*Commands::mask("a%b"), "::add-mask::a%25b\n");
        for nothing in ["", "  ", "{\n}", "a\rb"] {
            assert_eq!(*Commands::mask(nothing), "", "{nothing:?}");
        }
    }

    #[test]
    fn a_secret_is_hidden_in_its_other_forms_too() {
        let forms = |secret| mask_forms(secret).iter().map(|form| form.to_string()).collect::<Vec<_>>();
        assert_eq!(forms("short"), ["short"]);
        let jwt = "e30.cGF5bG9hZC1wYXlsb2Fk.c2lnbmF0dXJlLXNpZ24";
        assert_eq!(forms(jwt).get(..3), Some(&[jwt, "cGF5bG9hZC1wYXlsb2Fk", "c2lnbmF0dXJlLXNpZ24"].map(str::to_owned)[..]));
        // The three shifts are found in whatever surrounds the secret.
        let secret = "sk-?>~?>~?>~?>~?>~?>~";
        let hidden = forms(secret);
        for before in ["", "x", "xx"] {
            let text = URL_SAFE_NO_PAD.encode(format!("{before}{secret}yy"));
            assert!(hidden.iter().any(|form| text.contains(form.as_str())), "{before:?}: {text} {hidden:?}");
        }
    }
}
