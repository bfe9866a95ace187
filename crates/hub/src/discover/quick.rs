//! One question over everything: names first, then words of cards, each kind by itself.

use hub_search::{Clause, SearchQuery, SearchResults, Snippets, Sort, SuggestQuery, TextReading};
use hub_types::RepoType;

use super::owners::{self, Owners, WantedOwners};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::listing::{self, Columns, ListQuery, ListedRepo};
use crate::repos::{audience, visibility};
use crate::search;
use crate::tasks::{self, TaskName};

/// The longest question that is looked at, in bytes; the index reads no more either.
const MAX_BYTES: usize = hub_search::MAX_QUERY_BYTES;

/// A kind of thing to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Repositories of a type.
    Repos(RepoType),
    /// Organisations.
    Organizations,
    /// People.
    Users,
    /// What models do.
    Tasks,
}

impl Kind {
    /// Every kind, in the order they are shown.
    pub const EVERY: [Self; 6] = [
        Self::Repos(RepoType::Model),
        Self::Repos(RepoType::Dataset),
        Self::Repos(RepoType::Space),
        Self::Organizations,
        Self::Users,
        Self::Tasks,
    ];

    /// The word for it in addresses; the plural is understood, too.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Repos(RepoType::Model) => "model",
            Self::Repos(RepoType::Dataset) => "dataset",
            Self::Repos(RepoType::Space) => "space",
            Self::Repos(RepoType::Bucket) => "bucket",
            Self::Organizations => "org",
            Self::Users => "user",
            Self::Tasks => "task",
        }
    }

    /// The heading over several of it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Repos(kind) => crate::web::layout::kind_title(kind),
            Self::Organizations => "Organizations",
            Self::Users => "Users",
            Self::Tasks => "Tasks",
        }
    }

    /// Its icon.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Repos(kind) => crate::web::layout::kind_icon(kind),
            Self::Organizations => "building-2",
            Self::Users => "user",
            Self::Tasks => "layout-grid",
        }
    }

    /// Reads a `type`; nothing for `all` and for none.
    ///
    /// # Errors
    /// 400 for a word that is none of them.
    pub fn parse(text: &str) -> HubResult<Option<Self>> {
        let one = text.strip_suffix('s').unwrap_or(text);
        if one.is_empty() || one == "all" {
            return Ok(None);
        }
        let found =
            Self::EVERY.into_iter().find(|kind| kind.word() == one || (one == "organization" && *kind == Self::Organizations));
        found.map(Some).ok_or_else(|| {
            let words = Self::EVERY.map(|kind| format!("`{}`", kind.word())).join(", ");
            HubError::bad_request(format!("`type` is not a kind of thing that can be searched for. Known are `all`, {words}."))
        })
    }
}

/// What was typed, in a form that can be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// One line without control characters.
    pub text: String,
    /// Whether it was longer than what is looked at.
    pub truncated: bool,
}

impl Question {
    /// Reads what was typed: control characters are spaces, and what is too long is cut.
    pub fn read(typed: &str) -> Self {
        let cut = typed.get(..typed.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        let plain: String = cut.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        Self { text: plain.split_whitespace().collect::<Vec<_>>().join(" "), truncated: cut.len() < typed.len() }
    }
}

/// Repositories that were found.
#[derive(Debug, Default)]
pub struct FoundRepos {
    /// The best of them, as the index found them: with passages, without what the database says.
    pub results: SearchResults,
    /// The same from the database, under the viewer's rights, in the same order.
    pub list: Vec<ListedRepo>,
    /// How many there are.
    pub total: u64,
    /// How the text was understood.
    pub reading: TextReading,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// By type.
    pub repos: Vec<(RepoType, FoundRepos)>,
    pub(super) organizations: Owners,
    pub(super) users: Owners,
    /// Tasks.
    pub tasks: Vec<TaskName>,
}

impl Found {
    /// Whether neither an owner nor a repository has the text as it was typed.
    fn is_nothing_as_typed(&self) -> bool {
        let guessed = |found: &FoundRepos| found.total == 0 || found.reading.similar || found.reading.any_word;
        self.organizations.total == 0 && self.users.total == 0 && self.repos.iter().all(|(_, found)| guessed(found))
    }

    /// How many there are of a kind.
    pub fn total(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Repos(kind) => self.repos.iter().find(|(other, _)| *other == kind).map_or(0, |(_, found)| found.total),
            Kind::Organizations => self.organizations.total,
            Kind::Users => self.users.total,
            Kind::Tasks => self.tasks.len() as u64,
        }
    }
}

/// What to give of each kind.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Only this kind; nothing for all.
    pub only: Option<Kind>,
    /// How many to leave out.
    pub offset: usize,
    /// How many to give of each.
    pub limit: usize,
    /// Whether passages of cards are wanted.
    pub snippets: Snippets,
}

