//! An answer of either system, whatever its status, and why one is no answer: what holds for both before an adapter looks into it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;

use super::Fault;
use super::calendar::is_countable;

/// What a body of 32 MB of real records stays well below. An empty record is two bytes in JSON and a few hundred in
/// memory: without a limit 32 MB of them would take gigabytes.
const MOST_RECORDS: usize = 400_000;
/// As [`MOST_RECORDS`], for values of all kinds.
const MOST_VALUES: usize = 4_000_000;
/// Who asks for a longer pause is asked again after an hour all the same: a hand's slip in a gateway's configuration must not
/// cost a day, and one request an hour burdens nobody.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Who asks for a pause of a length that makes no sense gets what a pause usually is.
const UNCLEAR_PAUSE: Duration = Duration::from_mins(1);

/// An answer, whatever its status, read to its end.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// The answering system's clock.
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) retry_after: RetryAfter,
    pub(super) body: Vec<u8>,
}

/// What the header `Retry-After` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryAfter {
    /// It is not there.
    Absent,
    /// Something that is no length of time: `-5`, `soon`.
    Unclear,
    /// How long to wait; an hour at most.
    Wait(Duration),
}

impl RetryAfter {
    /// Of a header's value, by the answering system's clock.
    pub(super) fn of(value: Option<&str>, now: Option<DateTime<Utc>>) -> Self {
        value.map_or(Self::Absent, |value| pause(value, now).map_or(Self::Unclear, Self::Wait))
    }

    /// How long to wait; `None` where nobody asks for it.
    pub(super) fn wait(self) -> Option<Duration> {
        match self {
            Self::Absent => None,
            Self::Unclear => Some(UNCLEAR_PAUSE),
            Self::Wait(wait) => Some(wait),
        }
    }
}

/// Why a reply is not an answer.
pub(super) struct Failure {
    pub(super) fault: Fault,
    /// The bytes are no JSON at all (a proxy's page, a cut body): a read may fare better the next time, unlike one
    /// whose shape is wrong.
    pub(super) garbled: bool,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, garbled: false }
    }
}

impl Failure {
    /// An answer that is JSON, of a wrong shape: `what` names the field and what was found there.
    pub(super) fn shape(what: impl Into<String>) -> Self {
        Fault::Unreadable(what.into()).into()
    }

    /// A failed parse of a whole answer.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        match error.classify() {
            Category::Eof => Self { fault: Fault::Unreadable(format!("cut short: {error}")), garbled: true },
            Category::Syntax | Category::Io => {
                Self { fault: Fault::Unreadable(format!("not JSON: {error}")), garbled: true }
            }
            Category::Data => Self::shape(error.to_string()),
        }
    }
}

impl Reply {
    /// The body as text that may be JSON; what certainly is not is told apart here.
    pub(super) fn text(&self) -> Result<&str, Failure> {
        let garbled = |what: String| Failure { fault: Fault::Unreadable(what), garbled: true };
        if self.is_page() {
            return Err(Failure { fault: Fault::Page(self.summary()), garbled: true });
        }
        if self.holds_more_than(MOST_RECORDS, b'{') || self.holds_more_than(MOST_VALUES, b',') {
            return Err(Failure::shape(format!("more than {MOST_RECORDS} records or {MOST_VALUES} values")));
        }
        std::str::from_utf8(strip_bom(&self.body))
            .map_err(|e| garbled(format!("not UTF-8 at byte {}", e.valid_up_to())))
    }

    /// Whether a byte that begins or separates values stands there so often; those inside of texts count as well.
    fn holds_more_than(&self, most: usize, mark: u8) -> bool {
        self.body.len() > most && self.body.iter().map(|byte| usize::from(*byte == mark)).sum::<usize>() > most
    }

    /// A proxy's page, not an answer.
    pub(super) fn is_page(&self) -> bool {
        strip_bom(&self.body).trim_ascii_start().starts_with(b"<")
    }

