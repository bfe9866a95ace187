//! Numbers in weight files, without any I/O: the caller brings the bytes.
//!
//! - [`parse_layout`] says where in a safetensors file which tensor lies; [`Dtype`] decodes numbers.
//! - [`Sketch`] keeps some values of the largest tensors, at places that follow from name and shape alone, so that two
//!   models of one architecture can be compared by some kilobytes: [`Sketch::compare`].
//! - [`checkpoint`] reads PyTorch checkpoints without unpickling them, and plans safetensors files of the same tensors.
//! - [`TensorDiff`] compares two tensors block by block; [`RankProbe`] estimates the rank of what changed.
//!
//! Everything that is read here was sent by strangers: memory and time are bounded by constants of this crate.

pub mod checkpoint;
mod diff;
mod dtype;
mod keys;
mod layout;
mod random;
mod rank;
mod similarity;
mod sketch;

pub use diff::TensorDiff;
pub use dtype::Dtype;
pub use layout::{Layout, LayoutError, MAX_TENSORS, Step, Tensor, parse_layout};
pub use rank::RankProbe;
pub use similarity::{Kinship, RELATED_CORRELATION, Similarity};
pub use sketch::{DIGEST_BITS, MAX_SKETCH_BYTES, PlannedTensor, Sketch, SketchedTensor, plan_sketch};
