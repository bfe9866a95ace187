use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, Value, json};
use reqwest::Method;

use super::{API, Gated, ask};

const READ_ONLY: &str = "You have read access but not the required permissions for this operation";

fn path(call: &str) -> String {
    format!("{API}/user-access-request/{call}")
}

/// Asks as people who are made for it.
async fn crowd(gated: &Gated, count: usize) -> Vec<Client> {
    let mut people = Vec::new();
    for number in 0..count {
        let person = gated.hub.user(&format!("person-{number:02}")).await;
        ask(&person).await;
        people.push(person);
    }
    people
}

#[tokio::test]
async fn errors_are_worded_as_clients_know_them() {
    let gated = Gated::start().await;
    let said = async |call: &str, body: Value, status: u16| {
        gated.ada.post_json(&path(call), &body, status).await["error"].as_str().unwrap().to_owned()
    };
    let accept = |user: &str| json!({ "user": user, "status": "accepted" });
    assert_eq!(said("handle", accept("nobody"), 404).await, "User not found");
    let none = "No access request found matching your criteria";
    assert_eq!(said("handle", accept("bob"), 404).await, none);
    assert_eq!(said("handle", json!({ "requestId": "0".repeat(24), "status": "accepted" }), 404).await, none);
    ask(&gated.bob).await;
    assert_eq!(said("handle", json!({ "user": "bob", "status": "pending" }), 404).await, none);
    gated.decide("BOB", "accepted").await;
    assert_eq!(said("handle", accept("bob"), 404).await, none);
    assert_eq!(said("grant", json!({ "user": "bob" }), 400).await, "That user already has access to the repo");
    assert_eq!(said("grant", json!({ "user": "ada" }), 400).await, "That user already has access to the repo");
    assert_eq!(said("grant", json!({ "user": "nobody" }), 404).await, "User not found");
    assert_eq!(said("grant", json!({ "user": "acme" }), 404).await, "User not found");
    for body in [
        json!({ "user": "bob" }),
        json!({ "user": "bob", "status": "granted" }),
        json!({ "status": "rejected" }),
        json!({ "user": "bob", "requestId": "x", "status": "rejected" }),
        json!({ "user": "bob", "status": "pending", "rejectionReason": "No" }),
        json!({ "user": "bob", "status": "rejected", "rejectionReason": "x".repeat(201) }),
    ] {
        gated.ada.post_json(&path("handle"), &body, 400).await;
    }
    for list in ["granted", "pending?limit=0", "pending?limit=1001", "pending?limit=x", "pending?cursor=x"] {
        gated.ada.get(&path(list), 400).await;
    }
    for (call, body) in
        [("handle", accept("bob")), ("grant", json!({ "user": "bob" })), ("batch", json!({ "status": "accepted" }))]
    {
        let refused = gated.bob.post_json(&path(call), &body, 403).await;
        assert!(refused["error"].as_str().unwrap().starts_with(READ_ONLY), "{refused}");
    }
    gated.gate(json!(false)).await;
    // The list is kept.
    assert_eq!(gated.list("accepted").await, ["bob"]);
    let response = gated.ada.send(gated.ada.request(Method::POST, &path("handle")).json(&accept("bob")), 400).await;
    assert_eq!(response.headers()["x-error-code"], "RepoNotGated");
    assert_eq!(said("grant", json!({ "user": "bob" }), 400).await, "model acme/gated is not gated");
    gated.ada.create_repo("model", "acme/open", false).await;
    let response = gated.ada.get("/api/models/acme/open/user-access-request/pending", 400).await;
    assert_eq!(response.headers()["x-error-code"], "RepoNotGated");
    gated.hub.stop().await;
}

