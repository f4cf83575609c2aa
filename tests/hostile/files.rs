//! The files that people give to the program: `sync.toml`, the CSV of a map, the saved state of a sandbox.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use stemsync::config::Config;
use stemsync::reports::map_csv;
use stemsync::sandbox::world::Request;
use stemsync::sandbox::{Answers, World};

use crate::fuzz::fuzz;
use crate::mutate::{Mutator, TOKEN, leaks};
use crate::world::{now, people, tokens, world};

/// Every section and key, in every way to write a value.
const FULL: &str = r#"
[komet]
base_url = "https://api.kometsales.com/api/"
token = { env = "KOMET_TOKEN" }
token_kind = "company"
vendor_id = 123
users = 2
quota_share = "50%"
location_code = "MIA"
timeout = "1m30s"
[axerrio]
base_url = "http://127.0.0.1:8080/api/v1"
token.env = "AXERRIO_TOKEN"
auth = "x-api-key"
[state]
path = 'data/stemsync.db'
retention = "90d"
[sync]
horizon = "28d"
overlap = "5m"
on_conflict = "owner"
create_po = "received"
max_cancellations = "20%"
[jobs]
timezone = "Europe/Amsterdam"
orders = "0 */2 * * * *"
labels = "off"
[status]
listen = "[::1]:8787"
[notify]
webhook = { env = "STEMSYNC_WEBHOOK" }
[notify.email]
host = "smtp.example.com"
port = 587
username = "stemsync"
password = { env = "SMTP_PASSWORD" }
from = "stemsync <stemsync@example.com>"
to = ["buyers@example.com", "ann@example.com"]
"#;

/// Values that a TOML key may be given.
const VALUES: &[&str] = &[
    "",
    "1",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "1.5",
    "inf",
    "nan",
    "true",
    "\"\"",
    "'x'",
    "[]",
    "[[]]",
    "{}",
    "{ env = 1 }",
    "{ env = \"\" }",
    "{ env = \"A\", file = \"B\" }",
    "{ file = \"/dev/null/x\" }",
    "{ credential = \"../x\" }",
    "2026-02-05",
    "2026-02-05T10:00:00Z",
    "\"off\"",
    "\"* * * * * *\"",
    "\"0 0 31 2 * *\"",
    "\"59-0/99999 */0 L W ? #\"",
    "\"18446744073709551616d\"",
    "\"99999999999999999999s\"",
    "\"1e9s\"",
    "\"-5m\"",
    "\"101%\"",
    "\"0.00000000000000001%\"",
    "\"%\"",
    "\"https://u:p@h/\"",
    "\"http://example.com\"",
    "\"https://[::1\"",
    "\"\\u0000\"",
    "\"\\U0010FFFF\"",
    "\"\"\"\n\"\"\"",
    "\"\u{1f339}\"",
    "[[[[[[[[[[1]]]]]]]]]]",
];

