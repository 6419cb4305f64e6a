//! `yinke up` with a PostgreSQL and a Redis behind it.

use crate::support::{http, up, wait_for};
use crate::up::{audit, explanation, order, small_world, tap};

/// A database of its own on the test server, dropped at the end.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn create() -> Self {
        let server =
            std::env::var("YINKE_TEST_POSTGRES_URL").expect("YINKE_TEST_POSTGRES_URL names the test server");
        let name = format!("yinke_up_{}", std::process::id());
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Self { server, name }
    }

    fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).unwrap();
        url.set_path(&self.name);
        url.to_string()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut client) = postgres::Client::connect(&self.server, postgres::NoTls) {
            let _ = client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

#[test]
#[ignore = "needs a server: cargo xtask test starts it"]
fn a_tap_becomes_money_on_postgresql_and_redis_hears_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::create();
    let redis = std::env::var("YINKE_TEST_REDIS_URL").expect("YINKE_TEST_REDIS_URL names a redis-server");
    let data = dir.path().join("data");
    let more = ["--postgres", &database.url(), "--redis", &redis];
    let first = up(&data, &more);
    assert!(!data.join("core.sqlite").exists());
    let code = small_world(&first, dir.path());
    let location = tap(&first, &code).header("location").to_owned();
    order(&first, "o-1", location.split_once("yk_click=").unwrap().1);
    let explained = explanation(&first, "o-1");
    assert_eq!(audit(&first)["clicks"]["gaps"], 0);
    wait_for("Redis has the claim", || {
        let metrics = http("GET", &format!("{}/metrics", first.admin), &[], "").body;
        let records = metrics.lines().filter(|l| l.starts_with("yinke_redis_records_total"));
        let written = records.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).any(|n| n > 0.0);
        written.then_some(())
    });
    assert_eq!(first.stop().0, 0);
    let second = up(&data, &more);
    assert_eq!(explanation(&second, "o-1"), explained);
    assert_eq!(second.stop().0, 0);
}
