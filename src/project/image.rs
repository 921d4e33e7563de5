//! What a service's container starts from: its Dockerfile or its image, with compose's overrides on top.

use crate::finding::Gap;
use crate::host::{PathKind, path};
use crate::project::Envsubst;
use crate::project::compose::{Build, Command, MountSource, Service, Stack};
use crate::project::container::{Copied, Location, View};
use crate::project::files::Files;
use crate::project::image_name::{is_haproxy_image, is_plain_nginx_image};
use crate::project::inline::{in_place, laid_out};
use crate::source::{FileId, SourceFile, Span, Spanned};
use crate::syntax::command::{self, Variable};
use crate::syntax::dockerfile::{self, BuiltImage, CopySource};
use crate::syntax::value::Text;

/// One service's container, as far as the project tells.
#[derive(Debug, Clone, Default)]
pub struct Container {
    /// Its file system.
    pub view: View,
    /// The image that runs, or the one that the Dockerfile's last stage starts from.
    pub image: Option<Text>,
    /// Whether a Dockerfile of the project makes the image.
    pub built: bool,
    /// Folder below the root that the image is built from.
    pub context: Option<String>,
    /// Dockerfile `ENV` first, compose over it; `None`: passed through from the machine.
    pub environment: Vec<(Spanned<String>, Option<Text>)>,
    /// Why further variables may be set, if so.
    pub environment_open: Option<String>,
    /// Working directory inside.
    pub working_dir: String,
    /// Effective entrypoint; `None` if it is the image's own.
    pub entrypoint: Option<Command>,
    /// Effective command; `None` if it is the image's own.
    pub command: Option<Command>,
    /// The Dockerfile's `USER`, over which compose's own goes.
    pub user: Option<Text>,
    /// The Dockerfile's `STOPSIGNAL`.
    pub stop_signal: Option<Text>,
    /// Whether the Dockerfile has a `HEALTHCHECK`.
    pub healthcheck: bool,
    /// Why the Dockerfile could not be read, if so.
    pub unread: Option<String>,
    /// The text of the Dockerfile: what it names, it may install or make.
    pub recipe: Option<String>,
    /// Mounts whose source is not in the tree, although version control does not leave it out.
    pub absent: Vec<Absent>,
    /// Mounts of a file over a folder of the image, or of a folder over a file: runc refuses both.
    pub crossed: Vec<Crossed>,
}

/// A mount of something that is not what it covers.
#[derive(Debug, Clone)]
pub struct Crossed {
    /// The mount.
    pub span: Span,
    /// Path below the root.
    pub source: String,
    /// Path inside.
    pub target: String,
    /// What is mounted.
    pub is_dir: bool,
}

/// A mount of something that is not there: Docker makes an empty folder of it.
#[derive(Debug, Clone)]
pub struct Absent {
    /// The mount.
    pub span: Span,
    /// Path below the root.
    pub source: String,
    /// Path inside.
    pub target: String,
}

impl Container {
    /// The container of a service.
    pub fn new(files: &mut Files, stack: &Stack, service: &Service) -> Self {
        let mut container = Self {
            working_dir: "/".to_owned(),
            ..Self::default()
        };
        let copies = container.read_dockerfile(files, service);
        container.view = View::new(
            files.host,
            stack,
            service,
            container.context.as_deref(),
            &copies,
        );
        container.absent = absent(files, service);
        if !container.built {
            container.image.clone_from(&service.image);
            container.crossed = container.crossed(files, service);
        }
        container
            .environment
            .extend(service.environment.iter().cloned());
        container
            .environment_open
            .clone_from(&service.environment_open);
        if let Some(folder) = service.working_dir.as_ref().and_then(|text| text.get()) {
            container.working_dir = path::absolute(&container.working_dir, folder);
        }
        if service.user.is_some() {
            container.user.clone_from(&service.user);
        }
        if service.entrypoint.is_some() {
            container.entrypoint.clone_from(&service.entrypoint);
            container.command = Some(Command::Exec(Vec::new()));
        }
        if service.command.is_some() {
            container.command.clone_from(&service.command);
        }
        container
    }

