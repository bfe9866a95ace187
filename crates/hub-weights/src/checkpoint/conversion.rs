//! What of a checkpoint goes where in a safetensors file.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::{Map, Value as Json, json};

use super::contents::{Contents, View};
use super::strided::Strided;
use super::{CheckpointError, Result};
use crate::Dtype;

/// Ends of the names under which models use weights a second time: `transformers` ties them to those with other names, which are
/// kept.
const SECOND_NAMES: [&str; 6] = [
    "lm_head.weight",
    "lm_head.bias",
    "decoder.weight",
    "decoder.bias",
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
];
/// The header of a safetensors file begins with its length, and the numbers at a multiple of this.
const ALIGNMENT: usize = 8;

/// A tensor of the new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Its sides.
    pub shape: Vec<u64>,
    /// Its size.
    pub bytes: u64,
    /// Where it comes from.
    pub source: Source,
}

/// Where the numbers of a tensor come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This part of the file, as it is.
    Straight(Range<u64>),
    /// A part of the file, in another order.
    Strided(Strided),
}

/// A safetensors file to be written.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// Its beginning.
    pub header: Vec<u8>,
    /// What follows, in this order.
    pub pieces: Vec<Piece>,
    /// Names that are left out, and those of the same numbers that are kept.
    pub aliases: BTreeMap<String, String>,
    /// The size of the whole file.
    pub bytes: u64,
}

impl Conversion {
    /// Plans the file; `ranges` says where the numbers of each storage are in a file of `file_bytes`.
    ///
    /// # Errors
    /// A tensor reaches beyond its numbers, or all of them together are far larger than the checkpoint.
    pub fn plan(contents: &Contents, ranges: &[Range<u64>], file_bytes: u64) -> Result<Self> {
        let aliases = aliases(&contents.tensors);
        let mut pieces = Vec::new();
        for (name, view) in contents.tensors.iter().filter(|(name, _)| !aliases.contains_key(name)) {
            let storage = contents.storages.get(view.storage).zip(ranges.get(view.storage));
            let (storage, range) = storage.ok_or(CheckpointError::Broken("numbers that its pickle names are missing"))?;
            if range.end.checked_sub(range.start) != Some(storage.bytes) {
                return Err(CheckpointError::Broken("there are more or fewer numbers than its pickle says"));
            }
            pieces.push(piece(name, view, range)?);
        }
        if pieces.is_empty() {
            return Err(CheckpointError::unsupported("has no tensors"));
        }
        // As the `safetensors` library: what needs to begin at even places comes first.
        pieces.sort_by(|a, b| b.dtype.width().cmp(&a.dtype.width()).then_with(|| a.name.cmp(&b.name)));
        let total = pieces.iter().try_fold(0_u64, |total, piece| total.checked_add(piece.bytes));
        let total = total.filter(|total| *total / 2 <= file_bytes).ok_or(CheckpointError::TooLarge(
            "its tensors show the same numbers many times over (save clones of them instead)",
        ))?;
        let header = header(&pieces, &aliases)?;
        let bytes = total.checked_add(header.len() as u64).ok_or(CheckpointError::TooLarge("its tensors"))?;
        Ok(Self { header, pieces, aliases, bytes })
    }
}

/// Of tensors that are the same numbers in the same shape, the names that are left out, with the one that is kept: the first, of those
/// that are no second names.
fn aliases(tensors: &[(String, View)]) -> BTreeMap<String, String> {
    let mut same: HashMap<&View, Vec<&String>> = HashMap::new();
    for (name, view) in tensors.iter().filter(|(_, view)| view.shape.iter().all(|side| *side > 0)) {
        same.entry(view).or_default().push(name);
    }
    let is_second = |name: &str| SECOND_NAMES.iter().any(|end| name.ends_with(end));
    let mut aliases = BTreeMap::new();
    for names in same.into_values().filter(|names| names.len() > 1) {
        let Some(kept) = names.iter().min_by_key(|name| (is_second(name), **name)) else { continue };
        for name in names.iter().filter(|name| *name != kept) {
            aliases.insert((*name).clone(), (*kept).clone());
        }
    }
    aliases
}

fn piece(name: &str, view: &View, storage: &Range<u64>) -> Result<Piece> {
    const OUTSIDE: CheckpointError = CheckpointError::Broken("a tensor reaches beyond its numbers");
    if view.shape.len() != view.strides.len() {
        return Err(CheckpointError::Broken("a tensor has sides of which nothing says how far their numbers are apart"));
    }
    let width = view.dtype.width() as u64;
    let count = view.shape.iter().try_fold(1_u64, |count, side| count.checked_mul(*side)).ok_or(OUTSIDE)?;
    let bytes = count.checked_mul(width).ok_or(OUTSIDE)?;
    // From the first number to behind the last.
    let reach = |reach: u64, (side, stride): (&u64, &u64)| reach.checked_add(side.checked_sub(1)?.checked_mul(*stride)?);
    let span = match count {
        0 => 0,
        _ => view.shape.iter().zip(&view.strides).try_fold(1, reach).and_then(|span| span.checked_mul(width)).ok_or(OUTSIDE)?,
    };
    let start = view.offset.checked_mul(width).and_then(|offset| offset.checked_add(storage.start)).ok_or(OUTSIDE)?;
    let end = start.checked_add(span).filter(|end| *end <= storage.end || span == 0).ok_or(OUTSIDE)?;
    let source = match span == bytes && is_in_order(view) {
        _ if count == 0 => Source::Straight(0..0),
        true => Source::Straight(start..end),
        false => Source::Strided(Strided::new(view, start..end, bytes)?),
    };
    Ok(Piece { name: name.to_owned(), dtype: view.dtype, shape: view.shape.clone(), bytes, source })
}

fn is_in_order(view: &View) -> bool {
    let mut expected = Some(1_u64);
    view.shape.iter().zip(&view.strides).rev().filter(|(side, _)| **side != 1).all(|(side, stride)| {
        let is_next = expected == Some(*stride);
        expected = expected.and_then(|expected| expected.checked_mul(*side));
        is_next
    })
}

fn header(pieces: &[Piece], aliases: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut meta = Map::new();
    for (name, kept) in aliases {
        meta.insert(name.clone(), Json::String(kept.clone()));
    }
    meta.insert("format".to_owned(), json!("pt"));
    let mut entries = Map::new();
    entries.insert("__metadata__".to_owned(), Json::Object(meta));
    let mut at = 0;
    for piece in pieces {
        let end = at + piece.bytes;
        entries
            .insert(piece.name.clone(), json!({ "dtype": piece.dtype.name(), "shape": piece.shape, "data_offsets": [at, end] }));
        at = end;
    }
    let mut text = serde_json::to_vec(&entries).map_err(|_| CheckpointError::TooLarge("its names"))?;
    text.resize(text.len().next_multiple_of(ALIGNMENT), b' ');
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.append(&mut text);
    Ok(header)
}

/// The name of the safetensors file that a checkpoint becomes, as the Hub's own conversion chooses it: `pytorch_model.bin` becomes
/// `model.safetensors`, and so do the parts of one. `None` for names that no checkpoint of weights has.
pub fn safetensors_name(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_known = matches!(extension.to_ascii_lowercase().as_str(), "bin" | "pt" | "pth" | "ckpt");
    (is_known && !stem.is_empty()).then(|| format!("{}.safetensors", stem.replace("pytorch_model", "model")))
}
