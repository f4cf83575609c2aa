//! Mail, through a real SMTP server: what arrives, and what is said where none does.

use std::process::Output;

use serde_json::Value;

use crate::place::{Place, everything};
use crate::program::week;
use crate::smtp::{PASSWORD, Smtp, USER, signer};

const OF: &str =
    "from = \"stemsync <stemsync@example.com>\"\nto = [\"Ann <ann@example.com>\", \"nobody@example.com\"]\n";

/// With STARTTLS and a login.
fn private(port: u16) -> String {
    let login = format!("username = \"{USER}\"\npassword = {{ env = \"SMTP_PASSWORD\" }}\n");
    format!("[notify.email]\nhost = \"127.0.0.1\"\nport = {port}\n{login}{OF}")
}

/// With neither.
fn plain(port: u16) -> String {
    format!("[notify.email]\nhost = \"localhost\"\nport = {port}\nstarttls = false\n{OF}")
}

fn run(place: &Place, args: &[&str], password: &str, trust: bool) -> Output {
    let mut command = place.command(args);
    command.env_remove("SSL_CERT_DIR").env_remove("SSL_CERT_FILE").env("SMTP_PASSWORD", password);
    if trust {
        command.env("SSL_CERT_FILE", signer());
    }
    command.output().unwrap()
}

/// A sync that holds something and cannot tell it: it ends as if nobody had to be told, with one line more.
fn does_not_matter(output: &Output, why: &str) {
    let told = everything(output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    let lines: Vec<_> = told.lines().filter(|line| line.contains("notifications:")).collect();
    assert_eq!(lines.len(), 1, "{told}");
    assert!(lines[0].contains(why), "{told}");
    assert!(!told.contains(PASSWORD) && !told.contains("d3ad"), "{told}");
}

fn head<'m>(text: &'m str, name: &str) -> &'m str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_told_by_mail_over_starttls_with_a_login_and_once() {
    let smtp = Smtp::start("tls");
    let (_sandbox, place) = week(&private(smtp.port)).await;
    for _ in 0..2 {
        let output = run(&place, &["sync", "-vv"], PASSWORD, true);
        assert_eq!(output.status.code(), Some(4), "{}", everything(&output));
        assert!(!everything(&output).contains(PASSWORD));
    }
    let mail: Value = smtp.mail();
    assert_eq!((&mail["tls"], &mail["user"]), (&Value::Bool(true), &Value::from(USER)));
    assert_eq!(mail["from"], "stemsync@example.com");
    assert_eq!(mail["to"], serde_json::json!(["ann@example.com", "nobody@example.com"]));
    let text = mail["text"].as_str().unwrap().replace("\r\n", "\n").replace("=\n", "");
    let (heads, body) = text.split_once("\n\n").unwrap();
    let heads = heads.replace("\n ", " ");
    assert!(head(&heads, "Subject").ends_with(": order AX-100003 waits for a person"), "{heads}");
    assert_eq!(head(&heads, "Auto-Submitted"), "auto-generated");
    assert!(head(&heads, "Content-Type").starts_with("text/plain"), "{heads}");
    assert!(head(&heads, "Message-ID").starts_with("<stemsync.1."), "{heads}");
    assert!(head(&heads, "Date").ends_with("+0000"), "{heads}");
    assert!(body.contains("Komet does not know a product") && body.contains("`stemsync holds`"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_nobody_vouches_for_gets_neither_login_nor_mail() {
    let smtp = Smtp::start("tls");
    let (_sandbox, place) = week(&private(smtp.port)).await;
    does_not_matter(&run(&place, &["sync"], PASSWORD, false), "fails at STARTTLS (invalid peer certificate");
    assert_eq!(smtp.mails(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_refused_is_told_without_the_login() {
    let smtp = Smtp::start("tls");
    let (_sandbox, place) = week(&private(smtp.port)).await;
    let output = run(&place, &["sync"], "d3ad-p4ss", true);
    does_not_matter(&output, "refuses the login (535); see [notify.email] username and password");
    assert_eq!(smtp.mails(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_starttls_nothing_is_sent_to_a_server_that_should_have_it() {
    let smtp = Smtp::start("open");
    let (_sandbox, place) = week(&private(smtp.port)).await;
    does_not_matter(&run(&place, &["sync"], PASSWORD, true), "does not offer STARTTLS, so nothing was sent");
    assert_eq!(smtp.mails(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_on_this_machine_takes_mail_without_either() {
    let smtp = Smtp::start("open");
    let (_sandbox, place) = week(&plain(smtp.port)).await;
    assert_eq!(run(&place, &["sync"], PASSWORD, false).status.code(), Some(4));
    let mail = smtp.mail();
    assert_eq!((&mail["tls"], &mail["user"]), (&Value::Bool(false), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_receiver_that_is_refused_does_not_cost_the_others_their_mail() {
    let smtp = Smtp::start("choosy");
    let text = private(smtp.port);
    let (_sandbox, place) = week(&text).await;
    let output = run(&place, &["sync"], PASSWORD, true);
    does_not_matter(&output, "refused 1 of the receivers, the others have the mail");
    assert_eq!(smtp.mail()["to"], serde_json::json!(["ann@example.com"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_or_is_not_there_is_no_business_of_the_syncs() {
    let smtp = Smtp::start("refusing");
    let (_sandbox, place) = week(&private(smtp.port)).await;
    let output = run(&place, &["sync"], PASSWORD, true);
    does_not_matter(&output, "refuses the mail (554 5.7.1 this relay takes no mail from you)");
    assert_eq!(smtp.mails(), 0);

    let (_sandbox, place) = week(&plain(1)).await;
    does_not_matter(
        &run(&place, &["sync"], PASSWORD, false),
        "localhost:1 cannot be reached or does not want to talk",
    );
}
