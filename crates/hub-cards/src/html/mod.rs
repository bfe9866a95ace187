//! From uploaded text to HTML that pages can show.

pub(crate) mod excerpt;
pub(crate) mod highlight;
mod images;
pub(crate) mod links;
pub(crate) mod markdown;
mod math;
pub(crate) mod outline;
pub(crate) mod sanitize;
