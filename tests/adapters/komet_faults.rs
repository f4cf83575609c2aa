//! What goes wrong on the way to Komet: what is repeated, what is not, and that the token is never told.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use stemsync::domain::*;
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{Certainty, Fault, Komet, System};

use crate::komet_things::*;
use crate::wire_server::{Canned, Server};

/// A read that stumbles so succeeds at the second attempt, and both count.
async fn is_read_at_the_second_attempt(stumble: Canned) {
    let server = Server::start([stumble, Canned::json(&prebooks(&[]))]).await;
    let komet = client(&server);
    komet.prebooks(&week()).await.unwrap();
    assert_eq!(komet.requests(), 2);
}

#[tokio::test]
async fn a_read_is_repeated_after_a_server_error() {
    is_read_at_the_second_attempt(Canned::status(503, "busy")).await;
}

#[tokio::test]
async fn a_read_is_repeated_after_a_throttle() {
    is_read_at_the_second_attempt(Canned::status(429, "slow down").header("Retry-After", "0")).await;
}

#[tokio::test]
async fn a_read_is_repeated_after_a_reset() {
    is_read_at_the_second_attempt(Canned::Reset).await;
}

#[tokio::test]
async fn a_read_is_repeated_after_a_proxys_page() {
    is_read_at_the_second_attempt(Canned::status(200, "<html><title>Maintenance</title></html>")).await;
}

#[tokio::test]
async fn a_read_is_repeated_after_an_answer_shorter_than_announced() {
    is_read_at_the_second_attempt(Canned::Truncated("{\"status\": 1, \"prebo".to_owned())).await;
}

#[tokio::test]
async fn a_read_is_repeated_after_an_answer_that_breaks_off() {
    is_read_at_the_second_attempt(Canned::status(200, "{\"status\": 1, \"prebo")).await;
}

#[tokio::test]
async fn a_read_gives_up_after_a_few_attempts() {
    let server = Server::start(vec![Canned::status(502, "<title>Bad gateway</title>"); 10]).await;
    let komet = client(&server);
    let error = komet.prebooks(&week()).await.unwrap_err();
    assert_eq!(error.to_string(), "Komet prebook.details.list: server error (HTTP 502: Bad gateway)");
    assert_eq!((server.requests().len(), komet.requests()), (4, 4));
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let server = Server::start(vec![Canned::json(&json!({"status": "0", "message": "no such date"})); 2]).await;
    let error = client(&server).prebooks(&week()).await.unwrap_err();
    assert_eq!(error.fault, Fault::Rejected("no such date".to_owned()));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_pause_longer_than_a_run_can_wait_is_given_back() {
    let server = Server::start([Canned::status(429, "").header("Retry-After", "120")]).await;
    let error = client(&server).prebooks(&week()).await.unwrap_err();
    assert_eq!(error.fault, Fault::Throttled(Duration::from_mins(2)));
}

#[tokio::test]
async fn a_429_that_asks_for_a_pause_of_no_length_does_not_end_the_day() {
    let pauses = [("-5", 60), ("soon", 60), ("", 60), ("1,5", 60), ("caf\u{e9}", 60)];
    let lengths = [("59.5", 60), ("604800", 3600), ("99999999999999999999", 3600)];
    for (asked, seconds) in pauses.into_iter().chain(lengths) {
        let throttled = || {
            let body = json!({"status": 0, "message": "Too many requests"}).to_string();
            Canned::status(429, &body).header("Retry-After", asked)
        };
        let server = Server::start([throttled(), throttled(), throttled(), throttled()]).await;
        let komet = client(&server);
        let read = komet.prebooks(&week()).await.unwrap_err();
        let write = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
        for error in [read, write] {
            assert_eq!(error.fault, Fault::Throttled(Duration::from_secs(seconds)), "{asked:?}");
            assert_eq!((error.certainty(), error.is_systemic()), (Certainty::NotDone, true));
        }
        assert_eq!(server.requests().len(), 2, "neither is repeated at once: {asked:?}");
    }
}

#[tokio::test]
async fn a_429_that_says_the_day_is_over_ends_it_though_its_pause_has_no_length() {
    let body = json!({"status": 0, "message": "Daily request limit exceeded"}).to_string();
    let server = Server::start([Canned::status(429, &body).header("Retry-After", "tomorrow")]).await;
    let error = client(&server).prebooks(&week()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::QuotaSpent(_)), "{error}");
}

