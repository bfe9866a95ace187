//! Decisions that are taken back: the request stands again as it did, unless something came in between.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Value, json};
use reqwest::Method;

use super::{API, Gated, ask};
use crate::outbox::{mails, outbox, the_mail};
use crate::pages::browser::Browser;

const REQUESTS: &str = "/acme/gated/settings/access-requests";
const DATA: &str = "/acme/gated/resolve/main/data.txt";

/// The newest change.
async fn last(gated: &Gated) -> Value {
    gated.ada.get_json(&format!("{API}/changes"), 200).await[0].clone()
}

async fn undo(gated: &Gated, id: &Value, status: u16) -> Value {
    gated.ada.post_json(&format!("{API}/changes/{id}/undo"), &json!({}), status).await
}

/// Everything that is stored of bob's request, as text.
async fn stored(gated: &Gated) -> Option<String> {
    let sql = "select (to_jsonb(a) - 'told_at')::text from access_requests a join namespaces n on n.namespace_pk = a.user_pk where n.name = 'bob'";
    sqlx::query_scalar(sql).fetch_optional(&gated.hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn a_request_stands_again_as_it_did() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    let waiting = stored(&gated).await;
    let body = json!({ "user": "bob", "status": "rejected", "rejectionReason": "Say more." });
    gated.ada.post_json(&format!("{API}/user-access-request/handle"), &body, 200).await;
    let (rejected, first) = (stored(&gated).await, last(&gated).await);
    assert_eq!((&first["kind"], &first["summary"]), (&json!("decide_access"), &json!("Rejected the request of bob")));
    assert_eq!(first["details"]["after"]["reason"], "Say more.");
    gated.decide("bob", "accepted").await;
    gated.bob.get(DATA, 200).await;
    let second = last(&gated).await;

    // The later one first.
    let said = undo(&gated, &first["id"], 409).await["error"].as_str().unwrap().to_owned();
    assert!(said.starts_with("The request of bob was decided about again since"), "{said}");
    let said = undo(&gated, &second["id"], 200).await["message"].as_str().unwrap().to_owned();
    assert_eq!(said, "The request of bob is rejected again.");
    gated.bob.get(DATA, 403).await;
    assert_eq!(stored(&gated).await, rejected, "with its reason, who decided, and when");
    undo(&gated, &second["id"], 409).await;
    // That is a change as well.
    let redone = last(&gated).await;
    assert_eq!(redone["undoes"], second["id"]);
    undo(&gated, &redone["id"], 200).await;
    gated.bob.get(DATA, 200).await;
    undo(&gated, &first["id"], 409).await;
    undo(&gated, &last(&gated).await["id"], 200).await;
    undo(&gated, &first["id"], 200).await;
    assert_eq!(stored(&gated).await, waiting);
    gated.hub.stop().await;
}

#[tokio::test]
async fn decisions_are_forgotten_when_nobody_can_take_them_back() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    for (status, age) in [("accepted", 31), ("rejected", 29)] {
        gated.decide("bob", status).await;
        let sql = "update repo_changes set created_at = now() - make_interval(days => $1) where kind = 'decide_access'
                   and change_pk = (select max(change_pk) from repo_changes)";
        sqlx::query(sql).bind(age).execute(&gated.hub.app().pool).await.unwrap();
    }
    hub::repos::gating::forget_decisions(gated.hub.app()).await.unwrap();
    let left = gated.ada.get_json(&format!("{API}/changes"), 200).await;
    let told: Vec<&Value> = left.as_array().unwrap().iter().map(|change| &change["summary"]).collect();
    assert!(told.contains(&&json!("Rejected the request of bob")), "{left}");
    assert!(!told.contains(&&json!("Accepted the request of bob")), "{left}");
    gated.hub.stop().await;
}

