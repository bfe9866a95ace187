//! Who may do what by SSH: as by HTTP.

use futures::future::join_all;
use hub::accounts::{OrgRole, TokenRole};

use super::{Machine, said, start};
use crate::work::Work;

#[tokio::test]
async fn the_same_people_may_do_the_same() {
    let hub = start().await;
    let operator = hub.account("operator").await;
    let (ada, reader, writer, stranger) =
        (hub.account("ada").await, hub.account("reader").await, hub.account("writer").await, hub.account("stranger").await);
    hub.organization("acme", &[(&ada, OrgRole::Admin), (&reader, OrgRole::Read), (&writer, OrgRole::Write)]).await;
    let client = hub.token(&ada, TokenRole::Write).await;
    for (name, private) in [("public", false), ("private", true), ("gated", false)] {
        client.create_repo("model", &format!("acme/{name}"), private).await;
    }
    hub.sql("update repos set gated = 'manual' where name = 'gated'").await;

    // Who, and for each repository whether they may clone and push.
    let rows = [
        (&operator, [(true, true), (true, true), (true, true)]),
        (&ada, [(true, true), (true, true), (true, true)]),
        (&writer, [(true, true), (true, true), (true, true)]),
        (&reader, [(true, false), (true, false), (true, false)]),
        (&stranger, [(true, false), (false, false), (false, false)]),
    ];
    let source = Work::empty();
    source.git(&["init", "-q", "."]).await;
    source.commit("a.txt", b"1").await;
    let checks = rows.iter().map(async |(user, may)| {
        let machine = Machine::of(&hub, user).await;
        for (repo, (reads, writes)) in ["public", "private", "gated"].into_iter().zip(may) {
            let url = machine.url(&format!("acme/{repo}"));
            let read = machine.run(&source, &["ls-remote", &url]).await;
            assert_eq!(read.status.success(), *reads, "{} reads {repo}: {}", user.name, said(&read));
            let push = machine.run(&source, &["push", "--dry-run", &url, "HEAD:refs/heads/try"]).await;
            assert_eq!(push.status.success(), *writes, "{} pushes to {repo}: {}", user.name, said(&push));
        }
        machine
    });
    let machines = join_all(checks).await;

    // What is private is as if it were not there.
    let stranger_machine = machines.last().unwrap();
    let hidden = stranger_machine.refused(&source, &["ls-remote", &stranger_machine.url("acme/private")]).await;
    let missing = stranger_machine.refused(&source, &["ls-remote", &stranger_machine.url("acme/missing")]).await;
    assert_eq!(hidden, missing);
    assert!(hidden.contains("hub: "), "{hidden}");
    let gated = stranger_machine.refused(&source, &["ls-remote", &stranger_machine.url("acme/gated")]).await;
    assert!(gated.contains("gated") || gated.contains("ccess to model"), "{gated}");
    hub.stop().await;
}

#[tokio::test]
async fn only_a_key_that_an_account_has_opens_anything() {
    let hub = start().await;
    let ada = hub.account("ada").await;
    hub.token(&ada, TokenRole::Write).await.create_repo("model", "ada/bert", false).await;
    let unknown = Machine::new(&hub).await;
    let nobody = unknown.ssh(&["-T", "git@127.0.0.1"]).await;
    assert!(said(&nobody).contains("Permission denied (publickey)"), "{}", said(&nobody));

    let machine = Machine::of(&hub, &ada).await;
    let as_root = machine.ssh(&["-T", "root@127.0.0.1"]).await;
    assert!(said(&as_root).contains("Permission denied (publickey)"), "{}", said(&as_root));
    assert!(machine.ssh(&["-T", "git@127.0.0.1"]).await.status.success());
    let used: Option<String> =
        sqlx::query_scalar("select last_used_address from ssh_keys").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(used.as_deref(), Some("127.0.0.1"));

    hub.sql("update users set suspended_at = now() where user_pk = (select user_pk from ssh_keys)").await;
    let suspended = machine.ssh(&["-T", "git@127.0.0.1"]).await;
    assert!(!suspended.status.success() && said(&suspended).contains("suspended"), "{}", said(&suspended));
    hub.sql("update users set suspended_at = null").await;

    let key_pk: i64 = sqlx::query_scalar("select key_pk from ssh_keys").fetch_one(&hub.app().pool).await.unwrap();
    hub::ssh::keys::remove(hub.app(), &ada, key_pk).await.unwrap();
    let removed = machine.ssh(&["-T", "git@127.0.0.1"]).await;
    assert!(said(&removed).contains("Permission denied (publickey)"), "{}", said(&removed));
    hub.stop().await;
}
