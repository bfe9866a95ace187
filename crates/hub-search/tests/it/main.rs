//! The engines, from outside.

mod corpus;
mod lifecycle;
mod meili;
mod oracle;
mod relevance;
