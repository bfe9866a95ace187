use hub_cards::{LinkContext, SafeHtml, render_markdown};

use super::mentions;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::queries::Repo;

/// A comment as pages show it: Markdown by the rules of cards, links starting from the repository's files, and whom it
/// mentions linked.
///
/// # Errors
/// The database does not answer.
pub async fn render(app: &App, repo: &Repo, text: &str) -> HubResult<SafeHtml> {
    let shown = render_all(app, repo, &[text]).await?;
    shown.into_iter().next().ok_or_else(|| HubError::internal("the comment was not rendered"))
}

/// The same of many, in their order: whom they mention is looked up by one statement.
///
/// # Errors
/// The database does not answer.
pub async fn render_all(app: &App, repo: &Repo, texts: &[&str]) -> HubResult<Vec<SafeHtml>> {
    let context = LinkContext::new(repo.repo_type, &repo.id, &repo.default_branch, "").of_hub(&app.config.base()).of_comment();
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let find_names = move || (mentions::names_in(&texts), texts);
    let (names, texts) = tokio::task::spawn_blocking(find_names).await?;
    let known = mentions::known(app, &names).await?;
    let render = move || texts.iter().map(|text| render_markdown(&mentions::with_links(text, &known), &context)).collect();
    Ok(tokio::task::spawn_blocking(render).await?)
}
