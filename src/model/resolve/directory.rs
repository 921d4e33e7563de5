//! Who may answer to a name, an address or a port of the host, found once: a proxy may dial thousands of places, and a
//! stack may have thousands of services.

use std::collections::{HashMap, HashSet};

use super::socket;
use crate::host::path;
use crate::model::{Address, Bind, Hop, HopId, HopKind, Model, ServiceRef};
use crate::project::Project;
use crate::project::compose::{NetworkMode, Service, Stack};
use crate::project::container::Location;
use crate::source::Spanned;

/// Replicas that are looked for by their numbered names, at most.
pub(super) const NUMBERED: u32 = 64;

/// The directory of a project.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// By each name in lower case the services that may answer to it, in their order.
    names: HashMap<String, Vec<ServiceRef>>,
    /// By each address that is written the first service that has it.
    addresses: HashMap<String, ServiceRef>,
    ports: Ports,
    /// Every socket in the file system that a process binds.
    sockets: Vec<Socket>,
    /// The places that a service mounts something at, of every service that does.
    mounts: Vec<(ServiceRef, Vec<Location>)>,
    /// By port the apps of the machine that listen there, with the listener: all of one app's only once.
    machine: HashMap<u16, Vec<(HopId, usize)>>,
    /// By stack the external networks that it declares and puts nobody on: their names in Docker, where they are declared.
    unused: Vec<Vec<Spanned<String>>>,
    /// By process of the machine and port its first listener there that `localhost` reaches.
    own: HashMap<(HopId, u16), usize>,
}

impl Directory {
    pub(super) fn of(project: &Project, model: &Model) -> Self {
        let mut directory = Self::default();
        for (at, service) in project.services() {
            for name in names(project, at, service) {
                let known = directory
                    .names
                    .entry(name.to_ascii_lowercase())
                    .or_default();
                if known.last() != Some(&at) {
                    known.push(at);
                }
            }
            let members = service.networks.iter();
            for address in members.flat_map(|member| &member.addresses) {
                if let Some(address) = address.get() {
                    directory.addresses.entry(address.to_owned()).or_insert(at);
                }
            }
            if !service.inactive {
                directory.ports.add(at, service, model);
            }
        }
        directory.sockets = sockets(project, model);
        let mounts = project.services().map(|(at, service)| {
            let view = &project.container(at).view;
            let targets = service
                .mounts
                .iter()
                .filter_map(|mount| mount.target.as_deref());
            (at, targets.map(|target| view.locate(target)).collect())
        });
        directory.mounts = mounts
            .filter(|(_, places): &(_, Vec<_>)| !places.is_empty())
            .collect();
        directory.machine = machine(model);
        directory.own = own(model);
        directory.unused = project.stacks.iter().map(unused).collect();
        directory
    }

    /// The services that may answer to a name, whatever its case: whether one does, is for who asks to say.
    pub(super) fn named(&self, name: &str) -> &[ServiceRef] {
        let known = self.names.get(&name.to_ascii_lowercase());
        known.map_or(&[], Vec::as_slice)
    }

    /// Every socket that a process binds, in the order of the hops.
    pub(super) fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// Every service that mounts something, with where that lies.
    pub(super) fn mounts(&self) -> &[(ServiceRef, Vec<Location>)] {
        &self.mounts
    }

    /// The first service that has a fixed address.
    pub(super) fn at(&self, address: &str) -> Option<ServiceRef> {
        self.addresses.get(address).copied()
    }

    /// The first service that takes a port of the host, and the port of its container that this leads to.
    pub(super) fn on_host(&self, port: u16) -> Option<(ServiceRef, u16)> {
        self.ports.find(port)
    }

    /// The one app of the machine that is known to listen on a port; two that do are never started together.
    pub(super) fn on_machine(&self, port: u16) -> Option<(HopId, usize)> {
        match self.machine.get(&port)?.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The external networks that a stack declares and puts nobody on, by their names in Docker.
    pub(super) fn unused(&self, stack: usize) -> &[Spanned<String>] {
        &self.unused[stack]
    }

    /// The listener of a process of the machine that it reaches itself on a port of `localhost`.
    pub(super) fn own(&self, process: HopId, port: u16) -> Option<usize> {
        self.own.get(&(process, port)).copied()
    }
}

/// A socket in the file system.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    pub(super) service: Option<ServiceRef>,
    /// As its process sees it.
    pub(super) path: String,
    /// Where that lies, if others can see it.
    pub(super) place: Option<Location>,
    /// The hop and the listener.
    pub(super) hop: (HopId, usize),
}

fn sockets(project: &Project, model: &Model) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for (id, hop) in model.hops.iter().enumerate() {
        let id = HopId(u32::try_from(id).unwrap_or(u32::MAX));
        for (at, listener) in hop.listeners.iter().enumerate() {
            if let Some(Address::Unix(path)) = listener.address.value() {
                sockets.push(Socket {
                    service: hop.service,
                    path: path.clone(),
                    place: socket::place(project, hop.service, path),
                    hop: (id, at),
                });
            }
        }
    }
    sockets
}

