//! The text in the editor, and the file it began with.

use hub_git::EntryKind;
use hub_types::{Oid, RepoPath};

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::recalls;
use crate::repos::{Level, RepoRead, reading};

/// The largest text that is edited here, in bytes.
pub(in crate::repos::pages) const MAX_TEXT_BYTES: usize = 1 << 20;
/// The largest form: what is typed takes up to three bytes a letter on its way.
pub(super) const FORM_BYTES: usize = 4 << 20;

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// Its blob.
    pub blob: String,
    /// Its text, with plain line breaks.
    pub text: String,
    /// Whether its lines end as on Windows.
    pub crlf: bool,
}

/// What is in the editor.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Of a new file: its path below the folder of the page.
    pub new_path: Option<String>,
    /// The blob it began with; empty for a new file.
    pub blob: String,
    /// The commit it was seen in.
    pub commit: String,
    /// The text.
    pub text: String,
    /// The first line of the commit's message.
    pub summary: String,
    /// The rest.
    pub description: String,
}

/// Opens a text file for editing; `None` when it is not there.
///
/// # Errors
/// 422 for what is no text or too large to be edited here, 451 for what was recalled, except for those who may put it right.
pub(super) async fn open(page: &PageRequest, read: &RepoRead, commit: Oid, path: &str) -> HubResult<Option<Opened>> {
    let repo = &read.repo;
    let Some(entry) = reading::entry(&page.app, repo, commit, path).await? else { return Ok(None) };
    let refuse = |why: &str| Err(HubError::unprocessable(format!("{why} Change it with git or upload another version.")));
    if entry.kind != EntryKind::File {
        return refuse("Only files can be edited here.");
    }
    if entry.lfs.is_some() {
        return refuse("This file is stored with Git LFS and cannot be edited here.");
    }
    if entry.size > MAX_TEXT_BYTES as u64 {
        return refuse("This file is too large to be edited here.");
    }
    if read.level < Level::Write {
        recalls::check_entry(&page.app, repo.pk, &entry).await?;
    }
    let bytes = reading::blob(&page.app, repo, entry.oid).await?;
    let Ok(text) = String::from_utf8(bytes.to_vec()) else { return refuse("This file is no text in UTF-8.") };
    if text.contains('\0') {
        return refuse("This file is no text.");
    }
    let crlf = text.contains("\r\n");
    Ok(Some(Opened { blob: entry.oid.to_hex(), text: text.replace("\r\n", "\n"), crlf }))
}

impl Draft {
    /// A draft that is the file itself.
    pub(super) fn of_file(opened: Opened, commit: Oid) -> Self {
        Self { blob: opened.blob, commit: commit.to_hex(), text: opened.text, ..Self::default() }
    }

    /// An empty draft.
    pub(super) fn new_file(name: String, commit: Oid) -> Self {
        Self { new_path: Some(name), commit: commit.to_hex(), ..Self::default() }
    }

    /// What somebody sent.
    pub(super) fn of_form<const LIMIT: usize>(form: &CheckedForm<LIMIT>, is_new: bool) -> Self {
        let lines = |name: &str| form.exact(name).replace("\r\n", "\n");
        Self {
            new_path: is_new.then(|| form.text("path").to_owned()),
            blob: if is_new { String::new() } else { form.text("base-blob").to_owned() },
            commit: form.text("base-commit").to_owned(),
            text: lines("text"),
            summary: form.text("summary").to_owned(),
            description: lines("description"),
        }
    }

    /// Whether it can be committed at all.
    ///
    /// # Errors
    /// 400 for a text that is too long.
    pub(super) fn check(&self) -> HubResult<()> {
        match self.text.len() > MAX_TEXT_BYTES {
            true => Err(HubError::bad_request("This text is too long to be edited here: keep it under 1 MiB.")),
            false => Ok(()),
        }
    }

    /// Where it goes; `place` is the path of the page.
    ///
    /// # Errors
    /// 400 at the field for a path that a repository cannot hold.
    pub(super) fn path(&self, place: &str) -> HubResult<RepoPath> {
        let Some(name) = &self.new_path else { return Ok(RepoPath::new(place)?) };
        if name.is_empty() || name.ends_with('/') {
            return Err(HubError::bad_request("Give the file a name.").at("path"));
        }
        let path = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
        RepoPath::new(&path).map_err(|error| HubError::bad_request(sentence(&error.to_string())).at("path"))
    }

    /// The bytes of the file. One with the line breaks of Windows keeps them.
    pub(super) fn bytes(&self, before: Option<&Opened>) -> Vec<u8> {
        match before.is_some_and(|before| before.crlf) {
            true => self.text.replace('\n', "\r\n").into_bytes(),
            false => self.text.clone().into_bytes(),
        }
    }
}

/// An error of a library as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
