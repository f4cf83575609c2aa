//! A link with its page, and somebody who looks at it, logged in or not.

use std::net::SocketAddr;
use std::sync::Arc;

use stemsync::config::Config;
use stemsync::daemon::board::Board;
use stemsync::page::{Desk, Listening, Page};
use tokio::sync::mpsc;

use crate::client::{Answer, Client};
use crate::link::{Link, Setup};

const PASSWORD: &str = "tulips and roses";

/// A link, and the page that shows it.
pub(crate) struct Site {
    pub(crate) link: Link,
    address: SocketAddr,
    _page: Page,
    _folder: tempfile::TempDir,
    _wishes: mpsc::UnboundedReceiver<stemsync::daemon::signals::Wish>,
}

/// Somebody who looks, and stays who he is.
pub(crate) struct Person {
    client: Client,
    /// Empty for whoever is not logged in.
    csrf: String,
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
        let address = listening.address();
        let page = listening.serve(Desk::open(link.engine.store.clone(), board, wishes).await.unwrap());
        Self { link, address, _page: page, _folder: folder, _wishes: asked }
    }

    /// Somebody who is not logged in.
    pub(crate) fn anybody(&self) -> Person {
        Person { client: Client::of(self.address), csrf: String::new() }
    }

    /// Somebody who is.
    pub(crate) async fn admin(&self) -> Person {
        let mut client = Client::of(self.address);
        assert_eq!(client.log_in(PASSWORD).await.status, 303);
        let csrf = client.get("/holds").await.csrf();
        Person { client, csrf }
    }
}

impl Person {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.client.clone().get(path).await
    }

    /// Sends a form with this person's token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<_> = [("csrf", self.csrf.as_str())].iter().chain(fields).copied().collect();
        self.client.clone().post(path, &fields).await
    }

    /// Sends a file with a form.
    pub(crate) async fn upload(&self, path: &str, csv: &[u8]) -> Answer {
        let field = format!("--b0\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n", self.csrf);
        let file = "--b0\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"m.csv\"\r\nContent-Type: text/csv\r\n\r\n";
        let body = [field.as_bytes(), file.as_bytes(), csv, b"\r\n--b0--\r\n"].concat();
        let kind = [("Content-Type", "multipart/form-data; boundary=b0")];
        self.client.clone().send("POST", path, &kind, body).await
    }
}
