//! Mail domains: proven by a file that the domain serves or by a record, and joined by whoever has a confirmed address there.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hub::accounts::OrgRole;
use hub::web::outbound::AllowedTargets;
use hub_tests::{NameServer, Said, TestHub};

use crate::outbox::{mails, the_mail};
use crate::pages::browser::{Browser, Page};

const DOMAINS: &str = "/organizations/acme/settings/domains";
const JOIN: &str = "/organizations/acme/join-by-domain";

/// A web server of the domains: at `/{domain}` is what their file says, if there is one.
struct Site {
    port: u16,
    files: Arc<Mutex<Vec<(String, String)>>>,
}

impl Site {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let files: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let served = Arc::clone(&files);
        let answer = move |request: HttpRequest| {
            let found = served.lock().unwrap().iter().find(|(path, _)| path == request.path()).map(|(_, text)| text.clone());
            async move {
                match found.as_deref() {
                    None => HttpResponse::NotFound().finish(),
                    Some("elsewhere") => HttpResponse::Found().insert_header(("location", "/right.example")).finish(),
                    Some(text) => HttpResponse::Ok().body(text.to_owned()),
                }
            }
        };
        let server = HttpServer::new(move || App::new().default_service(web::to(answer.clone())));
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        Self { port, files }
    }

    fn serve(&self, domain: &str, text: &str) {
        let mut files = self.files.lock().unwrap();
        files.retain(|(path, _)| *path != format!("/{domain}"));
        files.push((format!("/{domain}"), text.to_owned()));
    }
}

/// A hub that looks for the files and records at those servers, with acme, which `ada` administers, and `other` of `eve`'s.
async fn hub(site: &Site, names: &NameServer, allowed: &str) -> TestHub {
    let (port, nameserver, allowed) = (site.port, names.address, AllowedTargets::parse(allowed).unwrap());
    let hub = TestHub::start_with(|config| {
        config.webhooks_allow = allowed;
        config.domain_nameserver = Some(nameserver);
        config.domain_proof_url = format!("http://127.0.0.1:{port}/{{domain}}");
    })
    .await;
    hub.account("operator").await;
    let (ada, eve) = (hub.account("ada").await, hub.account("eve").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin)]).await;
    hub.organization("other", &[(&eve, OrgRole::Admin)]).await;
    hub.sql("update users set email_confirmed_at = now()").await;
    hub
}

async fn add(admin: &mut Browser, domains: &str, domain: &str, role: &str) -> Page {
    admin.submit(domains, domains, &[("domain", domain), ("role", role)]).await
}

/// The path of the form of a domain, and the text that proves it.
fn shown(page: &Page, domain: &str) -> (String, String) {
    let rest = page.text.split(&format!("<h2>{domain}</h2>")).nth(1).expect("the domain is in the list");
    let between = |from: &str| rest.split(from).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let text = between(&format!("aria-label=\"Text that proves {domain}\" readonly value=\""));
    (between("method=\"post\" action=\""), text)
}

async fn act(hub: &TestHub, admin: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    // Nobody waits here until it may be looked at again.
    hub.sql("update organization_domains set checked_at = null").await;
    admin.submit("/settings/profile", path, fields).await
}

