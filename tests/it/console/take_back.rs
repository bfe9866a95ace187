//! What administrators set is taken back in the audit log, as long as the same was not changed again.

use hub_tests::TestHub;

use super::{hub, last, set_role};
use crate::pages::browser::{Browser, Page};

const PATH: &str = "/admin/audit";
const QUOTA: &str = "/admin/storage/ada";
const BANNER: &str = "/admin/banner";

/// The last line of an act.
async fn line(hub: &TestHub, action: &str) -> String {
    let sql = "select audit_pk::text from audit_log where action = $1 order by audit_log.audit_pk desc limit 1";
    sqlx::query_scalar(sql).bind(action).fetch_one(&hub.app().pool).await.unwrap()
}

async fn take_back(boss: &mut Browser, line: &str) -> Page {
    boss.submit(PATH, PATH, &[("line", line), ("reason", "a mistake")]).await
}

async fn limit(boss: &mut Browser, kind: &str, gib: &str) {
    let fields = [("kind", kind), ("gib", gib), ("reason", "asked")];
    assert_eq!(boss.submit(QUOTA, QUOTA, &fields).await.status, 303);
}

#[tokio::test]
async fn a_limit_is_what_it_was() {
    let (hub, mut boss) = hub().await;
    limit(&mut boss, "own", "5").await;
    let first = line(&hub, "admin.quota").await;
    limit(&mut boss, "none", "").await;
    let second = line(&hub, "admin.quota").await;
    let page = boss.open(PATH).await;
    assert!(page.has(&format!("undo={second}#take-back")) && !page.has(&format!("undo={first}#take-back")), "{}", page.text);
    assert!(page.has("limit: 5 GiB") && page.has("was: 5 GiB") && page.has("limit: none"), "{}", page.text);
    assert!(!page.has("5368709120") && !page.has("undoes: null"), "{}", page.text);
    let page = boss.open(&format!("{PATH}?whose=ada&undo={second}")).await;
    assert!(page.has("When it is taken back: ada has a limit of 5 GiB again."), "{}", page.text);
    let page = boss.open(&format!("{PATH}?undo={first}")).await;
    assert!(!page.has("When it is taken back") && page.has("This cannot be taken back: it is too old"), "{}", page.text);

    let page = take_back(&mut boss, &first).await;
    assert!(page.status == 409 && page.has("The same was changed again since"), "{}", page.text);
    let page = boss.submit(PATH, PATH, &[("line", &second), ("reason", " ")]).await;
    assert!(page.status == 400 && page.has("Say why") && page.has("When it is taken back"), "{}", page.text);
    let page = take_back(&mut boss, &second).await;
    assert_eq!((page.status, page.location()), (303, PATH));
    assert!(boss.open(PATH).await.has("ada has a limit of 5 GiB again."));
    assert!(boss.open(QUOTA).await.has("value=\"5\""));
    let (whose, actor, details) = last(&hub, "admin.quota").await;
    assert_eq!((whose.as_str(), actor.as_str()), ("ada", "boss"));
    assert_eq!((&details["reason"], &details["was"]), (&"a mistake".into(), &"none".into()));
    assert_eq!(details["undoes"].to_string(), second);
    // That is a line as the others. Back to the first one, and to no limit of their own.
    let third = line(&hub, "admin.quota").await;
    assert_eq!(take_back(&mut boss, &third).await.status, 303);
    assert!(boss.open(QUOTA).await.has("There is no limit."));
    limit(&mut boss, "default", "").await;
    limit(&mut boss, "own", "7").await;
    let fourth = line(&hub, "admin.quota").await;
    assert_eq!(take_back(&mut boss, &fourth).await.status, 303);
    assert_eq!(hub.count("storage_quotas").await, 0);
    for odd in ["x", ""] {
        assert_eq!(take_back(&mut boss, odd).await.status, 400, "{odd}");
    }
    for odd in ["0".to_owned(), line(&hub, "account.create").await] {
        assert_eq!(take_back(&mut boss, &odd).await.status, 404, "{odd}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn whoever_sets_a_limit_at_the_same_time_has_the_last_word() {
    let (hub, mut boss) = hub().await;
    let mut other = Browser::logged_in(&hub, "boss").await;
    for _ in 0..5 {
        // What was before is none of the two, or nothing would show which came last.
        limit(&mut boss, "own", "3").await;
        limit(&mut boss, "own", "5").await;
        let line = line(&hub, "admin.quota").await;
        let fields = [("kind", "own"), ("gib", "9"), ("reason", "asked")];
        let (taken, set) = tokio::join!(take_back(&mut boss, &line), other.submit(QUOTA, QUOTA, &fields));
        assert_eq!(set.status, 303);
        assert!([303, 409].contains(&taken.status), "{}", taken.text);
        assert!(boss.open(QUOTA).await.has("value=\"9\""), "the limit that was set was lost");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_role_is_what_it_was() {
    let (hub, mut boss) = hub().await;
    assert_eq!(set_role(&mut boss, "ada", "moderator").await.status, 303);
    let given = line(&hub, "admin.role").await;
    let page = boss.open(&format!("{PATH}?undo={given}")).await;
    assert!(page.has("When it is taken back: ada has no role on this hub again."), "{}", page.text);
    // On the command line, it was given anew since.
    let ada = hub::accounts::site_roles::find_by_name(hub.app(), "ada").await.unwrap();
    for role in [hub::accounts::site_roles::SiteRole::None, hub::accounts::site_roles::SiteRole::Moderator] {
        assert!(hub::accounts::site_roles::set_site_role(hub.app(), ada.pk, role).await.unwrap());
    }
    assert!(!boss.open(PATH).await.has("#take-back"));
    assert_eq!(take_back(&mut boss, &given).await.status, 409);
    assert_eq!(set_role(&mut boss, "ada", "admin").await.status, 303);
    let given = line(&hub, "admin.role").await;
    assert_eq!(take_back(&mut boss, &given).await.status, 303);
    let (whose, _, details) = last(&hub, "admin.role").await;
    assert_eq!((whose.as_str(), &details["role"], &details["was"]), ("ada", &"moderator".into(), &"admin".into()));
    let mut ada = Browser::logged_in(&hub, "ada").await;
    assert_eq!(ada.get("/moderation").await.status, 200);
    let csrf = ada.open("/settings/profile").await.csrf();
    let fields = [("csrf_token", csrf.as_str()), ("line", given.as_str()), ("reason", "because")];
    assert_eq!(ada.post(PATH, &fields).await.status, 404, "a moderator");
    hub.stop().await;
}

#[tokio::test]
async fn it_asks_who_is_there_and_gives_roles_as_the_page_of_the_account_does() {
    let (hub, mut boss) = hub().await;
    assert_eq!(set_role(&mut boss, "ada", "admin").await.status, 303);
    let given = line(&hub, "admin.role").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    assert_eq!(set_role(&mut ada, "boss", "none").await.status, 303);
    let page = take_back(&mut ada, &given).await;
    assert!(page.status == 409 && page.has("Nobody else runs this hub."), "{}", page.text);
    assert_eq!(set_role(&mut ada, "boss", "admin").await.status, 303);
    assert_eq!(set_role(&mut boss, "ada", "none").await.status, 303);
    let taken = line(&hub, "admin.role").await;

    hub.sql("update sessions set proved_at = now() - interval '31 minutes'").await;
    let page = take_back(&mut boss, &taken).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(page.location(), format!("/sudo?next=%2Fadmin%2Faudit%3Fundo%3D{taken}"), "back to the same line");
    assert_eq!(ada.get("/admin").await.status, 404);
    hub.sql("update sessions set proved_at = now()").await;

    hub.sql("update users set suspended_at = now() from namespaces where namespace_pk = user_pk and name = 'ada'").await;
    let page = take_back(&mut boss, &taken).await;
    assert!(page.status == 409 && page.has("This account is suspended."), "{}", page.text);
    hub.sql("update users set suspended_at = null").await;
    assert_eq!(take_back(&mut boss, &taken).await.status, 303);
    assert_eq!(ada.get("/admin").await.status, 200);
    hub.stop().await;
}

#[tokio::test]
async fn a_banner_is_what_it_was() {
    let (hub, mut boss) = hub().await;
    let mut stranger = Browser::new(&hub);
    let show = async |boss: &mut Browser, text: &str, ends: &str| {
        let fields = [("act", "show"), ("body", text), ("level", "warning"), ("ends", ends), ("reason", "an upgrade")];
        assert_eq!(boss.submit(BANNER, BANNER, &fields).await.status, 303);
    };
    show(&mut boss, "The **first** one", "2999-01-01T00:00").await;
    let first = line(&hub, "admin.banner").await;
    show(&mut boss, "The second one", "").await;
    let second = line(&hub, "admin.banner").await;
    assert_eq!(take_back(&mut boss, &first).await.status, 409);
    let page = boss.open(&format!("{PATH}?undo={second}")).await;
    assert!(page.has("The banner says again: The **first** one"), "{}", page.text);
    assert_eq!(take_back(&mut boss, &second).await.status, 303);
    let page = stranger.open("/").await;
    assert!(page.has("<strong>first</strong>") && page.has("notice-warning") && !page.has("The second one"));
    assert!(boss.open(BANNER).await.has("2999-01-01T00:00"));
    // Taken away, and that taken back; and the first one was none.
    assert_eq!(boss.submit(BANNER, BANNER, &[("act", "remove"), ("reason", "it is over")]).await.status, 303);
    let removed = line(&hub, "admin.banner").await;
    assert_eq!(take_back(&mut boss, &removed).await.status, 303);
    assert!(stranger.open("/").await.has("<strong>first</strong>"));
    assert_eq!(boss.submit(BANNER, BANNER, &[("act", "remove"), ("reason", "it is over")]).await.status, 303);
    show(&mut boss, "Another one", "").await;
    let shown = line(&hub, "admin.banner").await;
    assert!(boss.open(&format!("{PATH}?undo={shown}")).await.has("There is no banner again."));
    assert_eq!(take_back(&mut boss, &shown).await.status, 303);
    assert!(!stranger.open("/").await.has("Announcement"));

    // One whose time is over is not shown again.
    show(&mut boss, "For a while", "2999-01-01T00:00").await;
    hub.sql("update site_banner set starts_at = '2020-01-01', ends_at = '2020-01-02'").await;
    show(&mut boss, "And now", "").await;
    let shown = line(&hub, "admin.banner").await;
    let page = take_back(&mut boss, &shown).await;
    assert!(page.status == 409 && page.has("The time of the banner that there was is over"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn what_is_too_old_or_gone_is_not_taken_back() {
    let hub = TestHub::start_with(|config| config.undo_days = 0).await;
    hub.account("boss").await;
    hub.account("ada").await;
    let mut boss = Browser::logged_in(&hub, "boss").await;
    limit(&mut boss, "own", "5").await;
    let set = line(&hub, "admin.quota").await;
    assert!(!boss.open(PATH).await.has("#take-back"));
    let page = take_back(&mut boss, &set).await;
    assert!(page.status == 409 && page.has("This was done more than 0 days ago"), "{}", page.text);
    hub.stop().await;

    let (hub, mut boss) = super::hub().await;
    limit(&mut boss, "own", "5").await;
    let set = line(&hub, "admin.quota").await;
    hub.sql("delete from namespaces where name = 'ada'").await;
    assert!(!boss.open(PATH).await.has("#take-back"));
    let page = take_back(&mut boss, &set).await;
    assert!(page.status == 409 && page.has("is gone: there is nothing to set back"), "{}", page.text);
    hub.stop().await;
}
