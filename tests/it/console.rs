//! The console of those who run the hub: for whom it is there, what it does, and that the audit log tells of it.

mod banner;
mod flags;
mod hostile;
mod lists;
mod quotas;
mod take_back;

use hub_tests::{TestHub, Value, until};

use crate::accounts::first_passwords::half_signed_in;
use crate::pages::browser::{Browser, Page};

const JOBS: &str = "/admin/jobs";

/// `boss` runs the hub, `ada` has an account.
async fn hub() -> (TestHub, Browser) {
    let hub = TestHub::start().await;
    hub.account("boss").await;
    hub.account("ada").await;
    let boss = Browser::logged_in(&hub, "boss").await;
    (hub, boss)
}

/// A line of the audit log: in whose log, by whom, its details.
async fn last(hub: &TestHub, action: &str) -> (String, String, Value) {
    let sql = "select n.name, actor, details from audit_log join namespaces n using (namespace_pk)
               where action = $1 order by audit_pk desc limit 1";
    sqlx::query_as(sql).bind(action).fetch_one(&hub.app().pool).await.unwrap()
}

async fn set_role(boss: &mut Browser, name: &str, role: &str) -> Page {
    let path = format!("/admin/users/{name}");
    boss.submit(&path, &path, &[("act", "role"), ("role", role), ("reason", "they asked")]).await
}

#[tokio::test]
async fn it_is_there_for_those_who_run_the_hub_alone() {
    let (hub, mut boss) = hub().await;
    assert_eq!(set_role(&mut boss, "ada", "moderator").await.status, 303);
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let csrf = ada.open("/settings/profile").await.csrf();
    for path in ["/admin", "/admin/users", "/admin/users/boss", "/admin/audit", "/admin/audit/export", JOBS] {
        assert_eq!(ada.get(path).await.status, 404, "{path} for a moderator");
        assert_eq!(Browser::new(&hub).get(path).await.status, 404, "{path} for a stranger");
        assert_eq!(boss.get(path).await.status, 200, "{path}");
    }
    let fields = [("csrf_token", csrf.as_str()), ("act", "role"), ("role", "admin"), ("reason", "because")];
    assert_eq!(ada.post("/admin/users/ada", &fields).await.status, 404);
    let fields = [("csrf_token", csrf.as_str()), ("act", "delete-all"), ("reason", "because")];
    assert_eq!(ada.post(JOBS, &fields).await.status, 404);

    let (whose, actor, details) = last(&hub, "admin.role").await;
    assert_eq!((whose.as_str(), actor.as_str()), ("ada", "boss"));
    assert_eq!(details, serde_json::json!({ "reason": "they asked", "role": "moderator", "was": "none" }));
    assert_eq!(last(&hub, "account.moderator").await.1, "boss");
    assert_eq!(set_role(&mut boss, "ada", "moderator").await.status, 409, "she is one already");
    assert_eq!(set_role(&mut boss, "boss", "none").await.status, 409, "nobody else runs the hub");
    assert_eq!(set_role(&mut boss, "ada", "admin").await.status, 303);
    assert_eq!(ada.get("/admin").await.status, 200);
    assert_eq!(set_role(&mut ada, "boss", "none").await.status, 303);
    assert_eq!(boss.get("/admin").await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn people_are_found_and_helped() {
    let (hub, mut boss) = hub().await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    hub.sql("update users set email_confirmed_at = null, email = 'Countess_1@example.org' where email like 'ada@%'").await;
    for (q, found) in [("ADA", true), ("countess_1@", true), ("nobody", false), ("countessx", false), ("%25", false)] {
        assert_eq!(boss.open(&format!("/admin/users?q={q}")).await.has("href=\"/admin/users/ada\""), found, "{q}");
    }
    let page = boss.open("/admin/users?role=staff").await;
    assert!(page.has("/admin/users/boss") && !page.has("/admin/users/ada"));
    let path = "/admin/users/ada";
    assert_eq!(boss.submit(path, path, &[("act", "end-sessions"), ("reason", " ")]).await.status, 400, "no reason");
    assert_eq!(ada.get("/settings/profile").await.status, 200);
    let mut half = half_signed_in(&hub, "ada").await;
    for act in ["confirm-email", "password-mail", "end-sessions"] {
        assert_eq!(boss.submit(path, path, &[("act", act), ("reason", "on the phone")]).await.status, 303, "{act}");
    }
    assert_eq!(boss.submit(path, path, &[("act", "confirm-email"), ("reason", "again")]).await.status, 409);
    assert_ne!(ada.get("/settings/profile").await.status, 200, "the session has ended");
    assert_eq!(half.get("/login/new-password").await.status, 400, "and what was on its way to one");
    hub.jobs_done().await;
    let links = "select count(*) from mail_links join users using (user_pk) where users.email = 'Countess_1@example.org'
                 and email_confirmed_at is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(links).fetch_one(&hub.app().pool).await.unwrap(), 1, "a link was sent");
    for action in ["admin.confirm_email", "admin.password_mail", "admin.end_sessions"] {
        let (whose, actor, details) = last(&hub, action).await;
        assert_eq!((whose.as_str(), actor.as_str(), &details["reason"]), ("ada", "boss", &"on the phone".into()), "{action}");
    }
    let log = boss.open("/admin/audit?whose=ada&actor=boss").await;
    assert!(log.has("Sessions ended by an administrator") && log.has("on the phone"));
    assert!(!boss.open("/admin/audit?whose=boss&actor=boss").await.has("on the phone"));
    let csv = boss.open("/admin/audit/export?format=csv&action=admin.end_sessions").await.text;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.len() == 2 && lines[0].ends_with(",\"log\"") && lines[1].ends_with(",\"ada\""), "{csv}");
    let line: Value =
        serde_json::from_str(boss.open("/admin/audit/export?whose=ada").await.text.lines().next().unwrap()).unwrap();
    assert_eq!(line["log"], "ada");
    hub.stop().await;
}

