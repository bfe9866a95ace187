//! All that a header lists, for people to look at.

use super::super::{HeaderError, Progress};
use super::reader::{Field, Reader, Step, Visit, read_header};
use super::{dtype_name, progress};

/// The longest value that a listing shows, in characters.
const MAX_SHOWN_CHARS: usize = 400;

/// Everything a header lists, for people to look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Keys with their values as text; long ones are cut, arrays give their length.
    pub keys: Vec<(String, String)>,
    /// The tensors in the file's order.
    pub tensors: Vec<Tensor>,
}

/// A tensor of a GGUF file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its sides.
    pub shape: Vec<u64>,
    /// The name of its number type, such as `Q4_K`.
    pub dtype: &'static str,
}

impl Visit for Listing {
    fn key(&mut self, key: &str, value: &Field<'_>) {
        let value = match value {
            Field::Number(number) => number.to_string(),
            Field::Float(number) => number.to_string(),
            Field::Text(bytes) => {
                let end = bytes.len().min(4 * MAX_SHOWN_CHARS);
                let text = String::from_utf8_lossy(&bytes[..end]);
                let cut = if text.chars().count() > MAX_SHOWN_CHARS || bytes.len() > end { " …" } else { "" };
                text.chars().take(MAX_SHOWN_CHARS).collect::<String>() + cut
            }
            Field::Texts(_, count) => format!("{count} texts"),
            Field::Numbers(count) => format!("{count} numbers"),
        };
        self.keys.push((key.to_owned(), value));
    }

    fn tensor(&mut self, name: String, shape: Vec<u64>, kind: u32) -> Step<()> {
        self.tensors.push(Tensor { name, shape, dtype: dtype_name(kind) });
        Ok(())
    }
}

/// Lists keys and tensors from a prefix of a file of `file_bytes` bytes.
///
/// # Errors
/// As [`parse`].
pub fn list(prefix: &[u8], file_bytes: u64) -> Result<Progress<Listing>, HeaderError> {
    let mut listing = Listing::default();
    let read = read_header(&mut Reader { bytes: prefix, at: 0 }, &mut listing);
    progress(read.map(|()| listing), prefix, file_bytes)
}
