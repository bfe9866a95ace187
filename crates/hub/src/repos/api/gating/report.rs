//! `GET /{repo}/user-access-report`: all requests in one file, as JSON or for spreadsheets. It is read and sent page by page.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::super::resolve::content_disposition;
use super::{decider, require_list};
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::queries::gating::{RequestRow, RequestStatus, list_labels, list_requests};
use crate::web::csv;
use crate::web::cursor::{TimeCursor, cut, one_more};
use crate::web::extract::Query;

/// How many are read at once.
const PAGE_LEN: usize = 500;
/// How many different questions have a column.
const MAX_LABELS: usize = 200;
/// The columns that every file has.
const COLUMNS: [&str; 7] = ["fullname", "user", "email", "time", "status", "reviewedAt", "rejectionReason"];

/// What the file is.
enum Format {
    Json,
    /// With a column for each of these questions.
    Csv(Vec<String>),
}

impl Format {
    async fn read(app: &App, repo_pk: i64, query: &Query) -> HubResult<Self> {
        match query.get("format") {
            None | Some("json") => Ok(Self::Json),
            Some("csv") => {
                let labels = list_labels(&app.pool, repo_pk, one_more(MAX_LABELS)).await?;
                if labels.len() > MAX_LABELS {
                    return Err(HubError::bad_request(format!(
                        "People were asked more than {MAX_LABELS} different things, too many for a table. Take the JSON file."
                    )));
                }
                Ok(Self::Csv(labels))
            }
            Some(_) => Err(HubError::bad_request("Choose `json` or `csv` as the format.")),
        }
    }

    const fn ending(&self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv(_) => "csv",
        }
    }

    const fn content_type(&self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv(_) => "text/csv; charset=utf-8",
        }
    }

    /// What stands before a row.
    fn before(&self, is_first: bool) -> String {
        match (self, is_first) {
            (Self::Json, true) => "[\n".to_owned(),
            (Self::Json, false) => ",\n".to_owned(),
            (Self::Csv(labels), true) => head(labels),
            (Self::Csv(_), false) => String::new(),
        }
    }

    fn row(&self, row: &RequestRow) -> String {
        match self {
            Self::Json => object(row).to_string(),
            Self::Csv(labels) => cells(row, labels),
        }
    }

    /// What stands at the end.
    fn after(&self, is_empty: bool) -> String {
        match (self, is_empty) {
            (Self::Json, true) => "[]\n".to_owned(),
            (Self::Json, false) => "\n]\n".to_owned(),
            (Self::Csv(labels), true) => head(labels),
            (Self::Csv(_), false) => String::new(),
        }
    }
}

fn head(labels: &[String]) -> String {
    line(COLUMNS.into_iter().chain(labels.iter().map(String::as_str)))
}

fn cells(row: &RequestRow, labels: &[String]) -> String {
    let fixed = [
        row.shown_name().to_owned(),
        row.user_name.clone(),
        row.email.clone().unwrap_or_default(),
        timestamp(row.requested_at),
        row.status.as_str().to_owned(),
        row.decided_at.map(timestamp).unwrap_or_default(),
        row.rejection_reason.clone().unwrap_or_default(),
    ];
    let answers = labels.iter().map(|label| match row.answers.get(label) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    });
    let all: Vec<String> = fixed.into_iter().chain(answers).collect();
    line(all.iter().map(String::as_str))
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    format!("{}\r\n", cells.map(csv::cell).collect::<Vec<_>>().join(","))
}

fn object(row: &RequestRow) -> Value {
    json!({
        "fullname": row.shown_name(),
        "user": row.user_name,
        "email": row.email,
        "time": timestamp(row.requested_at),
        "status": row.status.as_str(),
        "reviewedAt": row.decided_at.map(timestamp),
        "fields": row.answers,
    })
}

/// Where the walk over the lists is.
struct Walk {
    app: web::Data<App>,
    repo_pk: i64,
    format: Format,
    /// The lists that are left; the first is being read.
    lists: Vec<RequestStatus>,
    after: TimeCursor,
    /// Whether there was an item before.
    begun: bool,
    over: bool,
}

impl Walk {
    /// The next part of the file.
    async fn next(mut self) -> HubResult<Option<(Bytes, Self)>> {
        if self.over {
            return Ok(None);
        }
        let Some(status) = self.lists.last().copied() else {
            self.over = true;
            return Ok(Some((Bytes::from(self.format.after(!self.begun)), self)));
        };
        let mut rows = list_requests(&self.app.pool, self.repo_pk, status, None, self.after, one_more(PAGE_LEN)).await?;
        match cut(&mut rows, PAGE_LEN, RequestRow::cursor) {
            Some(next) => self.after = next,
            None => {
                self.lists.pop();
                self.after = TimeCursor::START;
            }
        }
        let mut text = String::new();
        for row in &rows {
            text.push_str(&self.format.before(!self.begun));
            text.push_str(&self.format.row(row));
            self.begun = true;
        }
        Ok(Some((Bytes::from(text), self)))
    }
}

pub(super) async fn get_report(app: web::Data<App>, read: RepoRead, query: Query) -> HubResult<HttpResponse> {
    let write = decider(read)?;
    require_list(&app, &write.repo).await?;
    let format = Format::read(&app, write.repo.pk, &query).await?;
    let name = format!("user-access-report-{}-{}.{}", write.repo.id.namespace(), write.repo.id.name(), format.ending());
    let content_type = format.content_type();
    let lists = RequestStatus::ALL.into_iter().rev().collect();
    let walk = Walk { app, repo_pk: write.repo.pk, format, lists, after: TimeCursor::START, begun: false, over: false };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(&name, true)))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming::<_, HubError>(stream::try_unfold(walk, Walk::next)))
}
