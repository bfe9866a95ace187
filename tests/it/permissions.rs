//! Who may do what, walked over every route about a repository: by access token for programs, by session for pages.
//!
//! [`people`] has the table of what everybody may do with a repository; what each route needs is in [`repos`] and [`buckets`]. A route
//! that is in the sources and not in the tables fails the last test. What is about no repository is in [`accounts`].

mod accounts;
mod buckets;
mod people;
mod read_only;
mod repos;
mod routes;

use std::collections::{HashMap, HashSet};

use futures::future::join_all;
use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use self::buckets::{BUCKET_CALLS, BUCKET_PAGES};
use self::people::{
    Clients, Most, PEOPLE, REPOS, Row, TOKENS, account_of, acme, client_of, is_allowed, is_in_scope, may, suspend,
};
use self::repos::{CALLS, PAGES};
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
use Needs::{Admin, Propose};

/// Kinds of repositories in addresses. What they are routed by is alike: on the way through a table they take turns, so that each row
/// meets every kind with everybody.
const KINDS: [&str; 3] = ["models", "datasets", "spaces"];

/// Routes that these tables leave to tests of their own, for what they make or take away.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("POST", "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}/duplicate", "a_copy_is_for_those_who_may_download"),
    ("DELETE", "/api/{repo_type:buckets}/{namespace}/{name}", "buckets::permissions::everybody_may_what_their_role_says"),
];

