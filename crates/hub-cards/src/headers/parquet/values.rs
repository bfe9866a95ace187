//! Values: cut out of the bytes of a page, and written for people.

use chrono::{DateTime, Days, NaiveDate, NaiveTime};

use super::schema::{Leaf, Meaning};

/// The longest cell, in characters.
pub(super) const MAX_CELL_CHARS: usize = 300;

// `Type`.
const BOOLEAN: i64 = 0;
const INT32: i64 = 1;
const INT64: i64 = 2;
const INT96: i64 = 3;
const FLOAT: i64 = 4;
const DOUBLE: i64 = 5;
const BYTES: i64 = 6;
const FIXED: i64 = 7;

/// Values one after the other, in the encoding `PLAIN`.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    bytes: &'a [u8],
    kind: i64,
    width: usize,
    /// The bit of a truth value that comes next.
    bit: u32,
}

impl<'a> Plain<'a> {
    pub(super) fn new(bytes: &'a [u8], leaf: &Leaf) -> Self {
        let width = match leaf.physical {
            INT32 | FLOAT => 4,
            INT64 | DOUBLE => 8,
            INT96 => 12,
            _ => leaf.width as usize,
        };
        Self { bytes, kind: leaf.physical, width, bit: 0 }
    }

    fn cut(&mut self, count: usize) -> Option<&'a [u8]> {
        let (value, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(value)
    }
}

impl<'a> Iterator for Plain<'a> {
    type Item = &'a [u8];

    /// The bytes of the next value; of a truth value, a byte that is 0 or 1.
    fn next(&mut self) -> Option<&'a [u8]> {
        match self.kind {
            BOOLEAN => {
                let set = self.bytes.first()? >> self.bit & 1 == 1;
                self.bit = (self.bit + 1) % 8;
                if self.bit == 0 {
                    self.bytes = &self.bytes[1..];
                }
                Some(if set { &[1] } else { &[0] })
            }
            INT32 | INT64 | INT96 | FLOAT | DOUBLE => self.cut(self.width),
            // Of no bytes there could be any number.
            FIXED if self.width > 0 => self.cut(self.width),
            BYTES => {
                let length = u32::from_le_bytes(*self.bytes.first_chunk()?);
                self.cut(4)?;
                self.cut(usize::try_from(length).ok()?)
            }
            _ => None,
        }
    }
}

/// Writes a value; text is cut to [`MAX_CELL_CHARS`].
pub(super) fn shown(value: &[u8], leaf: &Leaf) -> Option<String> {
    let whole = |number: i64| match leaf.meaning {
        Meaning::Date => Some(date(number)?.to_string()),
        Meaning::Time(parts) => time(number, parts),
        Meaning::Timestamp(parts) => timestamp(number, parts),
        Meaning::Decimal(scale) => Some(decimal(i128::from(number), scale)),
        Meaning::Plain | Meaning::Text | Meaning::Unsigned => Some(number.to_string()),
    };
    match leaf.physical {
        BOOLEAN => Some((value != [0]).to_string()),
        INT32 if leaf.meaning == Meaning::Unsigned => Some(u32::from_le_bytes(value.try_into().ok()?).to_string()),
        INT64 if leaf.meaning == Meaning::Unsigned => Some(u64::from_le_bytes(value.try_into().ok()?).to_string()),
        INT32 => whole(i64::from(i32::from_le_bytes(value.try_into().ok()?))),
        INT64 => whole(i64::from_le_bytes(value.try_into().ok()?)),
        INT96 => old_timestamp(value),
        FLOAT => Some(format!("{:?}", f32::from_le_bytes(value.try_into().ok()?))),
        DOUBLE => Some(format!("{:?}", f64::from_le_bytes(value.try_into().ok()?))),
        _ => Some(match leaf.meaning {
            Meaning::Decimal(scale) if (1..=16).contains(&value.len()) => decimal(big_endian(value), scale),
            _ => text(value),
        }),
    }
}

