//! From what is dialled, mounted or waited for to where that is defined, and back.

use std::collections::{BTreeSet, HashMap};

use lsp_types::Location;
use no502::model::{HopId, HopKind, Link, ServiceRef};
use no502::project::compose::MountSource;
use no502::source::{FileId, Span};

use super::diagnostics::Reading;

impl Reading<'_> {
    /// Where what is at a byte is defined: the service or the upstream that is dialled, the service that is waited for,
    /// the files that are mounted.
    pub(super) fn definition(&self, file: FileId, byte: usize) -> Vec<Location> {
        let here = |span: Span| covers(span, file, byte);
        let model = &self.analysis.model;
        let mut found = BTreeSet::new();
        let routes = model.routes.iter().filter(|route| here(route.span));
        let on_route = routes.flat_map(|route| &route.links);
        for link in on_route.map(|id| model.link(*id)) {
            found.extend(self.group_or_service(link));
        }
        for link in model.links.iter().filter(|link| here(link.span)) {
            // A server of an upstream is at home there: its definition is whom it dials.
            let at_home = link
                .group
                .as_ref()
                .is_some_and(|group| group.span.file == file);
            found.extend(if at_home {
                self.service(link)
            } else {
                self.group_or_service(link)
            });
        }
        let backends = self.backends().into_iter();
        found.extend(
            backends
                .filter(|(line, _)| here(*line))
                .map(|(_, backend)| backend),
        );
        if found.is_empty() {
            found.extend(self.waited_for(&here));
            found.extend(self.mounted(&here));
        }
        found
            .into_iter()
            .filter_map(|span| self.location(span))
            .collect()
    }

    /// Every place that names what is defined at a byte.
    pub(super) fn references(&self, file: FileId, byte: usize) -> Vec<Location> {
        let here = |span: Span| covers(span, file, byte);
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let mut found = BTreeSet::new();
        for link in &model.links {
            let service = link.target.named().map(|at| project.service(at).name.span);
            if service.is_some_and(here) {
                found.insert(link.span);
            }
        }
        // A backend of HAProxy is named by lines that need not be the way that was followed.
        let nginx = |id: HopId| model.hop(id).kind == HopKind::Nginx;
        for route in model.routes.iter().filter(|route| nginx(route.hop)) {
            let links = route.links.iter().map(|id| model.link(*id));
            let mut groups = links.filter_map(|link| link.group.as_ref());
            if groups.any(|group| here(group.span)) {
                found.insert(route.span);
            }
        }
        let backends = self.backends().into_iter();
        found.extend(
            backends
                .filter(|(_, backend)| here(*backend))
                .map(|(line, _)| line),
        );
        for (at, service) in project.services() {
            for dependency in &service.depends_on {
                let named = self.named(at, &dependency.service.value);
                if named.is_some_and(here) {
                    found.insert(dependency.service.span);
                }
            }
        }
        found
            .into_iter()
            .filter_map(|span| self.location(span))
            .collect()
    }

    /// Every line of HAProxy that names a backend, with the name of that backend's section.
    fn backends(&self) -> Vec<(Span, Span)> {
        let mut found = Vec::new();
        for conf in &self.analysis.project.haproxy {
            let sections = conf.sections.iter();
            let backends =
                sections.filter(|one| matches!(one.kind.value.as_str(), "backend" | "listen"));
            let names = backends.filter_map(|one| one.name.as_ref());
            let names: HashMap<&str, Span> =
                names.map(|name| (name.value.as_str(), name.span)).collect();
            for line in conf.sections.iter().flat_map(|section| &section.lines) {
                let [keyword, name, ..] = line.words.as_slice() else {
                    continue;
                };
                let chooses = matches!(keyword.text.as_str(), "use_backend" | "default_backend");
                if let Some(backend) = names.get(name.text.as_str()).filter(|_| chooses) {
                    found.push((line.span, *backend));
                }
            }
        }
        found
    }

    fn group_or_service(&self, link: &Link) -> Option<Span> {
        let group = link.group.as_ref().map(|group| group.span);
        group.or_else(|| self.service(link))
    }

    fn service(&self, link: &Link) -> Option<Span> {
        let at = link.target.named()?;
        Some(self.analysis.project.service(at).name.span)
    }

    /// The service of `depends_on`.
    fn waited_for(&self, here: &impl Fn(Span) -> bool) -> Vec<Span> {
        let services = self.analysis.project.services();
        let named = services.flat_map(|(at, service)| {
            let named = service
                .depends_on
                .iter()
                .filter(|one| here(one.service.span));
            named.filter_map(move |one| self.named(at, &one.service.value))
        });
        named.collect()
    }

    /// A service of the stack that another one is in, by its key.
    fn named(&self, beside: ServiceRef, name: &str) -> Option<Span> {
        let stack = &self.analysis.project.stacks[beside.stack];
        let service = stack
            .services
            .iter()
            .find(|service| service.name.value == name)?;
        Some(service.name.span)
    }

    /// The files that a mount puts into a container, as far as they were read.
    fn mounted(&self, here: &impl Fn(Span) -> bool) -> Vec<Span> {
        let project = &self.analysis.project;
        let services = project.services();
        let mounts = services.flat_map(|(_, service)| &service.mounts);
        let paths =
            mounts
                .filter(|mount| here(mount.span))
                .filter_map(|mount| match &mount.source {
                    MountSource::Path(path) => Some(path.as_str()),
                    _ => None,
                });
        let within = |path: &str, file: &str| {
            let rest = file.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || path.is_empty())
        };
        let files = paths.flat_map(|path| {
            let files = project.sources.iter();
            files.filter(move |(_, file)| within(path, &file.path))
        });
        files.map(|(id, _)| Span::new(id, 0, 0)).collect()
    }
}

fn covers(span: Span, file: FileId, byte: usize) -> bool {
    span.file == file && span.start as usize <= byte && byte <= span.end as usize
}
