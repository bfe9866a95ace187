use hub_tests::json;

use super::{Large, batch, entry, hubs, upload};

#[tokio::test]
async fn new_objects_get_an_upload_and_known_ones_nothing() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let (known, new) = (Large::of(1000, 1), Large::of(1000, 2));
        upload(&ada, "ada/bert", &known).await;
        let reply = batch(&ada, "ada/bert", "upload", &[&known, &new], 200).await;
        assert_eq!(reply["transfer"], "basic");
        assert_eq!(reply["hash_algo"], "sha256");
        assert_eq!(reply["objects"][0], known.object(), "no `actions` at all for a known object");
        let object = &reply["objects"][1];
        assert_eq!(object["authenticated"], true);
        assert_eq!(object["size"], 1000);
        assert!(object["actions"]["upload"]["header"].is_object());
        assert!(object["actions"]["upload"]["expires_in"].as_u64().expect("seconds") >= 3600);
        hub.stop().await;
    }
}

#[tokio::test]
async fn the_empty_file_needs_no_upload() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("dataset", "ada/data", false).await;
        let empty = Large::new("");
        assert!(entry(&ada, "datasets/ada/data", "upload", &empty).await["actions"].is_null());
        assert_eq!(super::download(&ada, "datasets/ada/data", &empty).await, b"");
        hub.stop().await;
    }
}

#[tokio::test]
async fn batches_are_understood_as_every_client_words_them() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let object = Large::of(10, 1).object();
    let bodies = [
        json!({ "operation": "upload", "objects": [object] }),
        json!({ "operation": "upload", "objects": [object], "hash_algo": "sha_256", "transfers": ["xet", "basic", "multipart"] }),
        json!({ "operation": "upload", "objects": [object], "ref": null }),
        json!({ "operation": "upload", "objects": [object], "ref": { "name": "refs/heads/main" }, "transfers": ["ssh", "basic"] }),
    ];
    for path in
        ["/ada/bert.git/info/lfs/objects/batch", "/ada/bert/info/lfs/objects/batch", "/Ada/BERT.git/info/lfs/objects/batch"]
    {
        for body in &bodies {
            let request = ada.request(reqwest::Method::POST, path).body(body.to_string());
            let request = request.header("Content-Type", "application/vnd.git-lfs+json; charset=utf-8");
            let response = ada.send(request, 200).await;
            assert_eq!(response.headers()["content-type"], "application/vnd.git-lfs+json");
            assert!(response.headers().contains_key("x-request-id"));
        }
    }
    hub.stop().await;
}

#[tokio::test]
async fn bad_objects_are_refused_one_by_one() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let file = Large::of(10, 1);
    upload(&ada, "ada/bert", &file).await;
    let objects = json!([
        { "oid": "nonsense", "size": 1 },
        { "oid": "../../etc/passwd", "size": 1 },
        { "oid": Large::of(10, 2).oid, "size": -1 },
        { "oid": Large::of(10, 2).oid, "size": 0 },
        { "oid": file.oid, "size": 11 },
        { "oid": file.oid, "size": 10 },
    ]);
    let body = json!({ "operation": "upload", "objects": objects });
    let reply = ada.post_json("/ada/bert/info/lfs/objects/batch", &body, 200).await;
    for refused in 0..5 {
        let object = &reply["objects"][refused];
        assert_eq!(object["error"]["code"], 422, "{object}");
        assert!(object["error"]["message"].is_string() && object["actions"].is_null(), "{object}");
    }
    assert!(reply["objects"][5]["error"].is_null());
    hub.stop().await;
}

#[tokio::test]
async fn batches_that_make_no_sense_are_refused_as_a_whole() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let object = Large::of(10, 1).object();
    let many: Vec<_> = std::iter::repeat_n(&object, 1001).collect();
    for (body, status) in [
        (json!({ "operation": "delete", "objects": [object] }), 422),
        (json!({ "operation": "upload", "hash_algo": "md5", "objects": [object] }), 409),
        (json!({ "operation": "upload", "objects": many }), 413),
        (json!([1, 2]), 400),
    ] {
        let reply = ada.post_json("/ada/bert.git/info/lfs/objects/batch", &body, status).await;
        assert!(reply["message"].as_str().is_some_and(|text| text.len() > 20), "{reply}");
        assert!(reply["request_id"].is_string(), "{reply}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_thousand_objects_are_one_batch() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let files: Vec<Large> = (0..1000_u32).map(|i| Large::new(i.to_string())).collect();
    let reply = batch(&ada, "ada/bert", "upload", &files.iter().collect::<Vec<_>>(), 200).await;
    assert_eq!(reply["objects"].as_array().map(Vec::len), Some(1000));
    assert_eq!(reply["objects"][999]["oid"], files[999].oid);
    hub.stop().await;
}