    /// A few words of a body that is no answer: a page's title, else how it begins.
    pub(super) fn summary(&self) -> String {
        let start = &self.body[..self.body.len().min(4096)];
        let text = String::from_utf8_lossy(start);
        let title = text.to_ascii_lowercase().find("<title>").and_then(|at| {
            let rest = text.get(at + "<title>".len()..)?;
            rest.split('<').next().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        });
        title
            .unwrap_or_else(|| if text.trim().is_empty() { "an empty body".to_owned() } else { text.into_owned() })
    }

    /// The status and what the body says; pages are wont to begin with the status themselves.
    pub(super) fn status_and_summary(&self) -> String {
        let (status, summary) = (self.status.as_u16(), self.summary());
        let colon = if summary.starts_with(self.status.as_str()) { "" } else { ": " };
        let summary = summary.strip_prefix(self.status.as_str()).unwrap_or(&summary);
        format!("HTTP {status}{colon}{summary}")
    }

    /// What a status other than 2xx means; `None` for 2xx. `message` is what the system says in its own
    /// words, `unhinted` what a 429 without `Retry-After` means.
    pub(super) fn fault(&self, message: Option<String>, unhinted: Fault) -> Option<Fault> {
        let said = || {
            let status = self.status.as_u16();
            match message {
                Some(message) if status < 500 && status != 401 && status != 403 => message,
                Some(message) => format!("HTTP {status}: {message}"),
                None if self.body.trim_ascii().is_empty() => {
                    format!("HTTP {status} {}", self.status.canonical_reason().unwrap_or(""))
                }
                None => self.status_and_summary(),
            }
        };
        match self.status.as_u16() {
            200..=299 => None,
            300..=399 => Some(Fault::Server(format!("HTTP {} redirects elsewhere", self.status.as_u16()))),
            401 | 403 => Some(Fault::Unauthorized(said())),
            // The server gave up waiting for a request that may have reached what stands behind it.
            408 => Some(Fault::Server(said())),
            429 => Some(self.retry_after.wait().map_or(unhinted, Fault::Throttled)),
            400..=499 => Some(Fault::Rejected(said())),
            _ => Some(Fault::Server(said())),
        }
    }
}

fn strip_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

pub(super) fn http_date(value: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(value).ok().map(|date| date.to_utc()).filter(|date| is_countable(*date))
}

/// `Retry-After` in seconds, which some gateways give with a fraction, or as a date by the server's own clock; an hour at
/// most. `None` of anything else.
pub(crate) fn pause(value: &str, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let value = value.trim();
    let longest = LONGEST_PAUSE.as_secs_f64();
    // Only digits: a float's own reading would take `inf` and `1e9` as well.
    if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(Duration::from_secs_f64(value.parse::<f64>().ok()?.ceil().min(longest)));
    }
    let asked = (http_date(value)? - now.unwrap_or_else(Utc::now)).to_std().unwrap_or(Duration::ZERO);
    Some(asked.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pause_is_given_in_seconds_or_as_a_date() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(pause("7", now), Some(Duration::from_secs(7)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        for long in ["3601", "18446744073709551616", &"9".repeat(400), "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(pause(long, now), Some(LONGEST_PAUSE), "{long}");
        }
    }

    #[test]
    fn a_pause_with_a_fraction_is_rounded_up() {
        let pauses =
            ["0.0", "0.2", "1.5", "7.000", "5."].map(|value| pause(value, None).map(|wait| wait.as_millis()));
        assert_eq!(pauses, [0, 1000, 2000, 7000, 5000].map(Some));
    }

    #[test]
    fn a_pause_of_no_length_is_one_all_the_same() {
        for value in ["", ".", "-5", "soon", "1,5", "1.2.3", "1e9", "inf", "NaN", "120s", "+7", "tomorrow at 7:00"]
        {
            let asked = RetryAfter::of(Some(value), None);
            assert_eq!((asked, asked.wait()), (RetryAfter::Unclear, Some(UNCLEAR_PAUSE)), "{value}");
        }
        assert_eq!(RetryAfter::of(None, None).wait(), None);
    }
}
