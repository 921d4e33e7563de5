//! The baseline on the disk: `no502 init` writes it, `check` reads it and takes out what is gone.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use no502::analyze::Analysis;
use no502::finding::fingerprint::Numbering;
use no502::report::baseline::{self, Entry};
use no502::rules::{card, count, find};
use no502::settings::Settings;

use crate::args::ProjectArgs;
use crate::config;
use crate::disk::read_regular;
use crate::failure::Failure;
use crate::run::{Run, Verdict, say};

/// A baseline that was read.
#[derive(Debug)]
pub(crate) struct Baseline {
    path: PathBuf,
    content: baseline::Baseline,
}

impl Baseline {
    /// The file that was asked for, else the one in the root; `None` if there is none.
    pub(crate) fn load(asked: Option<&Path>, root: &Path) -> Result<Option<Self>, Failure> {
        let path = asked.map_or_else(|| root.join(baseline::NAME), Path::to_owned);
        if asked.is_none() && !path.exists() {
            return Ok(None);
        }
        let bytes = read_regular(&path).map_err(|error| Failure::unreadable(&path, &error))?;
        let broken = |why: String| {
            Failure::new(format!("`{}` is no baseline: {why}", path.display()))
                .help("`no502 init --baseline` writes it anew, with today's findings")
        };
        let text = String::from_utf8(bytes).map_err(|_| broken("it is not UTF-8".to_owned()))?;
        let content = baseline::Baseline::read(&text).map_err(broken)?;
        Ok(Some(Self { path, content }))
    }

    /// What it accepts.
    pub(crate) fn fingerprints(&self) -> Vec<String> {
        let entries = self.content.findings.iter();
        entries.map(|entry| entry.fingerprint.clone()).collect()
    }

    /// How the file is called: by its name where nobody gave a path.
    fn shown(&self) -> String {
        let path = self.path.file_name().filter(|name| *name == baseline::NAME);
        path.map_or(self.path.display().to_string(), |name| {
            name.display().to_string()
        })
    }

    /// Takes out what a run over the whole project did not find again; says how much. An entry whose rule did not run,
    /// or might have been filtered, stays.
    pub(crate) fn prune(mut self, analysis: &Analysis, settings: &Settings) -> Result<(), Failure> {
        let mut numbering = Numbering::default();
        let sources = &analysis.project.sources;
        let found: BTreeSet<String> = analysis
            .baselined
            .iter()
            .map(|finding| numbering.next(finding, &sources.get(finding.primary.span.file).path))
            .collect();
        let before = self.content.findings.len();
        let stays =
            |entry: &Entry| found.contains(&entry.fingerprint) || !ran(&entry.rule, settings);
        self.content.findings.retain(stays);
        let gone = before - self.content.findings.len();
        if gone > 0 {
            write(&self.path, &self.content)?;
        }
        say(format_args!(
            "no502: {} taken out of `{}`, {} left",
            count(gone, "finding"),
            self.shown(),
            self.content.findings.len(),
        ));
        Ok(())
    }
}

/// Whether all findings of a rule were seen. A rule that no longer exists can find nothing more.
fn ran(rule: &str, settings: &Settings) -> bool {
    let unfiltered = settings.min_severity.is_none() && settings.min_confidence.is_none();
    unfiltered && find(rule).is_none_or(|rule| settings.runs(rule.id, card(rule).pedantic))
}

fn write(path: &Path, content: &baseline::Baseline) -> Result<(), Failure> {
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        content.write(&mut out)?;
        out.flush()
    });
    written
        .map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", path.display())))
}

/// `no502 init`: a file to begin with. Settings that somebody made are never written over; a baseline is, since to accept
/// today's findings is what was asked for.
pub(crate) fn init(folder: &Path, wants_baseline: bool) -> Result<Verdict, Failure> {
    if !folder.is_dir() {
        return Err(Failure::new(format!("`{}` is no folder", folder.display())));
    }
    // The folder that one is in has no name of its own.
    let folder = if folder == Path::new(".") {
        Path::new("")
    } else {
        folder
    };
    if !wants_baseline {
        let path = folder.join(config::NAME);
        let file = File::create_new(&path);
        let written = file.and_then(|mut file| file.write_all(STARTER.as_bytes()));
        return match written {
            Ok(()) => {
                say(format_args!("no502: wrote `{}`", path.display()));
                Ok(Verdict::Clean)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Failure::new(format!(
                    "`{}` is there already, and is left as it is",
                    path.display()
                )))
            }
            Err(error) => Err(Failure::new(format!(
                "`{}` cannot be written: {error}",
                path.display()
            ))),
        };
    }
    let root = Path::new(".").join(folder);
    let run = Run::load_without_baseline(&[root], &ProjectArgs::default())?;
    let content = baseline::Baseline::of(&run.analysis);
    let path = folder.join(baseline::NAME);
    write(&path, &content)?;
    let accepted = count(content.findings.len(), "finding");
    say(format_args!(
        "no502: wrote `{}`, which accepts {accepted}",
        path.display()
    ));
    Ok(Verdict::Clean)
}

const STARTER: &str = include_str!("starter.toml");
