//! The token in no text and no file: every command, every class of failure, every level of the log, both formats.

use stemsync::store::Store;

use crate::echo::{Heard, Server, response};
use crate::place::{Place, tells_no_token, told};

/// Arguments and environment.
type Run = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// Where a command goes wrong, and how loud it is about it.
const RUNS: [Run; 7] = [
    (&["sync", "-vv"], &[]),
    (&["sync", "-vvv", "--format", "json"], &[]),
    (&["sync", "--dry-run"], &[("RUST_LOG", "trace")]),
    (
        &["sync", "orders", "prebooks"],
        &[("RUST_LOG", "hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,stemsync=trace")],
    ),
    (&["verify", "-vv"], &[]),
    (&["verify", "--format", "json"], &[("RUST_LOG", "trace")]),
    (&["check", "--format", "json", "-vv"], &[]),
];

/// What only looks at what the others left behind.
const LOOKS: [&[&str]; 9] = [
    &["check"],
    &["status", "-vv"],
    &["status", "--format", "json"],
    &["holds", "--format", "json"],
    &["trace", "AX-1"],
    &["map", "product", "list"],
    &["map", "product", "set", "A", "1"],
    &["watermark", "show", "--format", "json"],
    &["backup", "backup.db"],
];

/// Runs everything on systems that are `broken` in one way, and looks for the tokens.
fn nothing_is_told(class: &str, komet: &str, axerrio: &str) {
    // Each in a place of its own and all at once: most of the time is spent waiting before a read is tried again.
    std::thread::scope(|scope| {
        for (args, environment) in RUNS {
            scope.spawn(move || run_and_look(class, &Place::new(komet, axerrio), args, environment));
        }
    });
}

