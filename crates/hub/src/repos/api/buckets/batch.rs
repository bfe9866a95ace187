//! `batch`: lines of NDJSON, read as they arrive, then done all or not at all.

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::BytesMut;
use chrono::{DateTime, Datelike as _, Utc};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoWrite;
use crate::repos::api::BUCKET;
use crate::repos::buckets::batch::{Action, FileFacts, MAX_OPERATIONS, Operation, Outcome, Source, apply};
use crate::web::extract::decoded;

/// The longest line, in bytes: a path of a thousand bytes takes six for each, if all are escaped.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// The longest content type that is kept, in bytes.
const MAX_TYPE_BYTES: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{BUCKET}/batch"), web::post().to(post_batch));
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
enum Line {
    #[serde(rename = "addFile")]
    Add { path: String, xet_hash: String, mtime: Option<f64>, content_type: Option<String> },
    #[serde(rename = "copyFile")]
    Copy {
        path: String,
        xet_hash: String,
        mtime: Option<f64>,
        content_type: Option<String>,
        source_repo_type: String,
        source_repo_id: String,
    },
    #[serde(rename = "deleteFile")]
    Delete { path: String },
}

async fn post_batch(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let operations = read_operations(decoded(&request, &mut payload.into_inner())).await?;
    let count = operations.len();
    match apply(&app, &write, operations).await? {
        Outcome::Done => {
            Ok(HttpResponse::Ok().json(json!({ "success": true, "processed": count, "succeeded": count, "failed": [] })))
        }
        Outcome::Refused(failures) => {
            let first = failures.first().map(|failure| format!("`{}`: {}", failure.path, failure.error)).unwrap_or_default();
            let failed: Vec<_> = failures.iter().map(|failure| json!({ "path": failure.path, "error": failure.error })).collect();
            Err(HubError::unprocessable(format!(
                "{} of {count} operations cannot be done, so nothing was changed. {first}",
                failed.len()
            ))
            .with("success", false)
            .with("processed", count)
            .with("succeeded", 0)
            .with("failed", failed))
        }
    }
}

async fn read_operations(mut payload: Payload) -> HubResult<Vec<Operation>> {
    let mut operations = Vec::new();
    let mut rest = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|error| HubError::bad_request(format!("The batch broke off: {error}. Nothing was changed.")))?;
        let mut from = rest.len();
        rest.extend_from_slice(&part);
        while let Some(at) = rest.get(from..).and_then(|tail| tail.iter().position(|byte| *byte == b'\n')) {
            let line = rest.split_to(from + at + 1);
            push_line(&mut operations, &line)?;
            from = 0;
        }
        if rest.len() > MAX_LINE_BYTES {
            return Err(HubError::too_large(format!("A line of a batch has at most {MAX_LINE_BYTES} bytes.")));
        }
    }
    push_line(&mut operations, &rest)?;
    Ok(operations)
}

fn push_line(operations: &mut Vec<Operation>, line: &[u8]) -> HubResult<()> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(());
    }
    if operations.len() >= MAX_OPERATIONS {
        return Err(HubError::bad_request(format!("A batch has at most {MAX_OPERATIONS} operations. Send several.")));
    }
    let number = operations.len() + 1;
    let bad = |error: String| HubError::bad_request(format!("Line {number} of the batch: {error}"));
    let line: Line = serde_json::from_slice(line).map_err(|error| bad(error.to_string()))?;
    operations.push(operation(line).map_err(bad)?);
    Ok(())
}

fn operation(line: Line) -> Result<Operation, String> {
    Ok(match line {
        Line::Add { path, xet_hash, mtime, content_type } => {
            Operation { path, action: Action::Add(facts(&xet_hash, mtime, content_type)?) }
        }
        Line::Copy { path, xet_hash, mtime, content_type, source_repo_type, source_repo_id } => {
            let repo_type = source_repo_type.parse().map_err(|error: hub_types::NameError| error.to_string())?;
            let source = Source { repo_type, id: source_repo_id };
            Operation { path, action: Action::Copy(facts(&xet_hash, mtime, content_type)?, source) }
        }
        Line::Delete { path } => Operation { path, action: Action::Delete },
    })
}

fn facts(hash: &str, mtime: Option<f64>, content_type: Option<String>) -> Result<FileFacts, String> {
    Ok(FileFacts {
        hash: hash.parse().map_err(|error: hub_types::XetHashError| error.to_string())?,
        mtime: mtime.map_or_else(|| Ok(crate::clock::now()), time_of)?,
        content_type: content_type
            .filter(|text| text.len() <= MAX_TYPE_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')),
    })
}

/// Clients write years in four digits.
fn time_of(millis: f64) -> Result<DateTime<Utc>, String> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and what is out of range is refused")]
    let time = DateTime::from_timestamp_millis(millis as i64).filter(|time| (1..=9999).contains(&time.year()));
    time.ok_or_else(|| "`mtime` must be a number of milliseconds since 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> HubResult<Vec<Operation>> {
        let mut operations = Vec::new();
        text.lines().try_for_each(|line| push_line(&mut operations, line.as_bytes()))?;
        Ok(operations)
    }

    #[test]
    fn lines_read_as_clients_write_them() {
        let hash = "0".repeat(64);
        let text = format!(
            "{{\"type\":\"addFile\",\"path\":\"a\",\"xetHash\":\"{hash}\",\"mtime\":1790000000123,\"contentType\":\"text/csv\"}}\n\n\
             {{\"type\":\"copyFile\",\"path\":\"b\",\"xetHash\":\"{hash}\",\"sourceRepoType\":\"dataset\",\"sourceRepoId\":\"ada/x\"}}\n\
             {{\"type\":\"deleteFile\",\"path\":\"c\"}}"
        );
        let operations = read(&text).unwrap();
        assert_eq!(operations.iter().map(|operation| operation.path.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let Action::Add(facts) = &operations[0].action else { panic!("an addition") };
        assert_eq!((facts.mtime.timestamp_millis(), facts.content_type.as_deref()), (1_790_000_000_123, Some("text/csv")));
        assert!(matches!(&operations[1].action, Action::Copy(_, source) if source.id == "ada/x"));
    }

    #[test]
    fn other_lines_are_refused() {
        let hash = "0".repeat(64);
        for line in [
            "{}",
            "[]",
            "{\"type\":\"addFile\",\"path\":\"a\"}",
            "{\"type\":\"addFile\",\"path\":\"a\",\"xetHash\":\"ABC\"}",
            "{\"type\":\"moveFile\",\"path\":\"a\"}",
            &format!("{{\"type\":\"addFile\",\"path\":\"a\",\"xetHash\":\"{hash}\",\"mtime\":1e300}}"),
            &format!("{{\"type\":\"addFile\",\"path\":\"a\",\"xetHash\":\"{hash}\",\"mtime\":-1e17}}"),
            &format!(
                "{{\"type\":\"copyFile\",\"path\":\"a\",\"xetHash\":\"{hash}\",\"sourceRepoType\":\"x\",\"sourceRepoId\":\"a/b\"}}"
            ),
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