#[tokio::test]
async fn who_was_let_in_by_name_is_removed_and_let_in_again() {
    let gated = Gated::start().await;
    let grant = json!({ "user": "bob" });
    gated.ada.post_json(&format!("{API}/user-access-request/grant"), &grant, 200).await;
    let granted = last(&gated).await;
    assert_eq!(granted["summary"], "Let bob in");
    undo(&gated, &granted["id"], 200).await;
    assert_eq!(stored(&gated).await, None);
    gated.bob.get(DATA, 403).await;
    // Two who do that at once do it once.
    let path = format!("{API}/changes/{}/undo", last(&gated).await["id"]);
    let (one, other) = tokio::join!(
        async { gated.ada.request(Method::POST, &path).json(&json!({})).send().await.unwrap().status().as_u16() },
        async { gated.ada.request(Method::POST, &path).json(&json!({})).send().await.unwrap().status().as_u16() },
    );
    assert_eq!((one.min(other), one.max(other)), (200, 409));
    gated.bob.get(DATA, 200).await;
    undo(&gated, &last(&gated).await["id"], 200).await;
    // Whoever asks meanwhile has a request of their own.
    let removed = last(&gated).await;
    ask(&gated.bob).await;
    let said = undo(&gated, &removed["id"], 409).await.to_string();
    assert!(said.contains("bob has asked meanwhile"), "{said}");
    // Who asked and was let in by name waits again.
    gated.ada.post_json(&format!("{API}/user-access-request/grant"), &grant, 200).await;
    undo(&gated, &last(&gated).await["id"], 200).await;
    assert_eq!(gated.list("pending").await, ["bob"]);
    gated.hub.stop().await;
}

#[tokio::test]
async fn what_is_gone_or_too_old_is_not_taken_back() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.decide("bob", "accepted").await;
    let accepted = last(&gated).await["id"].clone();
    gated.gate(json!(false)).await;
    let said = undo(&gated, &accepted, 409).await.to_string();
    assert!(said.contains("The gate is off"), "{said}");
    gated.gate(json!("manual")).await;
    gated.decide("bob", "pending").await;
    let reopened = last(&gated).await["id"].clone();
    gated.bob.post_json(&format!("{API}/user-access-request/cancel"), &json!({}), 200).await;
    let said = undo(&gated, &reopened, 409).await.to_string();
    assert!(said.contains("The request of bob is gone"), "{said}");
    ask(&gated.bob).await;
    undo(&gated, &reopened, 409).await;
    gated.decide("bob", "accepted").await;
    gated.hub.sql("update repo_changes set created_at = created_at - interval '31 days'").await;
    let said = undo(&gated, &last(&gated).await["id"], 409).await.to_string();
    assert!(said.contains("This could be undone until"), "{said}");
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    assert!(!ada.open(&format!("{REQUESTS}?status=accepted")).await.has("Take back"));
    gated.hub.stop().await;
}

#[tokio::test]
async fn whoever_decides_at_the_same_time_has_the_last_word() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.decide("bob", "accepted").await;
    let accepted = last(&gated).await["id"].clone();
    // Somebody is about to turn him down when the undo comes.
    let mut tx = gated.hub.app().begin().await.unwrap();
    sqlx::query("update access_requests set status = 'rejected', decided_at = now()").execute(&mut *tx).await.unwrap();
    let undoing = undo(&gated, &accepted, 409);
    let deciding = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        tx.commit().await.unwrap();
    };
    let (said, ()) = tokio::join!(undoing, deciding);
    assert!(said.to_string().contains("decided about again since"), "{said}");
    assert_eq!(gated.list("rejected").await, ["bob"]);

    // And through the front door, again and again: whatever comes first, the rejection stands.
    for _ in 0..5 {
        gated.decide("bob", "pending").await;
        gated.decide("bob", "accepted").await;
        let path = format!("{API}/changes/{}/undo", last(&gated).await["id"]);
        let (undone, ()) = tokio::join!(
            async { gated.ada.request(Method::POST, &path).json(&json!({})).send().await.unwrap().status().as_u16() },
            gated.decide("bob", "rejected"),
        );
        assert!([200, 409].contains(&undone), "{undone}");
        assert_eq!(gated.list("rejected").await, ["bob"]);
    }
    gated.hub.stop().await;
}

#[tokio::test]
async fn people_hear_of_it_as_they_do_of_decisions() {
    let gated = Gated::start().await;
    gated.hub.sql("update users set email_confirmed_at = now() where email like 'bob@%'").await;
    ask(&gated.bob).await;
    gated.decide("bob", "rejected").await;
    mails(&gated.hub, 1).await;
    undo(&gated, &last(&gated).await["id"], 200).await;
    gated.decide("bob", "accepted").await;
    let sent = mails(&gated.hub, 2).await;
    the_mail(&sent, "bob@example.org", "You have access to the model acme/gated");
    gated.decide("bob", "pending").await;
    undo(&gated, &last(&gated).await["id"], 200).await;
    // That he waited was no news; that he has access again is.
    let sent = mails(&gated.hub, 3).await;
    assert_eq!(sent.iter().filter(|mail| mail.contains("You have access to the model acme/gated")).count(), 2);
    assert_eq!(outbox(&gated.hub).len(), 3);
    gated.hub.stop().await;
}

