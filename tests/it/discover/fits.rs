//! The memory of models that are not one file: adapters, split files, pipelines; and which of many models fit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub::repos::metadata::ask_again;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::finders::{names, weights};
use super::repo;
use crate::pages::browser::Browser;

/// Types of numbers in GGUF files.
const F16: u32 = 1;
const Q8_0: u32 = 8;
const Q4_K: u32 = 12;
const BF16: u32 = 30;

/// A GGUF file with one tensor of so many values: its header, as nobody reads more.
fn gguf(values: u64, kind: u32) -> String {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let head = [b"GGUF".to_vec(), 3u32.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat();
    let key = [text("general.architecture"), 8u32.to_le_bytes().to_vec(), text("llama")].concat();
    let sizes = [1u32.to_le_bytes().to_vec(), values.to_le_bytes().to_vec(), kind.to_le_bytes().to_vec(), vec![0; 8]].concat();
    STANDARD.encode([head, key, text("w"), sizes].concat())
}

fn encoded(content: &Value) -> String {
    STANDARD.encode(content.to_string())
}

/// Adds files with contents in base64.
async fn add(client: &Client, id: &str, files: &[(&str, String)]) {
    let line = |(path, content): &(&str, String)| json!({ "key": "file", "value": { "path": path, "content": content, "encoding": "base64" } });
    let lines: Vec<Value> = files.iter().map(line).collect();
    client.commit(&format!("/api/models/{id}"), "main", &lines, 200).await;
}

async fn model(client: &Client, id: &str, yaml: &str, files: &[(&str, String)]) {
    repo(client, "model", id, false, yaml, "A model.").await;
    if !files.is_empty() {
        add(client, id, files).await;
    }
}

/// Whether a model is in the list of those that fit on a machine, or of those of which that is not known.
async fn fits(hub: &TestHub, id: &str, machine: &str) -> bool {
    hub.jobs_done().await;
    hub.indexed().await;
    let page = Browser::new(hub).open(&format!("/models?hardware={machine}")).await;
    page.has(&format!("href=\"/{id}\""))
}

#[tokio::test]
async fn an_adapter_takes_the_memory_of_its_base_too() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let config = encoded(&json!({ "base_model_name_or_path": "ada/large" }));
    let adapter = [("adapter_config.json", config), ("adapter_model.safetensors", weights(1000))];
    model(&ada, "ada/lora", "pipeline_tag: text-generation", &adapter).await;
    // Its base is not here yet, so that nobody knows.
    assert!(!fits(&hub, "ada/lora", "phone-4gb").await);
    assert!(fits(&hub, "ada/lora", "not-known").await);
    // 70 billion numbers of two bytes and a fifth on top: 156 GiB.
    model(&ada, "ada/large", "pipeline_tag: text-generation", &[("large.gguf", gguf(70_000_000_000, F16))]).await;
    for (machine, expected) in [("not-known", false), ("phone-4gb", false), ("gpu-141gb", false), ("gpu-8x80gb", true)] {
        assert_eq!(fits(&hub, "ada/lora", machine).await, expected, "{machine}");
    }
    let mut browser = Browser::new(&hub);
    let why = browser.open("/models?hardware=gpu-8x80gb&why=ada/lora").await;
    assert!(why.has("70000000000 F16 x 16 bits / 8 (its base)") && why.has("1000 BF16 x 16 bits / 8"), "{}", why.text);
    let mut found = names(&browser.open("/find/model?task=text-generation&memory=200").await);
    found.sort();
    assert_eq!(found, ["ada/large", "ada/lora"]);
    assert!(names(&browser.open("/find/model?task=text-generation&memory=24").await).is_empty());
    // A base of another size, in the place of the first.
    add(&ada, "ada/large", &[("large.gguf", gguf(1_000_000_000, F16))]).await;
    assert!(fits(&hub, "ada/lora", "phone-4gb").await);
    // What not everybody may see of the base, the adapter does not tell.
    ada.call(Method::PUT, "/api/models/ada/large/settings", &json!({ "private": true }), 200).await;
    assert!(fits(&hub, "ada/lora", "not-known").await);
    assert!(!fits(&hub, "ada/lora", "phone-4gb").await);
    hub.stop().await;
}