#[tokio::test]
async fn those_decide_who_may_write() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    let (writer, reader) = (gated.hub.account("writer").await, gated.hub.account("reader").await);
    let pk = sqlx::query_scalar::<_, i64>("select namespace_pk from namespaces where name = 'acme'");
    let acme = pk.fetch_one(&gated.hub.app().pool).await.unwrap();
    let mut conn = gated.hub.app().pool.acquire().await.unwrap();
    for (user, role) in [(&writer, OrgRole::Write), (&reader, OrgRole::Read)] {
        hub::accounts::queries::upsert_member(&mut conn, acme, user.pk, role).await.unwrap();
    }
    drop(conn);
    let body = json!({ "user": "bob", "status": "accepted" });
    let by_reader = gated.hub.token(&reader, TokenRole::Write).await;
    by_reader.post_json(&path("handle"), &body, 403).await;
    by_reader.get(&path("pending"), 403).await;
    let weak = gated.hub.token(&writer, TokenRole::Read).await.post_json(&path("handle"), &body, 403).await;
    assert!(weak["error"].as_str().unwrap().contains("the role `write`"), "{weak}");
    gated.hub.token(&writer, TokenRole::Write).await.post_json(&path("handle"), &body, 200).await;
    let item = gated.ada.get_json(&path("accepted"), 200).await[0].clone();
    assert_eq!(item["grantedBy"]["user"], "writer");
    // Whoever was let in decides nothing.
    gated.bob.get(&path("accepted"), 403).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn people_are_let_in_without_asking() {
    let gated = Gated::start().await;
    assert_eq!(gated.ada.post_json(&path("grant"), &json!({ "user": "Bob" }), 200).await, json!({}));
    gated.bob.get("/acme/gated/resolve/main/data.txt", 200).await;
    let item = gated.ada.get_json(&path("accepted"), 200).await[0].clone();
    assert!(item["user"].get("email").is_none() && item.get("fields").is_none(), "he shared nothing: {item}");
    // Who asked and is let in by name has shared it.
    let dave = gated.hub.user("dave").await;
    ask(&dave).await;
    gated.ada.post_json(&path("grant"), &json!({ "user": "dave" }), 200).await;
    let item = gated.ada.get_json(&path("accepted"), 200).await[0].clone();
    assert_eq!((&item["user"]["user"], &item["user"]["email"]), (&json!("dave"), &json!("dave@example.org")));
    gated.decide("bob", "rejected").await;
    gated.bob.get("/acme/gated/resolve/main/data.txt", 403).await;
    gated.ada.post_json(&path("grant"), &json!({ "user": "bob" }), 200).await;
    assert_eq!((gated.list("rejected").await.len(), gated.list("accepted").await.len()), (0, 2));
    gated.hub.stop().await;
}

#[tokio::test]
async fn lists_go_on_page_by_page_and_are_searched() {
    let gated = Gated::start().await;
    crowd(&gated, 7).await;
    let mut names = Vec::new();
    let mut next = Some(gated.ada.url(&path("pending?limit=3")));
    while let Some(url) = next {
        let response = gated.ada.get_url(&url).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned());
        let page: Vec<Value> = response.json().await.unwrap();
        assert!(page.len() <= 3 && !page.is_empty());
        names.extend(page.iter().map(|item| item["user"]["user"].as_str().unwrap().to_owned()));
    }
    let expected: Vec<String> = (0..7).rev().map(|number| format!("person-{number:02}")).collect();
    assert_eq!(names, expected, "the newest first, each once");
    let found = gated.ada.get_json(&path("pending?q=ON-05"), 200).await;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["user"]["user"]), (1, &json!("person-05")));
    gated.hub.stop().await;
}

