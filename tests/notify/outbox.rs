//! A channel that fails: tried again after growing pauses, given up in the end, and no business of the other one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use stemsync::notify::{Channel, Notices, Patience};
use stemsync::store::{Store, notices};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::hook::{ASKED, Hook, PATIENCE, SHORT, deliver_at, run, told_by, told_by_hook};
use crate::link::Link;
use crate::smtp::Smtp;
use crate::trade::{UNKNOWN, line, order};

/// A link with a new hold in its outbox.
async fn held(notices: &Notices) -> Link {
    let link = Link::plain().await;
    let draft = order(link.day(3), vec![line(UNKNOWN, 2)]);
    link.act(|w, now| w.axerrio.customer_orders(draft, now));
    run(&link, notices).await;
    assert_eq!(link.holds().await.len(), 1);
    link
}

/// Mail by a server that asks for nothing.
fn email(port: u16) -> String {
    format!(
        "[notify.email]\nhost = \"127.0.0.1\"\nport = {port}\nstarttls = false\nfrom = \"stemsync@example.com\"\n\
         to = \"buyers@example.com\"\n"
    )
}

async fn waiting(store: &Store) -> usize {
    store.read(|conn| notices::after(conn, 0)).await.unwrap().len()
}

#[tokio::test]
async fn what_is_refused_is_tried_again_after_a_minute_then_two_and_told_once_it_is_taken() {
    let hook = Hook::start().await;
    let notices = told_by_hook(&hook);
    let link = held(&notices).await;
    let (store, start) = (&link.engine.store, link.engine.clock.now());
    hook.answer(503);
    // Seconds, and how many attempts were made by then.
    for (seconds, attempts) in [(0, 1), (59, 1), (60, 2), (179, 2), (180, 3)] {
        let now = start + TimeDelta::seconds(seconds);
        let delivered = deliver_at(store, &notices, PATIENCE, now).await;
        assert_eq!(hook.requests().len(), attempts, "after {seconds} s");
        assert!(delivered.next_attempt.unwrap() > now);
        for (channel, why) in delivered.failed {
            assert_eq!(channel, Channel::Webhook);
            assert!(why.contains("HTTP 503 Service Unavailable") && !why.contains("127.0.0.1"), "{why}");
        }
    }
    hook.answer(200);
    let now = start + TimeDelta::minutes(10);
    let delivered = deliver_at(store, &notices, PATIENCE, now).await;
    assert_eq!((delivered.told, delivered.next_attempt), (vec![Channel::Webhook], None));
    assert_eq!((hook.posts().len(), waiting(store).await), (1, 0), "told, and nothing is left behind");
}

#[tokio::test]
async fn a_webhook_that_asks_to_be_left_alone_is() {
    let hook = Hook::start().await;
    let notices = told_by_hook(&hook);
    let link = held(&notices).await;
    let (store, start) = (&link.engine.store, link.engine.clock.now());
    hook.answer(429);
    for (seconds, attempts) in [(0, 1), (ASKED - 1, 1), (ASKED, 2)] {
        deliver_at(store, &notices, PATIENCE, start + TimeDelta::seconds(seconds)).await;
        assert_eq!(hook.requests().len(), attempts, "after {seconds} s");
    }
}

