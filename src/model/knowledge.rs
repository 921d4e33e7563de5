//! What programs, images and edges do when nothing is written: the tables of `rules/defaults`, each number with its
//! source. A family is parsed when one of its programs is first asked for, an image's row when it is looked up.

mod glob;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

pub use crate::settings::table::{Documented, Edge, Image, Listen, Number, Program, Stop, Watched};
pub use glob::fits;

use crate::settings::Settings;

/// What is known in one run: the rows of `no502.toml` before those of `rules/defaults`.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    programs: &'a [Program],
    images: &'a [Image],
}

impl<'a> Known<'a> {
    /// With the rows of the settings.
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            programs: &settings.programs,
            images: &settings.images,
        }
    }

    /// The program of a name: `gunicorn-sync`, `node-http-20`.
    pub fn program(&self, name: &str) -> Option<&'a Program> {
        self.programs().find(|program| program.name == name)
    }

    /// Every program, the run's own ones first.
    pub fn programs(&self) -> impl Iterator<Item = &'a Program> + use<'a> {
        let built_in = programs().map(|program| -> &'a Program { program });
        self.programs.iter().chain(built_in)
    }

    /// The run's own programs whose command lines are its own as well; a row that only changes numbers of a built-in
    /// program is found by its name.
    pub fn own(&self) -> impl Iterator<Item = &'a Program> + use<'a> {
        self.programs.iter().filter(|own| {
            program(&own.name).is_none_or(|built_in| built_in.commands != own.commands)
        })
    }

    /// What is known of an image, written as in compose: `postgres:16`, `ghcr.io/a/b@sha256:…`.
    pub fn image(&self, reference: &str) -> Option<Image> {
        let canonical = glob::canonical(reference);
        let own = self.images.iter().find(|image| {
            glob::fits(&image.name, &canonical) || glob::fits(&image.name, reference)
        });
        own.cloned().or_else(|| image(&canonical))
    }
}

/// The built-in program of a name.
pub fn program(name: &str) -> Option<&'static Program> {
    programs().find(|program| program.name == name)
}

/// Every program of `rules/defaults`, family by family.
pub fn programs() -> impl Iterator<Item = &'static Program> {
    FAMILIES.iter().flat_map(Family::programs)
}

/// What is known of an image by its canonical reference.
///
/// Only the row that fits is parsed; the whole table would cost more than all the other work on a small project.
fn image(reference: &str) -> Option<Image> {
    static ROWS: OnceLock<Rows> = OnceLock::new();
    let row = ROWS.get_or_init(Rows::of).find(reference)?;
    row.parsed.get_or_init(|| row.parse()).clone()
}

/// The rows of `images.toml`: a stack may have thousands of services.
struct Rows {
    all: Vec<Row>,
    /// By the repository that a pattern names, its rows.
    by_repository: HashMap<&'static str, Vec<usize>>,
    /// The rows whose patterns have a `*` in it.
    others: Vec<usize>,
}

struct Row {
    name: &'static str,
    line: &'static str,
    parsed: OnceLock<Option<Image>>,
}

impl Rows {
    fn of() -> Self {
        let named = IMAGES
            .lines()
            .filter_map(|line| Some((row_name(line)?, line)));
        let rows = named.map(|(name, line)| Row {
            name,
            line,
            parsed: OnceLock::new(),
        });
        let rows: Vec<Row> = rows.collect();
        let mut by_repository: HashMap<_, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            match glob::repository(row.name) {
                pattern if pattern.contains('*') => others.push(at),
                repository => by_repository.entry(repository).or_default().push(at),
            }
        }
        Self {
            all: rows,
            by_repository,
            others,
        }
    }

    /// The first row that fits.
    fn find(&self, reference: &str) -> Option<&Row> {
        let fits = |at: &&usize| glob::fits(self.all[**at].name, reference);
        let own = self.by_repository.get(glob::repository(reference));
        let own = own.into_iter().flatten().find(fits);
        let other = self.others.iter().find(fits);
        Some(&self.all[*own.into_iter().chain(other).min()?])
    }
}

