//! The bytes of a pickle, read from the front: numbers, texts and lines.

use std::rc::Rc;

use super::WRONG;
use crate::checkpoint::value::Value;
use crate::checkpoint::zip::number;
use crate::checkpoint::{CheckpointError, Result};

const CUT: CheckpointError = CheckpointError::Broken("its pickle breaks off");

/// The bytes of a pickle, and how far they were read.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count)).ok_or(CUT)?;
        let part = self.bytes.get(self.at..end).ok_or(CUT)?;
        self.at = end;
        Ok(part)
    }

    pub(super) fn skip(&mut self, count: u64) -> Result<bool> {
        self.take(count).map(|_| true)
    }

    pub(super) fn number(&mut self, width: usize) -> Result<u64> {
        let part = self.take(width as u64)?;
        number(part, 0, width).ok_or(CUT)
    }

    pub(super) fn int(&mut self, width: usize) -> Result<i64> {
        i64::try_from(self.number(width)?).map_err(|_| WRONG)
    }

    /// A whole number of any length; those that count something have eight bytes at most.
    pub(super) fn long(&mut self) -> Result<Value> {
        let length = self.number(1)?;
        let part = self.take(length)?;
        let negative = part.last().is_some_and(|byte| *byte >= 0x80);
        match number(part, 0, part.len()).and_then(|number| i64::try_from(number).ok()) {
            Some(number) if part.len() <= 8 && !negative => Ok(Value::Int(number)),
            _ => Ok(Value::Other),
        }
    }

    pub(super) fn text(&mut self, width: usize) -> Result<Value> {
        let length = self.number(width)?;
        let part = self.take(length)?;
        Ok(std::str::from_utf8(part).map_or(Value::Other, |text| Value::Text(Rc::from(text))))
    }

    /// Bytes that are nothing to a tensor.
    pub(super) fn pass(&mut self, width: usize) -> Result<Value> {
        let length = self.number(width)?;
        self.skip(length)?;
        Ok(Value::Other)
    }

    pub(super) fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.at..).ok_or(CUT)?;
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(CUT)?;
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| WRONG)?;
        self.at += end + 1;
        Ok(line)
    }
}
