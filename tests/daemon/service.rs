//! The program itself under a service manager, with real processes, signals, sockets and files.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stemsync::sandbox::{Effect, Fault, Sandbox, SandboxOptions, Target};
use stemsync::store::{Store, intents};
use stemsync::systems::System;

use crate::manager::{LONG, Service, until};
use crate::place::{NOWHERE, Place, bare, prebooks_of, sandbox_with_a_week};

/// Much longer than any test: who is seen to end did not wait for it.
const FOREVER: Duration = Duration::from_hours(1);

/// Adds a table to a place's configuration.
fn add(place: &Place, text: &str) {
    let file = place.folder.path().join("sync.toml");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(file, format!("{before}{text}")).unwrap();
}

/// Every job each second.
const ALL_THE_TIME: &str = "[jobs]\norders = \"* * * * * *\"\nprebooks = \"* * * * * *\"\n\
                            purchase-orders = \"* * * * * *\"\nlabels = \"* * * * * *\"\n";

/// Every order of the week has its one Prebook.
fn assert_nothing_twice(sandbox: &Sandbox) {
    for number in 100_001..=100_012 {
        let order = format!("AX-{number}");
        assert_eq!(prebooks_of(sandbox, &order), 1, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told_how_it_goes_from_the_beginning_to_the_end() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut service = Service::new(&place);
    service.start(&place);
    assert_eq!(service.told[..2], ["READY=1", "STATUS=no run yet; next: now"]);
    service.expect("STATUS=last run: orders, prebooks, purchase-orders, labels: ");
    let status = service.told.last().unwrap().clone();
    assert!(status.contains(" pushed") && status.contains("; next: "), "{status}");
    assert_eq!(service.stop().code(), Some(0));
    assert!(service.told.contains(&"STOPPING=1".to_owned()), "{:?}", service.told);
    let log = service.log();
    assert!(log.iter().any(|line| line.contains("INFO") && line.contains(" pushed")), "{log:#?}");
    assert!(log.len() < 10, "a line for what was done, not one for each step: {log:#?}");
    assert_nothing_twice(&sandbox);
}

/// What the daemon's environment tells its two allocators.
fn allocators_options(service: &Service) -> Vec<String> {
    let environment = fs::read_to_string(format!("/proc/{}/environ", service.id())).unwrap();
    let mut set: Vec<_> =
        environment.split('\0').filter(|set| set.contains("MALLOC_")).map(str::to_owned).collect();
    set.sort();
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_is_started_it_gives_memory_back_at_once_unless_it_is_told_otherwise() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut service = Service::new(&place);
    service.start(&place);
    let sparing = ["MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=32768", "MIMALLOC_PURGE_DELAY=0"];
    assert_eq!(allocators_options(&service), sparing);
    assert_eq!(service.stop().code(), Some(0));
    service.start_with(&place, |command| {
        command.env("MIMALLOC_PURGE_DELAY", "50");
    });
    service.expect("READY=1");
    assert_eq!(allocators_options(&service), [sparing[0], sparing[1], "MIMALLOC_PURGE_DELAY=50"]);
    assert_eq!(service.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_though_a_system_does_not_answer_and_says_so_once() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let token = sandbox.axerrio_token();
    let no_komet = Place::at(NOWHERE, &sandbox.axerrio_url(), "1s", ["none", token]);
    // Komet is not asked before Axerrio's orders were read once.
    let neither = Place::at(NOWHERE, NOWHERE, "1s", ["none", "none"]);
    for (place, system) in [(no_komet, "Komet"), (neither, "Axerrio")] {
        add(&place, ALL_THE_TIME);
        let mut service = Service::new(&place);
        service.start(&place);
        service.expect("STATUS=last run: orders, prebooks, purchase-orders, labels: ");
        service.expect_log("cannot be reached", 1);
        // Runs in which every job is due come and go.
        service.told.clear();
        for _ in 0..3 {
            service.expect("STATUS=last run: ");
            service.told.retain(|line| !line.starts_with("STATUS=last run: "));
        }
        assert_eq!(service.stop().code(), Some(0));
        let log = service.log();
        let errors: Vec<_> = log.iter().filter(|line| line.contains("ERROR") || line.contains("WARN")).collect();
        let told = format!("{system} is tried again at");
        assert!(errors.len() == 1 && errors[0].contains(&told), "{log:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_is_fed_between_runs_and_during_a_long_one() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut service = Service::new(&place);
    sandbox.act(|world, _| {
        let target = Target::next(System::Komet, "prebook.create");
        world.inject(target, Fault::Hang { open_for: FOREVER, effect: Effect::Never });
    });
    service.start_with(&place, |command| {
        command.env("WATCHDOG_USEC", "200000");
    });
    service.expect("READY=1");
    let fed = |service: &mut Service, times: usize| {
        service.told.clear();
        let began = Instant::now();
        while service.told.iter().filter(|line| *line == "WATCHDOG=1").count() < times {
            assert!(began.elapsed() < LONG, "{:?}", service.told);
            service.hear();
        }
    };
    until("the request that hangs", || {
        service.hear();
        sandbox.act(|world, _| world.requests().count(System::Komet, "prebook.create")) > 0
    });
    fed(&mut service, 5);
    assert_eq!(service.stop().code(), Some(0));
    // Nothing to do, and nobody to wait for.
    let idle = Place::at(NOWHERE, NOWHERE, "1s", ["none", "none"]);
    add(&idle, "[jobs]\norders = \"off\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n");
    let mut service = Service::new(&idle);
    service.start_with(&idle, |command| {
        command.env("WATCHDOG_USEC", "200000");
    });
    fed(&mut service, 5);
    assert_eq!(service.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_does_not_listen_holds_nothing_up() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    add(&place, ALL_THE_TIME);
    let mut service = Service::new(&place);
    service.turn_deaf();
    service.start_with(&place, |command| {
        command.env("WATCHDOG_USEC", "10000000");
    });
    until("an order arrives in Komet", || {
        sandbox.act(|world, _| world.requests().count(System::Komet, "prebook.create")) > 0
    });
    service.signal("-TERM");
    assert_eq!(service.end_unheard().code(), Some(0));
    service.expect_log("the service manager cannot be told how it goes", 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_is_started_again_and_repeats_nothing() {
    let (sandbox, _) = sandbox_with_a_week().await;
    // What was in hand when it died is believed to have had no effect once it can no longer have one.
    let place = Place::on(&sandbox, "1s");
    add(&place, ALL_THE_TIME);
    let mut service = Service::new(&place);
    // It dies with a request on its way, three times: before the request had its effect, and after.
    for (nth, effect) in [(1, Effect::Done), (2, Effect::Never), (3, Effect::Done)] {
        let before = sandbox.act(|world, _| {
            let target = Target::next(System::Komet, "prebook.create");
            world.inject(target, Fault::Hang { open_for: FOREVER, effect });
            world.requests().count(System::Komet, "prebook.create")
        });
        service.start(&place);
        until("a request is on its way", || {
            sandbox.act(|world, _| world.requests().count(System::Komet, "prebook.create")) > before
        });
        service.signal("-KILL");
        assert!(!service.end().success(), "life {nth}");
    }
    service.start(&place);
    until("every order has its Prebook", || {
        (100_001..=100_012).all(|number| prebooks_of(&sandbox, &format!("AX-{number}")) >= 1)
    });
    // A few more runs: what would be done twice would be done by now.
    let runs = sandbox.act(|world, _| world.requests().count(System::Axerrio, "GET orders"));
    until("more runs", || {
        sandbox.act(|world, _| world.requests().count(System::Axerrio, "GET orders")) >= runs + 3
    });
    assert_eq!(service.stop().code(), Some(0));
    assert_nothing_twice(&sandbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_sync_gets_in_between_two_runs() {
    let (sandbox, people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    add(&place, ALL_THE_TIME);
    let mut service = Service::new(&place);
    service.start(&place);
    for _ in 0..3 {
        sandbox.act(|world, now| people.step(world, now)).unwrap();
        let (report, code) = place.json(&["sync", "--wait", "20s"]);
        assert!(code == 0 || code == 4, "{report:#}");
        assert_eq!(report["jobs"].as_array().unwrap().len(), 4);
    }
    assert_eq!(service.stop().code(), Some(0));
    assert_nothing_twice(&sandbox);
    let (history, _) = place.json(&["history", "--limit", "100"]);
    let triggers: Vec<_> = history["runs"].as_array().unwrap().iter().map(|run| run["trigger"].clone()).collect();
    assert!(triggers.contains(&json!("sync")) && triggers.contains(&json!("schedule")), "{triggers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_sync_and_the_daemon_share_one_simulated_world() {
    let place = Place::simulated();
    add(&place, ALL_THE_TIME);
    let mut service = Service::new(&place);
    service.start(&place);
    service.expect("STATUS=last run: ");
    for _ in 0..2 {
        let (report, code) = place.json(&["sync", "--wait", "20s"]);
        assert!(code == 0 || code == 4, "{report:#}");
    }
    service.told.clear();
    service.expect("STATUS=last run: ");
    assert_eq!(service.stop().code(), Some(0));
    let saved = place.folder.path().join("sandbox.json");
    let sandbox = Sandbox::load_or_new(&saved, SandboxOptions::default()).await.unwrap();
    assert_nothing_twice(&sandbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_good_configuration_over_and_leaves_a_bad_one() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut service = Service::new(&place);
    service.start(&place);
    service.expect("STATUS=last run: ");
    let file = place.folder.path().join("sync.toml");
    let good = fs::read_to_string(&file).unwrap();

    let bad = good.replace("timeout = \"5m\"", "timeout = \"soon\"");
    fs::write(&file, format!("{bad}[jobs]\norders = \"0 0 0 30 2 *\"\ntimezone = \"Mars/Olympus\"\n")).unwrap();
    service.told.clear();
    service.signal("-HUP");
    service.expect("READY=1");
    let at = |line: &str| service.told.iter().position(|told| told.starts_with(line));
    assert!(at("RELOADING=1").unwrap() < at("MONOTONIC_USEC=").unwrap(), "{:?}", service.told);
    assert!(at("MONOTONIC_USEC=").unwrap() < at("READY=1").unwrap(), "{:?}", service.told);
    service.expect_log("stays in force", 1);
    let log = service.log().join("\n");
    for problem in ["komet.timeout", "axerrio.timeout", "it never fires", "Mars/Olympus"] {
        assert!(log.contains(problem), "{problem} in {log}");
    }

    let path = good.replace("link.db", "other.db").replace("listen = \"off\"", "listen = \"127.0.0.1:1\"");
    fs::write(&file, format!("{path}{ALL_THE_TIME}")).unwrap();
    let runs = sandbox.act(|world, _| world.requests().count(System::Axerrio, "GET labels"));
    service.told.clear();
    service.signal("-HUP");
    service.expect("READY=1");
    service.expect_log("state.path changed, which takes a restart", 1);
    service.expect_log("status.listen changed, which takes a restart", 1);
    until("labels are polled each second", || {
        sandbox.act(|world, _| world.requests().count(System::Axerrio, "GET labels")) >= runs + 4
    });
    assert_eq!(service.stop().code(), Some(0));
    assert!(!place.folder.path().join("other.db").exists());
}

/// Restored without stopping the daemon first: the daemon would go on with the file that it has open, a forced `sync` with the one
/// that has its name, and each would make what the other has made.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_database_was_replaced_ends_before_it_runs_again() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    add(&place, ALL_THE_TIME);
    let mut service = Service::new(&place);
    service.start(&place);
    service.expect("STATUS=last run: ");
    assert!(place.run(&["backup", "copy.db"]).status.success());
    for left in ["link.db-wal", "link.db-shm"] {
        let _ = fs::remove_file(place.folder.path().join(left));
    }
    fs::rename(place.folder.path().join("copy.db"), place.database()).unwrap();
    assert_eq!(service.end().code(), Some(1));
    service.expect_log("was moved away or replaced while it was in use; start stemsync again", 1);
    service.start(&place);
    service.expect("STATUS=last run: ");
    assert_eq!(service.stop().code(), Some(0));
    assert_nothing_twice(&sandbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_asked_for_json_tells_once_what_it_works_with() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let told = place.folder.path().join("told.json");
    let mut service = Service::new(&place);
    service.start_with(&place, |command| {
        command.args(["--format", "json"]).stdout(fs::File::create(&told).unwrap());
    });
    service.expect("STATUS=last run: ");
    assert_eq!(service.stop().code(), Some(0));
    let told: Value = serde_json::from_str(&fs::read_to_string(told).unwrap()).unwrap();
    assert_eq!((&told["komet"], &told["database"]), (&json!("127.0.0.1"), &json!("link.db")));
    assert_eq!(told["page"], Value::Null, "it is off");
    assert_eq!(told["jobs"][0]["job"], "orders");
    assert!(told["jobs"][0]["next_run"].is_string(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_one_database_is_turned_away() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut service = Service::new(&place);
    service.start(&place);
    // Also where the database goes by another name.
    until("the database is there", || place.database().exists());
    std::os::unix::fs::symlink(place.database(), place.folder.path().join("same.db")).unwrap();
    let file = place.folder.path().join("sync.toml");
    let other = fs::read_to_string(&file).unwrap().replace("link.db", "same.db");
    fs::write(place.folder.path().join("other.toml"), other).unwrap();
    for arguments in [&["run"][..], &["run", "-c", "other.toml"]] {
        let second = place.run(arguments);
        assert_eq!(second.status.code(), Some(6));
        let errors = String::from_utf8_lossy(&second.stderr);
        assert!(errors.contains("another daemon serves this database already"), "{errors}");
        assert!(errors.contains(&format!("process {}", service.id())), "{errors}");
    }
    assert_eq!(service.stop().code(), Some(0));
    service.start(&place);
    assert_eq!(service.stop().code(), Some(0), "once the first has ended another one may serve");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_told_to_stop_amid_a_slow_request_leaves_in_time_and_remembers_it() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    sandbox.act(|world, _| {
        let target = Target::next(System::Komet, "prebook.create");
        world.inject(target, Fault::Hang { open_for: FOREVER, effect: Effect::Done });
    });
    let mut service = Service::new(&place);
    service.start(&place);
    until("the request is on its way", || {
        sandbox.act(|world, _| world.requests().count(System::Komet, "prebook.create")) > 0
    });
    // `FOREVER` away from the answer: who ends did not wait for it.
    assert_eq!(service.stop().code(), Some(0));
    service.expect_log("left before the last answers came", 1);
    assert!(service.told.contains(&"STOPPING=1".to_owned()));
    {
        let store = Store::open(&place.database()).unwrap();
        assert_eq!(store.read(intents::count).await.unwrap(), 1, "it is on record");
    }
    let (report, _) = place.json(&["sync"]);
    let adopted = report["actions"].as_array().unwrap().iter().filter(|a| a["result"] == json!("adopted")).count();
    assert_eq!(adopted, 1, "{report:#}");
    assert_nothing_twice(&sandbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_control_c_ends_it_as_the_service_manager_does() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut service = Service::new(&place);
    service.start(&place);
    service.expect("STATUS=last run: ");
    service.signal("-INT");
    assert_eq!(service.end().code(), Some(0));
    assert!(service.told.contains(&"STOPPING=1".to_owned()), "{:?}", service.told);
    assert_nothing_twice(&sandbox);
}

/// Takes whoever comes: has the greeting say so much, and then leaves him waiting.
fn listener(greeting: &'static [u8]) -> (u16, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (came, comes) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(greeting).unwrap();
            if came.send(stream).is_err() {
                return;
            }
        }
    });
    (port, comes)
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_on_while_a_webhook_hangs_and_the_mail_server_refuses() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let ((hook, hooked), (smtp, mailed)) = (listener(b""), listener(b"554 closed for the holidays\r\n"));
    let mail = format!(
        "[notify.email]\nhost = \"localhost\"\nport = {smtp}\nstarttls = false\nfrom = \"a@example.com\"\n\
         to = [\"b@example.com\"]\n"
    );
    add(&place, &format!("{ALL_THE_TIME}[notify]\nwebhook = {{ env = \"HOOK\" }}\n{mail}"));
    let mut service = Service::new(&place);
    service.start_with(&place, |command| {
        command.env("HOOK", format!("http://127.0.0.1:{hook}/"));
    });
    // The week has something that is held. Whoever was called is kept waiting from here on.
    let waiting = hooked.recv_timeout(LONG).unwrap();
    mailed.recv_timeout(LONG).unwrap();
    let began = sandbox.act(|world, _| world.requests().count(System::Axerrio, "GET orders"));
    until("five more runs", || {
        sandbox.act(|world, _| world.requests().count(System::Axerrio, "GET orders")) >= began + 5
    });
    // It is still the first call that waits for its answer.
    assert!(hooked.try_recv().is_err());
    drop(waiting);
    assert_eq!(service.stop().code(), Some(0));
    assert_nothing_twice(&sandbox);
}

#[test]
fn a_schedule_that_never_fires_and_an_unknown_time_zone_are_refused_before_anything_runs() {
    let place = Place::simulated();
    add(&place, "[jobs]\ntimezone = \"America/New_Yrok\"\norders = \"0 0 0 30 2 *\"\n");
    let output = place.run(&["run"]);
    assert_eq!(output.status.code(), Some(3));
    let errors = String::from_utf8_lossy(&output.stderr);
    for told in ["jobs.timezone", "America/New_York", "jobs.orders", "it never fires"] {
        assert!(errors.contains(told), "{told} in {errors}");
    }
    assert!(!place.database().exists());
}

#[test]
fn a_service_manager_that_is_not_there_is_missed_once() {
    let place = Place::at(NOWHERE, NOWHERE, "1s", ["none", "none"]);
    let mut service = Service::new(&place);
    let gone = place.folder.path().join("gone");
    drop(UnixDatagram::bind(&gone).unwrap());
    service.start_with(&place, |command| {
        command.env("NOTIFY_SOCKET", &gone);
    });
    service.expect_log("cannot be reached", 1);
    assert_eq!(service.stop().code(), Some(0));
    let log = service.log();
    assert_eq!(log.iter().filter(|line| line.contains("$NOTIFY_SOCKET")).count(), 1, "{log:#?}");
}

#[test]
fn the_help_says_how_to_stop_it_and_how_to_reload() {
    let output = bare().args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for told in ["SIGTERM", "SIGHUP", "EXAMPLES:", "stemsync run"] {
        assert!(help.contains(told), "{told} in {help}");
    }
}
