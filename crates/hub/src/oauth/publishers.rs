//! Tokens for jobs of CI that somebody trusts: for what their issuer signed, the right to write to one repository for an hour
//! (docs/trusted-publishers.md). It acts by the account of who trusts the job, and never does more than that account may itself.

use chrono::TimeDelta;
use hub_types::{RepoId, RepoType};
use serde_json::{Value, json};

use super::exchange::required;
use super::problem::{OauthError, OauthResult, refuse};
use crate::accounts::scopes::repo_of;
use crate::accounts::{Auth, Viewer, queries as accounts, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::publishers::queries::{self, NewJobToken, PublisherRow};
use crate::publishers::{Fit, Unproven, Verified};
use crate::repos::Repo;
use crate::repos::access::{Level, level_of};
use crate::repos::queries::{find_moved, find_repo_by_pk, hold_named};
use crate::web::extract::Query;

/// What is exchanged.
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// What is given for it.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// How long it works, in seconds.
const LASTS_SECS: i64 = 3600;
/// The longest name of a token, in characters.
const MOST_CHARS: usize = 100;

/// Answers a job that asks for a token.
///
/// # Errors
/// The protocol's, and 503 when the issuer does not answer or the hub takes no changes.
pub(super) async fn exchange(app: &App, form: &Query) -> OauthResult<Value> {
    // Such a token is for writing alone.
    app.require_changes()?;
    let issuers = &app.config.publisher_issuers;
    if issuers.is_empty() {
        return Err(refuse("unsupported_grant_type", "This hub has no trusted publishers: its operator switched them off."));
    }
    // The name that a request gives the hub would be one that its sender chooses.
    let audience = app.config.public_url.as_deref().ok_or_else(|| {
        refuse("invalid_request", "This hub does not know its own address: its operator has to set `HUB_PUBLIC_URL`.")
    })?;
    if required(form, "subject_token_type")? != ID_TOKEN {
        return Err(refuse("invalid_request", format!("`subject_token_type` must be `{ID_TOKEN}`.")));
    }
    let resource = required(form, "resource")?;
    let Some((repo_type, id)) = repo_of(resource).filter(|(repo_type, _)| repo_type.has_git()) else {
        let text = "`resource` must be a repository, such as `ada/bert` or `datasets/ada/squad`.";
        return Err(refuse("invalid_target", text));
    };
    let verified = app.publishers.verify(&app.proofs, issuers, audience, required(form, "subject_token")?).await;
    let verified = verified.map_err(|error| match error {
        Unproven::Refused(text) => refuse("invalid_grant", text),
        Unproven::Away(text, cause) => OauthError::Hub(HubError::unavailable(text, cause)),
    })?;
    let Some(repo) = find(app, repo_type, &id).await? else {
        return Err(stranger(resource, &verified));
    };
    let fitting = find_fitting(app, &repo, &verified, resource).await?;
    let publisher = find_rightful(app, &repo, fitting).await?;
    issue(app, &repo, &publisher, &verified).await
}

/// Finds a repository by its present or a former name.
async fn find(app: &App, repo_type: RepoType, id: &RepoId) -> HubResult<Option<Repo>> {
    if let Some(repo) = app.lookups.find(repo_type, id.namespace(), id.name()).await? {
        return Ok(Some(repo));
    }
    match find_moved(&app.pool, repo_type, id.namespace(), id.name()).await? {
        Some(repo_pk) => Ok(find_repo_by_pk(&app.pool, repo_pk).await?),
        None => Ok(None),
    }
}

/// The publishers that the job is of, at least one. Where nobody trusts it, it does not learn whether there is such a repository.
async fn find_fitting(app: &App, repo: &Repo, verified: &Verified, resource: &str) -> OauthResult<Vec<PublisherRow>> {
    let trusted = queries::list_publishers(&app.pool, Some(repo.pk), Some(repo.namespace_pk)).await?;
    let mut fitting = Vec::new();
    let mut is_another = false;
    let mut strange = None;
    for publisher in trusted.into_iter().filter(|publisher| publisher.issuer == verified.issuer.url) {
        match verified.job.fits(verified.issuer.kind, &publisher) {
            Fit::Yes => fitting.push(publisher),
            Fit::OtherProject => is_another = true,
            Fit::Strange => strange = verified.job.strange.as_deref(),
            Fit::No => {}
        }
    }
    if !fitting.is_empty() {
        return Ok(fitting);
    }
    if let Some(event) = strange {
        let text = format!(
            "This job was begun by `{event}`, as strangers may: it gets no token. Publish from what runs after a push, a release or by hand."
        );
        return Err(refuse("invalid_grant", text));
    }
    if is_another {
        let text = format!(
            "`{}` is another repository now than the one that was trusted: it was deleted or renamed, and made again. If that is \
             right, remove the trusted publisher and add it again.",
            verified.job.project
        );
        return Err(refuse("invalid_grant", text));
    }
    Err(stranger(resource, verified))
}

fn stranger(resource: &str, verified: &Verified) -> OauthError {
    let text = format!(
        "`{resource}` trusts no such publisher. This job is of {} at {}: compare that with the trusted publishers in the settings of the \
         repository.",
        verified.job.in_words(),
        verified.issuer.label()
    );
    refuse("invalid_grant", text)
}

/// Of the publishers that fit, the first one that was added by who may still write to the repository themselves.
async fn find_rightful(app: &App, repo: &Repo, fitting: Vec<PublisherRow>) -> OauthResult<PublisherRow> {
    if repo.disabled {
        let text = format!("Moderators disabled {}: nothing is written to it until they restore it.", repo.id);
        return Err(refuse("invalid_grant", text));
    }
    let added_by: Vec<i64> = fitting.iter().map(|publisher| publisher.added_by).collect();
    let users = accounts::list_users(&app.pool, &added_by).await?;
    let rightful: Vec<i64> = users
        .into_iter()
        .filter(|user| !user.suspended)
        .map(|user| (user.pk, Viewer { user: Some(user), auth: Auth::Password }))
        .filter(|(_, viewer)| level_of(viewer, repo) >= Some(Level::Write))
        .map(|(pk, _)| pk)
        .collect();
    let name = fitting.first().map(|publisher| publisher.added_by_name.clone()).unwrap_or_default();
    fitting.into_iter().find(|publisher| rightful.contains(&publisher.added_by)).ok_or_else(|| {
        let text = format!(
            "{name}, who added this trusted publisher, may not write to {} any more. Somebody who may has to remove it and add it again.",
            repo.id
        );
        refuse("invalid_grant", text)
    })
}

async fn issue(app: &App, repo: &Repo, publisher: &PublisherRow, verified: &Verified) -> OauthResult<Value> {
    let secret = tokens::generate_as("ci_");
    let name: String = format!("{}: {}", verified.issuer.label(), verified.job.project).chars().take(MOST_CHARS).collect();
    let entity = json!({ "_id": repo.public_id, "type": repo.repo_type.as_str(), "name": repo.id.to_string() });
    let rights = json!({
        "canReadGatedRepos": false, "global": [], "publisher": { "name": name },
        "scoped": [{ "entity": entity, "permissions": ["repo.content.read", "repo.content.write"] }],
    });
    let hash = tokens::hash(&secret);
    let mut tx = app.begin().await?;
    // The token is for the name that the repository has: it must still have it.
    if !hold_named(&mut tx, repo.pk, repo.namespace_pk, repo.id.name()).await? {
        return Err(refuse("invalid_target", "The repository was renamed, moved or deleted just now. Try again."));
    }
    if !queries::use_id_token(&mut tx, &verified.hash, verified.expires_at).await? {
        return Err(refuse("invalid_grant", "The ID token was exchanged before: each works once. Get a new one."));
    }
    if !queries::mark_used(&mut tx, publisher.publisher_pk, verified.job.project_id.as_deref()).await? {
        return Err(refuse("invalid_grant", "The trusted publisher was removed just now."));
    }
    let token = NewJobToken {
        publisher_pk: publisher.publisher_pk,
        repo_pk: repo.pk,
        user_pk: publisher.added_by,
        name: &name,
        hash: &hash,
        hint: secret.get(secret.len() - 4..).unwrap_or_default(),
        rights: &rights,
        expires_at: crate::clock::now() + TimeDelta::seconds(LASTS_SECS),
    };
    queries::insert_job_token(&mut tx, &token).await?;
    tx.commit().await?;
    Ok(json!({
        "access_token": secret, "issued_token_type": ACCESS_TOKEN, "token_type": "bearer", "expires_in": LASTS_SECS,
        "scope": "write-repos",
    }))
}