#[tokio::test]
async fn what_cannot_be_told_for_a_day_is_given_up_and_what_comes_later_is_told() {
    let hook = Hook::start().await;
    let notices = told_by_hook(&hook);
    let link = held(&notices).await;
    let (store, start) = (&link.engine.store, link.engine.clock.now());
    hook.answer(404);
    let mut now = start;
    let mut attempts = 0;
    loop {
        let delivered = deliver_at(store, &notices, PATIENCE, now).await;
        attempts += 1;
        let Some(next) = delivered.next_attempt else { break };
        assert!(next > now && next - now <= TimeDelta::hours(1));
        now = next;
    }
    assert_eq!(hook.requests().len(), attempts);
    assert!(now - start >= TimeDelta::hours(24) && now - start < TimeDelta::hours(26), "{}", now - start);
    assert!(attempts > 20 && attempts < 40, "{attempts} attempts");
    assert_eq!(waiting(store).await, 0);

    hook.answer(200);
    let draft = order(link.day(4), vec![line(UNKNOWN, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    run(&link, &notices).await;
    deliver_at(store, &notices, PATIENCE, now + TimeDelta::hours(2)).await;
    let texts = hook.texts();
    assert!(texts.len() == 1 && texts[0].contains(&id), "{texts:?}");
}

#[tokio::test]
async fn a_webhook_that_hangs_keeps_nobody_from_getting_the_mail() {
    let (hook, smtp) = (Hook::start().await, Smtp::start("open"));
    let both = format!("[notify]\nwebhook = {{ env = \"HOOK\" }}\n{}", email(smtp.port));
    let notices = told_by(&both, &[("HOOK", &hook.url())]);
    let link = held(&notices).await;
    let (store, now) = (&link.engine.store, link.engine.clock.now());
    hook.hang();
    // The mail server is given the same time: a busy machine may need another attempt.
    let patience = Patience { attempt: Duration::from_secs(3), ..PATIENCE };
    let mut told = Vec::new();
    for attempt in 0.. {
        assert!(attempt < 2, "the mail never came");
        let now = now + TimeDelta::hours(attempt);
        let delivered = deliver_at(store, &notices, patience, now).await;
        told.extend(delivered.told);
        assert!(
            delivered
                .failed
                .iter()
                .any(|(channel, why)| { *channel == Channel::Webhook && why.contains("does not answer within") })
        );
        if told == [Channel::Email] {
            break;
        }
    }
    assert!(smtp.mail()["text"].as_str().unwrap().contains("waits for a person"));
    assert_eq!(waiting(store).await, 1, "the webhook's turn comes again");
}

#[tokio::test]
async fn who_is_killed_in_the_middle_leaves_it_to_the_next_one_when_its_claim_ran_out() {
    let hook = Hook::start().await;
    let notices = told_by_hook(&hook);
    let link = held(&notices).await;
    let (store, start) = (&link.engine.store, link.engine.clock.now());
    hook.hang();
    {
        let delivery = notices.deliver(store, PATIENCE, start);
        tokio::pin!(delivery);
        while hook.requests().is_empty() {
            tokio::select! {
                _ = &mut delivery => panic!("nobody answered"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    hook.answer(200);
    let delivered = deliver_at(store, &notices, PATIENCE, start + TimeDelta::seconds(1)).await;
    assert_eq!((delivered.told.len(), hook.posts().len()), (0, 0), "somebody may still be at it");
    let later = delivered.next_attempt.unwrap();
    deliver_at(store, &notices, PATIENCE, later + TimeDelta::seconds(1)).await;
    assert_eq!(hook.posts().len(), 1);
}

/// A mail server that falls silent at a command, or at once; tells its port and how many mails it took.
async fn silent_at(command: Option<&'static str>) -> (u16, Arc<AtomicUsize>) {
    slow_at(command, None).await
}

/// One that falls silent at a command, for a while or for ever; a mail itself is the command `.`.
async fn slow_at(command: Option<&'static str>, silence: Option<Duration>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let Some(command) = command else { return std::future::pending().await };
                let mut answer = "220 here";
                let mut line = String::new();
                loop {
                    if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                        return;
                    }
                    let is_data = answer.starts_with("354");
                    loop {
                        line.clear();
                        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                            return;
                        }
                        if !is_data || line == ".\r\n" {
                            break;
                        }
                    }
                    count.fetch_add(usize::from(is_data), Ordering::SeqCst);
                    match silence {
                        _ if !line.starts_with(command) => {}
                        Some(silence) => tokio::time::sleep(silence).await,
                        None => return std::future::pending().await,
                    }
                    answer = if line.starts_with("DATA") { "354 go on" } else { "250 well" };
                }
            });
        }
    });
    (port, taken)
}

#[tokio::test]
async fn a_mail_server_that_hangs_is_left_and_one_that_says_no_goodbye_has_the_mail() {
    for command in [None, Some("EHLO"), Some("DATA")] {
        let (port, taken) = silent_at(command).await;
        let notices = told_by(&email(port), &[]);
        let link = held(&notices).await;
        let now = link.engine.clock.now();
        let delivered = deliver_at(&link.engine.store, &notices, SHORT, now).await;
        assert!(delivered.failed[0].1.contains("does not answer within"), "{delivered:?}");
        assert_eq!((taken.load(Ordering::SeqCst), waiting(&link.engine.store).await), (0, 1), "{command:?}");
    }
    let (port, taken) = silent_at(Some("QUIT")).await;
    let notices = told_by(&email(port), &[]);
    let link = held(&notices).await;
    let delivered = deliver_at(&link.engine.store, &notices, PATIENCE, link.engine.clock.now()).await;
    assert_eq!((delivered.told, taken.load(Ordering::SeqCst)), (vec![Channel::Email], 1));
}

