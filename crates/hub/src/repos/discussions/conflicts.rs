//! What a pull request and its branch both changed, each in its own way, read for people who are to settle it without git.

use hub_cards::KeyConflict;
use hub_git::{FileConflict, LfsPointer, MAX_MERGED_FILE_BYTES, MAX_POINTER_BYTES, Merge, Version, merge_text};
use hub_types::{Oid, RefName};

use super::pull_ref;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::repos::access::{Level, RepoRead};
use crate::repos::merging::{self, CARD, Card, CardSides, Joined, JoinedCard};
use crate::repos::queries::{Repo, discussions::Discussion};
use crate::repos::reading;
use crate::repos::refs::get_ref;

/// The most files that are settled at once. For more, there is git.
pub(super) const MAX_FILES: usize = 50;
/// The most text that is edited at once, in bytes; of further files, a whole version is chosen.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;

/// What must be settled between a pull request and its branch.
#[derive(Debug)]
pub struct Conflicts {
    /// The branch.
    pub branch: String,
    /// Both commits.
    pub heads: Heads,
    /// The files, by path; none when there are more than can be settled here.
    pub files: Vec<Conflicting>,
    /// Whether there are more.
    pub too_many: bool,
}

/// Where a pull request and its branch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// The commit of the branch.
    pub onto: Oid,
    /// The commit of the pull request.
    pub from: Oid,
}

/// A file that must be settled.
#[derive(Debug)]
pub struct Conflicting {
    /// Its path.
    pub path: String,
    /// How it came to that.
    pub kind: Kind,
    /// How it can be settled besides by choosing a version.
    pub what: Settling,
    /// What the versions are, in one word that other versions do not have.
    pub seen: String,
    /// Their blobs.
    blobs: Vec<Oid>,
}

/// How it came to a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Both changed it.
    Changed,
    /// Both added it.
    Added,
    /// The branch has it no longer, the pull request changed it.
    DeletedHere,
    /// The pull request has it no longer, the branch changed it.
    DeletedThere,
}

/// How a file can be settled.
#[derive(Debug)]
pub enum Settling {
    /// As a text, in which git's markers stand around what both changed.
    Text(String),
    /// As a card: its metadata key by key, and the text below if both changed that.
    Card {
        /// What in the metadata must be decided.
        keys: Vec<KeyConflict>,
        /// The text below, with markers.
        body: Option<String>,
    },
    /// By choosing a version, for a reason.
    Whole(&'static str),
}

impl Conflicting {
    fn new(found: &FileConflict, what: Settling) -> Self {
        let kind = match (found.base, found.ours, found.theirs) {
            (_, None, _) => Kind::DeletedHere,
            (_, _, None) => Kind::DeletedThere,
            (None, _, _) => Kind::Added,
            _ => Kind::Changed,
        };
        let sides = [found.base, found.ours, found.theirs];
        let ids = sides.map(|side| side.map(|side| side.oid.to_hex()).unwrap_or_default());
        let blobs = sides.into_iter().flatten().map(|side| side.oid).collect();
        Self { path: found.path.clone(), kind, what, seen: ids.join("-"), blobs }
    }
}

/// Reads what must be settled of a pull request.
///
/// # Errors
/// 404 when the branch is gone.
pub async fn conflicts(app: &App, read: &RepoRead, found: &Discussion) -> HubResult<Conflicts> {
    let (base, heads) = heads(app, &read.repo, found).await?;
    let branch = base.branch_name().unwrap_or(base.as_str()).to_owned();
    let labels = Labels::new(&branch, found.num);
    let listed = reading::read(app, &read.repo, move |reader| {
        let joined = merging::join(reader, heads.onto, heads.from, labels.both())?;
        list(&joined, &labels)
    });
    let listed = listed.await?;
    let too_many = listed.is_none();
    let mut files = listed.unwrap_or_default();
    withhold_recalled(app, read, &mut files).await?;
    Ok(Conflicts { branch, heads, files, too_many })
}

/// Leaves no text of a file that was recalled to those who may not put it right: they choose a version.
async fn withhold_recalled(app: &App, read: &RepoRead, files: &mut [Conflicting]) -> HubResult<()> {
    if read.level >= Level::Write {
        return Ok(());
    }
    let blobs: Vec<Content> = files.iter().flat_map(|file| &file.blobs).map(|blob| Content::Blob(*blob)).collect();
    let recalled = recalls::among(app, read.repo.pk, &blobs).await?;
    for file in files {
        if file.blobs.iter().any(|blob| recalled.contains_key(&Content::Blob(*blob))) {
            file.what = Settling::Whole("A version of it was recalled.");
        }
    }
    Ok(())
}

/// The branch of a pull request, and both commits.
pub(super) async fn heads(app: &App, repo: &Repo, found: &Discussion) -> HubResult<(RefName, Heads)> {
    let none = || HubError::bad_request(format!("#{} is a discussion: there is nothing to settle.", found.num));
    let base = found.base.clone().ok_or_else(none)?;
    let onto = get_ref(app, repo, &base, base.branch_name().unwrap_or(base.as_str())).await?;
    let pull = pull_ref(found.num)?;
    let from = get_ref(app, repo, &pull, pull.as_str()).await?;
    Ok((base, Heads { onto, from }))
}

/// What the sides are called in markers.
#[derive(Debug, Clone)]
pub(super) struct Labels {
    branch: String,
    pull: String,
}

impl Labels {
    pub(super) fn new(branch: &str, num: i64) -> Self {
        Self { branch: branch.to_owned(), pull: format!("#{num}") }
    }

