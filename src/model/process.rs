//! The processes of every service as hops: what a container starts, read by the recogniser of app servers.

use std::collections::BTreeSet;

use crate::host::{Host, PathKind, path};
use crate::model::app::{ContainerFiles, Inside, Launch, recognise};
use crate::model::knowledge::Known;
use crate::model::{Hop, HopKind, Model};
use crate::project::Project;
use crate::project::ServiceRef;
use crate::project::container::{Location, Seen, View};
use crate::project::image::Container;
use crate::settings::Settings;
use crate::source::{FileId, SourceFile, Sources};

/// Adds a hop for every app process of every service; proxies whose config was read are hops already.
pub(super) fn add(model: &mut Model, host: &dyn Host, project: &mut Project, settings: &Settings) {
    let known = Known::new(settings);
    let proxied: BTreeSet<ServiceRef> = model.hops.iter().filter_map(|hop| hop.service).collect();
    let services: Vec<ServiceRef> = project.services().map(|(at, _)| at).collect();
    for at in services {
        let launch = launch(project, at);
        let container = project.container(at);
        let (view, context) = (container.view.clone(), container.context.clone());
        let mut files = Files {
            host,
            view: &view,
            context: context.as_deref(),
            sources: &mut project.sources,
        };
        let (processes, why) = recognise(&launch, &mut files, known);
        // An image that runs a proxy and nothing else is known, whether the recogniser knows it or not.
        if (processes.is_empty() || why.is_some()) && !model.alone.contains(&at) {
            let why = why.unwrap_or_else(|| "nothing tells what it runs".to_owned());
            model.opaque.insert(at, why);
        }
        for process in processes {
            let kind = match process.program.as_str() {
                "nginx" | "haproxy" if proxied.contains(&at) => {
                    continue;
                }
                "nginx" => HopKind::Nginx,
                "haproxy" => HopKind::HaProxy,
                _ => HopKind::App(process.name.clone()),
            };
            model.hops.push(Hop {
                kind,
                service: Some(at),
                span: process.span,
                version: process.version,
                listeners: process.listeners,
                listeners_complete: process.listeners_complete,
                timeouts: process.timeouts,
                slots: process.slots,
                stopping: process.stopping,
            });
        }
    }
}

fn launch(project: &Project, at: ServiceRef) -> Launch {
    let container: &Container = project.container(at);
    let service = project.service(at);
    Launch {
        entrypoint: container.entrypoint.clone(),
        command: container.command.clone(),
        environment: container.environment.clone(),
        environment_open: container.environment_open.clone(),
        working_dir: container.working_dir.clone(),
        image: container.image.clone(),
        built: container.built,
        span: service.name.span,
    }
}

/// A container's files, read on demand.
struct Files<'a> {
    host: &'a dyn Host,
    view: &'a View,
    context: Option<&'a str>,
    sources: &'a mut Sources,
}

impl ContainerFiles for Files<'_> {
    fn file(&mut self, path: &str) -> Inside {
        match self.view.look(self.host, path) {
            Seen::File(path) => self.open(&path),
            Seen::Dir(path) => Inside::Unknown(format!("{path} is a folder")),
            Seen::Absent(path) if self.host.is_ignored(&path) => {
                Inside::Unknown(format!("{path} is not in the tree"))
            }
            Seen::Absent(_) => Inside::Absent,
            Seen::Elsewhere(Location::Image(path)) => {
                Inside::Unknown(format!("{path} is in the image"))
            }
            Seen::Elsewhere(_) => Inside::Unknown(format!("{path} is not of the project")),
        }
    }

    fn source(&mut self, path: &str) -> Inside {
        match self.context.and_then(|context| path::below(context, path)) {
            Some(path) if self.host.stat(&path) == Some(PathKind::File) => self.open(&path),
            Some(_) => Inside::Absent,
            None => Inside::Unknown("it is built from no folder of the tree".to_owned()),
        }
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, String> {
        self.view.list(self.host, path)
    }

    fn text(&self, id: FileId) -> String {
        self.sources.get(id).text.clone()
    }
}

impl Files<'_> {
    fn open(&mut self, path: &str) -> Inside {
        if let Some(id) = self.sources.by_path(path) {
            return Inside::File(id);
        }
        match self.host.read(path) {
            Ok(bytes) => Inside::File(self.sources.add(SourceFile::new(path, bytes))),
            Err(why) => Inside::Unknown(why),
        }
    }
}
