//! The header of a GGUF file (`ggml`, `docs/gguf.md`), versions 2 and 3, little endian:
//!
//! ```text
//! "GGUF" | version u32 | tensor count u64 | key count u64
//! keys:    name (u64 length, bytes) | type u32 | value
//! tensors: name | dimensions u32 | sizes u64 each | type u32 | offset u64
//! ```

mod listing;
mod reader;
mod templates;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::reader::{Field, Reader, Step, Stop, Visit, malformed, read_header};
use super::{HeaderError, Progress};

pub use listing::{Listing, Tensor, list};
pub use templates::templates;

/// The longest prefix that is asked for. Headers hold the whole vocabulary: some megabytes.
pub const MAX_PREFIX_BYTES: u64 = 128 << 20;
const MAX_KEYS: u64 = 10_000;
const MAX_TENSORS: u64 = 200_000;
const MAX_KEY_BYTES: u64 = 1_024;
/// The longest text that is kept, such as a chat template.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// By how much more is asked for at least, so that a file is not read in crumbs.
const STEP_BYTES: u64 = 256 << 10;

/// What a GGUF header says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// `llama`, `qwen2`, …
    pub architecture: Option<String>,
    /// The longest context the model was made for, in tokens.
    pub context_length: Option<u64>,
    /// All parameters.
    pub total: u64,
    /// The same by type of number, such as `Q4_K`.
    pub parameters: BTreeMap<&'static str, u64>,
    /// How many tensors there are.
    pub tensors: u64,
    /// The model's displayed name.
    pub name: Option<String>,
    /// `general.file_type`, the number for the quantisation.
    pub file_type: Option<u64>,
    /// The Jinja template of a chat.
    pub chat_template: Option<String>,
    /// The token that begins a text.
    pub bos_token: Option<String>,
    /// The token that ends it.
    pub eos_token: Option<String>,
}

impl Summary {
    /// Adds what the next file of a split model has. Its keys are in the first.
    pub fn add(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        self.tensors = self.tensors.saturating_add(other.tensors);
        for (dtype, count) in &other.parameters {
            let sum = self.parameters.entry(*dtype).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// The form the API has.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("total".to_owned(), json!(self.total));
        let mut add = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        add("architecture", self.architecture.clone().map(Value::from));
        add("context_length", self.context_length.map(Value::from));
        add("chat_template", self.chat_template.clone().map(Value::from));
        add("bos_token", self.bos_token.clone().map(Value::from));
        add("eos_token", self.eos_token.clone().map(Value::from));
        Value::Object(map)
    }
}

/// Reads the header from a prefix of a file of `file_bytes` bytes.
///
/// # Errors
/// The bytes are not such a header, or it has counts and lengths beyond any real file's.
pub fn parse(prefix: &[u8], file_bytes: u64) -> Result<Progress<Summary>, HeaderError> {
    let mut reader = Reader { bytes: prefix, at: 0 };
    let mut fields = Fields::default();
    let read = read_header(&mut reader, &mut fields).and_then(|()| fields.finish(prefix));
    progress(read, prefix, file_bytes)
}

fn progress<T>(read: Step<T>, prefix: &[u8], file_bytes: u64) -> Result<Progress<T>, HeaderError> {
    match read {
        Ok(found) => Ok(Progress::Done(found)),
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Missing(end)) => {
            if end > file_bytes {
                return Err(HeaderError::Truncated);
            }
            if end > MAX_PREFIX_BYTES {
                return Err(HeaderError::TooLarge("its keys and tensor names"));
            }
            // Doubling keeps the work linear in the size of the header, though it starts over each time.
            let wanted = end.max(prefix.len() as u64 * 2).max(STEP_BYTES);
            Ok(Progress::NeedBytes(wanted.min(file_bytes).min(MAX_PREFIX_BYTES)))
        }
    }
}

#[derive(Default)]
struct Fields {
    summary: Summary,
    context_lengths: Vec<(String, u64)>,
    tokens: Option<(usize, u64)>,
    bos_id: Option<u64>,
    eos_id: Option<u64>,
}

impl Visit for Fields {
    fn key(&mut self, key: &str, value: &Field<'_>) {
        self.set(key, value);
    }

