//! Headers of weight files, and what Parquet files begin and end with.

use hub_cards::{HeaderError, Progress, gguf, parquet, safetensors};
use proptest::prelude::*;

use crate::hostile::{damage, damaged, taken, within};

const MIB: usize = 1 << 20;
const WORDS: &[&str] = &[
    "\"dtype\"",
    "\"F32\"",
    "\"shape\":[",
    "{",
    "}",
    "[[[[[[[[",
    "999999999999999999999",
    "-1",
    "1e308",
    "\\u0000",
    "PAR1",
    "GGUF",
    "\0\0\0\0\0\0\0\0",
];
const TABLES: &[&[u8]] = &[
    include_bytes!("../../testdata/none-1.parquet"),
    include_bytes!("../../testdata/snappy-2.parquet"),
    include_bytes!("../../testdata/gzip-1.parquet"),
    include_bytes!("../../testdata/zstd-2.parquet"),
    include_bytes!("../../testdata/lz4-1.parquet"),
    include_bytes!("../../testdata/delta.parquet"),
];

fn safetensors_file() -> Vec<u8> {
    let tensors: Vec<String> = (0..40)
        .map(|n| format!(r#""layer.{n}.weight":{{"dtype":"F32","shape":[2,3],"data_offsets":[{},{}]}}"#, n * 24, n * 24 + 24))
        .collect();
    let header = format!(r#"{{"__metadata__":{{"format":"pt"}},{}}}"#, tensors.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 40 * 24]].concat()
}

fn gguf_file() -> Vec<u8> {
    let text = |value: &str| [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat();
    let key = |name: &str, kind: u32, value: &[u8]| [text(name), kind.to_le_bytes().to_vec(), value.to_vec()].concat();
    let tokens: Vec<u8> = (0..200).flat_map(|n| text(&format!("token{n}"))).collect();
    let keys = [
        key("general.architecture", 8, &text("llama")),
        key("llama.context_length", 4, &8192_u32.to_le_bytes()),
        key("tokenizer.ggml.tokens", 9, &[&8_u32.to_le_bytes()[..], &200_u64.to_le_bytes(), &tokens].concat()),
        key("tokenizer.ggml.scores", 9, &[&6_u32.to_le_bytes()[..], &3_u64.to_le_bytes(), &[0; 12]].concat()),
        key("tokenizer.ggml.bos_token_id", 4, &1_u32.to_le_bytes()),
        key("tokenizer.chat_template", 8, &text("{{ messages }}")),
    ];
    let tensor = |name: &str, sides: &[u64]| {
        let sizes: Vec<u8> = sides.iter().flat_map(|side| side.to_le_bytes()).collect();
        [text(name), (sides.len() as u32).to_le_bytes().to_vec(), sizes, vec![0; 12]].concat()
    };
    let tensors = [tensor("a", &[10, 20]), tensor("b", &[7])].concat();
    let counts = [3_u32.to_le_bytes().to_vec(), 2_u64.to_le_bytes().to_vec(), (keys.len() as u64).to_le_bytes().to_vec()];
    [b"GGUF".to_vec(), counts.concat(), keys.concat(), tensors, vec![0; 900]].concat()
}

/// Reads as the hub does: what is asked for, until it is enough. The rounds are bounded, or it would never end.
fn in_steps<T>(
    file: &[u8],
    read: impl Fn(&[u8], u64) -> Result<Progress<T>, HeaderError>,
) -> Result<Result<T, HeaderError>, TestCaseError> {
    let mut have = 0;
    for _ in 0..64 {
        match read(&file[..have], file.len() as u64) {
            Ok(Progress::Done(found)) => return Ok(Ok(found)),
            Err(error) => return Ok(Err(error)),
            Ok(Progress::NeedBytes(bytes)) => {
                prop_assert!(bytes > have as u64 && bytes <= file.len() as u64, "{bytes} after {have} of {}", file.len());
                have = bytes as usize;
            }
        }
    }
    Err(TestCaseError::fail("asked for more 64 times"))
}

#[test]
fn what_is_damaged_is_read_when_it_is_not() {
    let summary = in_steps(&safetensors_file(), safetensors::parse).unwrap().unwrap();
    assert_eq!((summary.tensors, summary.total()), (40, 240));
    let summary = in_steps(&gguf_file(), gguf::parse).unwrap().unwrap();
    assert_eq!((summary.tensors, summary.total, summary.bos_token.as_deref()), (2, 207, Some("token1")));
    for table in TABLES {
        assert!(footer(table).is_ok());
    }
}

fn footer(file: &[u8]) -> Result<parquet::Footer, HeaderError> {
    let tail = file.len().saturating_sub(parquet::TAIL_BYTES as usize);
    let length = parquet::footer_bytes(&file[tail..], file.len() as u64)?;
    let start = (tail as u64).checked_sub(length).expect("a footer lies in its file");
    parquet::parse(&file[start as usize..tail])
}

proptest! {
    #[test]
    fn safetensors_headers(changes in damage()) {
        let file = damaged(&safetensors_file(), WORDS, &changes);
        let (read, took) = taken(|| in_steps(&file, safetensors::parse));
        if let Ok(summary) = read? {
            // Nobody's counts may overflow, and what is shown is what was read.
            prop_assert!(summary.to_json()["total"].as_u64() == Some(summary.total()));
        }
        within(took, file.len(), MIB, 20, 100)?;
    }

    #[test]
    fn safetensors_indexes(changes in damage()) {
        let entries: Vec<String> = (0..50).map(|n| format!(r#""layer.{n}":"model-0000{}-of-00003.safetensors""#, n % 3)).collect();
        let json = damaged(format!(r#"{{"metadata":{{"total_size":9}},"weight_map":{{{}}}}}"#, entries.join(",")).as_bytes(), WORDS, &changes);
        let (read, took) = taken(|| safetensors::parse_index(&json));
        for name in read.into_iter().flatten() {
            prop_assert!(!name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
        }
        within(took, json.len(), MIB, 20, 100)?;
        let (read, took) = taken(|| safetensors::parse_index_metadata(&json));
        for value in read.into_iter().flat_map(|said| said.into_iter().map(|(_, value)| value)) {
            prop_assert!(!value.is_array() && !value.is_object() && !value.is_null(), "{value}");
        }
        within(took, json.len(), MIB, 20, 100)?;
    }

    #[test]
    fn gguf_headers(changes in damage()) {
        let file = damaged(&gguf_file(), WORDS, &changes);
        let (read, took) = taken(|| in_steps(&file, gguf::parse));
        let parsed = read?;
        within(took, file.len(), MIB, 20, 200)?;
        let (listed, took) = taken(|| in_steps(&file, gguf::list));
        within(took, file.len(), MIB, 20, 200)?;
        // Two readers of one header agree on whether it is one.
        if let (Ok(parsed), Ok(listed)) = (parsed, listed?) {
            prop_assert_eq!(parsed.tensors, listed.tensors.len() as u64);
        }
    }

    #[test]
    fn parquet_footers(which in 0..TABLES.len(), changes in damage()) {
        let file = damaged(TABLES[which], WORDS, &changes);
        let (_, took) = taken(|| footer(&file));
        within(took, file.len(), MIB, 20, 100)?;
        // The footer alone, which damage to lengths leaves unread above.
        let whole = TABLES[which];
        let tail = whole.len() - parquet::TAIL_BYTES as usize;
        let length = parquet::footer_bytes(&whole[tail..], whole.len() as u64).unwrap() as usize;
        let bytes = damaged(&whole[tail - length..tail], WORDS, &changes);
        let (read, took) = taken(|| parquet::parse(&bytes));
        within(took, bytes.len(), MIB, 20, 100)?;
        let Ok(read) = read else { return Ok(()) };
        prop_assert!(read.columns.len() <= 2_000);
        // What a damaged footer says of pages is tried on the real ones.
        for (column, chunk) in read.columns.iter().zip(&read.chunks) {
            let start = usize::try_from(chunk.start).unwrap_or(usize::MAX).min(whole.len());
            let (found, took) = taken(|| parquet::rows::first_values(column, chunk, &whole[start..], 50));
            if let Ok(Progress::Done(values)) = found {
                prop_assert!(values.len() <= 50);
            }
            // A page is unpacked whole, to at most some megabytes.
            prop_assert!(took.most <= 80 * MIB, "{took:?}");
        }
    }
}
