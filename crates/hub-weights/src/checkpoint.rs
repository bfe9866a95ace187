//! PyTorch checkpoints, read without unpickling, and written again as safetensors.
//!
//! A checkpoint is a pickle that says which tensors there are, and their numbers beside it: in a zip file ([`ZipFile`]), or, before
//! PyTorch 1.6, one after the other ([`LegacyFile`]). [`Contents`] is what the pickle says, read by a machine that knows the few
//! names that tensors need and refuses all others by name; [`Conversion`] is what of it goes where in a safetensors file.
//!
//! The formats are those of PyTorch's `torch/serialization.py` and `torch/_utils.py`.

mod contents;
mod conversion;
mod legacy;
mod machine;
mod strided;
mod value;
mod zip;

pub use contents::{Contents, Storage};
pub use conversion::{Conversion, Piece, Source, safetensors_name};
pub use legacy::{LegacyFile, NUMEL_BYTES};
pub use strided::{MAX_STRIDED_BYTES, Strided};
pub use zip::{LOCAL_HEADER_BYTES, MAX_DIRECTORY_BYTES, TAIL_BYTES, ZipEntry, ZipFile, directory_range};

/// The longest pickle that is read, in bytes: a hundred bytes or so a tensor.
pub const MAX_PICKLE_BYTES: u64 = 32 << 20;
/// The most tensors, and storages, of a checkpoint.
pub const MAX_CHECKPOINT_TENSORS: usize = 50_000;

/// Why a checkpoint cannot be converted, in words that go on from its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Something else.
    #[error("is no PyTorch checkpoint, or was damaged: {0}")]
    Broken(&'static str),
    /// It names something that is no part of a tensor.
    #[error(
        "imports `{0}`, which no tensor needs. Only plain tensors can be converted without running the file: load it where you \
         trust it, and save the tensors alone (`safetensors.torch.save_file`)"
    )]
    Global(String),
    /// Something that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// More than is read.
    #[error("has too much in it: {0}")]
    TooLarge(&'static str),
}

impl CheckpointError {
    pub(crate) fn unsupported(words: impl Into<String>) -> Self {
        Self::Unsupported(words.into())
    }
}

type Result<T> = std::result::Result<T, CheckpointError>;
