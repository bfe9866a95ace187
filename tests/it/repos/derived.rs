//! What an older program has derived of repositories is derived again.

use base64::Engine as _;
use hub::repos::metadata::ask_again;
use hub_tests::{Client, TestHub, json};

use crate::pages::browser::Browser;

/// A GGUF header with two tensors: `F32` and `Q4_K`.
fn gguf() -> String {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let tensor = |name: &str, size: u64, kind: u32| {
        [text(name), 1u32.to_le_bytes().to_vec(), size.to_le_bytes().to_vec(), kind.to_le_bytes().to_vec(), vec![0; 8]].concat()
    };
    let head = [b"GGUF".to_vec(), 3u32.to_le_bytes().to_vec(), 2u64.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat();
    let key = [text("general.architecture"), 8u32.to_le_bytes().to_vec(), text("llama")].concat();
    let bytes = [head, key, tensor("a", 1_000, 0), tensor("b", 2_560_000_000, 12)].concat();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn with_gguf(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/small", false).await;
    let card = format!("# Klein\n\n{}", "Dieses Modell erkennt, wovon eine Anfrage an die Verwaltung handelt. ".repeat(6));
    let line = json!({ "key": "file", "value": { "path": "small.gguf", "content": gguf(), "encoding": "base64" } });
    ada.commit(
        "/api/models/ada/small",
        "main",
        &[Client::file("README.md", &card), Client::file("tokenizer.json", "{}"), line],
        200,
    )
    .await;
    hub.jobs_done().await;
    ada
}

#[tokio::test]
async fn a_model_with_nothing_but_gguf_fits_on_machines() {
    let hub = TestHub::start().await;
    with_gguf(&hub).await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    // 2.56 billion numbers of 4.5 bits and a fifth on top: 1.7 GB.
    let page = browser.open("/models?hardware=phone-4gb&precision=q4_k").await;
    assert!(page.has("href=\"/ada/small\""), "{}", page.text);
    let why = browser.open("/models?hardware=phone-4gb&why=ada/small").await;
    assert!(why.has("2560000000 Q4_K x 4.5 bits / 8") && why.has("Phone, 4 GB"), "{}", why.text);
    assert!(browser.open("/ada/small").await.has("<span class=\"mono\">Q4_K</span>"));
    hub.stop().await;
}

#[tokio::test]
async fn a_newer_program_derives_again() {
    let hub = TestHub::start().await;
    let ada = with_gguf(&hub).await;
    let pool = &hub.app().pool;
    let before: (String, i64, i64) =
        sqlx::query_as("select last_modified_at::text, file_count, size_bytes from repos").fetch_one(pool).await.unwrap();
    // As a program had left it that neither told languages nor added up numbers by type.
    let old = "update repos set derived_version = 0, facts = facts - '{texts,read_texts,gguf_parameters}'::text[]
                   || '{\"weights\": {\"key\": \"old\", \"gguf\": \"small.gguf\"}, \"headers_key\": \"old\"}'";
    sqlx::query(old).execute(pool).await.unwrap();
    let mut browser = Browser::new(&hub);
    assert!(!browser.open("/ada/small").await.has("written in German"));
    ask_again(hub.app()).await.unwrap();
    hub.jobs_done().await;
    let page = browser.open("/ada/small").await;
    assert!(page.has("written in German") && page.has("<span class=\"mono\">Q4_K</span>"), "{}", page.text);
    let after: (String, i64, i64) =
        sqlx::query_as("select last_modified_at::text, file_count, size_bytes from repos").fetch_one(pool).await.unwrap();
    assert_eq!(after, before, "nobody has changed it");
    // What is as it should be is left alone.
    let events = hub.count("jobs").await;
    ask_again(hub.app()).await.unwrap();
    assert_eq!(hub.count("jobs").await, events);
    ada.get("/api/models/ada/small", 200).await;
    hub.stop().await;
}
