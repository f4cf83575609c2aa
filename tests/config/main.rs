//! What an admin may write in `sync.toml`, what it then means, and how mistakes are told.
#![allow(clippy::unwrap_used)]

mod example;
mod secrets;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use stemsync::config::{Config, ConfigErrors, Endpoint, Problem, Schedule, TokenKind, parse_duration};
use stemsync::domain::{CreatePo, OnConflict, Percent, Zone};
use stemsync::sync::report::Job;
use stemsync::systems::axerrio::AxerrioAuth;

/// The least that a file must say.
const LEAST: &str = "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n";

fn environment(name: &str) -> Option<OsString> {
    let value = match name {
        "KOMET_TOKEN" => "k0met-hush",
        "AXERRIO_TOKEN" => "axerrio-hush",
        "HOOK" => "https://chat.example/hooks/h00k-hush",
        "PLAIN_HOOK" => "http://chat.example/hooks/h00k-hush",
        "BLANK" => "  ",
        "TWO_LINES" => "hush\nhush",
        _ => return None,
    };
    Some(value.into())
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::from_text(Path::new("sync.toml"), text, &environment)
}

fn problems(text: &str) -> Vec<Problem> {
    match parse(text) {
        Ok(config) => panic!("expected problems, found none: {config:?}"),
        Err(errors) => errors.problems().to_vec(),
    }
}

/// The only problem of a text.
fn problem(text: &str) -> Problem {
    let mut all = problems(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// A file that is fine but for `lines` in `[table]`.
fn with(table: &str, lines: &str) -> String {
    match table {
        "komet" => format!("[axerrio]\nbase_url = \"sandbox\"\n[komet]\nbase_url = \"sandbox\"\n{lines}\n"),
        "axerrio" => format!("{LEAST}{lines}\n"),
        _ => format!("{LEAST}[{table}]\n{lines}\n"),
    }
}

fn with_komet(lines: &str) -> String {
    format!("[axerrio]\nbase_url = \"sandbox\"\n[komet]\n{lines}\n")
}

#[test]
fn the_repositorys_file_runs_on_the_sandbox_without_any_token() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sync.toml")).unwrap();
    let config = Config::from_text(Path::new("sync.toml"), &text, &|_| None).unwrap();
    assert!(config.komet.endpoint.is_sandbox() && config.axerrio.endpoint.is_sandbox());
}

#[test]
fn the_repositorys_file_lists_exactly_the_defaults() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sync.toml")).unwrap();
    assert_eq!(format!("{:?}", parse(&text).unwrap()), format!("{:?}", parse(LEAST).unwrap()));
}

#[test]
fn every_key_has_the_default_that_the_manual_says() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.komet.token_kind, TokenKind::Vendor);
    assert_eq!((config.komet.users, config.komet.quota_share), (1, Percent::ALL));
    assert_eq!(config.komet.location_code, None);
    assert_eq!(config.komet.timeout, Duration::from_secs(20));
    assert_eq!(config.axerrio.auth, AxerrioAuth::Bearer);
    assert_eq!(config.axerrio.timeout, Duration::from_secs(20));
    assert_eq!(config.state.path, PathBuf::from("data/stemsync.db"));
    assert_eq!(config.state.retention, Duration::from_hours(2160));
    assert_eq!((config.sync.horizon_days, config.sync.overlap), (28, Duration::from_mins(5)));
    assert_eq!((config.sync.on_conflict, config.sync.create_po), (OnConflict::Hold, CreatePo::Accepted));
    assert_eq!(config.sync.max_cancellations.percent.to_string(), "20%");
    assert_eq!(config.jobs.timezone, Zone::default());
    let patterns = Job::ALL.map(|job| config.jobs.schedule(job).text().to_owned());
    assert_eq!(patterns, ["0 */2 * * * *", "0 */5 * * * *", "30 */5 * * * *", "0 1-59/2 * * * *"]);
    assert_eq!(config.status.listen.unwrap().to_string(), "127.0.0.1:8787");
    assert!(config.notify.webhook.is_none() && config.notify.email.is_none());
}

