//! What is wrong with a configuration, told so that an admin can mend all of it in one go. No text in here ever
//! holds a secret: whoever notes a problem with one leaves its value out.

use std::fmt;
use std::path::PathBuf;

/// The width that problems are wrapped to: they are read in 80 columns.
const WIDTH: usize = 78;

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The key with its table: `komet.timeout`.
    pub key: String,
    /// What was found.
    pub found: String,
    /// What is allowed, or what to do.
    pub allowed: String,
}

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigErrors {
    /// Nobody named a file, and there is none in the usual places.
    NoneFound {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Who named it: `-c` or `$STEMSYNC_CONFIG`, if anybody did.
        named_by: Option<&'static str>,
        /// Why not.
        why: String,
    },
    /// The file is wrong.
    Invalid {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong, in the order of the lines; never empty.
        problems: Vec<Problem>,
    },
}

impl ConfigErrors {
    /// What is wrong in the file; empty where there was no file to read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            Self::NoneFound { .. } | Self::Unreadable { .. } => &[],
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneFound { looked } => {
                writeln!(f, "there is no configuration; looked for")?;
                for place in looked {
                    writeln!(f, "  {}", place.display())?;
                }
                writeln!(f, "Name one with -c FILE or in $STEMSYNC_CONFIG, or start from the sync.toml")?;
                write!(f, "in stemsync's repository, which runs on the built-in sandbox.")
            }
            Self::Unreadable { file, named_by, why } => {
                write!(f, "cannot read the configuration {}", file.display())?;
                if let Some(who) = named_by {
                    write!(f, " (named by {who})")?;
                }
                write!(f, ": {why}")
            }
            Self::Invalid { file, problems } => {
                let count = problems.len();
                let noun = if count == 1 { "problem" } else { "problems" };
                write!(f, "{count} {noun} in {}", file.display())?;
                for problem in problems {
                    write!(f, "\n\n{}:{}: {}", file.display(), problem.line, problem.key)?;
                    paragraph(f, "found", &problem.found)?;
                    paragraph(f, "allowed", &problem.allowed)?;
                }
                Ok(())
            }
        }
    }
}

/// Writes `text` behind its label, wrapped, the further lines under the first one.
fn paragraph(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut column = WIDTH;
    let indent = 2 + 9;
    for (n, word) in words(text).into_iter().enumerate() {
        let long = word.chars().count();
        if n == 0 {
            write!(f, "\n  {label:<9}{word}")?;
            column = indent + long;
        } else if column + 1 + long > WIDTH {
            write!(f, "\n{:indent$}{word}", "")?;
            column = indent + long;
        } else {
            write!(f, " {word}")?;
            column += 1 + long;
        }
    }
    Ok(())
}

/// The words of a text; a TOML table in braces is one word, so that it can be copied from one line.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        match words.last_mut() {
            Some(table) if table.starts_with('{') && !table.contains('}') => {
                table.push(' ');
                table.push_str(part);
            }
            _ => words.push(part.to_owned()),
        }
    }
    words
}
