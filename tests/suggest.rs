//! Which Komet product an Axerrio name means, and why: names as farms and importers write them.
#![allow(clippy::unwrap_used, missing_docs)]

use chrono::NaiveDate;
use rust_decimal::Decimal;
use stemsync::domain::BoxType;
use stemsync::domain::suggest::{Candidate, Listed, Suggestion, Wanted, box_types, parties, products};

/// What an importer's Komet shows: id, description, box type, lines seen, last ship date.
const KOMET: &[(i64, &str, &str, u32, &str)] = &[
    (41040, "Rose Freedom Red 40 cm", "QB", 12, "2026-02-10"),
    (41050, "Rose Freedom Red 50 cm", "QB", 80, "2026-02-12"),
    (41060, "Rose Freedom Red 60 cm", "HB", 140, "2026-02-12"),
    (41070, "Rose Freedom Red 70 cm", "HB", 30, "2026-02-11"),
    (41260, "Rose Explorer Red 60 cm", "HB", 60, "2026-02-12"),
    (41460, "Rose Mondial White 60 cm", "HB", 70, "2026-02-12"),
    (41860, "Rose Playa Blanca White 60 cm", "HB", 25, "2026-02-09"),
    (42260, "Rose Pink Mondial Light Pink 60 cm", "HB", 22, "2026-02-12"),
    (42450, "Rose High & Magic Bicolor Yellow Orange 50 cm", "QB", 18, "2026-02-12"),
    (43460, "Rose Free Spirit Orange 60 cm", "HB", 9, "2026-02-08"),
    (44750, "Garden Rose Cream Wedding Spirit", "QB", 3, "2026-01-30"),
    (51001, "Spray Rose White Majolika 50 cm", "QB", 11, "2026-02-12"),
    (52001, "Carnation Moonlight White Fancy", "QB", 40, "2026-02-12"),
    (52003, "Carnation Nobbio Burgundy Fancy", "QB", 33, "2026-02-12"),
    (52004, "Carnation Assorted Fancy", "QB", 51, "2026-02-12"),
    (52006, "Carnation Novelty Mix", "QB", 14, "2026-02-12"),
    (52101, "Mini Carnation Assorted Fancy", "QB", 28, "2026-02-12"),
    (54001, "Hydrangea White Select", "HB", 64, "2026-02-12"),
    (54002, "Hydrangea Shocking Blue Select", "HB", 21, "2026-02-12"),
    (55001, "Gypsophila Xlence White 80 cm", "QB", 45, "2026-02-12"),
    (56002, "Lisianthus Rosita Purple", "QB", 7, "2026-02-12"),
    (59001, "Ruscus Italian Green 70 cm", "QB", 16, "2026-02-12"),
    (61001, "Mixed Box White Roses 60 cm", "HB", 10, "2026-02-12"),
    (61002, "Mixed Box Rainbow Roses 50 cm", "HB", 8, "2026-02-12"),
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn komet() -> Vec<Candidate> {
    let row = |(id, description, box_type, seen, last): &(i64, &str, &str, u32, &str)| Candidate {
        id: *id,
        description: (*description).to_owned(),
        box_types: [(*box_type).to_owned()].into(),
        seen: *seen,
        last_ship_date: day(last),
        shown_for_code: 0,
    };
    KOMET.iter().map(row).collect()
}

fn suggest(code: &str, description: &str, box_type: &str) -> Vec<Suggestion> {
    let box_types = Some(box_type.to_owned()).filter(|b| !b.is_empty()).into_iter().collect();
    products(&Wanted { code: code.to_owned(), description: description.to_owned(), box_types }, &komet())
}

fn first(description: &str, box_type: &str) -> Suggestion {
    let found = suggest("X-1", description, box_type);
    found.into_iter().next().unwrap_or_else(|| panic!("nothing resembles {description:?}"))
}

#[test]
fn names_as_farms_write_them_find_their_product() {
    for (description, box_type, id) in [
        ("Rose Freedom 60cm", "HB", 41060),
        ("ROS RED FREEDOM 60", "HB", 41060),
        ("Rose Freedom 40 cm", "QB", 41040),
        ("ROSE FREEDOM RED 50CM X 25 STEMS", "QB", 41050),
        ("Roses Freedom, 70 cm, 25 st", "HB", 41070),
        ("12x25 ros freedom red 60", "HB", 41060),
        ("Rosa Freedom Roja 60 cm", "HB", 41060),
        ("Roos Freedom rood 60cm", "HB", 41060),
        ("ROS FREED 60", "HB", 41060),
        ("RS FRDM RD 50", "QB", 41050),
        ("Rose Freedon 60 cm", "HB", 41060),
        ("Rosa Mondial blanca 60", "HB", 41460),
        ("Rose Mondial wit 60", "HB", 41460),
        ("Rose Pink Mondial 60cm", "HB", 42260),
        ("Rosa Playa Blanca 60", "HB", 41860),
        ("Rose High and Magic 50", "QB", 42450),
        ("HYDRANGEA WHITE SELECT", "HB", 54001),
        ("Hydrangea White Select", "", 54001),
        ("HYD WHT SEL", "HB", 54001),
        ("Hortensia blanca select", "HB", 54001),
        ("Hortensia blauw Shocking", "HB", 54002),
        ("Carnation Novelty Mix", "QB", 52006),
        ("Carn Nov Mix", "QB", 52006),
        ("Clavel surtido fancy", "QB", 52004),
        ("Anjer Nobbio", "QB", 52003),
        ("Miniclavel surtido", "QB", 52101),
        ("Trosroos Majolika wit 50", "QB", 51001),
        ("SPR ROSE MAJOLIKA 50", "QB", 51001),
        ("Gypsophila Xlence 80cm", "QB", 55001),
        ("GYPSO XLENCE BLANCO", "QB", 55001),
        ("Lisianthus Rosita paars", "QB", 56002),
        ("Ruscus italiano 70", "QB", 59001),
        ("Garden Rose Wedding Spirit Cream 50 cm", "QB", 44750),
        ("MIX BOX WHITE ROSES 60", "HB", 61001),
        ("Caja mixta rosas Rainbow 50", "HB", 61002),
    ] {
        let found = first(description, box_type);
        assert_eq!(found.komet_id, id, "{description}: {found:?}");
        assert!(found.score >= 60, "{description}: {found:?}");
    }
}

#[test]
fn a_code_that_was_never_seen_is_read_as_words() {
    for (code, id) in [
        ("ROS-RED-FREEDOM-60", 41060),
        ("ROSE_FREEDOM_50", 41050),
        ("RFREE60", 41060),
        ("RFREE40", 41040),
        ("RMOND60", 41460),
        ("HYDWHI", 54001),
        ("GYPXL", 55001),
        ("CARNOB", 52003),
        ("CARMOO", 52001),
        ("SPRMAJ", 51001),
        ("LISPUR", 56002),
        ("RUSITA", 59001),
    ] {
        let found = suggest(code, "", "");
        assert_eq!(found.first().map(|s| s.komet_id), Some(id), "{code}: {found:?}");
    }
}

#[test]
fn the_length_decides_between_products_of_one_name() {
    let found = suggest("X-1", "Rose Freedom 60 cm", "HB");
    let order: Vec<_> = found.iter().take(4).map(|s| s.komet_id).collect();
    assert_eq!(order[0], 41060);
    assert!(found[0].score >= found[1].score + 20, "{found:?}");
    assert!(found[1].why.iter().any(|why| why.starts_with("another length:")), "{found:?}");
    for (text, length) in [
        ("Rose Freedom 50-60 cm", "length 50-60 cm within 60 cm"),
        ("Rose Freedom 60", "length 60 cm"),
        ("Rose Freedom 25 st 60", "length 60 cm"),
        ("Rose Freedom 60 cm 250 gr", "length 60 cm"),
    ] {
        let found = suggest("X-1", text, "HB");
        let of_60 = found.iter().find(|s| s.komet_id == 41060).unwrap();
        assert!(of_60.why.contains(&length.to_owned()), "{text}: {of_60:?}");
    }
}

#[test]
fn another_colour_is_another_product() {
    let found = suggest("X-1", "Rose Mondial White 60", "HB");
    let score = |id| found.iter().find(|s| s.komet_id == id).map_or(0, |s| s.score);
    assert!(score(41460) > score(42260) + 20, "{found:?}");
    let pink = found.iter().find(|s| s.komet_id == 42260).unwrap();
    assert!(pink.why.contains(&"another colour: pink instead of white".to_owned()), "{pink:?}");
}

#[test]
fn the_box_decides_only_where_names_do_not() {
    let twin = |id, box_type: &str| Candidate {
        id,
        description: "Hydrangea White Select".to_owned(),
        box_types: [box_type.to_owned()].into(),
        seen: 5,
        last_ship_date: day("2026-02-12"),
        shown_for_code: 0,
    };
    let wanted = |box_type: &str| Wanted {
        code: "HYDWHI".to_owned(),
        description: "Hydrangea White Select".to_owned(),
        box_types: [box_type.to_owned()].into(),
    };
    for (box_type, id) in [("HB", 1), ("QB", 2)] {
        let found = products(&wanted(box_type), &[twin(1, "HB"), twin(2, "QB")]);
        assert_eq!((found.len(), found[0].komet_id), (2, id));
        assert!(found[0].why.contains(&format!("box {box_type}")), "{found:?}");
    }
}

#[test]
fn of_equals_the_one_seen_more_often_comes_first_and_the_order_of_the_list_means_nothing() {
    let twin = |id, seen, last: &str| Candidate {
        id,
        description: "Statice Sinzii Blue".to_owned(),
        box_types: ["QB".to_owned()].into(),
        seen,
        last_ship_date: day(last),
        shown_for_code: 0,
    };
    let mut list = vec![
        twin(3, 2, "2026-02-12"),
        twin(1, 9, "2026-01-05"),
        twin(2, 2, "2026-02-13"),
        twin(4, 2, "2026-02-12"),
    ];
    let wanted = Wanted { description: "Statice Sinzii blue".to_owned(), ..Wanted::default() };
    let ids = |list: &[Candidate]| products(&wanted, list).iter().map(|s| s.komet_id).collect::<Vec<_>>();
    assert_eq!(ids(&list), [1, 2, 3, 4]);
    list.reverse();
    assert_eq!(ids(&list), [1, 2, 3, 4]);
}

#[test]
fn each_suggestion_says_why() {
    let found = first("ROS RED FREED 60", "HB");
    let expected = [
        "words: ros for rose, freed for freedom",
        "length 60 cm",
        "colour red",
        "box HB",
        "seen on 140 lines, last ship date 2026-02-12",
    ];
    assert_eq!(found.why, expected);
    let found = suggest("RFREE60", "", "");
    assert_eq!(found[0].why[0], "words: RFREE for rose freedom");
}

#[test]
fn another_variety_of_the_same_kind_is_not_called_likely() {
    for text in
        ["Rose Vendela 60", "Rose Quicksand 60 cm", "Hydrangea Antique Green Premium", "Carnation Don Pedro Red"]
    {
        let found = suggest("X-1", text, "HB");
        assert!(found.iter().all(|s| s.score < 60), "{text}: {found:?}");
    }
    for text in ["Aster Matsumoto", "Limonium Safora", "12345", "", "??", "60 cm", "рожа", "🌹"] {
        assert_eq!(suggest("1", text, "HB"), [], "{text}");
    }
}

#[test]
fn what_komet_showed_for_the_code_itself_comes_before_any_name() {
    let mut list = komet();
    list.iter_mut().find(|c| c.id == 44750).unwrap().shown_for_code = 2;
    let wanted = Wanted {
        code: "GRDWED".to_owned(),
        description: "Rose Freedom Red 60 cm".to_owned(),
        ..Wanted::default()
    };
    let found = products(&wanted, &list);
    assert_eq!((found[0].komet_id, found[0].score), (44750, 100));
    assert_eq!(found[0].why[0], "Komet shows it for 2 lines of this code");
    // What stemsync wrote into Axerrio where it knew no code.
    let found = suggest("54001", "", "");
    assert_eq!((found[0].komet_id, found[0].score, found.len()), (54001, 100, 1));
    assert_eq!(found[0].why[0], "the code is its id in Komet");
}

#[test]
fn foreign_names_of_any_kind_are_taken_and_none_takes_long() {
    let long = "freedom rose ".repeat(2000);
    let codes =
        ["a".repeat(5000), "aaaaaaaaaaaaaaaa".to_owned(), "\u{0}\u{202e}".to_owned(), "ñandú-60".to_owned()];
    let candidate = |description: &str| Candidate {
        id: 1,
        description: description.to_owned(),
        box_types: std::collections::BTreeSet::new(),
        seen: 1,
        last_ship_date: day("2026-02-12"),
        shown_for_code: 0,
    };
    let list: Vec<_> =
        [long.as_str(), "aaaa aaaa aaaa aaaa aaaa aaaa aaaa", "İß 99999999999 cm", "60 60 60 cm cm"]
            .map(candidate)
            .into();
    for code in &codes {
        for description in ["", long.as_str(), "99999999999999999999 cm", "cm x 60 x"] {
            let wanted = Wanted { code: code.clone(), description: description.to_owned(), ..Wanted::default() };
            assert!(products(&wanted, &list).iter().all(|s| s.score <= 100));
        }
    }
}

#[test]
fn a_carrier_is_known_by_its_code_else_by_its_name() {
    let listed = |id, code: &str, name: &str| Listed { id, code: code.to_owned(), name: name.to_owned() };
    let carriers = [
        listed(201, "GREENLN", "Greenline Reefer Freight"),
        listed(202, "BLUEDUN", "Blue Dune Trucking"),
        listed(203, "COLDPTH", "Coldpath Floral Express"),
        listed(207, "MVFLEET", "Mesa Verde Own Fleet"),
    ];
    for (code, name, id, least) in [
        ("greenln", "", 201, 100),
        ("GREEN-LN", "Whatever it is called", 201, 100),
        ("GRL", "Greenline", 201, 60),
        ("BD", "Blue Dunes Trucking Inc.", 202, 80),
        ("MESA-OWN", "Mesa Verde Own Fleet", 207, 90),
        ("COLDPATH", "", 203, 30),
    ] {
        let found = parties(code, name, &carriers);
        assert_eq!(found.first().map(|s| s.komet_id), Some(id), "{code} {name}: {found:?}");
        assert!(found[0].score >= least, "{code} {name}: {found:?}");
    }
    assert_eq!(parties("XPR", "Trucking Express Inc", &carriers), [], "every other carrier is called that");
}

#[test]
fn a_box_type_is_known_by_its_code_else_by_its_size() {
    let listed =
        |id, code: &str, fbe: &str| BoxType { id, code: code.to_owned(), fbe: fbe.parse::<Decimal>().unwrap() };
    let list = [
        listed(11, "FB", "1.000"),
        listed(12, "HB", "0.500"),
        listed(13, "QB", "0.250"),
        listed(17, "PRO", "0.200"),
    ];
    for (code, id, score) in [
        ("hb", 12, 100),
        ("HBX", 12, 75),
        ("HALF BOX", 12, 75),
        ("Caja media", 12, 75),
        ("kwart", 13, 75),
        ("F", 11, 75),
    ] {
        let found = box_types(code, &list);
        assert_eq!(found.first().map(|s| (s.komet_id, s.score)), Some((id, score)), "{code}: {found:?}");
    }
    assert_eq!(box_types("ZZ", &list), []);
}
