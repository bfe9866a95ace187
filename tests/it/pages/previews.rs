//! Files as their pages show them, honest and hostile ones.

use base64::Engine as _;
use hub_tests::{Client, TestHub, json};

use super::Browser;

async fn with_files(hub: &TestHub, files: &[(&str, String)]) -> Browser {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/files", false).await;
    let lines: Vec<_> = files.iter().map(|(path, text)| Client::file(path, text)).collect();
    ada.commit("/api/models/ada/files", "main", &lines, 200).await;
    Browser::new(hub)
}

#[tokio::test]
async fn tables_json_and_notebooks_are_rendered_with_their_source_behind() {
    let hub = TestHub::start().await;
    let notebook = json!({"cells": [
        {"cell_type": "markdown", "source": "# Told"},
        {"cell_type": "code", "execution_count": 7, "source": "print(1)", "outputs": [{"output_type": "stream", "text": "one\n"}]},
    ]});
    let files = [
        ("a.csv", "name,size\nx,\"1,5\"\n".to_owned()),
        ("b.tsv", "name\tsize\nx\t2\n".to_owned()),
        ("c.jsonl", "{\"name\": \"y\", \"list\": [1, 2]}\n".to_owned()),
        ("d.json", format!("{{\"long\":\"{}\",\"b\":[1,2]}}", "x".repeat(400))),
        ("e.ipynb", notebook.to_string()),
        ("f.pdf", "%PDF-1.4".to_owned()),
        ("g.md", "# Shown\n".to_owned()),
    ];
    let mut browser = with_files(&hub, &files).await;
    let open = async |browser: &mut Browser, path: &str| browser.open(&format!("/ada/files/blob/main/{path}")).await;

    let page = open(&mut browser, "a.csv").await;
    assert!(page.has("<th scope=\"col\">size</th>") && page.has("<td dir=\"auto\">1,5</td>") && page.has("?plain=1"));
    let page = open(&mut browser, "a.csv?plain=1").await;
    assert!(page.has("class=\"code-line\"") && !page.has("<td dir=\"auto\">") && page.has("Preview"));
    assert!(open(&mut browser, "b.tsv").await.has("<td dir=\"auto\">2</td>"));
    assert!(open(&mut browser, "c.jsonl").await.has("<td dir=\"auto\">[1,2]</td>"));
    assert!(open(&mut browser, "d.json").await.text.matches("class=\"code-line\"").count() > 4, "long lines are broken");
    assert_eq!(open(&mut browser, "d.json?plain=1").await.text.matches("class=\"code-line\"").count(), 1);
    let page = open(&mut browser, "e.ipynb").await;
    assert!(page.has("[7]") && page.has("<pre tabindex=\"0\">one\n</pre>") && page.has("Told"), "{}", page.text);
    let page = open(&mut browser, "f.pdf").await;
    assert!(page.has("href=\"/ada/files/resolve/main/f.pdf\" target=\"_blank\" rel=\"noopener\"") && !page.has("<object"));
    let pdf = browser.open("/ada/files/resolve/main/f.pdf").await;
    let header = |name: &str| pdf.headers[name].to_str().unwrap();
    assert_eq!((header("content-type"), header("x-content-type-options")), ("application/pdf", "nosniff"));
    // In a sandbox, browsers show nothing.
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("sandbox"));
    assert!(open(&mut browser, "g.md").await.has("Shown"));
    hub.stop().await;
}

#[tokio::test]
async fn what_only_has_the_name_of_a_picture_is_not_shown_as_one() {
    let hub = TestHub::start().await;
    let mut browser =
        with_files(&hub, &[("broken.png", "no picture".into()), ("a.svg", "<svg></svg>".into()), ("b.wav", "x".into())]).await;
    let page = browser.open("/ada/files/blob/main/broken.png").await;
    assert!(!page.has("<img") && page.has("is none that browsers show"), "{}", page.text);
    assert!(browser.open("/ada/files/blob/main/a.svg").await.has("<img src=\"/ada/files/resolve/main/a.svg\""));
    assert!(!browser.open("/ada/files/blob/main/b.wav").await.has("<audio"));
    let tree = browser.open("/ada/files/tree/main").await;
    assert!(tree.has("#image\"") && tree.has("#music\""), "{}", tree.text);
    hub.stop().await;
}

