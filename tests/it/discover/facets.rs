//! The values beside a list: those that a page does not have, their sections, and how their numbers come about.

use hub_tests::{Client, TestHub};

use super::repo;
use crate::pages::browser::{Browser, Page};

/// How many a facet says that there are of a value.
fn count(page: &Page, key: &str, value: &str) -> Option<u64> {
    let start = format!("name=\"{key}\" value=\"{value}\"");
    let option = page.text.split(&start).nth(1)?.split("</li>").next()?;
    let number = option.split("facet-count\"><span class=\"visually-hidden\">(</span>").nth(1)?.split('<').next()?;
    number.replace(',', "").parse().ok()
}

/// The numbers of the cells in a part of a page.
fn numbers(part: &str) -> Vec<u64> {
    let cells = part.split("<td").skip(1).map(|cell| cell.split('>').nth(1).unwrap().split('<').next().unwrap());
    cells.map(|number| number.replace(',', "").parse().unwrap()).collect()
}

async fn shelf(hub: &TestHub) -> Client {
    let ada = hub.user("ada").await;
    let corpora: Vec<String> = (0..100).map(|number| format!("ada/corpus-{number:03}")).collect();
    let many = format!("license: mit\nlanguage: [de, fi]\npipeline_tag: translation\ndatasets: [{}]", corpora.join(", "));
    repo(&ada, "model", "ada/many", false, &many, "Tuned on much.").await;
    let secret = "license: mit\nlanguage: de\npipeline_tag: image-to-text\ndatasets: [ada/hidden-corpus, ada/corpus-077]";
    repo(&ada, "model", "ada/secret", true, secret, "Nobody else reads this.").await;
    repo(&ada, "model", "ada/plain", false, "license: apache-2.0\nlanguage: de\ntags: [sea-glass]", "Plain.").await;
    repo(&ada, "dataset", "ada/rows", false, "task_categories: [translation]\ntags: [sea-salt]", "Rows.").await;
    hub.indexed().await;
    ada
}

#[tokio::test]
async fn values_beyond_those_of_a_page_are_found() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/models").await;
    assert!(count(&page, "dataset", "ada/corpus-000").is_some() && count(&page, "dataset", "ada/corpus-077").is_none());
    assert!(page.has("name=\"find_dataset\"") && page.has("There are more"), "{}", page.text);
    // On the page itself, as a form without a script asks, and alone, as the script does.
    for path in ["/models", "/models.values"] {
        let found = browser.open(&format!("{path}?facet=dataset&license=mit&find_dataset=CORPUS-07")).await;
        assert_eq!(found.text.matches("name=\"dataset\"").count(), 10, "{path}");
        assert_eq!(count(&found, "dataset", "ada/corpus-077"), Some(1), "{path}");
        assert_eq!(found.has("<html"), path == "/models");
        let found = browser.open(&format!("{path}?facet=dataset&find_dataset=hidden")).await;
        assert!(found.has("No other value") && !found.has("ada/hidden-corpus"), "{path}: private ones are not told of");
        // By what people read, too.
        let found = browser.open(&format!("{path}?facet=language&find_language=germ")).await;
        assert_eq!(count(&found, "language", "de"), Some(2), "{path}");
        let found = browser.open(&format!("{path}?facet=other&find_other=sea-")).await;
        assert!(count(&found, "other", "sea-glass") == Some(1) && count(&found, "other", "sea-salt").is_none(), "{path}");
    }
    let mut ada = Browser::logged_in(&hub, "ada").await;
    let found = ada.open("/models.values?facet=dataset&find_dataset=corpus").await;
    assert_eq!(count(&found, "dataset", "ada/corpus-077"), Some(2));
    let found = ada.open("/models.values?facet=dataset&find_dataset=hidden").await;
    assert_eq!(count(&found, "dataset", "ada/hidden-corpus"), Some(1));
    let found = browser.open("/datasets.values?facet=pipeline_tag&find_pipeline_tag=trans").await;
    assert_eq!(count(&found, "pipeline_tag", "translation"), Some(1));
    // With nothing typed, all that the page has, the first ones too.
    let found = browser.open("/models.values?facet=dataset").await;
    assert!(count(&found, "dataset", "ada/corpus-000").is_some() && found.text.matches("name=\"dataset\"").count() == 60);
    // What is chosen stays chosen while another is looked for.
    let page = browser.open("/models?dataset=ada/corpus-001&find_dataset=corpus-09").await;
    assert!(page.has("value=\"ada/corpus-001\" checked") && count(&page, "dataset", "ada/corpus-099") == Some(1));
    hub.stop().await;
}

#[tokio::test]
async fn odd_texts_find_nothing_and_break_nothing() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    let mut browser = Browser::new(&hub);
    let long = "x".repeat(5_000);
    for text in ["%3Cscript%3Ealert(1)%3C/script%3E", "%00", "%25", "\"", "%D9%85", "(?i", &long] {
        for path in ["/models?", "/models.values?facet=license&"] {
            let page = browser.open(&format!("{path}find_license={text}")).await;
            assert!(!page.has("<script>alert"), "{text}");
        }
    }
    for path in ["/models.values", "/models.values?facet=author", "/datasets.values?facet=relation", "/spaces.values?facet=%00"] {
        let page = browser.get(path).await;
        assert!(page.status == 400 && page.has("must be one of"), "{path}: {}", page.status);
    }
    assert_eq!(browser.get("/buckets.values?facet=license").await.status, 404);
    hub.stop().await;
}

