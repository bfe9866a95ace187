//! Passwords that the operator's file knows from breaches.

use std::net::TcpListener;
use std::path::Path;

use hub_tests::TestHub;

use crate::outbox::{link, mails, the_mail};
use crate::pages::browser::{Browser, PASSWORD};

/// Of `stolen horse battery`, and of [`PASSWORD`].
const STOLEN: &str = "24A1E83CD60E5F2899561F47B541B5A98FA83820:17\r\n";
const OURS: &str = "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0:3\r\n";
const WHY: &str = "this one was in a breach";

fn write(file: &Path, lines: &[&str]) {
    std::fs::write(file, lines.concat()).unwrap();
}

#[tokio::test]
async fn passwords_of_a_file_are_refused_where_they_are_chosen_and_open_what_they_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("breached.txt");
    write(&file, &[STOLEN]);
    let hub = TestHub::start_with(|config| config.breached_passwords = Some(file.clone())).await;
    hub.account("ada").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let stolen = "stolen horse battery";

    let fields = [("username", "eve"), ("email", "eve@example.org"), ("password", stolen)];
    let page = Browser::new(&hub).submit("/join", "/join", &fields).await;
    assert!(page.status == 400 && page.has(WHY), "{}", page.text);
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let change = [("current_password", PASSWORD), ("new_password", stolen)];
    let page = ada.submit("/settings/profile", "/settings/password", &change).await;
    assert!(page.status == 400 && page.has(WHY), "{}", page.text);
    let mut forgetful = Browser::new(&hub);
    forgetful.submit("/forgot-password", "/forgot-password", &[("email", "ada@example.org")]).await;
    let path = link(the_mail(&mails(&hub, 1).await, "ada@example.org", "Choose a new password"));
    let reset = [("link", path.split("link=").nth(1).unwrap()), ("new_password", stolen)];
    let page = forgetful.submit(&path, "/reset-password", &reset).await;
    assert!(page.status == 400 && page.has(WHY), "{}", page.text);

    // The file is another one now: whoever has such a password still gets in.
    write(&file, &[STOLEN, OURS]);
    Browser::logged_in(&hub, "ada").await;
    // And one that cannot be asked keeps nobody out.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(ada.submit("/settings/profile", "/settings/password", &change).await.status, 303);
    let page = Browser::new(&hub).submit("/login", "/login", &[("username", "ada"), ("password", stolen)]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_does_not_start_with_a_file_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("breached.txt");
    for (lines, why) in [(vec![], "is empty"), (vec!["password\n"], "is no line of a SHA-1 hash")] {
        write(&file, &lines);
        let mut config = hub::config::Config::in_folder(folder.path().join("data"));
        config.breached_passwords = Some(file.clone());
        let refused = hub::start(config, TcpListener::bind("127.0.0.1:0").unwrap()).await;
        let Err(error) = refused else { panic!("a mistake that nobody would see later: {why}") };
        let error = error.to_string();
        assert!(error.contains(why) && error.contains("HUB_PASSWORDS_BREACHED_FILE"), "{error}");
    }
}