#[tokio::test]
async fn hostile_files_neither_run_nor_weigh_anything() {
    let hub = TestHub::start().await;
    let script = "<script>alert(1)</script><img src=x onerror=alert(1)>";
    let notebook = json!({"cells": [
        {"cell_type": "code", "source": script, "outputs": [{"data": {"text/html": script}}, {"output_type": "stream", "text": script}]},
    ]});
    let files = [
        ("page.html", script.to_owned()),
        ("pic.svg", format!("<svg xmlns='http://www.w3.org/2000/svg'>{script}</svg>")),
        ("cells.csv", format!("a,{script}\n1,{}\n", "x".repeat(9 << 20))),
        ("deep.json", format!("{}{}", "[".repeat(300_000), "]".repeat(300_000))),
        ("deep.ipynb", "[".repeat(1 << 20)),
        ("script.ipynb", notebook.to_string()),
        ("script.jsonl", format!("{}\n", json!({ (script): script }))),
        ("broken.safetensors", "nothing".to_owned()),
        ("broken.gguf", "GGUF".to_owned()),
        ("broken.parquet", "PAR1\u{7f}\u{7f}\0\0PAR1".to_owned()),
        ("bent.parquet", format!("PAR1{}\u{10}\0\0\0PAR1", "\u{19}\u{2c}".repeat(400))),
    ];
    let mut browser = with_files(&hub, &files).await;
    for (name, _) in &files {
        let started = std::time::Instant::now();
        let page = browser.open(&format!("/ada/files/blob/main/{name}")).await;
        assert!(!page.has("<script>alert") && !page.has("<img src=x"), "{name}");
        assert!(page.text.len() < 4 << 20, "{name} becomes {} bytes", page.text.len());
        assert!(started.elapsed().as_secs() < 20, "{name} takes {:?}", started.elapsed());
    }
    assert!(browser.open("/ada/files/blob/main/cells.csv").await.has("Only the beginning is shown"));
    for name in ["broken.safetensors", "broken.gguf", "broken.parquet", "bent.parquet"] {
        assert!(browser.open(&format!("/ada/files/blob/main/{name}")).await.has("file-note"), "{name} says what is wrong");
    }
    hub.stop().await;
}

#[tokio::test]
async fn the_first_rows_of_parquet_files_are_shown() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/rows", false).await;
    let file = include_bytes!("../../../crates/hub-cards/testdata/zstd-2.parquet");
    let content = base64::engine::general_purpose::STANDARD.encode(file);
    let line = json!({ "key": "file", "value": { "path": "data/train-0.parquet", "content": content, "encoding": "base64" } });
    ada.commit("/api/datasets/ada/rows", "main", &[line, Client::file("data/a.csv", "a,b\n1,2\n")], 200).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/datasets/ada/rows/blob/main/data/train-0.parquet").await;
    for cell in [
        "<th scope=\"col\">deep</th>",
        "<td dir=\"auto\">Zürich 0</td>",
        "<td dir=\"auto\">[a, b, null]</td>",
        "2024-02-29 12:00:00",
    ] {
        assert!(page.has(cell), "{cell}: {}", page.text);
    }
    assert!(page.has("Only the beginning is shown: 50 rows, 12 columns") && !page.has("not among the rows"));
    // The page of the dataset leads there.
    assert!(browser.open("/datasets/ada/rows").await.has("href=\"/datasets/ada/rows/blob/main/data/train-0.parquet\""));
    hub.stop().await;
}
