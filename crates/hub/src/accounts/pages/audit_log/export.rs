//! A log as a file.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use serde_json::json;

use super::{Asked, Whose, read};
use crate::accounts::page::PageRequest;
use crate::accounts::queries::audit::{AuditRow, Wanted};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::csv;

/// Lines read at once for a file.
const EXPORT_PAGE: i64 = 1000;
/// The most lines of a file: narrow the time for the rest.
const MAX_EXPORT: usize = 1_000_000;

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    JsonLines,
    Csv,
}

impl Format {
    fn line(self, row: &AuditRow, whose: Whose) -> String {
        let at = crate::accounts::api::timestamp(row.created_at);
        let details = whose.details(row);
        if self == Self::JsonLines {
            let mut line = json!({
                "id": row.audit_pk, "at": at, "actor": row.actor, "via": row.via, "token": row.token, "address": row.address,
                "action": row.action, "subject": row.subject, "details": details,
            });
            if whose.is_told() {
                line["log"] = json!(row.namespace);
            }
            return format!("{line}\n");
        }
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let cells = [
            row.audit_pk.to_string(),
            at,
            text(&row.actor),
            row.via.clone(),
            text(&row.token),
            text(&row.address),
            row.action.clone(),
            row.subject.clone(),
            details.to_string(),
        ];
        let log = if whose.is_told() { format!(",{}", csv::cell(&text(&row.namespace))) } else { String::new() };
        format!("{}{log}\r\n", cells.map(|cell| csv::cell(&cell)).join(","))
    }
}

/// Sends the lines that were asked for, a part at a time.
pub(crate) fn export(page: &PageRequest, whose: Whose, name: &str) -> HubResult<HttpResponse> {
    let (format, ending, content_type) = match page.query().get("format") {
        Some("csv") => (Format::Csv, "csv", "text/csv; charset=utf-8"),
        Some("jsonl") | None => (Format::JsonLines, "jsonl", "application/x-ndjson"),
        Some(_) => return Err(HubError::bad_request("Choose `jsonl` or `csv` as the format.")),
    };
    let wanted = Asked::read(&page.query()).wanted()?;
    let columns = "\"id\",\"at\",\"actor\",\"via\",\"token\",\"address\",\"action\",\"subject\",\"details\"";
    let first = match (format, whose) {
        (Format::Csv, Whose::Namespace(_)) => format!("{columns}\r\n"),
        (Format::Csv, Whose::All { .. }) => format!("{columns},\"log\"\r\n"),
        (Format::JsonLines, _) => String::new(),
    };
    let state = Export { app: page.app.get_ref().clone(), whose, wanted, format, first, before: Some(i64::MAX), sent: 0 };
    let stream = futures::stream::try_unfold(state, Export::next);
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")))
        .streaming(stream))
}

struct Export {
    app: App,
    whose: Whose,
    wanted: Wanted,
    format: Format,
    /// What goes before the first line.
    first: String,
    /// Where to go on; `None`: all is sent.
    before: Option<i64>,
    sent: usize,
}

impl Export {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, HubError> {
        let Some(before) = self.before else { return Ok(None) };
        let rows = read(&self.app.pool, self.whose, &self.wanted, before, EXPORT_PAGE).await?;
        self.sent += rows.len();
        let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < EXPORT_PAGE || self.sent >= MAX_EXPORT;
        self.before = rows.last().map(|row| row.audit_pk).filter(|_| !is_last);
        let mut text = std::mem::take(&mut self.first);
        rows.iter().for_each(|row| text.push_str(&self.format.line(row, self.whose)));
        Ok(Some((Bytes::from(text), self)))
    }
}
