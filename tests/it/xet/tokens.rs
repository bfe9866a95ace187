//! Tokens for chunks: who gets one, what it says, and when it is worth nothing.

use hub_tests::{TestHub, json};
use reqwest::Method;

use super::client::{Packed, random, read_token, reconstruction, send_body, send_shard, write_token};
use super::permissions::{now, signed};
use super::{hubs, start};

const API: &str = "/api/models/ada/bert";

#[tokio::test]
async fn a_token_is_told_in_headers_and_in_the_body() {
    let (hub, ada) = start().await;
    ada.create_repo("dataset", "ada/data", true).await;
    let space = json!({ "type": "space", "organization": "ada", "name": "demo", "sdk": "static" });
    ada.post_json("/api/repos/create", &space, 200).await;
    ada.post_json("/api/buckets/ada/box", &json!({}), 200).await;
    // Buckets have no revisions.
    let places =
        [("models/ada/bert", "/main"), ("datasets/ada/data", "/main"), ("spaces/ada/demo", "/main"), ("buckets/ada/box", "")];
    for (repo, revision) in places {
        for (kind, seconds) in [("read", 15 * 60), ("write", 60 * 60)] {
            let answer = ada.get(&format!("/api/{repo}/xet-{kind}-token{revision}"), 200).await;
            let headers = answer.headers().clone();
            let header = |name: &str| headers[name].to_str().expect("text").to_owned();
            let body: hub_tests::Value = answer.json().await.expect("JSON");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(body["casUrl"], header("x-xet-cas-url"));
            assert_eq!(body["casUrl"], hub.anonymous().url("/xet"), "the same for all, and without a slash");
            assert_eq!(body["accessToken"], header("x-xet-access-token"));
            let exp = body["exp"].as_i64().expect("a number");
            assert_eq!(exp.to_string(), header("x-xet-token-expiration"));
            assert!((now() + seconds - 60..=now() + seconds + 60).contains(&exp), "{exp}");
        }
    }
    hub.stop().await;
}

