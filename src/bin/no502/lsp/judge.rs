//! Judges projects, one after the other, on a thread of its own.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use no502::analyze::Analysis;
use no502::source::FileId;

use super::Event;
use super::documents::real;
use super::projects::Home;
use crate::args::ProjectArgs;
use crate::baseline::Baseline;
use crate::config::Config;
use crate::disk::Buffers;
use crate::failure::Failure;
use crate::roots::Roots;
use crate::run::Run;

/// What the main thread has: a reader may nest as deeply here as there.
const STACK: usize = 8 << 20;

/// A project to judge.
pub(super) struct Job {
    pub(super) home: Home,
    pub(super) generation: u64,
    /// The open files, whether they are on the disk or not.
    pub(super) files: Vec<PathBuf>,
    pub(super) buffers: Buffers,
}

/// What came out.
pub(super) struct Judged {
    pub(super) home: Home,
    pub(super) generation: u64,
    /// Nothing, if the settings were never right.
    pub(super) analysis: Option<Analysis>,
    /// By file: where it really is; `None` for what an image ships.
    pub(super) real: Vec<Option<PathBuf>>,
    /// What is wrong with the settings, and with which file.
    pub(super) faults: Vec<Fault>,
    /// How long it took.
    pub(super) took: Duration,
}

/// What `check` would have stopped at.
pub(super) struct Fault {
    pub(super) file: Option<PathBuf>,
    pub(super) failure: Failure,
}

/// Starts the thread.
pub(super) fn start(jobs: Receiver<Job>, events: Sender<Event>) -> io::Result<()> {
    let work = move || {
        let mut judge = Judge::default();
        for job in jobs {
            let judged = judge.work(job);
            if events.send(Event::Judged(Box::new(judged))).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map(drop)
}

#[derive(Default)]
struct Judge {
    /// By the path of a `no502.toml`: its text when it was last right. It holds while somebody types in the file.
    right: HashMap<PathBuf, String>,
}

impl Judge {
    fn work(&mut self, job: Job) -> Judged {
        let begun = Instant::now();
        let (home, generation) = (job.home.clone(), job.generation);
        // A defect that one text shows must not take the editor's server away from all others.
        let run = catch_unwind(AssertUnwindSafe(|| self.run(job)));
        let (analysis, faults) = run.unwrap_or_else(|_| {
            let failure = Failure::new("a defect of no502 itself: this project was not judged");
            let fault = Fault {
                file: None,
                failure,
            };
            (None, vec![fault])
        });
        Judged {
            real: analysis
                .as_ref()
                .map_or(Vec::new(), |one| places(one, &home.root)),
            home,
            generation,
            analysis,
            faults,
            took: begun.elapsed(),
        }
    }

    fn run(&mut self, job: Job) -> (Option<Analysis>, Vec<Fault>) {
        let Job {
            home,
            files,
            mut buffers,
            ..
        } = job;
        let roots = Roots::of_editor(home.root.clone(), home.deep, files);
        let mut faults = Vec::new();
        let path = Config::nearest(&roots).map(|path| real(&path));
        match (Config::load(None, &roots, &buffers), &path) {
            (Ok(config), Some(path)) => {
                self.right.insert(path.clone(), config.text().to_owned());
            }
            (Ok(_), None) => {}
            (Err(failure), path) => {
                let file = path.clone();
                faults.push(Fault { file, failure });
                let right = path
                    .as_ref()
                    .and_then(|path| Some((path, self.right.get(path)?)));
                let Some((path, text)) = right else {
                    return (None, faults);
                };
                buffers.insert(path.clone(), text.clone().into_bytes());
            }
        }
        let baseline = Baseline::load(None, &home.root).unwrap_or_else(|failure| {
            faults.push(Fault {
                file: None,
                failure,
            });
            None
        });
        match Run::judge(roots, &ProjectArgs::default(), baseline, buffers) {
            Ok(run) => (Some(run.analysis), faults),
            Err(failure) => {
                faults.push(Fault {
                    file: None,
                    failure,
                });
                (None, faults)
            }
        }
    }
}

impl Judged {
    /// The file at a real path, if it was read.
    pub(super) fn id_of(&self, file: &Path) -> Option<FileId> {
        let at = self
            .real
            .iter()
            .position(|real| real.as_deref() == Some(file))?;
        u32::try_from(at).ok().map(FileId)
    }
}

fn places(analysis: &Analysis, root: &Path) -> Vec<Option<PathBuf>> {
    let sources = analysis.project.sources.iter();
    let place = |path: &str| match path.strip_prefix('<') {
        None => Some(real(&root.join(path))),
        // `no502.toml` above the root; what an image ships is on no disk.
        Some(rest) => Path::new(rest.strip_suffix('>')?).canonicalize().ok(),
    };
    sources.map(|(_, file)| place(&file.path)).collect()
}
