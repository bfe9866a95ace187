//! Recalls and the fetch ledger: every door notes who fetched a file and is closed by a recall; who fetched it is told once.

mod ledger;

use hub::jobs::Job;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use crate::lfs::{self, Large};
use crate::outbox::mails;
use crate::pages::browser::Browser;
use crate::xet::client::{Packed, random, read_token, reconstruction};

const NEW: &str = "/recalls/new";
const WHY: &str = "It sends **passwords** to somebody else when it is loaded.";

/// A hub whose administrator is nobody's here, with a public model of ada's: a large file in chunks, a script and a card.
struct Stage {
    hub: TestHub,
    ada: Client,
    bob: Client,
    weights: Packed,
}

async fn stage() -> Stage {
    let hub = TestHub::start().await;
    hub.account("operator").await;
    let (ada, bob) = (hub.user("ada").await, hub.user("bob").await);
    ada.create_repo("model", "ada/bert", false).await;
    let weights = Packed::new(random(200_000, 7), 4);
    weights.upload(&ada, "ada/bert", "w.bin").await;
    let files = [Client::file("tool.py", "print('hello')\n"), Client::file("README.md", "# Bert\n\nThe card.\n")];
    ada.commit("/api/models/ada/bert", "main", &files, 200).await;
    Stage { hub, ada, bob, weights }
}

/// How often an account fetched a content, or those without one.
async fn times(hub: &TestHub, content: &str, user: Option<&str>) -> i64 {
    hub::fetches::flush(hub.app()).await.unwrap();
    let sql = match user {
        Some(_) => {
            "select coalesce(sum(times), 0)::bigint from fetches join namespaces on namespace_pk = user_pk
             where encode(content, 'hex') = $1 and name = $2"
        }
        None => {
            "select coalesce(sum(times), 0)::bigint from anonymous_fetches where encode(content, 'hex') = $1 and $2::text is null"
        }
    };
    sqlx::query_scalar(sql).bind(content).bind(user).fetch_one(&hub.app().pool).await.unwrap()
}

async fn recall(browser: &mut Browser, repo: &str, files: &str, more: &[(&str, &str)]) -> i64 {
    let mut form = vec![("repo", repo), ("revision", "main"), ("files", files), ("category", "malicious"), ("body", WHY)];
    form.extend_from_slice(more);
    let page = format!("{NEW}?repo={repo}");
    let opened = browser.submit(if repo.is_empty() { NEW } else { &page }, NEW, &form).await;
    assert_eq!(opened.status, 303, "{}", opened.text);
    opened.location().rsplit('/').next().unwrap().parse().unwrap()
}

async fn told(client: &Client) -> Vec<Value> {
    let inbox = client.get_json("/api/notifications?readStatus=unread", 200).await;
    let rows = inbox["notifications"].as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["type"] == "recall").collect()
}

async fn tell_again(hub: &TestHub, recall_pk: i64) {
    let mut conn = hub.app().pool.acquire().await.unwrap();
    Job::TellOfRecall { recall_pk }.enqueue(&mut conn).await.unwrap();
    drop(conn);
    hub.app().jobs.wake();
    hub.jobs_done().await;
}

async fn zip(client: &Client) -> Vec<u8> {
    client.get("/ada/bert/archive/main.zip", 200).await.bytes().await.unwrap().to_vec()
}

fn has_name(archive: &[u8], name: &str) -> bool {
    archive.windows(name.len()).any(|part| part == name.as_bytes())
}

