//! Every door to chunks, by who knocks and at whose house.

use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, TestHub, json};
use reqwest::Method;

use super::client::{Packed, random};

/// Seconds since 1970, as the hub counts them.
pub(super) fn now() -> i64 {
    hub::clock::now().timestamp()
}

/// A token as the hub would have signed it, whatever the user may. An empty name is nobody's.
pub(super) async fn signed(hub: &TestHub, scope: &str, repo: &str, user: &str, exp: i64) -> Client {
    let (namespace, name) = repo.split_once('/').expect("an id");
    let sql = "select repo_pk from repos join namespaces using (namespace_pk) where namespaces.name = $1 and repos.name = $2";
    let repo_pk: i64 = sqlx::query_scalar(sql).bind(namespace).bind(name).fetch_one(&hub.app().pool).await.expect("a repository");
    let sql = "select namespace_pk from namespaces where name = $1";
    let user_pk: Option<i64> = sqlx::query_scalar(sql).bind(user).fetch_optional(&hub.app().pool).await.expect("an answer");
    let claims = format!("xet_{scope}_{repo_pk}_{}_0_{exp}", user_pk.unwrap_or(0));
    let signature = hub.app().signer.sign("xet", &claims);
    hub.with_token(&format!("{claims}_{signature}"))
}

/// Asks at every door of the store of chunks; gives what each answered.
async fn knock(cas: &Client, packed: &Packed) -> Vec<(&'static str, u16)> {
    let (file, xorb) = (packed.entry.hash, &packed.xorbs[0]);
    let hash = xorb.hash();
    let get = |path: String| cas.request(Method::GET, &path);
    let post = |path: String| cas.request(Method::POST, &path);
    let doors = [
        ("read", get(format!("/xet/v1/reconstructions/{file}"))),
        ("read", get(format!("/xet/v2/reconstructions/{file}"))),
        ("read", post("/xet/v1/telemetry".to_owned()).body("{}")),
        ("chunk", get(format!("/xet/v1/chunks/default/{}", xorb.info.chunks()[0].hash()))),
        ("chunk", get(format!("/xet/v1/chunks/default-merkledb/{}", xorb.info.chunks()[0].hash()))),
        ("write", post(format!("/xet/v1/xorb-grants/default/{hash}"))),
        ("write", post(format!("/xet/v1/xorbs/default/{hash}")).body(xorb.body.clone())),
        ("write", post("/xet/v1/shards".to_owned()).body(packed.shard())),
        ("write", post("/xet/v2/shards".to_owned()).body(packed.shard())),
    ];
    let mut answers = Vec::new();
    for (kind, request) in doors {
        answers.push((kind, request.send().await.expect("an answer").status().as_u16()));
    }
    answers
}

#[tokio::test]
async fn every_door_asks_who_knocks() {
    let hub = TestHub::start().await;
    let boss = hub.user("boss").await;
    let mut people = Vec::new();
    for name in ["rita", "walt", "ann", "eve"] {
        people.push(hub.account(name).await);
    }
    hub.organization("acme", &[(&people[0], OrgRole::Read), (&people[1], OrgRole::Write), (&people[2], OrgRole::Admin)]).await;
    let mut clients = Vec::new();
    for person in &people {
        clients.push(hub.token(person, TokenRole::Write).await);
    }
    let look = hub.token(&people[1], TokenRole::Read).await;
    let [rita, walt, ann, eve] = clients.as_slice() else { panic!("four people") };
    let anonymous = hub.anonymous();
    let mut files = Vec::new();
    for (seed, repo) in [(1, "acme/open"), (2, "acme/secret"), (3, "acme/gated")] {
        ann.create_repo("model", repo, repo == "acme/secret").await;
        let packed = Packed::new(random(150_000, seed), 100);
        packed.upload(walt, repo, "w.bin").await;
        files.push((repo, packed));
    }
    ann.call(Method::PUT, "/api/models/acme/gated/settings", &json!({ "gated": "manual" }), 200).await;

    // (who, their client, [read, write] of the public, the private, the gated repository)
    let table: [(&str, &Client, [[u16; 2]; 3]); 7] = [
        ("", &anonymous, [[200, 401], [401, 401], [401, 401]]),
        ("eve", eve, [[200, 403], [404, 404], [403, 403]]),
        ("rita", rita, [[200, 403], [200, 403], [200, 403]]),
        ("walt", &look, [[200, 403], [200, 403], [200, 403]]),
        ("walt", walt, [[200, 200], [200, 200], [200, 200]]),
        ("ann", ann, [[200, 200], [200, 200], [200, 200]]),
        ("boss", &boss, [[200, 200], [200, 200], [200, 200]]),
    ];
    for (name, client, rights) in table {
        for ((repo, packed), [read, write]) in files.iter().zip(rights) {
            for (kind, status) in [("read", read), ("write", write)] {
                let refused = client.get(&format!("/api/models/{repo}/xet-{kind}-token/main"), status).await;
                assert_eq!(refused.headers().contains_key("x-xet-access-token"), status == 200);
            }
            // A token to write, though they could not have got one: rights are asked again at each door. But whether the
            // access token could write is asked only when this one is made.
            if std::ptr::eq(client, &look) {
                continue;
            }
            let cas = signed(&hub, "w", repo, name, now() + 600).await;
            for (kind, status) in knock(&cas, packed).await {
                let expected = match kind {
                    "read" => read,
                    "write" => write,
                    // Of what is not public, those who write are told.
                    _ if write == 200 || *repo == "acme/open" => 200,
                    _ if read == 200 => 404,
                    _ => read,
                };
                assert_eq!(status, expected, "{name:?} at {repo}: {kind}");
            }
            let cas = signed(&hub, "r", repo, name, now() + 600).await;
            for (kind, status) in knock(&cas, packed).await {
                let expected = match kind {
                    "read" => read,
                    "write" => 403,
                    _ if *repo == "acme/open" => 200,
                    _ if read == 200 => 404,
                    _ => read,
                };
                // Who may not see the repository hears no more than that.
                let hidden = kind == "write" && read != 200 && status == read;
                assert!(status == expected || hidden, "{name:?} with a token to read at {repo}: {kind} {status}");
            }
        }
    }
    hub.stop().await;
}
