//! The headers of a tar archive, read from first to last.
//!
//! Not by a library: those stop at what they find wrong, and other readers go on. A block that is no header is passed over, as GNU tar
//! does; what readers take differently is told. Nothing of a member is held here but the end of its name.

use crate::input::{Budget, Input, ReadSeek, Stop};
use crate::report::{Level, shown};
use crate::zip::read_at;

/// Headers and the files behind them are multiples of this.
pub(crate) const BLOCK_BYTES: usize = 512;
/// How many members are listed.
const MAX_MEMBERS: usize = 10_000;
/// How many blocks in a row may be no headers: a megabyte.
const MAX_IDLE: usize = 2_048;
/// How long a long name may be, or the attributes of a member.
const MAX_EXTRA_BYTES: u64 = 1 << 20;
/// How many characters of a name are kept: its end, by which files are told apart.
const MAX_KEPT_CHARS: usize = 500;

/// Where headers come from: a file that is read at any place, or what is unpacked on the way.
pub(crate) trait Tape {
    /// The next bytes, fewer at the end.
    fn next(&mut self, count: usize) -> Result<Vec<u8>, Stop>;
    /// Passes over bytes.
    fn pass(&mut self, count: u64) -> Result<(), Stop>;
}

impl Tape for Input<'_> {
    fn next(&mut self, count: usize) -> Result<Vec<u8>, Stop> {
        let bytes = self.peek(count)?.to_vec();
        self.skip(bytes.len() as u64)?;
        Ok(bytes)
    }

    fn pass(&mut self, count: u64) -> Result<(), Stop> {
        self.skip(count)
    }
}

/// A file of which only the headers are read.
pub(crate) struct FileTape<'a> {
    file: &'a mut dyn ReadSeek,
    budget: &'a Budget,
    /// Where the next bytes are.
    pub at: u64,
    size: u64,
}

impl<'a> FileTape<'a> {
    pub(crate) fn new(file: &'a mut dyn ReadSeek, budget: &'a Budget, size: u64) -> Self {
        Self { file, budget, at: 0, size }
    }
}

impl Tape for FileTape<'_> {
    fn next(&mut self, count: usize) -> Result<Vec<u8>, Stop> {
        let count = (count as u64).min(self.size - self.at);
        let bytes = read_at(self.file, self.budget, self.at, count)?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }

    fn pass(&mut self, count: u64) -> Result<(), Stop> {
        self.at = self.at.saturating_add(count).min(self.size);
        Ok(())
    }
}

/// A file in the archive; its bytes come next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub name: String,
    pub size: u64,
}

impl Member {
    /// How many bytes there are until the next header.
    pub(crate) fn room(&self) -> u64 {
        self.size.saturating_add(padding(self.size))
    }
}

fn padding(size: u64) -> u64 {
    let block = BLOCK_BYTES as u64;
    (block - size % block) % block
}

/// Whether a file begins like a tar archive: with a header whose checksum fits, whatever else it says.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.get(..BLOCK_BYTES).is_some_and(sum_fits)
}

/// Whether the checksum of a header fits. Its field counts as spaces, and old programs took bytes for signed. Zeros are no header.
fn sum_fits(block: &[u8]) -> bool {
    let field = block.get(148..156).unwrap_or_default();
    // Some readers take signs, underscores or anything behind the digits.
    let digits = || text(field).replace(|c: char| !c.is_digit(8), "");
    let said = number(field).or_else(|| u64::from_str_radix(&digits(), 8).ok()).and_then(|said| i64::try_from(said).ok());
    let rest = |range: std::ops::Range<usize>| block.get(range).unwrap_or_default().iter();
    let bytes = || rest(0..148).chain(rest(156..BLOCK_BYTES));
    let unsigned = bytes().fold(256, |sum, byte| sum + i64::from(*byte));
    let signed = bytes().fold(256, |sum, byte| sum + i64::from(byte.cast_signed()));
    unsigned != 256 && (said == Some(unsigned) || said == Some(signed))
}

/// What a header says.
#[derive(Debug)]
struct Header {
    kind: u8,
    name: String,
    link: String,
    size: u64,
    /// Whether more headers say where the holes of a sparse file are.
    is_extended: bool,
}

