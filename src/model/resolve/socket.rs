//! What a socket path leads to: two processes meet on one only where both see the folder that it lies in.

use super::Seeker;
use crate::host::path;
use crate::model::{DeadEnd, Hop, Origin, ServiceRef, Target};
use crate::project::Project;
use crate::project::container::Location;

impl Seeker<'_> {
    /// What a socket path leads to, as the proxy sees the path.
    pub(super) fn socket(&self, socket: &str) -> Target {
        let proxy = self.model.hop(self.from).service;
        let location = place(self.project, proxy, socket);
        let mut sockets = self.model.directory.sockets().iter();
        let bound = sockets.find(|bound| {
            let same_container = bound.service == proxy && bound.path == socket;
            same_container || (location.is_some() && bound.place == location)
        });
        let Some(bound) = bound else {
            return self.unbound_socket(proxy, socket, location.as_ref());
        };
        let (port, hop) = (0, Some(bound.hop));
        match bound.service {
            Some(service) => Target::Service { service, port, hop },
            None => Target::Host { port, hop },
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
        let mounts = self.model.directory.mounts().iter();
        let sharing: Vec<ServiceRef> = mounts
            .filter(|(at, places)| *at != proxy && sees(places, location))
            .map(|(at, _)| *at)
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
}

/// A place that two processes can share; `None` for what is each container's own.
pub(super) fn place(
    project: &Project,
    service: Option<ServiceRef>,
    socket: &str,
) -> Option<Location> {
    let Some(at) = service else {
        // On a machine of today /var/run is a link to /run.
        let run = path::strip(socket, "/var/run").map(|rest| format!("/run/{rest}"));
        return Some(Location::Outside(run.unwrap_or(socket.to_owned())));
    };
    match project.container(at).view.locate(socket) {
        Location::Image(_) | Location::Foreign(_) | Location::Own(_) | Location::Unknown(_) => None,
        shared => Some(shared),
    }
}

/// Whether the volume or the folder that a location lies on is among the places that a container mounts.
fn sees(places: &[Location], location: &Location) -> bool {
    places.iter().any(|place| match (place, location) {
        (Location::Volume(a, _), Location::Volume(b, _)) => a == b,
        (Location::Repo(a), Location::Repo(b)) => path::strip(b, a).is_some(),
        (Location::Outside(a), Location::Outside(b)) => path::strip(b, a).is_some(),
        _ => false,
    })
}