fn toml(mutator: &mut Mutator, text: &str) -> Vec<u8> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..mutator.rng.usize(1..5) {
        let at = mutator.rng.usize(..lines.len());
        match mutator.rng.u8(..6) {
            0 => drop(lines.remove(at)),
            1 => {
                let line = lines[at].clone();
                lines.insert(at, line);
            }
            2 => {
                let other = mutator.rng.usize(..lines.len());
                lines.swap(at, other);
            }
            3 => lines[at].insert_str(0, "not_a_key = 1\n"),
            _ => {
                if let Some((key, _)) = lines[at].clone().split_once('=') {
                    lines[at] = if mutator.chance(10) {
                        format!("{key}= {}1{}", "[".repeat(3_000), "]".repeat(3_000))
                    } else {
                        format!("{key}= {}", mutator.pick(VALUES))
                    };
                }
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    let text = lines.join("\n");
    if mutator.chance(25) { mutator.bytes(text.as_bytes()) } else { text.into_bytes() }
}

#[tokio::test]
async fn sync_toml() {
    let plain = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sync.toml")).unwrap();
    fuzz("files::sync_toml", 250, async |mutator| {
        let seed = mutator.pick(&[FULL, &plain]).to_owned();
        let bytes = toml(mutator, &seed);
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let environment = |_: &str| Some(OsString::from(TOKEN));
        match Config::from_text(Path::new("sync.toml"), &text, &environment) {
            Ok(config) if leaks(&format!("{config:?}")) => Err("the configuration shows the token".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => {
                let told = format!("{error} {error:?}");
                if leaks(&told) || !error.to_string().contains("sync.toml") { Err(told) } else { Ok(()) }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn map_csv() {
    let seeds = [
        "axerrio_code,komet_id\nROS-RED-60,91502\nROS-PNK-60,91503\n\"CARN, \"\"X\"\"\",7\n",
        "\u{feff}axerrio_code,komet_id\r\n A ,1\r\n\r\nB,9223372036854775807\r\n",
    ];
    fuzz("files::map_csv", 300, async |mutator| {
        let mut bytes = mutator.pick(&seeds).as_bytes().to_vec();
        if mutator.chance(5) {
            bytes.extend("Z,1\n".repeat(2_000).into_bytes());
        }
        let bytes = mutator.bytes(&bytes);
        match map_csv::parse(&bytes[..]) {
            Ok(rows) => {
                let codes: HashSet<&str> = rows.iter().map(|(code, _)| code.as_str()).collect();
                let sound = rows.iter().all(|(code, id)| *id > 0 && !code.trim().is_empty());
                if sound && codes.len() == rows.len() { Ok(()) } else { Err(format!("{rows:?}")) }
            }
            Err(problems) if problems.is_empty() || problems.iter().any(String::is_empty) => {
                Err("refused without a reason".to_owned())
            }
            Err(_) => Ok(()),
        }
    })
    .await;
}

/// What the sandbox reads back must not bring it down, nor may what people do in such a world.
#[tokio::test]
async fn sandbox_state() {
    let scenario = stemsync::sandbox::scenario::Scenario::bundled();
    let mut small = scenario.world(stemsync::sandbox::KometRules::default(), Answers::Plain);
    scenario.place_day(&mut small, 0, now().date_naive(), now()).unwrap();
    let saved = [small.to_json().unwrap(), world(Answers::Messy(7)).to_json().unwrap()];
    let day = now().date_naive().to_string();
    fuzz("files::sandbox_state", 60, async |mutator| {
        let seed = &saved[usize::from(mutator.chance(20))];
        let bytes = mutator.json(seed);
        let Ok(mut model) = World::from_json(&String::from_utf8_lossy(&bytes)) else { return Ok(()) };
        model.set_tokens(tokens());
        let get = |path: &[&str], parameters: &[(&str, &str)]| Request {
            verb: "GET".to_owned(),
            path: path.iter().map(|s| (*s).to_owned()).collect(),
            parameters: parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            credential: Some(TOKEN.to_owned()),
            body: Vec::new(),
        };
        let token = ("authenticationToken", TOKEN);
        for request in [
            get(&["komet", "api", "prebook.details.list"], &[token, ("date", &day)]),
            get(&["komet", "api", "purchase.order.list"], &[token, ("date", &day)]),
            get(&["komet", "api", "carrier.list"], &[token]),
            get(
                &["axerrio", "api", "v1", "orders"],
                &[("changedSince", "2020-01-01T00:00:00Z"), ("limit", "500")],
            ),
            get(
                &["axerrio", "api", "v1", "labels"],
                &[("changedSince", "2020-01-01T00:00:00Z"), ("limit", "500")],
            ),
        ] {
            model.serve(&request, now());
        }
        // Whether they can act in such a world or say why not is all the same.
        let _ = people().step(&mut model, now());
        model.to_json().map(drop).map_err(|error| error.to_string())
    })
    .await;
}
