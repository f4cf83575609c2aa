//! What a slow, greedy or hostile client gets: an end.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Answer, form};
use crate::house::House;

async fn get(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for_and_holds_nobody_up() {
    let house = House::new().await;
    let began = Instant::now();
    let slow = |bytes: &'static str| async move {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = stream.split();
        let drip = async {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                if writing.write_all(b"a").await.is_err() {
                    break;
                }
            }
        };
        let mut answer = Vec::new();
        tokio::select! {
            _ = reading.read_to_end(&mut answer) => {}
            () = drip => {}
        }
        began.elapsed()
    };
    let others = async {
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(house.guest().get("/").await.status, 200);
            assert!(asked.elapsed() < Duration::from_secs(2));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let post = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\ncsrf=";
    let (head, silence, body, ()) =
        tokio::join!(slow("GET / HTTP/1.1\r\nHost: local"), slow(""), slow(post), others);
    for (what, time) in [("head", head), ("silence", silence), ("body", body)] {
        assert!(time > Duration::from_secs(8) && time < Duration::from_secs(14), "{what}: {time:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let house = House::new().await;
    let client = house.guest();
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(200));
    let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(20_000));
    for request in [long, many, path] {
        let answer = Answer::of(&client.raw(request.as_bytes()).await);
        assert!([0, 414, 431].contains(&answer.status), "{}", answer.status);
    }
    for nonsense in
        ["\r\n\r\n\0\0\0", "HELO page\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}"]
    {
        let answer = Answer::of(&client.raw(nonsense.as_bytes()).await);
        assert!([0, 400].contains(&answer.status), "{nonsense:?}: {}", answer.status);
    }
    assert_eq!(house.guest().get("/").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let house = House::new().await;
    let mut admin = house.admin().await;
    let csrf = admin.get("/").await.csrf();
    let padded = |length: usize| form(&[("csrf", &csrf), ("job", "all"), ("more", &"a".repeat(length))]);
    assert_eq!(admin.send("POST", "/sync", &[], &padded(10_000)).await.status, 303);
    for length in [20_000, 2_000_000] {
        let status = admin.send("POST", "/sync", &[], &padded(length)).await.status;
        // Whoever goes on sending may find the connection closed before he reads the answer.
        assert!([413, 0].contains(&status), "{length}: {status}");
    }
    let status = admin.send("POST", "/maps/product/import", &[], &padded(1_200_000)).await.status;
    assert!([413, 0].contains(&status), "{status}");
    let status = admin.send("POST", "/maps/product/import", &[], &padded(500_000)).await.status;
    assert_ne!(status, 413, "a map is larger than other forms");
    // A read has no body: what is sent as one is never waited for.
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n";
    assert_eq!(Answer::of(&house.guest().raw(request.as_bytes()).await).status, 200);
}

#[tokio::test]
async fn there_is_room_for_so_many_connections_and_then_again() {
    let house = House::new().await;
    let mut idle = Vec::new();
    for _ in 0..256 {
        idle.push(TcpStream::connect(house.address).await.unwrap());
    }
    // The last of them may not be accepted yet.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut one_more = TcpStream::connect(house.address).await.unwrap();
    let _ = one_more.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(get(&mut one_more).await.is_empty(), "turned away at once");
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    idle[0].write_all(request).await.unwrap();
    assert_eq!(Answer::of(&get(&mut idle[0]).await).status, 200, "whoever is in is served");
    drop(idle);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(house.guest().get("/").await.status, 200);
}

#[tokio::test]
async fn those_who_watch_leave_room_for_those_who_look() {
    let house = House::new().await;
    let mut watching = Vec::new();
    for n in 0..225 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        let expected: &[u8] = if n < 220 { b"HTTP/1.1 200 OK" } else { b"HTTP/1.1 503 Se" };
        assert_eq!(head.as_slice(), expected, "{n}");
        watching.push(stream);
    }
    assert_eq!(house.guest().get("/").await.status, 200);
    let metrics = house.guest().get("/metrics").await.body;
    assert!(metrics.contains("stemsync_page_watchers 220"), "{metrics}");
}

#[tokio::test]
async fn whoever_does_not_read_his_answer_is_not_waited_for() {
    let house = House::new().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let request = b"GET /assets/page.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(400_000);
    let writing = tokio::time::timeout(Duration::from_secs(3), stream.write_all(&request)).await;
    assert!(writing.is_err(), "nobody reads, so nobody can write on");
    assert_eq!(house.guest().get("/").await.status, 200);
    tokio::time::sleep(Duration::from_secs(9)).await;
    let ended = tokio::time::timeout(Duration::from_secs(3), stream.write_all(&request)).await;
    assert!(matches!(ended, Ok(Err(_))), "his place is free again: {ended:?}");
}