/// Jobs that nobody takes: those of kinds that are not known, and not due.
const DEAD: &str = "insert into jobs (kind, payload, attempts, run_at, locked_until, last_error, failed_at)
    select 'unheard_of', to_jsonb(n), 8, now() + interval '1 day', now(), 'the server is <away>', now() from generate_series(1, 3) n;
    insert into jobs (kind, payload, attempts, locked_until, last_error, failed_at)
    values ('sweep_uploads', 'null', 8, now(), 'the store was away', now());
    insert into jobs (kind, payload, locked_until) values ('in_hand', 'null', now() + interval '1 hour')";

#[tokio::test]
async fn dead_letters_are_tried_again_or_deleted() {
    let (hub, mut boss) = hub().await;
    hub.sql(DEAD).await;
    let page = boss.open(JOBS).await;
    assert!(page.has("unheard_of") && page.has("the server is &#60;away&#62;") && page.has("sweep_uploads"));
    assert!(boss.open("/admin/jobs?state=running").await.has("in_hand <span"));
    assert!(!boss.open("/admin/jobs?state=waiting").await.has("in_hand <span"));
    let pool = hub.app().pool.clone();
    let keys = |kind: &'static str| {
        let pool = pool.clone();
        async move {
            let sql = "select job_pk::text from jobs where kind = $1 and failed_at is not null order by job_pk";
            sqlx::query_scalar::<_, String>(sql).bind(kind).fetch_all(&pool).await.unwrap()
        }
    };
    // One that can be done now is done.
    let sweep = keys("sweep_uploads").await;
    let retry = [("act", "retry"), ("reason", "the store is back"), ("chosen", sweep[0].as_str())];
    assert_eq!(boss.submit(JOBS, JOBS, &retry).await.status, 303);
    assert_eq!(boss.submit("/admin/jobs?kind=unheard_of", JOBS, &retry).await.status, 409, "it is no dead letter any more");
    let done = "select count(*) from jobs where kind = 'sweep_uploads'";
    until("it is done", async || sqlx::query_scalar::<_, i64>(done).fetch_one(&pool).await.unwrap() == 0).await;
    let (whose, actor, details) = last(&hub, "jobs.retry").await;
    assert_eq!((whose.as_str(), actor.as_str(), &details["count"]), ("boss", "boss", &1.into()));

    // What is in hand is neither tried nor deleted, nor is what waits.
    let in_hand: String =
        sqlx::query_scalar("select job_pk::text from jobs where kind = 'in_hand'").fetch_one(&pool).await.unwrap();
    for act in ["retry", "delete"] {
        let fields = [("act", act), ("reason", "why not"), ("chosen", in_hand.as_str())];
        assert_eq!(boss.submit(JOBS, JOBS, &fields).await.status, 409, "{act}");
    }
    assert_eq!(boss.submit(JOBS, JOBS, &[("act", "delete"), ("reason", "none chosen")]).await.status, 400);

    // Of two that delete the same at once, one does.
    let dead = keys("unheard_of").await;
    let csrf = boss.open(JOBS).await.csrf();
    let fields = [("csrf_token", csrf.as_str()), ("act", "delete"), ("reason", "old"), ("chosen", dead[0].as_str())];
    let mut other = Browser::logged_in(&hub, "boss").await;
    let csrf = other.open(JOBS).await.csrf();
    let fields_of_other = [("csrf_token", csrf.as_str()), ("act", "retry"), ("reason", "old"), ("chosen", dead[0].as_str())];
    let (one, two) = tokio::join!(boss.post(JOBS, &fields), other.post(JOBS, &fields_of_other));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);

    // All of a kind.
    let all = [("act", "delete-all"), ("reason", "of a version that is gone"), ("kind", "unheard_of")];
    assert_eq!(boss.submit(JOBS, JOBS, &all).await.status, 303);
    assert_eq!(keys("unheard_of").await.len(), 0);
    assert_eq!(last(&hub, "jobs.delete").await.2["count"], 2);
    hub.sql("delete from jobs").await;
    hub.stop().await;
}

#[tokio::test]
async fn the_overview_says_how_the_hub_does() {
    let (hub, mut boss) = hub().await;
    hub.sql(DEAD).await;
    let page = boss.open("/admin").await;
    for text in ["PostgreSQL", "All migrations have run", "Can be written and read", "4 have failed for good", "GiB are free"] {
        assert!(page.has(text), "{text} is not in {}", page.text);
    }
    hub.sql("delete from jobs").await;
    hub.stop().await;
}
