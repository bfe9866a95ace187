use hub::accounts::{OrgRole, TokenRole};
use hub_tests::json;
use hub_types::RepoType;

use super::seeded::Seeded;

#[tokio::test]
async fn users_and_organizations_show_what_the_viewer_may_see() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.organization("acme", &[(&bob, OrgRole::Admin), (&carol, OrgRole::Read)]).await;
    seeded.another(RepoType::Dataset, "acme/open", false, &[("a.csv", "a\n")]).await;
    seeded.another(RepoType::Dataset, "acme/secret", true, &[("a.csv", "a\n")]).await;
    let anyone = hub.anonymous();
    let user = anyone.get_json("/api/users/BOB/overview", 200).await;
    assert_eq!((&user["user"], &user["type"], &user["numModels"]), (&json!("bob"), &json!("user"), &json!(0)));
    assert_eq!(user["orgs"], json!([{"name": "acme", "fullname": "acme", "avatarUrl": "/avatars/acme.svg"}]));
    assert_eq!(user.get("email"), None);
    let organization = anyone.get_json("/api/organizations/acme/overview", 200).await;
    assert_eq!((&organization["numUsers"], &organization["numDatasets"]), (&json!(2), &json!(1)));
    let seen = hub.token(&carol, TokenRole::Read).await.get_json("/api/organizations/acme/overview", 200).await;
    assert_eq!(seen["numDatasets"], 2);
    let members = anyone.get_json("/api/organizations/acme/members", 200).await;
    let names: Vec<_> = members.as_array().unwrap().iter().map(|member| member["user"].as_str().unwrap()).collect();
    assert_eq!(names, ["bob", "carol"]);
    for path in
        ["/api/users/acme/overview", "/api/users/nobody/overview", "/api/organizations/bob/overview", "/api/users/%00/overview"]
    {
        anyone.get_json(path, 404).await;
    }
    seeded.stop().await;
}

#[tokio::test]
async fn owners_see_what_their_repositories_take_up() {
    let seeded = Seeded::model(&[("README.md", "# x\n")]).await;
    let hub = &seeded.hub;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.organization("acme", &[(&bob, OrgRole::Write), (&carol, OrgRole::Read)]).await;
    seeded.another(RepoType::Space, "acme/secret", true, &[("app.py", "print()")]).await;
    let own = seeded.ada.get_json("/api/settings/repositories", 200).await;
    assert_eq!((&own[0]["id"], &own[0]["type"], &own[0]["visibility"]), (&json!("ada/bert"), &json!("model"), &json!("public")));
    assert!(own[0]["storage"].as_i64().unwrap() > 0 && own[0]["updatedAt"].as_str().unwrap().ends_with('Z'));
    let path = "/api/organizations/acme/settings/repositories";
    let theirs = hub.token(&bob, TokenRole::Read).await.get_json(path, 200).await;
    assert_eq!((&theirs[0]["id"], &theirs[0]["visibility"]), (&json!("acme/secret"), &json!("private")));
    hub.token(&carol, TokenRole::Write).await.get(path, 403).await;
    hub.anonymous().get(path, 401).await;
    hub.anonymous().get("/api/settings/repositories", 401).await;
    seeded.stop().await;
}
