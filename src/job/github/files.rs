//! Entries of the files through which a step tells the runner outputs, variables and state: `NAME<<DELIMITER`, the value,
//! the delimiter. It is random, so that no value can end its entry and begin another. No secret is ever put into one: the
//! runner prints them.

/// An entry cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileCommandError {
    /// The name is not made of letters, digits, `-` and `_`.
    #[error("this is no name of an output or a variable")]
    Name,
    /// The value has the delimiter in it, which was random: somebody foresees our randomness.
    #[error("a value has the random delimiter of its own entry in it")]
    Delimiter,
}

/// Returns an entry.
///
/// # Errors
/// When the name is none, or the value has the delimiter in it.
pub fn entry(name: &str, value: &str, random: [u8; 16]) -> Result<String, FileCommandError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(FileCommandError::Name);
    }
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let delimiter = format!("ghadelimiter_{random}");
    if value.contains(&delimiter) || name.contains(&delimiter) {
        return Err(FileCommandError::Delimiter);
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIMITER: &str = "ghadelimiter_07070707070707070707070707070707";

    #[test]
    fn every_value_is_between_its_delimiters() {
        for value in ["", "a", "a\nb", "x=y", "x<<EOF\ny\nEOF", "\n", "a\r"] {
            let expected = format!("name<<{DELIMITER}\n{value}\n{DELIMITER}\n");
            assert_eq!(entry("name", value, [7; 16]), Ok(expected), "{value:?}");
        }
    }

    #[test]
    fn what_would_begin_another_entry_is_refused() {
        for name in ["", "a=b", "a<<b", "a\nb", "a b", "\u{e9}"] {
            assert_eq!(entry(name, "x", [7; 16]), Err(FileCommandError::Name), "{name:?}");
        }
        let foreseen = format!("x\n{DELIMITER}\nother=y");
        assert_eq!(entry("name", &foreseen, [7; 16]), Err(FileCommandError::Delimiter));
    }
}
