//! Removing and moving what somebody chose in a folder of a bucket: files, and folders with all that is in them.

use std::collections::HashSet;

use hub_types::BucketPath;

use super::batch::{Action, EMPTY_FILE, FileFacts, Operation, apply};
use super::place::done;
use super::{BucketFile, list_files_at};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoWrite;
use crate::repos::queries::Repo;
use crate::repos::queries::buckets::list_files_below;
use crate::web::cursor::one_more;

/// The most names that are chosen at once.
pub const MAX_CHOSEN: usize = 100;
/// The most files that one change is about.
pub const MAX_FILES: usize = 1000;

/// Something that was chosen: a file, or a folder by its files. Both can have one name.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Its path.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The file itself, or those below the folder.
    pub files: Vec<BucketFile>,
}

impl Chosen {
    /// What a path means: a folder if a `/` is behind it, a file if not.
    fn of(path: &str) -> Self {
        let folder = path.strip_suffix('/');
        Self { path: folder.unwrap_or(path).to_owned(), is_folder: folder.is_some(), files: Vec::new() }
    }

    /// Whether a file is this one or in this folder.
    fn has(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some(rest) if self.is_folder => rest.starts_with('/'),
            Some(rest) => rest.is_empty(),
            None => false,
        }
    }
}

/// Finds what has these paths, those of folders with a `/` behind them. What is named twice is chosen once.
///
/// # Errors
/// 404 when there is nothing at one of them, 400 when they are too many or have too many files.
pub async fn find(app: &App, repo: &Repo, paths: &[String]) -> HubResult<Vec<Chosen>> {
    if paths.is_empty() {
        return Err(HubError::bad_request("Choose at least one file or folder."));
    }
    let mut seen = HashSet::new();
    let mut chosen: Vec<Chosen> = paths.iter().filter(|path| seen.insert(*path)).map(|path| Chosen::of(path)).collect();
    if chosen.len() > MAX_CHOSEN {
        return Err(HubError::bad_request(format!("At most {MAX_CHOSEN} files and folders are changed at once. Choose fewer.")));
    }
    // A NUL would be a 500 in the database, and no path has one.
    if chosen.iter().any(|one| one.path.is_empty() || one.path.contains('\0')) {
        return Err(HubError::entry_not_found());
    }
    let (folders, single): (Vec<&Chosen>, Vec<&Chosen>) = chosen.iter().partition(|one| one.is_folder);
    let paths_of = |some: &[&Chosen]| some.iter().map(|one| one.path.clone()).collect::<Vec<String>>();
    let mut files = list_files_at(&app.pool, repo.pk, &paths_of(&single)).await?;
    files.extend(list_files_below(&app.pool, repo.pk, &paths_of(&folders), one_more(MAX_FILES)).await?);
    if files.len() > MAX_FILES {
        return Err(HubError::bad_request(format!(
            "These are more than {MAX_FILES} files. Choose fewer, or use `hf buckets rm --recursive` and `hf sync`."
        )));
    }
    for file in files {
        if let Some(one) = chosen.iter_mut().find(|one| one.has(&file.path)) {
            one.files.push(file);
        }
    }
    match chosen.iter().any(|one| one.files.is_empty()) {
        true => Err(HubError::entry_not_found()),
        false => Ok(chosen),
    }
}

/// Removes what was chosen, all of it or nothing. Gives how many files that were.
///
/// # Errors
/// As [`apply`].
pub async fn remove(app: &App, write: &RepoWrite, chosen: &[Chosen]) -> HubResult<usize> {
    let operations: Vec<Operation> = chosen.iter().flat_map(|one| &one.files).map(deletion).collect();
    let count = operations.len();
    done(apply(app, write, operations).await?)?;
    Ok(count)
}

/// Moves each to another path, all of them or none. Gives how many files that were.
///
/// # Errors
/// 409 when something is there already, 422 when a path cannot be; both at the field `target`.
pub async fn relocate(app: &App, write: &RepoWrite, moves: &[(Chosen, String)]) -> HubResult<usize> {
    let mut operations = Vec::new();
    let mut additions = Vec::new();
    for (one, to) in moves {
        for file in &one.files {
            let rest = file.path.get(one.path.len()..).unwrap_or_default();
            let path = BucketPath::new(&format!("{to}{rest}"));
            let path = path.map_err(|error| HubError::unprocessable(format!("This cannot be: {error}.")).at("target"))?;
            operations.push(deletion(file));
            additions.push(addition(file, path.to_string())?);
        }
    }
    check_free(app, write, &operations, &additions).await?;
    let count = additions.len();
    // Gone before it comes: a folder may move into itself.
    operations.extend(additions);
    done(apply(app, write, operations).await?)?;
    Ok(count)
}

/// What is moved away is no obstacle.
async fn check_free(app: &App, write: &RepoWrite, going: &[Operation], coming: &[Operation]) -> HubResult<()> {
    let going: HashSet<&str> = going.iter().map(|operation| operation.path.as_str()).collect();
    let targets: Vec<String> = coming.iter().map(|operation| operation.path.clone()).collect();
    let distinct: HashSet<&String> = targets.iter().collect();
    if distinct.len() < targets.len() {
        return Err(HubError::conflict("Two of these would have one path then. Move them one by one.").at("target"));
    }
    let there = list_files_at(&app.pool, write.repo.pk, &targets).await?;
    match there.iter().find(|file| !going.contains(file.path.as_str())) {
        Some(file) => {
            let path = file.path.replace('`', "'");
            Err(HubError::conflict(format!("There is a file at `{path}` already. Delete it first.")).at("target"))
        }
        None => Ok(()),
    }
}

fn deletion(file: &BucketFile) -> Operation {
    Operation { path: file.path.clone(), action: Action::Delete }
}

fn addition(file: &BucketFile, path: String) -> HubResult<Operation> {
    let hash = match (file.oid, file.file_hash) {
        (None, _) => EMPTY_FILE,
        (Some(_), Some(hash)) => hash,
        (Some(oid), None) => return Err(HubError::internal(format!("the file {oid} of a bucket is not in chunks"))),
    };
    let facts = FileFacts { hash, mtime: file.mtime, content_type: file.content_type.clone() };
    Ok(Operation { path, action: Action::Add(facts) })
}

#[cfg(test)]
mod tests {
    use super::Chosen;

    #[test]
    fn a_folder_is_neither_a_prefix_nor_the_file_of_its_name() {
        for (chosen, its, others) in [("a", ["a"].as_slice(), ["a/b", "ab"]), ("a/", ["a/b", "a/b/c"].as_slice(), ["a", "ab/c"])]
        {
            let chosen = Chosen::of(chosen);
            assert!(its.iter().all(|path| chosen.has(path)) && !others.iter().any(|path| chosen.has(path)), "{chosen:?}");
        }
    }
}