#[tokio::test]
async fn a_429_without_a_pause_or_a_limit_message_ends_the_day() {
    let server = Server::start([
        Canned::status(429, ""),
        Canned::json(&json!({"status": 0, "message": "Daily API limit exceeded"})),
        Canned::json(&json!({"status": 0, "message": "Credit limit exceeded for customer C5"})),
    ])
    .await;
    let komet = client(&server);
    for _ in 0..2 {
        let error = komet.prebooks(&week()).await.unwrap_err();
        assert!(matches!(error.fault, Fault::QuotaSpent(_)), "{error}");
    }
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Rejected(_)), "{error}");
}

#[tokio::test]
async fn a_refused_token_is_told_from_a_refused_request() {
    // A write that is refused is followed by a read, which is refused as well.
    let invalid = || Canned::json(&json!({"status": 0, "message": "Invalid authentication token"}));
    let server = Server::start([
        invalid(),
        invalid(),
        Canned::status(401, ""),
        Canned::status(401, ""),
        Canned::status(403, "{\"status\": 0, \"message\": \"blocked\"}"),
        invalid(),
        Canned::status(400, "bad body"),
    ])
    .await;
    let komet = client(&server);
    for _ in 0..3 {
        let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Unauthorized(_)), "{error}");
        assert!(error.is_systemic());
    }
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert_eq!((error.certainty(), error.is_systemic()), (Certainty::NotDone, false));
}

#[tokio::test]
async fn a_limit_that_a_write_speaks_of_is_its_own_while_reads_are_answered() {
    let refused = || Canned::json(&json!({"status": 0, "message": "The vendor's daily order limit is exceeded"}));
    let carriers = Canned::json(&json!({"status": 1, "carriers": []}));
    let server = Server::start([refused(), carriers, refused(), refused()]).await;
    let komet = client(&server);
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Rejected(_)), "{error}");
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::QuotaSpent(_)), "a read is refused as well: {error}");
}

/// Each method is allowed by itself, and an order may name what its user may not use.
#[tokio::test]
async fn a_write_that_is_not_authorized_is_its_own_while_the_token_may_read() {
    let refused =
        || Canned::json(&json!({"status": 0, "message": "Vendor is not authorized to sell this product"}));
    let carriers =
        Canned::json(&json!({"status": 1, "carriers": []})).header("Date", "Tue, 01 Dec 2026 12:00:00 GMT");
    let again = refused().header("Date", "Tue, 01 Dec 2026 12:59:59 GMT");
    let later = refused().header("Date", "Tue, 01 Dec 2026 13:00:01 GMT");
    let server = Server::start([refused(), carriers, again, later, Canned::status(401, "")]).await;
    let komet = client(&server);
    for _ in 0..2 {
        let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Rejected(_)), "{error}");
    }
    assert_eq!(server.requests().len(), 3, "once an hour it is asked whether the token is good");
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Unauthorized(_)), "{error}");
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_method_that_is_not_there_is_a_wrong_address_unless_komet_itself_refuses() {
    let mut answers = vec![Canned::status(404, "<title>404</title>"); 4];
    answers.extend(vec![Canned::status(404, "{\"status\": 404, \"message\": \"No static resource\"}"); 4]);
    answers.push(Canned::status(404, "{\"status\": 0, \"message\": \"Method is not allowed\"}"));
    answers.push(Canned::status(404, "<title>404</title>"));
    let server = Server::start(answers).await;
    let komet = client(&server);
    for _ in 0..2 {
        let error = komet.prebooks(&week()).await.unwrap_err();
        assert_eq!(error.fault, Fault::NoSuchAddress(System::Komet));
        assert_eq!(
            error.to_string(),
            "Komet prebook.details.list: there is no such address (HTTP 404): check [komet] base_url"
        );
    }
    let error = komet.prebooks(&week()).await.unwrap_err();
    assert_eq!(error.fault, Fault::Rejected("Method is not allowed".to_owned()));
    // A write comes after reads that found Komet: whose page it is, and what was done before, nobody knows.
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert_eq!((&error.fault, error.certainty()), (&Fault::Server("HTTP 404".to_owned()), Certainty::Pending));
}

