//! Who may do what, walked over every route about a repository: by access token for programs, by session for pages.
//!
//! A route that is in the sources and not in the tables fails the last test. What is about no repository is in `accounts.rs`.

mod accounts;
mod routes;

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use crate::pages::browser::Browser;

/// The least that a viewer must be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    /// To see the repository.
    Read,
    /// To see it, with an account.
    Account,
    /// To see it, with an account or a token that may act: to talk about it.
    Talk,
    /// To download its files, too, and talk: to propose commits.
    Propose,
    /// To download its files, too: of a gated one, only members.
    Content,
    /// To see what its bytes say of where it comes from: to change it, or to moderate the hub and download its files.
    Evidence,
    /// To change its contents.
    Write,
    /// To change its settings.
    Admin,
}
use Needs::{Account, Admin, Content, Evidence, Propose, Read, Talk, Write};

/// What programs ask: method, path (`API`, `GIT`, `LFS` stand for the repository's), body.
const CALLS: &[(&str, &str, Needs, &str)] = &[
    ("GET", "API", Read, ""),
    ("GET", "API/revision/main", Read, ""),
    ("GET", "API/tree/main", Read, ""),
    ("GET", "API/treesize/main/", Read, ""),
    ("POST", "API/paths-info/main", Read, r#"{"paths": ["README.md"]}"#),
    ("GET", "API/commits/main", Read, ""),
    ("GET", "API/refs", Read, ""),
    ("GET", "API/compare/main..main", Content, ""),
    ("GET", "API/auth-check", Content, ""),
    ("GET", "API/auth-check/write", Write, ""),
    ("GET", "API/lfs-files", Write, ""),
    ("GET", "API/lineage", Evidence, ""),
    ("GET", "API/related", Read, ""),
    ("GET", "API/tensor-diff", Content, ""),
    ("POST", "API/lfs-files/batch", Write, r#"{"deletions": {"sha": ["none"]}}"#),
    ("POST", "API/lfs-files/duplicate", Content, r#"{"target": {"type": "model", "name": "no id"}, "files": []}"#),
    ("DELETE", "API/lfs-files/none", Write, ""),
    ("POST", "API/preupload/main", Write, r#"{"files": []}"#),
    ("POST", "API/commit/main", Write, r#"{"key": "header", "value": {"summary": "nothing"}}"#),
    ("POST", "API/commit/main?create_pr=1", Propose, r#"{"key": "file", "value": {}}"#),
    ("POST", "API/preupload/main?create_pr=1", Propose, r#"{"files": []}"#),
    ("GET", "API/xet-write-token/None?create_pr=1", Propose, ""),
    ("GET", "API/convert-weights?path=none.bin", Content, ""),
    ("POST", "API/convert-weights", Propose, r#"{"path": "none.bin"}"#),
    ("GET", "API/discussions", Read, ""),
    ("POST", "API/discussions", Talk, r#"{"title": "", "description": ""}"#),
    ("POST", "API/discussions", Talk, r#"{"title": "", "pullRequest": true}"#),
    ("POST", "API/discussions/uploads", Talk, "a text"),
    ("GET", "API/discussions/99", Read, ""),
    ("POST", "API/discussions/99/comment", Talk, r#"{"comment": "x"}"#),
    ("POST", "API/discussions/99/comment/none/edit", Talk, r#"{"content": "x"}"#),
    ("POST", "API/discussions/99/comment/none/hide", Talk, ""),
    ("POST", "API/discussions/99/comment/none/reactions", Talk, r#"{"reaction": "👍"}"#),
    ("DELETE", "API/discussions/99/comment/none/reactions", Talk, r#"{"reaction": "👍"}"#),
    ("DELETE", "API/discussions/99", Admin, ""),
    ("POST", "API/discussions/99/title", Talk, r#"{"title": "New title"}"#),
    ("POST", "API/discussions/99/status", Talk, r#"{"status": "closed"}"#),
    ("POST", "API/discussions/99/merge", Write, ""),
    ("POST", "API/discussions/99/pin", Write, r#"{"pinned": true}"#),
    ("POST", "API/discussions/99/lock", Write, r#"{"locked": true}"#),
    ("GET", "API/user-access-request/pending", Write, ""),
    ("GET", "API/user-access-request/accepted?q=x", Write, ""),
    ("POST", "API/user-access-request/handle", Write, r#"{"user": "nobody-here", "status": "accepted"}"#),
    ("POST", "API/user-access-request/grant", Write, r#"{"user": "nobody-here"}"#),
    ("POST", "API/user-access-request/batch", Write, r#"{"status": "accepted", "requests": []}"#),
    ("POST", "API/user-access-request/cancel", Account, ""),
    ("POST", "API/branch/main", Write, "{}"),
    ("DELETE", "API/branch/none", Write, ""),
    ("POST", "API/tag/none", Write, r#"{"tag": "x"}"#),
    ("DELETE", "API/tag/none", Write, ""),
    ("POST", "API/super-squash/none", Write, r#"{"message": "x"}"#),
    ("PUT", "API/settings", Admin, "{}"),
    ("GET", "API/resource-group", Read, ""),
    ("POST", "API/resource-group", Admin, r#"{"resourceGroupId": "none"}"#),
    ("GET", "API/changes", Admin, ""),
    ("POST", "API/changes/1/undo", Admin, ""),
    ("POST", "API/like", Account, ""),
    ("DELETE", "API/like", Account, ""),
    ("GET", "API/likers", Read, ""),
    ("GET", "API/xet-read-token/main", Content, ""),
    ("GET", "API/xet-write-token/main", Write, ""),
    ("GET", "GIT/resolve/main/README.md", Read, ""),
    ("GET", "GIT/resolve/main/data.txt", Content, ""),
    ("HEAD", "GIT/resolve/main/data.txt", Content, ""),
    ("GET", "GIT/raw/main/data.txt", Content, ""),
    ("HEAD", "GIT/raw/main/data.txt", Content, ""),
    ("GET", "GIT/archive/main.zip", Content, ""),
    ("HEAD", "GIT/archive/main.tar.gz", Content, ""),
    ("GET", "GIT/info/refs?service=git-upload-pack", Content, ""),
    ("GET", "GIT/info/refs?service=git-receive-pack", Write, ""),
    ("POST", "GIT/git-upload-pack", Content, "0000"),
    ("POST", "GIT/git-receive-pack", Write, "0000"),
    ("POST", "LFS/objects/batch", Content, r#"{"operation": "download", "objects": []}"#),
    ("POST", "LFS/objects/batch", Write, r#"{"operation": "upload", "objects": []}"#),
    ("GET", "LFS/locks", Read, ""),
    ("POST", "LFS/locks", Write, r#"{"path": "data.txt"}"#),
    ("POST", "LFS/locks/verify", Write, "{}"),
    ("POST", "LFS/locks/1/unlock", Write, "{}"),
];

/// What people open and send in a browser. No form is complete: nothing changes.
const PAGES: &[(&str, &str, Needs)] = &[
    ("GET", "", Read),
    ("GET", "/tree/main", Read),
    ("GET", "/blob/main/data.txt", Content),
    ("GET", "/commits/main", Read),
    ("GET", "/commits.atom", Read),
    ("GET", "/commit/main", Content),
    ("GET", "/refs", Read),
    ("GET", "/use", Read),
    ("GET", "/find/main?q=data", Read),
    ("GET", "/compare", Content),
    ("POST", "/refs/create", Write),
    ("GET", "/edit-card", Write),
    ("POST", "/edit-card", Write),
    ("POST", "/add-facts", Write),
    ("POST", "/propose-facts", Propose),
    ("POST", "/convert-weights", Propose),
    ("GET", "/tensors/main/data.txt", Content),
    ("GET", "/lineage", Evidence),
    ("GET", "/related", Read),
    ("GET", "/tensor-diff", Content),
    ("POST", "/refs/delete", Write),
    ("POST", "/like", Account),
    ("POST", "/view-content", Read),
    ("POST", "/watch", Account),
    ("GET", "/likers", Read),
    ("GET", "/trending", Read),
    ("GET", "/upload/main", Write),
    ("POST", "/upload/main", Write),
    ("GET", "/edit/main/data.txt", Write),
    ("POST", "/edit/main/data.txt", Write),
    ("GET", "/new/main", Write),
    ("POST", "/new/main", Write),
    ("GET", "/delete/main/data.txt", Write),
    ("POST", "/delete/main/data.txt", Write),
    ("GET", "/move/main/data.txt", Write),
    ("POST", "/move/main/data.txt", Write),
    ("GET", "/restore/main/data.txt?from=main", Write),
    ("POST", "/restore/main/data.txt", Write),
    ("GET", "/discussions", Read),
    ("GET", "/discussions/new", Talk),
    ("POST", "/discussions/new", Talk),
    ("GET", "/discussions/1", Read),
    ("GET", "/discussions/1/files", Content),
    ("GET", "/discussions/1/conflicts", Write),
    ("POST", "/discussions/1/conflicts", Write),
    ("POST", "/discussions/1/comment", Talk),
    ("POST", "/discussions/1/edit", Talk),
    ("POST", "/discussions/1/hide", Talk),
    ("POST", "/discussions/1/react", Talk),
    ("POST", "/discussions/1/delete", Admin),
    ("POST", "/discussions/1/title", Write),
    ("POST", "/discussions/1/status", Talk),
    ("POST", "/discussions/1/flags", Write),
    ("POST", "/discussions/1/merge", Write),
    ("GET", "/ask-access", Read),
    ("POST", "/ask-access", Account),
    ("POST", "/ask-access/cancel", Account),
    ("GET", "/user-access-report", Write),
    ("GET", "/settings/access-requests", Write),
    ("POST", "/settings/access-requests", Write),
    ("POST", "/settings/access-requests/grant", Write),
    ("GET", "/settings", Admin),
    ("GET", "/settings/history", Admin),
    ("POST", "/settings/history/1/undo", Admin),
    ("POST", "/settings/gating", Admin),
    ("POST", "/settings/visibility", Admin),
    ("POST", "/settings/audience", Admin),
    ("POST", "/settings/transfer", Admin),
    ("POST", "/settings/resource-group", Admin),
    ("POST", "/settings/discussions", Admin),
    ("POST", "/settings/pickles", Admin),
    ("POST", "/settings/move", Admin),
    ("POST", "/settings/delete", Admin),
];

const PEOPLE: [&str; 5] = ["anonymous", "stranger", "reader", "writer", "admin"];
const REPOS: [&str; 4] = ["public", "private", "gated", "missing"];

/// The rule, said once more in the test's own words.
fn is_allowed(who: &str, repo: &str, needs: Needs) -> bool {
    let level = match who {
        "admin" => Some(Admin),
        "writer" => Some(Write),
        "reader" => Some(Content),
        _ if repo == "public" => Some(Content),
        _ if repo == "gated" => Some(Read),
        _ => None,
    };
    let needs = match needs {
        Account | Talk | Propose if who == "anonymous" => return false,
        Account | Talk => Read,
        Propose => Content,
        other => other,
    };
    repo != "missing" && level.is_some_and(|level| level >= needs)
}

/// A hub with an organisation, its repositories, and everybody with a token.
async fn acme() -> (TestHub, Vec<(&'static str, Client)>) {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let mut clients = vec![("anonymous", hub.anonymous())];
    let mut members = Vec::new();
    for (who, role) in PEOPLE[1..].iter().zip([None, Some(OrgRole::Read), Some(OrgRole::Write), Some(OrgRole::Admin)]) {
        let user = hub.account(&format!("{who}-person")).await;
        clients.push((*who, hub.token(&user, TokenRole::Write).await));
        members.extend(role.map(|role| (user, role)));
    }
    let listed: Vec<_> = members.iter().map(|(user, role)| (user, *role)).collect();
    hub.organization("acme", &listed).await;
    let (_, admin) = &clients[4];
    for repo in ["public", "private", "gated"] {
        admin.create_repo("model", &format!("acme/{repo}"), repo == "private").await;
        let files = [Client::file("README.md", "# A card\n"), Client::file("data.txt", "data\n")];
        admin.commit(&format!("/api/models/acme/{repo}"), "main", &files, 200).await;
        let talk = json!({ "title": "A question", "description": "" });
        admin.post_json(&format!("/api/models/acme/{repo}/discussions"), &talk, 200).await;
    }
    admin.call(Method::PUT, "/api/models/acme/gated/settings", &json!({ "gated": "manual" }), 200).await;
    (hub, clients)
}

#[tokio::test]
async fn programs_may_do_what_the_table_says() {
    let (hub, clients) = acme().await;
    walk(&clients, is_allowed).await;
    hub.stop().await;
}

/// What a token of an admin may do, by its scopes. None acts in the name of its owner: likes are not for repositories.
fn is_in_scope(token: &str, repo: &str, needs: Needs) -> bool {
    let as_person = match token {
        "to read" | "read in acme" => "reader",
        "write in acme" => "admin",
        "read the private one" if repo == "private" => "reader",
        "write the gated one" if repo == "gated" => "admin",
        "read gated ones" if repo == "gated" => "reader",
        _ => "stranger",
    };
    match needs {
        Account => false,
        // To act in its owner's name, a token must be to write.
        Talk | Propose => is_allowed(as_person, repo, Write),
        other => is_allowed(as_person, repo, other),
    }
}

#[tokio::test]
async fn tokens_may_do_what_their_scopes_say() {
    let (hub, _) = acme().await;
    let admin = find_user_by_name(&hub, "admin-person").await;
    let scope = |kind: &str, name: &str, permissions: &[&str]| json!({ "canReadGatedRepos": false, "scoped": [{ "entity": { "type": kind, "name": name }, "permissions": permissions }] });
    let (read, write) = (["repo.content.read"], ["repo.content.read", "repo.write"]);
    let mut tokens = vec![("to read", hub.token(&admin, TokenRole::Read).await)];
    for (token, scopes) in [
        ("read in acme", scope("org", "acme", &read)),
        ("write in acme", scope("org", "Acme", &write)),
        ("read the private one", scope("model", "acme/private", &read)),
        ("write the gated one", scope("model", "acme/gated", &write)),
        ("write another type", scope("dataset", "acme/private", &write)),
        ("write elsewhere", scope("user", "admin-person", &write)),
        ("read gated ones", json!({ "canReadGatedRepos": true, "scoped": [] })),
        ("nothing", json!({})),
    ] {
        tokens.push((token, hub.scoped_token(&admin, TokenRole::FineGrained, scopes).await));
    }
    walk(&tokens, is_in_scope).await;
    hub.stop().await;
}

async fn find_user_by_name(hub: &TestHub, name: &str) -> hub::accounts::User {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let found = hub::accounts::queries::find_namespace(&mut conn, name).await.unwrap().unwrap();
    hub::accounts::queries::find_user(&hub.app().pool, found.namespace_pk).await.unwrap().unwrap()
}

fn path_of(path: &str, repo: &str) -> String {
    let id = format!("acme/{repo}");
    let path = path.replace("API", &format!("/api/models/{id}"));
    path.replace("LFS", &format!("/{id}.git/info/lfs")).replace("GIT", &format!("/{id}"))
}

async fn ask(client: &Client, method: &str, path: &str, body: &'static str) -> reqwest::Response {
    let request = client.request(method.parse().unwrap(), path).body(body);
    let request = match path.rsplit_once("/git-") {
        Some((_, service)) => request.header("Content-Type", format!("application/x-git-{service}-request")),
        None => request.header("Content-Type", "application/json"),
    };
    request.send().await.unwrap()
}

/// A repository that moderators disabled is read by its members and by moderators, and changed by nobody; a suspended member is
/// told so everywhere.
#[tokio::test]
async fn nobody_changes_what_is_disabled_and_only_members_and_moderators_see_it() {
    let (hub, mut clients) = acme().await;
    clients.push(("moderator", hub.user("moderator").await));
    hub.sql("update users set is_moderator = true where email = 'moderator@example.org'").await;
    clients.push(("suspended", hub.user("suspended").await));
    hub.sql("update users set suspended_at = now() where email = 'suspended@example.org'").await;
    hub.sql("update repos set disabled = true where name = 'public'").await;
    let mut wrong = Vec::new();
    for (who, client) in &clients {
        let is_member = matches!(*who, "reader" | "writer" | "admin" | "moderator");
        for (method, path, needs, body) in CALLS {
            let path = path_of(path, "public");
            let response = ask(client, method, &path, body).await;
            let status = response.status().as_u16();
            let said = response.headers().get("x-error-message").map_or("", |text| text.to_str().unwrap()).to_owned();
            let allowed = match needs {
                Read | Account | Content => is_member,
                Evidence => *who == "moderator",
                Talk | Propose | Write | Admin => false,
            };
            let word = if *who == "suspended" { "suspended" } else { "Access to this resource is disabled." };
            let refused = status == 403 && said.contains(word);
            let login = *who == "anonymous" && status == 401;
            if (refused || login) == allowed || status >= 500 {
                wrong.push(format!("{who}: {method} {path} is {status} {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    hub.stop().await;
}

/// Has everybody call everything, and compares with a rule.
async fn walk(clients: &[(&str, Client)], is_allowed: fn(&str, &str, Needs) -> bool) {
    let mut wrong = Vec::new();
    for (who, client) in clients {
        for (method, path, needs, body) in CALLS {
            let mut answers = Vec::new();
            for repo in REPOS {
                let path = path_of(path, repo);
                let response = ask(client, method, &path, body).await;
                let code = response.headers().get("x-error-code").map_or("", |code| code.to_str().unwrap()).to_owned();
                let status = response.status().as_u16();
                let refused = matches!(status, 401 | 403) || code == "RepoNotFound";
                let said = response.text().await.unwrap();
                if refused == is_allowed(who, repo, *needs) || status >= 500 {
                    wrong.push(format!(
                        "{who}: {method} {path} is {status} {code} {}",
                        said.chars().take(200).collect::<String>()
                    ));
                }
                answers.push((status, code));
            }
            // A private repository answers those who may not see it as one that is not there.
            if !is_allowed(who, "private", Read) && answers[1] != answers[3] {
                wrong.push(format!("{who}: {method} {path} tells private from missing: {answers:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn people_may_open_and_send_what_the_table_says() {
    let (hub, _) = acme().await;
    let mut wrong = Vec::new();
    for who in PEOPLE {
        let mut browser = match who {
            "anonymous" => Browser::new(&hub),
            name => Browser::logged_in(&hub, &format!("{name}-person")).await,
        };
        let form = if who == "anonymous" { "/login" } else { "/settings/profile" };
        let csrf = browser.open(form).await.csrf();
        for (method, path, needs) in PAGES {
            let mut answers = Vec::new();
            for repo in REPOS {
                let path = format!("/acme/{repo}{path}");
                let page = match *method {
                    "GET" => browser.get(&path).await,
                    _ => browser.post(&path, &[("csrf_token", &csrf)]).await,
                };
                let to_login = page.headers.get("location").is_some_and(|to| to.to_str().unwrap().starts_with("/login"));
                let refused = matches!(page.status, 401 | 403 | 404) || to_login;
                if refused == is_allowed(who, repo, *needs) || page.status >= 500 {
                    wrong.push(format!("{who}: {method} {path} is {}", page.status));
                }
                answers.push(page.status);
            }
            if matches!(who, "anonymous" | "stranger") && answers[1] != answers[3] {
                wrong.push(format!("{who}: {method} {path} tells private from missing: {answers:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    hub.stop().await;
}

#[tokio::test]
async fn deleting_and_moving_are_for_admins() {
    let (hub, clients) = acme().await;
    for (who, client) in &clients {
        for repo in REPOS {
            let allowed = is_allowed(who, repo, Admin);
            let body = json!({ "organization": "acme", "name": repo });
            let moving = json!({ "fromRepo": format!("acme/{repo}"), "toRepo": format!("acme/{repo}-moved"), "type": "model" });
            let back = json!({ "fromRepo": format!("acme/{repo}-moved"), "toRepo": format!("acme/{repo}"), "type": "model" });
            let moved = client.request(Method::POST, "/api/repos/move").json(&moving).send().await.unwrap();
            assert_eq!(moved.status().is_success(), allowed, "{who} moves {repo}: {}", moved.status());
            if allowed {
                client.post_json("/api/repos/move", &back, 200).await;
                continue;
            }
            let deleted = client.request(Method::DELETE, "/api/repos/delete").json(&body).send().await.unwrap();
            assert!(matches!(deleted.status().as_u16(), 401 | 403 | 404), "{who} deletes {repo}: {}", deleted.status());
        }
    }
    let (_, admin) = &clients[4];
    for repo in ["public", "private", "gated"] {
        admin.call(Method::DELETE, "/api/repos/delete", &json!({ "organization": "acme", "name": repo }), 200).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_copy_is_for_those_who_may_download_and_have_a_place_for_it() {
    let (hub, clients) = acme().await;
    for (who, client) in &clients {
        for repo in REPOS {
            let body = json!({ "repository": format!("{who}-person/copy-of-{repo}") });
            let path = format!("/api/models/acme/{repo}/duplicate");
            let status = client.request(Method::POST, &path).json(&body).send().await.unwrap().status();
            let allowed = *who != "anonymous" && is_allowed(who, repo, Content);
            assert_eq!(status.is_success(), allowed, "{who} copies {repo}: {status}");
        }
    }
    hub.stop().await;
}

/// The sources name each route as a pattern behind the repository's: its first words must be in a table.
#[test]
fn no_route_about_a_repository_is_left_out() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hub/src");
    let mut missing = Vec::new();
    let mut found = 0;
    for (prefix, table) in [("{REPO}", "API"), ("{base}", ""), ("{prefix}", "GIT"), ("{repo}", "")] {
        for pattern in patterns(&sources, prefix) {
            found += 1;
            // `/tree/{{tail:.*}}` and `/settings/move` by their words.
            let words: String = pattern.split("/{{").next().unwrap().to_owned();
            let known = |path: &str| path == format!("{table}{words}") || path.starts_with(&format!("{table}{words}/"));
            let lfs_or_file = |path: &str| ["LFS", "GIT"].iter().any(|root| path.starts_with(&format!("{root}{words}")));
            if words == "/duplicate" {
                continue; // has a test of its own
            }
            let in_calls = CALLS
                .iter()
                .any(|(_, path, ..)| known(path.split('?').next().unwrap()) || (table.is_empty() && lfs_or_file(path)));
            let in_pages = table.is_empty() && PAGES.iter().any(|(_, path, _)| known(path));
            if !in_calls && !in_pages {
                missing.push(format!("{prefix}{pattern}"));
            }
        }
    }
    assert!(found > 30, "the sources were not read: {found} routes");
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
}

/// What follows `prefix` in every `format!` of a route.
fn patterns(folder: &std::path::Path, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(patterns(&path, prefix));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let start = format!("route(&format!(\"{prefix}");
            found.extend(text.split(&start).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    found
}
