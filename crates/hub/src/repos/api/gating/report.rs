//! `GET /{repo}/user-access-report`: all requests in one file. It is read and sent page by page.

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
use crate::repos::queries::gating::{RequestRow, RequestStatus, list_requests};
use crate::web::cursor::{TimeCursor, cut, one_more};

/// How many are read at once.
const PAGE_LEN: usize = 500;

/// Where the walk over the lists is.
struct Walk {
    app: web::Data<App>,
    repo_pk: i64,
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
            return Ok(Some((Bytes::from(if self.begun { "\n]\n" } else { "[]\n" }), self)));
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
            text.push_str(if self.begun { ",\n" } else { "[\n" });
            text.push_str(&line(row).to_string());
            self.begun = true;
        }
        Ok(Some((Bytes::from(text), self)))
    }
}

fn line(row: &RequestRow) -> Value {
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

pub(super) async fn get_report(app: web::Data<App>, read: RepoRead) -> HubResult<HttpResponse> {
    let write = decider(read)?;
    require_list(&app, &write.repo).await?;
    let lists = RequestStatus::ALL.into_iter().rev().collect();
    let walk = Walk { app, repo_pk: write.repo.pk, lists, after: TimeCursor::START, begun: false, over: false };
    let name = format!("user-access-report-{}-{}.json", write.repo.id.namespace(), write.repo.id.name());
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(&name, true)))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming::<_, HubError>(stream::try_unfold(walk, Walk::next)))
}
