//! Whom the ledger knows beside those who fetched a file by themselves: who cloned it, and for whom a program fetched it.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, json};

use super::{Stage, recall, stage, tell_again, told};
use crate::pages::browser::Browser;
use crate::work::Work;

#[tokio::test]
async fn what_a_service_account_fetched_is_told_to_the_admins_of_its_organisation() {
    let Stage { hub, ada: _ada, bob, weights: _weights } = stage().await;
    let (head, member) = (hub.account("head").await, hub.account("member").await);
    hub.sql("update users set email_confirmed_at = now()").await;
    hub.organization("acme", &[(&head, OrgRole::Admin), (&member, OrgRole::Write)]).await;
    let (head, member) = (hub.token(&head, TokenRole::Write).await, hub.token(&member, TokenRole::Write).await);
    let mut heads = Browser::logged_in(&hub, "head").await;
    let list = "/organizations/acme/settings/service-accounts";
    let page = heads.submit(list, list, &[("name", "acme-ci"), ("purpose", ""), ("role", "read")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let one = format!("{list}/acme-ci");
    heads.submit(&one, &format!("{one}/tokens"), &[("name", "runner"), ("expires", "30"), ("role", "read")]).await;
    let page = heads.open(&one).await;
    let text = page.text.split("value=\"hf_").nth(1).expect("the token is shown").split('"').next().unwrap();
    let ci = hub.with_token(&format!("hf_{text}"));
    for client in [&ci, &bob] {
        client.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    }

    // Who is kept out of the organisation hears nothing of it, until they are not.
    hub.sql("update organizations set requires_second_factor = true").await;
    let mut owner = Browser::logged_in(&hub, "ada").await;
    let number = recall(&mut owner, "ada/bert", "w.bin", &[]).await;
    hub.jobs_done().await;
    assert_eq!((told(&bob).await.len(), told(&head).await.len(), hub.count("recall_told").await), (1, 0, 1));
    hub.sql("update organizations set requires_second_factor = false").await;
    for _ in 0..2 {
        tell_again(&hub, number).await;
    }
    let rows = told(&head).await;
    assert_eq!(
        (rows.len(), &rows[0]["recall"]["id"], &rows[0]["recall"]["serviceAccount"]),
        (1, &json!(number), &json!("acme-ci"))
    );
    let rows = told(&bob).await;
    assert_eq!((rows.len(), rows[0]["recall"]["serviceAccount"].is_null()), (1, true));
    assert_eq!((told(&member).await.len(), hub.count("recall_told").await), (0, 2), "neither members nor the program");
    assert!(heads.open("/notifications").await.has("The service account acme-ci downloaded it."));
    assert!(owner.open(&format!("/recalls/{number}")).await.has("2 people were told;"));
    hub.stop().await;
}

#[tokio::test]
async fn clones_and_small_tables_are_noted_and_told() {
    let Stage { hub, ada, bob, weights: _weights } = stage().await;
    let (carol, dave) = (hub.user("carol").await, hub.user("dave").await);
    hub.account("moderator").await;
    hub.sql("update users set is_moderator = true where email = 'moderator@example.org'").await;
    ada.create_repo("dataset", "ada/cats", false).await;
    let files = [
        Client::file("load.py", "print('cats')\n"),
        Client::file("train.csv", "name,age\nTom,3\n"),
        Client::file("dataset_infos.json", "{}\n"),
    ];
    ada.commit("/api/datasets/ada/cats", "main", &files, 200).await;

    // The same day is one row; what there was to fetch nothing, and nobody, is none.
    // By itself git says who it is only where it is asked to.
    let header = format!("http.extraHeader=Authorization: Bearer {}", bob.token());
    let named = ["-c", header.as_str()];
    let work = Work::clone_with(&hub.anonymous(), "/datasets/ada/cats", &named).await;
    let head = work.head().await;
    work.git(&["fetch", "-q"]).await;
    Work::clone(&bob, "/datasets/ada/cats").await;
    Work::clone_with(&hub.anonymous(), "/datasets/ada/cats", &named).await;
    carol.get("/datasets/ada/cats/resolve/main/train.csv", 200).await.bytes().await.unwrap();
    dave.get("/datasets/ada/cats/resolve/main/dataset_infos.json", 200).await.bytes().await.unwrap();
    hub::fetches::flush(hub.app()).await.unwrap();
    let rows: Vec<(String, i32, String)> = sqlx::query_as(
        "select name::text, times, encode(commit_oid, 'hex') from git_fetches join namespaces on namespace_pk = user_pk",
    )
    .fetch_all(&hub.app().pool)
    .await
    .unwrap();
    assert_eq!(rows, [("bob".to_owned(), 2, head)]);
    assert_eq!(hub.count("fetches").await, 1, "the table, and not what every client fetches");

    // Of a script that was only in the pack, and of a table that was fetched by itself, too.
    let mut owner = Browser::logged_in(&hub, "ada").await;
    recall(&mut owner, "datasets/ada/cats", "load.py", &[]).await;
    hub.jobs_done().await;
    let rows = told(&bob).await;
    assert_eq!((rows.len(), &rows[0]["recall"]["byGit"], told(&carol).await.len()), (1, &json!(true), 0));
    assert!(Browser::logged_in(&hub, "bob").await.open("/notifications").await.has("You fetched a repository with git"));
    let table = work.blob(b"name,age\nTom,3\n").await;
    let mut moderator = Browser::logged_in(&hub, "moderator").await;
    recall(&mut moderator, "", &table, &[]).await;
    hub.jobs_done().await;
    let rows = told(&carol).await;
    assert_eq!((rows.len(), &rows[0]["recall"]["byGit"]), (1, &json!(false)));
    assert_eq!((told(&bob).await.len(), told(&dave).await.len()), (2, 0), "everywhere: where others fetched the same blob");

    // It is kept as long as the rest, and goes with the account.
    hub.sql("insert into git_fetches (repo_pk, user_pk, day, times) select repo_pk, user_pk, day - 1000, 1 from git_fetches")
        .await;
    hub::fetches::forget_old(hub.app()).await.unwrap();
    assert_eq!(hub.count("git_fetches").await, 1);
    hub.sql("delete from users where email = 'bob@example.org'").await;
    assert_eq!(hub.count("git_fetches").await, 0);
    hub.stop().await;
}
