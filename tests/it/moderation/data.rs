//! What suspended people take with them: a copy of their data, behind the link of the decision.

use hub::accounts::OrgRole;
use hub::moderation::acts::Act;
use hub::moderation::appeals;

use super::{stage_with, user};
use crate::accounts::second_factors::set_up;
use crate::outbox::{link, outbox, the_mail};
use crate::pages::browser::{Browser, PASSWORD, Page};

async fn send(browser: &mut Browser, path: &str, password: &str, code: &str, what: &str) -> Page {
    browser.submit(path, path, &[("current_password", password), ("code", code), ("do", what)]).await
}

#[tokio::test]
async fn a_suspended_person_takes_a_copy_by_password_and_second_factor() {
    let stage = stage_with(|config| config.sign_in_tries = 5).await;
    let hub = &stage.hub;
    hub.sql("update users set email_confirmed_at = now()").await;
    let codes = set_up(&mut Browser::logged_in(hub, "ada").await).await.codes;
    let act = stage.decide(stage.report("/ada").await, Act::RemoveUser).await.unwrap();
    let (appeal, data) = (appeals::path_of(hub.app(), act), appeals::data_path_of(hub.app(), act));

    let mut browser = Browser::new(hub);
    assert!(browser.open(&appeal).await.has(&format!("href=\"{data}\"")));
    assert_eq!(browser.get(&format!("{appeal}x/data")).await.status, 404);
    // The link alone gives nothing, nor does the half of a proof.
    for (password, code, said) in [
        ("", "", "This is not the password of this account."),
        ("not this one", codes[0].as_str(), "This is not the password of this account."),
        (PASSWORD, "", "This account has a second factor"),
        (PASSWORD, "000000", "This code is not right"),
    ] {
        for what in ["ask", "download"] {
            let page = send(&mut browser, &data, password, code, what).await;
            assert!(page.status == 403 && page.has(said), "{password} {code}: {}", page.text);
        }
    }
    assert_eq!(hub.count("data_exports").await, 0);

    // What is refused all the same uses up no recovery code.
    let early = send(&mut browser, &data, PASSWORD, &codes[1], "download").await;
    assert!(early.status == 409 && early.has("There is no copy to download."), "{}", early.text);
    let asked = send(&mut browser, &data, PASSWORD, &codes[1], "ask").await;
    assert_eq!((asked.status, asked.location()), (303, data.as_str()), "{}", asked.text);
    let again = send(&mut browser, &data, PASSWORD, &codes[1], "ask").await;
    assert!(again.status == 403 && again.has("This code is not right"), "it was used: {}", again.text);
    let again = send(&mut browser, &data, PASSWORD, &codes[3], "ask").await;
    assert!(again.status == 409 && again.has("within the last day"), "{}", again.text);
    hub.jobs_done().await;
    let sent = outbox(hub);
    let ready = the_mail(&sent, "ada@example.org", "The copy of your data is ready");
    assert!(ready.contains("Get the copy") && ready.contains("The page asks for your password."), "{ready}");
    assert_eq!(link(ready), data);
    assert_eq!(send(&mut browser, &data, PASSWORD, &codes[1], "download").await.status, 403, "a code works once");
    let copy = send(&mut browser, &data, PASSWORD, &codes[3], "download").await;
    assert_eq!(copy.status, 200, "{}", copy.text);
    assert_eq!(copy.headers["content-type"], "application/zip");
    assert_eq!(copy.headers["content-disposition"], "attachment; filename=\"ada-data.zip\"");
    assert_eq!(copy.headers["cache-control"], "private, no-store");
    assert!(copy.text.starts_with("PK"), "a zip");
    assert!(browser.cookie("session").is_none(), "nobody is logged in by it");
    let proofs = "audit_log where action = 'account.proof' and actor = 'ada' and via = 'password'";
    assert_eq!(hub.count(proofs).await, 4, "each time that she showed who she is, and no other");

    // Nobody guesses without end.
    for _ in 0..4 {
        send(&mut browser, &data, "not this one", "", "ask").await;
    }
    let page = send(&mut browser, &data, PASSWORD, &codes[4], "download").await;
    assert!(page.status == 429 && page.has("Too many wrong passwords."), "{}", page.text);
    // Who has no password is told how to get one.
    hub.sql("update users set password_hash = '' where email = 'ada@example.org'").await;
    let page = send(&mut browser, &data, "", "", "ask").await;
    assert!(page.status == 403 && page.has("This account has no password yet."), "{}", page.text);

    stage.undo(act).await.unwrap();
    assert_eq!(browser.get(&data).await.location(), "/settings/data", "as everybody");
    assert!(!browser.open(&appeal).await.has(&data));
    stage.hub.stop().await;
}

#[tokio::test]
async fn decisions_about_organizations_lead_to_nobodys_data() {
    let stage = stage_with(|_| {}).await;
    let hub = &stage.hub;
    let carol = user(hub, "carol").await;
    hub.organization("acme", &[(&carol, OrgRole::Admin)]).await;
    let act = stage.decide(stage.report("/acme").await, Act::RemoveOrganization).await.unwrap();
    let mut browser = Browser::new(hub);
    let data = appeals::data_path_of(hub.app(), act);
    assert!(!browser.open(&appeals::path_of(hub.app(), act)).await.has(&data));
    assert_eq!(browser.get(&data).await.status, 404);
    stage.hub.stop().await;
}
