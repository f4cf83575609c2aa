//! What can go wrong with a request, and what is known of its effect afterwards.

use std::time::Duration;

use super::System;

/// A request that did not succeed. The text names the method and what was wrong, never a token or a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {method}: {fault}", system.title())]
pub struct SystemError {
    /// Which system.
    pub system: System,
    /// Komet's method (`prebook.create`) or Axerrio's call (`PUT orders/by-ref/{externalRef}`).
    pub method: &'static str,
    /// What went wrong.
    pub fault: Fault,
}

/// The kinds of failure that call for different behaviour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No connection came about: nothing was sent.
    #[error("cannot be reached ({0})")]
    Unreachable(String),
    /// HTTP 404 to a call that every such system has: it is somewhere else.
    #[error("there is no such address (HTTP 404): check [{}] base_url", .0.name())]
    NoSuchAddress(System),
    /// The token was refused.
    #[error("refuses the token ({0})")]
    Unauthorized(String),
    /// Komet's daily quota is spent.
    #[error("the day's quota of requests is spent ({0})")]
    QuotaSpent(String),
    /// Asked to wait.
    #[error("asks to wait {} s", .0.as_secs_f64())]
    Throttled(Duration),
    /// Understood and refused: nothing was done.
    #[error("refused: {0}")]
    Rejected(String),
    /// No such thing (Axerrio 404).
    #[error("not found: {0}")]
    NotFound(String),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The connection broke after the request was (or may have been) sent.
    #[error("the connection broke before the answer ({0})")]
    Broken(String),
    /// HTTP 5xx, or a proxy's page with a status that is no success.
    #[error("server error ({0})")]
    Server(String),
    /// A web page in place of an answer: what stands before the system answered, which may still be at work. Its first words.
    #[error("unreadable answer: a web page instead of JSON: {0}")]
    Page(String),
    /// An answer that is longer than what is read.
    #[error("unreadable answer: longer than 32 MB")]
    TooLong,
    /// An answer that could not be understood: the field and what was found there.
    #[error("unreadable answer: {0}")]
    Unreadable(String),
    /// Nothing was sent, because it could not be counted against the quota: the database failed.
    #[error("not sent, because it could not be counted ({0})")]
    Uncounted(String),
    /// Nothing was sent: whoever asked for it was told to stop.
    #[error("not asked any more: stopped by a signal")]
    Stopped,
    /// The request exceeds 64 KB and cannot be split: nothing was sent.
    #[error("request too large: {0} bytes")]
    TooLarge(usize),
}

/// What is known of a failed write's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It did not happen.
    NotDone,
    /// It may have happened: the system answered, and so has finished with the request, and a read shows the truth.
    Unknown,
    /// It may have happened or may still happen: nobody answered, or what stands before the system did, which may still be working on
    /// it.
    Pending,
}

impl SystemError {
    /// The error without what the system said, which may hold a price or an address: fit for a log at the default level.
    pub fn for_log(&self) -> String {
        format!("{} {}: {}", self.system.title(), self.method, self.fault.for_log())
    }

    /// What is known of a failed write's effect.
    pub fn certainty(&self) -> Certainty {
        match self.fault {
            Fault::Unreachable(_)
            | Fault::NoSuchAddress(_)
            | Fault::Unauthorized(_)
            | Fault::QuotaSpent(_)
            | Fault::Throttled(_)
            | Fault::Rejected(_)
            | Fault::NotFound(_)
            | Fault::Uncounted(_)
            | Fault::Stopped
            | Fault::TooLarge(_) => Certainty::NotDone,
            Fault::Unreadable(_) | Fault::TooLong => Certainty::Unknown,
            Fault::Page(_) | Fault::TimedOut(_) | Fault::Broken(_) | Fault::Server(_) => Certainty::Pending,
        }
    }

    /// Whether the same *read* may succeed if it is repeated shortly.
    pub fn is_worth_retrying(&self) -> bool {
        matches!(
            self.fault,
            Fault::Throttled(_)
                | Fault::TimedOut(_)
                | Fault::Broken(_)
                | Fault::Server(_)
                | Fault::Unreachable(_)
                // It may be the page of a proxy that is being set up.
                | Fault::NoSuchAddress(_)
        )
    }

    /// Whether a read was answered with more than is read at once: less may be asked for.
    pub fn is_too_long(&self) -> bool {
        self.fault == Fault::TooLong
    }