    fn crossed(&self, files: &Files, service: &Service) -> Vec<Crossed> {
        let image = self.image.as_ref().and_then(Text::get).unwrap_or_default();
        let mounts = service.mounts.iter().filter_map(|mount| {
            let (MountSource::Path(source), Some(target)) = (&mount.source, &mount.target) else {
                return None;
            };
            let target = target.trim_end_matches('/');
            let kind = files.host.stat(source)?;
            let is_dir = kind == PathKind::Dir;
            let other = kind != PathKind::Other && shipped(image, target)? != kind;
            other.then(|| Crossed {
                span: mount.span,
                source: source.clone(),
                target: target.to_owned(),
                is_dir,
            })
        });
        mounts.collect()
    }

    /// The variables that its processes find.
    pub fn envsubst(&self) -> Envsubst {
        let value =
            |text: &Option<Text>| text.as_ref().and_then(|text| text.get()).map(str::to_owned);
        let variables = self
            .environment
            .iter()
            .map(|(key, text)| (key.value.clone(), value(text)))
            .collect();
        Envsubst {
            variables,
            open: self.environment_open.clone(),
        }
    }

    /// The words of its entrypoint and its command that are known, for a look at what they name.
    pub fn words(&self) -> Vec<String> {
        let commands = [&self.entrypoint, &self.command].into_iter().flatten();
        let mut words = Vec::new();
        for command in commands {
            match command {
                Command::Shell(text) => words.extend(split(text.get().unwrap_or(""))),
                Command::Exec(list) => {
                    words.extend(list.iter().filter_map(|text| text.get()).map(str::to_owned));
                }
            }
        }
        words
    }

    fn read_dockerfile(&mut self, files: &mut Files, service: &Service) -> Vec<Copied> {
        let Some(build) = &service.build else {
            return Vec::new();
        };
        self.built = true;
        self.context = build
            .context
            .as_ref()
            .and_then(|text| text.get())
            .map(str::to_owned);
        if let Some(inline) = &build.inline {
            let Some(content) = inline.get() else {
                self.unread = Some("its Dockerfile is filled in by a variable".to_owned());
                return Vec::new();
            };
            let (file, text) = in_place(files, inline.span, content);
            return self.read_text(files, build, file, &text);
        }
        // Without `dockerfile:` it is the file of that name in the context.
        let path = match (&build.dockerfile, &self.context) {
            (Some(place), _) => place.get().map(str::to_owned),
            (None, Some(context)) => path::below(context, "Dockerfile"),
            (None, None) => None,
        };
        let Some(path) = path.as_deref() else {
            self.unread = Some("where its Dockerfile lies is unknown".to_owned());
            return Vec::new();
        };
        let written = build.dockerfile.as_ref().or(build.context.as_ref());
        let span = written.map_or(service.name.span, |text| text.span);
        let Some(id) = files.open(path) else {
            let line = Some(files.sources.position(span).line);
            let at = files.sources.get(span.file).path.clone();
            let reason = format!(
                "{path}, which builds {}, is not in the tree",
                service.name.value
            );
            files.gaps.push(Gap {
                path: at,
                line,
                reason,
            });
            self.unread = Some(format!("{path} is not in the tree"));
            return Vec::new();
        };
        let text = files.text(id).to_owned();
        self.read_text(files, build, id, &text)
    }

    /// Takes what the stages of a Dockerfile come to.
    fn read_text(
        &mut self,
        files: &mut Files,
        build: &Build,
        id: FileId,
        text: &str,
    ) -> Vec<Copied> {
        let (tree, errors) = dockerfile::parse(id, text);
        self.recipe = Some(text.to_owned());
        files.errors.extend(errors);
        let target = build.target.as_ref().and_then(|text| text.get());
        let args = |name: &str| match build.args.iter().find(|(key, _)| key.value == name) {
            Some((_, Some(text))) => match &text.value {
                Ok(value) => Variable::Set(value.clone(), text.assumed),
                Err(why) => Variable::Unknown(why.clone()),
            },
            Some((_, None)) => {
                Variable::Unknown(format!("build argument {name} comes from the machine"))
            }
            None => Variable::Unset,
        };
        let built = dockerfile::image(&tree, target, &args);
        let written: Vec<_> = built
            .copies
            .iter()
            .map(|copy| here(files, id, text, copy))
            .collect();
        let mut copies = Vec::new();
        self.take(&built);
        for (copy, inline) in built.copies.iter().zip(written) {
            let copied = copied(copy, &self.working_dir);
            copies.extend(copied.map(|copied| Copied { inline, ..copied }));
        }
        copies
    }

