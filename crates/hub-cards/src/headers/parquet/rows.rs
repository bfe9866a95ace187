//! The first values of a column, from the beginning of its chunk.
//!
//! What pyarrow, Spark, DuckDB and most others write by default is read: values as they are or by a dictionary, packed with
//! Snappy, gzip, Zstandard or LZ4, in lists or not. Of a list, and of lists in lists, a cell shows the values in a row.

use super::super::{HeaderError, Progress};
use super::levels::Runs;
use super::page::{PageHeader, PageKind, unpack};
use super::schema::Leaf;
use super::thrift::{Reader, Step, malformed};
use super::values::{MAX_CELL_CHARS, Plain, shown};
use super::{Chunk, Column};

/// The most levels that are looked at: a list may claim to have billions of items in a few bytes.
const MAX_LEVELS: usize = 500_000;
/// The most values of a dictionary.
const MAX_DICTIONARY: u64 = 1 << 20;
/// The most bytes of pages that are unpacked.
const MAX_UNPACKED_BYTES: u64 = 16 << 20;
/// What is asked for when a prefix ends within the header of a page, which is short.
const STEP_BYTES: u64 = 16 << 10;

// `Encoding`.
const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const RLE_DICTIONARY: i64 = 8;

/// The first `count` values of a column, an absent one as nothing; fewer when the group has fewer. `prefix` is the beginning of
/// the chunk.
///
/// # Errors
/// The bytes are not such pages, or written in a way that is not read here.
pub fn first_values(column: &Column, chunk: &Chunk, prefix: &[u8], count: usize) -> Result<Progress<Vec<String>>, HeaderError> {
    if chunk.elsewhere {
        return malformed("its values are elsewhere");
    }
    let leaf = &column.leaf;
    let mut cells = Cells { leaf, done: Vec::new(), open: None, wanted: count, levels_left: MAX_LEVELS };
    let mut dictionary = None;
    let (mut at, mut values, mut unpacked) = (0, 0, 0);
    while values < chunk.values && !cells.is_enough() {
        let rest = prefix.get(at..).unwrap_or_default();
        let mut reader = Reader::new(rest);
        let header = match PageHeader::read(&mut reader) {
            Ok(header) => header,
            Err(HeaderError::Truncated) => return more(prefix, prefix.len() as u64 + STEP_BYTES, chunk),
            Err(error) => return Err(error),
        };
        let start = at + reader.at();
        let end = start as u64 + header.packed;
        let Some(page) = usize::try_from(end).ok().and_then(|end| prefix.get(start..end)) else {
            return more(prefix, end, chunk);
        };
        unpacked += header.unpacked;
        if unpacked > MAX_UNPACKED_BYTES {
            return Err(HeaderError::TooLarge("its pages"));
        }
        match header.kind {
            PageKind::Dictionary => {
                dictionary = Some(Dictionary::read(&unpack(chunk.codec, page, header.unpacked)?, &header, leaf)?)
            }
            PageKind::Data | PageKind::DataV2 => {
                values += header.values.max(1);
                cells.read(&Page::unpack(page, &header, chunk, leaf)?, dictionary.as_ref())?;
            }
            PageKind::Other => {}
        }
        at = start + page.len();
    }
    Ok(Progress::Done(cells.finish(values >= chunk.values)))
}

/// Asks for more bytes, when the chunk has them.
fn more<T>(prefix: &[u8], wanted: u64, chunk: &Chunk) -> Result<Progress<T>, HeaderError> {
    let wanted = wanted.min(chunk.length);
    if wanted > prefix.len() as u64 { Ok(Progress::NeedBytes(wanted)) } else { Err(HeaderError::Truncated) }
}

/// The values that others stand for, already written: most cells need the same few.
struct Dictionary(Vec<Option<String>>);

impl Dictionary {
    fn read(bytes: &[u8], header: &PageHeader, leaf: &Leaf) -> Step<Self> {
        if header.values > MAX_DICTIONARY {
            return Err(HeaderError::TooLarge("a dictionary"));
        }
        let values = Plain::new(bytes, leaf).take(usize::try_from(header.values).unwrap_or(0));
        Ok(Self(values.map(|value| shown(value, leaf)).collect()))
    }
}

/// A page of values, unpacked.
struct Page {
    bytes: Vec<u8>,
    repetition: std::ops::Range<usize>,
    definition: std::ops::Range<usize>,
    values: std::ops::Range<usize>,
    count: u64,
    encoding: i64,
}

impl Page {
    fn unpack(page: &[u8], header: &PageHeader, chunk: &Chunk, leaf: &Leaf) -> Step<Self> {
        let (count, encoding) = (header.values, header.encoding);
        if header.kind == PageKind::Data {
            let bytes = unpack(chunk.codec, page, header.unpacked)?;
            let repetition = levels_at(&bytes, 0, leaf.max_repetition)?;
            let definition = levels_at(&bytes, repetition.end, leaf.max_definition)?;
            let values = definition.end..bytes.len();
            return Ok(Self { bytes, repetition, definition, values, count, encoding });
        }
        let place = |length: u64| usize::try_from(length).ok().filter(|length| *length <= page.len());
        let (Some(first), Some(second)) = (place(header.repetition_bytes), place(header.definition_bytes)) else {
            return Err(HeaderError::Truncated);
        };
        let (Some((levels, packed)), Some(unpacked)) =
            (page.split_at_checked(first + second), header.unpacked.checked_sub((first + second) as u64))
        else {
            return Err(HeaderError::Truncated);
        };
        let codec = if header.is_plain { 0 } else { chunk.codec };
        // A page without values is empty, which no packer makes.
        let values = if unpacked == 0 { Vec::new() } else { unpack(codec, packed, unpacked)? };
        let bytes = [levels, values.as_slice()].concat();
        let values = first + second..bytes.len();
        Ok(Self { bytes, repetition: 0..first, definition: first..first + second, values, count, encoding })
    }
}

