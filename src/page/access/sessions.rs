//! Who is logged in. A session is a random token in a cookie; here only its hash is known, so that nothing in this process's
//! memory lets anybody in. What belongs to a session's forms is derived from it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::StatusConfig;

/// Without a click for so long, a session is over.
const IDLE: Duration = Duration::from_mins(30);

/// So long after the login a session is over.
const LONGEST: Duration = Duration::from_hours(12);

/// People at one page.
const MOST: usize = 64;

/// How a token or code is written: 256 bits in hex.
pub(super) type Text = String;

/// Whoever is logged in.
pub(super) struct Sessions {
    /// Of this process: what was derived with it is worth nothing to the next.
    key: hmac::Key,
    /// By the hash of their token.
    open: BTreeMap<[u8; 32], Session>,
    /// What they logged in with, hashed: with another password they are out.
    password: Option<[u8; 32]>,
}

struct Session {
    began: Instant,
    seen: Instant,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random()), open: BTreeMap::new(), password: None }
    }
}

impl Sessions {
    /// Ends every session if the password is another one now.
    pub(super) fn go_by(&mut self, status: &StatusConfig) {
        let password = status.password.as_ref().map(|password| self.hash("password", password.expose()));
        if self.password != password {
            self.password = password;
            self.open.clear();
        }
    }

    /// Whether that is the password. Takes as long whatever was typed.
    pub(super) fn is_password(&self, typed: &str) -> bool {
        let typed = self.hash("password", typed);
        self.password.is_some_and(|password| is_same_hash(&password, &typed))
    }

    /// Opens a session; answers its token.
    pub(super) fn open(&mut self, now: Instant) -> Text {
        self.open.retain(|_, session| session.is_open(now));
        if self.open.len() >= MOST
            && let Some(oldest) = self.open.iter().min_by_key(|(_, session)| session.seen).map(|(hash, _)| *hash)
        {
            self.open.remove(&oldest);
        }
        let token = hex(&random());
        self.open.insert(self.hash("session", &token), Session { began: now, seen: now });
        token
    }

    /// The `csrf` of a token's session, if it is open. `is_active`: somebody clicked.
    pub(super) fn find(&mut self, token: &str, now: Instant, is_active: bool) -> Option<Text> {
        let hash = self.hash("session", token);
        let session = self.open.get_mut(&hash).filter(|session| session.is_open(now))?;
        if is_active {
            session.seen = now;
        }
        Some(hex(&self.hash("csrf", token)))
    }

    /// Ends a token's session.
    pub(super) fn close(&mut self, token: &str) {
        let hash = self.hash("session", token);
        self.open.remove(&hash);
    }

    /// What the login form must hold beside the cookie `token`: before a session there is only that.
    pub(super) fn of_login(&self, token: &str) -> Text {
        hex(&self.hash("login", token))
    }

    fn hash(&self, purpose: &str, text: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(purpose.as_bytes());
        context.update(b"\0");
        context.update(text.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

impl Session {
    fn is_open(&self, now: Instant) -> bool {
        now.duration_since(self.began) < LONGEST && now.duration_since(self.seen) < IDLE
    }
}

/// 256 bits that nobody guesses.
///
/// # Panics
/// Where the system has no randomness: then nobody must get in.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system's randomness, without which TLS does not work either");
    bytes
}

/// A new token.
pub(super) fn token() -> Text {
    hex(&random())
}

/// Bytes as they are written.
pub(in crate::page) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Whether two texts are the same, without telling by the time it takes where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && differences(one.as_bytes(), other.as_bytes()) == 0
}

fn is_same_hash(one: &[u8; 32], other: &[u8; 32]) -> bool {
    differences(one, other) == 0
}

/// Looks at every byte, whatever it finds.
fn differences(one: &[u8], other: &[u8]) -> u8 {
    std::hint::black_box(one.iter().zip(other).fold(0, |found, (a, b)| found | (a ^ b)))
}

/// The cookie's name. Cookies know no ports: two links on one machine must not share theirs.
pub(super) fn name(here: SocketAddr) -> String {
    format!("stemsync_{}", here.port())
}

/// A cookie's value.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = texts.flat_map(|text| text.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_half_an_hour_without_a_click_and_after_twelve_hours() {
        let began = Instant::now();
        let mut sessions = Sessions::default();
        let token = sessions.open(began);
        let minutes = |minutes| began + Duration::from_mins(minutes);
        assert!(sessions.find(&token, minutes(29), false).is_some());
        assert!(sessions.find(&token, minutes(31), true).is_none(), "following is no click");
        let token = sessions.open(began);
        for click in 1..48 {
            assert!(sessions.find(&token, minutes(click * 15), true).is_some(), "{click}");
        }
        assert!(sessions.find(&token, minutes(48 * 15), true).is_none(), "twelve hours");
    }

    #[test]
    fn whoever_does_not_know_the_token_is_nobody() {
        let now = Instant::now();
        let mut sessions = Sessions::default();
        let token = sessions.open(now);
        let csrf = sessions.find(&token, now, true).unwrap();
        assert!(token.len() == 64 && csrf.len() == 64 && token != csrf);
        for guess in ["", "0", &csrf, &token[1..], &token.to_uppercase()] {
            assert!(sessions.find(guess, now, true).is_none() || guess == token, "{guess}");
        }
        assert_ne!(sessions.open(now), token);
        sessions.close(&token);
        assert!(sessions.find(&token, now, true).is_none());
    }

    #[test]
    fn another_password_ends_every_session() {
        let now = Instant::now();
        let status = |text: Option<&str>| StatusConfig {
            listen: None,
            password: text.map(crate::config::Secret::new),
            hosts: Vec::new(),
        };
        let mut sessions = Sessions::default();
        assert!(!sessions.is_password(""), "where there is none, none is right");
        sessions.go_by(&status(Some("tulips and roses")));
        assert!(sessions.is_password("tulips and roses"));
        assert!(!["", "tulips and rose", "tulips and roses "].iter().any(|typed| sessions.is_password(typed)));
        let token = sessions.open(now);
        sessions.go_by(&status(Some("tulips and roses")));
        assert!(sessions.find(&token, now, true).is_some());
        sessions.go_by(&status(Some("roses and tulips")));
        assert!(sessions.find(&token, now, true).is_none());
    }

    #[test]
    fn people_beyond_the_most_push_out_whoever_was_away_longest() {
        let began = Instant::now();
        let mut sessions = Sessions::default();
        let first = sessions.open(began);
        let tokens: Vec<_> = (1..=MOST).map(|n| sessions.open(began + Duration::from_secs(n as u64))).collect();
        assert!(sessions.open.len() == MOST && sessions.find(&first, began, true).is_none());
        assert!(sessions.find(&tokens[0], began + IDLE / 2, true).is_some());
    }
}
