//! The chat templates in a header: one, and perhaps others with names.

use super::super::{HeaderError, Progress};
use super::progress;
use super::reader::{Field, Reader, Step, Visit, read_header};

/// How much of a template is kept. Real ones have some kilobytes.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// How many there are at most.
const MAX_TEMPLATES: usize = 100;

#[derive(Default)]
struct Templates(Vec<String>);

impl Visit for Templates {
    fn key(&mut self, key: &str, value: &Field<'_>) {
        let is_template = key == "tokenizer.chat_template" || key.starts_with("tokenizer.chat_template.");
        if let (true, Field::Text(bytes)) = (is_template && self.0.len() < MAX_TEMPLATES, value) {
            let end = bytes.len().min(MAX_TEMPLATE_BYTES);
            self.0.push(String::from_utf8_lossy(&bytes[..end]).into_owned());
        }
    }

    fn tensor(&mut self, _: String, _: Vec<u64>, _: u32) -> Step<()> {
        Ok(())
    }
}

/// The chat templates in a prefix of a file of `file_bytes` bytes.
///
/// # Errors
/// As [`parse`](super::parse).
pub fn templates(prefix: &[u8], file_bytes: u64) -> Result<Progress<Vec<String>>, HeaderError> {
    let mut found = Templates::default();
    let read = read_header(&mut Reader { bytes: prefix, at: 0 }, &mut found);
    progress(read.map(|()| found.0), prefix, file_bytes)
}
