//! Findings and chains for readers: one file per output format.

pub mod parse_haproxy;
pub mod parse_nginx;
pub mod parse_compose;
