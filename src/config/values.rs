//! How single values are read: each function takes one TOML value and answers what it means, or a [`Refusal`]
//! that says what was found and what is allowed. Secrets are read in `secret`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use toml::de::DeValue;

use super::reader::nearest;
use super::schedule::Schedule;
use crate::domain::{Percent, Zone};

/// Why a value was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What was found.
    pub(super) found: String,
    /// What is allowed.
    pub(super) allowed: String,
}

impl Refusal {
    pub(super) fn new(found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { found: found.into(), allowed: allowed.into() }
    }
}

/// A value as it is repeated to the admin: short, and on one line.
pub(super) fn shown(value: &DeValue) -> String {
    const LONGEST: usize = 60;
    match value {
        DeValue::String(text) if text.chars().count() > LONGEST => {
            format!("{:?}…", text.chars().take(LONGEST).collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn string<'v>(value: &'v DeValue, allowed: &str) -> Result<&'v str, Refusal> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => Err(Refusal::new(shown(value), allowed)),
    }
}

/// Any text but none at all.
pub(super) fn text(value: &DeValue) -> Result<String, Refusal> {
    const ALLOWED: &str = "a text in quotes, not empty; leave the key out if there is nothing to say";
    let text = string(value, ALLOWED)?.trim();
    if text.is_empty() {
        return Err(Refusal::new(shown(value), ALLOWED));
    }
    Ok(text.to_owned())
}

/// The database's file. What SQLite takes for no file at all, or for a URI, would keep nothing.
pub(super) fn database(value: &DeValue) -> Result<PathBuf, Refusal> {
    let path = text(value)?;
    if path.starts_with(':') || path.starts_with("file:") {
        return Err(Refusal::new(
            shown(value),
            "the name of a file, which begins neither with \":\" nor with \"file:\"",
        ));
    }
    Ok(path.into())
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue) -> Result<bool, Refusal> {
    value.as_bool().ok_or_else(|| Refusal::new(shown(value), "true or false, without quotes"))
}

/// A whole number within bounds.
pub(super) fn whole(min: i64, max: i64) -> impl Fn(&DeValue) -> Result<i64, Refusal> {
    move |value| {
        let allowed = if max == i64::MAX {
            format!("a whole number from {min} on, without quotes")
        } else {
            format!("a whole number from {min} to {max}, without quotes")
        };
        value
            .as_integer()
            .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok())
            .filter(|n| (min..=max).contains(n))
            .ok_or_else(|| Refusal::new(shown(value), allowed))
    }
}

/// One of several words.
pub(super) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&DeValue) -> Result<T, Refusal> {
    move |value| {
        let all: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let allowed = all.join(" or ");
        let text = string(value, &allowed)?;
        words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| Refusal::new(shown(value), allowed))
    }
}

/// Reads a duration such as `28d`, `5m`, `20s`, `1h30m`; the units are `ms`, `s`, `m`, `h`, `d` and `w`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |n| n + digits);
        let millis: u64 = match &rest[digits..unit] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = &rest[unit..];
    }
    Some(total)
}

/// A duration within bounds, which are written as in the file.
pub(super) fn duration(min: &'static str, max: &'static str) -> impl Fn(&DeValue) -> Result<Duration, Refusal> {
    move |value| {
        let allowed = format!("a duration from \"{min}\" to \"{max}\": a number and s, m, h or d");
        let found = parse_duration(string(value, &allowed)?);
        let bounds = parse_duration(min).zip(parse_duration(max));
        match (found, bounds) {
            (Some(found), Some((min, max))) if (min..=max).contains(&found) => Ok(found),
            _ => Err(Refusal::new(shown(value), allowed)),
        }
    }
}

/// A number of whole days within bounds.
pub(super) fn days(min: u32, max: u32) -> impl Fn(&DeValue) -> Result<u32, Refusal> {
    const DAY: u64 = 86_400;
    move |value| {
        let allowed = format!("whole days, from \"{min}d\" to \"{max}d\"");
        let found = parse_duration(string(value, &allowed)?);
        found
            .filter(|d| d.subsec_nanos() == 0 && d.as_secs() % DAY == 0)
            .and_then(|d| u32::try_from(d.as_secs() / DAY).ok())
            .filter(|d| (min..=max).contains(d))
            .ok_or_else(|| Refusal::new(shown(value), allowed))
    }
}

