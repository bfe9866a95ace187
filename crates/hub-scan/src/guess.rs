//! Whether a file is a pickle, by its name and its first bytes: a rule that pushes wait for. [`crate::scan`] looks closer.

use crate::content::is_safetensors;
use crate::kind::Kind;
use crate::pickle::has_magic;

/// How many of the first bytes are needed.
pub const HEAD_BYTES: usize = 1024;
/// What nothing but pickles is named; `bin`, `data`, `model` and the like are tokenizers and raw numbers as often.
const NAMED: &[&str] = &["pkl", "pickle", "pck", "pcl", "joblib", "jbl", "dill", "pt", "pth", "ckpt", "th", "pdparams", "pdopt"];

/// Whether a file of this name is a pickle, whatever is in it: libraries load it as one.
pub fn is_named_pickle(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(_, ending)| NAMED.contains(&ending))
}

/// Whether the bytes of a file of this name must be asked.
pub fn may_be_pickle(path: &str) -> bool {
    matches!(Kind::of(path), Kind::Pickle | Kind::Other)
}

/// Whether a file is a pickle, or an archive of weights with one in it. `head` is what it begins with: [`HEAD_BYTES`], or all of it.
pub fn is_pickle(path: &str, head: &[u8]) -> bool {
    if !may_be_pickle(path) {
        return false;
    }
    // Even if it begins like safetensors: so can a pickle that begins with a string.
    if is_named_pickle(path) {
        return true;
    }
    let is_arrays = path.to_ascii_lowercase().ends_with(".npz");
    let is_checkpoint = Kind::of(path) == Kind::Pickle && head.starts_with(b"PK\x03\x04") && !is_arrays;
    // What begins safetensors is a length. No opcode is zero, so no pickle goes on like that.
    let is_length = is_safetensors(head) && head.get(2) == Some(&0);
    let is_marked = has_magic(head) && head.get(1).is_some_and(|protocol| *protocol >= 2);
    is_checkpoint || (is_marked && !is_length) || has_objects(head)
}

/// An array of numpy whose items are Python objects: those follow as a pickle.
fn has_objects(head: &[u8]) -> bool {
    head.starts_with(b"\x93NUMPY") && {
        let header = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        [&b"'|O'"[..], b"'O'"].iter().any(|kind| header.windows(kind.len()).any(|part| part == *kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_are_told_by_names_and_first_bytes() {
        let array = |kind: &str| format!("\u{93}NUMPY\u{1}\0v\0{{'descr': '{kind}', 'fortran_order': False}}\n");
        let latin = |text: String| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
        let (objects, numbers) = (latin(array("|O")), latin(array("<f8")));
        for (path, head, expected) in [
            ("a/model.PKL", &b""[..], true),
            ("model.pt", b"PK\x03\x04", true),
            ("model.pt", b"\x40\0\0\0\0\0\0\0{\"a\":", true),
            // A string of 40 bytes, and what comes after.
            ("model.pkl", b"U\x28\0\0\0\0\0\0{\"a\":", true),
            ("pytorch_model.bin", b"\x80\x02U\x05\0\0\0\0{cos\nsystem\n", true),
            ("weights.bin", b"\x80\x02\0\0\0\0\0\0{\"a\":", false),
            ("pytorch_model.bin", b"PK\x03\x04", true),
            ("pytorch_model.bin", b"\x80\x02\x8a\x0al\xfc", true),
            ("tokens.bin", b"\x01\0\x02\0", false),
            ("tokenizer.model", b"\x0a\x0e\x0a\x05<unk>", false),
            ("notes.txt", b"\x80\x04\x95", true),
            ("notes.txt", b"Notes", false),
            ("docs.zip", b"PK\x03\x04", false),
            ("arrays.npz", b"PK\x03\x04", false),
            ("ARRAYS.NPZ", b"PK\x03\x04", false),
            ("a.npy", &objects, true),
            ("a.npy", &numbers, false),
            ("model.safetensors", b"\x80\x02\0\0\0\0\0\0{", false),
            ("cat.png", b"\x80\x04\x95", false),
        ] {
            assert_eq!(is_pickle(path, head), expected, "{path} {head:?}");
        }
    }
}
