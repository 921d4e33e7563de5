//! `no502.toml` as it is written, and what it means together with the command line.

mod edge;
mod margin;
mod program;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use no502::finding::{Confidence, Severity};
use no502::model::knowledge::{Image, Program};
use no502::rules::find;
use no502::settings::{Allow, Edge, Settings, StackFiles};
use no502::source::FileId;
use serde::Deserialize;
use toml::Spanned;

use self::edge::WrittenEdge;
use crate::args::{FailOn, ProjectArgs};
use crate::disk::Buffers;
use crate::failure::{Failure, did_you_mean, unknown_rule};
use crate::roots::{Roots, ancestor_with};

/// Name of the file.
pub(crate) const NAME: &str = "no502.toml";

/// A `no502.toml` that was read.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Where it is; `None` if there is none.
    pub(crate) path: Option<PathBuf>,
    text: String,
    written: Written,
}

/// The keys of the file. Few on purpose: what two good teams would set differently.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Written {
    select: Vec<Spanned<String>>,
    ignore: Vec<Spanned<String>>,
    fail_on: Option<WrittenFailOn>,
    min_severity: Option<Severity>,
    min_confidence: Option<Confidence>,
    pedantic: bool,
    strict: bool,
    rules: BTreeMap<Spanned<String>, WrittenRule>,
    versions: Versions,
    allow: Vec<WrittenAllow>,
    stack: Vec<WrittenStack>,
    edge: Vec<Spanned<WrittenEdge>>,
    program: Vec<Spanned<Program>>,
    image: Vec<Spanned<Image>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenFailOn {
    Info,
    Warning,
    Error,
    Never,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    severity: Option<Severity>,
    margin: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Versions {
    nginx: Option<Spanned<String>>,
    haproxy: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAllow {
    rule: Spanned<String>,
    path: Option<String>,
    reason: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStack {
    files: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    profiles: Vec<String>,
}

impl Config {
    /// The file that was asked for, else the nearest one: in the root, or above it within the same git repository.
    pub(crate) fn load(
        asked: Option<&Path>,
        roots: &Roots,
        buffers: &Buffers,
    ) -> Result<Self, Failure> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None => match Self::nearest(roots) {
                Some(path) => path,
                None => return Ok(Self::default()),
            },
        };
        let bytes = buffers
            .read(&path)
            .map_err(|error| Failure::unreadable(&path, &error))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(format!("`{}` is not UTF-8", path.display())))?;
        let written = toml::from_str(&text).map_err(|error| explain(&error, &path, &text))?;
        let config = Self {
            path: Some(path),
            text,
            written,
        };
        config.check()?;
        Ok(config)
    }

    /// Where the settings of a root are, if it has any.
    pub(crate) fn nearest(roots: &Roots) -> Option<PathBuf> {
        let inside = |dir: &PathBuf| {
            *dir == roots.root || roots.git.as_ref().is_some_and(|git| dir.starts_with(git))
        };
        let path = ancestor_with(&roots.root, NAME).filter(inside)?.join(NAME);
        let here = Path::new(".").canonicalize().ok();
        let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
        Some(below.unwrap_or(path))
    }

    /// The settings of a run: command line over file over defaults.
    pub(crate) fn settings(&self, args: &ProjectArgs, root: &Path) -> Result<Settings, Failure> {
        let written = &self.written;
        let over =
            |typed: &[String], written: &[Spanned<String>]| -> Result<Vec<String>, Failure> {
                if typed.is_empty() {
                    written.iter().map(|id| known_rule(id.get_ref())).collect()
                } else {
                    typed.iter().map(|id| known_rule(id)).collect()
                }
            };
        let mut settings = Settings {
            select: over(&args.select, &written.select)?,
            ignore: over(&args.ignore, &written.ignore)?,
            min_severity: args.min_severity.or(written.min_severity),
            min_confidence: args.min_confidence.or(written.min_confidence),
            pedantic: args.pedantic || written.pedantic,
            ..Settings::default()
        };
        for (id, rule) in &written.rules {
            let id = known_rule(id.get_ref())?;
            if let Some(severity) = rule.severity {
                settings.severity.insert(id.clone(), severity);
            }
            if let Some(ms) = rule.margin.as_ref().and_then(margin::milliseconds) {
                settings.margins.insert(id, ms);
            }
        }
        let versions = [
            ("nginx", &written.versions.nginx),
            ("haproxy", &written.versions.haproxy),
        ];
        for (program, version) in versions {
            if let Some(version) = version {
                settings
                    .versions
                    .insert(program.to_owned(), version.get_ref().clone());
            }
        }
        settings.programs = program::programs(&written.program);
        settings.images = program::images(&written.image);
        let base = Base::new(self.path.as_deref(), root);
        settings.allow = written
            .allow
            .iter()
            .filter_map(|allow| base.allow(allow))
            .collect();
        settings.stacks = written
            .stack
            .iter()
            .filter_map(|stack| base.stack(stack))
            .collect();
        Ok(settings)
    }

    /// From which severity on a run fails.
    pub(crate) fn fail_on(&self) -> Option<FailOn> {
        self.written.fail_on.map(|written| match written {
            WrittenFailOn::Info => FailOn::Severity(Severity::Info),
            WrittenFailOn::Warning => FailOn::Severity(Severity::Warning),
            WrittenFailOn::Error => FailOn::Severity(Severity::Error),
            WrittenFailOn::Never => FailOn::Never,
        })
    }

    /// Whether gaps fail a run.
    pub(crate) fn strict(&self) -> bool {
        self.written.strict
    }

    /// Where the rule of each `[[allow]]` is written, as byte ranges of the file, in order.
    pub(crate) fn allow_spans(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.written.allow.iter().map(|allow| allow.rule.span())
    }

    /// The `[[edge]]` entries, with their places in the file.
    pub(crate) fn edges(&self, file: FileId) -> Vec<Edge> {
        let edges = self.written.edge.iter();
        edges
            .filter_map(|edge| edge.get_ref().settings(file))
            .collect()
    }

    /// Whether anything in it can be pointed at by a report: a file that only says which rules run is not shown.
    pub(crate) fn is_shown(&self) -> bool {
        !self.written.edge.is_empty()
    }

    /// Its path below a root; one that lies elsewhere is named in `<…>`, as all that is no file of the tree.
    pub(crate) fn path_from(&self, root: &Path) -> Option<String> {
        let path = self.path.as_deref()?;
        let in_root = path
            .canonicalize()
            .is_ok_and(|path| path == root.join(NAME));
        Some(if in_root {
            NAME.to_owned()
        } else {
            format!("<{}>", path.display())
        })
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text of the file with one more `[[allow]]` for each rule and path below a root.
    pub(crate) fn with_allows<'a>(
        &self,
        root: &Path,
        allows: impl Iterator<Item = (&'a str, &'a str)>,
        reason: &str,
    ) -> Result<String, Failure> {
        let base = Base::new(self.path.as_deref(), root);
        let eol = if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let mut new = self.text.clone();
        if !new.is_empty() && !new.ends_with('\n') {
            new.push_str(eol);
        }
        for (rule, path) in allows {
            let path = [base.down.as_slice(), &[path.to_owned()]]
                .concat()
                .join("/");
            let quoted = |text: &str| toml::Value::from(text).to_string();
            let blank = if new.is_empty() { "" } else { eol };
            let (rule, path, reason) = (quoted(rule), quoted(&path), quoted(reason));
            new.extend([blank, "[[allow]]", eol, "rule = ", &rule, eol]);
            new.extend(["path = ", &path, eol, "reason = ", &reason, eol]);
        }
        let path = self.path.as_deref().unwrap_or(Path::new(NAME));
        match toml::from_str::<Written>(&new) {
            Ok(_) => Ok(new),
            Err(_) => Err(Failure::new(format!(
                "`{}` takes no further `[[allow]]`",
                path.display()
            ))
            .help("write `allow = [ … ]` as one `[[allow]]` for each entry")),
        }
    }

    /// What `serde` cannot see: rules that do not exist, reasons that say nothing.
    fn check(&self) -> Result<(), Failure> {
        let path = self.path.as_deref().unwrap_or(Path::new(NAME));
        let written = &self.written;
        let named = written.select.iter().chain(&written.ignore);
        let named = named
            .chain(written.rules.keys())
            .chain(written.allow.iter().map(|allow| &allow.rule));
        for id in named {
            known_rule(id.get_ref()).map_err(|failure| failure.at(path, &self.text, id.span()))?;
        }
        for (id, rule) in &written.rules {
            let margin = rule.margin.as_ref();
            margin.map_or(Ok(()), |margin| {
                margin::check(id.get_ref(), margin)
                    .map_err(|failure| failure.at(path, &self.text, margin.span()))
            })?;
        }
        for version in [&written.versions.nginx, &written.versions.haproxy]
            .into_iter()
            .flatten()
        {
            if !is_version(version.get_ref()) {
                let failure = Failure::new(format!("`{}` is no version", version.get_ref()));
                return Err(failure
                    .at(path, &self.text, version.span())
                    .help("write it with its numbers, as in 1.26"));
            }
        }
        edge::check(&written.edge, path, &self.text)?;
        program::check(&written.program, &written.image, path, &self.text)?;
        match written
            .allow
            .iter()
            .find(|allow| allow.reason.get_ref().trim().is_empty())
        {
            Some(allow) => Err(Failure::new("an `allow` needs a reason")
                .at(path, &self.text, allow.reason.span())
                .help("say why this is no fault here, for whoever reads it next year")),
            None => Ok(()),
        }
    }
}

