//! A redirect is an answer and no instruction: nothing is sent where it points, to no host, with no method.

use std::time::Duration;

use stemsync::domain::PoItemId;
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{Axerrio, Fault, Komet, SystemError};

use crate::echo::{Server, response};
use crate::place::{AXERRIO_TOKEN, KOMET_TOKEN};

const TIMEOUT: Duration = Duration::from_secs(10);

fn komet(base_url: &str) -> KometClient {
    let (base_url, token, retry_base) = (base_url.to_owned(), KOMET_TOKEN.to_owned(), Duration::ZERO);
    KometClient::new(KometOptions { base_url, token, vendor_id: None, timeout: TIMEOUT, retry_base }).unwrap()
}

fn axerrio(base_url: &str, auth: AxerrioAuth) -> AxerrioClient {
    let (base_url, token, retry_base) = (base_url.to_owned(), AXERRIO_TOKEN.to_owned(), Duration::ZERO);
    AxerrioClient::new(AxerrioOptions { base_url, token, auth, timeout: TIMEOUT, retry_base, page_size: 1 })
        .unwrap()
}

fn not_followed<T>(told: Result<T, SystemError>, status: u16) {
    let error = told.err().unwrap();
    assert_eq!(error.fault, Fault::Server(format!("HTTP {status} redirects elsewhere")));
}

#[tokio::test]
async fn no_redirect_is_followed_to_another_host_or_to_the_same() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start(|_| response(200, "", "{\"status\":1}"));
        for target in [format!("{}/taken", other.url), "/api/elsewhere".to_owned()] {
            let server = Server::start(move |heard| {
                assert!(!heard.target.contains("elsewhere"), "the redirect was followed");
                response(status, &format!("Location: {target}\r\n"), "")
            });
            let url = format!("{}/api/", server.url);
            let komet = komet(&url);
            not_followed(komet.carriers().await, status);
            not_followed(komet.po_item_delete(&PoItemId(1)).await, status);
            for auth in [AxerrioAuth::Bearer, AxerrioAuth::XApiKey] {
                not_followed(axerrio(&url, auth).health().await, status);
            }
            // Reads are tried four times, the write once: nothing else came.
            assert_eq!(server.requests(), 4 + 1 + 4 + 4, "{status}");
        }
        assert_eq!(other.connections(), 0, "{status}");
    }
}
