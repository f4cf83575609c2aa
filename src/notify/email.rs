//! E-mail: one mail a delivery, over SMTP with STARTTLS unless the configuration says otherwise. The connection is led
//! step by step, so that a refusal names the step, one refused receiver does not cost the others their mail, and what
//! the server said once it had the mail cannot make it look unsent.

use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::digest::Message;
use super::{Failure, Patience, within};
use crate::config::EmailConfig;
use crate::domain::plain;
use crate::domain::tag::cut;
use crate::systems::deepest;

/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// An SMTP server to send through. No `Debug`: it holds the password.
pub(super) struct Email {
    host: String,
    port: u16,
    starttls: bool,
    login: Option<(String, String)>,
    from: String,
    to: Vec<String>,
}

/// "Sent by a program" (RFC 3834): nobody's absence note answers it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Email {
    pub(super) fn new(config: &EmailConfig) -> Self {
        let login = config.login.as_ref();
        Self {
            host: config.host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: config.port,
            starttls: config.starttls,
            login: login.map(|login| (login.username.clone(), login.password.expose().to_owned())),
            from: config.from.clone(),
            to: config.to.clone(),
        }
    }

    /// Sends a message. Says how many receivers the server refused while it took others.
    ///
    /// A failure after the server had the text is in doubt, unless the server says so.
    pub(super) async fn send(&self, message: &Message, host: &str, patience: Patience) -> Result<usize, Failure> {
        let mail = self.mail(message, host)?;
        let (mut connection, refused) = within(patience.attempt, self.announce(&mail, patience.attempt)).await?;
        self.hand_over(&mut connection, &mail, patience.verdict).await?;
        // The server has it. Who waited for its goodbye could take a late one for a mail that was not sent.
        tokio::spawn(async move { tokio::time::timeout(GOODBYE, connection.quit()).await.is_ok() });
        Ok(refused)
    }

    /// Connects, encrypts and logs in; no mail is sent.
    pub(super) async fn reach(&self, patience: Duration) -> Result<(), Failure> {
        self.addresses()?;
        let mut connection = self.connect(patience).await?;
        let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
        Ok(())
    }

    /// For people: `smtp.example.com:587`
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    async fn connect(&self, patience: Duration) -> Result<AsyncSmtpConnection, Failure> {
        let me = ClientId::default();
        let server = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(patience), &me, None, None)
            .await
            .map_err(|error| self.failed("cannot be reached or does not want to talk", &error))?;
        if self.starttls {
            let tls = TlsParameters::new(self.host.clone())
                .map_err(|error| self.failed("cannot be spoken to over TLS", &error))?;
            if !connection.can_starttls() {
                let what =
                    "does not offer STARTTLS, so nothing was sent; see [notify.email] host, port and starttls";
                return Err(self.failure(what));
            }
            connection.starttls(tls, &me).await.map_err(|error| self.failed("fails at STARTTLS", &error))?;
        }
        if let Some((username, password)) = &self.login {
            let credentials = Credentials::new(username.clone(), password.clone());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, &credentials).await.map_err(|error| {
                // What a server says to a login may repeat it.
                self.failure(&match error.status() {
                    Some(code) => format!("refuses the login ({code}); see [notify.email] username and password"),
                    None => "does not take a login with user name and password".to_owned(),
                })
            })?;
        }
        Ok(connection)
    }

    /// Connects and goes as far as to where the server wants the text. Says how many receivers it refused.
    async fn announce(&self, mail: &Mail, patience: Duration) -> Result<(AsyncSmtpConnection, usize), Failure> {
        let mut connection = self.connect(patience).await?;
        let from = MailFrom::new(mail.envelope().from().cloned(), Vec::new());
        connection.command(from).await.map_err(|error| self.failed("refuses the sender", &error))?;
        let mut refused = Vec::new();
        for receiver in mail.envelope().to() {
            match connection.command(Rcpt::new(receiver.clone(), Vec::new())).await {
                Ok(_) => {}
                Err(error) if error.status().is_some() => refused.push(error),
                Err(error) => return Err(self.failed("breaks off", &error)),
            }
        }
        if let Some(error) = refused.first().filter(|_| refused.len() == mail.envelope().to().len()) {
            return Err(self.failed("refuses every receiver", error));
        }
        connection.command(Data).await.map_err(|error| self.failed("refuses the mail", &error))?;
        Ok((connection, refused.len()))
    }

    /// Hands over the text, and waits for what the server says to it.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Mail,
        patience: Duration,
    ) -> Result<(), Failure> {
        match tokio::time::timeout(patience, connection.message(&mail.formatted())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.status().is_some() => Err(self.failed("refuses the mail", &error)),
            Ok(Err(error)) => Err(self.failed("breaks off when it has the mail", &error).in_doubt()),
            Err(_) => {
                let seconds = patience.as_secs();
                let what = format!("has the mail and does not say within {seconds} s whether it takes it");
                Err(self.failure(&what).in_doubt())
            }
        }
    }

    fn addresses(&self) -> Result<(Mailbox, Vec<Mailbox>), Failure> {
        let parse = |key: &str, text: &String| {
            text.parse::<Mailbox>().map_err(|_| {
                Failure::new(format!("an address in [notify.email] {key} is none that mail can be sent with"))
            })
        };
        let to: Result<Vec<_>, _> = self.to.iter().map(|text| parse("to", text)).collect();
        Ok((parse("from", &self.from)?, to?))
    }

    fn mail(&self, message: &Message, host: &str) -> Result<Mail, Failure> {
        let (from, to) = self.addresses()?;
        // The same for the same news, so that mail servers and readers may notice what arrives twice.
        let id = format!("<stemsync.{}@{host}>", message.key);
        let mut mail = Mail::builder()
            .from(from)
            .subject(message.subject.clone())
            .date_now()
            .message_id(Some(id))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for receiver in to {
            mail = mail.to(receiver);
        }
        let mut text = message.lines.join("\n\n");
        text.push('\n');
        mail.body(text).map_err(|error| Failure::new(format!("no mail can be made of it ({error})")))
    }

    /// A failed step, with what the server said or the machine found.
    fn failed(&self, what: &str, error: &Error) -> Failure {
        let mut said = deepest(error);
        if let Some((_, password)) = &self.login {
            said = said.replace(password, "***");
        }
        let code = error.status().map(|code| format!("{code} ")).unwrap_or_default();
        self.failure(&format!("{what} ({code}{})", cut(plain(&said).trim(), 200)))
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("the SMTP server {} {what}", self.place()))
    }
}
