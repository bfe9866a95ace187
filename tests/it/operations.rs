//! What operators rely on: health, metrics, roles, seeds, the stop.

use std::path::Path;

use hub::admin::{fsck, seed, synth};
use hub::config::Role;
use hub_tests::{Client, TestHub};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn metrics(client: &Client) -> String {
    client.get("/metrics", 200).await.text().await.unwrap()
}

#[tokio::test]
async fn a_hub_that_serves_is_healthy_and_ready() {
    let hub = TestHub::start().await;
    let anyone = hub.anonymous();
    assert_eq!(anyone.get("/healthz", 200).await.text().await.unwrap(), "ok\n");
    let report = anyone.get_json("/readyz", 200).await;
    assert_eq!(report["ready"], true);
    for part in ["database", "migrations", "store"] {
        assert_eq!(report[part], "ok", "{part}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_without_its_database_is_healthy_but_not_ready() {
    let hub = TestHub::start().await;
    hub.app().pool.close().await;
    hub.anonymous().get("/healthz", 200).await;
    let report = hub.anonymous().get_json("/readyz", 503).await;
    assert_eq!((&report["database"], &report["store"]), (&"failed".into(), &"ok".into()));
    hub.stop().await;
}

/// The doctor's mirror reads large bodies and answers slowly: only for who has a ticket, signed and not too old.
#[tokio::test]
async fn the_mirror_answers_nobody_without_a_ticket() {
    let hub = TestHub::start().await;
    let ticket = |secs: i64, purpose: &str| {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let ends = now.saturating_add_signed(secs).to_string();
        format!("{ends}.{}", hub.app().signer.sign(purpose, &ends))
    };
    for (ticket, status) in [
        (ticket(60, "doctor"), 200),
        (ticket(-1, "doctor"), 404),
        (ticket(60, "csrf"), 404),
        (format!("9{}", ticket(60, "doctor")), 404),
        ("x".to_owned(), 404),
    ] {
        let anyone = hub.anonymous();
        anyone.get(&format!("/api/doctor/{ticket}/seen/a%2Fb"), status).await;
        let request = anyone.request(reqwest::Method::POST, &format!("/api/doctor/{ticket}/body")).body("12345");
        let seen: serde_json::Value = anyone.send(request, status).await.json().await.unwrap();
        assert_eq!(seen["bytes"] == 5, status == 200, "{seen}");
        anyone.get(&format!("/api/doctor/{ticket}/slow"), status).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_whose_store_is_gone_is_not_ready() {
    let hub = TestHub::start().await;
    let hub::app::App { config, .. } = hub.app();
    // A file where the store's folder was: nothing can be written, not even by root.
    let folder = config.data_dir.join("store");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    let report = hub.anonymous().get_json("/readyz", 503).await;
    assert_eq!((&report["database"], &report["store"]), (&"ok".into(), &"failed".into()));
    hub.stop().await;
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.get("/api/whoami-v2", 200).await;
    hub.anonymous().get("/api/whoami-v2", 401).await;
    let text = metrics(&hub.anonymous()).await;
    for line in [
        r#"hub_http_requests_total{method="GET",route="/api/whoami-v2",status="200"} 1"#,
        r#"hub_http_requests_total{method="GET",route="/api/whoami-v2",status="401"} 1"#,
        r#"hub_http_request_duration_seconds_count{method="GET",route="/api/whoami-v2"} 2"#,
        "hub_http_requests_in_flight 1",
        r#"hub_jobs{state="dead"} 0"#,
        "hub_webhook_deliveries_waiting 0",
        "hub_webhook_overdue_seconds 0",
        r#"hub_webhooks_disabled{because="failing"} 0"#,
        "hub_clock_ahead_seconds ",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert!(text.contains("hub_database_connections{state=\"idle\"}"));
    hub.stop().await;
}

#[tokio::test]
async fn metrics_are_not_for_strangers() {
    let hub = TestHub::start().await;
    let anyone = hub.anonymous();
    let passed_on = anyone.request("GET".parse().unwrap(), "/metrics").header("X-Forwarded-For", "203.0.113.9");
    anyone.send(passed_on, 404).await;
    hub.stop().await;

    let hub = TestHub::start_with(|config| config.metrics_token = Some("let me see".to_owned().into())).await;
    hub.anonymous().get("/metrics", 404).await;
    hub.with_token("let me").get("/metrics", 404).await;
    metrics(&hub.with_token("let me see")).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_process_for_jobs_serves_health_and_nothing_else() {
    let hub = TestHub::start_with(|config| config.role = Role::Jobs).await;
    hub.anonymous().get("/readyz", 200).await;
    metrics(&hub.anonymous()).await;
    hub.anonymous().get("/api/whoami-v2", 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_process_for_jobs_hears_of_work_that_another_node_adds() {
    let hub = TestHub::start_with(|config| config.role = Role::Web).await;
    let mut config = hub.app().config.as_ref().clone();
    config.role = Role::Jobs;
    let worker = hub::start(config, std::net::TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap();
    let database = &hub.app().pool;
    let listening = "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen %'";
    while sqlx::query_scalar::<_, i64>(listening).fetch_one(database).await.unwrap() == 0 {}
    // By polling alone, each round but the first takes the five seconds that it waits after the round before.
    let mut quickest = std::time::Duration::MAX;
    for round in 0..5 {
        let mut conn = database.acquire().await.unwrap();
        hub::jobs::Job::ReadHeaders { repo_pk: -1 }.enqueue(&mut conn).await.unwrap();
        let added = std::time::Instant::now();
        while hub::jobs::queries::count(database).await.unwrap() != (0, 0) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        if round > 0 {
            quickest = quickest.min(added.elapsed());
        }
    }
    assert!(quickest.as_secs() < 3, "{quickest:?}");
    worker.stop().await;
    hub.stop().await;
}

#[tokio::test]
async fn a_request_that_is_dropped_while_it_begins_leaves_no_transaction() {
    let hub = TestHub::start_with(|config| config.database_max_connections = 2).await;
    let pool = &hub.app().pool;
    for micros in 0..300 {
        let patience = std::time::Duration::from_micros(micros * 5);
        if let Ok(begun) = tokio::time::timeout(patience, hub::db::begin(pool)).await {
            begun.unwrap().rollback().await.unwrap();
        }
        let status = "select now() = statement_timestamp()";
        let row = sqlx::raw_sql(status).fetch_one(pool).await.unwrap();
        assert!(sqlx::Row::get::<bool, _>(&row, 0), "after {micros}");
    }
    hub.stop().await;
}

const SEED: &str = r#"
[[users]]
name = "ada"
email = "ada@example.org"
password = "correct horse"
fullname = "Ada Lovelace"
admin = true
tokens = [{ name = "laptop", token = "hf_seeded_for_ada", role = "write" }]

[[users]]
name = "bob"
email = "bob@example.org"
password = "correct horse"
tokens = [{ name = "look", token = "hf_seeded_for_bob", role = "read" }]

[[organizations]]
name = "acme"
fullname = "Acme Research"
default_visibility = "private"
members = [{ user = "ada", role = "admin" }, { user = "bob", role = "read" }]
"#;

async fn plant(hub: &TestHub, text: &str) -> Result<Vec<String>, String> {
    let seed = seed::parse(text, Path::new("seed.toml"))?;
    seed::plant(hub.app(), &seed).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_seed_makes_what_it_lists_and_only_once() {
    let hub = TestHub::start().await;
    assert_eq!(plant(&hub, SEED).await.unwrap().len(), 5);
    assert_eq!(plant(&hub, SEED).await.unwrap(), Vec::<String>::new());
    let ada = hub.with_token("hf_seeded_for_ada").get_json("/api/whoami-v2", 200).await;
    assert_eq!((&ada["fullname"], &ada["isAdmin"]), (&"Ada Lovelace".into(), &true.into()));
    assert_eq!(ada["orgs"][0]["fullname"], "Acme Research");
    let bob = hub.with_token("hf_seeded_for_bob").get_json("/api/whoami-v2", 200).await;
    assert_eq!((&bob["isAdmin"], &bob["orgs"][0]["roleInOrg"]), (&false.into(), &"read".into()));
    assert_eq!(bob["auth"]["accessToken"]["role"], "read");

    let changed = SEED.replace("Acme Research", "Acme Inc.");
    assert_eq!(plant(&hub, &changed).await.unwrap(), ["updated organization acme"]);
    hub.stop().await;
}

#[tokio::test]
async fn a_seed_that_cannot_be_planted_says_which_entry() {
    let hub = TestHub::start().await;
    for (text, part) in [
        (SEED.replace("\"ada\"\nemail", "\"api\"\nemail"), "user `api`"),
        (SEED.replace("hf_seeded_for_bob", "secret"), "token `look` of `bob`"),
        (SEED.replace("hf_seeded_for_bob", "hf_seeded_for_ada"), "belongs to another user"),
        (SEED.replace("user = \"bob\"", "user = \"eve\""), "there is no user `eve`"),
        (SEED.replace("\"private\"", "\"secret\""), "public or private"),
    ] {
        let error = plant(&hub, &text).await.unwrap_err();
        assert!(error.contains(part), "{part} is not in: {error}");
        assert!(!error.contains("hf_seeded"), "{error}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_stop_lets_a_request_in_hand_finish_and_takes_no_new_one() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let (base, token) = (hub.base().to_owned(), ada.token().to_owned());
    let mut line = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
    let body = r#"{"type": "model", "name": "in-hand"}"#;
    let head = format!(
        "POST /api/repos/create HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(10);
    line.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
    // The request is in hand when the hub says so; the other one asks.
    let asked = std::time::Instant::now();
    while !metrics(&hub.anonymous()).await.contains("hub_http_requests_in_flight 2") {
        assert!(asked.elapsed().as_secs() < 60, "the request never arrived");
    }

    let finish = async {
        // The hub has closed its door when nobody can connect any more.
        while TcpStream::connect(base.trim_start_matches("http://")).await.is_ok() {
            tokio::task::yield_now().await;
        }
        line.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let ((), answer) = tokio::join!(hub.stop(), finish);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("in-hand"), "{answer}");
}

#[tokio::test]
async fn invented_repositories_are_found_and_open_like_real_ones() {
    let hub = TestHub::start().await;
    hub.user("ada").await;
    let counts = synth::Counts { models: 300, datasets: 60, spaces: 20 };
    synth::write(hub.app(), "ada", counts, 1, drop).await.unwrap();
    assert_eq!(hub.count("repos").await, 383, "those asked for, and three patterns");
    synth::write(hub.app(), "ADA", counts, 1, drop).await.unwrap();
    assert_eq!(hub.count("repos").await, 383, "the same ones again are there already");
    hub.indexed().await;

    let anyone = hub.anonymous();
    let found = anyone.get_json("/api/models?limit=1000&full=true&cardData=true", 200).await;
    let model = found.as_array().unwrap().iter().find(|model| model["cardData"]["license"] == "mit").unwrap();
    let id = model["id"].as_str().unwrap();
    assert!(model["tags"].as_array().unwrap().contains(&"license:mit".into()));
    anyone.get(&format!("/{id}"), 200).await;
    let info = anyone.get_json(&format!("/api/models/{id}"), 200).await;
    assert_eq!(info["siblings"][1]["rfilename"], "README.md");
    let readme = anyone.get(&format!("/{id}/resolve/main/README.md"), 200).await.text().await.unwrap();
    assert!(readme.contains("# Invented"));
    let name = id.split('/').nth(1).unwrap();
    assert!(anyone.get(&format!("/models?q={name}"), 200).await.text().await.unwrap().contains(id));
    assert!(fsck::check(hub.app(), None, fsck::Depth::Bytes, drop).await.unwrap().problems == 0);

    let nobody = synth::write(hub.app(), "nobody", counts, 1, drop).await.unwrap_err();
    assert_eq!(nobody.to_string(), "There is no account `nobody`.");
    hub.stop().await;
}
