//! Files in files: what is packed is unpacked on the way, within the budget.

mod tars;

use std::io::Cursor;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use lz4_flex::frame::FrameDecoder;

use crate::input::{Budget, Input, ReadSeek, Source, Stop, Unpacked, Window};
use crate::kind::Kind;
use crate::report::{Finding, Level, MAX_NAME_CHARS, Report, Topic, shown};
use crate::zip::{self, Entry};
use crate::{content, keras, pickle, tar};

/// Archives in archives.
const MAX_DEPTH: usize = 4;
/// How many entries of one archive are looked into.
const MAX_LOOKED_INTO: usize = 500;
/// The largest archive in an archive that is unpacked to be looked into.
const MAX_INNER_BYTES: usize = 16 << 20;
/// From when on it is told how much larger an archive becomes.
const BOMB_BYTES: u64 = 256 << 20;
/// How many times larger than it is, for a bomb. Deflate reaches 1032; zeros in weights are packed so well, too, but not all of them.
const BOMB_RATIO: u64 = 200;

/// A place in archives: how deep, and the names of the entries on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    depth: usize,
    /// The entry, for reports.
    pub entry: Option<String>,
}

impl Place {
    fn within(&self, name: &str) -> Self {
        let entry = match &self.entry {
            Some(outer) => format!("{outer} › {name}"),
            None => name.to_owned(),
        };
        Self { depth: self.depth + 1, entry: Some(shown(&entry, MAX_NAME_CHARS)) }
    }
}

fn bomb(report: &mut Report, place: &Place, level: Level, text: String) {
    report.add(Finding { topic: Topic::Archive, level, text, line: None, entry: place.entry.clone() });
}

/// How a stream is packed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zlib,
    Lz4,
    /// One that nothing here unpacks.
    Unknown(&'static str),
}

impl Packing {
    pub(crate) fn of(head: &[u8], kind: Kind) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            // Two bytes are little to go by; joblib packs so, and nobody texts.
            [0x78, second, ..] if kind == Kind::Pickle && (0x7800 + u32::from(*second)) % 31 == 0 => Some(Self::Zlib),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some(Self::Unknown("bzip2")),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Unknown("xz")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Unknown("zstd")),
            [b'7', b'z', 0xbc, 0xaf, ..] => Some(Self::Unknown("7z")),
            [b'R', b'a', b'r', b'!', 0x1a, ..] => Some(Self::Unknown("RAR")),
            [0x5d, 0, 0, ..] if kind == Kind::Pickle => Some(Self::Unknown("LZMA")),
            _ => None,
        }
    }
}

/// Unpacks a stream and looks at what is in it.
pub(crate) fn scan_packed(
    window: Window<'_>,
    packing: Packing,
    kind: Kind,
    budget: &Budget,
    place: &Place,
    report: &mut Report,
) -> Result<(), Stop> {
    let source: Box<dyn Source> = match packing {
        Packing::Gzip => Box::new(Unpacked(MultiGzDecoder::new(window))),
        Packing::Zlib => Box::new(Unpacked(ZlibDecoder::new(window))),
        Packing::Lz4 => Box::new(Unpacked(FrameDecoder::new(window))),
        Packing::Unknown(name) => {
            report.leave_out(format!("It is packed with {name}, which is not looked into."));
            return Ok(());
        }
    };
    scan_inner(source, kind, budget, &Place { depth: place.depth + 1, entry: place.entry.clone() }, report)
}

