//! What an address leads to, as the network of the proxy sees it: a service, the host, somewhere outside, certainly
//! nowhere, or unknown.

mod directory;
mod left_off;
mod socket;

use crate::host::path;
use crate::model::nginx::is_address;
use crate::model::{
    Address, DeadEnd, Dialled, HopId, Link, Listener, Lookup, Model, ServiceRef, Target,
};
use crate::project::Project;
use crate::project::compose::{Membership, NetworkMode, Service};
pub use directory::Directory;
use directory::NUMBERED;

/// Fills in the target of every link. A name that the hosts file of the container has is there from the first moment on.
pub(super) fn resolve(model: &mut Model, project: &Project) {
    model.directory = Directory::of(project, model);
    let found: Vec<(Target, bool)> = model
        .links
        .iter()
        .map(|link| {
            let target = model.lead(project, link.from, &link.dialled);
            (target, is_in_hosts(model, project, link))
        })
        .collect();
    for (link, (target, in_hosts)) in model.links.iter_mut().zip(found) {
        link.target = target;
        if in_hosts && link.lookup == Lookup::AtStart {
            link.lookup = Lookup::Never;
        }
    }
}

/// Whether a name is there without anybody who answers for it: `extra_hosts` has it, or every hosts file does.
fn is_in_hosts(model: &Model, project: &Project, link: &Link) -> bool {
    let Dialled::Tcp { host, .. } = &link.dialled else {
        return false;
    };
    let given = |at| extra_host(project.service(at), &host.value).is_some();
    is_loopback(&host.value) || model.hop(link.from).service.is_some_and(given)
}

impl Model {
    /// What an address leads to, as a process sees it.
    pub fn lead(&self, project: &Project, from: HopId, dialled: &Dialled) -> Target {
        let seeker = Seeker {
            model: self,
            project,
            from,
        };
        match dialled {
            Dialled::Unknown(why) => Target::Unknown(why.clone()),
            Dialled::Unix(socket) => seeker.socket(&socket.value),
            Dialled::Tcp { host, port, .. } => seeker.host(&host.value, *port),
        }
    }

    /// What a port of a container leads to, whose address a process takes from Docker: on the network that it is told to
    /// take if the container is on that one, else on any.
    pub(super) fn reach(
        &self,
        project: &Project,
        (from, proxy): (HopId, ServiceRef),
        to: ServiceRef,
        port: u16,
        network: Option<&str>,
    ) -> Target {
        let seeker = Seeker {
            model: self,
            project,
            from,
        };
        let plain = |at| {
            matches!(
                project.service(at).network_mode.value,
                NetworkMode::Networks
            )
        };
        let (proxy, owner) = (project.namespace(proxy), project.namespace(to));
        let on_host = project.service(proxy).network_mode.value == NetworkMode::Host;
        if !plain(owner) || !(plain(proxy) || on_host) {
            return Target::Unknown("not all of their networks are known".to_owned());
        }
        let theirs = project.networks_of(owner);
        let taken = network.filter(|network| theirs.iter().any(|name| name == network));
        let shared = match taken {
            Some(network) => project
                .networks_of(proxy)
                .iter()
                .any(|name| name == network),
            None => project.share_network(proxy, owner),
        };
        if on_host || shared || proxy == owner {
            seeker.at(to, port)
        } else {
            Target::Nowhere(DeadEnd::Disjoint(to))
        }
    }
}

struct Seeker<'a> {
    model: &'a Model,
    project: &'a Project,
    from: HopId,
}

