//! Xorbs: verifying, describing, building and decoding them.

mod build;
mod decode;
mod error;
mod info;
#[cfg(test)]
mod tests;
mod verify;

pub use build::XorbBuilder;
pub use decode::RangeDecoder;
#[cfg(test)]
pub(crate) use decode::decode;
pub use error::XorbError;
pub use info::{ChunkInfo, XorbInfo};
pub use verify::{Footer, XorbVerifier};