#[tokio::test]
async fn every_door_notes_who_fetched_and_is_closed_by_a_recall() {
    let Stage { hub, ada, bob, weights } = stage().await;
    let (oid, hash) = (weights.file.oid.clone(), weights.entry.hash);
    let tree = ada.get_json("/api/models/ada/bert/tree/main", 200).await;
    let script =
        tree.as_array().unwrap().iter().find(|entry| entry["path"] == "tool.py").unwrap()["oid"].as_str().unwrap().to_owned();

    // The ledger: each door once more, questions not.
    bob.head("/ada/bert/resolve/main/w.bin", 200).await;
    assert_eq!(times(&hub, &oid, Some("bob")).await, 0);
    bob.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    assert_eq!(times(&hub, &oid, Some("bob")).await, 1, "resolve");
    let address = lfs::entry(&bob, "ada/bert", "download", &weights.file).await;
    let address = address["actions"]["download"]["href"].as_str().unwrap().to_owned();
    assert_eq!(times(&hub, &oid, Some("bob")).await, 2, "git lfs");
    let cas = read_token(&bob, "ada/bert").await;
    reconstruction(&cas, 2, &hash, "", 200).await;
    assert_eq!(times(&hub, &oid, Some("bob")).await, 3, "chunks");
    assert!(has_name(&zip(&bob).await, "bert-main/w.bin"));
    assert_eq!(times(&hub, &oid, Some("bob")).await, 4, "archive");
    bob.get("/ada/bert/raw/main/w.bin", 200).await;
    assert_eq!(times(&hub, &oid, Some("bob")).await, 4, "a pointer is not the file");
    bob.get("/ada/bert/raw/main/tool.py", 200).await;
    bob.get("/ada/bert/resolve/main/README.md", 200).await;
    assert_eq!(times(&hub, &script, Some("bob")).await, 2, "a script is noted, also by the archive");
    hub.anonymous().get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    assert_eq!((times(&hub, &oid, None).await, hub.count("fetches").await), (1, 2), "a row for a day, an account and a content");

    // Somebody else has the same bytes by themselves.
    bob.create_repo("model", "bob/own", false).await;
    weights.upload(&bob, "bob/own", "w.bin").await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert!(browser.open("/ada/bert/blob/main/w.bin").await.has("/recalls/new?repo=ada%2Fbert"));
    let number = recall(&mut browser, "ada/bert", "w.bin\ntool.py", &[("replacement", "@main")]).await;
    hub.jobs_done().await;

    // Every door is closed, for its owner, too.
    for client in [&ada, &bob, &hub.anonymous()] {
        for path in ["resolve/main/w.bin", "raw/main/w.bin", "resolve/main/tool.py", "raw/main/tool.py"] {
            let answer = client.get(&format!("/ada/bert/{path}"), 451).await;
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("x-error-code"), "EntryNotFound", "{path}");
            let said = header("x-error-message");
            assert!(said.contains("recalled because it is malicious") && said.contains(&format!("/recalls/{number} ")), "{said}");
            assert!(said.contains("Use ada/bert at the commit "), "{said}");
            assert!(answer.headers().get("x-repo-commit").is_none(), "clients would remember that it is not there");
        }
    }
    bob.head("/ada/bert/resolve/main/w.bin", 451).await;
    let refused = lfs::entry(&bob, "ada/bert", "download", &weights.file).await;
    assert_eq!((&refused["error"]["code"], &refused["actions"]), (&json!(451), &Value::Null));
    assert!(refused["error"]["message"].as_str().unwrap().contains("recalled"), "{refused}");
    assert_eq!(reqwest::get(&address).await.unwrap().status(), 451, "an address that was given out before");
    for version in [1, 2] {
        reconstruction(&cas, version, &hash, "", 451).await;
    }
    let archive = zip(&bob).await;
    assert!(has_name(&archive, "bert-main/RECALLED-FILES.txt") && has_name(&archive, "bert-main/README.md"));
    assert!(!has_name(&archive, "bert-main/w.bin") && !has_name(&archive, "bert-main/tool.py"));
    bob.get("/ada/bert/resolve/main/README.md", 200).await;
    bob.get("/bob/own/resolve/main/w.bin", 200).await;
    assert_eq!(times(&hub, &oid, Some("bob")).await, 5, "what was refused is not noted");

    // Nobody has it by knowing its hash, or by a copy.
    let carol = hub.user("carol").await;
    hub.sql("update repos set private = true where name = 'own'").await;
    carol.create_repo("model", "carol/new", false).await;
    assert!(lfs::entry(&carol, "carol/new", "upload", &weights.file).await["actions"]["upload"].is_object());
    let copy = json!({ "repository": "carol/copy" });
    let refused = carol.call(Method::POST, "/api/models/ada/bert/duplicate", &copy, 409).await;
    assert!(refused["error"].as_str().unwrap().contains("were recalled"), "{refused}");

    // Pages say it, and show nothing of the file.
    let mut reader = Browser::new(&hub);
    for path in ["w.bin", "tool.py"] {
        let page = reader.open(&format!("/ada/bert/blob/main/{path}")).await;
        assert!(page.has("This file was recalled because it is malicious") && !page.has("resolve/main/"), "{}", page.text);
        assert!(!page.has("print(") && page.has(&format!("/recalls/{number}")));
    }
    let history = ada.get_json("/api/models/ada/bert/commits/main", 200).await;
    for commit in history.as_array().unwrap() {
        assert!(!reader.open(&format!("/ada/bert/commit/{}", commit["id"].as_str().unwrap())).await.has("print("));
    }
    assert!(reader.open("/ada/bert").await.has("A file of this model was recalled."));
    hub.stop().await;
}

