use std::cmp::Ordering;

use hub_types::Oid;

use crate::{Error, Result};

pub(crate) const MODE_FILE: u32 = 0o100_644;
pub(crate) const MODE_EXECUTABLE: u32 = 0o100_755;
pub(crate) const MODE_LINK: u32 = 0o120_000;
pub(crate) const MODE_FOLDER: u32 = 0o040_000;
pub(crate) const MODE_SUBMODULE: u32 = 0o160_000;

/// One row of a tree object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeRow<'a> {
    pub(crate) mode: u32,
    pub(crate) name: &'a [u8],
    pub(crate) oid: Oid,
}

impl TreeRow<'_> {
    pub(crate) fn is_folder(&self) -> bool {
        self.mode == MODE_FOLDER
    }

    /// Compares in the order in which git keeps rows.
    pub(crate) fn cmp_order(&self, other: &TreeRow<'_>) -> Ordering {
        order_key(self.name, self.is_folder()).cmp(order_key(other.name, other.is_folder()))
    }
}

/// Git orders folders as if their names ended in `/`.
pub(crate) fn order_key(name: &[u8], is_folder: bool) -> impl Iterator<Item = u8> + '_ {
    name.iter().copied().chain(is_folder.then_some(b'/'))
}

/// Reads the rows of a tree object, front to back.
pub(crate) fn rows(tree: Oid, data: &[u8]) -> Rows<'_> {
    Rows { tree, rest: data }
}

pub(crate) struct Rows<'a> {
    tree: Oid,
    rest: &'a [u8],
}

impl<'a> Rows<'a> {
    fn split(&self) -> Option<(TreeRow<'a>, &'a [u8])> {
        let space = self.rest.iter().take(8).position(|byte| *byte == b' ')?;
        let mode = u32::from_str_radix(std::str::from_utf8(self.rest.get(..space)?).ok()?, 8).ok()?;
        let rest = self.rest.get(space + 1..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let oid = Oid::from_slice(rest.get(end + 1..end + 21)?)?;
        Some((TreeRow { mode, name: rest.get(..end)?, oid }, rest.get(end + 21..)?))
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<TreeRow<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.split() {
            Some((row, rest)) => {
                self.rest = rest;
                Some(Ok(row))
            }
            None => {
                self.rest = &[];
                Some(Err(Error::ObjectDamaged { oid: self.tree, reason: "a row of the tree is cut off" }))
            }
        }
    }
}

/// Appends a row to a tree object.
pub(crate) fn write_row(data: &mut Vec<u8>, row: &TreeRow<'_>) {
    data.extend_from_slice(format!("{:o} ", row.mode).as_bytes());
    data.extend_from_slice(row.name);
    data.push(0);
    data.extend_from_slice(row.oid.as_bytes());
}