#[tokio::test]
async fn all_files_of_a_split_gguf_model_count() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let parts = [("m-00001-of-00002.gguf", gguf(8_000_000_000, F16)), ("m-00002-of-00002.gguf", gguf(9_000_000_000, F16))];
    model(&ada, "ada/split", "license: mit", &parts).await;
    model(&ada, "ada/partial", "license: mit", &parts[..1]).await;
    let several = [("m.BF16.gguf", gguf(8_000_000_000, BF16)), ("m.Q4_K_M.gguf", gguf(8_000_000_000, Q4_K))];
    model(&ada, "ada/several", "license: mit", &several).await;
    let folders = [("Q8_0/m-00001-of-00002.gguf", gguf(8, Q8_0)), ("Q8_0/m-00002-of-00002.gguf", gguf(20_000_000_000, Q8_0))];
    model(&ada, "ada/folders", "license: mit", &folders).await;
    // 17 billion numbers of two bytes and a fifth on top: 38 GiB. The first file alone takes 18.
    assert!(!fits(&hub, "ada/split", "gpu-24gb").await);
    assert!(fits(&hub, "ada/split", "gpu-48gb").await);
    assert!(fits(&hub, "ada/partial", "not-known").await, "a file is not there");
    assert!(fits(&hub, "ada/several", "laptop-8gb").await, "the precision that most people take");
    // 20 billion numbers of 8.5 bits and a fifth on top: 23.7 GiB.
    assert!(fits(&hub, "ada/folders", "gpu-24gb").await && !fits(&hub, "ada/folders", "gpu-16gb").await);
    let total = async || ada.get_json("/api/models/ada/split", 200).await["gguf"]["total"].clone();
    assert_eq!(total().await, 17_000_000_000_u64);
    // As a program had left it that read the first file alone.
    hub.sql(
        "update repos set derived_version = 3,
                facts = facts || '{\"weights\": {\"key\": \"old\", \"gguf\": \"m-00001-of-00002.gguf\"}, \"headers_key\": \"old\",
                                   \"gguf\": {\"total\": 8}, \"gguf_parameters\": {\"F16\": 8}}' where name = 'split'",
    )
    .await;
    assert!(fits(&hub, "ada/split", "phone-4gb").await);
    ask_again(hub.app()).await.unwrap();
    assert!(!fits(&hub, "ada/split", "gpu-24gb").await);
    assert_eq!(total().await, 17_000_000_000_u64);
    hub.stop().await;
}