/// A percentage from `min` on.
pub(super) fn percent(min: &'static str) -> impl Fn(&DeValue) -> Result<Percent, Refusal> {
    move |value| {
        let allowed = format!("a percentage in quotes, from \"{min}\" to \"100%\"");
        Percent::parse(string(value, &allowed)?)
            .filter(|p| Percent::parse(min).is_some_and(|min| *p >= min))
            .ok_or_else(|| Refusal::new(shown(value), allowed))
    }
}

/// When a job runs.
pub(super) fn schedule(value: &DeValue) -> Result<Schedule, Refusal> {
    const ALLOWED: &str = "\"off\" or a cron pattern of six fields: second minute hour day month weekday, \
                           such as \"0 */5 * * * *\"";
    Schedule::parse(string(value, ALLOWED)?)
        .map_err(|why| Refusal::new(format!("{} ({why})", shown(value)), ALLOWED))
}

/// A time zone by its IANA name.
pub(super) fn timezone(value: &DeValue) -> Result<Zone, Refusal> {
    const ALLOWED: &str = "a time zone such as \"America/New_York\" or \"UTC\"";
    let name = string(value, ALLOWED)?;
    name.parse().map_err(|_| {
        let nearest = || nearest(name, Zone::names().iter().map(String::as_str)).map(str::to_owned);
        let allowed = if is_offset(name) {
            format!("{ALLOWED}; a distance from UTC knows no summer time, a region does")
        } else {
            let hint = region_of(name).map(str::to_owned).or_else(nearest);
            hint.map_or(ALLOWED.to_owned(), |zone| format!("{ALLOWED}; did you mean \"{zone}\"?"))
        };
        Refusal::new(shown(value), allowed)
    })
}

/// `UTC-5`, `GMT+02:00`.
fn is_offset(name: &str) -> bool {
    let rest = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT"));
    rest.is_some_and(|rest| rest.trim_start().starts_with(['+', '-', '\u{2212}']))
}

/// The region of the trade whose clocks people mean by an abbreviation.
pub(crate) fn region_of(abbreviation: &str) -> Option<&'static str> {
    let region = match abbreviation.to_ascii_uppercase().as_str() {
        "ET" | "EST" | "EDT" => "America/New_York",
        "CT" | "CST" | "CDT" => "America/Chicago",
        "MT" | "MST" | "MDT" => "America/Denver",
        "PT" | "PST" | "PDT" => "America/Los_Angeles",
        "CET" | "CEST" => "Europe/Amsterdam",
        "COT" => "America/Bogota",
        "ECT" => "America/Guayaquil",
        _ => return None,
    };
    Some(region)
}

/// Where the status page listens; `None` for `"off"`.
pub(super) fn listen(value: &DeValue) -> Result<Option<SocketAddr>, Refusal> {
    const ALLOWED: &str = "\"off\" or an IP address and a port, such as \"127.0.0.1:8787\" or \"[::1]:8787\"";
    match string(value, ALLOWED)? {
        "off" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Refusal::new(shown(value), ALLOWED)),
    }
}

/// Names of hosts, without scheme or port; in lower case.
pub(super) fn hosts(value: &DeValue) -> Result<Vec<String>, Refusal> {
    const ALLOWED: &str =
        "a list of names or addresses, each without https:// and port, such as [\"stemsync.example.com\"]";
    let refuse = |entry: &DeValue| Refusal::new(shown(entry), ALLOWED);
    let name = |value: &DeValue| {
        let name = value.as_str()?.trim().trim_end_matches('.').to_ascii_lowercase();
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let is_address = name.parse::<std::net::Ipv6Addr>().is_ok();
        (is_name || is_address).then_some(name)
    };
    let list = value.as_array().ok_or_else(|| refuse(value))?;
    list.iter().map(|entry| name(entry.get_ref()).ok_or_else(|| refuse(entry.get_ref()))).collect()
}

