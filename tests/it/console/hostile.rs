//! What a thief of a browser, an administrator who is suspended, and odd texts do in the console: nothing.

use super::{JOBS, hub, set_role};

#[tokio::test]
async fn acts_ask_who_is_there_and_somebody_always_runs_the_hub() {
    let (hub, mut boss) = hub().await;
    hub.sql("update sessions set proved_at = now() - interval '31 minutes'").await;
    let page = set_role(&mut boss, "ada", "admin").await;
    assert_eq!((page.status, page.location()), (303, "/sudo?next=%2Fadmin%2Fusers%2Fada"));
    let page = boss.submit(JOBS, JOBS, &[("act", "delete-all"), ("reason", "why not")]).await;
    assert_eq!((page.status, page.location()), (303, "/sudo?next=%2Fadmin%2Fjobs"));
    assert!(!boss.open("/admin/users?role=staff").await.has("/admin/users/ada"));
    hub.sql("update sessions set proved_at = now()").await;

    let suspended = "update users set suspended_at = now() from namespaces where namespace_pk = user_pk and name = 'ada'";
    assert_eq!(set_role(&mut boss, "ada", "admin").await.status, 303);
    hub.sql(suspended).await;
    assert_eq!(set_role(&mut boss, "boss", "none").await.status, 409, "who is suspended does not run the hub");
    assert_eq!(set_role(&mut boss, "ada", "none").await.status, 303);
    assert_eq!(set_role(&mut boss, "ada", "moderator").await.status, 409, "no role for who is suspended");
    hub.stop().await;
}

#[tokio::test]
async fn odd_texts_are_refused_or_shown_as_what_they_are() {
    let (hub, mut boss) = hub().await;
    hub.sql(
        "insert into jobs (kind, payload, dedup_key, attempts, run_at, locked_until, last_error, failed_at) values
         ('<b>odd', '\"<script>alert(1)</script>\"', 'twin', 8, now() + interval '1 day', now(), '<i>', now());
         insert into jobs (kind, payload, dedup_key, run_at) values ('<b>odd', '1', 'twin', now() + interval '1 day')",
    )
    .await;
    let page = boss.open("/admin/jobs?kind=%3Cb%3Eodd").await;
    assert!(page.has("&#60;script&#62;alert(1)") && !page.has("<script>alert") && !page.has("<b>odd") && !page.has("<i>"));
    for path in
        ["/admin/jobs?kind=%00", "/admin/jobs?state=odd", "/admin/jobs?before=x", "/admin/users/%00", "/admin/audit?from=x"]
    {
        let status = boss.get(path).await.status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    let long = "x".repeat(5000);
    let long_reason = [("act", "delete-all"), ("reason", long.as_str())];
    assert_eq!(boss.submit(JOBS, JOBS, &long_reason).await.status, 400);
    for (fields, status) in [(("reason", "a\0b"), 400), (("kind", "a\0b"), 400), (("kind", long.as_str()), 409)] {
        let fields = [fields, ("act", "delete-all"), ("reason", "odd")];
        assert_eq!(boss.submit(JOBS, JOBS, &fields).await.status, status, "{fields:?}");
    }
    // A dead letter comes back beside one that waits for the same work.
    let all = [("act", "retry-all"), ("reason", "odd"), ("kind", "<b>odd")];
    assert_eq!(boss.submit(JOBS, JOBS, &all).await.status, 303);
    assert_eq!(boss.submit(JOBS, JOBS, &all).await.status, 409, "it is tried once");
    hub.sql("delete from jobs").await;
    hub.stop().await;
}