#[tokio::test]
async fn who_fetched_is_told_once_and_told_of_the_end() {
    let Stage { hub, ada, bob, weights } = stage().await;
    let carol = hub.user("carol").await;
    hub.sql("update users set email_confirmed_at = now()").await;
    for client in [&ada, &bob, &hub.anonymous()] {
        client.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    }
    let mut owner = Browser::logged_in(&hub, "ada").await;
    for (field, value) in
        [("files", "none.bin"), ("files", ""), ("body", "short"), ("category", "x"), ("replacement", "ada/none")]
    {
        let mut form =
            vec![("repo", "ada/bert"), ("files", "w.bin"), ("category", "malicious"), ("body", WHY), ("replacement", "")];
        form.iter_mut().filter(|(name, _)| *name == field).for_each(|pair| pair.1 = value);
        let refused = owner.submit(&format!("{NEW}?repo=ada/bert"), NEW, &form).await;
        assert_eq!((refused.status, refused.has("aria-invalid=\"true\"")), (422, true), "{field} {value}");
    }
    let number = recall(&mut owner, "ada/bert", "w.bin", &[]).await;
    hub.jobs_done().await;
    let rows = told(&bob).await;
    assert_eq!((rows.len(), &rows[0]["recall"]["id"], &rows[0]["recall"]["withdrawn"]), (1, &json!(number), &json!(false)));
    assert_eq!((told(&ada).await.len(), told(&carol).await.len()), (0, 0), "neither who recalled it nor who never had it");
    let sent = mails(&hub, 1).await;
    assert!(
        sent[0].contains("To: bob@example.org") && sent[0].contains("w.bin of ada/bert was recalled because it is malicious")
    );
    assert!(sent[0].contains("sends **passwords**") && sent[0].contains(&format!("/recalls/{number}")));
    tell_again(&hub, number).await;
    assert_eq!((told(&bob).await.len(), hub.count("notifications").await), (1, 1));
    mails(&hub, 1).await;
    let path = format!("/recalls/{number}");
    assert!(owner.open(&path).await.has("1 person was told; 1 download without an account."));
    let mut reader = Browser::logged_in(&hub, "bob").await;
    assert!(reader.open("/notifications").await.has("Do not load it."));
    let page = reader.open(&path).await;
    assert!(page.has("<strong>passwords</strong>") && !page.has("Withdraw the recall") && !page.has("was told;"));
    let csrf = reader.open("/settings/profile").await.csrf();
    let refused = reader.post(&path, &[("csrf_token", &csrf), ("why", "I want it back.")]).await;
    assert_eq!(refused.status, 403);

    // It ends; whoever was told is told that, once, and the log tells of both.
    assert_eq!(owner.submit(&path, &path, &[("why", "")]).await.status, 422);
    assert_eq!(owner.submit(&path, &path, &[("why", "The finding was wrong.")]).await.status, 303);
    hub.jobs_done().await;
    let csrf = owner_csrf(&mut owner).await;
    assert_eq!(owner.post(&path, &[("csrf_token", &csrf), ("why", "Once more.")]).await.status, 409);
    bob.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    tell_again(&hub, number).await;
    let rows = told(&bob).await;
    assert_eq!((rows.len(), &rows[0]["recall"]["withdrawn"]), (1, &json!(true)));
    let sent = mails(&hub, 2).await;
    assert_eq!(sent.iter().filter(|mail| mail.contains("The finding was wrong.")).count(), 1);
    let log: Vec<String> = sqlx::query_scalar("select action from audit_log where action like 'recall.%' order by audit_pk")
        .fetch_all(&hub.app().pool)
        .await
        .unwrap();
    assert_eq!(log, ["recall.open", "recall.withdraw"]);
    let asked = bob.get_json(&format!("/api/recalls?sha256={}", weights.file.oid), 200).await;
    assert_eq!(asked["recalls"][0]["withdrawn"]["reason"], "The finding was wrong.");
    hub.stop().await;
}

