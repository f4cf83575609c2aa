//! Who may see and do what, tried by whoever may not.

use std::sync::Arc;
use std::time::Instant;

use stemsync::config::{Config, ConfigErrors};
use stemsync::daemon::signals::Wish;
use stemsync::sync::report::Job;

use crate::client::{Answer, form};
use crate::house::{House, PASSWORD, WITH_PASSWORD, config};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const VIEWS: [&str; 7] = ["/", "/runs", "/login", "/nowhere", "/assets/page.css", "/assets/page.js", "/healthz"];

fn carries_the_headers(answer: &Answer, what: &str) {
    assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{what}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{what}");
    assert!(answer.header("cache-control").is_some(), "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), None, "{what}");
}

#[tokio::test]
async fn every_answer_forbids_what_a_page_of_ours_never_does() {
    let house = House::new().await;
    for path in VIEWS {
        let answer = house.guest().get(path).await;
        assert!([200, 404].contains(&answer.status), "{path}: {}", answer.status);
        carries_the_headers(&answer, path);
        if path.starts_with("/assets") {
            continue;
        }
        // Nothing inline that the policy would have to allow, and nothing from elsewhere.
        for inline in ["<style", " style=", "onclick", "onload", "javascript:", "src=\"http", "href=\"http"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let refused = house.guest().send("GET", "/", &[("Host", "evil.example")], "").await;
    carries_the_headers(&refused, "a refusal");
}

#[tokio::test]
async fn a_name_that_was_pointed_here_from_elsewhere_gets_nothing() {
    let house = House::new().await;
    let port = house.address.port();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "0.0.0.0",
        "a@localhost",
    ] {
        for path in VIEWS.into_iter().chain(["/metrics", "/readyz", "/live"]) {
            let answer = house.guest().send("GET", path, &[("Host", host)], "").await;
            assert_eq!(answer.status, 421, "{host}{path}");
            assert!(!answer.body.contains("Healthy"), "{host}{path}");
        }
    }
    for host in ["localhost", "LOCALHOST:9999", "127.0.0.1:1", "[::1]", "page.example", "PAGE.example:443"] {
        assert_eq!(house.guest().send("GET", "/", &[("Host", host)], "").await.status, 200, "{host}");
    }
    // Twice, or not at all, or another one in the address.
    let client = house.guest();
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let answer = Answer::of(&client.raw(request.as_bytes()).await);
        assert!([400, 421].contains(&answer.status), "{request}: {}", answer.status);
    }
}

#[tokio::test]
async fn nobody_acts_without_logging_in() {
    let mut house = House::new().await;
    for path in ["/sync", "/logout", "/holds/1", "/maps/product", "/maps/product/import", "/anything"] {
        for cookie in [None, Some("0".repeat(64)), Some(String::new())] {
            let mut guest = house.guest();
            if let Some(cookie) = cookie {
                guest.cookies.push((format!("stemsync_{}", house.address.port()), cookie));
            }
            let answer = guest.post(path, &[("csrf", &"0".repeat(64)), ("job", "all"), ("take", "komet")]).await;
            assert_eq!(answer.status, 403, "{path}");
        }
    }
    assert!(house.wishes.try_recv().is_err());
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"] {
        let answer = house.guest().send(method, "/", &[], "").await;
        assert!(
            answer.status == 405 || answer.status == 400 || answer.status == 421,
            "{method}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn what_is_only_read_takes_no_form() {
    let house = House::new().await;
    let mut admin = house.admin().await;
    let csrf = admin.get("/").await.csrf();
    for path in ["/", "/orders", "/runs", "/healthz"] {
        let answer = admin.post(path, &[("csrf", &csrf), ("job", "all")]).await;
        assert_eq!(answer.status, 405, "{path}");
        answer.says("told things with POST where it has a form").says("Log out");
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_or_of_somebody_else_does_nothing() {
    let mut house = House::new().await;
    let mut admin = house.admin().await;
    let csrf = admin.get("/").await.csrf();
    let other = house.admin().await.get("/").await.csrf();
    let of_login = house.guest().get("/login").await.csrf();
    for wrong in ["", "0", &other, &of_login, &csrf[1..], &csrf.to_uppercase(), &format!("{csrf}0")] {
        if wrong == csrf {
            continue;
        }
        let answer = admin.post("/sync", &[("csrf", wrong), ("job", "all")]).await;
        assert_eq!(answer.status, 403, "{wrong}");
        assert!(answer.body.contains("Log out"), "whoever is told is still logged in");
    }
    assert_eq!(admin.post("/sync", &[("job", "all")]).await.status, 403, "none");
    let body = form(&[("csrf", &csrf), ("job", "all")]);
    for elsewhere in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let answer = admin.send("POST", "/sync", &[elsewhere], &body).await;
        assert_eq!(answer.status, 403, "{elsewhere:?}");
    }
    assert!(house.wishes.try_recv().is_err(), "nothing was asked of the daemon");
    let origin = format!("http://{}", house.address);
    let answer =
        admin.send("POST", "/sync", &[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")], &body).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!(house.wishes.try_recv().unwrap(), Wish::Sync(Job::ALL.to_vec()));
}

#[tokio::test]
async fn a_sessions_cookie_is_for_this_page_alone_and_is_over_after_logging_out() {
    let house = House::new().await;
    let name = format!("stemsync_{}", house.address.port());
    let mut client = house.guest();
    let answer = client.log_in(PASSWORD).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/runs")));
    let cookie = answer
        .headers
        .iter()
        .find(|(key, value)| key == "set-cookie" && value.starts_with(&format!("{name}=")))
        .unwrap();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.1.contains(attribute), "{}", cookie.1);
    }
    assert!(!cookie.1.contains("Secure") && !cookie.1.contains("Domain"), "{}", cookie.1);
    let token = cookie.1[name.len() + 1..].split(';').next().unwrap().to_owned();
    assert!(token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()), "256 bits");
    assert!(client.get("/").await.body.contains("Sync now"));

    let thief = client.clone();
    let csrf = client.get("/").await.csrf();
    assert_eq!(client.post("/logout", &[("csrf", &csrf)]).await.status, 303);
    for mut one in [client, thief] {
        let answer = one.get("/").await;
        assert!(answer.body.contains("Log in") && !answer.body.contains("Sync now"));
        assert_eq!(one.post("/sync", &[("csrf", &csrf), ("job", "all")]).await.status, 403);
    }
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_https_the_cookie_is_never_sent_without() {
    let house = House::new().await;
    let mut client = house.guest();
    let https = ("X-Forwarded-Proto", "https");
    let csrf = client.send("GET", "/login", &[("Host", "page.example"), https], "").await.csrf();
    let body = form(&[("csrf", &csrf), ("password", PASSWORD), ("next", "//evil.example")]);
    let answer = client
        .send("POST", "/login", &[("Host", "page.example"), ("Origin", "https://page.example"), https], &body)
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "nowhere else");
    let cookies: Vec<_> = answer.headers.iter().filter(|(key, _)| key == "set-cookie").collect();
    assert!(!cookies.is_empty() && cookies.iter().all(|(_, cookie)| cookie.contains("; Secure")), "{cookies:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_a_fifth_is_slowed() {
    let house = House::new().await;
    let mut client = house.guest();
    for guess in ["", "tulips", &format!("{PASSWORD} "), &PASSWORD.to_uppercase()] {
        let began = Instant::now();
        let answer = client.log_in(guess).await;
        assert_eq!(answer.status, 401, "{guess}");
        assert!(answer.body.contains("That is not the password."));
        assert!(began.elapsed().as_millis() >= 400, "even the first costs time");
        assert!(!answer.headers.iter().any(|(key, value)| key == "set-cookie" && !value.contains("_login=")));
    }
    let fifth = client.log_in("roses").await;
    assert_eq!(fifth.status, 429);
    assert_eq!(fifth.header("retry-after"), Some("30"));
    let right = client.log_in(PASSWORD).await;
    assert_eq!(right.status, 429, "what is typed meanwhile is not looked at");
    let after: u64 = right.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&after));
    assert_eq!(client.get("/").await.status, 200, "looking is no guessing");
}

#[tokio::test]
async fn a_hundred_guesses_at_once_are_no_more_than_a_few_in_a_row() {
    let house = House::new().await;
    let mut client = house.guest();
    let csrf = client.get("/login").await.csrf();
    let guess = |n: usize| {
        let (mut client, csrf) = (client.clone(), csrf.clone());
        async move { client.post("/login", &[("csrf", &csrf), ("password", &format!("guess {n}"))]).await.status }
    };
    let answers = futures_util::future::join_all((0..100).map(guess)).await;
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 4);
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 96);
}

