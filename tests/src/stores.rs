use hub_storage::{Secret, StoreConfig};

/// A fresh bucket on each service that the environment names (see docs/storage.md): S3, Azure, Google.
pub fn services() -> Vec<StoreConfig> {
    [s3_store(), azure_store(), gcs_store()].into_iter().flatten().collect()
}

/// A fresh bucket on the S3 service of `HUB_TEST_S3_ENDPOINT`, if that is set.
pub fn s3_store() -> Option<StoreConfig> {
    Some(StoreConfig::S3 {
        endpoint: endpoint("S3")?,
        public_endpoint: None,
        bucket: fresh_name(),
        region: var("S3_REGION").unwrap_or("us-east-1".to_owned()),
        access_key_id: needed("S3_ACCESS_KEY_ID"),
        secret_access_key: Secret::new(needed("S3_SECRET_ACCESS_KEY")),
        path_style: true,
    })
}

fn azure_store() -> Option<StoreConfig> {
    Some(StoreConfig::Azure {
        endpoint: endpoint("AZURE")?,
        public_endpoint: None,
        account: needed("AZURE_ACCOUNT"),
        container: fresh_name(),
        access_key: Secret::new(needed("AZURE_ACCESS_KEY")),
    })
}

fn gcs_store() -> Option<StoreConfig> {
    let endpoint = Some(endpoint("GCS")?);
    Some(StoreConfig::Gcs { endpoint, bucket: fresh_name(), key_file: Some(needed("GCS_KEY_FILE").into()) })
}

fn endpoint(service: &str) -> Option<String> {
    let found = var(&format!("{service}_ENDPOINT"));
    let all = var("STORES").as_deref() == Some("all");
    assert!(found.is_some() || !all, "HUB_TEST_STORES is `all`, but HUB_TEST_{service}_ENDPOINT is not set");
    found
}

fn var(name: &str) -> Option<String> {
    std::env::var(format!("HUB_TEST_{name}")).ok()
}

fn needed(name: &str) -> String {
    var(name).unwrap_or_else(|| panic!("HUB_TEST_{name} is not set"))
}

fn fresh_name() -> String {
    let nanos = std::time::UNIX_EPOCH.elapsed().map(|since| since.as_nanos()).unwrap_or_default();
    format!("test-{:x}-{:x}", std::process::id(), nanos)
}
