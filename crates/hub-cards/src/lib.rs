//! hub-cards