async fn owner_csrf(browser: &mut Browser) -> String {
    browser.open("/settings/profile").await.csrf()
}

#[tokio::test]
async fn moderators_recall_everywhere_and_nothing_tells_of_private_repositories() {
    let Stage { hub, ada, bob, weights } = stage().await;
    let outsider = hub.user("outsider").await;
    hub.account("moderator").await;
    hub.sql("update users set is_moderator = true where email = 'moderator@example.org'").await;
    // Bob fetched it while he could.
    ada.create_repo("model", "ada/plan", false).await;
    let plan = Large::of(5_000, 9);
    lfs::upload(&ada, "ada/plan", &plan).await;
    crate::xet::client::commit(&ada, "ada/plan", "plan.bin", &plan, 200).await;
    bob.get("/ada/plan/resolve/main/plan.bin", 200).await.bytes().await.unwrap();
    hub.sql("update repos set private = true where name = 'plan'").await;
    let mut admin = Browser::logged_in(&hub, "ada").await;
    let hidden = recall(&mut admin, "ada/plan", "plan.bin", &[]).await;
    hub.jobs_done().await;
    assert_eq!(told(&bob).await.len(), 1, "who has it is told all the same");
    let path = format!("/recalls/{hidden}");
    let (mut nobody, mut stranger) = (Browser::new(&hub), Browser::logged_in(&hub, "outsider").await);
    for browser in [&mut nobody, &mut stranger] {
        assert_eq!(browser.get(&path).await.status, 404);
        assert!(!browser.open("/recalls").await.has("plan") && !browser.open("/recalls.atom").await.has("plan"));
        assert!(!browser.open(&format!("/recalls?hash={}", plan.oid)).await.has("ada/plan"));
    }
    for client in [&hub.anonymous(), &outsider] {
        for query in ["", &format!("?sha256={}", plan.oid)] {
            assert_eq!(client.get_json(&format!("/api/recalls{query}"), 200).await["recalls"], json!([]));
        }
        client.get(&format!("/api/recalls/{hidden}"), 404).await;
    }
    let page = Browser::logged_in(&hub, "bob").await.open(&path).await;
    assert!(page.has("plan.bin") && !page.has("href=\"/ada/plan"), "who was told reads why, and is led to nothing");
    assert_eq!(ada.get_json("/api/recalls", 200).await["recalls"][0]["repo"]["name"], "ada/plan");

    // An owner recalls nothing of others, and nothing everywhere.
    let mut bobs = Browser::logged_in(&hub, "bob").await;
    assert_eq!(bobs.get(NEW).await.status, 404);
    assert_eq!(bobs.get(&format!("{NEW}?repo=ada/bert")).await.status, 403);
    assert_eq!(bobs.get(&format!("{NEW}?repo=ada/plan")).await.status, 404);
    assert_eq!(nobody.get(&format!("{NEW}?repo=ada/bert")).await.status, 303);
    bob.create_repo("model", "bob/own", false).await;
    weights.upload(&bob, "bob/own", "copy.bin").await;
    recall(&mut bobs, "bob/own", "copy.bin", &[("scope", "everywhere")]).await;
    bob.get("/bob/own/resolve/main/copy.bin", 451).await;
    bob.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();

    // A moderator does, by hash; a private repository that has it is not named.
    hub.sql("update repos set private = true where name = 'own'").await;
    let mut moderator = Browser::logged_in(&hub, "moderator").await;
    let number = recall(&mut moderator, "", &weights.file.oid.to_uppercase(), &[("category", "malicious")]).await;
    hub.jobs_done().await;
    for path in ["/ada/bert/resolve/main/w.bin", "/bob/own/resolve/main/copy.bin"] {
        bob.get(path, 451).await;
    }
    assert_eq!(told(&bob).await.len(), 2);
    let page = nobody.open(&format!("/recalls/{number}")).await;
    assert!(page.has("href=\"/ada/bert\"") && !page.has("bob/own"), "{}", page.text);
    assert!(nobody.open("/ada/bert").await.has("A file of this model was recalled."));
    assert!(nobody.open("/recalls.atom").await.has(&format!("/recalls/{number}")));
    assert!(nobody.open(&format!("/recalls?hash={}", weights.file.oid)).await.has(&format!("/recalls/{number}\"")));
    let found = hub.anonymous().get_json(&format!("/api/recalls?sha256={}", weights.file.oid), 200).await;
    assert_eq!((&found["recalls"][0]["id"], &found["recalls"][0]["everywhere"]), (&json!(number), &json!(true)));
    hub.anonymous().get("/api/recalls?sha256=abc", 400).await;
    // Whom it is everywhere for, its repository's admin does not undo.
    let csrf = owner_csrf(&mut admin).await;
    let path = format!("/recalls/{number}");
    assert_eq!(admin.post(&path, &[("csrf_token", &csrf), ("why", "It is mine.")]).await.status, 403);
    assert_eq!(moderator.submit(&path, &path, &[("why", "It was another file.")]).await.status, 303);
    bob.get("/ada/bert/resolve/main/w.bin", 200).await.bytes().await.unwrap();
    bob.get("/bob/own/resolve/main/copy.bin", 451).await;
    hub.stop().await;
}

