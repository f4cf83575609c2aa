//! A page to look at, and somebody who looks: with a browser's headers, logged in or not.

use std::sync::Arc;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use stemsync::config::Config;
use stemsync::daemon::board::Board;
use stemsync::page::{Desk, Listening, Page};
use tokio::sync::mpsc;

use crate::link::{Link, Setup};

const PASSWORD: &str = "tulips and roses";

/// A link, and the page that shows it.
pub(crate) struct Site {
    pub(crate) link: Link,
    pub(crate) base: String,
    client: reqwest::Client,
    _page: Page,
    _folder: tempfile::TempDir,
    _wishes: mpsc::UnboundedReceiver<stemsync::daemon::signals::Wish>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// Somebody who looks.
pub(crate) struct Person<'s> {
    site: &'s Site,
    cookie: String,
    /// Empty for whoever is not logged in.
    pub(crate) csrf: String,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::on(Link::start(Setup::default()).await).await
    }

    pub(crate) async fn on(link: Link) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("password");
        std::fs::write(&secret, PASSWORD).unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        std::fs::set_permissions(&secret, mode).unwrap();
        let text = format!(
            "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = \"{}\"\n[status]\npassword = \
             {{ file = \"{}\" }}\n",
            link.path.display(),
            secret.display()
        );
        let file = folder.path().join("sync.toml");
        std::fs::write(&file, text).unwrap();
        let config = Config::load(&file).unwrap();
        let (wishes, asked) = mpsc::unbounded_channel();
        let board = Board::new(Arc::new(config));
        let listening = Listening::on("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let base = format!("http://{}", listening.address());
        let page = listening.serve(Desk::open(link.engine.store.clone(), board, wishes).await.unwrap());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { link, base, client, _page: page, _folder: folder, _wishes: asked }
    }

    /// Somebody who is not logged in.
    pub(crate) fn anybody(&self) -> Person<'_> {
        Person { site: self, cookie: String::new(), csrf: String::new() }
    }

    /// Somebody who is.
    pub(crate) async fn admin(&self) -> Person<'_> {
        let anybody = self.anybody();
        let request = self.client.get(format!("{}/login", self.base)).send().await.unwrap();
        let cookie = cookies(&request);
        let csrf = value_of(&request.text().await.unwrap(), "csrf");
        let body = format!("csrf={csrf}&password={}&next=%2F", encoded(PASSWORD));
        let request = self.client.post(format!("{}/login", self.base)).header(COOKIE, cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303);
        let person = Person { cookie: cookies(&answer), ..anybody };
        let csrf = value_of(&person.get("/holds").await.text, "csrf");
        Person { csrf, ..person }
    }
}

impl Person<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.site.client.get(format!("{}{path}", self.site.base))).await
    }

    /// Sends a form with this person's token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = [("csrf", self.csrf.as_str())];
        let fields = csrf.iter().chain(fields).map(|(name, value)| format!("{name}={}", encoded(value)));
        let body = fields.collect::<Vec<_>>().join("&");
        let request = self.site.client.post(format!("{}{path}", self.site.base)).body(body);
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// Sends a file with a form.
    pub(crate) async fn upload(&self, path: &str, csv: &[u8]) -> Answer {
        let mut body =
            format!("--b0\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--b0\r\n", self.csrf)
                .into_bytes();
        body.extend(
            b"Content-Disposition: form-data; name=\"csv\"; filename=\"m.csv\"\r\nContent-Type: text/csv\r\n\r\n",
        );
        body.extend(csv);
        body.extend(b"\r\n--b0--\r\n");
        let request = self.site.client.post(format!("{}{path}", self.site.base)).body(body);
        self.send(request.header("content-type", "multipart/form-data; boundary=b0")).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.header(COOKIE, &self.cookie).send().await.unwrap();
        let header =
            |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let (location, kind) = (header(LOCATION.as_str()), header("content-type"));
        Answer { status: answer.status().as_u16(), location, kind, text: answer.text().await.unwrap() }
    }
}

impl Answer {
    /// What a reader sees, tags and spaces apart.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        for part in self.text.split('<') {
            words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
            words.push(' ');
        }
        let words = words.replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.words().contains(words), "{words:?} is missing in {} {}", self.status, self.words());
        self
    }

    #[track_caller]
    pub(crate) fn keeps_quiet_of(&self, words: &str) -> &Self {
        assert!(!self.text.contains(words), "{words:?} stands in {}", self.text);
        self
    }
}

/// The value of the first field of a name.
pub(crate) fn value_of(html: &str, name: &str) -> String {
    let (_, rest) =
        html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {html}"));
    rest.split('"').next().unwrap().to_owned()
}

fn cookies(answer: &reqwest::Response) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    set.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}
