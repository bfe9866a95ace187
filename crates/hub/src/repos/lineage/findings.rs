//! The likely parents of all models of the hub, most certain first: what moderators and those who run it look through for
//! undeclared base models and re-uploads. A model's is written down when its weights were sampled; whether its card names it is read from
//! the cards each time the list is shown.

use std::str::FromStr;

use super::{Relation, Relative, find_relatives};
use crate::accounts::User;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::Repo;
use crate::repos::queries::lineage as queries;
use crate::repos::visibility::Visibility;
use crate::web::cursor::one_more;

pub use crate::repos::queries::lineage::FindingRow;

/// Looks for the likely parent of a model and writes it down.
pub(super) async fn note(app: &App, repo: &Repo) -> HubResult<()> {
    // Everything counts, also what is private: whose eyes a pair is for is asked when the list is shown.
    let lineage = find_relatives(app, repo, &Visibility::default(), None).await?;
    match lineage.parent() {
        Some(parent) => {
            queries::store_finding(&app.pool, repo.pk, parent.repo.pk, parent.relation.as_str(), certainty(parent)).await?
        }
        None => queries::delete_finding(&app.pool, repo.pk).await?,
    }
    Ok(())
}

/// How sure it is, from 0 to 1.
fn certainty(parent: &Relative) -> f64 {
    let correlation = parent.similarity.and_then(|similarity| similarity.correlation);
    match parent.relation {
        Relation::Identical => parent.shared_share.max(correlation.unwrap_or(0.0)),
        Relation::Converted | Relation::Finetune | Relation::SharesFiles => correlation.unwrap_or(parent.shared_share),
    }
    .clamp(0.0, 1.0)
}

/// Where a page of the list goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cursor {
    certainty: f64,
    repo_pk: i64,
}

impl Cursor {
    /// The cursor as text for a URL.
    pub fn encode(&self) -> String {
        format!("{:x}-{:x}", self.certainty.to_bits(), self.repo_pk)
    }
}

impl FromStr for Cursor {
    type Err = HubError;

    fn from_str(text: &str) -> HubResult<Self> {
        let read = || {
            let (certainty, repo_pk) = text.split_once('-')?;
            let certainty = f64::from_bits(u64::from_str_radix(certainty, 16).ok()?);
            let repo_pk = i64::from_str_radix(repo_pk, 16).ok()?;
            certainty.is_finite().then_some(Self { certainty, repo_pk })
        };
        read().ok_or_else(|| HubError::bad_request("`after` is not one that this list gave. Start again without it."))
    }
}

/// Lists models whose cards do not name their likely parents, most certain first; gives where the next page starts. Who runs the
/// hub sees all; moderators see those pairs of which they may download both.
///
/// # Errors
/// The database does not answer.
pub async fn list_undeclared(
    app: &App,
    reader: &User,
    after: Option<Cursor>,
    limit: usize,
) -> HubResult<(Vec<FindingRow>, Option<Cursor>)> {
    // No certainty is above 1.
    let from = after.unwrap_or(Cursor { certainty: 2.0, repo_pk: 0 });
    let wanted = one_more(limit);
    let mut rows = queries::list_undeclared(&app.pool, reader, (from.certainty, from.repo_pk), wanted).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| Cursor { certainty: row.certainty, repo_pk: row.repo_pk });
    Ok((rows, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_to_the_last_bit() {
        for certainty in [0.0, 0.123_456_789_012_345_6, 1.0] {
            let cursor = Cursor { certainty, repo_pk: 42 };
            assert_eq!(cursor.encode().parse::<Cursor>().unwrap(), cursor);
        }
        for text in ["", "-", "zz-1", "7ff0000000000000-1", "1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
