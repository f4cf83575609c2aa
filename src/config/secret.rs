//! Secrets: where they come from, and a type that cannot show what it holds. Nothing in this file puts a value
//! that was read, or that stands in the place of one, into a text.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::de::DeValue;

use super::find::reason;
use super::values::Refusal;

/// A token or password. It cannot be printed, compared, copied or serialised; [`Secret::expose`] is the only way
/// to what it holds, and easy to search for.
pub struct Secret {
    text: Box<str>,
    source: Box<str>,
    /// The file it was read from, also where that is a credential's.
    read_from: Option<Box<Path>>,
    /// The configuration names that file itself.
    is_named: bool,
}

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), source: "the program itself".into(), read_from: None, is_named: false }
    }

    /// The file that the configuration names for it. Not for people: who mistook the key may have put the secret there.
    pub fn file(&self) -> Option<&Path> {
        self.read_from().filter(|_| self.is_named)
    }

    /// The file it was read from, whether that is named or a credential's. Not for people, as [`Secret::file`].
    pub fn read_from(&self) -> Option<&Path> {
        self.read_from.as_deref()
    }

    /// Where it comes from, for people: `$KOMET_TOKEN`, a file, a credential.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it holds: for a request and for nothing else.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The three ways to name a secret.
pub(super) const WAYS: &str = "{ env = \"NAME\" }, { file = \"PATH\" } (mode 0600 or stricter) or { credential = \
                               \"NAME\" } (systemd's $CREDENTIALS_DIRECTORY)";

/// A secret is a line or two; what is longer is the wrong file.
const LONGEST: u64 = 64 * 1024;

/// Where secrets are looked up.
#[derive(Clone, Copy)]
pub(super) struct Environment<'e> {
    /// A variable's value.
    pub(super) variable: &'e dyn Fn(&str) -> Option<OsString>,
    /// The configuration's directory.
    pub(super) folder: &'e Path,
}

/// Where one secret comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// An environment variable.
    Env(String),
    /// A file.
    File(String),
    /// A systemd credential.
    Credential(String),
}

/// Reads how a secret is named, without looking it up. `value` is never repeated.
pub(super) fn source(value: &DeValue, key: &str) -> Result<Source, Refusal> {
    let table = match value {
        DeValue::Table(table) => table,
        DeValue::String(_) => {
            return Err(Refusal::new(
                "a secret written out in the file",
                format!(
                    "{WAYS}. Put it into a file that only you can read (umask 077 first), then write {key} = \
                     {{ file = \"PATH\" }}; whoever saw this file may know it: ask for a new one"
                ),
            ));
        }
        other => return Err(Refusal::new(format!("a value of type {}", other.type_str()), WAYS)),
    };
    let one = table.iter().next().filter(|_| table.len() == 1);
    let Some((word, name)) = one else {
        return Err(Refusal::new("a table that does not name exactly one source", format!("one of {WAYS}")));
    };
    let way: fn(String) -> Source = match word.get_ref().as_ref() {
        "env" => Source::Env,
        "file" => Source::File,
        "credential" => Source::Credential,
        // The word is not repeated: somebody may have put the secret there.
        _ => return Err(Refusal::new("a table that names no known source", format!("one of {WAYS}"))),
    };
    match name.get_ref().as_str() {
        Some(name) if !name.is_empty() => Ok(way(name.to_owned())),
        _ => Err(Refusal::new(format!("{} without a name in quotes", word.get_ref()), WAYS)),
    }
}

impl Source {
    /// Looks the secret up.
    pub(super) fn resolve(&self, environment: Environment) -> Result<Secret, Refusal> {
        match self {
            Self::Env(name) => {
                let shown =
                    if is_variable(name) { format!("${name}") } else { "the variable it names".to_owned() };
                let Some(text) = (environment.variable)(name) else {
                    return Err(Refusal::new(
                        format!("{shown} is not set"),
                        format!("set {shown} where stemsync starts, or use {{ file = \"PATH\" }}"),
                    ));
                };
                let text = text.into_string().map_err(|_| {
                    Refusal::new(format!("{shown} holds bytes that are not UTF-8"), "a text in UTF-8")
                })?;
                checked(&text, &shown)
            }
            Self::File(path) => {
                let shown = if is_path(path) { path.as_str() } else { "the file it names" };
                let secret = from_file(Path::new(path), shown, Guard::OwnerOnly)?;
                Ok(Secret { is_named: true, ..secret })
            }
            Self::Credential(name) => {
                let plain = !name.contains('/') && name != "." && name != "..";
                if !plain {
                    return Err(Refusal::new(
                        "a credential's name with a path in it",
                        "the credential's name alone",
                    ));
                }
                let Some(folder) = (environment.variable)("CREDENTIALS_DIRECTORY") else {
                    return beside(environment.folder, name);
                };
                from_file(&Path::new(&folder).join(name), "the credential", Guard::None)
            }
        }
    }
}

