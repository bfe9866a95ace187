use hub_storage::{Secret, StoreConfig};

/// A fresh bucket on the S3 service of `HUB_TEST_S3_ENDPOINT` (see docs/storage.md), if that is set.
pub fn s3_store() -> Option<StoreConfig> {
    let var = |name: &str| std::env::var(format!("HUB_TEST_S3_{name}"));
    let nanos = std::time::UNIX_EPOCH.elapsed().map(|since| since.as_nanos()).unwrap_or_default();
    Some(StoreConfig::S3 {
        endpoint: var("ENDPOINT").ok()?,
        public_endpoint: None,
        bucket: format!("test-{:x}-{:x}", std::process::id(), nanos),
        region: var("REGION").unwrap_or("us-east-1".to_owned()),
        access_key_id: var("ACCESS_KEY_ID").expect("HUB_TEST_S3_ACCESS_KEY_ID is set"),
        secret_access_key: Secret::new(var("SECRET_ACCESS_KEY").expect("HUB_TEST_S3_SECRET_ACCESS_KEY is set")),
        path_style: true,
    })
}
