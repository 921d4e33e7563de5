//! The process behind a proxy: which program really runs, where it listens, when it gives up.

use crate::model::{Listener, Setting, Timeouts};
use crate::project::compose::Command;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::value::Text;

/// What a container starts, as far as it is known.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Effective entrypoint; `None` if the image's own is unknown.
    pub entrypoint: Option<Command>,
    /// Effective command; `None` if the image's own is unknown.
    pub command: Option<Command>,
    /// Effective environment, Dockerfile `ENV` first, compose over it.
    pub environment: Vec<(Spanned<String>, Option<Text>)>,
    /// Why any further variable may be set, if so.
    pub environment_open: Option<String>,
    /// Working directory inside the container.
    pub working_dir: String,
    /// The image that runs or that the Dockerfile's last stage starts from: `python:3.12-slim`.
    pub image: Option<Text>,
    /// Whether `image` is what runs, or only the base of a build.
    pub built: bool,
    /// Where the service is best pointed at.
    pub span: Span,
}

/// What a path inside a container is.
#[derive(Debug, Clone)]
pub enum Inside {
    /// A file of the project.
    File(crate::source::FileId),
    /// Certainly not there.
    Absent,
    /// Unknown: in the image, on a volume.
    Unknown(String),
}

/// The files that a container sees, read on demand.
pub trait ContainerFiles {
    /// What an absolute path inside is.
    fn file(&mut self, path: &str) -> Inside;
    /// The text of a file that `file` gave.
    fn text(&self, id: crate::source::FileId) -> String;
}

/// One process that was recognised.
#[derive(Debug, Clone)]
pub struct Process {
    /// Name of the program in `rules/defaults`: `gunicorn-sync`, `node-http`, `nginx`, `haproxy`, …
    pub program: String,
    /// For people: `gunicorn`, `node`.
    pub name: String,
    /// Version, if the tree tells it.
    pub version: Setting<String>,
    /// The words that start it (after wrappers), with their places.
    pub argv: Vec<Text>,
    /// Where it takes connections.
    pub listeners: Vec<Listener>,
    /// Whether `listeners` is all of them.
    pub listeners_complete: bool,
    /// Keep-alive idle, worker kill limit, grace.
    pub timeouts: Timeouts,
    /// Where it is started.
    pub span: Span,
}

/// The processes that a container runs. Empty: nothing is known about it; the second value says why.
pub fn recognise(
    _launch: &Launch,
    _files: &mut dyn ContainerFiles,
) -> (Vec<Process>, Option<String>) {
    (Vec::new(), None)
}
