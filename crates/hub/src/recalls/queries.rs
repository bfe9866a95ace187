//! Every statement on recalls.

pub mod lists;
pub mod standing;
pub mod tell;
pub mod write;
