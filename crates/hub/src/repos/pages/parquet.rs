//! A Parquet file as its page shows it: the columns its footer lists, and the first rows. Only the footer and the beginning of
//! each column are read, wherever the file is.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use hub_cards::{HeaderError, Progress, Table, parquet};

use crate::app::App;
use crate::error::HubResult;
use crate::repos::weight_files::WeightFile;

/// How many rows are shown.
const MAX_ROWS: usize = 50;
/// How many columns are shown with their values.
const MAX_COLUMNS: usize = 30;
/// What is read first of a column, in bytes.
const FIRST_READ_BYTES: u64 = 64 << 10;
/// The most that is read of one column, in bytes: a dictionary of text and a page behind it.
const MAX_COLUMN_BYTES: u64 = 2 << 20;
/// The most that is read of all columns, in bytes.
const MAX_READ_BYTES: u64 = 24 << 20;
/// How many columns are read at a time.
const CONCURRENCY: usize = 4;
/// How long the rows may take; without them, the page still has the columns.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Debug)]
pub(super) struct ParquetView {
    /// What the footer says.
    pub footer: parquet::Footer,
    /// The first rows, when any column could be read.
    pub rows: Option<Table>,
    /// How many columns are not among them.
    pub hidden: usize,
}

/// Reads a file. The inner error says what is wrong with it.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn view_of(app: &App, file: &WeightFile) -> HubResult<Result<ParquetView, HeaderError>> {
    let footer = match footer_of(app, file).await? {
        Ok(footer) => footer,
        Err(error) => return Ok(Err(error)),
    };
    let rows = match tokio::time::timeout(DEADLINE, rows_of(app, file, &footer)).await {
        Ok(rows) => rows?,
        Err(_) => None,
    };
    let hidden = footer.columns.len() - rows.as_ref().map_or(0, |rows| rows.header.len());
    Ok(Ok(ParquetView { footer, rows, hidden }))
}

async fn footer_of(app: &App, file: &WeightFile) -> HubResult<Result<parquet::Footer, HeaderError>> {
    let end = file.size.saturating_sub(parquet::TAIL_BYTES);
    let tail = file.read(app, end..file.size).await?;
    let length = match parquet::footer_bytes(&tail, file.size) {
        Ok(length) => length,
        Err(error) => return Ok(Err(error)),
    };
    let footer = file.read(app, end - length..end).await?;
    Ok(tokio::task::spawn_blocking(move || parquet::parse(&footer)).await?)
}

async fn rows_of(app: &App, file: &WeightFile, footer: &parquet::Footer) -> HubResult<Option<Table>> {
    let columns = footer.columns.iter().zip(&footer.chunks).take(MAX_COLUMNS);
    let limit = (MAX_READ_BYTES / (columns.len().max(1) as u64)).min(MAX_COLUMN_BYTES);
    let values = columns.map(|(column, chunk)| values_of(app, file, column.clone(), chunk.clone(), limit));
    let values: Vec<HubResult<Option<Vec<String>>>> = stream::iter(values).buffered(CONCURRENCY).collect().await;
    let mut table = Table::default();
    let mut shown = Vec::new();
    for (column, values) in footer.columns.iter().zip(values) {
        if let Some(values) = values? {
            table.header.push(short_path(&column.path));
            shown.push(values);
        }
    }
    let count = shown.iter().map(Vec::len).max().unwrap_or(0);
    // A column whose values are long has fewer of them within what is read.
    let cell = |values: &Vec<String>, row: usize| values.get(row).cloned().unwrap_or_else(|| "…".to_owned());
    table.rows = (0..count).map(|row| shown.iter().map(|values| cell(values, row)).collect()).collect();
    table.truncated = (table.rows.len() as u64) < footer.rows || table.header.len() < footer.columns.len();
    Ok((count > 0).then_some(table))
}

/// The first values of a column; nothing when they cannot be read within the limit, or not at all.
async fn values_of(
    app: &App,
    file: &WeightFile,
    column: parquet::Column,
    chunk: parquet::Chunk,
    limit: u64,
) -> HubResult<Option<Vec<String>>> {
    let (mut prefix, mut wanted) = (Vec::new(), FIRST_READ_BYTES.min(chunk.length));
    loop {
        let (from, to) = (chunk.start.saturating_add(prefix.len() as u64), chunk.start.saturating_add(wanted));
        prefix.extend_from_slice(&file.read(app, from..to).await?);
        if (prefix.len() as u64) < wanted {
            return Ok(None);
        }
        let (of_column, of_chunk) = (column.clone(), chunk.clone());
        let read = move || (parquet::rows::first_values(&of_column, &of_chunk, &prefix, MAX_ROWS), prefix);
        let (found, read) = tokio::task::spawn_blocking(read).await?;
        prefix = read;
        match found {
            Ok(Progress::Done(values)) => return Ok(Some(values)),
            Ok(Progress::NeedBytes(bytes)) if bytes > wanted && bytes <= limit => {
                wanted = bytes.max(2 * wanted).min(limit).min(chunk.length);
            }
            Ok(Progress::NeedBytes(_)) | Err(_) => return Ok(None),
        }
    }
}

/// The path of a column without the groups that every list has.
fn short_path(path: &str) -> String {
    [".list.element", ".list.item", ".bag.array_element"].iter().fold(path.to_owned(), |path, group| path.replace(group, ""))
}
