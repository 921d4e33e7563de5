//! What a container sees: which file of the project, which volume or which part of its image lies at a path inside.

use std::collections::{HashMap, HashSet};

use crate::host::path;
use crate::host::{Host, PathKind};
use crate::project::compose::{MountSource, Service, Stack};

/// Where a path inside a container leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A path below the root; nothing need exist there.
    Repo(String),
    /// A named volume (its name in Docker) and the path on it.
    Volume(String, String),
    /// A tmpfs or an anonymous volume: empty at the start, and this container's own.
    Own(String),
    /// A path of the machine outside the root.
    Outside(String),
    /// What the image ships at this path.
    Image(String),
    /// What a `COPY --from` takes from a stage or an image that is not read.
    Foreign(Foreign),
    /// A config whose text is written in the compose file, by the key that [`inline_key`] gives it.
    Inline(String),
    /// Unknown, and why.
    Unknown(String),
}

/// Something that the build of an image takes from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Foreign {
    /// The path there.
    pub source: String,
    /// The path in the image.
    pub inside: String,
}

impl Foreign {
    /// Why nothing is known of it.
    pub fn why(&self) -> String {
        format!("a `COPY --from` of {} brings it", self.source)
    }
}

/// What is at a path inside a container, as far as the project tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A file below the root.
    File(String),
    /// A folder below the root.
    Dir(String),
    /// Mounted from a path below the root that is not there.
    Absent(String),
    /// Not of the project.
    Elsewhere(Location),
}

/// One piece of the project that was put into the container.
#[derive(Debug, Clone)]
struct Layer {
    /// Absolute, normalised.
    target: String,
    location: Location,
}

/// The file system of a container, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// `COPY` first, in order; then mounts. Later ones win at equal depth.
    layers: Vec<Layer>,
    /// By target the last layer that has it, and every folder that has a target below it: a container may have thousands.
    tops: HashMap<String, usize>,
    folders: HashSet<String>,
}

/// One `COPY` or `ADD` of a Dockerfile.
#[derive(Debug, Clone)]
pub struct Copied {
    /// Paths below the build context; patterns allowed.
    pub sources: Vec<String>,
    /// Absolute path inside, with its final `/` if it has one.
    pub target: String,
    /// Whether it comes from another stage or image.
    pub foreign: bool,
    /// Where the text lies that a here-document of the Dockerfile holds, if it is one.
    pub inline: Option<Location>,
}

impl View {
    /// The view of a service: what its Dockerfile copies, covered by what is mounted.
    pub fn new(
        host: &dyn Host,
        stack: &Stack,
        service: &Service,
        context: Option<&str>,
        copies: &[Copied],
    ) -> Self {
        let mut view = Self::default();
        for copy in copies {
            view.copy(host, context, copy);
        }
        let mut mounts: Vec<_> = service
            .mounts
            .iter()
            .filter_map(|m| Some((m.target.clone()?, m)))
            .collect();
        mounts.sort_by_key(|(target, _)| target.len());
        for (target, mount) in mounts {
            let location = match &mount.source {
                MountSource::Path(path) => Location::Repo(path.clone()),
                MountSource::Outside(path) => Location::Outside(path.clone()),
                MountSource::Volume(key) => {
                    Location::Volume(volume_name(stack, key), String::new())
                }
                MountSource::Object(key) => object(stack, key),
                MountSource::Anonymous => Location::Own(target.clone()),
                MountSource::Unknown(why) => Location::Unknown(why.clone()),
            };
            view.put(Layer {
                target: path::absolute("/", &target),
                location,
            });
        }
        view
    }

    fn put(&mut self, layer: Layer) {
        let target = layer.target.trim_end_matches('/');
        for (at, _) in target.match_indices('/').filter(|(at, _)| *at > 0) {
            if !self.folders.contains(&target[..at]) {
                self.folders.insert(target[..at].to_owned());
            }
        }
        self.tops.insert(target.to_owned(), self.layers.len());
        self.layers.push(layer);
    }

