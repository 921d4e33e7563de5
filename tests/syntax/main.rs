//! The readers: a tree beside each text, and whatever happens to a text, an answer in linear time.

mod fixture;
mod mutate;

mod nginx;
//! Holds the readers against fixtures, each with the tree that is expected of it beside it.

mod haproxy;