impl Header {
    fn of(block: &[u8]) -> Option<Self> {
        if !sum_fits(block) {
            return None;
        }
        let own = text(block.get(..100)?);
        // Only POSIX has it: what GNU has there is something else.
        let prefix = if block.get(257..263)? == b"ustar\0" { text(block.get(345..500)?) } else { String::new() };
        Some(Self {
            kind: *block.get(156)?,
            name: if prefix.is_empty() { own } else { format!("{prefix}/{own}") },
            link: text(block.get(157..257)?),
            size: number(block.get(124..136)?)?,
            is_extended: block.get(482).is_some_and(|byte| *byte != 0),
        })
    }
}

/// Up to a NUL.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// A number: octal digits, or for large ones bytes.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, bytes @ ..] = field {
        return bytes.iter().try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = text(field);
    let digits = digits.trim_matches([' ', '\t', '\n', '\r']);
    match digits {
        "" => Some(0),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => u64::from_str_radix(digits, 8).ok(),
        _ => None,
    }
}

/// What is said of the next member in front of its header.
#[derive(Debug, Default)]
struct Extra {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    /// Whether a size is said that is no plain number: some readers take more for one.
    has_odd_size: bool,
    is_sparse: bool,
}

impl Extra {
    /// Reads attributes: `27 path=a/very/long/name\n`, by the length in front.
    fn read(&mut self, mut bytes: &[u8]) {
        while let Some(space) = bytes.iter().take(20).position(|byte| *byte == b' ') {
            let length = std::str::from_utf8(&bytes[..space]).ok().and_then(|length| length.parse::<usize>().ok());
            let Some(record) = length.filter(|length| *length > space).and_then(|length| bytes.get(space + 1..length)) else {
                return;
            };
            bytes = &bytes[space + 1 + record.len()..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let Some(equals) = record.iter().position(|byte| *byte == b'=') else { continue };
            let value = String::from_utf8_lossy(&record[equals + 1..]);
            match &record[..equals] {
                b"path" => self.name = Some(value.into_owned()),
                b"linkpath" => self.link = Some(value.into_owned()),
                b"size" => {
                    self.size = value.trim().parse().ok();
                    self.has_odd_size |= self.size.is_none();
                }
                key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
        }
    }
}

/// A walk through an archive, and what is odd on the way: of each kind the first one.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    extra: Extra,
    count: usize,
    /// How many blocks before this one were no headers.
    idle: usize,
    is_cut: bool,
    has_junk: bool,
    is_sparse: bool,
    outside: Option<String>,
    link: Option<String>,
    device: Option<String>,
    ambiguous: Option<String>,
}

impl Walk {
    /// The next file; what is left of the one before must have been passed over. `None` at the end.
    pub(crate) fn next(&mut self, tape: &mut impl Tape, budget: &Budget) -> Result<Option<Member>, Stop> {
        loop {
            budget.step()?;
            let block = tape.next(BLOCK_BYTES)?;
            if block.len() < BLOCK_BYTES {
                return Ok(None);
            }
            let Some(header) = Header::of(&block) else {
                self.has_junk |= block.iter().any(|byte| *byte != 0);
                self.idle += 1;
                if self.idle > MAX_IDLE {
                    self.is_cut = true;
                    return Ok(None);
                }
                continue;
            };
            self.idle = 0;
            self.count += 1;
            if self.count > MAX_MEMBERS {
                self.is_cut = true;
                return Ok(None);
            }
            match header.kind {
                b'L' | b'K' | b'x' | b'g' | b'X' => self.read_extra(&header, tape)?,
                _ => {
                    if let Some(member) = self.member(header, tape)? {
                        return Ok(Some(member));
                    }
                }
            }
        }
    }