    fn copy(&mut self, host: &dyn Host, context: Option<&str>, copy: &Copied) {
        if let Some(location) = &copy.inline {
            self.put(Layer {
                target: path::absolute("/", &copy.target),
                location: location.clone(),
            });
            return;
        }
        let into_folder = copy.target.ends_with('/') || copy.sources.len() > 1;
        for source in &copy.sources {
            let target = path::absolute("/", &copy.target);
            if copy.foreign {
                self.copy_foreign(source, target, into_folder);
                continue;
            }
            let Some(context) = context else {
                let location = Location::Image(target.clone());
                self.put(Layer { target, location });
                continue;
            };
            for source in expand(host, context, source) {
                let is_file = host.stat(&source) == Some(PathKind::File);
                let target = if is_file && (into_folder || self.is_folder(&target)) {
                    path::absolute(&target, path::name(&source))
                } else {
                    target.clone()
                };
                self.put(Layer {
                    target,
                    location: Location::Repo(source),
                });
            }
        }
    }

    /// What is a folder there, nobody sees; a name that ends as those of configs do is a file.
    fn copy_foreign(&mut self, source: &str, target: String, into_folder: bool) {
        let source = source.trim_end_matches(['/', '.']);
        let is_file = [".conf", ".cfg", ".template"]
            .iter()
            .any(|end| source.ends_with(end));
        let target = if is_file && (into_folder || self.is_folder(&target)) {
            path::absolute(&target, path::name(source))
        } else {
            target
        };
        let foreign = Foreign {
            source: source.to_owned(),
            inside: target.clone(),
        };
        self.put(Layer {
            target,
            location: Location::Foreign(foreign),
        });
    }

    /// Whether a path is certainly a folder that an image ships or that something was copied into.
    fn is_folder(&self, target: &str) -> bool {
        const SHIPPED: &[&str] = &[
            "/",
            "/etc",
            "/etc/nginx",
            "/etc/nginx/conf.d",
            "/etc/nginx/templates",
            "/usr/local/etc/haproxy",
            "/tmp",
        ];
        SHIPPED.contains(&target) || self.folders.contains(target)
    }

    /// Where an absolute path inside leads.
    pub fn locate(&self, inside: &str) -> Location {
        let inside = path::absolute("/", inside);
        let Some((layer, rest)) = self.covering(&inside) else {
            return Location::Image(inside);
        };
        let join = |folder: &str| {
            if rest.is_empty() {
                folder.to_owned()
            } else {
                format!("{folder}/{rest}")
            }
        };
        match &layer.location {
            Location::Repo(folder) => {
                path::below(folder, rest).map_or(Location::Outside(inside.clone()), Location::Repo)
            }
            Location::Volume(name, _) => Location::Volume(name.clone(), rest.to_owned()),
            Location::Own(folder) => Location::Own(join(folder)),
            Location::Outside(folder) => Location::Outside(join(folder)),
            Location::Image(_) => Location::Image(inside.clone()),
            Location::Foreign(foreign) => Location::Foreign(Foreign {
                source: join(&foreign.source),
                inside: inside.clone(),
            }),
            Location::Inline(key) => Location::Inline(key.clone()),
            Location::Unknown(why) => Location::Unknown(why.clone()),
        }
    }

