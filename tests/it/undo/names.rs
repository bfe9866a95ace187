//! A name that somebody had is nobody else's to take.

use hub::accounts::operations::{NewOrganization, NewUser, create_organization, create_user};
use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};

use super::{delete_repo, start, undo_last};

async fn rename_account(hub: &TestHub, old: &str, new: &str) {
    let sql = "update namespaces set name = $2 where name = $1";
    sqlx::query(sql).bind(old).bind(new).execute(&hub.app().pool).await.unwrap();
}

async fn sign_up(hub: &TestHub, name: &str) -> Result<(), String> {
    let new = NewUser {
        name: name.to_owned(),
        email: format!("{}@new.example.org", name.to_lowercase()),
        password: "correct horse".to_owned(),
        fullname: String::new(),
        is_admin: false,
    };
    create_user(hub.app(), &new).await.map(|_| ()).map_err(|error| error.message().to_owned())
}

async fn found(hub: &TestHub, name: &str) -> Result<(), String> {
    let new = NewOrganization { name: name.to_owned(), fullname: String::new(), default_private: false };
    create_organization(hub.app(), &new, &[]).await.map(|_| ()).map_err(|error| error.message().to_owned())
}

#[tokio::test]
async fn nobody_takes_the_old_name_of_an_account_and_it_leads_on() {
    let (hub, ada) = start().await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a", "ada's")], 200).await;
    rename_account(&hub, "ada", "lovelace").await;
    for name in ["ada", "Ada"] {
        assert_eq!(sign_up(&hub, name).await.unwrap_err(), format!("The name `{name}` is taken, please choose another."));
        assert_eq!(found(&hub, name).await.unwrap_err(), format!("The name `{name}` is taken, please choose another."));
    }
    let moved = hub.anonymous().get("/ada/bert/resolve/main/a", 307).await;
    assert_eq!(moved.headers()["location"], "/lovelace/bert/resolve/main/a");
    assert_eq!(hub.anonymous().get("/api/models/ada/bert", 307).await.headers()["location"], "/api/models/lovelace/bert");
    ada.commit("/api/models/ada/bert", "main", &[Client::file("b", "as ever")], 200).await;
    assert_eq!(hub.anonymous().get("/ada", 303).await.headers()["location"], "/lovelace");

    // Its owner may have it again.
    rename_account(&hub, "lovelace", "ada").await;
    hub.anonymous().get("/ada/bert/resolve/main/a", 200).await;
    assert!(sign_up(&hub, "lovelace").await.is_err());
    hub.stop().await;
}

#[tokio::test]
async fn the_name_of_a_deleted_account_or_organisation_is_gone_for_good() {
    let (hub, _ada) = start().await;
    hub.account("eve").await;
    found(&hub, "acme").await.unwrap();
    sqlx::query("delete from namespaces where name in ('eve', 'acme')").execute(&hub.app().pool).await.unwrap();
    for name in ["eve", "EVE", "acme"] {
        assert!(sign_up(&hub, name).await.is_err(), "{name}");
        assert!(found(&hub, name).await.is_err(), "{name}");
    }
    sign_up(&hub, "eva").await.unwrap();
    hub.stop().await;
}

#[tokio::test]
async fn a_name_given_up_in_this_moment_is_not_free_either() {
    let (hub, _ada) = start().await;
    let mut renaming = hub.app().begin().await.unwrap();
    sqlx::query("update namespaces set name = 'lovelace' where name = 'ada'").execute(&mut *renaming).await.unwrap();
    // It waits for the index, and then sees who had the name.
    let waiting = async { sign_up(&hub, "ada").await };
    let committing = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        renaming.commit().await.unwrap();
    };
    let (taken, ()) = tokio::join!(waiting, committing);
    assert!(taken.is_err());
    hub.stop().await;
}

#[tokio::test]
async fn contributors_take_no_name_of_somebody_elses_repository() {
    let (hub, _ada) = start().await;
    let (grace, con) = (hub.account("grace").await, hub.account("con").await);
    hub.organization("acme", &[(&grace, OrgRole::Admin), (&con, OrgRole::Contributor)]).await;
    let (admin, contributor) = (hub.token(&grace, TokenRole::Write).await, hub.token(&con, TokenRole::Write).await);
    for name in ["gone", "moved"] {
        admin.create_repo("model", &format!("acme/{name}"), false).await;
    }
    delete_repo(&admin, "acme", "gone").await;
    admin.post_json("/api/repos/move", &json!({ "fromRepo": "acme/moved", "toRepo": "acme/there", "type": "model" }), 200).await;
    for name in ["mine", "lost", "first"] {
        contributor.create_repo("model", &format!("acme/{name}"), false).await;
    }
    delete_repo(&contributor, "acme", "lost").await;
    let lost = contributor.get_json("/api/settings/deleted-repos", 200).await[0]["_id"].as_str().unwrap().to_owned();
    let restore = format!("/api/deleted-repos/{lost}/restore");
    for name in ["gone", "Moved"] {
        let wanted = json!({ "name": name, "organization": "acme", "type": "model" });
        let refused = contributor.post_json("/api/repos/create", &wanted, 403).await;
        assert!(refused["error"].as_str().unwrap().contains("was the name of somebody else's repository"), "{refused}");
        let moving = json!({ "fromRepo": "acme/mine", "toRepo": format!("acme/{name}"), "type": "model" });
        contributor.post_json("/api/repos/move", &moving, 403).await;
        contributor.post_json("/api/models/acme/mine/duplicate", &json!({ "repository": format!("acme/{name}") }), 403).await;
        contributor.post_json(&restore, &json!({ "name": name }), 403).await;
    }
    // Nor by taking a move back.
    let moving = json!({ "fromRepo": "acme/first", "toRepo": "acme/second", "type": "model" });
    contributor.post_json("/api/repos/move", &moving, 200).await;
    admin.create_repo("model", "acme/first", false).await;
    delete_repo(&admin, "acme", "first").await;
    undo_last(&contributor, "/api/models/acme/second", json!({}), 403).await;
    assert_eq!(hub.anonymous().get("/api/models/acme/moved", 307).await.headers()["location"], "/api/models/acme/there");
    // Their own they may have again.
    delete_repo(&contributor, "acme", "mine").await;
    contributor.create_repo("model", "acme/mine", false).await;
    // A token for one repository gives no name to another one.
    let scoped = json!({ "scoped": [{ "entity": { "type": "model", "name": "acme/lost" }, "permissions": ["repo.write"] }] });
    let scoped = hub.scoped_token(&con, TokenRole::FineGrained, scoped).await;
    scoped.post_json(&restore, &json!({ "name": "found" }), 403).await;
    scoped.post_json(&restore, &json!({ "name": "Lost" }), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn the_old_name_of_a_deleted_repository_hides_none_that_is_there() {
    let (hub, ada) = start().await;
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/bert", "toRepo": "ada/berta", "type": "model" }), 200).await;
    delete_repo(&ada, "ada", "berta").await;
    rename_account(&hub, "ada", "lovelace").await;
    ada.create_repo("model", "lovelace/bert", false).await;
    let moved = hub.anonymous().get("/api/models/ada/bert", 307).await;
    assert_eq!(moved.headers()["location"], "/api/models/lovelace/bert");
    hub.stop().await;
}
