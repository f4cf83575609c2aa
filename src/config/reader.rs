//! Walks a parsed TOML document by hand. A value that cannot be taken is noted as a [`Problem`] with its line,
//! and the walk goes on, so that an admin sees everything that is wrong at once. A table knows the keys it was
//! asked for: what is left over at its end is unknown.

use std::cell::RefCell;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::values::{Refusal, shown};
use super::{ConfigErrors, Problem};

/// Keys further apart than this are no typing mistakes (Jaro-Winkler).
const LIKENESS: f64 = 0.75;

/// The word most like `word`, if any is like it at all.
pub(crate) fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let asked = word.to_lowercase();
    words
        .map(|candidate| (strsim::jaro_winkler(&asked, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Whether a text is a key as it stands at a line's beginning, and nothing else.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Where problems are noted.
pub(super) struct Notes<'t> {
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
    /// Lines on which the text is no TOML: what follows from that is not reported a second time.
    broken: RefCell<Vec<usize>>,
}

impl<'t> Notes<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: RefCell::default(), broken: RefCell::default() }
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.get(..offset).unwrap_or(self.text).matches('\n').count()
    }

    fn note(&self, offset: usize, key: String, refusal: Refusal) {
        let line = self.line(offset);
        self.problems.borrow_mut().push(Problem { line, key, found: refusal.found, allowed: refusal.allowed });
    }

    /// Notes what the TOML parser found. Its own texts would repeat the line, and a secret may stand there.
    pub(super) fn syntax(&self, span: Option<Range<usize>>, message: &str) {
        let span = span.unwrap_or(self.text.len()..self.text.len());
        let start = span.start;
        self.broken.borrow_mut().push(self.line(start));
        let before =
            self.text.get(..span.start).unwrap_or_default().rsplit('\n').next().unwrap_or_default().trim();
        let without_value =
            before.strip_suffix('=').map(str::trim_end).filter(|key| span.is_empty() && is_bare(key));
        let refusal = if message == "duplicate key" {
            // Within a line a secret may stand in the place of a key.
            let key = self.text.get(span).filter(|_| matches!(before, "" | "["));
            Refusal::new(format!("{} a second time", key.unwrap_or("a key")), "each key and each [table] once")
        } else if let Some(key) = without_value {
            Refusal::new(format!("{key} = and nothing behind it"), "a value, or the line left out")
        } else {
            // The messages are fixed texts.
            let found = format!("text that is not TOML: {message}");
            Refusal::new(found, "TOML: key = value, texts in \"quotes\"")
        };
        self.note(start, "syntax".to_owned(), refusal);
    }

    /// All problems in the order of their lines, or none.
    pub(super) fn finish(self, file: &std::path::Path) -> Result<(), ConfigErrors> {
        let broken = self.broken.into_inner();
        let mut problems = self.problems.into_inner();
        if !broken.is_empty() {
            // Keys seem to be missing where the text could not be read; that would only distract.
            problems.retain(|p| p.key == "syntax" || (p.found != MISSING && !broken.contains(&p.line)));
        }
        problems.sort_by_key(|p| p.line);
        problems.dedup();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ConfigErrors::Invalid { file: file.to_owned(), problems })
    }
}

/// What was found where a required key is missing.
const MISSING: &str = "nothing: the key is missing";

/// One table of the file, present or not.
pub(super) struct Section<'t, 'n> {
    notes: &'n Notes<'t>,
    name: String,
    /// Where the table begins, for what it lacks.
    at: usize,
    table: Option<&'n DeTable<'t>>,
    asked: Vec<&'static str>,
}

impl<'t, 'n> Section<'t, 'n> {
    /// The whole file.
    pub(super) fn root(notes: &'n Notes<'t>, table: &'n DeTable<'t>) -> Self {
        Self { notes, name: String::new(), at: 0, table: Some(table), asked: Vec::new() }
    }

    /// Whether the file has this table.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// The value of `key` and where it stands.
    fn find(&mut self, key: &'static str) -> Option<(usize, &'n DeValue<'t>)> {
        self.asked.push(key);
        let (_, value) = self.table?.get_key_value(key)?;
        Some((value.span().start, value.get_ref()))
    }

    /// The table `key` within this one.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let name = self.full(key);
        let mut section = Self { notes: self.notes, name, at: self.at, table: None, asked: Vec::new() };
        if let Some((at, value)) = self.find(key) {
            section.at = at;
            section.table = value.as_table();
            if section.table.is_none() {
                let allowed = format!("a table: [{}] on a line of its own, its keys below", section.name);
                self.notes.note(at, section.name.clone(), Refusal::new(shown(value), allowed));
            }
        }
        section
    }

    /// The value of a key that may be absent. `None` is also what a noted problem leaves behind.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        take: impl FnOnce(&DeValue<'t>) -> Result<T, Refusal>,
    ) -> Option<T> {
        let (at, value) = self.find(key)?;
        take(value).map_err(|refusal| self.notes.note(at, self.full(key), refusal)).ok()
    }

    /// The value of a key that has a default.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        take: impl FnOnce(&DeValue<'t>) -> Result<T, Refusal>,
    ) -> T {
        self.optional(key, take).unwrap_or(default)
    }

    /// The value of a key that must be there; `None` once the problem was noted.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        take: impl FnOnce(&DeValue<'t>) -> Result<T, Refusal>,
    ) -> Option<T> {
        if self.has(key) {
            return self.optional(key, take);
        }
        self.asked.push(key);
        self.notes.note(self.at, self.full(key), Refusal::new(MISSING, allowed));
        None
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Notes that `key` is there but must not be, or the other way round.
    pub(super) fn refuse(&self, key: &'static str, found: &str, allowed: &str) {
        let at = self.table.and_then(|table| table.get(key)).map_or(self.at, |value| value.span().start);
        self.notes.note(at, self.full(key), Refusal::new(found, allowed));
    }

    /// Ends the table: every key that nobody asked for is unknown.
    pub(super) fn finish(self) {
        for key in self.table.into_iter().flat_map(DeTable::keys) {
            let word: &str = key.get_ref();
            if self.asked.contains(&word) {
                continue;
            }
            let known = self.asked.join(", ");
            let allowed = match nearest(word, self.asked.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"? Known here: {known}"),
                None => format!("known here: {known}"),
            };
            self.notes.note(key.span().start, self.full(word), Refusal::new("an unknown key", allowed));
        }
    }
}
