//! The lists of organisations and repositories, and what the store keeps.

use hub::accounts::site_roles::find_by_name;
use hub::accounts::{OrgRole, TokenRole};
use hub_tests::json;
use reqwest::Method;

use super::{hub, last};

#[tokio::test]
async fn what_there_is_is_found_measured_and_restored() {
    let (hub, mut boss) = hub().await;
    let user = find_by_name(hub.app(), "ada").await.unwrap();
    hub.organization("acme", &[(&user, OrgRole::Admin)]).await;
    let ada = hub.token(&user, TokenRole::Write).await;
    ada.create_repo("model", "acme/big_one", true).await;
    ada.create_repo("dataset", "ada/small", false).await;
    let file = crate::lfs::Large::of(60_000, 3);
    crate::lfs::upload(&ada, "acme/big_one", &file).await;
    hub.jobs_done().await;

    // What triggers noted is seen before it is added up.
    let page = boss.open("/admin/repositories?q=ACME%2Fbig_").await;
    assert!(
        page.has("/acme/big_one\"") && page.has("Private") && page.has(" kB") && !page.has("/datasets/ada/small"),
        "{}",
        page.text
    );
    for (query, big, small) in [
        ("", true, true),
        ("?kind=dataset", false, true),
        ("?q=smal", false, true),
        ("?q=bigXone", false, false),
        ("?q=nobody%2F", false, false),
        ("?list=disabled", false, false),
        ("?list=deleted", false, false),
    ] {
        let page = boss.open(&format!("/admin/repositories{query}")).await;
        assert_eq!((page.has("/acme/big_one\""), page.has("/datasets/ada/small\"")), (big, small), "{query}");
    }
    for path in [
        "/admin/repositories?kind=odd",
        "/admin/repositories?list=odd",
        "/admin/repositories?after=1",
        "/admin/organizations?after=x_1",
    ] {
        assert_eq!(boss.get(path).await.status, 400, "{path}");
    }
    assert_eq!(boss.submit("/admin/storage", "/admin/storage", &[]).await.status, 303);
    hub.jobs_done().await;
    let sizes = "select o.bytes, (select bytes from repo_sizes join repos using (repo_pk) where repos.name = 'big_one'),
                        (select count(*) from repo_size_changes) from owner_sizes o join namespaces n using (namespace_pk) where n.name = 'acme'";
    let (owner, repo, left): (i64, i64, i64) = sqlx::query_as(sizes).fetch_one(&hub.app().pool).await.unwrap();
    assert!(owner == repo && (60_000..70_000).contains(&repo) && left == 0, "{owner} {repo} {left}");
    // Measured from the ground up it is the same.
    hub.sql("delete from repo_sizes").await;
    hub::quotas::measure(hub.app()).await.unwrap();
    let again: (i64, i64, i64) = sqlx::query_as(sizes).fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(again, (owner, repo, 0));
    let page = boss.open("/admin/storage").await;
    assert!(page.has(">acme</a>") && page.has("Git packs") && page.has("What waits"), "{}", page.text);
    let page = boss.open("/admin/repositories?list=largest").await.text;
    assert!(page.find("/acme/big_one\"").unwrap() < page.find("/datasets/ada/small\"").unwrap());
    let page = boss.open("/admin/organizations?sort=size&q=ACM").await;
    assert!(page.has("href=\"/acme\"") && page.has(" kB"));
    assert!(boss.open("/admin/organizations").await.has("href=\"/acme\""));
    assert!(!boss.open("/admin/organizations?q=a_me").await.has("href=\"/acme\""));

    let gone = json!({ "type": "model", "organization": "acme", "name": "big_one" });
    ada.call(Method::DELETE, "/api/repos/delete", &gone, 200).await;
    assert!(!boss.open("/admin/repositories").await.has("/acme/big_one\""));
    let list = "/admin/repositories?list=deleted";
    let page = boss.open(list).await;
    let id = page.text.split("name=\"restore\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = "/admin/repositories";
    assert_eq!(boss.submit(list, path, &[("restore", &id)]).await.status, 400, "no reason");
    assert_eq!(boss.submit(list, path, &[("restore", "odd"), ("reason", "asked")]).await.status, 404);
    let restored = boss.submit(list, path, &[("restore", &id), ("reason", "they asked")]).await;
    assert_eq!((restored.status, restored.location()), (303, "/acme/big_one"));
    assert_eq!(boss.submit(list, path, &[("restore", &id), ("reason", "twice")]).await.status, 404);
    let (whose, actor, details) = last(&hub, "admin.restore_repo").await;
    assert_eq!((whose.as_str(), actor.as_str(), details["reason"].as_str()), ("acme", "boss", Some("they asked")));
    ada.get_json("/api/models/acme/big_one", 200).await;
    hub.stop().await;
}