/// Delivers whenever it is time to, for a day. Tells after how many minutes something was handed over.
async fn handed_over_in_a_day(
    link: &Link,
    notices: &Notices,
    patience: Patience,
    count: impl Fn() -> usize,
) -> Vec<i64> {
    let start = link.engine.clock.now();
    let (mut now, mut minutes) = (start, Vec::new());
    while now - start < TimeDelta::hours(26) {
        let before = count();
        let delivered = deliver_at(&link.engine.store, notices, patience, now).await;
        minutes.extend((before..count()).map(|_| (now - start).num_minutes()));
        let Some(next) = delivered.next_attempt else { break };
        now = next;
    }
    minutes
}

#[tokio::test]
async fn a_mail_server_that_looks_into_a_mail_first_is_waited_for_and_gets_it_once() {
    let patience = Patience { attempt: Duration::from_secs(1), ..PATIENCE };
    let (port, taken) = slow_at(Some("."), Some(Duration::from_millis(1500))).await;
    let notices = told_by(&email(port), &[]);
    let link = held(&notices).await;
    // A busy machine may need several attempts to get as far as that.
    handed_over_in_a_day(&link, &notices, patience, || taken.load(Ordering::SeqCst)).await;
    assert_eq!((taken.load(Ordering::SeqCst), waiting(&link.engine.store).await), (1, 0));
}

#[tokio::test]
async fn a_mail_that_a_server_takes_without_a_word_is_not_sent_all_day() {
    let patience = Patience { verdict: SHORT.verdict, ..PATIENCE };
    let (port, taken) = slow_at(Some("."), None).await;
    let notices = told_by(&email(port), &[]);
    let link = held(&notices).await;
    let minutes = handed_over_in_a_day(&link, &notices, patience, || taken.load(Ordering::SeqCst)).await;
    assert_eq!((minutes, waiting(&link.engine.store).await), (vec![0, 1, 61], 0));
}

#[tokio::test]
async fn what_a_webhook_takes_without_a_word_is_not_posted_all_day_and_what_comes_later_is_at_once() {
    let hook = Hook::start().await;
    let notices = told_by_hook(&hook);
    let link = held(&notices).await;
    hook.hang();
    let patience = Patience { attempt: Duration::from_secs(1), ..PATIENCE };
    let minutes = handed_over_in_a_day(&link, &notices, patience, || hook.requests().len()).await;
    assert_eq!((minutes, waiting(&link.engine.store).await), (vec![0, 1, 61], 0));

    hook.answer(200);
    let draft = order(link.day(4), vec![line(UNKNOWN, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    run(&link, &notices).await;
    let now = link.engine.clock.now() + TimeDelta::minutes(62);
    assert_eq!(deliver_at(&link.engine.store, &notices, PATIENCE, now).await.told, [Channel::Webhook]);
    let texts = hook.texts();
    assert!(texts.len() == 1 && texts[0].contains(&id), "{texts:?}");
}

#[tokio::test]
async fn what_came_while_a_mail_was_in_doubt_is_told_when_that_is_not_sent_again() {
    let patience = Patience { verdict: SHORT.verdict, ..PATIENCE };
    let (port, taken) = slow_at(Some("."), None).await;
    let notices = told_by(&email(port), &[]);
    let link = held(&notices).await;
    let (store, start) = (&link.engine.store, link.engine.clock.now());
    for minutes in [0, 1] {
        deliver_at(store, &notices, patience, start + TimeDelta::minutes(minutes)).await;
    }
    let draft = order(link.day(4), vec![line(UNKNOWN, 2)]);
    link.act(|w, now| w.axerrio.customer_orders(draft, now));
    run(&link, &notices).await;
    let delivered = deliver_at(store, &notices, patience, start + TimeDelta::minutes(61)).await;
    assert_eq!((delivered.let_be, taken.load(Ordering::SeqCst)), (vec![Channel::Email], 3));
    assert!(delivered.failed[0].1.contains("has the mail and does not say within"), "{:?}", delivered.failed);
    assert_eq!(waiting(store).await, 1, "the new one was handed over once");
    assert!(delivered.next_attempt.is_some());
}