#[tokio::test]
async fn a_login_that_this_page_did_not_ask_for_is_none() {
    let house = House::new().await;
    let csrf = house.guest().get("/login").await.csrf();
    let mut without_cookie = house.guest();
    let fields = [("csrf", csrf.as_str()), ("password", PASSWORD)];
    assert_eq!(without_cookie.post("/login", &fields).await.status, 403);
    let mut other = house.guest();
    other.get("/login").await;
    assert_eq!(other.post("/login", &fields).await.status, 403, "the token belongs to another browser");
    assert_eq!(
        other.send("POST", "/login", &[("Origin", "http://evil.example")], &form(&fields)).await.status,
        403
    );
}

#[tokio::test]
async fn the_password_is_told_nowhere() {
    let house = House::new().await;
    let mut admin = house.admin().await;
    for path in VIEWS.into_iter().chain(["/metrics", "/readyz"]) {
        for client in [&mut admin, &mut house.guest()] {
            let answer = client.get(path).await;
            let told = format!("{:?}{}", answer.headers, answer.body);
            for spelling in ["ranunculus", "tulips, roses"] {
                assert!(!told.contains(spelling), "{path}");
            }
        }
    }
    let answer = house.guest().log_in("my other passphrase").await;
    assert!(
        answer.status == 401 && !answer.body.contains("my other passphrase"),
        "what was typed is not repeated"
    );
    for file in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(10).any(|window| window == b"ranunculus"));
    }
}