fn run_and_look(class: &str, place: &Place, args: &[&str], environment: &[(&str, &str)]) {
    let output = place.run(args, environment);
    let what = format!("{class}: {args:?}");
    tells_no_token(&output.stdout, &what);
    tells_no_token(&output.stderr, &what);
    assert!(!told(&output).contains("panicked"), "{what}: {}", told(&output));
    assert!(matches!(output.status.code(), Some(0 | 4 | 5 | 7)), "{what}: {:?} {}", output.status, told(&output));
    if args != RUNS[0].0 {
        return place.holds_no_token(class);
    }
    for args in LOOKS {
        let output = place.run(args, &[("RUST_LOG", "trace")]);
        tells_no_token(told(&output).as_bytes(), &format!("{class}: {args:?}"));
    }
    // With the database open, so that its -wal and -shm stand beside it; and a copy of it.
    let store = Store::open(&place.database()).unwrap();
    store.copy_to(&place.path().join("copy.db")).unwrap();
    assert!(place.path().join("backup.db").exists(), "{class}: it is one of the files that are searched");
    place.holds_no_token(class);
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn echoing(class: &str, answer: impl Fn(&Heard) -> Vec<u8> + Send + Sync + 'static) {
    let server = Server::start(answer);
    nothing_is_told(class, &format!("{}/", server.url), &format!("{}/", server.url));
    assert!(server.requests() > 0, "{class}: the token was sent at all");
}

#[test]
fn when_the_token_is_refused() {
    echoing("401, body", |heard| {
        let body = format!("bad token {} in {} {}", heard.token, heard.target, html(&heard.token));
        response(
            401,
            &format!("WWW-Authenticate: Bearer realm={}\r\nX-Echo: {}\r\n", heard.token, heard.token),
            &body,
        )
    });
}

#[test]
fn when_the_token_is_refused_in_json() {
    echoing("401, JSON", |heard| {
        let body = format!("{{\"status\":0,\"message\":{0},\"detail\":{0},\"title\":{0}}}", json(&heard.token));
        response(401, "", &body.replace('/', "\\/"))
    });
}

#[test]
fn when_a_refusal_repeats_the_token() {
    echoing("status 0", |heard| {
        response(
            200,
            "",
            &format!("{{\"status\":0,\"message\":{}}}", json(&format!("No access: {}", heard.target))),
        )
    });
}

#[test]
fn when_a_redirect_carries_the_token() {
    echoing("302", |heard| {
        let location = format!("Location: http://127.0.0.1:1{}&t={}\r\n", heard.target, heard.token);
        response(302, &location, &format!("<a href=\"{}\">moved</a>", html(&heard.target)))
    });
}

#[test]
fn when_a_server_fails_with_a_page() {
    echoing("500, HTML", |heard| {
        let page = format!("<html><title>{} {}</title>{}</html>", html(&heard.token), heard.target, heard.token);
        response(500, "Content-Type: text/html\r\n", &page)
    });
}

#[test]
fn when_an_answer_is_no_json() {
    echoing("garbage", |heard| response(200, "", &format!("{} {}", heard.token, heard.target)));
}

#[test]
fn when_an_answer_has_the_token_in_every_field() {
    echoing("wrong shape", |heard| {
        let token = json(&heard.token);
        let record = format!("{{\"id\":{token},\"number\":{token},\"code\":{token},\"changedAt\":{token}}}");
        let body = format!(
            "{{\"status\":1,\"prebooks\":[{record},{token}],\"purchaseOrders\":[{record}],\"carriers\":[{record}],\
             \"boxtypes\":[{record}],\"items\":[{record},{token}],\"asOf\":\"2026-02-02T10:00:00Z\",\"time\":{token}}}"
        );
        response(200, "", &body.replace('/', "\\/"))
    });
}

#[test]
fn when_a_status_is_the_token() {
    echoing("status", |heard| {
        let token = json(&heard.token);
        response(
            200,
            "",
            &format!("{{\"status\":{token},\"items\":{token},\"asOf\":{token},\"nextCursor\":{token}}}"),
        )
    });
}

#[test]
fn when_an_answer_is_no_http() {
    echoing("no HTTP", |heard| format!("HTTP/1.1 {0} {0}\r\n{0}: {0}\r\n\r\n", heard.token).into_bytes());
}

#[test]
fn when_headers_hold_the_token() {
    echoing("headers", |heard| {
        let headers =
            format!("Retry-After: {0}\r\nDate: {0}\r\nContent-Type: {0}\r\nSet-Cookie: t={0}\r\n", heard.token);
        response(422, &headers, "")
    });
}

#[test]
fn when_a_body_breaks_off_within_the_token() {
    echoing("cut", |heard| {
        let half: String = heard.token.chars().take(12).collect();
        let repeated = format!("{} ", heard.token).repeat(400);
        let body = &repeated[..4090.min(repeated.len())];
        response(400, "", &format!("{body}{half}"))
    });
}

#[test]
fn when_a_connection_breaks() {
    echoing("reset", |_| Vec::new());
}

#[test]
fn when_nobody_listens_or_speaks_tls() {
    nothing_is_told("refused", "http://127.0.0.1:1/", "http://127.0.0.1:1/api");
    let plain = Server::start(|_| response(200, "", "{}"));
    let https = plain.url.replace("http:", "https:");
    nothing_is_told("TLS", &https, &https);
    assert_eq!(plain.requests(), 0);
}

#[test]
fn when_all_is_well() {
    for args in [&["demo"][..], &["demo", "-vv", "--format", "json"]] {
        let place = Place::new("sandbox", "sandbox");
        tells_no_token(told(&place.run(args, &[("RUST_LOG", "trace")])).as_bytes(), "demo");
    }
    let empty = |_: &Heard| {
        let body = "{\"status\":1,\"prebooks\":[],\"items\":[],\"asOf\":\"2026-02-02T10:00:00Z\",\"time\":\"2026-02-02T10:00:00Z\"}";
        response(200, "", body)
    };
    echoing("empty", empty);
}
