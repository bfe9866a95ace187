//! What a card leaves out and the repository's files say: a panel beside the card, and the commit that puts it into the card. Who may
//! write commits it; others with an account open a pull request with it.

use actix_web::{HttpResponse, web};
use hub_cards::infer::{FactKey, Inferred};
use hub_cards::{front_matter, set_key, validate};
use hub_types::RepoPath;

use super::card_editor::{CARD_FILE, current};
use super::view::RepoHeader;
use super::{BASES, tags};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{Barrier, ErrorKind, HubError, HubResult};
use crate::repos::commit::{FileContent, NewCommit, Operation, create_commit};
use crate::repos::discussions::{may_propose, participant, propose_commit};
use crate::repos::listing::Columns;
use crate::repos::metadata::inferred_of;
use crate::repos::queries::discussions::{are_disabled, find_open_pull};
use crate::repos::queries::listing::{ListedRepo, find_listed};
use crate::repos::{Level, Repo, RepoRead, RepoWrite};
use crate::web::links::{encode_path, encode_segment};

/// What stands for all facts that are sure, in the form.
const ALL: &str = "all";

/// The panel.
#[derive(Debug)]
pub(super) struct InferredPanel {
    /// The facts.
    pub facts: Vec<InferredFact>,
    /// Where they are put into the card, or proposed, for those who may.
    pub action: Option<String>,
    /// Whether they are only proposed.
    pub proposes: bool,
    /// The commit whose files say so.
    pub commit: String,
}

/// One of them.
#[derive(Debug)]
pub(super) struct InferredFact {
    /// The card's key.
    pub key: &'static str,
    /// What it is about.
    pub label: &'static str,
    /// The value, for people.
    pub value: String,
    /// Where the file is.
    pub file_href: String,
    /// The file.
    pub file: String,
    /// What in it says so.
    pub because: String,
    /// Whether it can hardly be otherwise.
    pub sure: bool,
}

impl InferredPanel {
    /// Whether one button for several is worth it.
    pub(super) fn has_several_sure(&self) -> bool {
        self.facts.iter().filter(|fact| fact.sure).count() > 1
    }

    /// The text of that button.
    pub(super) fn all_label(&self) -> &'static str {
        match (self.proposes, self.facts.iter().all(|fact| fact.sure)) {
            (false, true) => "Add all to the card",
            (false, false) => "Add all that are certain",
            (true, true) => "Propose all to the owner",
            (true, false) => "Propose all that are certain",
        }
    }

    /// The text of the button of one fact.
    pub(super) fn one_label(&self) -> &'static str {
        if self.proposes { "Propose to the owner" } else { "Add to the card" }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/add-facts"), web::post().to(post_facts));
        config.route(&format!("{base}/propose-facts"), web::post().to(post_proposal));
    }
}

/// The panel of a repository; nothing when the card says everything that its files do. Those whom `barrier` keeps from the files
/// propose nothing, and nobody does where discussions are turned off.
///
/// # Errors
/// The database does not answer.
pub(super) async fn panel_of(
    page: &PageRequest,
    read: &RepoRead,
    header: &RepoHeader,
    derived: &ListedRepo,
    barrier: Option<&Barrier>,
) -> HubResult<Option<InferredPanel>> {
    let facts = inferred_of(derived.card.as_ref(), derived.facts.as_ref());
    let Some(head) = derived.head_oid.filter(|_| !facts.is_empty()) else { return Ok(None) };
    let blob = format!("{}/blob/{}", header.href(), encode_segment(&header.default_branch));
    let shown = |fact: Inferred| InferredFact {
        key: fact.key.as_str(),
        label: label(fact.key),
        value: value_label(&fact),
        file_href: format!("{blob}/{}", encode_path(&fact.file)),
        file: fact.file,
        because: fact.because,
        sure: fact.sure,
    };
    let facts: Vec<InferredFact> = facts.into_iter().map(shown).collect();
    let proposes = read.level < Level::Write;
    let may_ask = page.require_session().is_ok() && (!proposes || (barrier.is_none() && participant(read).is_ok()));
    let may = may_ask && !(proposes && are_disabled(&page.app.pool, read.repo.pk).await?);
    let what = if proposes { "propose-facts" } else { "add-facts" };
    let action = may.then(|| format!("{}/{what}", header.href()));
    Ok(Some(InferredPanel { facts, action, proposes, commit: head.to_hex() }))
}

/// Whether a card leaves a key out that the files answer.
pub(super) fn is_inferred(derived: &ListedRepo, key: FactKey) -> bool {
    inferred_of(derived.card.as_ref(), derived.facts.as_ref()).iter().any(|fact| fact.key == key)
}

const fn label(key: FactKey) -> &'static str {
    match key {
        FactKey::License => "Licence",
        FactKey::PipelineTag => "Task",
        FactKey::LibraryName => "Library",
        FactKey::BaseModel => "Base model",
        FactKey::Language => "Language",
        FactKey::SizeCategories => "Rows",
    }
}

fn value_label(fact: &Inferred) -> String {
    match fact.key {
        FactKey::PipelineTag => tags::task_label(&fact.value),
        FactKey::LibraryName => tags::library_label(&fact.value),
        FactKey::Language => tags::language_label(&fact.value),
        FactKey::License | FactKey::BaseModel | FactKey::SizeCategories => fact.value.clone(),
    }
}