#[tokio::test]
async fn who_has_an_address_at_a_proven_domain_joins() {
    let site = Site::start();
    let names = NameServer::start().await;
    let hub = hub(&site, &names, "127.0.0.1").await;
    let (mut ada, mut eve) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "eve").await);
    for (domain, role, status) in [
        ("gmail.com", "read", 400),
        ("localhost", "read", 400),
        ("127.0.0.1", "read", 400),
        ("right.example/x", "read", 400),
        ("right.example", "admin", 400),
        ("right.example", "king", 400),
        ("Right.Example", "contributor", 303),
        ("right.example", "read", 409),
        ("example.org", "read", 303),
    ] {
        let page = add(&mut ada, DOMAINS, domain, role).await;
        assert_eq!(page.status, status, "{domain} {role}: {}", page.text);
    }
    let page = ada.open(DOMAINS).await;
    assert!(page.has("data-confirm=\"Remove right.example?"), "what is proven anew is not removed by a slip: {}", page.text);
    let (path, text) = shown(&page, "right.example");
    for (served, said) in [
        (None, "answers with status 404"),
        (Some("elsewhere"), "the hub follows none"),
        (Some("something"), "says something else"),
        (Some("x".repeat(5_000).as_str()), "says too much"),
    ] {
        if let Some(served) = served {
            site.serve("right.example", served);
        }
        let page = act(&hub, &mut ada, &path, &[("action", "prove")]).await;
        assert!(page.status == 409 && page.has(said), "{said}: {}", page.text);
    }
    let page = ada.submit(DOMAINS, &path, &[("action", "prove")]).await;
    assert!(page.status == 409 && page.has("a moment ago"), "{}", page.text);
    site.serve("right.example", &format!("{text}\n"));
    // Another organisation's admin cannot press the button, nor take what is proven.
    assert_eq!(act(&hub, &mut eve, &path, &[("action", "prove")]).await.status, 403);
    assert_eq!(act(&hub, &mut eve, &path.replace("acme", "other"), &[("action", "remove")]).await.status, 404);
    let theirs = DOMAINS.replace("acme", "other");
    assert_eq!(add(&mut eve, &theirs, "right.example", "write").await.status, 303, "not proven yet");
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "prove")]).await.status, 303);
    let (their_path, their_text) = shown(&eve.open(&theirs).await, "right.example");
    site.serve("right.example", &their_text);
    let page = act(&hub, &mut eve, &their_path, &[("action", "prove")]).await;
    assert!(page.status == 409 && page.has("another organization"), "{}", page.text);
    eve.submit(&theirs, &their_path, &[("action", "remove")]).await;
    assert_eq!(add(&mut eve, &theirs, "right.example", "write").await.status, 409);

    // Who has an address there, and confirmed it, is offered to join; nobody else.
    let bob = hub.account("bob").await;
    let mut bob_browser = Browser::logged_in(&hub, "bob").await;
    for (email, confirmed, joins) in [
        ("'bob@Right.Example'", "null", false),
        ("'bob@sub.right.example'", "now()", false),
        // To a database its small letter is an `i`; to mail it is another domain.
        ("'bob@r\u{130}ght.example'", "now()", false),
        ("'bob@example.org'", "now()", false),
        ("'right.example@wrong.example'", "now()", false),
        ("'bob@Right.Example'", "now()", true),
    ] {
        let sql = format!("update users set email = {email}, email_confirmed_at = {confirmed} where user_pk = {}", bob.pk);
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&hub.app().pool).await.unwrap();
        for page in ["/acme", "/settings/organizations"] {
            assert_eq!(bob_browser.open(page).await.has(JOIN), joins, "{email} {confirmed} {page}");
        }
        if !joins {
            assert_eq!(bob_browser.submit("/settings/profile", JOIN, &[]).await.status, 409, "{email}");
        }
    }
    assert!(!Browser::new(&hub).open("/acme").await.has(JOIN));
    let page = bob_browser.submit("/acme", JOIN, &[]).await;
    assert_eq!((page.status, page.location()), (303, "/acme"), "{}", page.text);
    let members = hub.anonymous().get_json("/api/organizations/acme/members", 200).await;
    assert!(members.to_string().contains("\"role\":\"contributor\""), "{members}");
    assert!(!bob_browser.open("/acme").await.has(JOIN));
    assert_eq!(bob_browser.submit("/settings/profile", JOIN, &[]).await.status, 409, "a member");
    let sent = mails(&hub, 1).await;
    assert!(the_mail(&sent, "ada@example.org", "[acme] bob joined acme").contains("/organizations/acme/settings"), "{sent:#?}");
    assert!(ada.open("/notifications").await.has("bob joined acme"));

    // Without the address they stay; taken out, they do not come back by it; added again, they may.
    hub.sql("update users set email = 'bob@elsewhere.example' where email = 'bob@Right.Example'").await;
    assert!(bob_browser.open("/settings/organizations").await.has("Leave acme"));
    hub.sql("update users set email = 'bob@right.example' where email = 'bob@elsewhere.example'").await;
    let settings = "/organizations/acme/settings";
    let removed = ada.submit(settings, "/organizations/acme/members/bob", &[("action", "remove")]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    assert!(!bob_browser.open("/acme").await.has(JOIN));
    assert_eq!(bob_browser.submit("/settings/profile", JOIN, &[]).await.status, 409);
    ada.submit(settings, "/organizations/acme/members", &[("user", "bob"), ("role", "read")]).await;
    assert_eq!(bob_browser.submit("/settings/profile", "/organizations/acme/leave", &[]).await.status, 303);
    assert!(bob_browser.open("/acme").await.has(JOIN), "who leaves may come back");
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "role"), ("role", "admin")]).await.status, 400);
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "role"), ("role", "read")]).await.status, 303);
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "remove")]).await.status, 303);
    assert_eq!(bob_browser.submit("/settings/profile", JOIN, &[]).await.status, 409);
    let log = ada.open("/organizations/acme/settings/audit-log/export?format=csv").await;
    for action in ["domain.add", "domain.prove", "domain.role", "domain.remove"] {
        assert!(log.has(action), "{action}: {}", log.text);
    }

    // Restored, it is what it was, and to be proven again: it may be somebody else's by now.
    let restore = [("restore", path.rsplit('/').next().unwrap())];
    let page = ada.open(DOMAINS).await;
    assert!(page.has("Removed domains") && page.has("Restore right.example"), "{}", page.text);
    assert_eq!(ada.submit(DOMAINS, DOMAINS, &restore).await.status, 303);
    assert_eq!(shown(&ada.open(DOMAINS).await, "right.example").0, path);
    assert_eq!(bob_browser.submit("/settings/profile", JOIN, &[]).await.status, 409, "it is not proven");
    assert_eq!(ada.submit(DOMAINS, DOMAINS, &restore).await.status, 409, "once");
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "remove")]).await.status, 303);
    assert_eq!(add(&mut ada, DOMAINS, "right.example", "read").await.status, 303);
    let page = ada.submit(DOMAINS, DOMAINS, &restore).await;
    assert!(page.status == 409 && page.has("added again already"), "{}", page.text);
    hub.sql("update deleted_domains set deleted_at = now() - interval '31 days'").await;
    assert!(!ada.open(DOMAINS).await.has("Removed domains"));
    hub::gc::kept::forget(hub.app()).await.unwrap();
    assert_eq!(hub.count("deleted_domains").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn the_hub_asks_no_neighbours_for_proofs() {
    let site = Site::start();
    let names = NameServer::start().await;
    let hub = hub(&site, &names, "").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    assert_eq!(add(&mut ada, DOMAINS, "right.example", "read").await.status, 303);
    let (path, text) = shown(&ada.open(DOMAINS).await, "right.example");
    site.serve("right.example", &text);
    let page = act(&hub, &mut ada, &path, &[("action", "prove")]).await;
    assert!(page.status == 409 && page.has("no public address"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn a_record_proves_a_domain_as_well() {
    let (site, names) = (Site::start(), NameServer::start().await);
    let hub = hub(&site, &names, "127.0.0.1").await;
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let record = "_hub-challenge.right.example";
    assert_eq!(add(&mut ada, DOMAINS, "right.example", "read").await.status, 303);
    let page = ada.open(DOMAINS).await;
    assert!(page.has(&format!("value=\"{record}\"")), "{}", page.text);
    let (path, text) = shown(&page, "right.example");
    // A name that goes on at its own beginning, in an answer with more records than there are.
    let endless = b"\x81\x80\x00\x01\xff\xff\x00\x00\x00\x00\xc0\x0c\x00\x10\x00\x01".to_vec();
    let other = Said::Texts(vec![vec!["something".to_owned()]]);
    let long = vec![vec!["x".repeat(255), "y".repeat(255), "z".to_owned()]];
    for (said, found) in [
        (None, "there is no record of _hub-challenge.right.example."),
        (Some(Said::Texts(Vec::new())), "there is no record of"),
        (Some(other), "the record of _hub-challenge.right.example says something else."),
        (Some(Said::Texts(vec![vec![format!("{text}x")]])), "says something else."),
        (Some(Said::Texts(long)), "says something else."),
        (Some(Said::Failure), "the name server could not tell"),
        (Some(Said::Bytes(endless)), "the name server could not tell"),
        (Some(Said::Silence), "the name server does not answer."),
    ] {
        if let Some(said) = said.clone() {
            names.say(record, said);
        }
        let page = act(&hub, &mut ada, &path, &[("action", "prove")]).await;
        assert!(page.status == 409 && page.has(found), "{said:?} {found}: {}", page.text);
        assert!(page.has("answers with status 404"), "what was found of the file is said, too: {}", page.text);
    }
    // What stands at the domain itself or somewhere below proves nothing.
    names.say_texts("right.example", &[&text]);
    names.say_texts("_hub-challenge.sub.right.example", &[&text]);
    names.say_texts(record, &["something"]);
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "prove")]).await.status, 409);
    // Among others, and in several strings.
    let (begin, end) = text.split_at(10);
    for (domain, texts) in [
        ("right.example", vec![vec!["v=spf1 -all".to_owned()], vec![text.clone()]]),
        ("parts.example", vec![vec!["something".to_owned()], vec![begin.to_owned(), end.to_owned()]]),
    ] {
        names.say(&format!("_hub-challenge.{domain}"), Said::Texts(texts));
    }
    let done = act(&hub, &mut ada, &path, &[("action", "prove")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(add(&mut ada, DOMAINS, "parts.example", "read").await.status, 303);
    let sql = format!("update organization_domains set challenge = '{text}' where domain = 'parts.example'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&hub.app().pool).await.unwrap();
    let (path, _) = shown(&ada.open(DOMAINS).await, "parts.example");
    let done = act(&hub, &mut ada, &path, &[("action", "prove")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(!ada.open(DOMAINS).await.has("_hub-challenge"), "what is proven needs no text any more");
    // A record beside a file that says something else is enough, and the other way round.
    site.serve("other.example", "something");
    assert_eq!(add(&mut ada, DOMAINS, "other.example", "read").await.status, 303);
    let (path, text) = shown(&ada.open(DOMAINS).await, "other.example");
    names.say_texts("_hub-challenge.other.example", &[&text]);
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "prove")]).await.status, 303);
    assert_eq!(add(&mut ada, DOMAINS, "file.example", "read").await.status, 303);
    let (path, text) = shown(&ada.open(DOMAINS).await, "file.example");
    names.say("_hub-challenge.file.example", Said::Failure);
    site.serve("file.example", &text);
    assert_eq!(act(&hub, &mut ada, &path, &[("action", "prove")]).await.status, 303);
    hub.stop().await;
}
