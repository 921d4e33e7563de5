//! One file's text to a tree with spans. Parsing never fails: it returns a tree and errors.

pub mod certificate;
pub mod command;
pub mod constant;
pub mod dockerfile;
mod guess;
pub mod haproxy;
pub mod log;
pub mod near;
pub mod nginx;
pub mod proxy_value;
pub mod rule;
pub mod value;
pub mod yaml;

pub use guess::{Format, guess};