#[tokio::test]
async fn many_are_told_in_batches_by_indexes_and_what_is_old_goes() {
    let Stage { hub, ada, weights, .. } = stage().await;
    let pool = &hub.app().pool;
    hub.sql(
        "insert into namespaces (name, kind) select 'reader-' || n, 'user' from generate_series(1, 600) n;
         insert into users (user_pk, email, password_hash, fullname)
         select namespace_pk, name || '@example.org', 'none', '' from namespaces where name like 'reader-%';
         insert into fetches (content, repo_pk, user_pk, day, times)
         select sha256(n::text::bytea), n, (select user_pk from users where email = 'ada@example.org'),
                (now() at time zone 'utc')::date - n % 300, 1 from generate_series(1, 20000) n;",
    )
    .await;
    hub.sql("vacuum analyze fetches").await;
    for (what, sql) in [
        ("who fetched it", "select distinct user_pk from fetches where content = sha256('7')"),
        ("what is old", "select ctid from fetches where day < '2020-01-01' order by day limit 10000"),
        ("a copy of one's data", "select * from fetches where user_pk = 1 and fetch_pk > 5 order by fetch_pk limit 100"),
    ] {
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {sql}"))).fetch_all(pool).await.unwrap();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan") && plan.contains("Index"), "{what}:\n{plan}");
    }
    let fetched = "insert into fetches (content, repo_pk, user_pk, day, times)
                   select decode($1, 'hex'), (select repo_pk from repos where name = 'bert'), user_pk, current_date, 1
                   from users where email like 'reader-%'";
    sqlx::query(fetched).bind(&weights.file.oid).execute(pool).await.unwrap();
    let mut owner = Browser::logged_in(&hub, "ada").await;
    let number = recall(&mut owner, "ada/bert", "w.bin", &[]).await;
    hub.jobs_done().await;
    assert_eq!((hub.count("notifications").await, hub.count("recall_told").await), (600, 600));
    // A node that was killed after some batches: the job begins again.
    hub.sql(
        "delete from notifications where user_pk in (select user_pk from users where email like 'reader-5%');
         update recall_told set told = false where user_pk in (select user_pk from users where email like 'reader-5%');",
    )
    .await;
    tell_again(&hub, number).await;
    assert_eq!(hub.count("notifications").await, 600);

    hub.sql("update fetches set day = day - 1000 where repo_pk < 100; delete from users where email like 'reader-%'").await;
    hub::fetches::forget_old(hub.app()).await.unwrap();
    assert_eq!(hub.count("fetches").await, 19_901, "what is old is gone, and what people fetched whose accounts are");
    // A recall a day is enough for anybody; ten are too many.
    for _ in 0..9 {
        recall(&mut owner, "ada/bert", "tool.py", &[]).await;
    }
    let form = [("repo", "ada/bert"), ("files", "w.bin"), ("category", "other"), ("body", WHY)];
    assert_eq!(owner.submit(&format!("{NEW}?repo=ada/bert"), NEW, &form).await.status, 409);
    let first = ada.get("/api/recalls?limit=4", 200).await;
    assert!(first.headers()["link"].to_str().unwrap().contains("cursor="));
    assert_eq!(first.json::<Value>().await.unwrap()["recalls"].as_array().unwrap().len(), 4);
    hub.jobs_done().await;
    hub.stop().await;
}

