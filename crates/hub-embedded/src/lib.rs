//! hub-embedded