/// Every name under which Docker's resolver may know a service, on some network.
fn names(project: &Project, at: ServiceRef, service: &Service) -> Vec<String> {
    let name = &service.name.value;
    let networks = project.networks_of(at).into_iter();
    let stack = &project.stacks[at.stack];
    let project = stack.name.as_deref();
    let project = project.unwrap_or(path::name(&stack.directory));
    let mut names = vec![name.clone(), format!("tasks.{name}")];
    let written = [&service.container_name, &service.hostname];
    let written = written.into_iter().flatten();
    let aliases = service.networks.iter().flat_map(|member| &member.aliases);
    let written = written.chain(aliases).filter_map(|text| text.get());
    names.extend(written.map(str::to_owned));
    let replicas = service.replicas.as_ref();
    for number in 1..=replicas.map_or(1, |count| count.value.clamp(1, NUMBERED)) {
        names.push(format!("{project}-{name}-{number}"));
        names.push(format!("{project}_{name}_{number}"));
    }
    names.extend(networks.map(|network| format!("{name}.{network}")));
    names
}

/// What takes ports of the host, in the order of the services.
#[derive(Debug, Clone, Default)]
struct Ports {
    taken: Vec<Taken>,
    /// By port the first that takes it alone.
    single: HashMap<u16, usize>,
    /// Those that take a range.
    wide: Vec<usize>,
}

/// A range of ports of the host, and where the first of them leads to.
#[derive(Debug, Clone)]
struct Taken {
    first: u16,
    last: u16,
    service: ServiceRef,
    target: u16,
}

impl Ports {
    fn add(&mut self, at: ServiceRef, service: &Service, model: &Model) {
        if service.network_mode.value == NetworkMode::Host {
            let listeners = model.hops_of(at).flat_map(|(_, hop)| &hop.listeners);
            for port in listeners.filter_map(|listener| listener.address.value()?.port()) {
                self.take(port, port, at, port);
            }
        }
        for port in service.ports.iter().filter(|port| port.protocol != "udp") {
            if let (Some((first, last)), Some((target, _))) = (port.published, port.target) {
                self.take(first, last, at, target);
            }
        }
    }

    fn take(&mut self, first: u16, last: u16, service: ServiceRef, target: u16) {
        let index = self.taken.len();
        if first == last {
            self.single.entry(first).or_insert(index);
        } else {
            self.wide.push(index);
        }
        self.taken.push(Taken {
            first,
            last,
            service,
            target,
        });
    }

    fn find(&self, port: u16) -> Option<(ServiceRef, u16)> {
        let holds = |index: &usize| {
            let taken = &self.taken[*index];
            (taken.first..=taken.last).contains(&port)
        };
        let single = self.single.get(&port).copied();
        let wide = self.wide.iter().copied().find(holds);
        let taken = &self.taken[single.into_iter().chain(wide).min()?];
        let offset = port - taken.first;
        Some((taken.service, taken.target.saturating_add(offset)))
    }
}

/// Processes that run in no container.
fn of_machine(model: &Model) -> impl Iterator<Item = (HopId, &Hop)> {
    let hops = model.hops.iter().zip(0..);
    let outside = hops.filter(|(hop, _)| hop.service.is_none());
    outside.map(|(hop, id)| (HopId(id), hop))
}

fn machine(model: &Model) -> HashMap<u16, Vec<(HopId, usize)>> {
    let mut machine: HashMap<u16, Vec<(HopId, usize)>> = HashMap::new();
    for (id, hop) in of_machine(model) {
        if !matches!(hop.kind, HopKind::App(_)) {
            continue;
        }
        for (at, listener) in hop.listeners.iter().enumerate() {
            if let Some(port) = listener.address.value().and_then(Address::port) {
                let known = machine.entry(port).or_default();
                if known.last().is_none_or(|(last, _)| *last != id) {
                    known.push((id, at));
                }
            }
        }
    }
    machine
}

fn own(model: &Model) -> HashMap<(HopId, u16), usize> {
    let mut own = HashMap::new();
    for (id, hop) in of_machine(model) {
        for (at, listener) in hop.listeners.iter().enumerate() {
            if let Some(Address::Tcp {
                bind: Bind::Any | Bind::AnyV4 | Bind::Loopback | Bind::LoopbackV4,
                port,
            }) = listener.address.value()
            {
                own.entry((id, *port)).or_insert(at);
            }
        }
    }
    own
}

fn unused(stack: &Stack) -> Vec<Spanned<String>> {
    let memberships = stack.services.iter().flat_map(|one| &one.networks);
    let used: HashSet<String> = memberships
        .map(|one| stack.docker_name(&one.network.value))
        .collect();
    let external = stack.networks.iter().filter(|network| network.external);
    let names = external.map(|network| {
        let name = stack.docker_name(&network.key.value);
        Spanned::new(name, network.key.span)
    });
    names.filter(|name| !used.contains(&name.value)).collect()
}
