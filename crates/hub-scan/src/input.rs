//! Bytes to look at, from first to last, and how much may be spent on them.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

/// How many bytes are read at once.
const BUFFER_BYTES: usize = 64 << 10;
/// How much of the line of a text opcode is kept. CPython takes any; names are shorter.
const MAX_LINE_BYTES: usize = 1 << 10;

/// How much one file may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes that are read, unpacked ones included.
    pub bytes: u64,
    /// Opcodes.
    pub steps: u64,
    /// Time.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 << 20, steps: 30_000_000, time: Duration::from_secs(20) }
    }
}

/// What is left of [`Limits`].
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Cell<u64>,
    steps: Cell<u64>,
    until: Instant,
    passes_arrays: Cell<bool>,
    saw_arrays: Cell<bool>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            bytes: Cell::new(limits.bytes),
            steps: Cell::new(limits.steps),
            until: Instant::now() + limits.time,
            passes_arrays: Cell::new(true),
            saw_arrays: Cell::new(false),
        }
    }

    /// Whether this is the look in which the raw bytes of joblib's arrays are passed over.
    pub(crate) fn passes_arrays(&self) -> bool {
        self.passes_arrays.get()
    }

    /// Notes that there are such bytes.
    pub(crate) fn saw_arrays(&self) {
        self.saw_arrays.set(true);
    }

    /// Begins the second look, in which they are opcodes; false where there are none.
    pub(crate) fn looks_again(&self) -> bool {
        self.passes_arrays.set(false);
        self.saw_arrays.get()
    }

    /// Pays for bytes.
    pub(crate) fn bytes(&self, count: usize) -> Result<(), Stop> {
        let left = self.bytes.get().checked_sub(count as u64).ok_or(Stop::Spent)?;
        self.bytes.set(left);
        if Instant::now() > self.until { Err(Stop::Spent) } else { Ok(()) }
    }

    /// Pays for an opcode or something else that is looked at.
    pub(crate) fn step(&self) -> Result<(), Stop> {
        let left = self.steps.get().checked_sub(1).ok_or(Stop::Spent)?;
        self.steps.set(left);
        if left % 4096 == 0 && Instant::now() > self.until { Err(Stop::Spent) } else { Ok(()) }
    }
}

/// Why looking ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There are no more bytes.
    End,
    /// The budget is used up.
    Spent,
    /// The bytes are not what they should be.
    Broken,
}

/// Where bytes come from.
pub(crate) trait Source: Read {
    /// Passes over bytes without reading them; false where that cannot be.
    fn pass(&mut self, count: u64) -> bool;
}

/// A part of a file.
pub(crate) struct Window<'a> {
    file: &'a mut dyn ReadSeek,
    at: u64,
    end: u64,
}

/// What can be read at any place.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a mut dyn ReadSeek, start: u64, end: u64) -> Self {
        Self { file, at: start.min(end), end }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        let count = self.file.read(&mut buffer[..wanted])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Source for Window<'_> {
    fn pass(&mut self, count: u64) -> bool {
        self.at = self.at.saturating_add(count).min(self.end);
        true
    }
}

/// What is unpacked on the way: it can only be read.
pub(crate) struct Unpacked<R>(pub(crate) R);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Source for Unpacked<R> {
    fn pass(&mut self, _: u64) -> bool {
        false
    }
}

/// A part of a file, as a file of its own.
pub(crate) struct Section<'a> {
    file: &'a mut dyn ReadSeek,
    start: u64,
    size: u64,
    at: u64,
}

impl<'a> Section<'a> {
    pub(crate) fn new(file: &'a mut dyn ReadSeek, start: u64, end: u64) -> Self {
        Self { file, start, size: end.saturating_sub(start), at: 0 }
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        self.file.seek(SeekFrom::Start(self.start.saturating_add(self.at)))?;
        let count = self.file.read(&mut buffer[..wanted])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = sought(to, self.at, self.size)?;
        Ok(self.at)
    }
}

/// Where somebody goes who is at a place of something of a size.
///
/// # Errors
/// It lies before the beginning.
pub fn sought(to: SeekFrom, at: u64, size: u64) -> io::Result<u64> {
    let place = match to {
        SeekFrom::Start(place) => Some(place),
        SeekFrom::End(offset) => size.checked_add_signed(offset),
        SeekFrom::Current(offset) => at.checked_add_signed(offset),
    };
    place.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The next bytes of an input, as a source of its own: what is left of them is for who reads the input. It is paid for twice, since
/// it is held twice.
pub(crate) struct Part<'p, 'i> {
    input: &'p mut Input<'i>,
    left: &'p Cell<u64>,
    /// Whether it ended because the budget is used up.
    is_spent: &'p Cell<bool>,
}

impl<'p, 'i> Part<'p, 'i> {
    pub(crate) fn new(input: &'p mut Input<'i>, left: &'p Cell<u64>, is_spent: &'p Cell<bool>) -> Self {
        Self { input, left, is_spent }
    }

    /// Goes on by so many bytes; at the end of the input nothing is left.
    fn go_on(&mut self, count: u64) {
        match self.input.skip(count) {
            Ok(()) => self.left.set(self.left.get() - count),
            Err(stop) => {
                self.is_spent.set(stop == Stop::Spent);
                self.left.set(0);
            }
        }
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left.get()).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = match self.input.peek(wanted) {
            Ok(bytes) => {
                buffer[..bytes.len()].copy_from_slice(bytes);
                bytes.len()
            }
            Err(stop) => {
                self.is_spent.set(stop == Stop::Spent);
                self.left.set(0);
                return Ok(0);
            }
        };
        self.go_on(count as u64);
        Ok(count)
    }
}

