//! Who sees and does what in resource groups: the same answer by every door.

use hub::accounts::{OrgRole, TokenRole, User};
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::pages::browser::Browser;

pub(super) const GROUPS: &str = "/api/organizations/acme/resource-groups";
const WHO: [&str; 6] = ["outsider", "member", "reader", "contributor", "writer", "head"];
const REPOS: [&str; 3] = ["public", "private", "gated"];

pub(super) struct Acme {
    pub hub: TestHub,
    clients: Vec<(&'static str, Client)>,
    pub users: Vec<User>,
    /// The id of the group `research`.
    pub group: String,
}

impl Acme {
    /// An organisation whose group has a public, a private and a gated model. `member` may write in the organisation and is not in
    /// the group; the others in it only read in the organisation.
    pub async fn start() -> Self {
        let hub = TestHub::start().await;
        hub.account("operator").await;
        let (mut clients, mut users) = (Vec::new(), Vec::new());
        for who in WHO {
            let user = hub.account(who).await;
            clients.push((who, hub.token(&user, TokenRole::Write).await));
            users.push(user);
        }
        let read = OrgRole::Read;
        let members =
            [(&users[1], OrgRole::Write), (&users[2], read), (&users[3], read), (&users[4], read), (&users[5], OrgRole::Admin)];
        hub.organization("acme", &members).await;
        let admin = &clients[5].1;
        let new = json!({ "name": "research", "users": [
            { "user": "reader", "role": "read" }, { "user": "contributor", "role": "contributor" }, { "user": "writer", "role": "write" },
        ] });
        let group = admin.post_json(GROUPS, &new, 200).await["id"].as_str().unwrap().to_owned();
        for repo in REPOS {
            let new = json!({ "name": repo, "organization": "acme", "private": repo == "private", "resourceGroupId": group });
            admin.post_json("/api/repos/create", &new, 200).await;
            let files = [Client::file("README.md", &format!("# Quagga {repo}\n")), Client::file("data.txt", "data\n")];
            admin.commit(&format!("/api/models/acme/{repo}"), "main", &files, 200).await;
        }
        admin.call(Method::PUT, "/api/models/acme/gated/settings", &json!({ "gated": "manual" }), 200).await;
        hub.indexed().await;
        Self { hub, clients, users, group }
    }

