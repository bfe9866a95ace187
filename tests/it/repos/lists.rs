use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::accounts::{OrgRole, TokenRole};
use hub_tests::{Client, Value, json};
use hub_types::RepoType;

use super::seeded::Seeded;

async fn ids(client: &Client, path: &str) -> Vec<String> {
    let list = client.get_json(path, 200).await;
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn card(yaml: &str) -> String {
    format!("---\n{yaml}\n---\n# Card\n")
}

/// Three models, a dataset and a Space of `ada`.
async fn shelf() -> Seeded {
    let bert = card("license: mit\nlanguage: [en, de]\npipeline_tag: fill-mask\nlibrary_name: transformers\ntags: [fun]");
    let seeded = Seeded::model(&[("README.md", &bert)]).await;
    let gpt = card(
        "license: apache-2.0\nlanguage: en\npipeline_tag: text-generation\nlibrary_name: transformers\ndatasets: [ada/corpus]",
    );
    seeded.another(RepoType::Model, "ada/gpt_x", false, &[("README.md", &gpt)]).await;
    seeded.another(RepoType::Model, "ada/diffuser", false, &[("README.md", &card("tags: [fun]\nlibrary_name: diffusers"))]).await;
    let data = card("language: en\ntask_categories: [translation]\nsize_categories: [n<1K]");
    seeded.another(RepoType::Dataset, "ada/corpus", false, &[("README.md", &data), ("a.csv", "a\n")]).await;
    let space = card("sdk: gradio\nmodels: [ada/bert]\ndatasets: [ada/corpus]");
    seeded.another(RepoType::Space, "ada/demo", false, &[("README.md", &space)]).await;
    seeded
}

#[tokio::test]
async fn models_are_found_by_their_metadata() {
    let seeded = shelf().await;
    for (query, expected) in [
        ("", vec!["ada/diffuser", "ada/gpt_x", "ada/bert"]),
        ("filter=fun", vec!["ada/diffuser", "ada/bert"]),
        ("filter=fun&filter=license:mit", vec!["ada/bert"]),
        ("filter=fun,transformers", vec!["ada/bert"]),
        ("filter=language:de", vec!["ada/bert"]),
        ("filter=text-generation", vec!["ada/gpt_x"]),
        ("filter=dataset:ada/corpus", vec!["ada/gpt_x"]),
        ("pipeline_tag=fill-mask", vec!["ada/bert"]),
        ("library=diffusers", vec!["ada/diffuser"]),
        ("author=ADA&search=BERT", vec!["ada/bert"]),
        ("search=ada", vec!["ada/diffuser", "ada/gpt_x", "ada/bert"]),
        ("search=da/be", vec!["ada/bert"]),
        ("search=a&search=x", vec!["ada/gpt_x"]),
        ("search=g_t", vec![]),
        ("search=%25", vec![]),
        ("search=%00", vec![]),
        ("filter=%00", vec![]),
        ("author=nobody", vec![]),
        ("gated=true", vec![]),
        ("gated=false&filter=fun", vec!["ada/diffuser", "ada/bert"]),
        ("sort=createdAt&direction=1", vec!["ada/bert", "ada/gpt_x", "ada/diffuser"]),
        ("inference=warm", vec![]),
        ("apps=vllm", vec!["ada/gpt_x", "ada/bert"]),
        ("apps=unheard-of", vec![]),
        ("apps=vllm,draw-things", vec!["ada/diffuser", "ada/gpt_x", "ada/bert"]),
        ("apps=draw-things&apps=ollama,unheard-of", vec!["ada/diffuser"]),
    ] {
        assert_eq!(ids(&seeded.ada, &format!("/api/models?{query}")).await, expected, "{query}");
    }
    for (path, expected) in [
        ("/api/datasets?filter=language:en&filter=task_categories:translation", "ada/corpus"),
        ("/api/datasets?filter=size_categories:n<1K&search=corp", "ada/corpus"),
        ("/api/spaces?models=ada/bert", "ada/demo"),
        ("/api/spaces?datasets=ada/corpus&filter=gradio", "ada/demo"),
    ] {
        assert_eq!(ids(&seeded.hub.anonymous(), path).await, [expected], "{path}");
    }
    assert!(ids(&seeded.ada, "/api/spaces?models=ada/gpt_x").await.is_empty());
    seeded.stop().await;
}

#[tokio::test]
async fn lists_can_be_wide() {
    let seeded = shelf().await;
    let first = |list: Value| list[0].clone();
    let light = first(seeded.ada.get_json("/api/models?search=bert", 200).await);
    assert_eq!((light["modelId"].as_str(), light.get("siblings"), light.get("cardData")), (Some("ada/bert"), None, None));
    let full = first(seeded.ada.get_json("/api/models?search=bert&full=true&cardData=true&config=true", 200).await);
    assert_eq!((&full["siblings"], &full["cardData"]["license"]), (&json!([{"rfilename": "README.md"}]), &json!("mit")));
    assert_eq!(full["sha"].as_str().unwrap().len(), 40);
    let asked = first(seeded.ada.get_json("/api/models?search=bert&expand=likes&expand=private", 200).await);
    assert_eq!(asked.as_object().unwrap().keys().collect::<Vec<_>>(), ["_id", "id", "likes", "private"]);
    seeded.stop().await;
}

#[tokio::test]
async fn what_lists_do_not_know_is_refused_with_a_reason() {
    let seeded = shelf().await;
    let forged = URL_SAFE_NO_PAD.encode(json!({ "sort": "Id", "value": 0, "repo_pk": 1, "id": "ada/b\u{0}" }).to_string());
    let forged = format!("cursor={forged}&sort=id");
    let known = ["sort=colour", "direction=up", "cursor=x", "limit=many", "gated=perhaps", "num_parameters=6B", "expand=runtime"];
    for query in known.into_iter().chain([forged.as_str()]) {
        let refusal = seeded.ada.get_json(&format!("/api/models?{query}"), 400).await;
        assert!(refusal["error"].as_str().unwrap().contains(query.split('=').next().unwrap()), "{query}: {refusal}");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_in_every_order() {
    let seeded = shelf().await;
    for number in 0..7 {
        seeded.another(RepoType::Model, &format!("ada/page-{number}"), false, &[("README.md", &card("tags: [page]"))]).await;
    }
    let pool = &seeded.hub.app().pool;
    for statement in [
        "update repo_counters set likes = repo_pk % 3, downloads = repo_pk % 2, trending = repo_pk % 5, likes_7d = repo_pk % 3,
                likes_30d = repo_pk % 4, likes_90d = repo_pk % 5",
        "update repos set parameters = repo_pk % 4 where repo_pk % 5 > 0",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    let sorts = ["trendingScore", "downloads", "likes", "lastModified", "createdAt", "mainSize", "num_parameters"];
    for sort in sorts.into_iter().chain(["likes7d", "likes30d", "likes3m", "id"]) {
        for direction in ["-1", "1"] {
            let all = ids(&seeded.ada, &format!("/api/models?sort={sort}&direction={direction}")).await;
            let (mut paged, mut url) =
                (Vec::new(), seeded.ada.url(&format!("/api/models?sort={sort}&direction={direction}&limit=3&filter=region:us")));
            loop {
                let response = seeded.ada.get_url(&url).await;
                let next = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
                let rows: Vec<Value> = response.json().await.unwrap();
                assert!(rows.len() <= 3);
                paged.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
                let Some(link) = next else { break };
                url = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
                assert!(url.starts_with(seeded.hub.base()) && url.contains("filter=region%3Aus"), "{url}");
            }
            assert_eq!(paged, all, "{sort} {direction}");
            assert!(all.len() >= if sort == "num_parameters" { 5 } else { 10 }, "{sort}: {}", all.len());
        }
    }
    assert_eq!(ids(&seeded.ada, "/api/models?limit=2").await.len(), 2);
    seeded.stop().await;
}

#[tokio::test]
async fn names_and_rows_are_orders_too() {
    let seeded = shelf().await;
    let hub = &seeded.hub;
    let bob = hub.user("bob").await;
    for name in ["bob/zebra", "bob/Ant"] {
        bob.create_repo("model", name, false).await;
    }
    let names = ["ada/bert", "ada/diffuser", "ada/gpt_x", "bob/Ant", "bob/zebra"];
    assert_eq!(ids(&bob, "/api/models?sort=id&direction=1").await, names);
    assert_eq!(ids(&bob, "/api/models?sort=id").await, Vec::from_iter(names.into_iter().rev()));
    let page = bob.get("/api/models?sort=id&direction=1&limit=4", 200).await;
    let link = page.headers()["link"].to_str().unwrap().to_owned();
    let next = link.split(['<', '>']).nth(1).unwrap().strip_prefix(hub.base()).unwrap().to_owned();
    // Names may change between pages: the place in the order stays.
    bob.post_json("/api/repos/move", &json!({ "fromRepo": "bob/Ant", "toRepo": "bob/Aardvark", "type": "model" }), 200).await;
    assert_eq!(ids(&bob, &next).await, ["bob/zebra"]);

    // The card counts the rows, of one configuration or of several; one that does not is last.
    let splits = card("dataset_info:\n  splits: [{name: train, num_examples: 70}, {name: test, num_examples: 30}]");
    let configs = card(
        "dataset_info:\n- config_name: a\n  splits: [{name: train, num_examples: 400}]\n- config_name: b\n  splits: [{name: train, num_examples: 1}]",
    );
    seeded.another(RepoType::Dataset, "ada/hundred", false, &[("README.md", &splits)]).await;
    seeded.another(RepoType::Dataset, "ada/hundreds", false, &[("README.md", &configs)]).await;
    let rows = "/api/datasets?sort=datasetsServerInfo.numRows";
    assert_eq!(ids(&seeded.ada, rows).await, ["ada/hundreds", "ada/hundred", "ada/corpus"]);
    assert_eq!(ids(&seeded.ada, &format!("{rows}&direction=1")).await, ["ada/corpus", "ada/hundred", "ada/hundreds"]);
    seeded.ada.get("/api/models?sort=datasetsServerInfo.numRows", 400).await;
    let pool = &hub.app().pool;
    sqlx::query("insert into repos (repo_type, namespace_pk, name, num_rows) select 'dataset', namespace_pk, 'd' || n, n from namespaces, generate_series(1, 3000) n where name = 'ada'").execute(pool).await.unwrap();
    sqlx::query("analyze").execute(pool).await.unwrap();
    let sql = "explain select r.repo_pk from repos r join repo_counters c using (repo_pk) join namespaces n using (namespace_pk)
        where r.repo_type = 'dataset' and r.deleted_at is null and not r.disabled and not r.private and (r.num_rows, r.repo_pk) < (50, 9000)
        order by r.num_rows desc, r.repo_pk desc limit 31";
    let plan: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("repos_num_rows_idx") && !plan.contains("Sort"), "{plan}");
    seeded.stop().await;
}

#[tokio::test]
async fn models_are_found_by_their_number_of_parameters() {
    let seeded = shelf().await;
    sqlx::query("update repos set parameters = 7000000000 where name = 'bert'").execute(&seeded.hub.app().pool).await.unwrap();
    for (range, found) in [("min:6B,max:8B", 1), ("min:8B", 0), ("max:7b", 1), ("max:6999999999", 0)] {
        assert_eq!(ids(&seeded.ada, &format!("/api/models?num_parameters={range}")).await.len(), found, "{range}");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn private_repos_are_listed_for_their_readers_only() {
    let seeded = shelf().await;
    let hub = &seeded.hub;
    let (bob, carol) = (hub.account("bob").await, hub.account("carol").await);
    hub.organization("acme", &[(&bob, OrgRole::Admin), (&carol, OrgRole::Read)]).await;
    seeded.another(RepoType::Model, "acme/secret", true, &[("README.md", &card("tags: [secret]"))]).await;
    seeded.another(RepoType::Model, "bob/own", true, &[("README.md", &card("tags: [secret]"))]).await;
    let path = "/api/models?filter=secret";
    let eve = hub.user("eve").await;
    assert!(ids(&eve, path).await.is_empty());
    assert!(ids(&hub.anonymous(), path).await.is_empty());
    assert_eq!(ids(&hub.token(&carol, TokenRole::Read).await, path).await, ["acme/secret"]);
    assert_eq!(ids(&hub.token(&bob, TokenRole::Write).await, path).await, ["bob/own", "acme/secret"]);
    assert_eq!(ids(&seeded.ada, path).await.len(), 2, "the first account runs the hub");
    let scoped = |kind: &str, name: &str| json!({"scoped": [{"entity": {"type": kind, "name": name}, "permissions": ["repo.content.read"]}]});
    for (kind, name, expected) in [
        ("org", "ACME", vec!["acme/secret"]),
        ("model", "bob/Own", vec!["bob/own"]),
        ("dataset", "bob/own", vec![]),
        ("user", "ada", vec![]),
    ] {
        let client = hub.scoped_token(&bob, TokenRole::FineGrained, scoped(kind, name)).await;
        assert_eq!(ids(&client, path).await, expected, "{kind} {name}");
        assert_eq!(ids(&client, "/api/models?filter=fun").await.len(), 2, "what is public stays visible");
    }
    seeded.stop().await;
}

#[tokio::test]
async fn tags_are_given_by_type() {
    let seeded = shelf().await;
    let find = |tags: &Value, kind: &str, id: &str| tags[kind].as_array().unwrap().iter().find(|tag| tag["id"] == id).cloned();
    let tags = seeded.hub.anonymous().get_json("/api/models-tags-by-type", 200).await;
    assert_eq!(find(&tags, "pipeline_tag", "fill-mask").unwrap()["label"], "Fill-Mask");
    assert_eq!(find(&tags, "language", "de").unwrap()["label"], "German");
    assert_eq!(find(&tags, "dataset", "dataset:ada/corpus").unwrap()["label"], "ada/corpus");
    assert!(find(&tags, "license", "license:mit").is_some() && find(&tags, "other", "fun").is_some());
    let tags = seeded.hub.anonymous().get_json("/api/datasets-tags-by-type?type=language", 200).await;
    assert_eq!(tags, json!({"language": [{"id": "language:en", "label": "English", "type": "language"}]}));
    seeded.stop().await;
}
