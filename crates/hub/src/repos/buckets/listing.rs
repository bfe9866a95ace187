//! What is in a bucket: all files below a prefix, or one level of them with folders. A prefix is a text, not a folder:
//! `logs` also finds `logs.json`, as the clients expect.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::BucketFile;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::queries::Repo;
use crate::repos::queries::buckets as queries;
use crate::web::cursor::one_more;

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// What paths begin with.
    pub prefix: String,
    /// Where folders begin.
    pub depth: Depth,
    /// Where the page starts, as the page before said.
    pub cursor: Option<Cursor>,
    /// How many entries a page has.
    pub limit: usize,
}

/// What a list makes of paths that go on behind a `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Each is a file of its own.
    #[default]
    All,
    /// One level below the prefix: `logs` lists what is in the folder of this name, and what else begins so.
    BelowPrefix,
    /// The level of the prefix's last name: `logs` lists the folder of this name, and what else begins so.
    AtPrefix,
}

/// A place in a list: no path before it is on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor as text for a URL.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads what [`Cursor::encode`] made.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn decode(text: &str) -> HubResult<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        // A NUL would be a 500 in the database.
        let cursor = decoded.filter(|text| !text.contains('\0')).map(Self);
        cursor.ok_or_else(|| HubError::bad_request("`cursor` is not one that this list gave. Start again without it."))
    }

    /// Nothing is between a path and the same with a control character, which no path has.
    fn after_file(path: &str) -> Self {
        Self(format!("{path}\u{1}"))
    }

    /// `0` is what follows `/`.
    fn after_folder(path: &str) -> Self {
        Self(format!("{path}0"))
    }
}

/// A file, or a folder by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File(BucketFile),
    /// A folder: there are files whose paths go on behind a `/`.
    Folder(String),
}

impl Entry {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&BucketFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Folder(_) => None,
        }
    }
}

/// A page of a list.
#[derive(Debug, Default)]
pub struct EntryPage {
    /// Its entries.
    pub entries: Vec<Entry>,
    /// Where the next page starts.
    pub next: Option<Cursor>,
}

/// Lists a page of what is in a bucket.
///
/// # Errors
/// The database does not answer.
pub async fn list(app: &App, repo: &Repo, wanted: &Listing) -> HubResult<EntryPage> {
    // A NUL would be a 500 in the database, and no path has one.
    if wanted.prefix.contains('\0') {
        return Ok(EntryPage::default());
    }
    match level_of(&wanted.prefix, wanted.depth) {
        None => list_all(app, repo, wanted).await,
        Some(level) => list_level(app, repo, wanted, level).await,
    }
}

impl Listing {
    fn from(&self) -> &str {
        self.cursor.as_ref().map_or("", |cursor| cursor.0.as_str())
    }

    /// One more than a page has, to tell whether there is another.
    fn rows(&self) -> i64 {
        one_more(self.limit)
    }
}

async fn list_all(app: &App, repo: &Repo, wanted: &Listing) -> HubResult<EntryPage> {
    let mut files = queries::list_files(&app.pool, repo.pk, &wanted.prefix, wanted.from(), wanted.rows()).await?;
    let more = files.len() > wanted.limit;
    files.truncate(wanted.limit);
    let next = files.last().filter(|_| more).map(|file| Cursor::after_file(&file.path));
    Ok(EntryPage { entries: files.into_iter().map(Entry::File).collect(), next })
}

async fn list_level(app: &App, repo: &Repo, wanted: &Listing, level: usize) -> HubResult<EntryPage> {
    let cut = i32::try_from(level).unwrap_or(i32::MAX);
    let mut places = queries::list_places(&app.pool, repo.pk, &wanted.prefix, cut, wanted.from(), wanted.rows()).await?;
    let more = places.len() > wanted.limit;
    places.truncate(wanted.limit);
    let next = places.last().filter(|_| more).map(|place| match &place.folder {
        Some(folder) => Cursor::after_folder(folder),
        None => Cursor::after_file(&place.path),
    });
    let paths: Vec<String> = places.iter().filter(|place| place.folder.is_none()).map(|place| place.path.clone()).collect();
    let files = queries::list_files_at(&app.pool, repo.pk, &paths).await?;
    let mut files: HashMap<String, BucketFile> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
    // A file that went meanwhile is left out.
    let entry = |place: queries::PlaceRow| match place.folder {
        Some(folder) => Some(Entry::Folder(folder)),
        None => files.remove(&place.path).map(Entry::File),
    };
    Ok(EntryPage { entries: places.into_iter().filter_map(entry).collect(), next })
}

/// The first character, counted from one, at which a `/` ends the level; `None` when there are no folders.
fn level_of(prefix: &str, depth: Depth) -> Option<usize> {
    let characters = |text: &str| text.chars().count();
    match depth {
        Depth::All => None,
        Depth::BelowPrefix => Some(match prefix.trim_end_matches('/') {
            "" => 1,
            folder => characters(folder) + 2,
        }),
        Depth::AtPrefix => Some(prefix.rsplit_once('/').map_or(1, |(folder, _)| characters(folder) + 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_behind_the_folder() {
        for (prefix, below, at) in [("", 1, 1), ("logs", 6, 1), ("logs/", 6, 6), ("é/ü", 5, 3), ("a/b/c", 7, 5)] {
            assert_eq!(level_of(prefix, Depth::BelowPrefix), Some(below), "{prefix}");
            assert_eq!(level_of(prefix, Depth::AtPrefix), Some(at), "{prefix}");
        }
    }

    #[test]
    fn cursors_come_back_as_they_went() {
        let cursor = Cursor("é/ü 0\u{1}".to_owned());
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        for text in ["*", "AA", "_w"] {
            assert!(Cursor::decode(text).is_err(), "{text}");
        }
    }
}