    pub fn client(&self, who: &str) -> &Client {
        &self.clients.iter().find(|(name, _)| *name == who).unwrap().1
    }
}

pub(super) async fn status(client: &Client, method: Method, path: &str, body: &Value) -> u16 {
    client.request(method, path).json(body).send().await.unwrap().status().as_u16()
}

pub(super) fn names(list: &Value, field: &str) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().replace("acme/", "")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_door_gives_the_same_answer() {
    let acme = Acme::start().await;
    for (who, client) in &acme.clients {
        // Roles in the organisation count for nothing in a group, but that of its admins.
        let (sees, writes) = match *who {
            "outsider" | "member" => (false, false),
            "reader" | "contributor" => (true, false),
            _ => (true, true),
        };
        for repo in REPOS {
            let api = format!("/api/models/acme/{repo}");
            let hidden = !sees && repo == "private";
            let closed = hidden || (!sees && repo == "gated");
            let get = async |path: &str| client.request(Method::GET, path).send().await.unwrap().status().as_u16();
            let told = format!("{who} at {repo}");
            assert_eq!(get(&api).await, if hidden { 404 } else { 200 }, "{told}");
            let expected = if hidden {
                404
            } else if closed {
                403
            } else {
                200
            };
            assert_eq!(get(&format!("/acme/{repo}/resolve/main/data.txt")).await, expected, "{told}: a file");
            assert_eq!(get(&format!("/acme/{repo}/info/refs?service=git-upload-pack")).await, expected, "{told}: a clone");
            let pushes = if hidden {
                404
            } else if writes {
                200
            } else {
                403
            };
            assert_eq!(get(&format!("/acme/{repo}/info/refs?service=git-receive-pack")).await, pushes, "{told}: a push");
            client.commit(&api, "main", &[Client::file(&format!("{who}.txt"), "x\n")], pushes).await;
            let settings = if hidden {
                404
            } else if *who == "head" {
                200
            } else {
                403
            };
            assert_eq!(status(client, Method::PUT, &format!("{api}/settings"), &json!({})).await, settings, "{told}: settings");
            // Which group it is, is for those who belong.
            let group = client.get_json(&format!("{api}?expand=resourceGroup"), if hidden { 404 } else { 200 }).await;
            let named = group["resourceGroup"]["name"] == "research";
            assert_eq!(named, sees, "{told}: {group}");
        }
        let expected: &[&str] = if sees { &["gated", "private", "public"] } else { &["gated", "public"] };
        assert_eq!(names(&client.get_json("/api/models?author=acme", 200).await, "id"), expected, "{who}: the list");
        // Asked for twice, it is the same.
        let list = "/api/models?author=acme&expand=resourceGroup&expand=resourceGroup";
        for listed in client.get_json(list, 200).await.as_array().unwrap() {
            let id = listed["id"].as_str().unwrap();
            let alone = client.get_json(&format!("/api/models/{id}?expand=resourceGroup"), 200).await;
            assert_eq!((listed, listed["resourceGroup"]["name"] == "research"), (&alone, sees), "{who} at {id} in the list");
        }
        let found = client.get_json("/api/quicksearch?q=quagga&type=model", 200).await;
        assert_eq!(names(&found["models"], "id"), expected, "{who}: the search");
        assert_eq!(found["modelsCount"], expected.len(), "{who}: {found}");
        let overview = client.get_json("/api/organizations/acme/overview", 200).await;
        assert_eq!(overview["numModels"], expected.len(), "{who}: {overview}");
        let mut browser = Browser::logged_in(&acme.hub, who).await;
        for page in ["/acme", "/models?search=quagga", "/search?q=quagga", "/"] {
            let page = browser.open(page).await;
            assert!(sees || !page.has("acme/private"), "{who}: {}", page.text);
        }
        assert_eq!(browser.get("/acme/private").await.status, if sees { 200 } else { 404 }, "{who}");
    }
    acme.hub.stop().await;
}

#[tokio::test]
async fn in_and_out_of_a_group() {
    let acme = Acme::start().await;
    let (admin, member, writer) = (acme.client("head"), acme.client("member"), acme.client("writer"));
    let group = acme.group.as_str();
    // Out of the group all of the organisation see it, and their roles there count.
    admin.post_json("/api/models/acme/private/resource-group", &json!({ "resourceGroupId": null }), 200).await;
    member.commit("/api/models/acme/private", "main", &[Client::file("a.txt", "a\n")], 200).await;
    writer.commit("/api/models/acme/private", "main", &[Client::file("a.txt", "a\n")], 403).await;
    acme.hub.indexed().await;
    let found = member.get_json("/api/quicksearch?q=quagga&type=model", 200).await;
    assert_eq!(found["modelsCount"], 3, "the index has heard of it: {found}");
    admin.post_json("/api/models/acme/private/resource-group", &json!({ "resourceGroupId": group }), 200).await;
    member.get_json("/api/models/acme/private", 404).await;
    acme.hub.indexed().await;
    let found = member.get_json("/api/quicksearch?q=quagga&type=model", 200).await;
    assert_eq!(found["modelsCount"], 2, "and again: {found}");

    // Another name leaves it in the group, another owner does not.
    let moving = |from: &str, to: &str| json!({ "fromRepo": from, "toRepo": to, "type": "model" });
    admin.post_json("/api/repos/move", &moving("acme/private", "acme/secret"), 200).await;
    member.get_json("/api/models/acme/secret", 404).await;
    admin.post_json("/api/repos/move", &moving("acme/secret", "head/secret"), 200).await;
    writer.get_json("/api/models/head/secret", 404).await;
    admin.post_json("/api/repos/move", &moving("head/secret", "acme/secret"), 200).await;
    member.get_json("/api/models/acme/secret", 200).await;

    // A group with repositories stays; what was deleted comes back without it.
    let path = format!("{GROUPS}/{group}");
    let said = admin.call(Method::DELETE, &path, &json!({}), 409).await;
    assert!(said["error"].as_str().unwrap().contains("move them to another"), "{said}");
    for repo in ["public", "gated"] {
        admin.call(Method::DELETE, "/api/repos/delete", &json!({ "name": repo, "organization": "acme" }), 200).await;
    }
    let deleted = admin.get_json("/api/settings/deleted-repos", 200).await;
    assert_eq!(deleted.as_array().unwrap().len(), 2, "{deleted}");
    assert_eq!(writer.get_json("/api/settings/deleted-repos", 200).await, json!([]));
    admin.call(Method::DELETE, &path, &json!({}), 200).await;
    admin.call(Method::DELETE, &path, &json!({}), 404).await;
    let id = deleted[0]["_id"].as_str().unwrap();
    admin.post_json(&format!("/api/deleted-repos/{id}/restore"), &json!({}), 200).await;
    acme.hub.stop().await;
}

#[tokio::test]
async fn repositories_are_made_where_a_role_lets_people() {
    let acme = Acme::start().await;
    let new = |name: &str, group: Option<&str>| json!({ "name": name, "organization": "acme", "private": true, "resourceGroupId": group });
    let group = Some(acme.group.as_str());
    for (who, in_group, outside) in [
        ("outsider", 400, 403),
        ("member", 400, 200),
        ("reader", 403, 403),
        ("contributor", 200, 403),
        ("writer", 200, 403),
        ("head", 200, 200),
    ] {
        let client = acme.client(who);
        let create =
            |name: String, group| async move { status(client, Method::POST, "/api/repos/create", &new(&name, group)).await };
        assert_eq!(create(format!("{who}-in"), group).await, in_group, "{who} in the group");
        assert_eq!(create(format!("{who}-out"), None).await, outside, "{who} outside");
        assert_eq!(create(format!("{who}-wrong"), Some("0123456789abcdef01234567")).await, 400, "{who} in no group");
        let bucket = status(client, Method::POST, &format!("/api/buckets/acme/{who}-bucket"), &new("", group)).await;
        assert_eq!(bucket, in_group, "{who}: a bucket");
    }
    // A contributor administers what they made there, and nothing else, for as long as they are in the group.
    let (contributor, admin) = (acme.client("contributor"), acme.client("head"));
    contributor.commit("/api/models/acme/contributor-in", "main", &[Client::file("a", "a\n")], 200).await;
    contributor.call(Method::PUT, "/api/models/acme/writer-in/settings", &json!({}), 403).await;
    let rename = json!({ "fromRepo": "acme/contributor-in", "toRepo": "acme/contributed", "type": "model" });
    contributor.post_json("/api/repos/move", &rename, 200).await;
    // To take it out takes the right to make repositories there.
    contributor.post_json("/api/models/acme/contributed/resource-group", &json!({ "resourceGroupId": null }), 403).await;
    let path = format!("{GROUPS}/{}/users/contributor", acme.group);
    admin.call(Method::DELETE, &path, &json!({}), 200).await;
    contributor.get_json("/api/models/acme/contributed", 404).await;
    // Copies go into groups, too.
    let copy = json!({ "repository": "acme/copy", "resourceGroupId": acme.group, "private": true });
    acme.client("writer").post_json("/api/models/acme/public/duplicate", &copy, 200).await;
    acme.client("member").get_json("/api/models/acme/copy", 404).await;
    acme.hub.stop().await;
}

#[tokio::test]
async fn groups_have_admins_of_their_own_and_only_members_of_the_organisation() {
    let acme = Acme::start().await;
    let (admin, writer, reader) = (acme.client("head"), acme.client("writer"), acme.client("reader"));
    let path = format!("{GROUPS}/{}", acme.group);
    let said =
        admin.post_json(&format!("{path}/users"), &json!({ "users": [{ "user": "outsider", "role": "read" }] }), 409).await;
    assert!(said["error"].as_str().unwrap().contains("no member of acme"), "{said}");
    admin.post_json(&format!("{path}/users"), &json!({ "users": [{ "user": "nobody-here", "role": "read" }] }), 404).await;
    writer.call(Method::PATCH, &format!("{path}/users/reader"), &json!({ "role": "admin" }), 403).await;
    admin.call(Method::PATCH, &format!("{path}/users/writer"), &json!({ "role": "admin" }), 200).await;
    // Who administers the group manages who is in it and its repositories, and neither deletes it nor makes others.
    writer.post_json(&format!("{path}/users"), &json!({ "users": [{ "user": "member", "role": "read" }] }), 200).await;
    acme.client("member").get_json("/api/models/acme/private", 200).await;
    writer.call(Method::PUT, "/api/models/acme/private/settings", &json!({}), 200).await;
    writer.call(Method::DELETE, &path, &json!({}), 403).await;
    writer.post_json(GROUPS, &json!({ "name": "mine" }), 403).await;
    let mut browser = Browser::logged_in(&acme.hub, "writer").await;
    let page = format!("/organizations/acme/settings/groups/{}", acme.group);
    assert!(!browser.open(&page).await.has("Delete this group"));
    assert_eq!(browser.submit(&page, &format!("{page}/delete"), &[]).await.status, 403);
    assert_eq!(browser.get("/organizations/acme/settings/groups").await.status, 403);

    // Members see the groups they are in.
    assert_eq!(names(&reader.get_json(GROUPS, 200).await, "name"), ["research"]);
    admin.post_json(GROUPS, &json!({ "name": "other" }), 200).await;
    assert_eq!(names(&reader.get_json(GROUPS, 200).await, "name"), ["research"]);
    assert_eq!(names(&admin.get_json(GROUPS, 200).await, "name"), ["other", "research"]);
    acme.client("outsider").get_json(GROUPS, 403).await;
    for (body, expected) in [
        (json!({ "name": "Research" }), 409),
        (json!({ "name": "" }), 400),
        (json!({ "name": "x".repeat(61) }), 400),
        (json!({ "name": "a\u{0}b" }), 400),
        (json!({ "name": "x", "repos": [{ "type": "model", "name": "head/none" }] }), 404),
        (json!({ "name": "x", "users": [{ "user": "outsider", "role": "read" }] }), 409),
    ] {
        admin.post_json(GROUPS, &body, expected).await;
    }
    assert_eq!(admin.get_json(GROUPS, 200).await.as_array().unwrap().len(), 2, "all or nothing");

    // Who leaves the organisation leaves its groups, and does not come back into them.
    acme.hub
        .sql("delete from organization_members using namespaces n where n.namespace_pk = user_pk and n.name = 'reader'")
        .await;
    reader.get_json("/api/models/acme/private", 404).await;
    acme.hub.sql("insert into organization_members select o.namespace_pk, u.namespace_pk, 'read' from namespaces o, namespaces u where o.name = 'acme' and u.name = 'reader'").await;
    reader.get_json("/api/models/acme/private", 404).await;
    // Every act is in the audit log, and the log can be had as a file.
    let log = Browser::logged_in(&acme.hub, "head").await.open("/organizations/acme/settings/audit-log/export?format=csv").await;
    for action in ["group.create", "group.member_add", "group.member_role", "group.member_remove"] {
        assert!(log.has(action), "{action}: {}", log.text);
    }
    acme.hub.stop().await;
}

#[tokio::test]
async fn tokens_for_chosen_things_are_held_to_groups() {
    let acme = Acme::start().await;
    let scopes = json!({ "scoped": [{ "entity": { "type": "org", "name": "acme" }, "permissions": ["repo.content.read", "repo.write"] }] });
    for (at, who, sees) in [(1, "member", false), (4, "writer", true)] {
        let client = acme.hub.scoped_token(&acme.users[at], TokenRole::FineGrained, scopes.clone()).await;
        client.get_json("/api/models/acme/private", if sees { 200 } else { 404 }).await;
        let listed = names(&client.get_json("/api/models?author=acme", 200).await, "id");
        assert_eq!(listed.contains(&"private".to_owned()), sees, "{who}: {listed:?}");
        client.commit("/api/models/acme/private", "main", &[Client::file("t", "t\n")], if sees { 200 } else { 404 }).await;
    }
    acme.hub.stop().await;
}

#[tokio::test]
async fn who_is_taken_out_while_pushing_pushes_no_more() {
    let acme = Acme::start().await;
    let (admin, writer) = (acme.client("head"), acme.client("writer"));
    let push = |number: usize| async move {
        let lines = [json!({ "key": "header", "value": { "summary": "x" } }), Client::file(&format!("f{number}"), "x\n")];
        let body = lines.map(|line| line.to_string()).join("\n");
        let request = writer.request(Method::POST, "/api/models/acme/private/commit/main").body(body);
        request.header("Content-Type", "application/x-ndjson").send().await.unwrap().status().as_u16()
    };
    let pushes = futures::future::join_all((0..12).map(push));
    let path = format!("{GROUPS}/{}/users/writer", acme.group);
    let body = json!({});
    let (pushed, _) = tokio::join!(pushes, admin.call(Method::DELETE, &path, &body, 200));
    assert!(pushed.iter().all(|status| matches!(status, 200 | 404 | 409 | 412)), "{pushed:?}");
    assert_eq!(push(99).await, 404);
    // A group that is deleted while repositories come into it is either gone, or has them.
    let made = admin.post_json(GROUPS, &json!({ "name": "short-lived" }), 200).await;
    let id = made["id"].as_str().unwrap();
    let new = json!({ "name": "late", "organization": "acme", "private": true, "resourceGroupId": id });
    let path = format!("{GROUPS}/{id}");
    let (created, deleted) =
        tokio::join!(status(admin, Method::POST, "/api/repos/create", &new), status(admin, Method::DELETE, &path, &body));
    assert!(matches!((created, deleted), (200, 409) | (409 | 400, 200)), "{created} {deleted}");
    acme.hub.stop().await;
}

#[tokio::test]
async fn a_deleted_group_comes_back_with_its_members() {
    let acme = Acme::start().await;
    let (admin, group, path) = (acme.client("head"), &acme.group, format!("{GROUPS}/{}", acme.group));
    for repo in REPOS {
        admin.call(Method::DELETE, "/api/repos/delete", &json!({ "name": repo, "organization": "acme" }), 200).await;
    }
    let whole = admin.get_json(&path, 200).await;
    let (groups, restore) =
        ("/organizations/acme/settings/groups", format!("/organizations/acme/settings/groups/{group}/restore"));
    let mut head = Browser::logged_in(&acme.hub, "head").await;
    assert!(!head.open(groups).await.has("Deleted groups"));
    admin.call(Method::DELETE, &path, &json!({}), 200).await;
    acme.hub
        .sql("delete from organization_members where user_pk = (select namespace_pk from namespaces where name = 'reader')")
        .await;

    // Who does not administer the organisation, or no longer, restores nothing.
    let mut member = Browser::logged_in(&acme.hub, "member").await;
    assert_eq!(member.submit("/settings/profile", &restore, &[]).await.status, 403);
    let page = head.open(groups).await;
    assert!(page.has("Deleted groups") && page.has("3 members, deleted"), "{}", page.text);
    // The name is another's meanwhile.
    let other = admin.post_json(GROUPS, &json!({ "name": "Research" }), 200).await["id"].as_str().unwrap().to_owned();
    let refused = head.submit(groups, &restore, &[]).await;
    assert!(refused.status == 409 && refused.has("give that one another name first"), "{}", refused.text);
    admin.call(Method::PATCH, &format!("{GROUPS}/{other}"), &json!({ "name": "others" }), 200).await;
    let back = head.submit(groups, &restore, &[]).await;
    assert_eq!((back.status, back.location()), (303, format!("{groups}/{group}").as_str()));
    let again = admin.get_json(&path, 200).await;
    for field in ["id", "name", "description"] {
        assert_eq!(again[field], whole[field], "{field}");
    }
    let page = head.open(&format!("{groups}/{group}")).await;
    assert!(page.has("contributor") && page.has("writer") && !page.has(">reader<"), "{}", page.text);
    assert_eq!(acme.hub.count("resource_group_members").await, 2, "without who left the organisation");

    // Its deleted repositories are in it again: only those in the group see what comes back.
    let deleted = admin.get_json("/api/settings/deleted-repos", 200).await;
    let private = deleted.as_array().unwrap().iter().find(|repo| repo["id"] == "acme/private").unwrap()["_id"].clone();
    admin.post_json(&format!("/api/deleted-repos/{}/restore", private.as_str().unwrap()), &json!({}), 200).await;
    acme.client("member").get("/api/models/acme/private", 404).await;
    acme.client("writer").get("/api/models/acme/private", 200).await;

    // After its time it is gone for good.
    let other = format!("{GROUPS}/{other}");
    admin.call(Method::DELETE, &other, &json!({}), 200).await;
    acme.hub.sql("update deleted_resource_groups set deleted_at = now() - interval '31 days'").await;
    assert!(!head.open(groups).await.has("Deleted groups"));
    hub::gc::kept::forget(acme.hub.app()).await.unwrap();
    assert_eq!(acme.hub.count("deleted_resource_groups").await, 0);
    acme.hub.stop().await;
}
