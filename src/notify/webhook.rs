//! The webhook: one POST a delivery. Its address is a secret, because it carries its own key: no text that leaves this
//! file has it, nor the host in it.
//!
//! What is accepted where: Slack's incoming webhooks take `text`. Teams' Workflows ("when a Teams webhook request is
//! received") take an Adaptive Card among `attachments` and nothing else; the connectors before them, where they still
//! work, take the same. Slack has attachments of its own of another shape, so it is sent `text` alone; everybody else
//! gets all of it, and in `stemsync` the same as fields.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Response, Url};
use serde_json::{Value, json};

use super::digest::Message;
use super::{Failure, late};
use crate::config::Secret;
use crate::systems::{deepest, http, pause};

/// An address to post to. No `Debug`: it is a secret.
pub(super) struct Webhook {
    /// `None` where the configured text is no address, which the configuration does not let through.
    url: Option<Url>,
}

impl Webhook {
    pub(super) fn new(address: &Secret) -> Self {
        Self { url: Url::parse(address.expose()).ok() }
    }

    /// Posts a message.
    ///
    /// A failure does not say that nothing arrived: who does not answer in time may have taken it all the same.
    pub(super) async fn send(&self, message: &Message, patience: Duration) -> Result<(), Failure> {
        // The client bounds connecting more tightly: what is late here was sent.
        let late = |_| Err(late(patience).in_doubt());
        tokio::time::timeout(patience, self.post(message, patience)).await.unwrap_or_else(late)
    }

    async fn post(&self, message: &Message, patience: Duration) -> Result<(), Failure> {
        let url = self.url()?;
        let body = body(message, is_slack(url)).to_string();
        let mut request = Request::new(Method::POST, url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        *request.body_mut() = Some(body.into());
        let answer = execute(request, patience).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let reason = status.canonical_reason().unwrap_or("");
        let advice = match status.as_u16() {
            300..=399 => "it redirects elsewhere, which is not followed; give the final address",
            401 | 403 | 404 | 410 => "check that its address is right and still valid",
            400 | 413 | 415 | 422 => "it does not take what is sent; see that it is an incoming webhook",
            429 => "it asks for fewer messages",
            _ => "ask whoever runs it",
        };
        let wait = answer.headers().get(RETRY_AFTER).and_then(|asked| pause(asked.to_str().ok()?, None));
        let why = format!("it answers HTTP {} {reason}: {advice}", status.as_u16());
        Err(Failure { wait, ..Failure::new(why) })
    }

    /// Whether the host is there and its certificate is in order. Only the host's first page is asked for: nothing is
    /// posted, and the key in the address stays here.
    pub(super) async fn reach(&self, patience: Duration) -> Result<(), Failure> {
        let mut url = self.url()?.clone();
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        execute(Request::new(Method::HEAD, url), patience).await.map(drop)
    }

    fn url(&self) -> Result<&Url, Failure> {
        self.url.as_ref().ok_or_else(|| Failure::new("its address cannot be used"))
    }
}

async fn execute(request: Request, patience: Duration) -> Result<Response, Failure> {
    let url = request.url().clone();
    let failed = |error: reqwest::Error| {
        let error = error.without_url();
        let what = without_host(&deepest(&error), &url);
        if error.is_connect() || error.is_builder() {
            Failure::new(format!("it cannot be reached ({what})"))
        } else if error.is_timeout() {
            late(patience).in_doubt()
        } else {
            Failure::new(format!("the connection broke ({what})")).in_doubt()
        }
    };
    // Made for one delivery: these are rare, and what is kept open costs memory all day.
    let client = http(&url, None, patience).map_err(failed)?;
    client.execute(request).await.map_err(failed)
}

/// Errors of TLS name the host, which is part of the address.
fn without_host(text: &str, url: &Url) -> String {
    match url.host_str() {
        Some(host) => text.replace(host, "its host"),
        None => text.to_owned(),
    }
}

fn is_slack(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == "slack.com" || host.ends_with(".slack.com"))
}

fn body(message: &Message, is_slack: bool) -> Value {
    let text = message.text();
    if is_slack {
        // These three are all that Slack asks to escape.
        return json!({"text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")});
    }
    let block =
        |text: &str, weight: &str| json!({"type": "TextBlock", "text": text, "wrap": true, "weight": weight});
    let mut blocks = vec![block(&message.subject, "Bolder")];
    blocks.extend(message.lines.iter().map(|line| block(line, "Default")));
    json!({
        "type": "message",
        "text": text,
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "body": blocks,
            },
        }],
        "stemsync": message.fields,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message() -> Message {
        Message {
            subject: "stemsync vm1: R&D".to_owned(),
            lines: vec!["one".to_owned(), "two <3".to_owned()],
            fields: json!({"host": "vm1"}),
            key: "1".to_owned(),
        }
    }

    #[test]
    fn slack_gets_text_alone_and_escaped() {
        let body = body(&message(), true);
        assert_eq!(body, json!({"text": "stemsync vm1: R&amp;D\none\ntwo &lt;3"}));
        let slack = |url: &str| is_slack(&Url::parse(url).unwrap());
        assert!(slack("https://hooks.slack.com/services/T/B/x") && !slack("https://slack.com.example/x"));
    }

    #[test]
    fn everybody_else_gets_text_an_adaptive_card_and_fields() {
        let body = body(&message(), false);
        assert_eq!(body["text"], "stemsync vm1: R&D\none\ntwo <3");
        assert_eq!(body["type"], "message");
        assert_eq!(body["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
        let card = &body["attachments"][0]["content"];
        assert_eq!(
            (card["type"].as_str(), card["body"][2]["text"].as_str()),
            (Some("AdaptiveCard"), Some("two <3"))
        );
        assert_eq!(body["stemsync"]["host"], "vm1");
    }

    #[test]
    fn an_error_does_not_name_the_host() {
        let url = Url::parse("https://hooks.example.com/k3y").unwrap();
        let text = without_host("certificate not valid for name \"hooks.example.com\"", &url);
        assert_eq!(text, "certificate not valid for name \"its host\"");
    }
}