#[tokio::test]
async fn another_password_puts_everybody_out_and_none_keeps_everybody_out() {
    let house = House::new().await;
    let mut admin = house.admin().await;
    assert!(admin.get("/").await.body.contains("Sync now"));
    let reloaded = |text: &str| house.board.reconfigure(Arc::new(config(house.folder.path(), text)));
    reloaded(WITH_PASSWORD);
    assert!(admin.get("/").await.body.contains("Sync now"), "the same password");
    reloaded("");
    let answer = admin.get("/").await;
    assert!(!answer.body.contains("Sync now") && answer.body.contains("Read-only"));
    let login = house.guest().get("/login").await;
    assert!(login.body.contains("nobody can log in") && login.body.contains("password = "), "{}", login.body);
    assert_eq!(house.guest().post("/login", &[("csrf", "x"), ("password", "")]).await.status, 403);
    reloaded(WITH_PASSWORD);
    assert!(!admin.get("/").await.body.contains("Sync now"), "a session that ended stays ended");
}

#[tokio::test]
async fn beyond_this_machine_it_answers_nobody_once_its_password_is_gone() {
    // The address of this machine on a network, if it is on one; nothing is sent.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let Ok(()) = socket.connect("192.0.2.1:9") else { return };
    let address = std::net::SocketAddr::new(socket.local_addr().unwrap().ip(), 0);
    let house = House::on(address, WITH_PASSWORD).await;
    assert_eq!(house.guest().get("/").await.status, 200, "its own address is a name of its own");
    assert_eq!(house.guest().send("GET", "/", &[("Host", "192.0.2.1")], "").await.status, 421);
    house.board.reconfigure(Arc::new(config(house.folder.path(), "")));
    for path in ["/", "/metrics", "/runs", "/login", "/live"] {
        let answer = house.guest().get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.body.contains("status.password"), "{path}");
    }
}

#[test]
fn beyond_this_machine_without_a_password_it_does_not_start() {
    for listen in ["0.0.0.0:8787", "[::]:8787", "192.0.2.7:80"] {
        let text = format!(
            "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[status]\nlisten = \"{listen}\"\n"
        );
        let with = |more: &str| {
            Config::from_text("sync.toml".as_ref(), &format!("{text}{more}"), &|_| Some(PASSWORD.into()))
        };
        let ConfigErrors::Invalid { problems, .. } = with("").unwrap_err() else {
            panic!("a problem of the file")
        };
        assert!(problems.len() == 1 && problems[0].allowed.contains("status.password"), "{problems:?}");
        assert!(with("password = { env = \"X\" }\n").is_ok());
    }
    for short in ["", "1234567"] {
        let text = "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[status]\npassword = { env = \"X\" }\n";
        let error = Config::from_text("sync.toml".as_ref(), text, &|_| Some(short.into())).unwrap_err();
        assert!(short.is_empty() || !error.to_string().contains(short), "{error}");
    }
}
