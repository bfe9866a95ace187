//! Who asks for a file, and whether what they ask is a download.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use hub_types::RepoType;

use crate::app::App;
use crate::web::client_address::network_of;

/// Endings of files that hold weights.
const WEIGHTS: &[&str] = &[
    "safetensors",
    "bin",
    "pt",
    "pth",
    "ckpt",
    "gguf",
    "ggml",
    "onnx",
    "h5",
    "keras",
    "msgpack",
    "ot",
    "pb",
    "tflite",
    "mlmodel",
    "nemo",
    "pkl",
    "pickle",
    "joblib",
    "npz",
    "npy",
    "model",
];
/// Endings of files that hold data.
const DATA: &[&str] = &[
    "parquet", "arrow", "csv", "tsv", "json", "jsonl", "ndjson", "txt", "zst", "gz", "zip", "tar", "7z", "xz", "bz2", "sqlite",
    "db", "duckdb", "h5", "hdf5", "npz", "npy", "pkl", "wav", "mp3", "flac", "ogg", "jpg", "jpeg", "png", "webp", "mp4", "lance",
    "xml",
];

/// One client, as long as it is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// Somebody with an account.
    Account(i64),
    /// Somebody without: their network address, of IPv6 the first 64 bits.
    Address(IpAddr),
}

impl Client {
    /// Who sent a request.
    pub fn of(app: &App, request: &HttpRequest, user_pk: Option<i64>) -> Option<Self> {
        match user_pk {
            Some(user_pk) => Some(Self::Account(user_pk)),
            None => app.config.trusted_proxies.client_of(request).map(network_of).map(Self::Address),
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Account(user_pk) => format!("account {user_pk} ").into_bytes(),
            Self::Address(address) => format!("address {address} ").into_bytes(),
        }
    }
}

/// Whether a request of a file is the start of a download: not a question (`HEAD`), not a later part, not a look of a client that
/// tells its looks from its downloads.
pub fn is_download(request: &HttpRequest) -> bool {
    *request.method() == Method::GET && is_from_start(request) && !is_look(request)
}

/// Whether a file is what a repository is downloaded for. Cards, configurations and code are not.
pub fn is_counted_file(repo_type: RepoType, path: &str, is_large: bool) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let endings = match repo_type {
        RepoType::Model => WEIGHTS,
        RepoType::Dataset => DATA,
        RepoType::Space => &[],
        RepoType::Bucket => return false,
    };
    is_large || endings.contains(&ending.as_str())
}

/// Whether the first byte is asked for.
pub fn is_from_start(request: &HttpRequest) -> bool {
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    range.is_none_or(|range| range.trim().starts_with("bytes=0-"))
}

/// `huggingface_hub` from 2.4 on marks every request that belongs to a download (`utils/_http.py`, `flag_as_download_call`).
fn is_look(request: &HttpRequest) -> bool {
    if request.headers().contains_key("x-hf-download-counter") {
        return false;
    }
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    marks_downloads(agent)
}

fn marks_downloads(agent: &str) -> bool {
    let version = agent.split([';', ' ']).find_map(|part| part.trim().strip_prefix("hf_hub/"));
    let mut parts = version.unwrap_or_default().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (2, 4)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(headers: &[(&'static str, &'static str)]) -> HttpRequest {
        headers.iter().fold(TestRequest::get(), |request, header| request.insert_header(*header)).to_http_request()
    }

    #[test]
    fn looks_and_later_parts_are_no_downloads() {
        let new = ("user-agent", "unknown/None; hf_hub/2.4.0; python/3.11");
        for (headers, counts) in [
            (vec![], true),
            (vec![("range", "bytes=0-99")], true),
            (vec![("range", "bytes=100-199")], false),
            (vec![("user-agent", "hf_hub/1.28.0; python/3.11")], true),
            (vec![new], false),
            (vec![new, ("x-hf-download-counter", "1")], true),
        ] {
            assert_eq!(is_download(&request(&headers)), counts, "{headers:?}");
        }
        assert!(!is_download(&TestRequest::default().method(Method::HEAD).to_http_request()));
    }

    #[test]
    fn weights_and_data_count() {
        for (kind, path, large, counts) in [
            (RepoType::Model, "model.safetensors", false, true),
            (RepoType::Model, "a/b.GGUF", false, true),
            (RepoType::Model, "config.json", false, false),
            (RepoType::Model, "README.md", true, true),
            (RepoType::Dataset, "data/train.jsonl", false, true),
            (RepoType::Dataset, "README.md", false, false),
            (RepoType::Space, "app.py", false, false),
            (RepoType::Bucket, "a.bin", true, false),
        ] {
            assert_eq!(is_counted_file(kind, path, large), counts, "{kind} {path}");
        }
    }

    #[test]
    fn a_household_is_one_client() {
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6".parse().unwrap()), "2001:db8:1:2::".parse::<IpAddr>().unwrap());
    }
}
