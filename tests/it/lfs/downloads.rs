use super::{Large, entry, hubs, upload};

#[tokio::test]
async fn downloads_resume_with_ranges() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", true).await;
        let file = Large::of(1_000_000, 1);
        upload(&ada, "ada/bert", &file).await;
        let object = entry(&ada, "ada/bert", "download", &file).await;
        assert_eq!(object["size"], 1_000_000);
        let href = object["actions"]["download"]["href"].as_str().expect("an address");
        let http = reqwest::Client::new();
        for (range, expected, shown) in [
            ("bytes=0-0", 0..1, "bytes 0-0/1000000"),
            ("bytes=999990-", 999_990..1_000_000, "bytes 999990-999999/1000000"),
            ("bytes=-5", 999_995..1_000_000, "bytes 999995-999999/1000000"),
            ("bytes=300000-700000", 300_000..700_001, "bytes 300000-700000/1000000"),
        ] {
            if range.starts_with("bytes=-") && !hub.app().store.reads_suffixes() {
                continue;
            }
            let part = http.get(href).header("Range", range).send().await.expect("an answer");
            assert_eq!(part.status(), 206, "{range}");
            assert_eq!(part.headers()["content-range"], shown);
            assert_eq!(part.headers()["content-length"], expected.len().to_string());
            assert!(part.bytes().await.expect("bytes") == file.bytes[expected], "{range}");
        }
        let outside = http.get(href).header("Range", "bytes=1000002-").send().await.expect("an answer");
        assert_eq!(outside.status(), 416);
        assert_eq!(outside.headers()["content-range"], "bytes */1000000");
        hub.stop().await;
    }
}