#[test]
fn every_key_can_be_said_otherwise() {
    let config = parse(
        r#"
        [komet]
        base_url = "https://api.kometsales.com/api"
        token = { env = "KOMET_TOKEN" }
        token_kind = "company"
        vendor_id = 123
        users = 3
        quota_share = "12.5%"
        location_code = "MIA"
        timeout = "1m"
        [axerrio]
        base_url = "http://127.0.0.1:9000/api/v1"
        token = { env = "AXERRIO_TOKEN" }
        auth = "x-api-key"
        timeout = "5s"
        [state]
        path = "/var/lib/stemsync/link.db"
        retention = "30d"
        [sync]
        horizon = "2w"
        overlap = "1h30m"
        on_conflict = "owner"
        create_po = "received"
        max_cancellations = "5%"
        [jobs]
        timezone = "Europe/Amsterdam"
        orders = "off"
        prebooks = "0 0 6-18 * * MON-FRI"
        purchase-orders = "15 * * * * *"
        labels = "0 */10 * * * *"
        [status]
        listen = "off"
        [notify]
        webhook = { env = "HOOK" }
        [notify.email]
        host = "smtp.example.com"
        port = 2525
        starttls = true
        username = "robot"
        password = { env = "KOMET_TOKEN" }
        from = "Robot <robot@example.com>"
        to = ["ann@example.com", "ben@example.com"]
        "#,
    )
    .unwrap();
    let Endpoint::Remote { base_url, token } = &config.komet.endpoint else { panic!("not the sandbox") };
    assert_eq!((base_url.as_str(), token.expose()), ("https://api.kometsales.com/api/", "k0met-hush"));
    assert_eq!(config.komet.token_kind, TokenKind::Company { vendor_id: 123 });
    assert_eq!(config.komet.daily_limit(), 375);
    assert_eq!(config.komet.location_code.as_deref(), Some("MIA"));
    assert_eq!(config.axerrio.auth, AxerrioAuth::XApiKey);
    assert_eq!((config.sync.horizon_days, config.sync.overlap), (14, Duration::from_mins(90)));
    assert_eq!((config.sync.on_conflict, config.sync.create_po), (OnConflict::Owner, CreatePo::Received));
    assert!(matches!(config.jobs.schedule(Job::Orders), Schedule::Off));
    assert!(matches!(config.jobs.schedule(Job::Prebooks), Schedule::Cron(_)));
    assert_eq!(config.status.listen, None);
    assert_eq!(config.notify.webhook.unwrap().expose(), "https://chat.example/hooks/h00k-hush");
    let email = config.notify.email.unwrap();
    assert_eq!((email.host.as_str(), email.port, email.starttls), ("smtp.example.com", 2525, true));
    assert_eq!(email.login.unwrap().username, "robot");
    assert_eq!(email.to, ["ann@example.com", "ben@example.com"]);
}

#[test]
fn all_problems_are_told_at_once_with_their_lines() {
    let text = "[komet]\n\
                base_url = \"http://komet.example/api\"\n\
                token = \"0123456789abcdef\"\n\
                users = \"two\"\n\
                [axerrio]\n\
                base_url = \"sandbox\"\n\
                tiemout = \"20s\"\n\
                [sync]\n\
                horizon = \"28\"\n\
                on_conflict = \"ask\"\n\
                [jobs]\n\
                timezone = \"America/New_Yorck\"\n\
                orders = \"*/2 * * * *\"\n";
    let found: Vec<_> = problems(text).into_iter().map(|p| (p.line, p.key)).collect();
    let expected = [
        (2, "komet.base_url"),
        (3, "komet.token"),
        (4, "komet.users"),
        (7, "axerrio.tiemout"),
        (9, "sync.horizon"),
        (10, "sync.on_conflict"),
        (12, "jobs.timezone"),
        (13, "jobs.orders"),
    ];
    assert_eq!(found, expected.map(|(line, key)| (line, key.to_owned())));
}

#[test]
fn problems_read_well_in_80_columns() {
    let text = "[komet]\nbase_url = \"http://komet.example/api\"\ntoken = \"0123456789abcdef\"\ntimeuot = 3\n";
    let told = parse(text).unwrap_err().to_string();
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    assert!(told.starts_with("5 problems in sync.toml\n"), "{told}");
    assert!(told.contains("\nsync.toml:2: komet.base_url\n  found    "), "{told}");
    assert!(told.contains("\n  allowed  "), "{told}");
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let wrong = problem(&with("sync", "max_cancelations = \"5%\""));
    assert_eq!((wrong.line, wrong.key.as_str()), (6, "sync.max_cancelations"));
    assert!(wrong.allowed.contains("did you mean \"max_cancellations\"?"), "{}", wrong.allowed);
}

