//! The Parquet files of a dataset, by configuration and split: those that are in it. Nothing is converted.

use hub_types::{Oid, RepoType};

use super::Repo;
use super::listing::Columns;
use super::pages::configs::configs_of;
use super::pages::data_files::{ConfigParts, parquet_files};
use super::queries::listing::find_listed;
use super::reading;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// How many paths of a dataset are looked at.
const MAX_PATHS: usize = 50_000;

/// What was found in a commit.
#[derive(Debug)]
pub struct ParquetFiles {
    /// The commit.
    pub commit: Oid,
    /// The configurations, each with its parts.
    pub(in crate::repos) configs: Vec<ConfigParts>,
}

impl ParquetFiles {
    /// The files of a part.
    pub fn of(&self, config: &str, split: &str) -> Option<&[String]> {
        let config = self.configs.iter().find(|found| found.name == config)?;
        config.splits.iter().find(|(name, _)| name == split).map(|(_, files)| files.as_slice())
    }
}

/// Finds the Parquet files of a dataset's default branch, as its card says or as `datasets` would by their names.
///
/// # Errors
/// 404 for what is no dataset or has no such file, 422 for more files and patterns than can be compared.
pub async fn find(app: &App, repo: &Repo) -> HubResult<ParquetFiles> {
    let missing = || HubError::not_found("This dataset has no Parquet files, and the hub does not convert others.");
    if repo.repo_type != RepoType::Dataset {
        return Err(HubError::entry_not_found());
    }
    let row = find_listed(&app.pool, repo.pk, Columns { card: true, ..Columns::default() }).await?.ok_or_else(missing)?;
    let commit = row.head_oid.ok_or_else(missing)?;
    let paths = reading::read(app, repo, move |reader| reader.first_paths(commit, MAX_PATHS)).await?;
    let card = row.card.unwrap_or_default();
    let found = tokio::task::spawn_blocking(move || parquet_files(&configs_of(&card), &paths)).await?;
    let too_many = || HubError::unprocessable("The card of this dataset names too many files by patterns to look for them all.");
    let configs = found.ok_or_else(too_many)?;
    if configs.is_empty() { Err(missing()) } else { Ok(ParquetFiles { commit, configs }) }
}
