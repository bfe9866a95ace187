//! Who may do what with accounts and organisations, and what everybody may: walked over every route that is about no repository.
//! A route of the hub that stands in no table fails [`no_route_is_left_out`].

mod elsewhere;
mod moderation;
mod organizations;
mod people;
mod site;
mod things;

use hub::accounts::{OrgRole, TokenRole, User};
use hub_tests::{Client, TestHub, json};

use self::elsewhere::ELSEWHERE;
use self::moderation::MODERATION;
use self::organizations::ORGANIZATIONS;
use self::people::{SETTINGS, SIGNING_IN};
use self::site::SITE;
use self::things::Things;
use super::routes::{Route, mounted};
use crate::pages::browser::{Browser, PASSWORD, Page};

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Everybody.
    Open,
    /// Everybody with a browser: the form's token is asked for, and no access token has one.
    Form,
    /// Whoever is logged in, in a browser.
    Browser,
    /// Whoever has an account, by whatever proves it.
    Account,
    /// The same, but for tokens that only read and those for chosen repositories.
    Actor,
    /// The same, and tokens that may write to some repository.
    Talker,
    /// Members of the organisation, in a browser.
    Member,
    /// Members who may write, and who runs the hub.
    Writer,
    /// Members and who runs the hub, by whatever proves it.
    Belongs,
    /// Its admins and who runs the hub, in a browser.
    OrgAdmin,
    /// The same, and by tokens that may act in their name.
    OrgActor,
    /// Only whose it is, in a browser; to all others it is not there.
    Own,
    /// Only who runs the hub; to all others it is not there.
    Operator,
    /// The same, and who moderates it.
    Moderator,
}
use Gate::{Account, Actor, Belongs, Form, Member, Moderator, Open, Operator, OrgActor, OrgAdmin, Own, Talker, Writer};

type Row = (&'static str, &'static str, Gate);

/// Method, pattern as the sources have it, who is let in: in the order in which they are walked. No body is complete.
const TABLES: [&[Row]; 6] = [SITE, SIGNING_IN, MODERATION, SETTINGS, ORGANIZATIONS, ENDING];

/// What ends something comes last.
const ENDING: &[Row] = &[
    ("POST", "/settings/keys/{key_pk}/remove", Own),
    ("POST", "/settings/gpg-keys/{gpg_key}/remove", Own),
    ("POST", "/settings/tokens/{token_pk}/rename", Own),
    ("POST", "/settings/tokens/{token_pk}/limit", Own),
    ("POST", "/settings/tokens/{token_pk}/rotate", Own),
    ("POST", "/settings/tokens/{token_pk}/revoke", Own),
    ("GET", "/settings/data", Gate::Browser),
    ("POST", "/settings/data/delete-account", Gate::Browser),
    ("POST", "/settings/data/export", Gate::Browser),
    ("GET", "/settings/sign-in", Gate::Browser),
    ("POST", "/settings/sign-in/{id}/unlink", Own),
    ("POST", "/settings/sessions/{id}/end", Own),
    ("POST", "/settings/sessions/end-others", Gate::Browser),
    ("POST", "/organizations/{name}/leave", Member),
    ("GET", "/organizations/{name}/settings/delete", OrgAdmin),
    ("POST", "/organizations/{name}/settings/delete", OrgAdmin),
    ("POST", "/logout", Form),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.into_iter().flatten()
}

/// Who asks, and whether a browser does.
const BROWSERS: [&str; 7] = ["anonymous", "stranger", "reader", "member", "moderator", "operator", "ada"];
const TOKENS: [&str; 4] = ["ada's read token", "ada's write token", "ada's token for acme", SUSPENDED];
/// A member of acme whom moderators suspended.
const SUSPENDED: &str = "a suspended member's write token";

