//! The four maps: seen, edited, imported and exported.

use stemsync::domain::MapKind;
use stemsync::store::maps;

use crate::site::Site;

async fn on_file(site: &Site, kind: MapKind) -> Vec<(String, i64)> {
    site.link.engine.store.read(move |conn| maps::list(conn, kind)).await.unwrap()
}

#[tokio::test]
async fn each_map_is_set_changed_and_removed() {
    let site = Site::start().await;
    let admin = site.admin().await;
    for kind in MapKind::ALL {
        let path = format!("/maps/{}", kind.name());
        admin.get(&path).await.says("This map is empty");
        assert_eq!(
            admin.post(&path, &[("code", " A/1 é "), ("komet_id", " 7 ")]).await.location(),
            format!("{path}?done=set")
        );
        assert_eq!(on_file(&site, kind).await, [("A/1 é".to_owned(), 7)]);
        admin.get(&path).await.says("A/1 é").says("1 code");
        admin.post(&path, &[("code", "A/1 é"), ("komet_id", "8")]).await;
        assert_eq!(on_file(&site, kind).await, [("A/1 é".to_owned(), 8)]);
        let removed = admin.post(&path, &[("code", "A/1 é"), ("komet_id", "8"), ("remove", "1")]).await;
        assert_eq!(removed.location(), format!("{path}?done=removed"));
        assert!(on_file(&site, kind).await.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_what_is_allowed() {
    let site = Site::start().await;
    let admin = site.admin().await;
    for (code, id, told) in [
        ("", "7", "expected a code as Axerrio writes it"),
        ("A\u{0}", "7", "expected a code as Axerrio writes it"),
        ("A", "", "expected a whole number from 1 on"),
        ("A", "0", "expected a whole number from 1 on"),
        ("A", "1.5", "expected a whole number from 1 on"),
        ("A", "99999999999999999999", "expected a whole number from 1 on"),
    ] {
        let answer = admin.post("/maps/product", &[("code", code), ("komet_id", id)]).await;
        assert_eq!(answer.status, 400, "{code:?} {id:?}");
        answer.says(told);
    }
    for path in ["/maps/foo", "/maps/Product", "/maps/foo.csv", "/maps/.csv"] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.says("There are four: product, customer, carrier and box-type");
    }
    assert_eq!(admin.post("/maps/foo", &[("code", "A"), ("komet_id", "1")]).await.status, 404);
    assert_eq!(admin.upload("/maps/foo/import", b"axerrio_code,komet_id\nA,1\n").await.status, 404);
    assert!(on_file(&site, MapKind::Product).await.is_empty());
}

#[tokio::test]
async fn a_csv_is_taken_whole_or_its_bad_rows_are_told() {
    let site = Site::start().await;
    let admin = site.admin().await;
    let good = "axerrio_code,komet_id\r\nROS-60,915\r\n\"A,\"\"B\"\"\",7\r\n";
    let answer = admin.upload("/maps/carrier/import", good.as_bytes()).await;
    assert_eq!(answer.location(), "/maps/carrier?done=imported&codes=2&changed=2");
    admin.get(answer.location()).await.says("2 codes imported, 2 of them new or changed.").says("A,\"B\"");

    let csv = admin.get("/maps/carrier.csv").await;
    assert_eq!((csv.status, csv.header("content-type").unwrap()), (200, "text/csv; charset=utf-8"));
    assert_eq!(csv.body, "axerrio_code,komet_id\n\"A,\"\"B\"\"\",7\nROS-60,915\n");
    let again = admin.upload("/maps/carrier/import", csv.body.as_bytes()).await;
    assert_eq!(again.location(), "/maps/carrier?done=imported&codes=2&changed=0");

    let bad = admin.upload("/maps/carrier/import", b"axerrio_code,komet_id\nC,1\nD,x\nC,2\n").await;
    assert_eq!(bad.status, 400);
    bad.says("Nothing was imported").says("row 3: komet_id: found \"x\"").says("row 4: C stands in row 2 already");
    assert_eq!(on_file(&site, MapKind::Carrier).await.len(), 2);
    for nonsense in [&b""[..], b"PK\x03\x04", b"axerrio_code;komet_id\nA;1\n"] {
        assert_eq!(admin.upload("/maps/carrier/import", nonsense).await.status, 400);
    }
    assert_eq!(admin.post("/maps/carrier/import", &[("csv", "axerrio_code,komet_id\nA,1\n")]).await.status, 400);
}

#[tokio::test]
async fn a_large_map_is_paged_and_searched() {
    let site = Site::start().await;
    let rows: Vec<_> = (1..=250).map(|n| (format!("CODE-{n:03}"), n)).collect();
    site.link.engine.store.write(move |conn| maps::import(conn, MapKind::Product, &rows)).await.unwrap();
    let anybody = site.anybody();
    anybody
        .get("/maps/product")
        .await
        .says("250 codes")
        .says("Page 1 of 3")
        .says("CODE-100")
        .keeps_quiet_of("CODE-101");
    anybody.get("/maps/product?page=3").await.says("CODE-250");
    anybody.get("/maps/product?q=code-24").await.says("10 codes").keeps_quiet_of("Page 1");
    anybody.get("/maps/product?q=nothing").await.says("Nothing fits");
    for page in ["0", "-1", "x", "99"] {
        assert_eq!(anybody.get(&format!("/maps/product?page={page}")).await.status, 200, "{page}");
    }
}

#[tokio::test]
async fn customers_codes_are_for_whoever_is_logged_in_and_so_are_the_forms() {
    let site = Site::start().await;
    let write = |conn: &stemsync::store::Connection| {
        maps::set(conn, MapKind::Customer, "ROSEMART", 4711)?;
        maps::set(conn, MapKind::Product, "ROS-60", 915)
    };
    site.link.engine.store.write(write).await.unwrap();
    let anybody = site.anybody();
    anybody
        .get("/maps/customer")
        .await
        .says("for whoever is logged in")
        .keeps_quiet_of("ROSEMART")
        .keeps_quiet_of("4711");
    anybody.get("/maps/customer?code=ROSEMART").await.keeps_quiet_of("4711");
    assert_eq!(anybody.get("/maps/customer.csv").await.status, 403);
    let products = anybody.get("/maps/product").await;
    products.says("ROS-60").says("915").keeps_quiet_of("method=\"post\"");
    assert_eq!(anybody.post("/maps/product", &[("code", "A"), ("komet_id", "1")]).await.status, 403);
    assert_eq!(anybody.upload("/maps/product/import", b"axerrio_code,komet_id\nA,1\n").await.status, 403);
    assert_eq!(on_file(&site, MapKind::Product).await.len(), 1);
    site.admin().await.get("/maps/customer").await.says("ROSEMART");
}

#[tokio::test]
async fn every_field_has_a_label_of_its_own() {
    let site = Site::start().await;
    let write = |conn: &stemsync::store::Connection| {
        maps::set(conn, MapKind::Product, "ROS-60", 915)?;
        maps::set(conn, MapKind::Product, "ROS 70", 916)
    };
    site.link.engine.store.write(write).await.unwrap();
    let page = site.admin().await.get("/maps/product?code=ROS-60&q=r").await;
    page.says("Komet id of ROS-60").says("Komet id of ROS 70");
    let fields = page.body.split("<input ").skip(1).filter(|field| !field.contains("type=\"hidden\""));
    let mut labelled = Vec::new();
    for field in fields.map(|field| field.split('>').next().unwrap()) {
        let id = field
            .split("id=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_else(|| panic!("{field}"));
        assert_eq!(page.body.matches(&format!("for=\"{id}\"")).count(), 1, "{field}");
        assert_eq!(page.body.matches(&format!(" id=\"{id}\"")).count(), 1, "{field}");
        labelled.push(id);
    }
    assert_eq!(labelled, ["code", "other", "new-code", "new-id", "q", "id-0", "id-1", "csv"]);
}
