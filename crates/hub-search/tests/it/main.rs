//! The engines, from outside.

mod corpus;
mod lifecycle;
mod oracle;
mod relevance;
