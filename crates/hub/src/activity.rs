//! What people and organisations did: the feed of those whom one follows, the calendar of a profile, and Atom feeds.
//!
//! It is put together from what is there anyway: the events of repositories, likes and collections. What the reader may not see is
//! left out; the calendar and the feeds for everybody count public repositories only.

pub mod atom;
pub mod calendar;
pub mod feed;
pub mod follow;
pub mod queries;