/// Looks at what can only be read from first to last.
fn scan_inner(source: Box<dyn Source + '_>, kind: Kind, budget: &Budget, place: &Place, report: &mut Report) -> Result<(), Stop> {
    let mut input = Input::new(source, budget);
    let head = input.peek(tar::BLOCK_BYTES)?.to_vec();
    let is_tar = tar::begins(&head);
    let is_other = head.starts_with(b"PK\x03\x04") || Packing::of(&head, kind).is_some();
    if !is_tar && !is_other {
        return content::scan(&mut input, kind, place.entry.as_deref(), report);
    }
    if is_too_deep(place, report) {
        return Ok(());
    }
    // The name of its first file is what the archive begins with, and may be anything.
    let is_only_tar = is_tar && !is_other && !may_be_pickle(&head, kind);
    if is_only_tar {
        return tars::scan_stream(&mut input, kind, budget, place, report);
    }
    let (bytes, more) = input.rest(MAX_INNER_BYTES)?;
    if more {
        report.leave_out(format!("An archive in it is larger than {} MiB and was not looked into.", MAX_INNER_BYTES >> 20));
        return match is_tar {
            true => content::scan(&mut input, kind, place.entry.as_deref(), report),
            false => Ok(()),
        };
    }
    // What was read is held once.
    drop(input);
    let size = bytes.len() as u64;
    scan_file(&mut Cursor::new(bytes), size, kind, budget, place, report)
}

fn is_too_deep(place: &Place, report: &mut Report) -> bool {
    let is_deep = place.depth >= MAX_DEPTH;
    if is_deep {
        bomb(report, place, Level::Suspicious, format!("Archives lie in each other more than {MAX_DEPTH} deep."));
    }
    is_deep
}

/// Whether somebody may load it as a pickle, whatever else it is.
fn may_be_pickle(head: &[u8], kind: Kind) -> bool {
    kind == Kind::Pickle || pickle::has_magic(head)
}

/// Looks at a whole file, or at an archive in an archive.
pub(crate) fn scan_file(
    file: &mut dyn ReadSeek,
    size: u64,
    kind: Kind,
    budget: &Budget,
    place: &Place,
    report: &mut Report,
) -> Result<(), Stop> {
    let head = Input::new(Box::new(Window::new(file, 0, size)), budget).peek(tar::BLOCK_BYTES)?.to_vec();
    let begins_like_zip = head.starts_with(b"PK\x03\x04");
    if tar::begins(&head) && !is_too_deep(place, report) {
        tars::scan_file(file, size, kind, budget, place, report)?;
        if !may_be_pickle(&head, kind) && !begins_like_zip && Packing::of(&head, kind).is_none() {
            return Ok(());
        }
    }
    // Python looks for the end of a zip file, whatever it begins with.
    let directory = match begins_like_zip || matches!(kind, Kind::Pickle | Kind::Keras) {
        true => zip::list(file, budget, size)?,
        false => None,
    };
    match directory {
        Some(directory) if begins_like_zip => return scan_zip(file, size, kind, directory, budget, place, report),
        Some(directory) if !directory.entries.is_empty() => {
            let text = "There are other bytes in front of the archive: what programs read depends on where they begin.";
            bomb(report, place, Level::Suspicious, text.to_owned());
            scan_zip(file, size, kind, directory, budget, place, report)?;
        }
        None if begins_like_zip => {
            report.leave_out("It begins like a zip file, but has no directory.");
            return Ok(());
        }
        Some(_) | None => {}
    }
    if let Some(packing) = Packing::of(&head, kind) {
        return scan_packed(Window::new(file, 0, size), packing, kind, budget, place, report);
    }
    content::scan(&mut Input::new(Box::new(Window::new(file, 0, size)), budget), kind, place.entry.as_deref(), report)
}