/// Finds everything that fits a question.
///
/// # Errors
/// The index or the database does not answer.
pub async fn find(app: &App, viewer: &Viewer, question: &Question, wanted: Wanted) -> HubResult<Found> {
    let mut found = Found::default();
    let text = &question.text;
    if text.is_empty() {
        return Ok(found);
    }
    let asks = |kind: Kind| wanted.only.is_none_or(|only| only == kind);
    let of_repos = async {
        let kinds = RepoType::WITH_GIT.into_iter().filter(|kind| asks(Kind::Repos(*kind)));
        let named = suggestions(app, viewer, text, wanted).await?;
        let named = named.as_slice();
        let each = kinds.map(|kind| async move {
            let found = repos(app, viewer, kind, text, wanted, named).await?;
            HubResult::Ok((kind, found))
        });
        futures::future::try_join_all(each).await
    };
    let owners = WantedOwners {
        users: asks(Kind::Users),
        organizations: asks(Kind::Organizations),
        offset: wanted.offset,
        limit: wanted.limit,
    };
    (found.repos, (found.users, found.organizations)) = futures::try_join!(of_repos, owners::find(app, text, owners))?;
    if wanted.offset == 0 && found.is_nothing_as_typed() {
        (found.users, found.organizations) = owners::find_similar(app, text, owners).await?;
    }
    if asks(Kind::Tasks) {
        found.tasks = tasks::named(text).await?;
    }
    Ok(found)
}

/// The keys of repositories whose names go on like what was typed.
async fn suggestions(app: &App, viewer: &Viewer, text: &str, wanted: Wanted) -> HubResult<Vec<(RepoType, i64)>> {
    if wanted.offset > 0 || wanted.snippets == Snippets::Card || !app.search.is_ready() {
        return Ok(Vec::new());
    }
    let asked = SuggestQuery { text: text.to_owned(), visible: search::visible_to(viewer), limit: wanted.limit };
    let found = app.search.suggest(asked).await?;
    Ok(found.into_iter().map(|suggestion| (suggestion.kind, suggestion.pk)).collect())
}

/// What is not for all audiences is found by its whole name only, but by those who want it.
fn left_out(viewer: &Viewer, text: &str) -> Option<Clause> {
    audience::clause(viewer).filter(|_| !audience::is_whole_name(text))
}

/// The repositories of one type: those that were suggested by name, then the best matches.
async fn repos(
    app: &App,
    viewer: &Viewer,
    kind: RepoType,
    text: &str,
    wanted: Wanted,
    named: &[(RepoType, i64)],
) -> HubResult<FoundRepos> {
    if !app.search.is_ready() {
        return by_name_alone(app, viewer, kind, text, wanted).await;
    }
    let asked = SearchQuery {
        text: text.to_owned(),
        clauses: left_out(viewer, text).into_iter().collect(),
        sort: Sort::Relevance,
        visible: search::visible_to(viewer),
        offset: wanted.offset,
        limit: wanted.limit,
        snippets: wanted.snippets,
        ..SearchQuery::new(kind)
    };
    let results = app.search.search(asked).await?;
    let mut keys: Vec<i64> = named.iter().filter(|(of, _)| *of == kind).map(|(_, pk)| *pk).collect();
    for hit in &results.hits {
        if !keys.contains(&hit.pk) {
            keys.push(hit.pk);
        }
    }
    keys.truncate(wanted.limit);
    let mut list = listing::by_keys(app, viewer, &keys, Columns::default()).await?;
    if left_out(viewer, text).is_some() {
        list.retain(|repo| !audience::is_labelled(&repo.tags));
    }
    let total = results.total.max(list.len() as u64);
    Ok(FoundRepos { list, total, reading: results.text, results })
}

/// While there is no index yet: repositories whose name has each word.
async fn by_name_alone(app: &App, viewer: &Viewer, kind: RepoType, text: &str, wanted: Wanted) -> HubResult<FoundRepos> {
    let query = ListQuery {
        search: text.split_whitespace().take(hub_search::MAX_QUERY_WORDS).map(str::to_owned).collect(),
        limit: wanted.limit,
        ..ListQuery::default()
    };
    let list = listing::list(app, kind, &visibility::shown_to(viewer), &query).await?.repos;
    Ok(FoundRepos { total: list.len() as u64, list, ..FoundRepos::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_one_bounded_line() {
        assert_eq!(Question::read(" bert\0\u{1b}[31m\n base "), Question { text: "bert [31m base".to_owned(), truncated: false });
        let long = Question::read(&"é".repeat(5_000));
        assert!(long.truncated && long.text.len() == MAX_BYTES);
    }

    #[test]
    fn kinds_are_read_by_their_words() {
        for (text, kind) in
            [("model", Kind::EVERY[0]), ("spaces", Kind::EVERY[2]), ("org", Kind::EVERY[3]), ("tasks", Kind::EVERY[5])]
        {
            assert_eq!(Kind::parse(text).unwrap(), Some(kind));
        }
        assert_eq!((Kind::parse("").unwrap(), Kind::parse("all").unwrap()), (None, None));
        assert!(Kind::parse("bucket' or 1=1").is_err());
    }
}
