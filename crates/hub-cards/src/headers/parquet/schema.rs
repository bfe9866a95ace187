//! The columns of a Parquet file, out of the list of its schema's elements.

use super::super::HeaderError;
use super::thrift::{BINARY, FALSE, I32, Reader, STRUCT, Step, TRUE};
use super::{MAX_COLUMNS, MAX_DEPTH};

/// A column that holds values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name behind those of its groups, with dots between.
    pub path: String,
    /// How its values are stored.
    pub physical: &'static str,
    /// What they mean; empty where that is the same.
    pub logical: String,
    /// `required`, `optional` or `repeated`.
    pub repetition: &'static str,
    /// What it takes to read its values.
    pub(super) leaf: Leaf,
}

/// How the values of a column are stored and nested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// `Type`, as the format numbers it.
    pub physical: i64,
    /// The bytes of a value of fixed length.
    pub width: u32,
    /// What the values mean.
    pub meaning: Meaning,
    /// The definition level of a value that is there.
    pub max_definition: u32,
    /// How many lists it lies in.
    pub max_repetition: u32,
    /// The definition level from which the outermost list is there, though it may be empty.
    pub list_definition: u32,
    /// The definition level from which the innermost list has an item.
    pub item_definition: u32,
}

/// What values mean, as far as they are written in another way for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What they are.
    #[default]
    Plain,
    /// Text in UTF-8.
    Text,
    /// Days since 1970.
    Date,
    /// Parts of a second since midnight: how many make one.
    Time(i64),
    /// Parts of a second since 1970: how many make one.
    Timestamp(i64),
    /// A whole number with so many digits behind the point.
    Decimal(i64),
    /// A number that is never negative.
    Unsigned,
}

/// `SchemaElement`, as far as it is needed.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    physical: i64,
    width: i64,
    repetition: i64,
    children: i64,
    scale: i64,
    logical: String,
    meaning: Meaning,
}

/// A group that is open on the walk through the schema.
struct Group<'a> {
    left: u64,
    name: &'a str,
    levels: Levels,
}

#[derive(Clone, Copy, Default)]
struct Levels {
    definition: u32,
    repetition: u32,
    list_definition: u32,
    item_definition: u32,
}

impl Levels {
    /// Those of an element inside.
    fn within(self, repetition: i64) -> Self {
        match repetition {
            1 => Self { definition: self.definition + 1, ..self },
            2 => Self {
                definition: self.definition + 1,
                repetition: self.repetition + 1,
                list_definition: if self.repetition == 0 { self.definition } else { self.list_definition },
                item_definition: self.definition + 1,
            },
            _ => self,
        }
    }
}

/// Walks the schema, which lists each group before its children.
pub(super) fn columns(elements: &[Element]) -> Step<(Vec<Column>, bool)> {
    let mut columns = Vec::new();
    let mut open: Vec<Group<'_>> = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        while open.last().is_some_and(|group| group.left == 0) {
            open.pop();
        }
        let mut levels = Levels::default();
        if let Some(group) = open.last_mut() {
            group.left -= 1;
            levels = group.levels.within(element.repetition);
        }
        let children = u64::try_from(element.children).unwrap_or(0);
        if at == 0 || children > 0 {
            if open.len() >= MAX_DEPTH {
                return Err(HeaderError::TooLarge("the nesting of its columns"));
            }
            open.push(Group { left: children, name: if at == 0 { "" } else { &element.name }, levels });
            continue;
        }
        if columns.len() == MAX_COLUMNS {
            return Ok((columns, true));
        }
        columns.push(element.column(open.iter().map(|group| group.name), levels));
    }
    Ok((columns, false))
}

impl Element {
    pub(super) fn read(reader: &mut Reader<'_>) -> Step<Self> {
        let mut element = Self::default();
        reader.structure(|reader, id, kind| {
            match (id, kind) {
                (1, I32) => element.physical = reader.integer()?,
                (2, I32) => element.width = reader.integer()?,
                (3, I32) => element.repetition = reader.integer()?,
                (4, BINARY) => element.name = reader.text()?,
                (5, I32) => element.children = reader.integer()?,
                (6, I32) => {
                    let converted = reader.integer()?;
                    if element.logical.is_empty() {
                        element.logical = converted_name(converted).to_owned();
                        element.meaning = converted_meaning(converted);
                    }
                }
                (7, I32) => element.scale = reader.integer()?,
                (10, STRUCT) => (element.logical, element.meaning) = logical_type(reader)?,
                (_, kind) => reader.skip(kind, 0)?,
            }
            Ok(())
        })?;
        Ok(element)
    }