/// A write that stumbles so is sent once, and its effect is as certain as this: where Komet did not answer, or what stands before it
/// did, it may still be at work.
async fn is_sent_once(stumble: Canned, certainty: Certainty) {
    let ok = Canned::json(&json!({"status": 1, "prebookId": 7, "prebookNumber": "1"}));
    let server = Server::start([stumble, ok]).await;
    let komet = client(&server);
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert_eq!(error.certainty(), certainty, "{error}");
    assert_eq!((server.requests().len(), komet.requests()), (1, 1));
}

#[tokio::test]
async fn a_write_may_still_happen_after_a_server_error() {
    is_sent_once(Canned::status(500, "oops"), Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_may_still_happen_after_a_gateway_gave_up_waiting() {
    is_sent_once(Canned::status(504, ""), Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_may_still_happen_after_komet_gave_up_waiting() {
    is_sent_once(Canned::status(408, ""), Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_may_still_happen_after_a_redirect() {
    is_sent_once(Canned::status(302, "").header("Location", "/elsewhere"), Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_may_still_happen_after_a_proxys_page() {
    is_sent_once(Canned::status(200, "<html>hello</html>"), Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_may_still_happen_after_an_answer_shorter_than_announced() {
    is_sent_once(Canned::Truncated("{\"status\": 1".to_owned()), Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_may_still_happen_after_a_reset() {
    is_sent_once(Canned::Reset, Certainty::Pending).await;
}

#[tokio::test]
async fn a_write_is_over_and_its_effect_unknown_after_an_answer_that_breaks_off() {
    is_sent_once(Canned::status(200, "{\"status\": 1, \"prebookId\": 7"), Certainty::Unknown).await;
}

#[tokio::test]
async fn a_write_is_over_and_its_effect_unknown_after_an_empty_answer() {
    is_sent_once(Canned::status(204, ""), Certainty::Unknown).await;
}

#[tokio::test]
async fn a_write_without_an_answer_in_time_may_still_happen() {
    let server = Server::start([Canned::Silence]).await;
    let timeout = Duration::from_millis(200);
    let komet = KometClient::new(KometOptions { timeout, ..options(&server.url) }).unwrap();
    let error = komet.po_item_delete(&PoItemId(501)).await.unwrap_err();
    assert_eq!(error.fault, Fault::TimedOut(timeout));
    assert_eq!(error.certainty(), Certainty::Pending);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_wrong_shape_names_the_method_and_the_field() {
    for (answer, field) in [
        (json!({"status": 1, "prebooks": {"a": 1}}), "prebooks: expected a list, found an object"),
        (json!({"status": "maybe", "prebooks": []}), "status: expected 1 or 0, found \"maybe\""),
        (json!({"prebooks": []}), "status: expected 1 or 0, found nothing"),
        (json!([]), "the answer: expected an object, found a list"),
    ] {
        let server = Server::start(vec![Canned::json(&answer); 4]).await;
        let error = client(&server).prebooks(&week()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("Komet prebook.details.list: unreadable answer: {field}"));
        assert_eq!(server.requests().len(), 1, "a wrong shape stays wrong");
    }
}

#[tokio::test]
async fn an_answer_beyond_32_mb_is_not_swallowed() {
    let server = Server::start([Canned::Endless]).await;
    let error = client(&server).prebooks(&week()).await.unwrap_err();
    assert_eq!(error.fault, Fault::TooLong);
}

#[tokio::test]
async fn an_answer_of_a_large_day_is_read_whole() {
    let books: Vec<Value> = (1..=2000).map(|id| prebook(id, &[detail(id * 10), detail(id * 10 + 1)])).collect();
    let server = Server::start([Canned::json(&prebooks(&books))]).await;
    let read = client(&server).prebooks(&week()).await.unwrap();
    assert_eq!((read.items.len(), read.unreadable.len()), (2000, 0));
    assert!(read.items.iter().all(|book| book.items.len() == 2));
}

#[tokio::test]
async fn the_token_is_in_no_fault() {
    let echo = format!("bad S3cret%2B%2Ftoken%3D%3D and {TOKEN}");
    let stumbles = [
        Canned::json(&json!({"status": 0, "message": format!("Nothing for {TOKEN}")})),
        Canned::json(&json!({"status": TOKEN})),
        Canned::json(&json!({"status": 1, "prebooks": [{"id": 1, "number": 2, "truckDate": TOKEN}]})),
        Canned::status(401, &echo),
        Canned::status(404, &echo),
        Canned::status(500, &echo),
        Canned::status(302, "").header("Location", &format!("/?authenticationToken={TOKEN}")),
        Canned::status(200, &format!("<title>{echo}</title>")),
        Canned::Truncated("{".to_owned()),
        Canned::Reset,
        Canned::Silence,
    ];
    for stumble in stumbles {
        let server = Server::start(vec![stumble.clone(); 5]).await;
        let timeout = Duration::from_millis(if matches!(stumble, Canned::Silence) { 100 } else { 10_000 });
        let komet = KometClient::new(KometOptions { timeout, ..options(&server.url) }).unwrap();
        let mut told = match komet.prebooks(&week()).await {
            Ok(read) => read.unreadable[0].what.clone(),
            Err(error) => format!("{error} {error:?}"),
        };
        let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
        write!(told, "{error} {error:?}").unwrap();
        assert!(!told.contains("S3cret") && !told.contains("http://"), "{stumble:?}: {told}");
    }
}

#[tokio::test]
async fn a_refused_connection_sends_nothing_and_names_no_url() {
    let server = Server::start([]).await;
    let url = server.url.clone();
    drop(server);
    let komet = KometClient::new(options(&url)).unwrap();
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Unreachable(_)), "{error}");
    assert_eq!(error.certainty(), Certainty::NotDone);
    let error = komet.prebooks(&week()).await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains("S3cret") && !told.contains("http"), "{told}");
}

#[tokio::test]
async fn long_messages_are_cut_and_stay_on_one_line() {
    let message = format!("first\nsecond {}", "x".repeat(2000));
    let server = Server::start([Canned::json(&json!({"status": 0, "message": message}))]).await;
    let error = client(&server).po_item_delete(&PoItemId(1)).await.unwrap_err();
    let Fault::Rejected(told) = error.fault else { panic!("{error}") };
    assert_eq!(told.chars().count(), 500);
    assert!(told.starts_with("first second x") && told.ends_with('…'));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(vec![Canned::json(&json!({"status": 1})); 20]).await;
    let komet = client(&server);
    for line in 1..=20 {
        komet.po_item_delete(&PoItemId(line)).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_out_of_reach_and_gets_no_request() {
    let server = Server::start([]).await;
    let komet = KometClient::new(options(&server.url.replace("http:", "https:"))).unwrap();
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Unreachable(_)), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn komets_own_words_count_under_any_status_that_refuses() {
    let answer = |message: &str| Canned::status(400, &json!({"status": 0, "message": message}).to_string());
    let server =
        Server::start([answer("Invalid token"), answer("Invalid token"), answer("Unknown customer")]).await;
    let komet = client(&server);
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert_eq!(error.fault, Fault::Unauthorized("Invalid token".to_owned()));
    let error = komet.prebook_create(&new_prebook(1)).await.unwrap_err();
    assert_eq!(error.fault, Fault::Rejected("Unknown customer".to_owned()));
}