#[tokio::test]
async fn those_take_back_who_decide() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    let writer = gated.hub.account("writer").await;
    let mut conn = gated.hub.app().pool.acquire().await.unwrap();
    let acme = hub::accounts::queries::find_namespace(&mut conn, "acme").await.unwrap().unwrap().namespace_pk;
    hub::accounts::queries::upsert_member(&mut conn, acme, writer.pk, OrgRole::Write).await.unwrap();
    drop(conn);
    let mut browser = Browser::logged_in(&gated.hub, "writer").await;
    gated.decide("bob", "accepted").await;
    let change = last(&gated).await["id"].to_string();
    // The history is for admins, the list of requests for all who decide.
    let token = gated.hub.token(&writer, TokenRole::Write).await;
    token.post_json(&format!("{API}/changes/{change}/undo"), &json!({}), 403).await;
    let accepted = format!("{REQUESTS}?status=accepted");
    let page = browser.open(&accepted).await;
    assert!(
        page.has("Take back the decision about bob") && page.has(&format!("name=\"undo\" value=\"{change}\"")),
        "{}",
        page.text
    );
    for (odd, status) in [("x", 404), ("1", 404)] {
        assert_eq!(browser.submit(&accepted, REQUESTS, &[("undo", odd)]).await.status, status);
    }
    let page = browser.submit(&accepted, REQUESTS, &[("status", "accepted"), ("undo", &change)]).await;
    assert_eq!((page.status, page.location()), (303, accepted.as_str()));
    let page = browser.open(REQUESTS).await;
    assert!(
        page.has("The request of bob waits again.") && page.has("bob@example.org") && !page.has("Take back"),
        "{}",
        page.text
    );
    let page = browser.submit(&accepted, REQUESTS, &[("undo", &change)]).await;
    assert!(page.status == 409 && page.has("This was undone already, by writer."), "{}", page.text);
    let mut bob = Browser::logged_in(&gated.hub, "bob").await;
    assert_eq!(bob.submit("/settings/profile", REQUESTS, &[("undo", &change)]).await.status, 403);

    // Several at once: each by itself. Admins find all of them in the history and the log.
    let carol = gated.hub.user("carol").await;
    ask(&carol).await;
    let found = gated.ada.get_json(&format!("{API}/user-access-request/pending"), 200).await;
    let ids: Vec<String> = found.as_array().unwrap().iter().map(|item| item["requestId"].as_str().unwrap().to_owned()).collect();
    let both = [("all", "reject"), ("chosen", ids[0].as_str()), ("chosen", ids[1].as_str()), ("reason", "Not now")];
    assert_eq!(browser.submit(REQUESTS, REQUESTS, &both).await.status, 303);
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let history = "/acme/gated/settings/history";
    let page = ada.open(history).await;
    assert!(page.has("Undo: Rejected the request of bob") && page.has("Undo: Rejected the request of carol"), "{}", page.text);
    let id = last(&gated).await["id"].clone();
    assert_eq!(ada.submit(history, &format!("{history}/{id}/undo"), &[]).await.status, 303);
    assert_eq!((gated.list("pending").await.len(), gated.list("rejected").await.len()), (1, 1));
    let log = ada.open("/organizations/acme/settings/audit-log?action=repo.decide_access").await;
    assert!(log.has("Access to a gated repository decided about") && log.has("writer"), "{}", log.text);
    gated.hub.stop().await;
}

#[tokio::test]
async fn the_history_parts_decisions_from_the_rest() {
    let gated = Gated::start().await;
    ask(&gated.bob).await;
    gated.decide("bob", "accepted").await;
    let mut ada = Browser::logged_in(&gated.hub, "ada").await;
    let history = "/acme/gated/settings/history";
    let (decision, setting) = ("Accepted the request of bob", "Gated, with access by approval");
    for (query, decisions, others) in [("", true, true), ("?show=access", true, false), ("?show=other", false, true)] {
        let page = ada.open(&format!("{history}{query}")).await;
        assert_eq!((page.has(decision), page.has(setting)), (decisions, others), "{query}: {}", page.text);
    }
    gated.hub.stop().await;
}