#[tokio::test]
async fn several_are_decided_about_at_once() {
    let gated = Gated::start().await;
    let people = crowd(&gated, 3).await;
    let pending = gated.ada.get_json(&path("pending"), 200).await;
    let id = pending[2]["requestId"].clone();
    let requests = json!([{ "requestId": id }, { "user": "person-01" }, { "user": "nobody" }, { "user": "bob" }]);
    let body = json!({ "status": "rejected", "rejectionReason": "Not now", "requests": requests });
    let results = gated.ada.post_json(&path("batch"), &body, 200).await;
    let none = "No access request found matching your criteria";
    assert_eq!(
        results,
        json!([
            { "requestId": id, "success": true },
            { "user": "person-01", "success": true },
            { "user": "nobody", "success": false, "error": "User not found" },
            { "user": "bob", "success": false, "error": none },
        ])
    );
    assert_eq!(
        (gated.list("rejected").await, gated.list("pending").await),
        (vec!["person-01".into(), "person-00".into()], vec!["person-02".to_owned()])
    );
    people[0].get("/acme/gated/resolve/main/data.txt", 403).await;
    let many: Vec<Value> = (0..101).map(|number| json!({ "user": format!("person-{number}") })).collect();
    gated.ada.post_json(&path("batch"), &json!({ "status": "accepted", "requests": many }), 400).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn the_report_has_everybody() {
    let gated = Gated::start().await;
    let empty = gated.ada.get("/acme/gated/user-access-report", 200).await;
    assert_eq!(empty.json::<Value>().await.unwrap(), json!([]));
    crowd(&gated, 3).await;
    gated.decide("person-01", "accepted").await;
    gated.decide("person-02", "rejected").await;
    gated.ada.post_json(&path("grant"), &json!({ "user": "bob" }), 200).await;
    let response = gated.ada.get("/acme/gated/user-access-report", 200).await;
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment;") && disposition.contains("user-access-report-acme-gated.json"),
        "{disposition}"
    );
    let rows: Vec<Value> = response.json().await.unwrap();
    let of = |row: &Value| {
        (row["user"].as_str().unwrap().to_owned(), row["status"].as_str().unwrap().to_owned(), row["email"].is_string())
    };
    let found: Vec<_> = rows.iter().map(of).collect();
    let row = |user: &str, status: &str, email| (user.to_owned(), status.to_owned(), email);
    assert_eq!(
        found,
        [
            row("person-00", "pending", true),
            row("bob", "accepted", false),
            row("person-01", "accepted", true),
            row("person-02", "rejected", true)
        ]
    );
    assert!(rows[0]["reviewedAt"].is_null() && rows[1]["reviewedAt"].is_string() && rows[0]["time"].is_string(), "{rows:?}");
    assert_eq!(rows[0]["fields"]["Company"], "Acme");
    let csv = "/acme/gated/user-access-report?format=csv";
    for path in ["/acme/gated/user-access-report", csv] {
        gated.bob.get(path, 403).await;
    }
    // For spreadsheets: a column for each question, and no formulas.
    let harm = "update access_requests set answers = answers || '{\"=cmd\": \"=1+1, \\\"x\\\"\"}'
                where user_pk = (select user_pk from users where email like 'person-02@%')";
    gated.hub.sql(harm).await;
    let response = gated.ada.get(csv, 200).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").contains("user-access-report-acme-gated.csv"));
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    let text = response.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let fixed = "\"fullname\",\"user\",\"email\",\"time\",\"status\",\"reviewedAt\",\"rejectionReason\"";
    assert_eq!(lines[0], format!("{fixed},\"'=cmd\",\"Company\",\"Country\",\"I agree\",\"Where\""));
    assert_eq!(lines.len(), 5, "{text}");
    assert!(
        lines[1].contains("\"person-00@example.org\"")
            && lines[1].contains("\"pending\",\"\",\"\",\"\",\"Acme\",\"France\",\"true\","),
        "{text}"
    );
    assert!(lines[2].contains("\"bob\",\"\",") && lines[2].ends_with(",\"\",\"\",\"\",\"\",\"\""), "{text}");
    assert!(lines[4].contains("\"'=1+1, \"\"x\"\"\",\"Acme\""), "{text}");
    gated.ada.get("/acme/gated/user-access-report?format=xlsx", 400).await;
    gated.hub.stop().await;
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let gated = Gated::start().await;
    for round in 0..5 {
        let name = format!("racer-{round}");
        ask(&gated.hub.user(&name).await).await;
        let handle = |status: &'static str| {
            let body = json!({ "user": name, "status": status });
            gated.ada.request(Method::POST, &path("handle")).json(&body).send()
        };
        let grant = gated.ada.request(Method::POST, &path("grant")).json(&json!({ "user": name })).send();
        let (one, other, third) = tokio::join!(handle("accepted"), handle("accepted"), grant);
        let statuses = [one, other, third].map(|answer| answer.unwrap().status().as_u16());
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 400, 404].contains(status)), "{statuses:?}");
        let (one, other) = tokio::join!(handle("rejected"), handle("pending"));
        let statuses = [one, other].map(|answer| answer.unwrap().status().as_u16());
        assert_eq!(statuses, [200, 200], "they differ, so each changes something");
    }
    // Two who choose the same people in different orders do not wait for each other.
    crowd(&gated, 4).await;
    let batch = |status: &'static str, order: [u8; 4]| {
        let requests: Vec<Value> = order.iter().map(|number| json!({ "user": format!("person-{number:02}") })).collect();
        gated.ada.request(Method::POST, &path("batch")).json(&json!({ "status": status, "requests": requests })).send()
    };
    let (one, other) = tokio::join!(batch("accepted", [0, 1, 2, 3]), batch("rejected", [3, 2, 1, 0]));
    assert_eq!([one, other].map(|answer| answer.unwrap().status().as_u16()), [200, 200]);
    let (accepted, rejected) = (gated.list("accepted").await, gated.list("rejected").await);
    let persons = |list: &[String]| list.iter().filter(|name| name.starts_with("person")).count();
    assert!(matches!((persons(&accepted), persons(&rejected)), (4, 0) | (0, 4)), "{accepted:?} {rejected:?}");
    gated.hub.stop().await;
}