    fn column<'a>(&'a self, groups: impl Iterator<Item = &'a str>, levels: Levels) -> Column {
        let names: Vec<&str> = groups.chain([self.name.as_str()]).filter(|name| !name.is_empty()).collect();
        let meaning = match self.meaning {
            // Older writers have it beside the type only.
            Meaning::Decimal(_) => Meaning::Decimal(self.scale),
            other => other,
        };
        Column {
            path: names.join("."),
            physical: physical_name(self.physical),
            logical: self.logical.clone(),
            repetition: ["required", "optional", "repeated"][usize::try_from(self.repetition).unwrap_or(0).min(2)],
            leaf: Leaf {
                physical: self.physical,
                width: u32::try_from(self.width).unwrap_or(0),
                meaning,
                max_definition: levels.definition,
                max_repetition: levels.repetition,
                list_definition: levels.list_definition,
                item_definition: levels.item_definition,
            },
        }
    }
}

/// `LogicalType`, a union: the field that is there names it.
fn logical_type(reader: &mut Reader<'_>) -> Step<(String, Meaning)> {
    let (mut name, mut meaning) = ("", Meaning::Plain);
    reader.structure(|reader, id, kind| {
        (name, meaning) = match id {
            1 => ("string", Meaning::Text),
            2 => ("map", Meaning::Plain),
            3 => ("list", Meaning::Plain),
            4 => ("enum", Meaning::Text),
            5 => ("decimal", Meaning::Decimal(0)),
            6 => ("date", Meaning::Date),
            7 | 8 if kind == STRUCT => {
                let parts = parts_of_a_second(reader)?;
                (name, meaning) = if id == 7 { ("time", Meaning::Time(parts)) } else { ("timestamp", Meaning::Timestamp(parts)) };
                return Ok(());
            }
            10 if kind == STRUCT => {
                (name, meaning) = ("integer", if is_signed(reader)? { Meaning::Plain } else { Meaning::Unsigned });
                return Ok(());
            }
            11 => ("null", Meaning::Plain),
            12 => ("JSON", Meaning::Text),
            13 => ("BSON", Meaning::Plain),
            14 => ("UUID", Meaning::Plain),
            15 => ("float16", Meaning::Plain),
            16 => ("variant", Meaning::Plain),
            17 => ("geometry", Meaning::Plain),
            18 => ("geography", Meaning::Plain),
            _ => ("", Meaning::Plain),
        };
        reader.skip(kind, 0)
    })?;
    Ok((name.to_owned(), meaning))
}

/// `TimeUnit` in `TimeType` and `TimestampType`.
fn parts_of_a_second(reader: &mut Reader<'_>) -> Step<i64> {
    let mut parts = 1_000;
    reader.structure(|reader, id, kind| {
        if (id, kind) != (2, STRUCT) {
            return reader.skip(kind, 0);
        }
        reader.structure(|reader, unit, kind| {
            parts = [1_000, 1_000_000, 1_000_000_000][usize::try_from(unit.saturating_sub(1)).unwrap_or(0).min(2)];
            reader.skip(kind, 0)
        })
    })?;
    Ok(parts)
}

/// `isSigned` in `IntType`; the type of a truth value is its value.
fn is_signed(reader: &mut Reader<'_>) -> Step<bool> {
    let mut signed = true;
    reader.structure(|reader, id, kind| {
        if id == 2 && matches!(kind, TRUE | FALSE) {
            signed = kind == TRUE;
        }
        reader.skip(kind, 0)
    })?;
    Ok(signed)
}

const fn physical_name(kind: i64) -> &'static str {
    match kind {
        0 => "boolean",
        1 => "int32",
        2 => "int64",
        3 => "int96",
        4 => "float",
        5 => "double",
        6 => "bytes",
        7 => "fixed bytes",
        _ => "unknown",
    }
}

const fn converted_name(kind: i64) -> &'static str {
    match kind {
        0 => "string",
        1 | 2 => "map",
        3 => "list",
        4 => "enum",
        5 => "decimal",
        6 => "date",
        7 | 8 => "time",
        9 | 10 => "timestamp",
        11..=18 => "integer",
        19 => "JSON",
        20 => "BSON",
        21 => "interval",
        _ => "",
    }
}

const fn converted_meaning(kind: i64) -> Meaning {
    match kind {
        0 | 4 | 19 => Meaning::Text,
        5 => Meaning::Decimal(0),
        6 => Meaning::Date,
        7 => Meaning::Time(1_000),
        8 => Meaning::Time(1_000_000),
        9 => Meaning::Timestamp(1_000),
        10 => Meaning::Timestamp(1_000_000),
        11..=14 => Meaning::Unsigned,
        _ => Meaning::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_any_number_is_read() {
        // A structure with a field 2, which is a structure with a field of the least number there is.
        let mut bytes = vec![0x2c, 0x0c];
        bytes.extend([0xff; 9]);
        bytes.extend([0x01, 0x00, 0x00, 0x00]);
        assert_eq!(parts_of_a_second(&mut Reader::new(&bytes)), Ok(1_000));
    }
}
