//! A folder of a hundred thousand files, opened in the browser and listed by programs: a page at a time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hub_tests::{TestHub, Value};

use super::Browser;
use super::browser::Page;
use crate::work::Work;

const FILES: usize = 100_000;
/// What a page may take at most, here and on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a page may be, in bytes.
const MAX_PAGE_BYTES: usize = 600_000;

async fn tree(work: &Work, lines: &str) -> String {
    String::from_utf8(work.git_with(&["mktree"], lines.as_bytes()).await).unwrap().trim().to_owned()
}

/// The files that a page links to.
fn names(page: &Page) -> BTreeSet<String> {
    let links = page.text.split("/blob/main/files/").skip(1);
    links.map(|rest| rest.split(['"', '?', '#']).next().unwrap().to_owned()).collect()
}

async fn open(browser: &mut Browser, path: &str) -> Page {
    let start = Instant::now();
    let page = browser.open(path).await;
    assert!(start.elapsed() < PATIENCE, "{path} took {:?}", start.elapsed());
    assert!(page.text.len() < MAX_PAGE_BYTES, "{path} has {} bytes", page.text.len());
    page
}

#[tokio::test]
async fn a_hundred_thousand_files_are_shown_a_page_at_a_time() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("dataset", "ada/many", false).await;
    let work = Work::clone(&ada, "/datasets/ada/many").await;
    // Few objects: one file by all of the names.
    let blob = work.blob(b"x\n").await;
    let lines: String = (0..FILES).map(|number| format!("100644 blob {blob}\tfile-{number:06}.txt\n")).collect();
    let folder = tree(&work, &lines).await;
    let root = tree(&work, &format!("040000 tree {folder}\tfiles\n100644 blob {blob}\tnotes.txt\n")).await;
    let commit = work.commit_tree(&root).await;
    work.git(&["push", "-q", "origin", &format!("{commit}:main")]).await;
    let mut browser = Browser::new(&hub);
    let home = open(&mut browser, "/datasets/ada/many").await;
    assert!(home.has(">100k<"), "how many files there are is told: {}", home.text);
    open(&mut browser, "/datasets/ada/many/tree/main").await;

    let mut seen = BTreeSet::new();
    let mut path = "/datasets/ada/many/tree/main/files".to_owned();
    for _ in 0..4 {
        let page = open(&mut browser, &path).await;
        let shown = names(&page);
        assert_eq!(shown.len(), 200);
        assert!(seen.last() < shown.first(), "each page goes on after the one before");
        seen.extend(shown);
        let next = page.text.split("href=\"").find(|rest| rest.contains("?after=") && rest.starts_with("/datasets"));
        path = next.expect("there is a next page").split('"').next().unwrap().replace("&#38;", "&");
    }
    assert_eq!(seen.last().map(String::as_str), Some("file-000799.txt"));
    for odd in ["after=nonsense", "after=", "after=%00"] {
        assert_eq!(browser.get(&format!("/datasets/ada/many/tree/main/files?{odd}")).await.status, 200, "{odd}");
    }
    open(&mut browser, "/datasets/ada/many/blob/main/files/file-099999.txt").await;
    let found = open(&mut browser, "/datasets/ada/many/find/main?q=099999").await;
    assert!(names(&found).contains("file-099999.txt"), "the last of them is found by a part of its name");

    // Programs get all of them, page by page.
    let mut listed = Vec::with_capacity(FILES);
    let mut next = Some(ada.url("/api/datasets/ada/many/tree/main/files?limit=1000"));
    while let Some(address) = next {
        let answer = ada.request(reqwest::Method::GET, address.trim_start_matches(hub.base())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        let page: Vec<Value> = answer.json().await.unwrap();
        assert!(page.len() <= 1000);
        listed.extend(page.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()));
    }
    assert!(listed.len() == FILES && listed.is_sorted(), "{} paths", listed.len());
    hub.stop().await;
}
