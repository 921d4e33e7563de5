//! What a socket path leads to: two processes meet on one only where both see the folder that it lies in.

use super::Seeker;
use crate::host::path;
use crate::model::{Address, DeadEnd, Hop, HopId, Origin, ServiceRef, Target};
use crate::project::container::Location;

impl Seeker<'_> {
    /// What a socket path leads to, as the proxy sees the path.
    pub(super) fn socket(&self, socket: &str) -> Target {
        let proxy = self.model.hop(self.from).service;
        let location = self.place(proxy, socket);
        for (index, hop) in self.model.hops.iter().enumerate() {
            for (at, listener) in hop.listeners.iter().enumerate() {
                let Some(Address::Unix(path)) = listener.address.value() else {
                    continue;
                };
                let same_container = hop.service == proxy && path == socket;
                if same_container
                    || (location.is_some() && self.place(hop.service, path) == location)
                {
                    let id = HopId(u32::try_from(index).unwrap_or(u32::MAX));
                    return match hop.service {
                        Some(service) => Target::Service {
                            service,
                            port: 0,
                            hop: Some((id, at)),
                        },
                        None => Target::Host {
                            port: 0,
                            hop: Some((id, at)),
                        },
                    };
                }
            }
        }
        self.unbound_socket(proxy, socket, location.as_ref())
    }

    /// A place that two processes can share; `None` for what is each container's own.
    fn place(&self, service: Option<ServiceRef>, socket: &str) -> Option<Location> {
        let Some(at) = service else {
            // On a machine of today /var/run is a link to /run.
            let run = path::strip(socket, "/var/run").map(|rest| format!("/run/{rest}"));
            return Some(Location::Outside(run.unwrap_or(socket.to_owned())));
        };
        match self.project.container(at).view.locate(socket) {
            Location::Image(_) | Location::Foreign(_) | Location::Own(_) | Location::Unknown(_) => {
                None
            }
            shared => Some(shared),
        }
    }

    fn unbound_socket(
        &self,
        proxy: Option<ServiceRef>,
        socket: &str,
        location: Option<&Location>,
    ) -> Target {
        let Some(proxy) = proxy else {
            return Target::Unknown(format!(
                "{socket} is on a machine that is not part of the project"
            ));
        };
        if path::strip(socket, "/dev/shm").is_some() {
            return Target::Unknown("/dev/shm may be shared through `ipc`".to_owned());
        }
        let Some(location) = location else {
            let view = self.project.container(proxy).view.locate(socket);
            return match view {
                Location::Image(_) | Location::Foreign(_) | Location::Own(_) => {
                    match self.unseen_processes(proxy) {
                        Some(why) => Target::Unknown(why),
                        None => {
                            let folder = path::parent(socket);
                            Target::Nowhere(DeadEnd::NoSocket(format!(
                                "{folder} is on no volume that another service shares"
                            )))
                        }
                    }
                }
                _ => Target::Unknown(format!("where {socket} lies is unknown")),
            };
        };
        let sharing: Vec<ServiceRef> = self
            .project
            .services()
            .map(|(at, _)| at)
            .filter(|at| *at != proxy && self.sees(*at, location))
            .collect();
        if sharing.is_empty() && !matches!(location, Location::Outside(_)) {
            return Target::Nowhere(DeadEnd::NoSocket(
                "no other service mounts the folder it lies in".to_owned(),
            ));
        }
        if let Some(why) = sharing.iter().find_map(|at| self.unseen_sockets(*at)) {
            return Target::Unknown(why);
        }
        match location {
            Location::Volume(..) | Location::Repo(_) => Target::Nowhere(DeadEnd::NoSocket(
                "no process that shares the folder binds it".to_owned(),
            )),
            _ => Target::Unknown(format!("{socket} is on a path of the host")),
        }
    }

    fn unseen_sockets(&self, at: ServiceRef) -> Option<String> {
        if let Some(why) = self.model.opaque.get(&at) {
            return Some(why.clone());
        }
        let known = |hop: &Hop| {
            hop.listeners_complete
                && hop
                    .listeners
                    .iter()
                    .all(|l| l.address.origin().is_some_and(Origin::is_certain))
        };
        let name = &self.project.service(at).name.value;
        (!self.model.hops_of(at).all(|(_, hop)| known(hop)))
            .then(|| format!("not all that {name} binds is known"))
    }

    /// Whether a container has the volume or the folder that a location lies on.
    fn sees(&self, at: ServiceRef, location: &Location) -> bool {
        let service = self.project.service(at);
        let view = &self.project.container(at).view;
        service
            .mounts
            .iter()
            .filter_map(|mount| mount.target.as_deref())
            .any(|target| match (view.locate(target), location) {
                (Location::Volume(a, _), Location::Volume(b, _)) => a == *b,
                (Location::Repo(a), Location::Repo(b)) => path::strip(b, &a).is_some(),
                (Location::Outside(a), Location::Outside(b)) => path::strip(b, &a).is_some(),
                _ => false,
            })
    }
}
