//! What is at hand while a container's processes are told: its environment, its files, its working directory.

use std::collections::HashMap;

use super::{ContainerFiles, Inside, Launch};
use crate::model::knowledge::{self, Known};
use crate::source::{FileId, Span};
use crate::syntax::command::Variable;
use crate::syntax::value::{Text, path};

/// What a file inside a container is.
pub(super) enum Read {
    /// Its text.
    Text(FileId, String),
    /// Certainly not there.
    Absent,
    /// Unknown, and why.
    Unknown(String),
}

/// The container while it is looked at.
pub(super) struct Cx<'a> {
    /// What it starts.
    pub(super) launch: &'a Launch,
    /// What is known of programs and images.
    pub(super) known: Known<'a>,
    /// Its files.
    pub(super) files: &'a mut dyn ContainerFiles,
    /// The working directory at this point.
    pub(super) cwd: String,
    /// How many wrappers and scripts are around this point.
    pub(super) depth: usize,
    /// Whether an init or a manager of processes stands in front.
    pub(super) managed: bool,
    /// Whether a wrapper such as `gosu` changes the user on the way.
    pub(super) demoted: bool,
    /// What was set on the way.
    overlay: Overlay,
}

/// Variables that scripts and `env` set on the way to a command line.
#[derive(Clone, Default)]
pub(super) struct Overlay {
    set: HashMap<String, Text>,
    /// Why a script may have set any further variable.
    open: Option<String>,
}

impl<'a> Cx<'a> {
    /// For one container.
    pub(super) fn new(
        launch: &'a Launch,
        files: &'a mut dyn ContainerFiles,
        known: Known<'a>,
    ) -> Self {
        let cwd = if launch.working_dir.is_empty() {
            "/"
        } else {
            &launch.working_dir
        };
        Self {
            cwd: cwd.to_owned(),
            launch,
            known,
            files,
            depth: 0,
            managed: false,
            demoted: false,
            overlay: Overlay::default(),
        }
    }

    /// A variable: `None` if it is certainly unset.
    pub(super) fn env(&self, name: &str) -> Option<Text> {
        if let Some(text) = self.overlay.set.get(name) {
            return Some(text.clone());
        }
        let mut listed = self.launch.environment.iter().rev();
        if let Some((key, value)) = listed.find(|(key, _)| key.value == name) {
            let passed = || {
                unknown(
                    format!("{name} is passed through from the machine"),
                    key.span,
                )
            };
            return Some(value.clone().unwrap_or_else(passed));
        }
        let why = self
            .overlay
            .open
            .as_ref()
            .or(self.launch.environment_open.as_ref())?;
        Some(unknown(why.clone(), self.launch.span))
    }

    /// A variable as the shell grammar asks for it.
    pub(super) fn variable(&self, name: &str) -> Variable {
        match self.env(name) {
            Some(Text {
                value: Ok(value),
                assumed,
                ..
            }) => Variable::Set(value, assumed),
            Some(Text {
                value: Err(why), ..
            }) => Variable::Unknown(why),
            None if matches!(
                name,
                "HOSTNAME" | "HOME" | "PATH" | "USER" | "PWD" | "RANDOM" | "OLDPWD" | "UID"
            ) =>
            {
                Variable::Unknown(format!("{name} is known to a running container only"))
            }
            None => Variable::Unset,
        }
    }

    /// Sets a variable for what comes behind.
    pub(super) fn set(&mut self, name: &str, value: Text) {
        self.overlay.set.insert(name.to_owned(), value);
    }

    /// What was set so far.
    pub(super) fn overlay(&self) -> Overlay {
        self.overlay.clone()
    }

    /// Goes back to what was set at another point.
    pub(super) fn enter(&mut self, overlay: Overlay) {
        self.overlay = overlay;
    }

    /// From here on any variable may be set.
    pub(super) fn open(&mut self, why: &str) {
        self.overlay.open.get_or_insert_with(|| why.to_owned());
    }

    /// A path, taken from the working directory if it is relative.
    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path::absolute(path)
        } else {
            path::absolute(&format!("{}/{path}", self.cwd))
        }
    }

    /// The text of a file.
    pub(super) fn read(&mut self, path: &str) -> Read {
        let path = self.absolute(path);
        match self.files.file(&path) {
            Inside::File(id) => Read::Text(id, self.files.text(id)),
            Inside::Absent => Read::Absent,
            Inside::Unknown(why) => Read::Unknown(why),
        }
    }

    /// The text of a file of the working directory, or of the folder that the image is built from: what a build packs
    /// into a jar or a bundle, and the versions that it installs, are the same there.
    pub(super) fn source(&mut self, path: &str) -> Read {
        match self.read(path) {
            Read::Text(id, text) => Read::Text(id, text),
            other => match self.files.source(path) {
                Inside::File(id) => Read::Text(id, self.files.text(id)),
                _ => other,
            },
        }
    }

    /// The names in a folder that come from the project, sorted; `Err`: a part of it is unknown.
    pub(super) fn list(&mut self, path: &str) -> Result<Vec<String>, String> {
        let path = self.absolute(path);
        self.files.list(&path)
    }

    /// Whether nothing but what is written here can have configured the program: the image is built from this tree
    /// or brings a bare runtime. Another image may set variables and bring config files of its own.
    pub(super) fn plain_image(&self) -> bool {
        if self.launch.built {
            return true;
        }
        let name = self.launch.image.as_ref().and_then(Text::get);
        name.is_some_and(knowledge::is_runtime)
    }
}

/// A text that is not known.
pub(super) fn unknown(why: impl Into<String>, span: Span) -> Text {
    Text {
        value: Err(why.into()),
        assumed: false,
        span,
    }
}

/// The place of a part of a text, if its characters stand one by one in the file; else the whole.
pub(super) fn part(text: &Text, from: usize, to: usize) -> Span {
    // A script in quotes within quotes has its places a sign or two beside, which may be the middle of a character.
    let Some(value) = text.get().filter(|value| value.get(from..to).is_some()) else {
        return text.span;
    };
    let written = (text.span.end - text.span.start) as usize;
    match written.checked_sub(value.len()) {
        Some(0) => text.span.slice(from, to),
        // In quotes, and nothing was escaped.
        Some(2) => text.span.slice(from + 1, to + 1),
        _ => text.span,
    }
}

/// The last part of a path.
pub(super) fn basename(path: &str) -> &str {
    path::file_name(path)
}
