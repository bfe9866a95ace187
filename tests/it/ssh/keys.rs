//! The page of SSH keys.

use super::{Machine, start};
use crate::pages::browser::Browser;

#[tokio::test]
async fn keys_are_added_shown_and_removed() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    hub.account("bob").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    let (mut adas, mut bobs) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    let page = adas.get("/settings/keys").await;
    assert!(page.has("No SSH keys yet") && page.has("ssh -T -p"), "{}", page.text);
    let machine = Machine::new(&hub).await;
    let key = machine.public_key();
    let add = [("title", ""), ("key", key.as_str())];
    assert_eq!(adas.submit("/settings/keys", "/settings/keys", &add).await.location(), "/settings/keys");
    let page = adas.get("/settings/keys").await;
    for text in ["<h2>ada@laptop</h2>", "ssh-ed25519", "SHA256:", "never"] {
        assert!(page.has(text), "{text}: {}", page.text);
    }
    // One key, one account.
    let taken = bobs.submit("/settings/keys", "/settings/keys", &add).await;
    assert_eq!(taken.status, 409);
    assert!(taken.has("in use already") && taken.has(key.trim()), "{}", taken.text);
    for kind in [&["-t", "ecdsa"][..], &["-t", "rsa", "-b", "2048"]] {
        let machine = Machine::with_kind(&hub, kind).await;
        let fields = [("title", "other"), ("key", &*machine.public_key())];
        assert_eq!(bobs.submit("/settings/keys", "/settings/keys", &fields).await.status, 303, "{kind:?}");
        assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success(), "{kind:?}");
    }
    let weak = Machine::with_kind(&hub, &["-t", "rsa", "-b", "1024"]).await;
    let refused = bobs.submit("/settings/keys", "/settings/keys", &[("title", ""), ("key", &*weak.public_key())]).await;
    assert!(refused.status == 400 && refused.has("from 2048 to 8192 bits"), "{}", refused.text);

    let key_pk: i64 = sqlx::query_scalar("select key_pk from ssh_keys where user_pk = $1")
        .bind(ada.pk)
        .fetch_one(&hub.app().pool)
        .await
        .unwrap();
    assert_eq!(bobs.submit("/settings/keys", &format!("/settings/keys/{key_pk}/remove"), &[]).await.status, 404);
    adas.submit("/settings/keys", &format!("/settings/keys/{key_pk}/remove"), &[]).await;
    assert!(adas.get("/settings/keys").await.has("No SSH keys yet"));
    let log = adas.get("/settings/security-log").await;
    assert!(log.has("SSH key added") && log.has("SSH key removed"), "{}", log.text);
    hub.jobs_done().await;
    let outbox = hub.app().config.data_dir.join("outbox");
    let mails: Vec<String> =
        std::fs::read_dir(outbox).unwrap().map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap()).collect();
    assert!(mails.iter().any(|mail| mail.contains("An SSH key was added to your account")), "{mails:?}");
    hub.stop().await;
}

#[tokio::test]
async fn the_host_key_stays() {
    let hub = start().await;
    let pool = &hub.app().pool;
    let keys = futures::future::join_all((0..4).map(|_| hub::ssh::host_key::load(pool))).await;
    let prints: Vec<String> = keys.into_iter().map(|key| hub::ssh::host_key::fingerprint(&key.unwrap())).collect();
    assert!(prints.iter().all(|print| *print == prints[0]), "{prints:?}");
    let machine = Machine::new(&hub).await;
    machine.ssh(&["-T", "git@127.0.0.1"]).await;
    let known = machine.dir.path().join("known_hosts");
    let shown = tokio::process::Command::new("ssh-keygen").arg("-lf").arg(known).output().await.unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&prints[0]), "{shown:?}");
    hub.stop().await;
}
