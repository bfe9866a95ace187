//! Collections: ordered lists of repositories, papers and other collections, with notes.
//!
//! An item is shown only to those who may see what it is. Addresses end in 24 hex digits, by which alone a collection is found,
//! so that those with an older title or owner keep working.
//!
//! - [`access`]: who may see and change one; nothing is changed without a [`CollectionWrite`].
//! - [`operations`]: what can be done, for the API and the pages alike.
//! - [`deleted`]: what was deleted and can come back.

pub mod access;
pub mod api;
mod contents;
pub mod deleted;
pub mod operations;
pub mod pages;
pub mod queries;

pub use access::{CollectionRead, CollectionWrite};