#[tokio::test]
async fn revisions_are_understood_as_clients_write_them() {
    let (hub, ada) = start().await;
    let commit = ada.get_json(API, 200).await["sha"].as_str().expect("a commit").to_owned();
    ada.post_json(&format!("{API}/branch/feat%2Fx"), &json!({}), 200).await;
    let sql = "insert into refs (repo_pk, name, oid) select repo_pk, 'refs/pr/1', oid from refs where name = 'refs/heads/main'";
    sqlx::query(sql).execute(&hub.app().pool).await.expect("a pull request");
    for kind in ["read", "write"] {
        for revision in ["main", &commit, "None", "refs%2Fpr%2F1", "refs/pr/1", "feat%2Fx", "feat/x", "refs%2Fheads%2Fmain"] {
            ada.get(&format!("{API}/xet-{kind}-token/{revision}"), 200).await;
        }
        for revision in ["nowhere", "refs%2Fpr%2F2", &"0".repeat(40)] {
            let refused = ada.get(&format!("{API}/xet-{kind}-token/{revision}"), 404).await;
            assert_eq!(refused.headers()["x-error-code"], "RevisionNotFound", "{revision}");
        }
        let missing = ada.get(&format!("/api/models/ada/none/xet-{kind}-token/main"), 404).await;
        assert_eq!(missing.headers()["x-error-code"], "RepoNotFound");
    }
    ada.get(&format!("{API}/xet-write-token/None?create_pr=1"), 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn other_words_than_tokens_are_refused() {
    for (hub, ada) in hubs().await {
        let packed = Packed::new(random(100_000, 1), 3);
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let good = write_token(&ada, "ada/bert").await.token().to_owned();
        let (claims, signature) =
            good.split_at(good.rfind(&good.splitn(6, '_').last().expect("a part").to_owned()).expect("a place"));
        let parts: Vec<&str> = claims.trim_end_matches('_').split('_').collect();
        let [_, scope, repo, user, exp] = parts.as_slice() else { panic!("{claims}") };
        let forged = [
            format!("xet_{scope}_{repo}_{user}_99999999999_{signature}"),
            format!("xet_{scope}_{repo}_0_{exp}_{signature}"),
            format!("xet_{scope}_1_{user}_{exp}_{signature}"),
            format!("xet_r_{repo}_{user}_{exp}_{signature}"),
            claims.trim_end_matches('_').to_owned(),
            format!("{claims}AAAA"),
            format!("{good}A"),
            good[..good.len() - 2].to_owned(),
            good.to_uppercase(),
            ada.token().to_owned(),
            // A signature of the hub's, for something else.
            format!("{claims}{}", hub.app().signer.sign("lfs", claims.trim_end_matches('_'))),
            String::new(),
            "xet_".to_owned(),
            "xet_w_x_y_z_AAAA".to_owned(),
        ];
        for token in &forged {
            let eve = hub.with_token(token);
            reconstruction(&eve, 2, &packed.entry.hash, "", 401).await;
            send_body(&eve, &packed.xorbs[0].hash(), packed.xorbs[0].body.clone(), 401).await;
            send_shard(&eve, packed.shard(), 401).await;
        }
        reconstruction(&hub.anonymous(), 2, &packed.entry.hash, "", 401).await;
        reconstruction(&hub.with_token(&good), 2, &packed.entry.hash, "", 200).await;
        // Nor does a token for chunks open anything else.
        hub.with_token(&good).get("/api/whoami-v2", 401).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_token_ends() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(100_000, 2), 3);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let file = &packed.entry.hash;
    for scope in ["r", "w"] {
        reconstruction(&signed(&hub, scope, "ada/bert", "ada", now() + 60).await, 2, file, "", 200).await;
        // Clients' clocks run behind.
        reconstruction(&signed(&hub, scope, "ada/bert", "ada", now() - 60).await, 2, file, "", 200).await;
        let ended = signed(&hub, scope, "ada/bert", "ada", now() - 150).await;
        let said = reconstruction(&ended, 2, file, "", 401).await;
        assert!(said["error"].as_str().is_some_and(|text| text.contains("expired")), "{said}");
    }
    let ended = signed(&hub, "w", "ada/bert", "ada", now() - 150).await;
    send_body(&ended, &packed.xorbs[0].hash(), packed.xorbs[0].body.clone(), 401).await;
    send_shard(&ended, packed.shard(), 401).await;
    hub.stop().await;
}

#[tokio::test]
async fn tokens_live_as_long_as_the_settings_say() {
    let hub = TestHub::start_with(|config| (config.xet_read_token_secs, config.xet_write_token_secs) = (20, 60)).await;
    let ada = super::settle(&hub).await;
    let packed = Packed::new(random(100_000, 2), 3);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    for (kind, scope, seconds) in [("read", "r", 20), ("write", "w", 60)] {
        let answer = ada.get_json(&format!("{API}/xet-{kind}-token/main"), 200).await;
        let exp = answer["exp"].as_i64().expect("a number");
        assert!((now() + seconds - 10..=now() + seconds).contains(&exp), "{kind}: {exp}");
        // A token that lived shortly is not taken for long after its end.
        for (ago, status) in [(seconds - 10, 200), (seconds + 10, 401)] {
            reconstruction(&signed(&hub, scope, "ada/bert", "ada", now() - ago).await, 2, &packed.entry.hash, "", status).await;
        }
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_token_to_read_does_not_write() {
    for (hub, ada) in hubs().await {
        let cas = read_token(&ada, "ada/bert").await;
        let packed = Packed::new(random(100_000, 3), 3);
        let xorb = &packed.xorbs[0];
        send_body(&cas, &xorb.hash(), xorb.body.clone(), 403).await;
        cas.send(cas.request(Method::POST, &format!("/xet/v1/xorb-grants/default/{}", xorb.hash())), 403).await;
        send_shard(&cas, packed.shard(), 403).await;
        cas.send(cas.request(Method::POST, "/xet/v1/shards").body(packed.shard()), 403).await;
        assert_eq!((hub.count("xet_xorbs").await, hub.count("xet_files").await), (0, 0));
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_token_finds_the_files_of_its_repository_alone() {
    for (hub, ada) in hubs().await {
        ada.create_repo("model", "ada/other", false).await;
        let packed = Packed::new(random(100_000, 4), 3);
        packed.upload(&ada, "ada/other", "w.bin").await;
        for version in [1, 2] {
            reconstruction(&read_token(&ada, "ada/other").await, version, &packed.entry.hash, "", 200).await;
            for cas in [read_token(&ada, "ada/bert").await, write_token(&ada, "ada/bert").await] {
                let there = reconstruction(&cas, version, &packed.entry.hash, "", 404).await;
                let nowhere = reconstruction(&cas, version, &packed.xorbs[0].hash(), "", 404).await;
                assert_eq!(there["error"], nowhere["error"], "as if it were nowhere");
            }
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn who_loses_access_loses_it_at_once() {
    let (hub, ada) = start().await;
    let eve = hub.user("eve").await;
    let packed = Packed::new(random(100_000, 5), 3);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let file = &packed.entry.hash;
    let tokens = [(read_token(&eve, "ada/bert").await, 403, 404), (read_token(&hub.anonymous(), "ada/bert").await, 401, 401)];
    let settings = async |body: hub_tests::Value| ada.call(Method::PUT, "/api/models/ada/bert/settings", &body, 200).await;
    for (cas, ..) in &tokens {
        reconstruction(cas, 2, file, "", 200).await;
    }
    settings(json!({ "gated": "auto" })).await;
    for (cas, gated, _) in &tokens {
        reconstruction(cas, 2, file, "", *gated).await;
    }
    settings(json!({ "gated": false, "private": true })).await;
    for (cas, _, private) in &tokens {
        reconstruction(cas, 2, file, "", *private).await;
    }
    settings(json!({ "private": false })).await;
    for (cas, ..) in &tokens {
        reconstruction(cas, 2, file, "", 200).await;
    }
    let body = json!({ "type": "model", "organization": "ada", "name": "bert" });
    ada.call(Method::DELETE, "/api/repos/delete", &body, 200).await;
    for (cas, ..) in &tokens {
        reconstruction(cas, 2, file, "", 401).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn who_leaves_an_organization_leaves_its_chunks() {
    use hub::accounts::{OrgRole, TokenRole};
    let hub = TestHub::start().await;
    let _admin = hub.user("boss").await;
    let (ann, walt) = (hub.account("ann").await, hub.account("walt").await);
    hub.organization("acme", &[(&ann, OrgRole::Admin), (&walt, OrgRole::Write)]).await;
    let (by_ann, walt) = (hub.token(&ann, TokenRole::Write).await, hub.token(&walt, TokenRole::Write).await);
    by_ann.create_repo("model", "acme/secret", true).await;
    let packed = Packed::new(random(100_000, 6), 3);
    packed.upload(&walt, "acme/secret", "w.bin").await;
    let (reads, writes) = (read_token(&walt, "acme/secret").await, write_token(&walt, "acme/secret").await);
    let sql = "select namespace_pk from namespaces where name = 'acme'";
    let acme: i64 = sqlx::query_scalar(sql).fetch_one(&hub.app().pool).await.expect("the organisation");
    hub::accounts::settings::remove_member(hub.app(), acme, &ann, "walt").await.expect("walt leaves");
    reconstruction(&reads, 2, &packed.entry.hash, "", 404).await;
    reconstruction(&writes, 2, &packed.entry.hash, "", 404).await;
    send_body(&writes, &packed.xorbs[0].hash(), packed.xorbs[0].body.clone(), 404).await;
    send_shard(&writes, packed.shard(), 404).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_token_goes_with_the_access_token_it_was_made_with() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(100_000, 9), 3);
    let cas = write_token(&ada, "ada/bert").await;
    packed.send(&cas).await;
    sqlx::query("delete from access_tokens").execute(&hub.app().pool).await.expect("revoked");
    send_body(&cas, &packed.xorbs[0].hash(), packed.xorbs[0].body.clone(), 401).await;
    send_shard(&cas, packed.shard(), 401).await;
    hub.stop().await;
}
