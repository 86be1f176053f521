//! Volume operations.
#![forbid(unsafe_code)]
pub mod locks;
pub mod records;
