//! Foreign text, made harmless for whoever shows it.

use std::borrow::Cow;

/// On one line and without what a terminal would obey: control characters, and those that turn the direction in which a text
/// is read, by which it can look like another one.
pub fn plain(text: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| c.is_control() || turns(c);
    if text.contains(is_obeyed) { text.replace(is_obeyed, " ").into() } else { text.into() }
}

/// Whether the character is not shown but turns the text after it (Unicode's embeddings, overrides and isolates).
pub fn turns(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// As a shell takes it for one word.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, quoted};

    #[test]
    fn a_shell_takes_a_code_for_one_word_and_for_nothing_else() {
        assert_eq!(quoted("RFR60"), "RFR60");
        assert_eq!(quoted("RED ROSE 60"), "'RED ROSE 60'");
        assert_eq!(quoted("R$(reboot)'S"), "'R$(reboot)'\\''S'");
    }

    #[test]
    fn what_a_terminal_would_obey_is_blank_and_all_else_stands() {
        assert_eq!(plain("\u{1b}[31mred\nline"), " [31mred line");
        assert_eq!(plain("Freedom \u{202E}der\u{2066}x"), "Freedom  der x");
        assert_eq!(plain("Ecuador Rosé ورد 薔薇"), "Ecuador Rosé ورد 薔薇");
    }
}
