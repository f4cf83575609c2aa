//! `map KIND suggest`: told from what is on file, with its reasons; nothing is set.

use std::fs;

use serde_json::{Value, json};
use stemsync::domain::{BoxType, Carrier};
use stemsync::store::{Store, reference};

use super::place::{Place, labelled_order, plain};

/// An order whose product nobody has mapped, and Komet's lists.
fn traded() -> (Place, Store) {
    let place = Place::new();
    let store = place.store();
    labelled_order(&store);
    let carrier = |id, code: &str, name: &str| Carrier { id, code: code.to_owned(), name: name.to_owned() };
    let carriers =
        [carrier(201, "GREENLN", "Greenline Reefer Freight"), carrier(203, "COLDPTH", "Coldpath Floral Express")];
    let box_type = |id, code: &str, fbe: &str| BoxType { id, code: code.to_owned(), fbe: fbe.parse().unwrap() };
    let box_types = [box_type(11, "FB", "1.000"), box_type(12, "HB", "0.500")];
    store
        .write_blocking(move |conn| {
            let read_at = "2026-01-10T15:00:00Z".parse().unwrap();
            reference::set_carriers(conn, &carriers, read_at)?;
            reference::set_box_types(conn, &box_types, read_at)
        })
        .unwrap();
    (place, store)
}

#[test]
fn a_product_is_suggested_with_its_reasons_and_the_command_that_sets_it() {
    let (place, _store) = traded();
    let (told, code) = place.json(&["map", "product", "suggest", "ros-60"]);
    let expected = json!({
        "kind": "product", "axerrio_code": "ROS-60", "name": "Rose Freedom 60 cm", "times": 1,
        "last_ship_date": "2026-01-15", "mapped_to": null, "compared_with": 1,
        "suggestions": [{
            "komet_id": 915, "description": "Rose Freedom 60", "score": 97,
            "why": ["words: rose, freedom", "length 60 cm", "box HB", "seen on 1 line, last ship date 2026-01-15"],
            "command": "stemsync map product set ROS-60 915",
        }],
    });
    assert_eq!((told, code), (expected, 0));
    assert_eq!(place.json(&["map", "product"]).0["entries"], json!([]), "nothing was set");
    let row = place.told(&["map", "product", "suggest", "ROS-60"]).0;
    assert!(
        row.starts_with("KOMET ID\tDESCRIPTION\tSCORE\tWHY\tTO SET IT\n915\tRose Freedom 60\t97\twords: "),
        "{row}"
    );

    assert_eq!(place.json(&["map", "product", "set", "ROS-60", "7"]).1, 0);
    assert_eq!(place.json(&["map", "product", "suggest", "ROS-60"]).0["mapped_to"], 7);
}

#[test]
fn people_read_it_in_80_columns() {
    let (place, _store) = traded();
    for (name, args) in [
        ("product", ["map", "product", "suggest", "ROS-60"]),
        ("never_seen", ["map", "product", "suggest", "RFREE60"]),
        ("nothing", ["map", "product", "suggest", "ASTER"]),
        ("carrier", ["map", "carrier", "suggest", "Greenline"]),
        ("box_type", ["map", "box-type", "suggest", "half"]),
    ] {
        let (told, _) = place.told(&[&args[..], &["--color", "always"]].concat());
        let told = plain(&told);
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
        insta::assert_snapshot!(format!("suggest_{name}"), told);
    }
}

#[test]
fn where_there_is_nothing_to_suggest_it_says_why_and_ends_with_4() {
    let place = Place::new();
    for (kind, words) in [
        ("product", "No products seen in Prebooks and POs are on file yet"),
        ("customer", "No customers seen in Prebooks are on file yet"),
        ("carrier", "No carriers in Komet's list are on file yet"),
        ("box-type", "No box types in Komet's list are on file yet"),
    ] {
        let (told, code) = place.told(&["map", kind, "suggest", "X-1"]);
        assert!(code == 4 && told.contains(words), "{told}");
        let (told, code) = place.json(&["map", kind, "suggest", "X-1"]);
        assert_eq!((code, &told["suggestions"], &told["times"]), (4, &json!([]), &json!(0)));
    }
    assert!(!place.database().exists());
    let (place, _store) = traded();
    let (told, code) = place.told(&["map", "product", "suggest", "ASTER"]);
    assert!(code == 4 && told.contains("It resembles none of the products seen"), "{told}");
}

#[test]
fn the_command_can_be_pasted_into_a_shell() {
    let (place, _store) = traded();
    fs::rename(place.folder.path().join("sync.toml"), place.folder.path().join("other link.toml")).unwrap();
    let args = ["-c", "other link.toml", "map", "carrier", "suggest", "Greenline 'A'"];
    let told: Value = place.json(&args).0;
    let command = told["suggestions"][0]["command"].as_str().unwrap().to_owned();
    assert_eq!(command, "stemsync -c 'other link.toml' map carrier set 'Greenline '\\''A'\\''' 201");
    let program = assert_cmd::cargo::cargo_bin!("stemsync").display().to_string();
    let line = command.replacen("stemsync", &format!("'{program}'"), 1);
    let mut shell = std::process::Command::new("sh");
    let shell = shell.args(["-c", &line]).current_dir(place.folder.path()).env_remove("STEMSYNC_CONFIG");
    assert!(shell.output().unwrap().status.success());
    let (map, _) = place.json(&["-c", "other link.toml", "map", "carrier"]);
    assert_eq!(map["entries"], json!([{"axerrio_code": "Greenline 'A'", "komet_id": 201}]));
}