impl Source for Part<'_, '_> {
    fn pass(&mut self, count: u64) -> bool {
        self.go_on(count.min(self.left.get()));
        true
    }
}

/// A source with a buffer in front, paid from a budget. Damaged bytes, such as those that cannot be unpacked, are an end: a
/// reader gets no further, either.
pub(crate) struct Input<'a> {
    source: Box<dyn Source + 'a>,
    budget: &'a Budget,
    buffer: Vec<u8>,
    start: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn new(source: Box<dyn Source + 'a>, budget: &'a Budget) -> Self {
        Self { source, budget, buffer: Vec::new(), start: 0 }
    }

    pub(crate) fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// The next bytes, fewer at the end, without going on.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], Stop> {
        while self.buffer.len() - self.start < count {
            match self.fill() {
                Ok(()) => {}
                Err(Stop::End) => break,
                Err(stop) => return Err(stop),
            }
        }
        Ok(&self.buffer[self.start..self.buffer.len().min(self.start + count)])
    }

    fn fill(&mut self) -> Result<(), Stop> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + BUFFER_BYTES, 0);
        let count = loop {
            match self.source.read(&mut self.buffer[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => break count,
                Err(_) => break 0,
            }
        };
        self.buffer.truncate(before + count);
        if count == 0 {
            return Err(Stop::End);
        }
        self.budget.bytes(count)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Stop> {
        if self.start == self.buffer.len() {
            self.fill()?;
        }
        let byte = self.buffer[self.start];
        self.start += 1;
        Ok(byte)
    }

    /// A little-endian number of up to eight bytes.
    pub(crate) fn number(&mut self, width: usize) -> Result<u64, Stop> {
        let mut value = 0;
        for place in 0..width {
            value |= u64::from(self.byte()?) << (8 * place);
        }
        Ok(value)
    }

    /// The next bytes, which must be there. For few.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<u8>, Stop> {
        let bytes = self.peek(count)?;
        if bytes.len() < count {
            return Err(Stop::End);
        }
        let bytes = bytes.to_vec();
        self.start += count;
        Ok(bytes)
    }

    /// A line without its end; of a longer one than names can be, the beginning.
    pub(crate) fn line(&mut self) -> Result<Vec<u8>, Stop> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok(line),
                byte if line.len() < MAX_LINE_BYTES => line.push(byte),
                _ => {}
            }
        }
    }

    /// Passes over bytes, which must be there if they have to be read.
    pub(crate) fn skip(&mut self, count: u64) -> Result<(), Stop> {
        let mut left = count;
        loop {
            let buffered = self.buffer.len() - self.start;
            if left <= buffered as u64 {
                self.start += usize::try_from(left).unwrap_or(buffered);
                return Ok(());
            }
            left -= buffered as u64;
            self.start = self.buffer.len();
            if self.source.pass(left) {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// All that is left, but at most so many bytes; whether there are more.
    pub(crate) fn rest(&mut self, limit: usize) -> Result<(Vec<u8>, bool), Stop> {
        let mut bytes = self.peek(limit + 1)?.to_vec();
        let more = bytes.len() > limit;
        bytes.truncate(limit);
        Ok((bytes, more))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn parts_are_read_passed_over_and_paid_for() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let budget = Budget::new(Limits { bytes: 200_000, ..Limits::default() });
        let mut file = Cursor::new(bytes);
        let mut input = Input::new(Box::new(Window::new(&mut file, 256, 299_000)), &budget);
        assert_eq!(input.peek(3), Ok(&[0, 1, 2][..]));
        assert_eq!(input.number(2), Ok(256));
        // Mostly without reading.
        assert_eq!(input.skip(256_000 - 2), Ok(()));
        assert_eq!(input.byte(), Ok(0));
        assert_eq!(input.skip(1_000_000), Ok(()));
        assert_eq!(input.byte(), Err(Stop::End));
        let mut all = Input::new(Box::new(Unpacked(Cursor::new(vec![0; 300_000]))), &budget);
        assert_eq!(all.skip(300_000), Err(Stop::Spent));
    }

    #[test]
    fn lines_end() {
        let budget = Budget::new(Limits::default());
        let mut input = Input::new(Box::new(Unpacked(Cursor::new(b"os\nsystem\nrest".to_vec()))), &budget);
        assert_eq!((input.line(), input.line()), (Ok(b"os".to_vec()), Ok(b"system".to_vec())));
        assert_eq!(input.line(), Err(Stop::End));
        let budget = Budget::new(Limits { bytes: 1 << 20, ..Limits::default() });
        let mut endless = Input::new(Box::new(Unpacked(io::repeat(b'x'))), &budget);
        assert_eq!(endless.line(), Err(Stop::Spent));
        let budget = Budget::new(Limits::default());
        let long = [&[b'x'; 100_000][..], b"\nrest\n"].concat();
        let mut long = Input::new(Box::new(Unpacked(Cursor::new(long))), &budget);
        assert_eq!((long.line().map(|line| line.len()), long.line()), (Ok(MAX_LINE_BYTES), Ok(b"rest".to_vec())));
    }
}