    fn take(&mut self, built: &BuiltImage) {
        self.image.clone_from(&built.base);
        let environment = built.env.iter().cloned();
        self.environment = environment.map(|(key, value)| (key, Some(value))).collect();
        if let Some(folder) = built.workdir.as_ref().and_then(|text| text.get()) {
            self.working_dir = path::absolute("/", folder);
        }
        self.user.clone_from(&built.user);
        self.stop_signal.clone_from(&built.stop_signal);
        self.entrypoint = built.entrypoint.clone().map(Command::Exec);
        self.command = built.cmd.clone().map(Command::Exec);
        let healthcheck = built.healthcheck.as_ref();
        self.healthcheck = healthcheck.is_some_and(|check| !check.value.is_empty());
    }
}

/// What the official images of proxies have at a path, whatever their version.
fn shipped(image: &str, target: &str) -> Option<PathKind> {
    let (file, dir) = (Some(PathKind::File), Some(PathKind::Dir));
    match target {
        "/etc/nginx/nginx.conf" | "/etc/nginx/conf.d/default.conf"
            if is_plain_nginx_image(image) =>
        {
            file
        }
        "/etc/nginx" | "/etc/nginx/conf.d" if is_plain_nginx_image(image) => dir,
        "/usr/local/etc/haproxy" if is_haproxy_image(image) => dir,
        _ => None,
    }
}

fn absent(files: &Files, service: &Service) -> Vec<Absent> {
    let host = files.host;
    let mounts = service.mounts.iter().filter_map(|mount| {
        let (MountSource::Path(source), Some(target)) = (&mount.source, &mount.target) else {
            return None;
        };
        let gone = host.stat(source).is_none() && !host.is_ignored(source);
        gone.then(|| Absent {
            span: mount.span,
            source: source.clone(),
            target: target.clone(),
        })
    });
    mounts.collect()
}

/// The plain words of a command line, as compose splits it.
pub(super) fn split(text: &str) -> impl Iterator<Item = String> {
    let words = command::words(text).into_iter();
    words.filter_map(|word| word.literal())
}

/// A `COPY` with its paths; `None` if its target is unknown.
fn copied(copy: &dockerfile::Copied, working_dir: &str) -> Option<Copied> {
    let written = copy.destination.get()?;
    let mut target = path::absolute(working_dir, written);
    if written.ends_with('/') || written.ends_with("/.") || written == "." {
        target.push('/');
    }
    let sources = copy
        .sources
        .iter()
        .filter_map(|source| source.get())
        .map(str::to_owned)
        .collect();
    Some(Copied {
        sources,
        target,
        foreign: copy.from != CopySource::Context,
        inline: None,
    })
}

/// Where the text of a here-document lies, which is read in its place in the Dockerfile. Without quotes around its word the
/// build fills variables in, of which it knows its own alone.
fn here(files: &mut Files, id: FileId, text: &str, copy: &dockerfile::Copied) -> Option<Location> {
    let content = copy.inline.as_ref()?;
    let (from, to) = (copy.span.start as usize, content.span.start as usize);
    let head = text.get(from..to).unwrap_or_default();
    let quoted = ["<<'", "<<\"", "<<-'", "<<-\""]
        .iter()
        .any(|mark| head.contains(mark));
    if !quoted && content.value.contains('$') {
        let why = "the build fills the variables of its here-document in";
        return Some(Location::Unknown(why.to_owned()));
    }
    let path = files.sources.get(id).path.clone();
    let key = format!("{path}#{to}");
    let laid_out = laid_out(text, content.span, &content.value);
    let mut file = SourceFile::new(path, laid_out.into_bytes());
    file.lossy = true;
    files.inline(&key, file);
    Some(Location::Inline(key))
}
