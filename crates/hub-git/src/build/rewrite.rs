use std::collections::{HashMap, HashSet};
use std::path::Path;

use git2::{ObjectType, Odb};
use hub_types::Oid;

use super::built_pack::BuiltPack;
use super::pack::PackWriter;
use crate::object::{CommitLinks, MODE_FOLDER, TreeRow, rows, write_row};
use crate::oid::to_git;
use crate::reader::{GitReader, MAX_DEPTH, read};
use crate::{Error, Result};

/// Histories without some files.
#[derive(Debug)]
pub struct Rewritten {
    /// For each tip that is another now, what it has become.
    pub tips: HashMap<Oid, Oid>,
    /// The new objects; `None` when no history had any of the files.
    pub pack: Option<BuiltPack>,
}

/// Takes blobs out of all of the histories of some commits and annotated tags, wherever they are files. What is not
/// concerned keeps its id; in what is, signatures are dropped, as they no longer fit.
///
/// # Errors
/// A tip is unknown or objects are missing.
pub fn rewrite_without(base: &GitReader, scratch: &Path, tips: &[Oid], blobs: &HashSet<Oid>) -> Result<Rewritten> {
    let odb = base.odb()?;
    let pack = PackWriter::new(base, scratch)?;
    let mut rewrite = Rewrite { odb: &odb, pack, blobs, trees: HashMap::new(), commits: HashMap::new() };
    let mut changed = HashMap::new();
    for tip in tips {
        let new = rewrite.tip(*tip)?;
        if new != *tip {
            changed.insert(*tip, new);
        }
    }
    Ok(Rewritten { tips: changed, pack: rewrite.pack.finish()? })
}

struct Rewrite<'a> {
    odb: &'a Odb<'a>,
    pack: PackWriter<'a>,
    blobs: &'a HashSet<Oid>,
    /// What each tree has become; `None`: nothing is left in it.
    trees: HashMap<Oid, Option<Oid>>,
    commits: HashMap<Oid, Oid>,
}

impl Rewrite<'_> {
    fn tip(&mut self, tip: Oid) -> Result<Oid> {
        match self.odb.read_header(to_git(tip)?)?.1 {
            ObjectType::Commit => self.history(tip),
            ObjectType::Tag => self.tag(tip),
            _ => Ok(tip),
        }
    }

    /// Parents first, without recursion: histories are long.
    fn history(&mut self, tip: Oid) -> Result<Oid> {
        let mut waiting = vec![tip];
        while let Some(commit) = waiting.last().copied() {
            if self.commits.contains_key(&commit) {
                waiting.pop();
                continue;
            }
            let object = read(self.odb, commit, ObjectType::Commit)?;
            let links = CommitLinks::parse(commit, object.data())?;
            let open = waiting.len();
            waiting.extend(links.parents.iter().filter(|parent| !self.commits.contains_key(parent)));
            if waiting.len() == open {
                let new = self.commit(commit, &links, object.data())?;
                self.commits.insert(commit, new);
            }
        }
        Ok(self.commits.get(&tip).copied().unwrap_or(tip))
    }

    fn commit(&mut self, commit: Oid, links: &CommitLinks, data: &[u8]) -> Result<Oid> {
        let tree = match self.tree(links.tree, 0)? {
            Some(tree) => tree,
            None => self.pack.add(ObjectType::Tree, b"")?,
        };
        let parents: Vec<Oid> = links.parents.iter().map(|parent| self.commits.get(parent).copied().unwrap_or(*parent)).collect();
        if tree == links.tree && parents == links.parents {
            return Ok(commit);
        }
        let mut text = format!("tree {tree}\n").into_bytes();
        parents.iter().for_each(|parent| text.extend(format!("parent {parent}\n").bytes()));
        text.extend(unsigned_rest(data));
        self.pack.add(ObjectType::Commit, &text)
    }

    fn tag(&mut self, tag: Oid) -> Result<Oid> {
        let object = read(self.odb, tag, ObjectType::Tag)?;
        let damaged = || Error::ObjectDamaged { oid: tag, reason: "a tag without a target" };
        let data = object.data();
        let target = data.strip_prefix(b"object ").and_then(crate::oid::from_hex).ok_or_else(damaged)?;
        let new = self.tip(target)?;
        if new == target {
            return Ok(tag);
        }
        let rest = data.get(b"object ".len() + 40..).ok_or_else(damaged)?;
        self.pack.add(ObjectType::Tag, &[format!("object {new}").as_bytes(), rest].concat())
    }

    fn tree(&mut self, tree: Oid, depth: usize) -> Result<Option<Oid>> {
        if let Some(known) = self.trees.get(&tree) {
            return Ok(*known);
        }
        if depth > MAX_DEPTH {
            return Err(Error::ObjectDamaged { oid: tree, reason: "folders are nested too deeply" });
        }
        let object = read(self.odb, tree, ObjectType::Tree)?;
        let (mut data, mut changed) = (Vec::new(), false);
        for row in rows(tree, object.data()) {
            let row = row?;
            let kept = match row.mode {
                MODE_FOLDER => self.tree(row.oid, depth + 1)?,
                _ => (!self.blobs.contains(&row.oid)).then_some(row.oid),
            };
            changed |= kept != Some(row.oid);
            if let Some(oid) = kept {
                write_row(&mut data, &TreeRow { oid, ..row });
            }
        }
        let new = match (changed, data.is_empty()) {
            (false, _) => Some(tree),
            (true, true) => None,
            (true, false) => Some(self.pack.add(ObjectType::Tree, &data)?),
        };
        self.trees.insert(tree, new);
        Ok(new)
    }
}

/// What follows tree and parents in a commit, without its signature.
fn unsigned_rest(data: &[u8]) -> Vec<u8> {
    let end = data.windows(2).position(|pair| pair == b"\n\n").map_or(data.len(), |end| end + 1);
    let (header, message) = data.split_at(end);
    let (mut rest, mut in_signature) = (Vec::new(), false);
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        // A signature goes over several lines; those after the first start with a space.
        in_signature = line.starts_with(b"gpgsig") || (in_signature && line.starts_with(b" "));
        if !in_signature && !line.starts_with(b"tree ") && !line.starts_with(b"parent ") {
            rest.extend_from_slice(line);
        }
    }
    rest.extend_from_slice(message);
    rest
}