    fn tensor(&mut self, _: String, shape: Vec<u64>, kind: u32) -> Step<()> {
        let size = shape.iter().try_fold(1u64, |size, side| size.checked_mul(*side));
        let size = size.map_or_else(|| malformed("a tensor has an impossible shape"), Ok)?;
        let total = self.summary.total.checked_add(size);
        self.summary.total = total.map_or_else(|| malformed("impossible number of parameters"), Ok)?;
        *self.summary.parameters.entry(dtype_name(kind)).or_default() += size;
        self.summary.tensors += 1;
        Ok(())
    }
}

impl Fields {
    fn set(&mut self, key: &str, value: &Field<'_>) {
        let text = |bytes: &[u8]| (bytes.len() <= MAX_TEXT_BYTES).then(|| String::from_utf8_lossy(bytes).into_owned());
        match (key, value) {
            ("general.architecture", Field::Text(bytes)) => {
                self.summary.architecture = text(bytes).filter(|text| text.len() < 100)
            }
            ("general.name", Field::Text(bytes)) => self.summary.name = text(bytes).filter(|text| text.len() < 500),
            ("general.file_type", Field::Number(number)) => self.summary.file_type = Some(*number),
            ("tokenizer.chat_template", Field::Text(bytes)) => self.summary.chat_template = text(bytes),
            ("tokenizer.ggml.tokens", Field::Texts(start, count)) => self.tokens = Some((*start, *count)),
            ("tokenizer.ggml.bos_token_id", Field::Number(id)) => self.bos_id = Some(*id),
            ("tokenizer.ggml.eos_token_id", Field::Number(id)) => self.eos_id = Some(*id),
            (key, Field::Number(number)) if key.ends_with(".context_length") && self.context_lengths.len() < 10 => {
                self.context_lengths.push((key.to_owned(), *number));
            }
            _ => {}
        }
    }

    fn finish(mut self, bytes: &[u8]) -> Step<Summary> {
        if let Some(architecture) = &self.summary.architecture {
            let key = format!("{architecture}.context_length");
            self.summary.context_length = self.context_lengths.iter().find(|(name, _)| *name == key).map(|(_, length)| *length);
        }
        let token = |id: Option<u64>| -> Step<Option<String>> {
            let (Some((start, count)), Some(id)) = (self.tokens, id) else { return Ok(None) };
            if id >= count {
                return Ok(None);
            }
            let mut reader = Reader { bytes, at: start };
            for _ in 0..id {
                reader.text()?;
            }
            let token = String::from_utf8_lossy(reader.text()?).into_owned();
            Ok((token.len() < 1_000).then_some(token))
        };
        self.summary.bos_token = token(self.bos_id)?;
        self.summary.eos_token = token(self.eos_id)?;
        Ok(self.summary)
    }
}