/// A credential where no unit hands one over, as in root's shell beside the daemon: the file of its name beside the
/// configuration, which is where our units load it from. systemd does not guard it there, so its mode must.
fn beside(folder: &Path, name: &str) -> Result<Secret, Refusal> {
    let file = folder.join(name);
    if !file.exists() {
        return Err(Refusal::new(
            "a credential, but $CREDENTIALS_DIRECTORY is not set, and no file beside the configuration has its name",
            "in a unit LoadCredential=, which sets it; in a shell a file of that name beside the configuration \
             (mode 0600 or stricter), or { env = \"NAME\" } or { file = \"PATH\" }",
        ));
    }
    from_file(&file, "the credential's file beside the configuration", Guard::OwnerOnly)
}

/// Whether a text looks like a variable's name rather than like a secret that was put in its place.
fn is_variable(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 64
        && name.bytes().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && (name.contains('_') || !name.contains(|c: char| c.is_ascii_digit()))
}

/// Whether a text looks like a file's name rather than like a secret that was put in its place.
fn is_path(path: &str) -> bool {
    const WORDS: [&str; 7] = ["token", "password", "passwd", "secret", "webhook", "hook", "key"];
    let plain = path.bytes().all(|b| b.is_ascii_lowercase() || b"-_".contains(&b));
    path.contains(['/', '.']) || (plain && path.split(['-', '_']).any(|word| WORDS.contains(&word)))
}

/// Who may read the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Its owner only.
    OwnerOnly,
    /// systemd guards its credentials itself, with access lists that show as group bits.
    None,
}

fn from_file(path: &Path, shown: &str, guard: Guard) -> Result<Secret, Refusal> {
    const ALLOWED: &str = "a regular file that only its owner can read, the secret its only text";
    let refuse = |why: String| Refusal::new(format!("{shown}: {why}"), ALLOWED);
    // Asked before it is opened: opening a pipe would wait for a writer.
    let kind = std::fs::metadata(path).map_err(|error| refuse(reason(&error)))?;
    if !kind.is_file() {
        return Err(refuse("it is not a regular file".to_owned()));
    }
    let file = File::open(path).map_err(|error| refuse(reason(&error)))?;
    if guard == Guard::OwnerOnly {
        let opened = file.metadata().map_err(|error| refuse(reason(&error)))?;
        if let Some(mode) = open_to_others(&opened) {
            return Err(Refusal::new(
                format!("{shown}: others may open it (mode {mode:04o})"),
                format!("mode 0600 or stricter: chmod 600 {shown}"),
            ));
        }
    }
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => refuse("it holds bytes that are not UTF-8".to_owned()),
        _ => refuse(reason(&error)),
    })?;
    if text.len() as u64 > LONGEST {
        return Err(refuse("it is longer than 64 KB".to_owned()));
    }
    Ok(Secret { read_from: Some(path.into()), ..checked(&text, shown)? })
}

/// The mode of a file that its group or others may touch.
#[cfg(unix)]
fn open_to_others(file: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Elsewhere files have no such mode.
#[cfg(not(unix))]
fn open_to_others(_: &std::fs::Metadata) -> Option<u32> {
    None
}

/// The secret without the newline that editors and `echo` put behind it.
fn checked(text: &str, shown: &str) -> Result<Secret, Refusal> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Refusal::new(format!("{shown} is empty"), "the secret's text"));
    }
    if text.contains(char::is_control) {
        let found = format!("{shown} holds several lines or a control character");
        return Err(Refusal::new(found, "the secret alone, on one line"));
    }
    Ok(Secret { text: text.into(), source: shown.into(), read_from: None, is_named: false })
}
