//! The server's certificate is checked, always: there is no key, no option and no variable that says otherwise. The
//! certificate in `tls/` was made for these tests; nobody's machine trusts who signed it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::place::{Place, told};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/security/tls")
}

/// A server that speaks TLS well; tells its port and how many requests reached it.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from(std::fs::read(folder().join("server.crt")).unwrap());
    let key = PrivatePkcs8KeyDer::from(std::fs::read(folder().join("server.key")).unwrap());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).await.ok()? > 0 {
                    count.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n").await.ok()?;
                }
                Some(())
            });
        }
    });
    (port, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_vouches_for_is_refused_and_the_token_is_not_sent() {
    let (port, heard) = server().await;
    let url = format!("https://127.0.0.1:{port}/");
    let place = Place::new(&url, &url);
    let tries: [&[(&str, &str)]; 2] = [
        &[],
        // What switches the check off in other programs.
        &[
            ("SSL_VERIFY", "0"),
            ("SSL_NO_VERIFY", "1"),
            ("CURL_INSECURE", "1"),
            ("GIT_SSL_NO_VERIFY", "1"),
            ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
            ("PYTHONHTTPSVERIFY", "0"),
            ("STEMSYNC_INSECURE", "1"),
        ],
    ];
    for environment in tries {
        for command in [&["sync"][..], &["check"]] {
            let output = place.run(command, environment);
            assert_eq!(output.status.code(), Some(5), "{}", told(&output));
            assert!(told(&output).contains("certificate"), "{}", told(&output));
        }
    }
    assert_eq!(heard.load(Ordering::SeqCst), 0, "nothing was sent");

    // The server is in order: who trusts its signer reaches it.
    let signer = folder().join("nobodys-ca.pem");
    let output = place.run(&["sync"], &[("SSL_CERT_FILE", signer.to_str().unwrap())]);
    assert!(heard.load(Ordering::SeqCst) > 0, "{}", told(&output));
    assert!(told(&output).contains("refuses the token"), "{}", told(&output));
}

#[test]
fn no_key_and_no_option_switches_the_check_off() {
    for key in ["insecure = true", "verify = false", "tls_verify = false", "danger_accept_invalid_certs = true"] {
        for section in ["[komet]", "[axerrio]"] {
            let place = Place::new("https://127.0.0.1:1/", "https://127.0.0.1:1/");
            place.configure(section, key);
            let output = place.run(&["sync"], &[]);
            assert_eq!(output.status.code(), Some(3), "{key}: {}", told(&output));
        }
    }
    let place = Place::new("https://127.0.0.1:1/", "https://127.0.0.1:1/");
    for option in ["--insecure", "-k", "--no-verify", "--no-check-certificate"] {
        assert_eq!(place.run(&["sync", option], &[]).status.code(), Some(2), "{option}");
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/systems/transport.rs");
    assert!(!std::fs::read_to_string(source).unwrap().contains("danger"), "reqwest calls it danger_accept_…");
}

#[test]
fn without_tls_only_this_machine_is_spoken_to() {
    for url in
        ["http://example.com/api/", "http://192.0.2.1/", "http://localhost.example.com/", "ftp://127.0.0.1/"]
    {
        let output = Place::new(url, url).run(&["sync"], &[]);
        assert_eq!(output.status.code(), Some(3), "{url}: {}", told(&output));
    }
}