    /// The layer that covers an absolute path, and what of the path lies below its target.
    fn covering<'a>(&self, inside: &'a str) -> Option<(&Layer, &'a str)> {
        let inside = inside.trim_end_matches('/');
        let mut end = inside.len();
        loop {
            if let Some(top) = self.tops.get(&inside[..end]) {
                return Some((&self.layers[*top], inside[end..].trim_start_matches('/')));
            }
            end = inside[..end].rfind('/')?;
        }
    }

    /// What is at an absolute path inside.
    pub fn look(&self, host: &dyn Host, inside: &str) -> Seen {
        match self.locate(inside) {
            Location::Repo(path) => match host.stat(&path) {
                Some(PathKind::Dir) => Seen::Dir(path),
                Some(_) => Seen::File(path),
                None => Seen::Absent(path),
            },
            Location::Inline(key) => Seen::File(key),
            other => Seen::Elsewhere(other),
        }
    }

    /// Names in a folder inside that come from the project, sorted; `Err` if a part of it is unknown.
    pub fn list(&self, host: &dyn Host, inside: &str) -> Result<Vec<String>, String> {
        let inside = path::absolute("/", inside);
        let mut names: Vec<String> = match self.look(host, &inside) {
            Seen::Dir(path) => host
                .list(&path)
                .into_iter()
                .map(|entry| entry.path)
                .collect(),
            Seen::Elsewhere(Location::Volume(name, _)) => {
                return Err(format!("volume {name} holds it"));
            }
            Seen::Elsewhere(Location::Outside(path)) => {
                return Err(format!("{path} lies outside the project"));
            }
            Seen::Elsewhere(Location::Foreign(foreign)) => return Err(foreign.why()),
            Seen::Elsewhere(Location::Unknown(why)) => return Err(why),
            _ => Vec::new(),
        };
        names.extend(
            self.layers
                .iter()
                .filter(|layer| layer.target != "/" && path::parent(&layer.target) == inside)
                .map(|layer| path::name(&layer.target).to_owned()),
        );
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Whether the image's own file at a path is still what the container sees.
    pub fn is_image(&self, inside: &str) -> bool {
        matches!(self.locate(inside), Location::Image(_))
    }

    /// Whether nothing was put at a folder inside or below it.
    pub fn is_bare_below(&self, folder: &str) -> bool {
        self.layers.iter().all(|layer| {
            path::strip(&layer.target, folder).is_none()
                && path::strip(folder, &layer.target).is_none()
        })
    }

    /// Every path of the project that was put in as such, with its path inside.
    pub fn placed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.layers
            .iter()
            .filter_map(|layer| match &layer.location {
                Location::Repo(path) | Location::Inline(path) => {
                    Some((layer.target.as_str(), path.as_str()))
                }
                _ => None,
            })
    }
}

/// A named volume's name in Docker, so that two stacks that share it agree.
fn volume_name(stack: &Stack, key: &str) -> String {
    let volume = stack.volumes.iter().find(|volume| volume.key.value == key);
    match volume {
        Some(volume) if volume.external || volume.name.is_some() => volume
            .name
            .as_ref()
            .and_then(|name| name.get())
            .unwrap_or(key)
            .to_owned(),
        _ => format!("{}#{key}", stack.path),
    }
}

fn object(stack: &Stack, key: &str) -> Location {
    let object = stack
        .configs
        .iter()
        .chain(&stack.secrets)
        .find(|object| object.key.value == key);
    let Some(object) = object else {
        return Location::Unknown(format!("config {key} is not declared"));
    };
    match (&object.file, &object.content) {
        (Some(file), _) => match &file.value {
            Ok(path) => Location::Repo(path.clone()),
            Err(why) => Location::Unknown(why.clone()),
        },
        (None, Some(content)) => match &content.value {
            Ok(_) => Location::Inline(inline_key(stack, key)),
            Err(why) => Location::Unknown(why.clone()),
        },
        (None, None) => Location::Unknown(format!("config {key} has no file")),
    }
}

/// What stands for the path of a config that is written in a compose file; `#` keeps it apart from every path below
/// the root that a project has in earnest.
pub fn inline_key(stack: &Stack, config: &str) -> String {
    format!("{}#{config}", stack.path)
}

/// Paths below the root that a `COPY` source means.
fn expand(host: &dyn Host, context: &str, source: &str) -> Vec<String> {
    let Some(full) = path::below(context, source) else {
        return Vec::new();
    };
    let pattern = path::name(&full);
    if !pattern.contains(['*', '?', '[']) {
        return vec![full];
    }
    let folder = path::parent(&full);
    let below = |name: &str| path::below(folder, name);
    host.list(folder)
        .iter()
        .filter(|entry| path::matches(pattern, &entry.path))
        .filter_map(|e| below(&e.path))
        .collect()
}
