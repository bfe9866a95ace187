//! Which store the settings mean: nothing of a service is set, or all of one.

use std::path::{Path, PathBuf};

use hub_storage::{Secret, StoreConfig};

use super::reader::Reader;

const OTHERWISE: &str = "none to keep files in the data folder";

/// The store without any settings.
pub(super) fn in_folder(data_dir: &Path) -> StoreConfig {
    StoreConfig::Local { dir: data_dir.join("store") }
}

/// Reads the one service that is set, if any.
pub(super) fn read_store(read: &mut Reader<'_>, data_dir: &Path) -> StoreConfig {
    let found = [("S3", read_s3(read)), ("Azure", read_azure(read)), ("Google Cloud Storage", read_gcs(read))];
    let mut found = found.into_iter().filter_map(|(name, store)| Some((name, store?)));
    let Some((first, store)) = found.next() else { return in_folder(data_dir) };
    if let Some((second, _)) = found.next() {
        read.problems.error(format!("Files can be in one place only, but {first} and {second} are both set. Unset one of them."));
    }
    store
}

fn read_s3(read: &mut Reader<'_>) -> Option<StoreConfig> {
    let endpoint = read.url("s3.endpoint");
    let public_endpoint = read.url("s3.public_endpoint");
    let path_style = read.switch("s3.path_style");
    let region = read.text("s3.region").unwrap_or_default();
    let [bucket, access_key_id, secret] = ["s3.bucket", "s3.access_key_id", "s3.secret_access_key"].map(|key| read.text(key));
    if let (Some(endpoint), Some(bucket), Some(access_key_id), Some(secret)) = (endpoint, bucket, access_key_id, secret) {
        let secret_access_key = Secret::new(secret);
        return Some(StoreConfig::S3 { endpoint, public_endpoint, bucket, region, access_key_id, secret_access_key, path_style });
    }
    read.problems.half_configured(
        read.values,
        "S3",
        &["s3.endpoint", "s3.bucket", "s3.access_key_id", "s3.secret_access_key"],
        &["s3.public_endpoint", "s3.region", "s3.path_style"],
        OTHERWISE,
    );
    None
}

fn read_azure(read: &mut Reader<'_>) -> Option<StoreConfig> {
    let endpoint = read.url("azure.endpoint");
    let public_endpoint = read.url("azure.public_endpoint");
    let [account, container, key] = ["azure.account", "azure.container", "azure.access_key"].map(|key| read.text(key));
    if let (Some(account), Some(container), Some(key)) = (account, container, key) {
        let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
        let access_key = Secret::new(key);
        return Some(StoreConfig::Azure { endpoint, public_endpoint, account, container, access_key });
    }
    let needed = ["azure.account", "azure.container", "azure.access_key"];
    read.problems.half_configured(read.values, "Azure", &needed, &["azure.endpoint", "azure.public_endpoint"], OTHERWISE);
    None
}

fn read_gcs(read: &mut Reader<'_>) -> Option<StoreConfig> {
    let endpoint = read.url("gcs.endpoint");
    let key_file = read.text("gcs.key_file").map(PathBuf::from);
    if let Some(bucket) = read.text("gcs.bucket") {
        return Some(StoreConfig::Gcs { endpoint, bucket, key_file });
    }
    let optional = ["gcs.key_file", "gcs.endpoint"];
    read.problems.half_configured(read.values, "Google Cloud Storage", &["gcs.bucket"], &optional, OTHERWISE);
    None
}