type Call = (&'static str, &'static str, Needs, &'static str);

/// Whether the most that somebody may do is enough.
type Rule = fn(&str, Most, Needs) -> bool;

#[tokio::test]
async fn programs_may_do_what_the_table_says() {
    let (hub, clients) = acme(&["model", "dataset", "space", "bucket"]).await;
    suspend(&hub).await;
    walk(&clients, PEOPLE, is_allowed).await;
    hub.stop().await;
}

#[tokio::test]
async fn tokens_may_do_what_their_scopes_say() {
    let (hub, _) = acme(&["model", "dataset", "space", "bucket"]).await;
    let admin = find_user_by_name(&hub, "admin-person").await;
    let entry = |kind: &str, name: &str, permissions: &[&str]| json!({ "entity": { "type": kind, "name": name }, "permissions": permissions });
    let of_all =
        |name: &str, permissions: &[&str]| ["model", "dataset", "space", "bucket"].map(|kind| entry(kind, name, permissions));
    let (read, write) = (["repo.content.read"], ["repo.content.read", "repo.write"]);
    let scopes = |entries: Vec<serde_json::Value>, gated: bool| json!({ "canReadGatedRepos": gated, "scoped": entries });
    let mut tokens = vec![("to read", hub.token(&admin, TokenRole::Read).await)];
    for (token, scopes) in [
        ("read in acme", scopes(vec![entry("org", "acme", &read)], false)),
        ("write in acme", scopes(vec![entry("org", "Acme", &write)], false)),
        ("read the private one", scopes(of_all("acme/private", &read).to_vec(), false)),
        ("write the gated one", scopes(of_all("acme/gated", &write).to_vec(), false)),
        ("write the disabled one", scopes(of_all("acme/disabled", &write).to_vec(), false)),
        (
            "write elsewhere",
            scopes([&of_all("acme/missing", &write)[..], &[entry("user", "admin-person", &write)]].concat(), false),
        ),
        ("read gated ones", scopes(Vec::new(), true)),
        ("nothing", json!({})),
    ] {
        tokens.push((token, hub.scoped_token(&admin, TokenRole::FineGrained, scopes).await));
    }
    walk(&tokens, TOKENS, is_in_scope).await;
    // A token for a repository is none for another kind of the same name.
    let for_datasets = scopes(vec![entry("dataset", "acme/private", &write)], false);
    let token = hub.scoped_token(&admin, TokenRole::FineGrained, for_datasets).await;
    token.get("/api/models/acme/private", 404).await;
    token.get("/api/datasets/acme/private", 200).await;
    hub.stop().await;
}

async fn find_user_by_name(hub: &TestHub, name: &str) -> hub::accounts::User {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let found = hub::accounts::queries::find_namespace(&mut conn, name).await.unwrap().unwrap();
    hub::accounts::queries::find_user(&hub.app().pool, found.namespace_pk).await.unwrap().unwrap()
}

/// The address of a row's path, for a repository of a kind.
fn path_of(path: &str, kind: &str, repo: &str) -> String {
    let id = format!("acme/{repo}");
    let page = if kind == "models" { format!("/{id}") } else { format!("/{kind}/{id}") };
    if let Some(rest) = path.strip_prefix("API") {
        return format!("/api/{kind}/{id}{rest}");
    }
    if let Some(rest) = path.strip_prefix("LFS") {
        return format!("{page}.git/info/lfs{rest}");
    }
    let rest = path.strip_prefix("GIT").unwrap_or(path);
    format!("{page}{}", rest.replace("COMMENT", &format!("{}-{repo}", kind.trim_end_matches('s'))))
}

/// What the hub said.
struct Answer {
    status: u16,
    code: String,
    said: String,
    text: String,
}

async fn ask(client: &Client, method: &str, path: &str, body: &'static str) -> Answer {
    let request = client.request(method.parse().unwrap(), path).body(body);
    let request = match path.rsplit_once("/git-") {
        Some((_, service)) => request.header("Content-Type", format!("application/x-git-{service}-request")),
        None => request.header("Content-Type", "application/json"),
    };
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map_or("", |text| text.to_str().unwrap()).to_owned();
    let (status, code, said) = (response.status().as_u16(), header("x-error-code"), header("x-error-message"));
    Answer { status, code, said, text: response.text().await.unwrap() }
}

impl Answer {
    fn is_refusal(&self) -> bool {
        matches!(self.status, 401 | 403) || self.code == "RepoNotFound"
    }

    /// 501 says what the hub does not do at all.
    fn is_failure(&self) -> bool {
        self.status >= 500 && self.status != 501
    }
}

/// Has everybody call everything, all at the same time, and compares with a table.
async fn walk(clients: &Clients, table: &[Row], rule: Rule) {
    let walks = clients.iter().enumerate().map(|(at, (who, client))| async move {
        let most = people::row_of(table, who);
        let mut wrong = walk_as((at, *who, client), (CALLS, &KINDS), most, rule).await;
        wrong.extend(walk_as((at, *who, client), (BUCKET_CALLS, &["buckets"]), most, rule).await);
        wrong
    });
    let wrong = join_all(walks).await.concat();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Has one of them call everything; tells what is not as the table says.
async fn walk_as(
    (at, who, client): (usize, &str, &Client),
    (calls, kinds): (&[Call], &[&str]),
    most: &[Most; 6],
    rule: Rule,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (row, &(method, path, needs, body)) in calls.iter().enumerate() {
        let mut answers = HashMap::new();
        for (column, repo) in REPOS.iter().enumerate().filter(|(column, _)| people::is_walked(who, most, *column)) {
            let kind = kinds[(at + row + column) % kinds.len()];
            let address = path_of(path, kind, repo);
            let answer = ask(client, method, &address, body).await;
            let allowed = rule(who, people::in_column(most, column, kind), needs);
            let why = match (who, *repo) {
                ("suspended", _) => "suspended",
                ("reader" | "stranger", "disabled") => "Access to this resource is disabled.",
                _ => "",
            };
            let is_said = allowed || answer.said.contains(why);
            if answer.is_refusal() == allowed || answer.is_failure() || !is_said {
                let (status, code, said) = (answer.status, &answer.code, &answer.said);
                let text: String = answer.text.chars().take(200).collect();
                wrong.push(format!("{who}: {method} {address} is {status} {code} {said} {text}"));
            }
            answers.insert(column, (answer.status, answer.code));
        }
        // What is private answers those who may not see it as what is not there.
        if !people::look_alike(&answers, most) {
            wrong.push(format!("{who}: {method} {path} tells what is private from what is missing: {answers:?}"));
        }
    }
    wrong
}

#[tokio::test]
async fn people_may_open_and_send_what_the_table_says() {
    let (hub, _) = acme(&["model", "dataset", "space", "bucket"]).await;
    let mut browsers = Vec::new();
    for (who, _) in PEOPLE {
        let mut browser = match *who {
            "anonymous" => Browser::new(&hub),
            who => Browser::logged_in(&hub, &account_of(who)).await,
        };
        let form = if *who == "anonymous" { "/login" } else { "/settings/profile" };
        let csrf = browser.open(form).await.csrf();
        browsers.push((*who, browser, csrf));
    }
    // Their session ends with it.
    suspend(&hub).await;
    let walks = browsers.into_iter().enumerate().map(|(at, (who, mut browser, csrf))| async move {
        let mut wrong = open_as((at, who, &mut browser, &csrf), PAGES, &KINDS).await;
        wrong.extend(open_as((at, who, &mut browser, &csrf), BUCKET_PAGES, &["buckets"]).await);
        wrong
    });
    let wrong = join_all(walks).await.concat();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    hub.stop().await;
}

/// Has one of them open and send everything; tells what is not as the table says.
async fn open_as(
    (at, who, browser, csrf): (usize, &str, &mut Browser, &str),
    pages: &[(&str, &str, Needs)],
    kinds: &[&str],
) -> Vec<String> {
    let person = if who == "suspended" { "anonymous" } else { who };
    let most = people::row_of(PEOPLE, person);
    let mut wrong = Vec::new();
    for (row, &(method, path, needs)) in pages.iter().enumerate() {
        let mut answers = HashMap::new();
        for (column, repo) in REPOS.iter().enumerate().filter(|(column, _)| people::is_walked(who, most, *column)) {
            let kind = match kinds[(at + row + column) % kinds.len()] {
                // There is no such page of a Space.
                "spaces" if path == "/related" => "models",
                kind => kind,
            };
            let address = path_of(path, kind, repo);
            let page = match method {
                "GET" => browser.get(&address).await,
                _ => browser.post(&address, &[("csrf_token", csrf)]).await,
            };
            let to_login = page.headers.get("location").is_some_and(|to| to.to_str().unwrap().starts_with("/login"));
            let refused = matches!(page.status, 401 | 403 | 404) || to_login;
            if refused == is_allowed(person, people::in_column(most, column, kind), needs) || page.status >= 500 {
                wrong.push(format!("{who}: {method} {address} is {}", page.status));
            }
            answers.insert(column, page.status);
        }
        if !people::look_alike(&answers, most) {
            wrong.push(format!("{who}: {method} {path} tells what is private from what is missing: {answers:?}"));
        }
    }
    wrong
}

#[tokio::test]
async fn deleting_and_moving_are_for_admins() {
    let (hub, clients) = acme(&["model"]).await;
    suspend(&hub).await;
    for (who, client) in &clients {
        for repo in REPOS {
            let allowed = may(who, repo, Admin);
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
    for repo in ["public", "private", "gated"] {
        let body = json!({ "organization": "acme", "name": repo });
        client_of(&clients, "admin").call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_copy_is_for_those_who_may_download_and_have_a_place_for_it() {
    let (hub, clients) = acme(&["model"]).await;
    suspend(&hub).await;
    for (who, client) in &clients {
        for repo in REPOS {
            let body = json!({ "repository": format!("{}/copy-of-{repo}", account_of(who)) });
            let path = format!("/api/models/acme/{repo}/duplicate");
            let status = client.request(Method::POST, &path).json(&body).send().await.unwrap().status();
            // What moderators disabled is not published again under another name. To propose, one must be able to download.
            let allowed = may(who, repo, Propose);
            assert_eq!(status.is_success(), allowed, "{who} copies {repo}: {status}");
        }
    }
    // Nor its large files, one by one.
    let files = json!({ "target": { "type": "model", "name": "acme/public" }, "files": [] });
    let answer = client_of(&clients, "admin").post_json("/api/models/acme/disabled/lfs-files/duplicate", &files, 403).await;
    assert_eq!(answer["error"], "Access to this resource is disabled.");
    hub.stop().await;
}

/// Every route that the sources mount about a repository is met by a row, with its method and its whole pattern, and every row by a
/// route.
#[test]
fn no_route_about_a_repository_is_left_out() {
    let mounted = routes::mounted();
    let repo_rows =
        CALLS.iter().map(|(method, path, ..)| (method, path)).chain(PAGES.iter().map(|(method, path, _)| (method, path)));
    let bucket_calls = BUCKET_CALLS.iter().map(|(method, path, ..)| (method, path));
    let bucket_rows = bucket_calls.chain(BUCKET_PAGES.iter().map(|(method, path, _)| (method, path)));
    let of_repos = repo_rows.flat_map(|(method, path)| KINDS.map(|kind| (method, path_of(path, kind, "public"))));
    let of_buckets = bucket_rows.map(|(method, path)| (method, path_of(path, "buckets", "public")));
    let mut met = HashSet::new();
    let mut lost = Vec::new();
    for (method, path) in of_repos.chain(of_buckets) {
        match routes::serving(&mounted, method, &path) {
            Some(route) => _ = met.insert(route),
            None => lost.push(format!("{method} {path}")),
        }
    }
    assert!(lost.is_empty(), "rows without a route: {lost:#?}");
    let is_elsewhere =
        |route: &routes::Route| ELSEWHERE.iter().any(|(method, pattern, _)| *method == route.method && *pattern == route.pattern);
    let of_them: Vec<_> = mounted.iter().filter(|route| route.is_about_a_repository()).collect();
    assert!(of_them.len() > 200, "the sources were not read: {} routes", of_them.len());
    let missing: Vec<_> = of_them.into_iter().filter(|route| !met.contains(route) && !is_elsewhere(route)).collect();
    assert!(missing.is_empty(), "routes without a row: {missing:#?}");
}