    pub(super) fn both(&self) -> [&str; 2] {
        [&self.branch, &self.pull]
    }
}

/// The files that must be settled, or nothing when they are too many.
fn list(joined: &Joined, labels: &Labels) -> hub_git::Result<Option<Vec<Conflicting>>> {
    let conflicts = joined.merge.conflicts()?;
    if joined.merge.is_too_much() || conflicts.len() > MAX_FILES {
        return Ok(None);
    }
    let (mut room, mut files) = (MAX_TEXT_BYTES, Vec::new());
    for found in conflicts {
        let what = match Settleable::of(joined, &found, labels, &mut room)? {
            Settleable::Card(_, card) => {
                Settling::Card { keys: card.keys.clone(), body: (!card.body_is_clean).then(|| card.body.clone()) }
            }
            Settleable::Text { marked, .. } => Settling::Text(marked),
            Settleable::Whole(why) => Settling::Whole(why),
        };
        files.push(Conflicting::new(&found, what));
    }
    Ok(Some(files))
}

/// How a conflict can be settled, with what that takes.
pub(super) enum Settleable<'a> {
    Card(&'a CardSides, &'a JoinedCard),
    Text {
        /// With markers.
        marked: String,
        /// The two versions.
        sides: [String; 2],
    },
    Whole(&'static str),
}

impl<'a> Settleable<'a> {
    /// `room` is how much more text can be edited.
    pub(super) fn of(joined: &'a Joined, found: &FileConflict, labels: &Labels, room: &mut usize) -> hub_git::Result<Self> {
        if let (Card::Conflict(card), CARD) = (&joined.card, found.path.as_str()) {
            let (sides, card) = card.as_ref();
            let size = if card.body_is_clean { 0 } else { card.body.len() };
            return Ok(match take(room, size) {
                true => Self::Card(sides, card),
                false => Self::Whole(MUCH_TEXT),
            });
        }
        let (Some(ours), Some(theirs)) = (found.ours, found.theirs) else {
            return Ok(Self::Whole("One side deleted it."));
        };
        if ![Some(ours), Some(theirs), found.base].into_iter().flatten().all(|version| version.is_file()) {
            return Ok(Self::Whole("It is a link or a submodule."));
        }
        if [ours, theirs].iter().any(|version| version.size > MAX_MERGED_FILE_BYTES)
            || found.base.is_some_and(|base| base.size > MAX_MERGED_FILE_BYTES)
        {
            return Ok(Self::Whole("It is larger than 512 KiB."));
        }
        let mut texts = Vec::new();
        for version in [found.base, Some(ours), Some(theirs)] {
            match text_of(&joined.merge, version)? {
                Ok(text) => texts.push(text),
                Err(why) => return Ok(Self::Whole(why)),
            }
        }
        let Ok([base, ours, theirs]) = <[String; 3]>::try_from(texts) else { return Ok(Self::Whole(NO_TEXT)) };
        if !take(room, ours.len() + theirs.len()) {
            return Ok(Self::Whole(MUCH_TEXT));
        }
        let marked = merge_text(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), labels.both())?;
        Ok(match String::from_utf8(marked.bytes) {
            Ok(marked) => Self::Text { marked, sides: [ours, theirs] },
            Err(_) => Self::Whole(NO_TEXT),
        })
    }
}

const NO_TEXT: &str = "It is no text.";
const MUCH_TEXT: &str = "There is too much text here to edit it all at once.";

fn take(room: &mut usize, size: usize) -> bool {
    let left = room.checked_sub(size);
    *room = left.unwrap_or(*room);
    left.is_some()
}

/// The text of a version, or why it is none.
fn text_of(merge: &Merge, version: Option<Version>) -> hub_git::Result<Result<String, &'static str>> {
    let bytes = merge.bytes(version, MAX_MERGED_FILE_BYTES)?;
    if bytes.len() as u64 <= MAX_POINTER_BYTES && LfsPointer::parse(&bytes).is_some() {
        return Ok(Err("It is a large file."));
    }
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(NO_TEXT))
}