fn scan_zip(
    file: &mut dyn ReadSeek,
    size: u64,
    kind: Kind,
    directory: zip::Directory,
    budget: &Budget,
    place: &Place,
    report: &mut Report,
) -> Result<(), Stop> {
    tell_bombs(size, &directory, place, report);
    if directory.is_ambiguous {
        let text = "The directory of the archive is not where it says: programs may read different files in it.";
        bomb(report, place, Level::Suspicious, text.to_owned());
    }
    if directory.is_cut {
        report.leave_out("The archive has too many entries to look into all of them.");
    }
    let mut entries: Vec<(&Entry, Inner)> =
        directory.entries.iter().filter_map(|entry| Some((entry, inner_of(entry, kind)?))).collect();
    // What is loaded comes first, so that nothing can be put before it.
    entries.sort_by_key(|(_, inner)| !matches!(inner, Inner::KerasConfig | Inner::File(Kind::Pickle)));
    for (number, (entry, inner)) in entries.into_iter().enumerate() {
        budget.step()?;
        if number == MAX_LOOKED_INTO {
            report.leave_out(format!("Only {MAX_LOOKED_INTO} entries of the archive were looked into."));
            return Ok(());
        }
        let at = place.within(&entry.name);
        if let Some(found) = scan_entry(file, size, entry, inner, budget, &at, report)? {
            // What readers open anyway.
            bomb(report, &at, Level::Suspicious, found.to_owned());
        }
    }
    Ok(())
}

/// Looks at an entry; gives why it could not be opened.
fn scan_entry(
    file: &mut dyn ReadSeek,
    size: u64,
    entry: &Entry,
    inner: Inner,
    budget: &Budget,
    place: &Place,
    report: &mut Report,
) -> Result<Option<&'static str>, Stop> {
    let Some((start, end)) = entry.range(file, budget, size)? else {
        return Ok(Some("The archive lists an entry that is not there."));
    };
    let window = Window::new(file, start, end);
    let source: Box<dyn Source> = match entry.method {
        0 => Box::new(window),
        8 => Box::new(Unpacked(DeflateDecoder::new(window))),
        _ => {
            report.leave_out("An entry of the archive is packed in a way that is not looked into.");
            return Ok(None);
        }
    };
    let done = match inner {
        Inner::KerasConfig => keras::scan_config(&mut Input::new(source, budget), place.entry.as_deref(), report),
        Inner::File(kind) => scan_inner(source, kind, budget, place, report),
    };
    match done {
        // An empty or damaged entry.
        Err(Stop::End | Stop::Broken) => Ok(None),
        Err(Stop::Spent) => Err(Stop::Spent),
        Ok(()) => Ok(None),
    }
}

/// What an entry is looked at for.
#[derive(Debug, Clone, Copy)]
enum Inner {
    /// The layers of a Keras model.
    KerasConfig,
    /// As a file of this kind.
    File(Kind),
}

/// What an entry is looked at for; `None` for tensors and the like.
fn inner_of(entry: &Entry, archive: Kind) -> Option<Inner> {
    let name = entry.name.as_str();
    if name.ends_with('/') {
        return None;
    }
    if archive == Kind::Keras && name == "config.json" {
        return Some(Inner::KerasConfig);
    }
    if archive == Kind::Keras && name.ends_with(".weights.h5") {
        return None;
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    let is_tensor = last.bytes().all(|byte| byte.is_ascii_digit()) && name.contains("data/");
    match Kind::of(name) {
        Kind::Opaque | Kind::Safetensors | Kind::Gguf => None,
        _ if is_tensor && archive == Kind::Pickle => None,
        kind => Some(Inner::File(kind)),
    }
}

fn tell_bombs(size: u64, directory: &zip::Directory, place: &Place, report: &mut Report) {
    let sum = |of: fn(&Entry) -> u64| directory.entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(of(entry)));
    let (packed, unpacked) = (sum(|entry| entry.packed), sum(|entry| entry.unpacked));
    if unpacked > BOMB_BYTES && unpacked / size.max(1) > BOMB_RATIO {
        let text = format!("It unpacks to {} MiB, {} times what it takes.", unpacked >> 20, unpacked / size.max(1));
        bomb(report, place, Level::Suspicious, text);
    }
    if packed > size {
        bomb(report, place, Level::Suspicious, "Entries of the archive share the same bytes, as in bombs.".to_owned());
    }
    if let Some(entry) = directory.entries.iter().find(|entry| entry.is_outside) {
        let place = place.within(&entry.name);
        bomb(
            report,
            &place,
            Level::Suspicious,
            "The entry is written outside of the folder that it is unpacked into.".to_owned(),
        );
    }
}