#[test]
fn an_unknown_table_names_the_nearest_known_one() {
    let wrong = problem(&with("axerio", "timeout = \"5s\""));
    assert!(wrong.allowed.contains("did you mean \"axerrio\"?"), "{}", wrong.allowed);
}

#[test]
fn a_key_like_no_other_lists_the_known_ones() {
    let wrong = problem(&with("status", "zzz = 1"));
    assert_eq!(wrong.allowed, "known here: listen, password, hosts");
}

#[test]
fn an_empty_file_lacks_both_base_urls_and_tokens() {
    let keys: Vec<_> = problems("").into_iter().map(|p| p.key).collect();
    assert_eq!(keys, ["komet.base_url", "komet.token", "axerrio.base_url", "axerrio.token"]);
}

#[test]
fn what_a_key_refuses() {
    for (table, line) in [
        ("komet", "users = 0"),
        ("komet", "users = 1.5"),
        ("komet", "users = 99999999999999999999"),
        ("komet", "quota_share = \"0%\""),
        ("komet", "quota_share = 50"),
        ("komet", "quota_share = \"101%\""),
        ("komet", "quota_share = \"50\""),
        ("komet", "location_code = \"\""),
        ("komet", "timeout = 20"),
        ("komet", "timeout = \"0s\""),
        ("komet", "timeout = \"20 parsecs\""),
        ("komet", "token_kind = \"Vendor\""),
        ("axerrio", "auth = \"basic\""),
        ("state", "path = \" \""),
        ("state", "path = \":memory:\""),
        ("state", "path = \"file:stemsync.db?mode=memory\""),
        ("state", "retention = \"90\""),
        ("sync", "horizon = \"36h\""),
        ("sync", "horizon = \"0d\""),
        ("sync", "overlap = \"-5m\""),
        ("sync", "overlap = \"99999999999999999999d\""),
        ("sync", "on_conflict = true"),
        ("sync", "create_po = \"approved\""),
        ("sync", "max_cancellations = \"twenty%\""),
        ("sync", "max_cancellations = \"-1%\""),
        ("sync", "max_cancellations = \"1.234%\""),
        ("jobs", "timezone = \"EST5\""),
        ("jobs", "labels = \"* * * * *\""),
        ("jobs", "labels = \"61 * * * * *\""),
        ("jobs", "labels = \"0 0 0 30 2 *\""),
        ("jobs", "labels = \"0 0 0 1 1 * 2020\""),
        ("jobs", "labels = \"\""),
        ("jobs", "labels = false"),
        ("status", "listen = \"localhost\""),
        ("status", "listen = \"127.0.0.1:99999\""),
        ("status", "listen = 8787"),
        ("status", "listen = \"0.0.0.0:8787\""),
        ("status", "listen = \"[::]:8787\""),
        ("status", "listen = \"192.168.1.7:8787\""),
        ("status", "password = \"written out\""),
        ("status", "hosts = \"page.example\""),
        ("status", "hosts = [\"https://page.example\"]"),
        ("status", "hosts = [\"page.example:443\"]"),
        ("status", "hosts = [\"\"]"),
    ] {
        let wrong = problem(&with(table, line));
        let key = line.split(" =").next().unwrap();
        assert_eq!(wrong.key, format!("{table}.{key}"), "{line}");
        assert_eq!(with(table, line).lines().nth(wrong.line - 1), Some(line));
        assert!(!wrong.found.is_empty() && !wrong.allowed.is_empty(), "{line}");
    }
}

#[test]
fn a_pattern_that_never_fires_is_told_so() {
    let wrong = problem(&with("jobs", "orders = \"0 0 0 31 4 *\""));
    assert!(wrong.found.contains("it never fires"), "{}", wrong.found);
}

#[test]
fn a_field_of_a_pattern_that_is_out_of_bounds_is_named_with_its_bounds() {
    for (pattern, told) in [
        ("0 0 25 * * *", "the hour is \"25\": it goes from 0 to 23"),
        ("0 61 * * * *", "the minute is \"61\": it goes from 0 to 59"),
        ("0 0 0 * JANUARY *", "the month is \"JANUARY\": it goes from 1 to 12 or JAN to DEC"),
    ] {
        assert_eq!(Schedule::parse(pattern).unwrap_err(), told);
    }
}

#[test]
fn a_nickname_of_cron_is_no_pattern_of_six_fields() {
    for nickname in ["@hourly", "@daily", "@reboot"] {
        assert_eq!(Schedule::parse(nickname).unwrap_err(), "1 field instead of six");
    }
}

