//! Every statement on applications, what they were let do, and the keys that sign for them.

pub mod clients;
pub mod devices;
pub mod grants;
pub mod keys;
pub mod tokens;