/// Where the levels are in a page of the first version: their length goes before them. None are written where there is one only.
fn levels_at(bytes: &[u8], start: usize, max: u32) -> Step<std::ops::Range<usize>> {
    if max == 0 {
        return Ok(start..start);
    }
    let length = bytes.get(start..).and_then(|rest| rest.first_chunk()).map(|length| u32::from_le_bytes(*length));
    let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(HeaderError::Truncated)?;
    let range = start + 4..(start + 4).saturating_add(length);
    if range.end > bytes.len() { Err(HeaderError::Truncated) } else { Ok(range) }
}

/// Where the values of a page come from.
enum Source<'a> {
    Plain(Plain<'a>),
    Flags(Runs<'a>),
    Places(Runs<'a>, &'a Dictionary),
}

impl<'a> Source<'a> {
    fn new(page: &'a Page, leaf: &Leaf, dictionary: Option<&'a Dictionary>) -> Step<Self> {
        let bytes = &page.bytes[page.values.clone()];
        let source = match (page.encoding, dictionary) {
            (PLAIN, _) => Some(Self::Plain(Plain::new(bytes, leaf))),
            // Truth values, behind their length.
            (RLE, _) if leaf.physical == 0 => Runs::new(bytes.get(4..).unwrap_or_default(), 1).map(Self::Flags),
            (PLAIN_DICTIONARY | RLE_DICTIONARY, Some(dictionary)) => {
                let (width, runs) = bytes.split_first().unwrap_or((&0, &[]));
                Runs::new(runs, u32::from(*width)).map(|runs| Self::Places(runs, dictionary))
            }
            _ => None,
        };
        source.map_or_else(|| malformed("an encoding that is not read here"), Ok)
    }

    /// The next value: `None` when there is none, an absent text for one that cannot be written.
    fn next(&mut self, leaf: &Leaf) -> Option<Option<String>> {
        match self {
            Self::Plain(values) => values.next().map(|value| shown(value, leaf)),
            Self::Flags(flags) => flags.next().map(|flag| Some((flag == 1).to_string())),
            Self::Places(places, dictionary) => dictionary.0.get(usize::try_from(places.next()?).ok()?).cloned(),
        }
    }
}

/// Cells as they come to be.
struct Cells<'a> {
    leaf: &'a Leaf,
    done: Vec<String>,
    /// The list at hand: its next item may be on the next page.
    open: Option<String>,
    wanted: usize,
    levels_left: usize,
}

impl Cells<'_> {
    fn is_enough(&self) -> bool {
        self.done.len() >= self.wanted || self.levels_left == 0
    }

    fn read(&mut self, page: &Page, dictionary: Option<&Dictionary>) -> Step<()> {
        let leaf = self.leaf;
        let wrong = || HeaderError::Malformed("its levels".to_owned());
        let bits = |max: u32| u32::BITS - max.leading_zeros();
        let mut repetition = Runs::new(&page.bytes[page.repetition.clone()], bits(leaf.max_repetition)).ok_or_else(wrong)?;
        let mut definition = Runs::new(&page.bytes[page.definition.clone()], bits(leaf.max_definition)).ok_or_else(wrong)?;
        let mut source = None;
        for _ in 0..page.count {
            let repeated = if leaf.max_repetition == 0 { 0 } else { repetition.next().ok_or_else(wrong)? };
            if repeated == 0 {
                self.close();
            }
            if self.is_enough() {
                break;
            }
            self.levels_left -= 1;
            let defined = if leaf.max_definition == 0 { 0 } else { definition.next().ok_or_else(wrong)? };
            let value = if defined == leaf.max_definition {
                // Of a page without values, not even the encoding needs to be known.
                if source.is_none() {
                    source = Some(Source::new(page, leaf, dictionary)?);
                }
                let next = source.as_mut().and_then(|source| source.next(leaf));
                Some(next.ok_or(HeaderError::Truncated)?.unwrap_or_else(|| "?".to_owned()))
            } else {
                None
            };
            self.add(value, defined);
        }
        Ok(())
    }

    fn add(&mut self, value: Option<String>, defined: u32) {
        if self.leaf.max_repetition == 0 {
            self.done.push(value.unwrap_or_default());
            return;
        }
        let has_item = defined >= self.leaf.item_definition;
        let is_list = defined >= self.leaf.list_definition;
        let Some(list) = &mut self.open else {
            let first = if has_item { value.unwrap_or_else(|| "null".to_owned()) } else { String::new() };
            self.open = Some(if is_list { format!("[{first}") } else { String::new() });
            return;
        };
        if has_item && list.len() < MAX_CELL_CHARS * 4 {
            list.push_str(if list.len() > 1 { ", " } else { "" });
            list.push_str(value.as_deref().unwrap_or("null"));
        }
    }

    /// Ends the list at hand.
    fn close(&mut self) {
        if let Some(mut list) = self.open.take() {
            match list.char_indices().nth(MAX_CELL_CHARS) {
                Some((end, _)) => {
                    list.truncate(end);
                    list.push('…');
                }
                None if list.is_empty() => {}
                None => list.push(if self.levels_left == 0 { '…' } else { ']' }),
            }
            self.done.push(list);
        }
    }

    /// What there is. A list is whole only when nothing follows it.
    fn finish(mut self, is_end: bool) -> Vec<String> {
        if is_end || self.done.is_empty() {
            self.close();
        }
        self.done.truncate(self.wanted);
        self.done
    }
}

#[cfg(test)]
mod tests;