/// Bytes that are text, cut, or how many there are.
fn text(value: &[u8]) -> String {
    // No character has more than four bytes; the cut may go through one.
    let start = &value[..value.len().min(MAX_CELL_CHARS * 4 + 4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if start.len() < value.len() && error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return format!("{} bytes", value.len()),
    };
    if valid.chars().any(|character| character.is_control() && !character.is_whitespace()) {
        return format!("{} bytes", value.len());
    }
    match valid.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => format!("{}…", &valid[..end]),
        None => valid.to_owned(),
    }
}

fn date(days: i64) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }
}

fn time(number: i64, parts: i64) -> Option<String> {
    let nanos = u32::try_from(number.rem_euclid(parts) * (1_000_000_000 / parts)).ok()?;
    let seconds = u32::try_from(number.div_euclid(parts)).ok()?;
    Some(NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)?.to_string())
}

fn timestamp(number: i64, parts: i64) -> Option<String> {
    let nanos = u32::try_from(number.rem_euclid(parts) * (1_000_000_000 / parts)).ok()?;
    Some(DateTime::from_timestamp(number.div_euclid(parts), nanos)?.naive_utc().to_string())
}

/// Nanoseconds of a day, and the day by Julian count, as Impala wrote them.
fn old_timestamp(value: &[u8]) -> Option<String> {
    let nanos = i64::from_le_bytes(*value.first_chunk()?);
    let day = u32::from_le_bytes(*value.get(8..)?.first_chunk()?);
    let seconds = (i64::from(day) - 2_440_588) * 86_400 + nanos.div_euclid(1_000_000_000);
    let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
    Some(DateTime::from_timestamp(seconds, nanos)?.naive_utc().to_string())
}

fn big_endian(value: &[u8]) -> i128 {
    let sign = if value.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
    value.iter().fold(sign, |number, byte| number << 8 | i128::from(*byte))
}

/// A number with its point before the last `scale` digits.
fn decimal(number: i128, scale: i64) -> String {
    // No decimal has more digits than fit into sixteen bytes.
    let scale = usize::try_from(scale).unwrap_or(0).min(38);
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(physical: i64, meaning: Meaning) -> Leaf {
        Leaf { physical, width: 0, meaning, max_definition: 0, max_repetition: 0, list_definition: 0, item_definition: 0 }
    }

    #[test]
    fn values_are_written_for_people() {
        let check = |physical, meaning, value: &[u8], text: &str| {
            assert_eq!(shown(value, &leaf(physical, meaning)).as_deref(), Some(text));
        };
        check(INT32, Meaning::Date, &20_000_i32.to_le_bytes(), "2024-10-04");
        check(INT64, Meaning::Timestamp(1_000), &1_700_000_000_123_i64.to_le_bytes(), "2023-11-14 22:13:20.123");
        check(INT64, Meaning::Time(1_000_000), &3_600_000_001_i64.to_le_bytes(), "01:00:00.000001");
        check(INT64, Meaning::Decimal(2), &(-5_i64).to_le_bytes(), "-0.05");
        check(FIXED, Meaning::Decimal(1), &[0xff, 0x85], "-12.3");
        check(INT32, Meaning::Unsigned, &[0xff; 4], "4294967295");
        check(DOUBLE, Meaning::Plain, &1e300_f64.to_le_bytes(), "1e300");
        check(BYTES, Meaning::Text, "Zürich".as_bytes(), "Zürich");
        check(BYTES, Meaning::Plain, &[0x89, b'P', b'N', b'G'], "4 bytes");
        check(BYTES, Meaning::Text, "ü".repeat(400).as_bytes(), &format!("{}…", "ü".repeat(300)));
    }

    #[test]
    fn hostile_values_are_none() {
        for (physical, meaning) in [
            (INT64, Meaning::Timestamp(1_000)),
            (INT64, Meaning::Time(1_000)),
            (INT64, Meaning::Date),
            (INT96, Meaning::Plain),
            (INT32, Meaning::Plain),
        ] {
            assert_eq!(shown(&[0x7f; 8], &leaf(physical, meaning)), None);
        }
        let mut endless = Plain::new(&[1, 2, 3], &leaf(FIXED, Meaning::Plain));
        assert_eq!(endless.next(), None);
        assert_eq!(Plain::new(&[0xff, 0xff, 0xff, 0xff, 1], &leaf(BYTES, Meaning::Plain)).next(), None);
    }
}
