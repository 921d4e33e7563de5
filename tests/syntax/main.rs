//! The readers: a tree beside each text, and whatever happens to a text, an answer in linear time.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

mod fixture;
mod mutate;

mod compose;
mod haproxy;
mod nginx;
