use hub_tests::{Client, TestHub};

use super::Browser;

const CARD: &str = "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n---\n# A model\n";

#[tokio::test]
async fn a_page_says_how_each_fitting_library_loads_the_model_from_this_hub() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/similar", false).await;
    let files = [Client::file("README.md", CARD), Client::file("config.json", "{\"model_type\": \"bert\"}")];
    ada.commit("/api/models/ada/similar", "main", &files, 200).await;
    let mut browser = Browser::new(&hub);

    assert!(browser.open("/ada/similar").await.has("href=\"/ada/similar/use\""), "the page leads there");
    let page = browser.open("/ada/similar/use").await;
    let endpoint = format!("os.environ[&#34;HF_ENDPOINT&#34;] = &#34;{}&#34;", hub.base());
    assert!(page.has(&endpoint) && page.has("SentenceTransformer(&#34;ada/similar&#34;)"), "{}", page.text);
    for other in ["Transformers", "huggingface_hub", "hf command"] {
        assert!(page.has(&format!("<span>{other}</span>")), "{other}");
    }
    for other in ["llama.cpp", "Diffusers", "pandas", "Safetensors"] {
        assert!(!page.has(&format!("<span>{other}</span>")), "{other} does not load it");
    }
    let page = browser.open("/ada/similar/use?with=git").await;
    assert!(page.has(&format!("git clone {}/ada/similar", hub.base())));
    assert!(browser.open("/ada/similar/use?with=nonsense").await.has("SentenceTransformer("), "the first one stands in");
    hub.stop().await;
}

#[tokio::test]
async fn what_a_card_or_a_file_is_called_never_becomes_code() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/odd", false).await;
    let card = "---\nlibrary_name: transformers\npipeline_tag: \"x\\\"); import os #\"\n---\n# Odd\n";
    let files = [Client::file("README.md", card), Client::file("a\"); import os #.gguf", "x"), Client::file("-rf.gguf", "x")];
    ada.commit("/api/models/ada/odd", "main", &files, 200).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/ada/odd/use?with=transformers").await;
    let code = page.text.split("usage-code").nth(1).unwrap();
    assert!(code.contains("AutoModel.from_pretrained(&#34;ada/odd&#34;)") && !code.contains("pipeline("));
    assert!(!code.contains("import os #"), "neither the task nor the file is quoted");
    assert!(!page.has("<span>llama.cpp</span>"), "no file can be named safely");
    hub.stop().await;
}

#[tokio::test]
async fn a_dataset_is_loaded_by_the_tools_of_its_format() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/table", false).await;
    ada.commit("/api/datasets/ada/table", "main", &[Client::file("data/rows.csv", "a,b\n1,2\n")], 200).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/datasets/ada/table/use").await;
    assert!(page.has("load_dataset(&#34;ada/table&#34;)"));
    let page = browser.open("/datasets/ada/table/use?with=pandas").await;
    assert!(page.has("read_csv(&#34;hf://datasets/ada/table/data/rows.csv&#34;)") && !page.has("read_parquet"));
    let page = browser.open("/datasets/ada/table/use?with=duckdb").await;
    assert!(page.has(&format!("{}/datasets/ada/table/resolve/main/data/rows.csv", hub.base())));
    assert!(browser.open("/datasets/ada/table/use?with=hf").await.has("hf download ada/table --repo-type dataset"));
    hub.stop().await;
}
