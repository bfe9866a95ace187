//! The first rows of a dataset on its own page: of the configuration and the split that were chosen. Little is read of a file,
//! for a short time, and kept by what the file holds.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hub_cards::Table;
use hub_types::Oid;
use moka::future::Cache;

use super::configs::DatasetConfig;
use super::data_files::{ConfigFiles, config_files};
use super::preview;
use super::view::RepoHeader;
use crate::accounts::page::PageRequest;
use crate::error::{Barrier, HubResult};
use crate::repos::{Repo, RepoRead, reading};
use crate::web::links::{encode_path, encode_segment};

/// How many rows and columns are shown; the page of the file has more.
const MAX_ROWS: usize = 15;
const MAX_COLUMNS: usize = 24;
/// The longest cell, in characters.
const MAX_CHARS: usize = 160;
/// How long reading may take. The page does not wait longer for the store. Programs that are built for tests are slower.
const DEADLINE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });
/// How many bytes of tables are kept.
const MAX_KEPT_BYTES: u64 = 16 << 20;
/// Files that are there whether or not a dataset has any data.
const NOT_DATA: &[&str] = &["README.md", ".gitattributes", ".gitignore", "LICENSE"];

/// The rows, and what else may be chosen.
#[derive(Debug)]
pub(super) struct RowsPanel {
    /// The configurations; none unless there are several.
    pub configs: Vec<RowsLink>,
    /// The one that is shown.
    pub config: String,
    /// The splits of the one that is shown.
    pub splits: Vec<RowsLink>,
    /// The file that the rows are from: its path and its page.
    pub file: Option<(String, String)>,
    /// The rows.
    pub table: Option<Arc<Table>>,
    /// Why there are none.
    pub note: &'static str,
}

/// What else may be shown.
#[derive(Debug)]
pub(super) struct RowsLink {
    /// Its name.
    pub label: String,
    /// The page with it.
    pub href: String,
    /// Whether it is shown.
    pub current: bool,
}

type Kept = Option<Arc<Table>>;
/// A repository, the id of the file's bytes, and its path, by whose ending it is read.
type Key = (i64, Oid, String);

static TABLES: LazyLock<Cache<Key, Kept>> = LazyLock::new(|| {
    let cells = |table: &Arc<Table>| table.rows.iter().flatten().map(|cell| cell.len() + 24).sum::<usize>();
    Cache::builder()
        .weigher(move |_, table: &Kept| u32::try_from(table.as_ref().map_or(0, cells) + 200).unwrap_or(u32::MAX))
        .max_capacity(MAX_KEPT_BYTES)
        .time_to_idle(Duration::from_secs(3600))
        .build()
});

/// The rows of a dataset, unless something keeps the viewer from its files. Nothing for one without data.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn panel_of(
    page: &PageRequest,
    read: &RepoRead,
    header: &RepoHeader,
    configs: &[DatasetConfig],
    paths: &[String],
    barrier: Option<&Barrier>,
) -> HubResult<Option<RowsPanel>> {
    let (Some(head), true) = (read.repo.head_oid, paths.iter().any(|path| !NOT_DATA.contains(&path.as_str()))) else {
        return Ok(None);
    };
    let found = config_files(configs, paths);
    let query = page.query();
    let wanted = |key| query.get(key).map(str::to_owned);
    let Some((config, split, path)) = choose(&found, wanted("config").as_deref(), wanted("split").as_deref()) else {
        return Ok(Some(RowsPanel::without(
            "No file here is a table that the hub reads: Parquet, CSV, TSV, JSON or JSON lines.",
        )));
    };
    let link = |config: &str, split: Option<&str>, label: &str, current| RowsLink {
        href: href_of(header, config, split),
        label: label.to_owned(),
        current,
    };
    let configs = found.iter().map(|each| link(&each.name, None, &each.name, each.name == config.name));
    let splits = config.splits.iter().map(|(name, _)| link(&config.name, Some(name), name, name == split));
    let mut panel = RowsPanel {
        configs: if found.len() > 1 { configs.collect() } else { Vec::new() },
        config: config.name.clone(),
        splits: splits.collect(),
        file: Some((path.to_owned(), file_href(header, path))),
        table: None,
        note: "These rows are for those whom the owner lets read the files.",
    };
    if barrier.is_none() {
        (panel.table, panel.note) = read_rows(page, &read.repo, head, path).await?;
    }
    Ok(Some(panel))
}

impl RowsPanel {
    /// Whether the file has more than is shown here.
    pub(super) fn has_more(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.truncated)
    }

    fn without(note: &'static str) -> Self {
        Self { configs: Vec::new(), config: String::new(), splits: Vec::new(), file: None, table: None, note }
    }
}

/// What was asked for, or else the first.
fn choose<'a>(
    found: &'a [ConfigFiles],
    config: Option<&str>,
    split: Option<&str>,
) -> Option<(&'a ConfigFiles, &'a str, &'a str)> {
    let config = found.iter().find(|each| Some(each.name.as_str()) == config).or(found.first())?;
    let split = config.splits.iter().find(|(name, _)| Some(name.as_str()) == split).or(config.splits.first())?;
    Some((config, &split.0, &split.1))
}

fn href_of(header: &RepoHeader, config: &str, split: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("config", config);
    if let Some(split) = split {
        query.append_pair("split", split);
    }
    format!("{}?{}#rows", header.href(), query.finish())
}

fn file_href(header: &RepoHeader, path: &str) -> String {
    format!("{}/blob/{}/{}", header.href(), encode_segment(&header.default_branch), encode_path(path))
}

async fn read_rows(page: &PageRequest, repo: &Repo, head: Oid, path: &str) -> HubResult<(Kept, &'static str)> {
    const UNREADABLE: &str = "The rows of this file cannot be shown here.";
    let Some(entry) = reading::entry(&page.app, repo, head, path).await? else { return Ok((None, UNREADABLE)) };
    // The pointer of a large file stands for its bytes.
    let key = (repo.pk, entry.oid, path.to_owned());
    if let Some(kept) = TABLES.get(&key).await {
        return Ok((kept, UNREADABLE));
    }
    match tokio::time::timeout(DEADLINE, preview::first_rows(&page.app, repo, head, path)).await {
        Ok(table) => {
            let table = table?.map(|table| Arc::new(cut(table)));
            TABLES.insert(key, table.clone()).await;
            Ok((table, UNREADABLE))
        }
        Err(_) => Ok((None, "Reading this file takes long just now. Its own page may show it.")),
    }
}

fn cut(mut table: Table) -> Table {
    table.truncated |= table.rows.len() > MAX_ROWS || table.header.len() > MAX_COLUMNS;
    table.rows.truncate(MAX_ROWS);
    table.header.truncate(MAX_COLUMNS);
    for row in &mut table.rows {
        row.truncate(MAX_COLUMNS);
    }
    for cell in table.rows.iter_mut().flatten().chain(&mut table.header) {
        if let Some((end, _)) = cell.char_indices().nth(MAX_CHARS) {
            cell.truncate(end);
            cell.push('…');
            table.truncated = true;
        }
    }
    table
}
