use hub_cards::{LinkContext, SafeHtml, render_markdown};

use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::Repo;

/// A comment as pages show it: Markdown by the rules of cards, links starting from the repository's files, and whom it
/// mentions linked.
///
/// # Errors
/// The database does not answer.
pub async fn render(app: &App, repo: &Repo, text: &str) -> HubResult<SafeHtml> {
    let context = LinkContext::new(repo.repo_type, &repo.id, &repo.default_branch, "");
    let text = super::mentions::linked(app, text).await?;
    Ok(tokio::task::spawn_blocking(move || render_markdown(&text, &context)).await?)
}
