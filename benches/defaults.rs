//! What the tables of `rules/defaults` cost: a run parses the families that it asks for, and of the images the one row.

use std::collections::BTreeMap;

use divan::Bencher;
use no502::model::knowledge::{Edge, Known, Program};
use serde::de::DeserializeOwned;

fn main() {
    divan::main();
}

/// All families of programs, which a run that knows none of its command lines parses.
#[divan::bench]
fn programs() -> usize {
    FAMILIES.iter().map(|text| rows::<Program>(text)).sum()
}

/// The largest of them.
#[divan::bench]
fn python() -> usize {
    rows::<Program>(FAMILIES[0])
}

/// Only parsed where `no502.toml` names an edge.
#[divan::bench]
fn edges() -> usize {
    rows::<Edge>(include_str!("../rules/defaults/edges.toml"))
}

/// An image in the last row, and one in none: the table is searched to its end.
#[divan::bench(args = ["postgis/postgis:16", "registry.example.com/shop/web:1"])]
fn image(bencher: Bencher, reference: &str) {
    bencher.bench(|| Known::default().image(reference));
}

fn rows<T: DeserializeOwned>(text: &str) -> usize {
    let table: BTreeMap<String, Vec<T>> = toml::from_str(text).expect("a table of the project");
    table.values().map(Vec::len).sum()
}

const FAMILIES: [&str; 10] = [
    include_str!("../rules/defaults/python.toml"),
    include_str!("../rules/defaults/node.toml"),
    include_str!("../rules/defaults/php.toml"),
    include_str!("../rules/defaults/ruby.toml"),
    include_str!("../rules/defaults/web.toml"),
    include_str!("../rules/defaults/jvm.toml"),
    include_str!("../rules/defaults/dotnet.toml"),
    include_str!("../rules/defaults/go.toml"),
    include_str!("../rules/defaults/rust.toml"),
    include_str!("../rules/defaults/beam.toml"),
];