#[tokio::test]
async fn the_parts_of_a_pipeline_are_added_up_once_each() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let index = json!({
        "_class_name": "StableDiffusionPipeline", "safety_checker": [null, null], "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    });
    let shards = json!({ "weight_map": { "a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors" } });
    let other = STANDARD.encode("the same in another format");
    let files = [
        ("model_index.json", encoded(&index)),
        ("all-in-one.safetensors", weights(9999)),
        ("scheduler/scheduler_config.json", encoded(&json!({}))),
        ("text_encoder/model.safetensors.index.json", encoded(&shards)),
        ("text_encoder/model-00001-of-00002.safetensors", weights(40)),
        ("text_encoder/model-00002-of-00002.safetensors", weights(50)),
        ("unet/diffusion_pytorch_model.fp16.safetensors", weights(3001)),
        ("unet/diffusion_pytorch_model.safetensors", weights(3000)),
        ("unet/diffusion_pytorch_model.onnx", other.clone()),
        ("vae/diffusion_pytorch_model.safetensors", weights(200)),
    ];
    model(&ada, "ada/painter", "license: mit", &files).await;
    assert!(fits(&hub, "ada/painter", "phone-4gb").await);
    assert_eq!(ada.get_json("/api/models/ada/painter", 200).await["safetensors"]["total"], 3290);
    // A part changes, and nothing in the root does.
    add(&ada, "ada/painter", &[("vae/diffusion_pytorch_model.safetensors", weights(300))]).await;
    hub.jobs_done().await;
    assert_eq!(ada.get_json("/api/models/ada/painter", 200).await["safetensors"]["total"], 3390);
    // Of a pipeline of which one part cannot be read nobody knows the size: the others are too little.
    let unread = [
        ("model_index.json", encoded(&index)),
        ("text_encoder/model.safetensors", weights(90)),
        ("unet/diffusion_pytorch_model.safetensors", weights(3000)),
        ("vae/diffusion_pytorch_model.onnx", other),
    ];
    model(&ada, "ada/half", "license: mit", &unread).await;
    assert!(fits(&hub, "ada/half", "not-known").await);
    hub.stop().await;
}

#[tokio::test]
async fn a_model_that_fits_is_found_behind_hundreds_that_do_not() {
    let hub = TestHub::start().await;
    hub.user("ada").await;
    // By their weights all fit on a phone; a long context leaves no room for any but one, which nobody uses.
    hub.sql(
        "insert into repos (repo_type, namespace_pk, name, pipeline_tag, facts)
         select 'model', namespace_pk, case n when 0 then 'narrow' else 'wide-' || n end, 'text-generation',
                jsonb_build_object('safetensors', '{\"parameters\": {\"BF16\": 1000000}}'::jsonb, 'shape', jsonb_build_object(
                    'layers', case n when 0 then 1 else 40 end, 'kv_heads', 40, 'head_dim', 128, 'max_context', 131072))
         from namespaces, generate_series(0, 150) n where namespaces.name = 'ada'",
    )
    .await;
    hub.sql("update repo_counters c set downloads = 1000 from repos r where r.repo_pk = c.repo_pk and r.name like 'wide-%'")
        .await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let asked = "/find/model?task=text-generation&hardware=phone-4gb&context=131072";
    let page = browser.open(&asked.replace("131072", "16384")).await;
    assert_eq!(names(&page), ["ada/narrow"], "{}", page.text);
    assert!(page.has("One model fits") && page.has("150 of those compared do not fit into the memory"), "{}", page.text);
    // Behind thousands nobody looks, and the page does not say that they fit.
    hub.sql(
        "insert into repos (repo_type, namespace_pk, name, pipeline_tag, facts)
         select 'model', w.namespace_pk, 'wide-' || n, 'text-generation', w.facts
         from (select * from repos where name = 'wide-1') w, generate_series(151, 2150) n",
    )
    .await;
    hub.sql("update repo_counters c set downloads = 1000 from repos r where r.repo_pk = c.repo_pk and r.name like 'wide-%'")
        .await;
    hub.indexed().await;
    let page = browser.open(asked).await;
    assert!(names(&page).is_empty() && page.has("most used models fits") && !page.has("models fit<"), "{}", page.text);
    assert!(page.has("Nothing was found that fits") && page.has("most used of 2,151 were compared"), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn more_memory_than_any_machine_has_takes_any_known_size() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    // 600 billion numbers of 8.5 bits and a fifth on top: 712 GiB.
    model(&ada, "ada/huge", "pipeline_tag: text-generation", &[("huge.gguf", gguf(600_000_000_000, Q8_0))]).await;
    model(&ada, "ada/small", "pipeline_tag: text-generation", &[("model.safetensors", weights(1000))]).await;
    model(&ada, "ada/unweighed", "pipeline_tag: text-generation", &[]).await;
    hub.jobs_done().await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/find/model?task=text-generation&memory=9000").await;
    let mut found = names(&page);
    found.sort();
    assert_eq!(found, ["ada/huge", "ada/small"]);
    assert!(page.has("2 models fit") && page.has("<strong>1</strong> are of a size that is not known"), "{}", page.text);
    let page = browser.open("/find/model?task=text-generation&memory=700").await;
    assert_eq!(names(&page), ["ada/small"], "what it takes is counted");
    assert!(page.has("One model fits"), "{}", page.text);
    let page = browser.open("/find/model?task=text-generation&memory=640").await;
    assert_eq!(names(&page), ["ada/small"]);
    assert!(page.has("<strong>1</strong> are too large") && page.has("href=\"/ada/huge\""), "{}", page.text);
    assert!(page.has("<strong>1</strong> are of a size that is not known") && page.has("href=\"/ada/unweighed\""));
    hub.stop().await;
}