    /// Reads what is said of the next member.
    fn read_extra(&mut self, header: &Header, tape: &mut impl Tape) -> Result<(), Stop> {
        let room = header.size.saturating_add(padding(header.size));
        if header.size > MAX_EXTRA_BYTES {
            self.is_cut = true;
            return tape.pass(room);
        }
        let bytes = tape.next(usize::try_from(header.size).unwrap_or(0))?;
        tape.pass(padding(header.size))?;
        match header.kind {
            b'L' => self.extra.name = Some(text(&bytes)),
            b'K' => self.extra.link = Some(text(&bytes)),
            b'g' => {
                // It is of all members from here on. Names and sizes in it are taken by some, and no program writes them.
                let mut all = Extra::default();
                all.read(&bytes);
                if all.name.is_some() || all.link.is_some() || all.size.is_some() || all.has_odd_size {
                    self.ambiguous.get_or_insert_with(|| kept(&header.name));
                }
            }
            _ => self.extra.read(&bytes),
        }
        Ok(())
    }

    /// A member, if it is a file that can be looked at.
    fn member(&mut self, header: Header, tape: &mut impl Tape) -> Result<Option<Member>, Stop> {
        let extra = std::mem::take(&mut self.extra);
        let name = extra.name.unwrap_or(header.name);
        let size = extra.size.unwrap_or(header.size);
        let shown_name = || kept(&name);
        if leads_out(&name) {
            self.outside.get_or_insert_with(shown_name);
        }
        if (size != header.size && header.size != 0) || extra.has_odd_size {
            self.ambiguous.get_or_insert_with(shown_name);
        }
        // Of these some readers pass over the bytes that they say to have, and some do not.
        let is_empty = matches!(header.kind, b'1'..=b'6') || (matches!(header.kind, 0 | b'0') && name.ends_with('/'));
        if is_empty && size != 0 {
            self.ambiguous.get_or_insert_with(shown_name);
        }
        match header.kind {
            b'1' | b'2' => {
                if link_leads_out(&name, &extra.link.unwrap_or(header.link), header.kind == b'2') {
                    self.link.get_or_insert_with(shown_name);
                }
                Ok(None)
            }
            b'3' | b'4' | b'6' => {
                self.device.get_or_insert_with(shown_name);
                Ok(None)
            }
            _ if is_empty => Ok(None),
            kind if kind == b'S' || extra.is_sparse => {
                self.is_sparse = true;
                let mut more = kind == b'S' && header.is_extended;
                while more {
                    let block = tape.next(BLOCK_BYTES)?;
                    more = block.get(504).is_some_and(|byte| *byte != 0);
                }
                tape.pass(size.saturating_add(padding(size)))?;
                Ok(None)
            }
            _ => Ok(Some(Member { name: kept(&name), size })),
        }
    }

    /// Why not all of it was looked at.
    pub(crate) fn left_out(&self) -> Option<&'static str> {
        match self {
            Self { is_cut: true, .. } => Some("The tar archive has more in it than is looked into."),
            Self { has_junk: true, .. } => Some("Something in the tar archive cannot be read."),
            Self { is_sparse: true, .. } => Some("A file with holes in the tar archive was not looked into."),
            _ => None,
        }
    }

    /// What is odd: the member, how bad it is, and why.
    pub(crate) fn odd(&self) -> impl Iterator<Item = (&str, Level, &'static str)> {
        let told = [
            (&self.outside, "The entry is written outside of the folder that it is unpacked into."),
            (&self.link, "The entry is a link that leads out of the folder that it is unpacked into."),
            (&self.device, "The entry is a device or a pipe, and no file."),
            (&self.ambiguous, "Programs do not agree on how long the entry is: they may read different files in the archive."),
        ];
        told.into_iter().filter_map(|(name, text)| Some((name.as_deref()?, Level::Suspicious, text)))
    }
}

/// The end of a name.
fn kept(name: &str) -> String {
    let start = name.char_indices().rev().take(MAX_KEPT_CHARS).last().map_or(0, |(at, _)| at);
    shown(&name[start..], MAX_KEPT_CHARS)
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "."))
}

fn leads_out(name: &str) -> bool {
    name.starts_with(['/', '\\']) || parts(name).any(|part| part == "..")
}

/// A symbolic link is of the folder that it lies in, a hard one of the archive.
fn link_leads_out(name: &str, target: &str, is_symbolic: bool) -> bool {
    if target.starts_with(['/', '\\']) {
        return true;
    }
    let mut depth = if is_symbolic { parts(name).count().saturating_sub(1) } else { 0 };
    for part in parts(target) {
        match (part, depth) {
            ("..", 0) => return true,
            ("..", _) => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}
