//! What keeps a token out of everything that an answer or an error may repeat: logs, the database, the screen.

use super::transport::{encode, encode_with};
use crate::domain::{plain, tag};

/// Komet's own messages have up to 500 characters (komet-api.md).
const MESSAGE_LIMIT: usize = 500;

/// Takes one token out of foreign texts. No `Debug`: it holds the token.
pub(super) struct Mask {
    /// Every spelling in which a server may echo the token; the longest first.
    spellings: Vec<String>,
}

impl Mask {
    pub(super) fn of(token: &str) -> Self {
        Self { spellings: spellings(token) }
    }

    /// A foreign text fit for people: the token masked, on one line, at most 500 characters. Masking comes first,
    /// or a cut could leave half a token standing.
    pub(super) fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.spellings {
            if masked.contains(secret.as_str()) {
                masked = masked.replace(secret.as_str(), "***");
            }
        }
        if let Some(rest) = self.spellings.iter().filter_map(|secret| beginning_at_end(&masked, secret)).min() {
            masked.truncate(rest);
            masked.push_str("***");
        }
        tag::cut(plain(&masked).trim(), MESSAGE_LIMIT)
    }

    /// A body that repeats the token, without it: in a field of the trade it would be stored and shown as if it were one.
    /// Tokens so short that they may be words of an answer are left alone.
    pub(super) fn body(&self, body: Vec<u8>) -> Vec<u8> {
        const TELLING: usize = 12;
        let Ok(text) = std::str::from_utf8(&body) else { return body };
        let mut masked: Option<String> = None;
        for secret in self.spellings.iter().filter(|secret| secret.len() >= TELLING) {
            let text = masked.as_deref().unwrap_or(text);
            if text.contains(secret.as_str()) {
                masked = Some(text.replace(secret.as_str(), "***"));
            }
        }
        masked.map_or(body, String::into_bytes)
    }
}

/// The token as it may come back: as it is, in a URL, in JSON, in HTML.
fn spellings(token: &str) -> Vec<String> {
    if token.is_empty() {
        return Vec::new();
    }
    let (mut encoded, mut lower) = (String::new(), String::new());
    encode(&mut encoded, token);
    encode_with(&mut lower, token, b"0123456789abcdef");
    let in_json = token.replace('\\', "\\\\").replace('"', "\\\"");
    let mut all = vec![
        token.to_owned(),
        lower,
        encoded.replace("%20", "+"),
        encoded,
        in_json.replace('/', "\\/"),
        in_careful_json(token),
        in_json,
        token.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
    ];
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

/// As writers do who fear that JSON is pasted into HTML: `+` becomes `\u002B`.
fn in_careful_json(token: &str) -> String {
    let mut text = String::with_capacity(token.len());
    for c in token.chars() {
        match c {
            '"' | '&' | '\'' | '+' | '<' | '>' | '`' => text.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            '\\' => text.push_str("\\\\"),
            _ => text.push(c),
        }
    }
    text
}

/// Where `text` ends with a beginning of `secret`, because whoever told it cut it short; a few characters tell nothing.
fn beginning_at_end(text: &str, secret: &str) -> Option<usize> {
    const TELLING: usize = 4;
    let cuts = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= TELLING);
    let part = cuts.rev().map(|at| &secret[..at]).find(|part| text.ends_with(part))?;
    Some(text.len() - part.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_masked_in_every_spelling_before_the_text_is_cut() {
        let mask = Mask::of("s3 Cr+t&\"x");
        for echo in
            ["s3 Cr+t&\"x", "s3%20Cr%2Bt%26%22x", "s3+Cr%2Bt%26%22x", "s3%20Cr%2bt%26%22x", "s3 Cr+t&amp;&quot;x"]
        {
            assert_eq!(mask.text(&format!("bad <{echo}>")), "bad <***>");
        }
        let long = format!("{}{}", "x".repeat(MESSAGE_LIMIT - 4), "s3 Cr+t&\"x");
        assert!(mask.text(&long).ends_with("x***"));
        assert_eq!(mask.text("raw JSON: \"s3 Cr+t&\\\"x\""), "raw JSON: \"***\"");
        assert_eq!(mask.text("s3 Cr\\u002Bt\\u0026\\u0022x"), "***");
        assert_eq!(mask.body(b"{\"awb\":\"s3%20Cr%2Bt%26%22x\"}".to_vec()), b"{\"awb\":\"***\"}");
        assert_eq!(mask.text("Komet cut its message after s3 Cr"), "Komet cut its message after ***");
    }
}