/// A base URL, such as `example`; `None` for `"sandbox"`.
pub(super) fn base_url(value: &DeValue, example: &str) -> Result<Option<Url>, Refusal> {
    const ALLOWED: &str = "\"sandbox\", or an address that begins with https://; http:// only to this machine \
                           (127.0.0.1, [::1], localhost)";
    let text = string(value, ALLOWED)?;
    if text == "sandbox" {
        return Ok(None);
    }
    let mut url = web_address(text).map_err(|found| {
        let meant = if nearest(text, ["sandbox"].into_iter()).is_some() {
            Some("sandbox".to_owned())
        } else if is_bare_host(text) {
            // Only the host says little: the system's usual address, where it is that one's.
            Some(if example.contains(text) { example.to_owned() } else { format!("https://{text}") })
        } else {
            None
        };
        let allowed = meant.map_or(ALLOWED.to_owned(), |meant| format!("{ALLOWED}; did you mean \"{meant}\"?"));
        Refusal::new(found, allowed)
    })?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Refusal::new(
            "an address with a ? or # part",
            "the address alone; a token has its own key, `token`",
        ));
    }
    Ok(Some(url))
}

/// Reads an address that requests may go to: `https`, or `http` to loopback, and no password in it. The error says
/// what was found without repeating what might be a secret.
pub(super) fn web_address(text: &str) -> Result<Url, String> {
    let is_word = text.bytes().all(|b| b.is_ascii_lowercase()) || text.eq_ignore_ascii_case("sandbox");
    let may_show = text.len() < 100
        && text.is_ascii()
        && !text.contains(['@', '?', '#'])
        && (text.contains("://") || is_word || is_bare_host(text));
    let subject = if may_show { format!("{text:?}") } else { "a text that may be a secret".to_owned() };
    let found = |what: &str| format!("{subject}, {what}");
    let url = Url::parse(text).map_err(|_| found("which is no address"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user name or password in it".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(found("where tokens would travel unencrypted")),
        _ => Err(found("which is neither https:// nor http://")),
    }
}

/// An address without its scheme, `api.kometsales.com/api`: what comes before the path reads like no token.
fn is_bare_host(text: &str) -> bool {
    let host = text.split(['/', ':']).next().unwrap_or_default();
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let top = host.rsplit_once('.').map(|(_, top)| top);
    host.split('.').all(is_label) && top.is_some_and(|top| top.bytes().all(|b| b.is_ascii_lowercase()))
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Whether a host is this machine.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An e-mail address, as far as it can be told without sending one.
fn is_mail_address(text: &str) -> bool {
    // `Name <a@b.c>` counts by what stands in the brackets.
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => text,
    };
    bare.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !bare.contains(char::is_whitespace) && !host.contains('@')
    }) && !text.contains(char::is_control)
}

/// One e-mail address.
pub(super) fn mail_address(value: &DeValue) -> Result<String, Refusal> {
    const ALLOWED: &str = "an e-mail address, such as \"stemsync@example.com\"";
    let text = string(value, ALLOWED)?.trim();
    if is_mail_address(text) { Ok(text.to_owned()) } else { Err(Refusal::new(shown(value), ALLOWED)) }
}

/// One e-mail address or a list of them.
pub(super) fn mail_addresses(value: &DeValue) -> Result<Vec<String>, Refusal> {
    const ALLOWED: &str = "one e-mail address, or a list of them: [\"ann@example.com\", \"ben@example.com\"]";
    let refuse = |found: String| Refusal::new(found, ALLOWED);
    match value.as_array() {
        None => mail_address(value).map(|one| vec![one]).map_err(|r| refuse(r.found)),
        Some(list) if list.is_empty() => Err(refuse("an empty list".to_owned())),
        Some(list) => list.iter().map(|item| mail_address(item.get_ref()).map_err(|r| refuse(r.found))).collect(),
    }
}
