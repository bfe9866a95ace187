//! Joining a pull request with its branch, in memory: line by line as git does, and the metadata of a card key by key.
//!
//! Everything here reads a repository's objects, and so blocks.

mod card;

use hub_git::{GitReader, Merge, Settled};
use hub_types::Oid;

pub use card::{CardSides, JoinedCard};

/// The file whose metadata is joined key by key.
pub const CARD: &str = "README.md";

/// A branch and a pull request, joined as far as that goes by itself.
#[derive(Debug)]
pub struct Joined {
    /// All files.
    pub merge: Merge,
    /// What became of the card.
    pub card: Card,
}

/// What became of a card that both sides may have changed.
#[derive(Debug)]
pub enum Card {
    /// What git makes of it.
    AsGitDoes,
    /// Its metadata was joined key by key, where git could not or would have been wrong.
    ByKeys,
    /// Somebody must decide.
    Conflict(Box<(CardSides, JoinedCard)>),
}

/// What comes of joining two commits, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The paths that somebody must settle: at most a hundred.
    pub conflicts: Vec<String>,
    /// Whether the metadata of the card was joined key by key.
    pub card_by_keys: bool,
}

/// Joins the commit of a pull request with that of its branch. `labels` name the branch and the pull request where lines differ.
///
/// # Errors
/// A commit is unknown or objects are missing.
pub fn join(reader: &GitReader, onto: Oid, from: Oid, labels: [&str; 2]) -> hub_git::Result<Joined> {
    let mut merge = Merge::new(reader, onto, from)?;
    let card = join_card(&mut merge, labels)?;
    Ok(Joined { merge, card })
}

/// Says what comes of joining two commits.
///
/// # Errors
/// As [`join`].
pub fn outcome(reader: &GitReader, onto: Oid, from: Oid) -> hub_git::Result<Outcome> {
    if reader.merge_base(onto, from)? == Some(onto) {
        return Ok(Outcome::default());
    }
    let joined = join(reader, onto, from, ["", ""])?;
    Ok(Outcome { conflicts: joined.merge.conflict_paths()?, card_by_keys: matches!(joined.card, Card::ByKeys) })
}

fn join_card(merge: &mut Merge, labels: [&str; 2]) -> hub_git::Result<Card> {
    if merge.is_too_much() {
        return Ok(Card::AsGitDoes);
    }
    let Some(file) = merge.both_changed(CARD)? else { return Ok(Card::AsGitDoes) };
    let Some(sides) = CardSides::read(merge, &file)? else { return Ok(Card::AsGitDoes) };
    let Some(joined) = sides.join(labels)? else { return Ok(Card::AsGitDoes) };
    let Some(text) = &joined.text else {
        merge.hold_back(file);
        return Ok(Card::Conflict(Box::new((sides, joined))));
    };
    if joined.lines_say_it {
        return Ok(Card::AsGitDoes);
    }
    merge.settle(&file, Settled::Content(text.as_bytes()))?;
    Ok(Card::ByKeys)
}