    /// Whether the whole system is out of reach, so that further requests of this run are pointless.
    pub fn is_systemic(&self) -> bool {
        matches!(
            self.fault,
            Fault::Unreachable(_)
                | Fault::NoSuchAddress(_)
                | Fault::Unauthorized(_)
                | Fault::QuotaSpent(_)
                | Fault::Uncounted(_)
                | Fault::Throttled(_)
        )
    }
}

impl Fault {
    /// As [`SystemError::for_log`].
    fn for_log(&self) -> String {
        let with_status = |what: &str, said: &str| match status_of(said) {
            Some(status) => format!("{what} ({status})"),
            None => what.to_owned(),
        };
        match self {
            Self::Rejected(_) => "refused".to_owned(),
            Self::NotFound(_) => "not found".to_owned(),
            Self::Page(_) => "unreadable answer: a web page instead of JSON".to_owned(),
            Self::Unauthorized(said) => with_status("refuses the token", said),
            Self::Server(said) => with_status("server error", said),
            // It may repeat what was told of another answer.
            Self::Unreadable(_) => without_words(&self.to_string()),
            // What the network says, or stemsync does; and Komet of its quota.
            Self::Unreachable(_)
            | Self::NoSuchAddress(_)
            | Self::QuotaSpent(_)
            | Self::Throttled(_)
            | Self::TimedOut(_)
            | Self::Broken(_)
            | Self::TooLong
            | Self::Uncounted(_)
            | Self::Stopped
            | Self::TooLarge(_) => self.to_string(),
        }
    }
}

/// The HTTP status with which a system's complaint begins, where it does: `HTTP 502`.
fn status_of(said: &str) -> Option<&str> {
    const HTTP: &str = "HTTP ";
    let rest = said.strip_prefix(HTTP)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some(&said[..HTTP.len() + digits])
}

/// How each fault is told, and what it comes to after the system's name. Nothing in that is the system's own word.
const GISTS: [(&str, &str); 14] = [
    ("cannot be reached", " cannot be reached"),
    ("there is no such address", " is not at its base_url"),
    ("refuses the token", " refuses the token"),
    ("the day's quota of requests is spent", "'s quota is spent"),
    ("asks to wait", " asks to wait"),
    ("refused", " refused a request"),
    ("not found", " does not know what was asked for"),
    ("no answer within", " did not answer in time"),
    ("the connection broke", " broke off the connection"),
    ("server error", "'s server failed"),
    ("unreadable answer", "'s answer cannot be read"),
    ("not sent, because it could not be counted", " was not asked: the database failed"),
    ("not asked any more", " was not asked any more: stopped by a signal"),
    ("request too large", " takes no request so large"),
];

/// What went wrong, in few words of ours, of an error that is on file as its text: whoever may not read what a system said may
/// read this. `None` of any other text.
pub fn gist(told: &str) -> Option<String> {
    let of = |system: System| {
        let (_, fault) = told.strip_prefix(system.title())?.strip_prefix(' ')?.split_once(": ")?;
        let (_, gist) = GISTS.iter().find(|(beginning, _)| fault.starts_with(beginning))?;
        Some(format!("{}{gist}", system.title()))
    };
    [System::Axerrio, System::Komet].into_iter().find_map(of)
}