#[test]
fn a_leap_day_is_a_time_that_comes() {
    assert!(parse(&with("jobs", "orders = \"0 0 0 29 2 *\"")).is_ok());
}

#[test]
fn a_mistyped_time_zone_names_the_nearest() {
    let wrong = problem(&with("jobs", "timezone = \"america/new_york\""));
    assert!(wrong.allowed.contains("did you mean \"America/New_York\"?"), "{}", wrong.allowed);
}

#[test]
fn an_abbreviation_of_clocks_names_the_region_that_has_them() {
    for (abbreviation, region) in [
        ("EDT", "America/New_York"),
        ("pst", "America/Los_Angeles"),
        ("CEST", "Europe/Amsterdam"),
        ("COT", "America/Bogota"),
    ] {
        let wrong = problem(&with("jobs", &format!("timezone = \"{abbreviation}\"")));
        assert!(wrong.allowed.ends_with(&format!("did you mean \"{region}\"?")), "{}", wrong.allowed);
    }
}

#[test]
fn a_distance_from_utc_is_no_time_zone() {
    for distance in ["UTC-5", "GMT-05:00"] {
        let wrong = problem(&with("jobs", &format!("timezone = \"{distance}\"")));
        assert!(wrong.allowed.contains("summer time") && !wrong.allowed.contains("mean"), "{}", wrong.allowed);
    }
}

#[test]
fn one_bad_host_of_several_is_named() {
    let wrong = problem(&with("status", "hosts = [\"page.example\", \"https://b.example\", 7]"));
    assert_eq!(wrong.found, "\"https://b.example\"");
}

#[test]
fn a_table_must_be_a_table() {
    let wrong = problem(&format!("state = \"data/stemsync.db\"\n{LEAST}"));
    assert_eq!((wrong.line, wrong.key.as_str()), (1, "state"));
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let url = |url: &str| with_komet(&format!("base_url = \"{url}\"\ntoken = {{ env = \"KOMET_TOKEN\" }}"));
    for good in [
        "https://api.kometsales.com/api/",
        "http://127.0.0.1:9000/api",
        "http://127.8.8.8/",
        "http://localhost:1/",
        "http://[::1]:9000/",
    ] {
        assert!(parse(&url(good)).is_ok(), "{good}");
    }
    for bad in [
        "http://komet.example/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://[::2]/",
        "ftp://127.0.0.1/",
        "komet.example",
        "Sandbox",
        "",
        "https://",
        "https://user:hush@komet.example/",
        "https://komet.example/?authenticationToken=hush",
    ] {
        let wrong = problem(&url(bad));
        assert_eq!(wrong.key, "komet.base_url", "{bad}");
        assert!(!format!("{wrong:?}").contains("hush"), "{wrong:?}");
    }
}

#[test]
fn an_address_that_is_none_is_told_with_what_was_meant() {
    for (written, meant) in [
        ("Sandbox", "sandbox"),
        ("api.kometsales.com", "https://api.kometsales.com/api/"),
        ("komet.example/api", "https://komet.example/api"),
    ] {
        let wrong = problem(&with_komet(&format!("base_url = {written:?}\ntoken = {{ env = \"KOMET_TOKEN\" }}")));
        assert_eq!(wrong.found, format!("{written:?}, which is no address"));
        assert!(wrong.allowed.ends_with(&format!("did you mean {meant:?}?")), "{}", wrong.allowed);
    }
}

#[test]
fn a_token_in_the_place_of_an_address_is_not_repeated() {
    for token in ["k0met-hush", "eyJhbGci.K0met.hush", "AKIAhush"] {
        let wrong = problem(&with_komet(&format!("base_url = {token:?}\ntoken = {{ env = \"KOMET_TOKEN\" }}")));
        assert_eq!(wrong.found, "a text that may be a secret, which is no address");
        assert!(!format!("{wrong:?}").contains("hush"), "{wrong:?}");
    }
}

#[test]
fn a_companys_token_needs_the_vendor() {
    let wrong = problem(&with("komet", "token_kind = \"company\""));
    assert_eq!((wrong.line, wrong.key.as_str()), (3, "komet.vendor_id"));
}

#[test]
fn a_vendors_token_implies_the_vendor() {
    for kind in ["", "token_kind = \"vendor\"\n"] {
        let wrong = problem(&with("komet", &format!("{kind}vendor_id = 123")));
        assert_eq!(wrong.key, "komet.vendor_id");
    }
}