#[tokio::test]
async fn tasks_stand_in_sections() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    let page = Browser::logged_in(&hub, "ada").await.open("/models").await;
    let tasks = page.text.split("id=\"facet-pipeline_tag\"").nth(1).unwrap().split("</details>").next().unwrap();
    let places =
        ["Computer vision</li>", "image-to-text", "Natural language</li>", "translation"].map(|text| tasks.find(text).unwrap());
    assert!(places.is_sorted(), "{tasks}");
    assert!(!tasks.contains("Audio</li>"), "no section without a task");
    assert!(Browser::new(&hub).open("/datasets").await.has("Natural language</li>"));
    hub.stop().await;
}

#[tokio::test]
async fn the_numbers_of_a_facet_are_explained_to_the_last_one() {
    let hub = TestHub::start().await;
    shelf(&hub).await;
    for (who, steps, private) in [(None, vec![2, 2, 2, 2], 0), (Some("ada"), vec![2, 3, 3, 3, 3], 1)] {
        let mut browser = match who {
            Some(name) => Browser::logged_in(&hub, name).await,
            None => Browser::new(&hub),
        };
        let address = "/models?license=mit&language=de&count=license";
        let page = browser.open(address).await;
        assert!(page.has("count=language#why-count"), "each facet leads to its own reasons");
        let panel = page.text.split("id=\"why-count\"").nth(1).unwrap();
        let tables: Vec<&str> =
            panel.split("<table class=\"why-table\">").skip(1).map(|rest| rest.split("</table>").next().unwrap()).collect();
        // What may be seen, then the other condition; the choice of a licence is left out. The last line is what is counted.
        assert_eq!(numbers(tables[0]), steps, "{who:?}");
        assert!(tables[0].contains("Language: German") && tables[0].contains("the choice of mit is left out"));
        let values = numbers(tables[1]);
        let rows: Vec<&[u64]> = values.chunks(3).collect();
        assert!(rows.iter().all(|row| row[0] + row[1] == row[2]), "{rows:?}");
        // The same numbers as beside the values.
        assert_eq!(count(&page, "license", "mit"), Some(1 + private), "{who:?}");
        assert!(rows.contains(&&[1, private, 1 + private][..]), "{rows:?}");
        assert_eq!(page.has("ada/secret"), who.is_some());
        assert!(!browser.open("/models?license=mit&count=nonsense").await.has("id=\"why-count\""));
    }
    let page = Browser::new(&hub).open("/models?search=nothing-has-this&count=license").await;
    assert!(page.has("None of them has a value here.") && page.has("with the words “nothing-has-this”"));
    hub.stop().await;
}

#[tokio::test]
async fn regions_and_what_was_measured_are_real_values() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    let results = |dataset: &str| {
        format!(
            "pipeline_tag: text-classification\nmodel-index: [{{name: m, results: [{{task: {{type: text-classification}}, dataset: {{name: {dataset}, type: x}}, metrics: [{{type: accuracy, value: 0.9}}]}}]}}]"
        )
    };
    repo(&ada, "model", "ada/glue", false, &results("GLUE"), "A model.").await;
    repo(&ada, "model", "ada/imdb", false, &results("IMDB reviews"), "A model.").await;
    repo(&ada, "model", "ada/none", false, "license: mit", "A model.").await;
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/models").await;
    assert_eq!((count(&page, "evaluated", "results"), count(&page, "evaluated", "IMDB reviews")), (Some(2), Some(1)));
    assert_eq!(count(&page, "region", "us"), Some(3));
    for (query, found) in
        [("evaluated=results", 2), ("evaluated=glue", 1), ("evaluated=CoLA", 0), ("region=us", 3), ("region=eu", 0)]
    {
        let page = browser.open(&format!("/models?{query}")).await;
        assert_eq!(page.text.matches("class=\"repo-card-link\"").count(), found, "{query}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn datasets_are_narrowed_by_format_and_library() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for (name, tags, files) in [
        ("one-table", "fun", &["rows.csv"][..]),
        ("shards", "fun", &["train-0.jsonl", "train-1.jsonl"]),
        ("judged", "distilabel, argilla", &["rows.csv"]),
        ("robot", "fun", &["meta/info.json", "meta/tasks.jsonl", "notes.txt", "more.txt", "and-more.txt"]),
    ] {
        let id = format!("ada/{name}");
        repo(&ada, "dataset", &id, false, &format!("tags: [{tags}]"), "Rows.").await;
        let files: Vec<_> = files.iter().map(|path| Client::file(path, "x\n")).collect();
        ada.commit(&format!("/api/datasets/{id}"), "main", &files, 200).await;
    }
    hub.indexed().await;
    let mut browser = Browser::new(&hub);
    let page = browser.open("/datasets").await;
    for (key, value, datasets) in [
        ("format", "csv", 2),
        ("format", "json", 1),
        ("format", "text", 1),
        ("library", "datasets", 4),
        ("library", "pandas", 2),
        ("library", "dask", 1),
        ("library", "distilabel", 1),
        ("library", "argilla", 1),
        ("library", "lerobot", 1),
    ] {
        assert_eq!(count(&page, key, value), Some(datasets), "{key}={value}");
    }
    assert!(page.has("Croissant") && page.has("LeRobot"), "libraries are called by their names");
    let found = browser.open("/datasets?library=dask").await;
    assert!(found.has("ada/shards") && !found.has("ada/one-table"));
    hub.stop().await;
}