impl Row {
    fn parse(&self) -> Option<Image> {
        let row = format!("image = [{}]", self.line);
        toml::from_str::<ImageFile>(&row).ok()?.image.pop()
    }
}

/// Images that bring a language or a distribution and start nothing that takes requests by themselves.
const RUNTIMES: [&str; 16] = [
    "python:*",
    "node:*",
    "ruby:*",
    "php:*",
    "golang:*",
    "openjdk:*",
    "eclipse-temurin:*",
    "amazoncorretto:*",
    "maven:*",
    "gradle:*",
    "oven/bun:*",
    "denoland/deno:*",
    "alpine:*",
    "debian:*",
    "ubuntu:*",
    "busybox:*",
];

/// Whether an image brings a bare runtime: no variable, no config and no signal of its own changes what runs in it.
pub fn is_runtime(reference: &str) -> bool {
    let canonical = glob::canonical(reference);
    let mut patterns = RUNTIMES.iter();
    patterns.any(|pattern| glob::fits(pattern, &canonical))
}

/// Whether an image brings a `HEALTHCHECK` of its own; `None` if that is not known.
pub fn healthcheck(reference: &str) -> Option<bool> {
    static ROWS: OnceLock<Vec<OwnCheck>> = OnceLock::new();
    let rows = ROWS.get_or_init(|| {
        let file: OwnCheckFile =
            toml::from_str(CHECK_TEXT).expect("a test parses healthchecks.toml");
        file.healthcheck
    });
    let reference = glob::canonical(reference);
    let row = rows.iter().find(|row| glob::fits(&row.name, &reference))?;
    Some(row.has)
}

/// The load balancer, CDN or router of a name or of another name that it goes by: `aws-alb`, `cloudfront`.
pub fn edge(name: &str) -> Option<&'static Edge> {
    edges()
        .iter()
        .find(|edge| edge.names().any(|known| known == name))
}

/// Every edge of `rules/defaults/edges.toml`.
pub fn edges() -> &'static [Edge] {
    static EDGES: OnceLock<Vec<Edge>> = OnceLock::new();
    EDGES.get_or_init(|| {
        let file: EdgeFile = toml::from_str(EDGE_TEXT).expect("a test parses edges.toml");
        file.edge
    })
}

const IMAGES: &str = include_str!("../../rules/defaults/images.toml");
const TOOLS_TEXT: &str = include_str!("../../rules/defaults/tools.toml");
const CHECK_TEXT: &str = include_str!("../../rules/defaults/healthchecks.toml");
const EDGE_TEXT: &str = include_str!("../../rules/defaults/edges.toml");

/// One file of programs, parsed when it is first needed.
struct Family {
    text: &'static str,
    parsed: OnceLock<Vec<Program>>,
}

impl Family {
    const fn new(text: &'static str) -> Self {
        Self {
            text,
            parsed: OnceLock::new(),
        }
    }

    fn programs(&self) -> &[Program] {
        self.parsed.get_or_init(|| {
            let file: ProgramFile =
                toml::from_str(self.text).expect("a test parses every file of rules/defaults");
            file.program
        })
    }
}