/// The same as [`SystemError::for_log`] of a failure of which nothing is left but its text, on file or within another. Of a
/// page or a server's complaint the HTTP status stays, of an answer that cannot be read where that is.
pub fn without_words(told: &str) -> String {
    const SAID: [&str; 3] = [": refused: ", ": not found: ", ": a web page instead of JSON: "];
    const IN_BRACKETS: [&str; 2] = [": server error (", ": refuses the token ("];
    let after = |said: &&str| told.find(said).map(|at| at + said.len());
    let refused = SAID.iter().filter_map(|said| Some((after(said)? - ": ".len(), "")));
    let failed = IN_BRACKETS.iter().filter_map(|said| {
        let at = after(said)?;
        Some(status_of(&told[at..]).map_or((at - " (".len(), ""), |status| (at + status.len(), ")")))
    });
    let unread = told.find(", found ").map(|at| (at, ""));
    match refused.chain(failed).chain(unread).min() {
        Some((end, close)) => format!("{}{close}", &told[..end]),
        None => told.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_gist_and_that_is_nothing_a_system_said() {
        const SAID: &str = "Larkspur: over its limit";
        let said = || SAID.to_owned();
        for (fault, expected) in [
            (Fault::Unreachable(said()), "Komet cannot be reached"),
            (Fault::NoSuchAddress(System::Komet), "Komet is not at its base_url"),
            (Fault::Unauthorized(said()), "Komet refuses the token"),
            (Fault::QuotaSpent(said()), "Komet's quota is spent"),
            (Fault::Throttled(Duration::from_secs(7)), "Komet asks to wait"),
            (Fault::Rejected(said()), "Komet refused a request"),
            (Fault::NotFound(said()), "Komet does not know what was asked for"),
            (Fault::TimedOut(Duration::from_secs(7)), "Komet did not answer in time"),
            (Fault::Broken(said()), "Komet broke off the connection"),
            (Fault::Server(said()), "Komet's server failed"),
            (Fault::Page(said()), "Komet's answer cannot be read"),
            (Fault::TooLong, "Komet's answer cannot be read"),
            (Fault::Unreadable(said()), "Komet's answer cannot be read"),
            (Fault::Uncounted(said()), "Komet was not asked: the database failed"),
            (Fault::Stopped, "Komet was not asked any more: stopped by a signal"),
            (Fault::TooLarge(70_000), "Komet takes no request so large"),
        ] {
            let error = SystemError { system: System::Komet, method: "prebook.details.list", fault };
            assert_eq!(gist(&error.to_string()).as_deref(), Some(expected), "{error}");
        }
        assert_eq!([gist(SAID), gist("Komet says: no"), gist("")], [None, None, None]);
    }

    #[test]
    fn the_log_has_no_word_of_a_system_whether_the_error_is_there_or_its_text() {
        const SAID: &str = "Larkspur";
        let with_status = || format!("HTTP 502: {SAID}");
        for (fault, expected) in [
            (Fault::Rejected(SAID.to_owned()), "refused"),
            (Fault::NotFound(SAID.to_owned()), "not found"),
            (Fault::Page(SAID.to_owned()), "unreadable answer: a web page instead of JSON"),
            (Fault::Unauthorized(SAID.to_owned()), "refuses the token"),
            (Fault::Unauthorized(with_status()), "refuses the token (HTTP 502)"),
            (Fault::Server(SAID.to_owned()), "server error"),
            (Fault::Server(with_status()), "server error (HTTP 502)"),
            (
                Fault::Unreadable(format!("boxes: expected a number, found {SAID}")),
                "unreadable answer: boxes: expected a number",
            ),
            (Fault::Unreadable(format!("Komet x: not found: {SAID}")), "unreadable answer: Komet x: not found"),
        ] {
            let error = SystemError { system: System::Komet, method: "prebook.create", fault };
            let expected = format!("Komet prebook.create: {expected}");
            assert_eq!((error.for_log(), without_words(&error.to_string())), (expected.clone(), expected));
        }
    }

    #[test]
    fn the_log_has_a_refusal_without_its_words() {
        for fault in [Fault::Rejected("cost 0.32".to_owned()), Fault::NotFound("12 Main Street".to_owned())] {
            let error = SystemError { system: System::Komet, method: "prebook.create", fault };
            let told = format!("a Prebook of 2 lines: {error}");
            let logged = without_words(&told);
            assert!(logged.starts_with("a Prebook of 2 lines: Komet prebook.create: "), "{logged}");
            assert!(logged.ends_with("refused") || logged.ends_with("not found"), "{logged}");
        }
        for (told, logged) in [
            ("Komet x: server error (HTTP 502: Main Street)", "Komet x: server error (HTTP 502)"),
            ("Komet x: server error (HTTP 502)", "Komet x: server error (HTTP 502)"),
            ("Komet x: server error (it reports \"Jane\")", "Komet x: server error"),
            ("Axerrio x: refuses the token (HTTP 401: Jane)", "Axerrio x: refuses the token (HTTP 401)"),
            ("Axerrio x: refuses the token (Jane)", "Axerrio x: refuses the token"),
            (
                "Komet x: unreadable answer: boxes: expected a number, found \"Jane\"",
                "Komet x: unreadable answer: boxes: expected a number",
            ),
            ("Komet x: unreadable answer: cut short", "Komet x: unreadable answer: cut short"),
            (
                "Komet x: unreadable answer: a web page instead of JSON: Jane",
                "Komet x: unreadable answer: a web page instead of JSON",
            ),
            (
                "Axerrio order AX-1 cannot be read: cost: expected a text, found 0.32",
                "Axerrio order AX-1 cannot be read: cost: expected a text",
            ),
            ("Komet x: no answer within 30 s", "Komet x: no answer within 30 s"),
        ] {
            assert_eq!(without_words(told), logged);
        }
    }
}