/// `1.26` or `1.26.2`; a bare `3` tells too little.
fn is_version(written: &str) -> bool {
    let parts: Vec<&str> = written.split('.').collect();
    parts.len() > 1 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

/// The first line of a table, which is its header.
fn header(text: &str, span: &Range<usize>) -> Range<usize> {
    let rest = text.get(span.clone()).unwrap_or_default();
    let length = rest.lines().next().map_or(0, str::len);
    span.start..span.start + length
}

/// The id of a rule today, of a former one too.
fn known_rule(id: &str) -> Result<String, Failure> {
    find(id)
        .map(|rule| rule.id.to_owned())
        .ok_or_else(|| unknown_rule(id))
}

/// An error of the TOML reader, with its line and the name that was meant.
fn explain(error: &toml::de::Error, path: &Path, text: &str) -> Failure {
    let message = error.message().trim().replace('\n', ", ");
    let failure = Failure::new(message.clone()).at(path, text, error.span().unwrap_or(0..0));
    let mut names = message.split('`').skip(1).step_by(2);
    let help = names
        .next()
        .and_then(|written| did_you_mean(written, names));
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Turns paths that are relative to the folder of `no502.toml` into paths below the root.
struct Base {
    /// Parts of the root's path below the folder of the file.
    down: Vec<String>,
}

impl Base {
    fn new(config: Option<&Path>, root: &Path) -> Self {
        let folder = config
            .and_then(|path| path.canonicalize().ok())
            .and_then(|path| path.parent().map(Path::to_owned));
        let below = folder
            .as_deref()
            .and_then(|folder| root.strip_prefix(folder).ok());
        let parts = below.into_iter().flat_map(Path::iter);
        Self {
            down: parts
                .map(|part| part.to_string_lossy().into_owned())
                .collect(),
        }
    }

    /// `None` if the path lies outside the root.
    fn path(&self, written: &str) -> Option<String> {
        let mut parts: Vec<&str> = written
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        for step in &self.down {
            match parts.first() {
                Some(&"**") => break,
                Some(first) if *first == step || *first == "*" => drop(parts.remove(0)),
                _ => return None,
            }
        }
        Some(parts.join("/"))
    }

    fn allow(&self, written: &WrittenAllow) -> Option<Allow> {
        let path = match &written.path {
            Some(path) => Some(self.path(path)?),
            None => None,
        };
        Some(Allow {
            rule: known_rule(written.rule.get_ref()).ok()?,
            path,
            reason: written.reason.get_ref().clone(),
            span: None,
        })
    }

    fn stack(&self, written: &WrittenStack) -> Option<StackFiles> {
        let below = |paths: &[String]| {
            paths
                .iter()
                .map(|path| self.path(path))
                .collect::<Option<Vec<_>>>()
        };
        Some(StackFiles {
            files: below(&written.files)?,
            env: below(&written.env)?,
            profiles: written.profiles.clone(),
        })
    }
}
