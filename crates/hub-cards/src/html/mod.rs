//! From uploaded text to HTML that pages can show.

pub(crate) mod excerpt;
pub(crate) mod highlight;
mod links;
pub(crate) mod markdown;
mod math;
pub(crate) mod sanitize;
