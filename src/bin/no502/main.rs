//! The program: everything that touches the outside.

fn main() {}
