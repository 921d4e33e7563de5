//! The readers: a tree beside each text, and whatever happens to a text, an answer in linear time.

mod fixture;
mod mutate;

mod compose;
mod haproxy;
mod nginx;