impl Seeker<'_> {
    fn host(&self, host: &str, port: u16) -> Target {
        match self.model.hop(self.from).service {
            Some(proxy) => self.from_container(proxy, host, port),
            None => self.from_host(host, port),
        }
    }

    fn from_container(&self, proxy: ServiceRef, host: &str, port: u16) -> Target {
        let service = self.project.service(proxy);
        if let NetworkMode::Service(other) = &service.network_mode.value {
            return match self.sibling(proxy, other) {
                Some(owner) if is_loopback(host) => self.own_loopback(owner, port),
                Some(owner) => self.from_container_of(owner, host, port),
                None => Target::Unknown(format!("network of {other}, which is no service here")),
            };
        }
        self.from_container_of(proxy, host, port)
    }

    fn from_container_of(&self, proxy: ServiceRef, host: &str, port: u16) -> Target {
        let service = self.project.service(proxy);
        match &service.network_mode.value {
            NetworkMode::Host => return self.from_host_of(Some(proxy), host, port),
            NetworkMode::Other(mode) => {
                return Target::Unknown(format!("network_mode {mode} is not known here"));
            }
            NetworkMode::Container(name) => {
                return Target::Unknown(format!(
                    "network of the container {name}, which is no service here"
                ));
            }
            NetworkMode::None if !is_loopback(host) => {
                return Target::Unknown("network_mode none".to_owned());
            }
            _ => {}
        }
        if is_loopback(host) {
            return self.own_loopback(proxy, port);
        }
        if let Some(address) = extra_host(service, host) {
            return match address {
                Some("host-gateway") => self.published(port),
                Some(address) => self.by_address(address, port),
                None => Target::Unknown(format!("extra_hosts gives {host} an unknown address")),
            };
        }
        if matches!(
            host,
            "host.docker.internal" | "gateway.docker.internal" | "172.17.0.1"
        ) {
            return self.published(port);
        }
        if is_address(host) {
            return self.by_address(host, port);
        }
        self.by_name(proxy, host, port)
    }

    fn by_name(&self, proxy: ServiceRef, host: &str, port: u16) -> Target {
        let seeker = self.project.service(proxy);
        if let Some((service, _)) = seeker.links.iter().find(|(_, alias)| alias == host)
            && let Some(service) = self.sibling(proxy, service)
        {
            return self.at(service, port);
        }
        let mut disjoint = None;
        let mut behind_profile = None;
        for at in self.model.directory.named(host).iter().copied() {
            let service = self.project.service(at);
            if at.stack != proxy.stack && !self.project.share_network(proxy, at) {
                continue;
            }
            if !self.answers_to(at, service, proxy, host) {
                continue;
            }
            if !self.project.share_network(proxy, at) {
                disjoint = Some(at);
            } else if service.inactive && !seeker.inactive {
                behind_profile = Some(at);
            } else {
                return self.at(at, port);
            }
        }
        if let Some(service) = behind_profile {
            return Target::Nowhere(DeadEnd::Profile(service));
        }
        if let Some(service) = disjoint {
            return match self.unseen_network(proxy) {
                Some(why) => self
                    .left_off(proxy, host)
                    .map_or(Target::Unknown(why), Target::Nowhere),
                None => Target::Nowhere(DeadEnd::Disjoint(service)),
            };
        }
        if host.contains('.') {
            return Target::External;
        }
        if let Some(dead) = self.left_off(proxy, host) {
            return Target::Nowhere(dead);
        }
        match self
            .unseen_network(proxy)
            .or_else(|| self.unseen_services(proxy))
        {
            Some(why) => Target::Unknown(why),
            None => Target::Nowhere(DeadEnd::UnknownHost),
        }
    }

    /// Why a name may be known on a network of the proxy although no service here has it.
    fn unseen_network(&self, proxy: ServiceRef) -> Option<String> {
        let stack = &self.project.stacks[proxy.stack];
        let service = self.project.service(proxy);
        service.networks.iter().find_map(|membership| {
            let key = &membership.network.value;
            match stack
                .networks
                .iter()
                .find(|network| network.key.value == *key)
            {
                Some(network) if network.external => {
                    Some(format!("others may be on the external network {key}"))
                }
                Some(_) => None,
                None => (key != "default").then(|| format!("network {key} is not declared")),
            }
        })
    }

    fn unseen_services(&self, proxy: ServiceRef) -> Option<String> {
        let stack = &self.project.stacks[proxy.stack];
        stack
            .incomplete
            .then(|| format!("not all of {} could be read", stack.path))
    }

    fn sibling(&self, of: ServiceRef, name: &str) -> Option<ServiceRef> {
        let mut named = self.model.directory.named(name).iter().copied();
        named.find(|at| at.stack == of.stack && self.project.service(*at).name.value == name)
    }

    /// Whether a name is an alias of a service on a network that the proxy is on as well: it is known nowhere else. On
    /// no common network at all it shows what was meant.
    fn has_alias(
        &self,
        at: ServiceRef,
        service: &Service,
        proxy: ServiceRef,
        is: &dyn Fn(&str) -> bool,
    ) -> bool {
        let names = |membership: &&Membership| {
            let mut aliases = membership.aliases.iter().filter_map(|alias| alias.get());
            aliases.any(is)
        };
        let mut named = service.networks.iter().filter(names).peekable();
        if named.peek().is_none() {
            return false;
        }
        let ours = self.project.networks_of(proxy);
        let stack = &self.project.stacks[at.stack];
        named.any(|one| ours.contains(&stack.docker_name(&one.network.value)))
            || !self.project.share_network(proxy, at)
    }

    /// Whether Docker's resolver answers to a name with a service, if they share a network.
    fn answers_to(&self, at: ServiceRef, service: &Service, proxy: ServiceRef, host: &str) -> bool {
        let stack = &self.project.stacks[at.stack];
        let name = &service.name.value;
        let is = |other: &str| other.eq_ignore_ascii_case(host);
        let has = |text: &Option<crate::syntax::value::Text>| {
            text.as_ref().and_then(|t| t.get()).is_some_and(is)
        };
        if is(name) || has(&service.container_name) || has(&service.hostname) {
            return true;
        }
        if self.has_alias(at, service, proxy, &is) {
            return true;
        }
        let project = stack
            .name
            .as_deref()
            .unwrap_or(path::name(&stack.directory))
            .to_ascii_lowercase();
        let replicas = service
            .replicas
            .as_ref()
            .map_or(1, |replicas| replicas.value.min(NUMBERED));
        let numbered = (1..=replicas.max(1))
            .any(|n| is(&format!("{project}-{name}-{n}")) || is(&format!("{project}_{name}_{n}")));
        if numbered || (at.stack == proxy.stack && is(&format!("tasks.{name}"))) {
            return true;
        }
        let networks = service
            .networks
            .iter()
            .map(|membership| stack.docker_name(&membership.network.value));
        networks
            .into_iter()
            .any(|network| is(&format!("{name}.{network}")))
    }

    fn own_loopback(&self, proxy: ServiceRef, port: u16) -> Target {
        let mates = self.project.housemates(proxy);
        for mate in &mates {
            if let Some(hop) = self.listener(*mate, port) {
                return Target::Service {
                    service: *mate,
                    port,
                    hop: Some(hop),
                };
            }
        }
        for mate in &mates {
            if let Some(why) = self.unseen_processes(*mate) {
                return Target::Unknown(why);
            }
        }
        Target::Nowhere(DeadEnd::OwnLoopback)
    }

    /// Why something that is not known may listen in a container.
    fn unseen_processes(&self, at: ServiceRef) -> Option<String> {
        if let Some(why) = self.model.opaque.get(&at) {
            return Some(why.clone());
        }
        let name = &self.project.service(at).name.value;
        let alone = |hop: &crate::model::Hop| {
            hop.listeners_complete && hop.listeners.iter().all(|l| l.address.value().is_some())
        };
        let mut hops = self.model.hops_of(at).peekable();
        hops.peek()?;
        if hops.any(|(_, hop)| !alone(hop)) {
            return Some(format!("not all that listens in {name} is known"));
        }
        let told = self.model.alone.contains(&at) || self.model.followed.contains(&at);
        (!told).then(|| format!("{name} may run more than its proxy"))
    }

    /// The hop and the listener of a service that take connections on a port, loopback ones last.
    fn listener(&self, at: ServiceRef, port: u16) -> Option<(HopId, usize)> {
        let on_port =
            |listener: &Listener| listener.address.value().and_then(Address::port) == Some(port);
        let mut found = None;
        for (id, hop) in self.model.hops_of(at) {
            for (index, listener) in hop
                .listeners
                .iter()
                .enumerate()
                .filter(|(_, listener)| on_port(listener))
            {
                let loopback = matches!(
                    listener.address.value(),
                    Some(Address::Tcp { bind, .. }) if bind.is_loopback()
                );
                if !loopback {
                    return Some((id, index));
                }
                found = found.or(Some((id, index)));
            }
        }
        found
    }

    fn at(&self, service: ServiceRef, port: u16) -> Target {
        let hop = self
            .project
            .housemates(service)
            .into_iter()
            .find_map(|mate| self.listener(mate, port));
        Target::Service { service, port, hop }
    }

    /// A port of the host: the service that publishes it, if one does.
    fn published(&self, port: u16) -> Target {
        match self.model.directory.on_host(port) {
            Some((at, port)) => self.at(at, port),
            None => Target::Host {
                port,
                hop: self.model.directory.on_machine(port),
            },
        }
    }

    fn by_address(&self, address: &str, port: u16) -> Target {
        match self.model.directory.at(address) {
            Some(at) => self.at(at, port),
            None => Target::External,
        }
    }

    fn from_host(&self, host: &str, port: u16) -> Target {
        self.from_host_of(None, host, port)
    }

    /// A process of the machine that dials its own port: nobody else can have it.
    fn own(&self, port: u16) -> Option<Target> {
        let at = self.model.directory.own(self.from, port)?;
        Some(Target::Host {
            port,
            hop: Some((self.from, at)),
        })
    }

    /// As a process on the host sees it: `proxy` is its service if it only shares the host's network.
    fn from_host_of(&self, proxy: Option<ServiceRef>, host: &str, port: u16) -> Target {
        if is_loopback(host) {
            return self.own(port).unwrap_or_else(|| self.published(port));
        }
        if is_address(host) {
            return self.by_address(host, port);
        }
        if let Some(address) = proxy.and_then(|at| extra_host(self.project.service(at), host)) {
            return match address {
                Some(address) if is_loopback(address) => self.published(port),
                _ => Target::External,
            };
        }
        if host.contains('.') {
            return Target::External;
        }
        if proxy.is_some() {
            return Target::Unknown(format!("{host} is looked up on the host's network"));
        }
        // A config that no service mounts may still be deployed beside the services that it names.
        let named = self.model.directory.named(host).iter().copied();
        let mut named = named.filter(|at| {
            let name = &self.project.service(*at).name.value;
            name.eq_ignore_ascii_case(host)
        });
        match (named.next(), named.next()) {
            (Some(at), None) => self.at(at, port),
            _ => Target::Unknown(format!(
                "{host} is looked up on a machine that is not part of the project"
            )),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "::1" | "ip6-localhost") || host.starts_with("127.")
}

/// The address that `extra_hosts` gives a name; `Some(None)` if it is unknown.
fn extra_host<'a>(service: &'a Service, host: &str) -> Option<Option<&'a str>> {
    let (_, address) = service
        .extra_hosts
        .iter()
        .find(|(name, _)| name.get().is_some_and(|n| n.eq_ignore_ascii_case(host)))?;
    Some(address.get())
}