#[tokio::test]
async fn an_editor_shows_a_recalled_file_to_those_only_who_may_put_it_right() {
    let Stage { hub, .. } = stage().await;
    let (mut owner, mut reader) = (Browser::logged_in(&hub, "ada").await, Browser::logged_in(&hub, "bob").await);
    let pages = ["edit/main/tool.py", "restore/main/tool.py?from=main", "edit-card"].map(|page| format!("/ada/bert/{page}"));
    for page in &pages {
        reader.open(page).await;
    }
    recall(&mut owner, "ada/bert", "tool.py\nREADME.md", &[]).await;
    hub.jobs_done().await;
    for page in &pages {
        assert_eq!(reader.get(page).await.status, 451, "{page}");
        owner.open(page).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn lines_of_a_recalled_file_are_not_shown_with_what_was_said_of_them() {
    let Stage { hub, ada, bob, .. } = stage().await;
    let more = Client::file("tool.py", "print('hello')\nprint('more')\n");
    bob.commit("/api/models/ada/bert", "main?create_pr=1", &[more], 200).await;
    let discussion = "/api/models/ada/bert/discussions/1";
    let remark = json!({ "comment": "Why?", "anchor": { "path": "tool.py", "line": 1 } });
    ada.post_json(&format!("{discussion}/comment"), &remark, 201).await;
    let mut browser = Browser::logged_in(&hub, "ada").await;
    assert!(browser.open("/ada/bert/discussions/1").await.has("hello"));
    recall(&mut browser, "ada/bert", "tool.py", &[]).await;
    hub.jobs_done().await;
    for page in ["/ada/bert/discussions/1", "/ada/bert/discussions/1/files"] {
        let page = browser.open(page).await;
        assert!(page.has("Why?") && !page.has("hello"), "{}", page.text);
    }
    let found = ada.get_json(discussion, 200).await.to_string();
    assert!(found.contains("\"line\":1") && !found.contains("hello"), "{found}");
    ada.post_json(&format!("{discussion}/comment"), &remark, 451).await;
    hub.stop().await;
}

#[tokio::test]
async fn diffs_of_the_api_leave_out_what_was_recalled() {
    let Stage { hub, ada, bob, .. } = stage().await;
    let api = "/api/models/ada/bert";
    let before = ada.get_json(&format!("{api}/commits/main"), 200).await[0]["id"].as_str().unwrap().to_owned();
    let files = [Client::file("tool.py", "print('secret')\n"), Client::file("notes.md", "Harmless.\n")];
    ada.commit(api, "main", &files, 200).await;
    let better = [Client::file("tool.py", "print('clean')\n"), Client::file("notes.md", "Harmless!\n")];
    bob.commit(api, "main?create_pr=1", &better, 200).await;
    let compare = async || bob.get(&format!("{api}/compare/{before}..main"), 200).await.text().await.unwrap();
    let pull = async || bob.get_json(&format!("{api}/discussions/1?diff=1"), 200).await["diff"].as_str().unwrap().to_owned();
    assert!(compare().await.contains("-print('hello')\n+print('secret')\n"));
    assert!(pull().await.contains("-print('secret')\n+print('clean')\n"));

    let mut browser = Browser::logged_in(&hub, "ada").await;
    recall(&mut browser, "ada/bert", "tool.py", &[]).await;
    for (diff, other) in [(compare().await, "+Harmless.\n"), (pull().await, "+Harmless!\n")] {
        assert!(diff.contains("+++ b/tool.py\nNot shown: this file was recalled.\n"), "{diff}");
        assert!(diff.contains(other) && !diff.contains("print("), "{diff}");
    }
    hub.stop().await;
}
