//! A page that a test holds in its hands: its database, what the daemon would show on the board and hear as a wish.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use stemsync::config::Config;
use stemsync::daemon::board::Board;
use stemsync::daemon::signals::Wish;
use stemsync::page::{Desk, Listening, Page};
use stemsync::store::Store;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::client::Client;

pub(crate) const PASSWORD: &str = "tulips, roses & <ranunculus>";

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) board: Board,
    pub(crate) wishes: UnboundedReceiver<Wish>,
    _page: Page,
    pub(crate) folder: tempfile::TempDir,
}

/// A configuration with this `[status]`.
pub(crate) fn config(folder: &Path, status: &str) -> Config {
    let database = folder.join("link.db");
    let text = format!(
        "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = \"{}\"\n[status]\n{status}",
        database.display()
    );
    let environment = |name: &str| (name == "PAGE_PASSWORD").then(|| PASSWORD.into());
    Config::from_text(&folder.join("sync.toml"), &text, &environment).unwrap()
}

pub(crate) const WITH_PASSWORD: &str = "password = { env = \"PAGE_PASSWORD\" }\nhosts = [\"page.example\"]\n";

impl House {
    /// With a password.
    pub(crate) async fn new() -> Self {
        Self::with(WITH_PASSWORD).await
    }

    pub(crate) async fn with(status: &str) -> Self {
        Self::on(([127, 0, 0, 1], 0).into(), status).await
    }

    pub(crate) async fn on(address: SocketAddr, status: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(config(folder.path(), status));
        let store = Store::open(&config.state.path).unwrap();
        let board = Board::new(config);
        let (ask, wishes) = unbounded_channel();
        let listening = Listening::on(address).await.unwrap();
        let address = listening.address();
        let page = listening.serve(Desk::open(store.clone(), board.clone(), ask).await.unwrap());
        Self { address, store, board, wishes, _page: page, folder }
    }

    /// Somebody who looks, not logged in.
    pub(crate) fn guest(&self) -> Client {
        Client::of(self.address)
    }

    /// Somebody who logged in.
    pub(crate) async fn admin(&self) -> Client {
        let mut client = self.guest();
        let answer = client.log_in(PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }
}