static FAMILIES: [Family; 10] = [
    Family::new(include_str!("../../rules/defaults/python.toml")),
    Family::new(include_str!("../../rules/defaults/node.toml")),
    Family::new(include_str!("../../rules/defaults/php.toml")),
    Family::new(include_str!("../../rules/defaults/ruby.toml")),
    Family::new(include_str!("../../rules/defaults/web.toml")),
    Family::new(include_str!("../../rules/defaults/jvm.toml")),
    Family::new(include_str!("../../rules/defaults/dotnet.toml")),
    Family::new(include_str!("../../rules/defaults/go.toml")),
    Family::new(include_str!("../../rules/defaults/rust.toml")),
    Family::new(include_str!("../../rules/defaults/beam.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramFile {
    program: Vec<Program>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageFile {
    image: Vec<Image>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeFile {
    edge: Vec<Edge>,
}

/// Whether an image certainly has not a program: `curl`, `wget`, `nc`, `sh`.
pub fn lacks(reference: &str, program: &str) -> bool {
    static ROWS: OnceLock<Vec<Tools>> = OnceLock::new();
    let rows = ROWS.get_or_init(|| {
        let file: ToolsFile = toml::from_str(TOOLS_TEXT).expect("a test parses tools.toml");
        file.tools
    });
    let reference = glob::canonical(reference);
    let row = rows.iter().find(|row| glob::fits(&row.name, &reference));
    row.is_some_and(|row| row.lacks.iter().any(|lacking| lacking == program))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolsFile {
    tools: Vec<Tools>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tools {
    name: String,
    lacks: Vec<String>,
    #[allow(dead_code)] // for people: every row says where it is known from
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnCheckFile {
    healthcheck: Vec<OwnCheck>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnCheck {
    name: String,
    has: bool,
    #[allow(dead_code)] // for people: every row says where it is known from
    source: String,
}

/// The name of a row of `images.toml`, which stands on a line of its own.
fn row_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  { name = \"")?;
    // plain: a row of the project's own table, whose names hold no escape
    rest.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_source() {
        for program in programs() {
            for (key, number) in program.numbers() {
                assert!(!number.source.trim().is_empty(), "{} {key}", program.name);
            }
            for word in [&program.label, &program.protocol, &program.source] {
                assert!(!word.trim().is_empty(), "{}", program.name);
            }
            if let Some(listen) = &program.listen {
                assert!(!listen.source.trim().is_empty(), "{}", program.name);
            }
        }
        let images: ImageFile = toml::from_str(IMAGES).unwrap();
        for image in &images.image {
            assert!(!image.source.trim().is_empty(), "{}", image.name);
        }
        assert!(edges().iter().all(|edge| !edge.source.trim().is_empty()));
    }

    #[test]
    fn every_image_can_be_looked_up_and_names_a_known_program() {
        let images: ImageFile = toml::from_str(IMAGES).unwrap();
        let rows = IMAGES.lines().filter_map(row_name).count();
        assert_eq!(rows, images.image.len());
        for image in &images.image {
            if let Some(name) = &image.program {
                let elsewhere = name == "nginx" || name == "haproxy";
                assert!(elsewhere || program(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for program in programs() {
            assert!(seen.insert(&program.name), "{}", program.name);
        }
        let mut seen = std::collections::BTreeSet::new();
        for name in edges().iter().flat_map(Edge::names) {
            assert!(seen.insert(name), "{name}");
        }
    }

    #[test]
    fn slim_images_lack_tools() {
        assert!(lacks("python:3.12-slim", "curl"));
        assert!(lacks("alpine", "curl") && !lacks("alpine:3.20", "wget"));
        assert!(!lacks("nginx:1.27-alpine", "wget") && lacks("nginx", "wget"));
        assert!(!lacks("registry.example.com/shop/web", "curl"));
    }

    #[test]
    fn official_images_have_no_healthcheck() {
        assert_eq!(healthcheck("postgres"), Some(false));
        assert_eq!(healthcheck("docker.io/library/redis:7"), Some(false));
        assert_eq!(healthcheck("vaultwarden/server:1.30"), Some(true));
        assert_eq!(healthcheck("registry.example.com/shop/web:1"), None);
    }

    #[test]
    fn the_first_row_that_fits_wins() {
        let image = |reference| Known::default().image(reference);
        assert_eq!(image("wordpress:6-fpm-alpine").unwrap().ports, [9000]);
        assert_eq!(image("wordpress").unwrap().ports, [80]);
        assert_eq!(
            image("docker.io/library/postgres:16").unwrap().ports,
            [5432]
        );
        assert!(image("example/own-app:1").is_none());
    }
}
