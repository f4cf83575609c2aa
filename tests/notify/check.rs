//! What `check` says of the channels: it goes there, and tells nothing.

use std::process::Output;

use serde_json::Value;

use crate::hook::{Hook, KEY};
use crate::place::{Place, everything, object};
use crate::program::{WEBHOOK, configure};
use crate::smtp::{PASSWORD, Smtp, USER, signer};

fn check(place: &Place, hook: &str, password: &str) -> (Output, Value) {
    let mut command = place.command(&["check", "--format", "json"]);
    command.env("HOOK", hook).env("SMTP_PASSWORD", password).env("SSL_CERT_FILE", signer());
    let output = command.output().unwrap();
    let report = object(&output);
    (output, report)
}

fn line<'r>(report: &'r Value, name: &str) -> Option<(&'r str, &'r str)> {
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name)?;
    Some((check["outcome"].as_str().unwrap(), check["detail"].as_str().unwrap()))
}

#[test]
fn that_nobody_is_told_is_said_and_is_no_failure() {
    let place = Place::simulated();
    let (report, code) = place.json(&["check"]);
    let (outcome, detail) = line(&report, "notifications").unwrap();
    assert_eq!((code, outcome), (0, "ok"));
    assert!(detail.contains("nobody is told"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_channels_are_tried_and_nothing_is_told() {
    let (hook, smtp) = (Hook::start().await, Smtp::start("tls"));
    let place = Place::simulated();
    let email = format!(
        "[notify.email]\nhost = \"127.0.0.1\"\nport = {}\nusername = \"{USER}\"\npassword = {{ env = \"SMTP_PASSWORD\" }}\n\
         from = \"stemsync@example.com\"\nto = \"ann@example.com\"\n",
        smtp.port
    );
    configure(&place, &format!("{WEBHOOK}{email}"));
    let (output, report) = check(&place, &hook.url(), PASSWORD);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(line(&report, "webhook"), Some(("ok", "its host answers; nothing was posted")));
    assert_eq!(line(&report, "e-mail").unwrap().0, "ok");
    let asked: Vec<_> = hook.requests().into_iter().map(|request| (request.method, request.target)).collect();
    assert_eq!(asked, [("HEAD".to_owned(), "/".to_owned())]);

    let (output, report) = check(&place, &format!("http://127.0.0.1:1/{KEY}"), "d3ad-p4ss");
    assert_eq!(output.status.code(), Some(4));
    let (webhook, email) = (line(&report, "webhook").unwrap(), line(&report, "e-mail").unwrap());
    assert!(webhook.0 == "failed" && webhook.1.contains("cannot be reached"), "{webhook:?}");
    assert!(email.0 == "failed" && email.1.contains("refuses the login"), "{email:?}");
    let told = everything(&output);
    assert!(![KEY, PASSWORD, "d3ad"].iter().any(|secret| told.contains(secret)), "{told}");
    assert_eq!(smtp.mails(), 0);
}
