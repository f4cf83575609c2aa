//! What no answer may cost: bodies beyond 32 MB (announced, endless, unpacked), nesting without end, records without
//! number, bytes that trickle. Costs are told by what the server could send and by what the process was allowed to take,
//! never by a clock.

use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use stemsync::domain::{AxOrderId, PoItemId};
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{Axerrio, Fault, Komet, SystemError};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::http::response;
use crate::komet::parrot;
use crate::mutate::TOKEN;
use crate::received::receive;
use crate::world;

const MIB: usize = 1 << 20;

/// Sends a head and then the same bytes again and again, `pause` apart, until nobody listens. Tells its address, and
/// the number of bytes it got rid of.
async fn stream(head: &'static str, bytes: Vec<u8>, pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (bytes, count) = (bytes.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                receive(&mut stream).await?;
                stream.write_all(head.as_bytes()).await.ok()?;
                loop {
                    stream.write_all(&bytes).await.ok()?;
                    count.fetch_add(bytes.len(), Ordering::SeqCst);
                    tokio::time::sleep(pause).await;
                }
                #[allow(unreachable_code)]
                Some(())
            });
        }
    });
    (url, sent)
}

fn too_long(error: &SystemError) {
    assert_eq!(error.fault, Fault::TooLong);
}

#[tokio::test]
async fn a_body_that_announces_40_mb_is_refused_before_it_is_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n";
    let (url, sent) = stream(head, vec![b' '; MIB], Duration::ZERO).await;
    too_long(&world::komet(&url).carriers().await.unwrap_err());
    too_long(&world::axerrio(&url).health().await.unwrap_err());
    // What the machine's buffers took of two answers, before the connection was closed.
    assert!(sent.load(Ordering::SeqCst) < 24 * MIB, "{} bytes were sent", sent.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_body_without_end_is_read_up_to_32_mb_and_no_further() {
    let mut chunk = format!("{MIB:x}\r\n").into_bytes();
    chunk.extend([vec![b' '; MIB], b"\r\n".to_vec()].concat());
    let (url, sent) = stream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, Duration::ZERO).await;
    too_long(&world::axerrio(&url).health().await.unwrap_err());
    assert!(sent.load(Ordering::SeqCst) < 64 * MIB, "{} bytes were sent", sent.load(Ordering::SeqCst));
}

#[tokio::test]
async fn of_a_packed_body_the_unpacked_length_counts() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..400 {
        packer.write_all(&vec![b' '; MIB]).unwrap();
    }
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < MIB, "400 MB are packed into {} bytes", bomb.len());
    let (server, next) = parrot().await;
    *next.lock().unwrap() = response(200, &[("Content-Encoding", "gzip")], &bomb);
    too_long(&world::komet(&server.url).carriers().await.unwrap_err());
    too_long(&world::axerrio(&server.url).health().await.unwrap_err());
}

#[tokio::test]
async fn a_hundred_thousand_brackets_are_an_error_wherever_they_stand() {
    let (server, next) = parrot().await;
    let (komet, axerrio) = (world::komet(&server.url), world::axerrio(&server.url));
    let deep = "[".repeat(100_000);
    let balanced = format!("{deep}{}", "]".repeat(100_000));
    let objects = format!("{}1{}", "{\"prebooks\":".repeat(100_000), "}".repeat(100_000));
    let id = AxOrderId("AX-1".to_owned());
    for body in [
        deep,
        balanced.clone(),
        objects.clone(),
        format!("{{\"status\":{balanced}}}"),
        format!("{{\"items\":{balanced},\"asOf\":\"2026-02-02T10:00:00Z\"}}"),
        format!("{{\"status\":\"ok\",\"time\":{objects}}}"),
        format!("{{\"id\":{balanced}}}"),
    ] {
        *next.lock().unwrap() = response(200, &[], body.as_bytes());
        assert!(komet.carriers().await.is_err());
        assert!(komet.po_item_delete(&PoItemId(1)).await.is_err());
        assert!(axerrio.health().await.is_err());
        assert!(axerrio.order(&id).await.is_err());
    }
    // Where a record's field goes that deep, the record is unreadable and the answer is not.
    let body =
        format!("{{\"status\":1,\"carriers\":[{{\"id\":1,\"name\":{balanced}}},{{\"id\":2,\"code\":\"FX\"}}]}}");
    *next.lock().unwrap() = response(200, &[], body.as_bytes());
    assert_eq!(komet.carriers().await.unwrap().len(), 1);
    let body = format!("{{\"items\":[{{\"id\":\"L-1\",\"x\":{balanced}}}],\"asOf\":\"2026-02-02T10:00:00Z\"}}");
    *next.lock().unwrap() = response(200, &[], body.as_bytes());
    assert_eq!(axerrio.labels(world::now(), None).await.unwrap().answer.unreadable.len(), 1);
}