/// The names of `ggml.h`, `enum ggml_type`.
const fn dtype_name(kind: u32) -> &'static str {
    match kind {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        6 => "Q5_0",
        7 => "Q5_1",
        8 => "Q8_0",
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        30 => "BF16",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Vec<u8> {
        [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat()
    }

    fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
        [text(name), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
    }

    fn sample() -> Vec<u8> {
        let tokens: Vec<u8> = (0..50_000).flat_map(|n| text(&format!("token{n}"))).collect();
        let array = [&8u32.to_le_bytes()[..], &50_000u64.to_le_bytes(), &tokens].concat();
        let scores = [&6u32.to_le_bytes()[..], &3u64.to_le_bytes(), &[0; 12]].concat();
        let keys = [
            key("general.architecture", 8, &text("llama")),
            key("llama.context_length", 4, &8192u32.to_le_bytes()),
            key("clip.context_length", 4, &77u32.to_le_bytes()),
            key("tokenizer.ggml.tokens", 9, &array),
            key("tokenizer.ggml.scores", 9, &scores),
            key("tokenizer.ggml.bos_token_id", 4, &1u32.to_le_bytes()),
            key("tokenizer.ggml.eos_token_id", 4, &49_999u32.to_le_bytes()),
            key("tokenizer.chat_template", 8, &text("{{ messages }}")),
            key("general.flag", 7, &[1]),
        ];
        let tensor = |name: &str, sides: &[u64], kind: u32| {
            let sizes: Vec<u8> = sides.iter().flat_map(|side| side.to_le_bytes()).collect();
            [text(name), (sides.len() as u32).to_le_bytes().to_vec(), sizes, kind.to_le_bytes().to_vec(), vec![0; 8]].concat()
        };
        let tensors = [tensor("a", &[10, 20], 0), tensor("b", &[7], 12)].concat();
        [
            b"GGUF".to_vec(),
            3u32.to_le_bytes().to_vec(),
            2u64.to_le_bytes().to_vec(),
            (keys.len() as u64).to_le_bytes().to_vec(),
            keys.concat(),
            tensors,
        ]
        .concat()
    }

    #[test]
    fn a_header_is_read_in_steps() {
        let bytes = sample();
        let size = bytes.len() as u64 + 1_000_000;
        let (mut have, mut rounds) = (0usize, 0);
        let summary = loop {
            match parse(&bytes[..have.min(bytes.len())], size).unwrap() {
                Progress::Done(summary) => break summary,
                Progress::NeedBytes(count) => {
                    assert!(count > have as u64 && count <= size);
                    have = usize::try_from(count).unwrap();
                    rounds += 1;
                }
            }
        };
        assert!((2..6).contains(&rounds), "{rounds}");
        let expected = json!({"total":207,"architecture":"llama","context_length":8192,"chat_template":"{{ messages }}","bos_token":"token1","eos_token":"token49999"});
        assert_eq!(summary.to_json(), expected);
        assert_eq!(summary.parameters, BTreeMap::from([("F32", 200), ("Q4_K", 7)]));
    }

    #[test]
    fn files_of_a_split_model_are_added_up() {
        let mut sum = Summary {
            architecture: Some("llama".to_owned()),
            total: 7,
            parameters: BTreeMap::from([("Q4_K", 7)]),
            tensors: 1,
            ..Summary::default()
        };
        sum.add(&Summary { total: 5, parameters: BTreeMap::from([("F32", 2), ("Q4_K", 3)]), tensors: 2, ..Summary::default() });
        assert_eq!((sum.total, sum.tensors, sum.architecture.as_deref()), (12, 3, Some("llama")));
        assert_eq!(sum.parameters, BTreeMap::from([("F32", 2), ("Q4_K", 10)]));
    }

    #[test]
    fn every_shorter_file_is_an_error() {
        let bytes = [
            b"GGUF".to_vec(),
            3u32.to_le_bytes().to_vec(),
            1u64.to_le_bytes().to_vec(),
            1u64.to_le_bytes().to_vec(),
            key("general.architecture", 8, &text("x")),
            text("t"),
            1u32.to_le_bytes().to_vec(),
            5u64.to_le_bytes().to_vec(),
            vec![0; 12],
        ]
        .concat();
        assert!(matches!(parse(&bytes, bytes.len() as u64), Ok(Progress::Done(_))));
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end], end as u64).is_err(), "{end}");
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        let head = |version: u32, tensors: u64, keys: u64| {
            [b"GGUF".to_vec(), version.to_le_bytes().to_vec(), tensors.to_le_bytes().to_vec(), keys.to_le_bytes().to_vec()]
                .concat()
        };
        let array = |kind: u32, count: u64| key("a", 9, &[&kind.to_le_bytes()[..], &count.to_le_bytes()].concat());
        let huge = 1 << 50;
        for (name, bytes) in [
            ("magic", b"GGML0000".to_vec()),
            ("big endian", [b"GGUF".to_vec(), 3u32.to_be_bytes().to_vec()].concat()),
            ("tensors", head(3, u64::MAX, 0)),
            ("keys", head(3, 0, u64::MAX)),
            ("key length", [head(3, 0, 1), u64::MAX.to_le_bytes().to_vec()].concat()),
            ("text length", [head(3, 0, 1), text("k"), 8u32.to_le_bytes().to_vec(), u64::MAX.to_le_bytes().to_vec()].concat()),
            ("array", [head(3, 0, 1), array(12, u64::MAX)].concat()),
            ("texts", [head(3, 0, 1), array(8, u64::MAX)].concat()),
            ("arrays in arrays", [head(3, 0, 1), array(9, 1)].concat()),
            ("type", [head(3, 0, 1), key("a", 99, &[])].concat()),
            ("dimensions", [head(3, 1, 0), text("t"), u32::MAX.to_le_bytes().to_vec()].concat()),
            ("shape", [head(3, 1, 0), text("t"), 2u32.to_le_bytes().to_vec(), vec![0xff; 16], vec![0; 12]].concat()),
            ("name", [head(3, 0, 1), 1u64.to_le_bytes().to_vec(), vec![0xff]].concat()),
        ] {
            assert!(parse(&bytes, huge).is_err(), "{name}: {:?}", parse(&bytes, huge));
        }
    }
}