fn is_let_in(who: &str, gate: Gate) -> bool {
    let is_token = TOKENS.contains(&who);
    if who == SUSPENDED {
        return gate == Open;
    }
    match gate {
        Open => true,
        Form => !is_token,
        Gate::Browser => !is_token && who != "anonymous",
        Account => who != "anonymous",
        Actor => who == "ada's write token" || (!is_token && who != "anonymous"),
        Talker => !matches!(who, "anonymous" | "ada's read token"),
        Member => matches!(who, "reader" | "member" | "ada"),
        Writer => !matches!(who, "anonymous" | "stranger" | "moderator" | "reader"),
        Belongs => !matches!(who, "anonymous" | "stranger" | "moderator"),
        OrgActor => matches!(who, "operator" | "ada" | "ada's write token"),
        OrgAdmin => matches!(who, "operator" | "ada"),
        Own => who == "ada",
        Operator => who == "operator",
        Moderator => matches!(who, "operator" | "moderator"),
    }
}

async fn acme() -> TestHub {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    hub.account("stranger").await;
    hub.account("moderator").await;
    hub.sql("update users set is_moderator = true where email = 'moderator@example.org'").await;
    let (reader, member, ada) = (hub.account("reader").await, hub.account("member").await, hub.account("ada").await);
    let suspended = hub.account("suspended").await;
    let members = [(&ada, OrgRole::Admin), (&suspended, OrgRole::Write), (&member, OrgRole::Write), (&reader, OrgRole::Read)];
    hub.organization("acme", &members).await;
    hub.sql("update users set suspended_at = now() where email = 'suspended@example.org'").await;
    hub
}

async fn find_user(hub: &TestHub, name: &str) -> User {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    let pk = hub::accounts::queries::find_namespace(&mut conn, name).await.unwrap().unwrap().namespace_pk;
    drop(conn);
    hub::accounts::queries::find_user(&hub.app().pool, pk).await.unwrap().unwrap()
}

async fn tokens_of_ada(hub: &TestHub) -> Vec<(&'static str, Client)> {
    let ada = find_user(hub, "ada").await;
    let scopes = json!({ "scoped": [{ "entity": { "type": "org", "name": "acme" }, "permissions": ["repo.content.read", "repo.write"] }] });
    vec![
        (TOKENS[0], hub.token(&ada, TokenRole::Read).await),
        (TOKENS[1], hub.token(&ada, TokenRole::Write).await),
        (TOKENS[2], hub.scoped_token(&ada, TokenRole::FineGrained, scopes).await),
        (SUSPENDED, hub.token(&find_user(hub, "suspended").await, TokenRole::Write).await),
    ]
}

fn body_of(pattern: &str) -> &'static str {
    if pattern.ends_with("revoke-leaked") { r#"{"tokens": []}"# } else { "{}" }
}

/// Whether an answer says that this is not for who asked.
fn is_refusal(status: u16, location: &str, gate: Gate) -> bool {
    let gone = status == 404 && matches!(gate, Own | Member | Operator | Moderator);
    matches!(status, 401 | 403) || gone || location.starts_with("/login")
}