#[tokio::test]
async fn bytes_that_trickle_do_not_outlast_the_timeout() {
    let timeout = Duration::from_millis(300);
    // A body a byte at a time; a header that never ends; a status line that never ends.
    for head in
        ["HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Slow: ", "HTTP/1.1 200 "]
    {
        let (url, _) = stream(head, vec![b'x'], Duration::from_millis(10)).await;
        let (token, retry_base) = (TOKEN.to_owned(), Duration::ZERO);
        let options =
            KometOptions { base_url: url.clone(), token: token.clone(), vendor_id: None, timeout, retry_base };
        let komet = KometClient::new(options).unwrap();
        assert_eq!(
            komet.po_item_delete(&PoItemId(1)).await.unwrap_err().fault,
            Fault::TimedOut(timeout),
            "{head}"
        );
        let auth = AxerrioAuth::Bearer;
        let options = AxerrioOptions { base_url: url, token, auth, timeout, retry_base, page_size: 500 };
        let axerrio = AxerrioClient::new(options).unwrap();
        assert_eq!(axerrio.health().await.unwrap_err().fault, Fault::TimedOut(timeout), "{head}");
    }
}

#[tokio::test]
async fn headers_without_end_are_an_error() {
    let (url, sent) = stream("HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n".repeat(100), Duration::ZERO).await;
    let error = world::komet(&url).po_item_delete(&PoItemId(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Broken(_)), "{error}");
    assert!(sent.load(Ordering::SeqCst) < 16 * MIB, "{} bytes were sent", sent.load(Ordering::SeqCst));
}

/// 32 MB of the smallest records there can be, each of which takes a hundred times as much in memory if every one is kept.
/// The program gets 1.5 GB of addresses, most of which is its allocator's reserve.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_without_number_cost_bounded_memory() {
    let fill = |start: &str, one: &str, end: &str| {
        let count = (31 * MIB) / one.len();
        response(200, &[], format!("{start}{}{end}", one.repeat(count).trim_end_matches(',')).as_bytes())
    };
    let as_of = "],\"asOf\":\"2026-02-02T10:00:00Z\"}";
    for answer in [
        fill("{\"status\":1,\"prebooks\":[", "{},", "]}"),
        fill("{\"status\":1,\"prebooks\":[", "1,", "]}"),
        fill("{\"status\":1,\"purchaseOrders\":[{\"details\":[", "1,", "]}]}"),
        fill("{\"items\":[", "{},", as_of),
        fill("{\"items\":[", "1,", as_of),
        fill("[", "[],", "]"),
        fill("{\"status\":1", ",\"a\":1", "}"),
    ] {
        let (server, next) = parrot().await;
        *next.lock().unwrap() = answer;
        let place = tempfile::tempdir().unwrap();
        let text = format!(
            "[komet]\nbase_url = \"{0}/\"\ntoken = {{ env = \"T\" }}\n[axerrio]\nbase_url = \"{0}/\"\ntoken = {{ env = \"T\" \
             }}\n[state]\npath = \"link.db\"\n",
            server.url
        );
        std::fs::write(place.path().join("sync.toml"), text).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 1500000 && exec \"$0\" sync --format json"]);
        command.arg(assert_cmd::cargo::cargo_bin!("stemsync")).current_dir(place.path()).env("T", TOKEN);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(4 | 5)), "{:?}: {told}", output.status);
        assert!(told.len() < MIB, "{} bytes are told", told.len());
    }
}