#[tokio::test]
async fn what_is_being_deleted_is_let_go() {
    let gated = Gated::start().await;
    for round in 0..4 {
        let id = format!("acme/gone-{round}");
        let api = format!("/api/models/{id}");
        gated.ada.create_repo("model", &id, false).await;
        gated.ada.call(Method::PUT, &format!("{api}/settings"), &json!({ "gated": "manual" }), 200).await;
        gated.bob.send(gated.bob.request(Method::POST, &format!("/{id}/ask-access")), 303).await;
        let deletion = json!({ "organization": "acme", "name": format!("gone-{round}") });
        let delete = gated.ada.request(Method::DELETE, "/api/repos/delete").json(&deletion).send();
        let body = json!({ "user": "bob", "status": "accepted" });
        let accept = gated.ada.request(Method::POST, &format!("{api}/user-access-request/handle")).json(&body).send();
        let again = gated.hub.user(&format!("late-{round}")).await;
        let late = again.request(Method::POST, &format!("/{id}/ask-access")).send();
        let (deleted, accepted, asked) = tokio::join!(delete, accept, late);
        assert_eq!(deleted.unwrap().status(), 200);
        let (accepted, asked) = (accepted.unwrap().status().as_u16(), asked.unwrap().status().as_u16());
        assert!(matches!(accepted, 200 | 404) && matches!(asked, 303 | 404 | 410), "{accepted} {asked}");
        gated.bob.get(&format!("/{id}/resolve/main/README.md"), 404).await;
    }
    // An account that goes while somebody lets it in: the one waits for the other.
    let gone = gated.hub.account("leaver").await;
    let mut tx = gated.hub.app().begin().await.unwrap();
    sqlx::query("delete from users where user_pk = $1").bind(gone.pk).execute(&mut *tx).await.unwrap();
    let grant = gated.ada.request(Method::POST, &path("grant")).json(&json!({ "user": "leaver" })).send();
    let (granted, committed) = tokio::join!(grant, async {
        let waits =
            "select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        let waits = async || sqlx::query_scalar::<_, bool>(waits).fetch_one(&gated.hub.app().pool).await.unwrap();
        hub_tests::until("the grant waits", waits).await;
        tx.commit().await
    });
    committed.unwrap();
    assert!(matches!(granted.unwrap().status().as_u16(), 400 | 404));
    assert_eq!(gated.list("accepted").await.len(), 0);
    gated.hub.stop().await;
}