#[tokio::test]
async fn everybody_reaches_what_the_table_says() {
    let hub = acme().await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let tokens = tokens_of_ada(&hub).await;
    for name in ["spare", "another"] {
        ada.submit("/settings/tokens", "/settings/tokens", &[("name", name), ("role", "read"), ("expires", "")]).await;
    }
    let webhook = [("url", "https://hub.invalid/"), ("watched", "stranger"), ("domains", "repo")];
    assert_eq!(ada.submit("/settings/webhooks/new", "/settings/webhooks", &webhook).await.status, 303);
    let settings = "/organizations/acme/settings";
    let page = ada.submit(settings, "/organizations/acme/invitation-links", &[("link_role", "read"), ("days", "7")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let things = Things::find(&hub).await;
    let mut wrong = Vec::new();
    for (who, client) in &tokens {
        for (method, pattern, gate) in rows() {
            let request = client.request(method.parse().unwrap(), &things.path(pattern));
            let request = match pattern.starts_with("/api/") {
                true => request.header("Content-Type", "application/json").body(body_of(pattern)),
                false => request.header("Content-Type", "application/x-www-form-urlencoded"),
            };
            let response = request.send().await.unwrap();
            let location = response.headers().get("location").map_or("", |to| to.to_str().unwrap()).to_owned();
            note(&mut wrong, who, (method, pattern, *gate), response.status().as_u16(), &location);
        }
    }
    for who in BROWSERS {
        let mut browser = match who {
            "anonymous" => Browser::new(&hub),
            name => Browser::logged_in(&hub, name).await,
        };
        let csrf = browser.open(if who == "anonymous" { "/login" } else { "/settings/profile" }).await.csrf();
        for (method, pattern, gate) in rows() {
            let page = ask(&mut browser, method, pattern, &things.path(pattern), &csrf).await;
            let location = page.headers.get("location").map_or("", |to| to.to_str().unwrap());
            note(&mut wrong, who, (method, pattern, *gate), page.status, location);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    hub.stop().await;
}

async fn ask(browser: &mut Browser, method: &str, pattern: &str, path: &str, csrf: &str) -> Page {
    match (method, pattern.starts_with("/api/") || pattern == "/uploads") {
        ("GET", _) => browser.get(path).await,
        (_, true) => browser.call(method.parse().unwrap(), path, csrf, body_of(pattern)).await,
        _ if pattern.ends_with("/picture") => {
            let form = reqwest::multipart::Form::new().text("csrf_token", csrf.to_owned());
            browser.send_form(path, form).await
        }
        _ if pattern.ends_with("/rename") => browser.post(path, &[("csrf_token", csrf), ("name", "renamed")]).await,
        _ => browser.post(path, &[("csrf_token", csrf), ("current_password", PASSWORD)]).await,
    }
}

fn note(wrong: &mut Vec<String>, who: &str, (method, pattern, gate): (&str, &str, Gate), status: u16, location: &str) {
    let is_told = who == SUSPENDED && gate == Open;
    if (is_refusal(status, location, gate) == is_let_in(who, gate) && !is_told) || status >= 500 {
        wrong.push(format!("{who}: {method} {pattern} is {status} {location}"));
    }
}

#[tokio::test]
async fn no_form_is_taken_without_its_token() {
    let hub = acme().await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let other = Browser::logged_in(&hub, "member").await.open("/settings/profile").await.csrf();
    let things = Things::made_up();
    let forms = rows().filter(|(method, pattern, gate)| *method == "POST" && !pattern.starts_with("/api/") && *gate != Open);
    let mut wrong = Vec::new();
    for (_, pattern, _) in forms {
        let path = things.path(pattern);
        // What only scripts send has its token in a header: without it nobody is there.
        let refused = if *pattern == "/uploads" { 401 } else { 403 };
        for csrf in ["", "nonsense", &other] {
            let page = ask(&mut ada, "POST", pattern, &path, csrf).await;
            if page.status != refused {
                wrong.push(format!("{pattern} with `{csrf}` is {}", page.status));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(ada.get("/settings/profile").await.status, 200, "the session has not ended");
    hub.stop().await;
}

#[test]
fn no_route_is_left_out() {
    let is_of = |route: &Route, method: &str, pattern: &str| (route.method, route.pattern.as_str()) == (method, pattern);
    let is_known = |route: &Route| {
        let in_rows = rows().any(|(method, pattern, _)| is_of(route, method, pattern));
        in_rows || route.is_about_a_repository() || ELSEWHERE.iter().any(|(method, pattern, _)| is_of(route, method, pattern))
    };
    let mounted = mounted();
    let missing: Vec<_> = mounted.iter().filter(|route| !is_known(route)).collect();
    assert!(missing.is_empty(), "routes in no table: {missing:#?}");
    let named = rows().map(|(method, pattern, _)| (method, pattern));
    let named = named.chain(ELSEWHERE.iter().map(|(method, pattern, _)| (method, pattern)));
    let gone: Vec<_> = named.filter(|(method, pattern)| !mounted.iter().any(|route| is_of(route, method, pattern))).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:#?}");
}
