//! hub-storage