async fn post_facts(page: PageRequest, write: RepoWrite, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let (new, names) = commit_of(&page, &write.repo, &form).await?;
    match create_commit(&page.app, &write, new).await {
        Ok(_) => Ok(page.redirect_saying(&write.repo.path(), &format!("Added to the card: {names}."))),
        Err(error) if error.kind() == ErrorKind::PreconditionFailed => Err(changed_meanwhile()),
        Err(error) => Err(error),
    }
}

async fn post_proposal(page: PageRequest, read: RepoRead, form: CheckedForm) -> HubResult<HttpResponse> {
    page.require_session()?;
    let content = may_propose(&page.app, read).await?;
    let (new, names) = commit_of(&page, &content.repo, &form).await?;
    let thread = |num: i64| format!("{}/discussions/{num}", content.repo.path());
    // The button is there for everybody: one proposal is enough.
    if let Some(num) = find_open_pull(&page.app.pool, content.repo.pk, &new.summary).await? {
        return Ok(page.redirect_saying(&thread(num), "This is proposed already."));
    }
    let made = propose_commit(&page.app, &content, new).await?;
    Ok(page.redirect_saying(&thread(made.num), &format!("Proposed to the owner: {names}.")))
}

/// The commit that puts what the form asks for into the card, and the keys of it in words.
async fn commit_of(page: &PageRequest, repo: &Repo, form: &CheckedForm) -> HubResult<(NewCommit, String)> {
    let (base, text) = current(page, repo).await?;
    let columns = Columns { card: true, facts: true, siblings: false };
    let derived = find_listed(&page.app.pool, repo.pk, columns).await?;
    let derived = derived.ok_or_else(|| HubError::repo_not_found(false))?;
    // What was offered belongs to one commit: after another, neither the card nor the files need be what was seen.
    let is_same = derived.head_oid.is_some_and(|head| head.to_hex() == base.commit) && form.text("base-commit") == base.commit;
    if !is_same {
        return Err(changed_meanwhile());
    }
    let wanted = form.text("fact");
    let mut facts = inferred_of(derived.card.as_ref(), derived.facts.as_ref());
    facts.retain(|fact| fact.key.as_str() == wanted || (wanted == ALL && fact.sure));
    if facts.is_empty() {
        return Err(HubError::bad_request("The files say nothing of this that the card leaves out."));
    }
    let card = with_facts(&text, &facts)
        .filter(|card| validate(card, repo.repo_type).errors.is_empty())
        .ok_or_else(|| HubError::unprocessable("The card's YAML is written in a way that only you can change: edit the card."))?;
    let names = facts.iter().map(|fact| fact.key.as_str()).collect::<Vec<_>>().join(", ");
    let because = |fact: &Inferred| format!("{}: {} ({}: {})", fact.key.as_str(), fact.value, fact.file, fact.because);
    let new = NewCommit {
        revision: repo.default_branch.clone(),
        summary: format!("Add {names} to the card"),
        description: facts.iter().map(because).collect::<Vec<_>>().join("\n"),
        parent: Some(base.commit),
        operations: vec![Operation::AddFile { path: RepoPath::new(CARD_FILE)?, content: FileContent::Bytes(card.into_bytes()) }],
    };
    Ok((new, names))
}

fn changed_meanwhile() -> HubError {
    HubError::conflict(
        "The repository was changed while you looked at it. Nothing was added: open it again and see what is left.",
    )
}

/// The card with the facts in its metadata, and everything else as it was written.
fn with_facts(card: &str, facts: &[Inferred]) -> Option<String> {
    let plain = card.replace("\r\n", "\n");
    let parts = front_matter::split(&plain);
    let mut yaml = parts.yaml.unwrap_or_default().to_owned();
    for fact in facts {
        yaml = set_key(&yaml, fact.key.as_str(), &fact.key_value())?;
    }
    let between = if parts.yaml.is_none() && !parts.body.is_empty() { "\n" } else { "" };
    let changed = format!("---\n{yaml}---\n{between}{}", parts.body);
    // A file with the line breaks of Windows keeps them.
    Some(if card.contains("\r\n") { changed.replace('\n', "\r\n") } else { changed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Vec<Inferred> {
        let fact = |key, value: &str| Inferred {
            key,
            value: value.to_owned(),
            file: "LICENSE".to_owned(),
            because: String::new(),
            sure: true,
        };
        vec![fact(FactKey::License, "mit"), fact(FactKey::Language, "no")]
    }

    #[test]
    fn facts_go_into_the_metadata_and_the_rest_stays() {
        let check = |card: &str, expected: &str| assert_eq!(with_facts(card, &facts()).as_deref(), Some(expected), "{card}");
        let added = "license: mit\nlanguage:\n- \"no\"\n";
        check("", &format!("---\n{added}---\n"));
        check("# Card\n", &format!("---\n{added}---\n\n# Card\n"));
        check(
            "---\n# kept\ntags: [a] # too\n---\n\n\nText  \n",
            &format!("---\n# kept\ntags: [a] # too\n{added}---\n\n\nText  \n"),
        );
        check("---\r\ntags: [a]\r\n---\r\nText\r\n", &format!("---\ntags: [a]\n{added}---\nText\n").replace('\n', "\r\n"));
        assert_eq!(with_facts("---\n{tags: [a]}\n---\n", &facts()), None);
    }
}
