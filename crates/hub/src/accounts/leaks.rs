//! Tokens that were found where everybody can read them. Whoever sends one in plain text has it made worthless, as scanners of
//! secrets do; its owner is told.

use std::collections::BTreeSet;

use super::letters::Notice;
use super::queries::service_accounts;
use super::queries::tokens::{LeakedRow, mark_leaked};
use super::service_accounts::path_of as service_accounts_path;
use super::tokens;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;
use crate::oauth;

/// How many tokens may be sent at once.
pub const MOST: usize = 1000;
/// The shortest text that can be a token: those of seeds may be shorter than those that the hub makes.
const SHORTEST: usize = 10;

/// The hashes of all that may be tokens in texts, whatever stands around them.
pub fn hashes_in<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<[u8; 32]> {
    let words = texts.into_iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let candidates = words.filter(|word| word.starts_with(tokens::PREFIX) && (SHORTEST..=200).contains(&word.len()));
    candidates.map(tokens::hash).collect()
}

/// Has tokens made worthless by a job, so that the answer tells neither by its text nor by its time which of them there are.
///
/// # Errors
/// 413 for too many.
pub async fn report(app: &App, hashes: &BTreeSet<[u8; 32]>) -> HubResult<()> {
    if hashes.len() > MOST {
        return Err(HubError::too_large(format!("Send at most {MOST} tokens at once.")));
    }
    let mut tx = app.begin().await?;
    Job::RevokeLeaked { hashes: hashes.iter().map(hex::encode).collect() }.enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Makes tokens worthless and has their owners told: the body of [`Job::RevokeLeaked`].
///
/// # Errors
/// The database does not answer.
pub async fn revoke(app: &App, hashes: &[String]) -> HubResult<Vec<LeakedRow>> {
    let hashes: Vec<Vec<u8>> = hashes.iter().filter_map(|hash| hex::decode(hash).ok()).collect();
    let mut tx = app.begin().await?;
    oauth::hold_leaked(&mut tx, &hashes).await?;
    let leaked = mark_leaked(&mut tx, &hashes).await?;
    for row in &leaked {
        // Of a service account, the admins of its organisation are told: it reads no mail.
        let keepers = service_accounts::list_keepers(&mut tx, row.user_pk).await?;
        let page = keepers.first().map(|keeper| service_accounts_path(&keeper.organization, &row.owner));
        let notice = Notice::TokenLeaked { name: row.name.clone(), hint: row.hint.clone(), page };
        let told = if keepers.is_empty() { vec![row.user_pk] } else { keepers.iter().map(|keeper| keeper.user_pk).collect() };
        let jobs: Vec<Job> = told.into_iter().map(|user_pk| Job::tell(user_pk, notice.clone())).collect();
        Job::enqueue_all(&jobs, &mut tx).await?;
    }
    for (user_pk, name) in oauth::end_leaked(&mut tx, &hashes).await? {
        let notice = Notice::TokenLeaked { name, hint: String::new(), page: None };
        Job::tell(user_pk, notice).enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(leaked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_whatever_stands_around_them() {
        let (one, other) = ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "hf_0123456789");
        let text = format!("export HF_TOKEN=\"{one}\"\n{other},\nhf_short xhf_abcdefghijk {one}");
        let expected: BTreeSet<_> = [one, other].map(tokens::hash).into();
        assert_eq!(hashes_in([text.as_str()]), expected);
    }
}