#[test]
fn a_wrong_token_kind_is_one_problem_not_two() {
    let wrong = problem(&with("komet", "token_kind = \"firm\"\nvendor_id = 123"));
    assert_eq!(wrong.key, "komet.token_kind");
}

#[test]
fn an_email_table_says_all_that_it_lacks() {
    let keys: Vec<_> =
        problems(&with("notify.email", "username = \"robot\"\nport = 0")).into_iter().map(|p| p.key).collect();
    for key in ["host", "from", "to", "password", "port"] {
        assert!(keys.contains(&format!("notify.email.{key}")), "{key} in {keys:?}");
    }
}

#[test]
fn a_mail_password_does_not_travel_unencrypted() {
    let lines = "starttls = false\nusername = \"u\"\npassword = { env = \"KOMET_TOKEN\" }\n\
                 from = \"a@b.c\"\nto = \"a@b.c\"\nhost = ";
    let wrong = problem(&with("notify.email", &format!("{lines}\"smtp.example.com\"")));
    assert_eq!(wrong.key, "notify.email.starttls");
    assert!(parse(&with("notify.email", &format!("{lines}\"localhost\""))).is_ok());
}

#[test]
fn broken_toml_is_told_with_the_other_problems() {
    let text =
        "[komet]\nbase_url = \"sandbox\"\nusers = 0\n[axerrio\nbase_url = \"sandbox\"\n[sync]\noverlap = 5\n";
    let found: Vec<_> = problems(text).into_iter().map(|p| (p.line, p.key)).collect();
    assert!(found.contains(&(4, "syntax".to_owned())), "{found:?}");
    assert!(found.contains(&(3, "komet.users".to_owned())), "{found:?}");
    assert!(found.contains(&(7, "sync.overlap".to_owned())), "{found:?}");
}

#[test]
fn a_key_said_twice_is_a_problem() {
    let wrong = problem(&with("state", "path = \"a\"\npath = \"b\""));
    assert_eq!((wrong.line, wrong.found.as_str()), (7, "path a second time"));
}

#[test]
fn a_key_with_nothing_behind_it_is_told_as_such() {
    for text in ["users =", "users =   # three\ntimeout = \"5s\""] {
        let wrong = problem(&with("komet", text));
        assert_eq!((wrong.line, wrong.found.as_str()), (5, "users = and nothing behind it"), "{text:?}");
    }
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sync.toml");
    fs::write(&file, b"[komet]\nbase_url = \"\xff\"\n").unwrap();
    assert_eq!(Config::load(&file).unwrap_err().problems()[0].line, 2);
}

#[test]
fn a_file_named_and_not_there_is_an_error() {
    let told = Config::find(Some("no/such/sync.toml".into())).unwrap_err().to_string();
    assert!(told.contains("no/such/sync.toml (named by -c): there is no such file"), "{told}");
}

#[test]
fn durations_and_percentages_are_read_exactly() {
    assert_eq!(parse_duration("28d"), Some(Duration::from_hours(672)));
    assert_eq!(parse_duration("1h30m"), Some(Duration::from_mins(90)));
    for bad in ["", "5", "m", "5 m", "1.5h", "5y", "5m3", "é", "5é"] {
        assert_eq!(parse_duration(bad), None, "{bad}");
    }
    assert_eq!(Percent::parse("12.5%").unwrap().of(1000), 125);
    assert_eq!(Percent::parse("33.33%").unwrap().of(1000), 333);
    assert_eq!(Percent::ALL.of(u64::MAX), u64::MAX);
}

#[test]
fn the_next_run_is_told_by_the_clock_of_the_time_zone() {
    let config = parse(&with("jobs", "orders = \"0 0 6 * * *\"")).unwrap();
    let next = |now: &str| {
        let now: DateTime<Utc> = now.parse().unwrap();
        config.jobs.schedule(Job::Orders).next_after(now, config.jobs.timezone).unwrap().to_rfc3339()
    };
    assert_eq!(next("2026-01-15T10:59:59Z"), "2026-01-15T11:00:00+00:00");
    assert_eq!(next("2026-07-15T09:59:59Z"), "2026-07-15T10:00:00+00:00");
    assert_eq!(next("2026-07-15T10:00:00Z"), "2026-07-16T10:00:00+00:00");
}
