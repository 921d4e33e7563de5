//! What is known of the ports and sockets that a service takes connections on.

use crate::model::{Address, HopId, Listener, Origin};
use crate::project::ServiceRef;
use crate::project::compose::Port;
use crate::rules::Ctx;

impl<'a> Ctx<'a> {
    /// Every listener of a service and of those in its network namespace, if all of them are known.
    pub(super) fn listening(&self, service: ServiceRef) -> Option<Vec<(HopId, &'a Listener)>> {
        let mut all = Vec::new();
        let mates = self.project.housemates(service).into_iter();
        let others = mates.filter(|mate| *mate != service);
        for mate in std::iter::once(service).chain(others) {
            if self.model.opaque.contains_key(&mate) {
                return None;
            }
            for (id, hop) in self.model.hops_of(mate) {
                if !hop.listeners_complete
                    || hop.listeners.iter().any(|l| l.address.value().is_none())
                {
                    return None;
                }
                all.extend(hop.listeners.iter().map(|listener| (id, listener)));
            }
        }
        (!all.is_empty()).then_some(all)
    }

    /// Every listener of what the tree starts on the machine itself.
    pub(super) fn listeners_of_machine(
        &self,
    ) -> impl Iterator<Item = (HopId, &'a Listener)> + use<'a> {
        let hops = self.model.hops.iter().enumerate();
        let of_machine = hops.filter(|(_, hop)| hop.service.is_none());
        of_machine.flat_map(|(at, hop)| {
            let id = HopId(u32::try_from(at).unwrap_or(u32::MAX));
            hop.listeners.iter().map(move |listener| (id, listener))
        })
    }

    /// The container port that a published host port of a service leads to.
    pub(super) fn published(&self, service: ServiceRef, port: u16) -> Option<(&'a Port, u16)> {
        let tcp = self
            .project
            .service(service)
            .ports
            .iter()
            .filter(|published| published.protocol != "udp");
        tcp.into_iter().find_map(|published| {
            let ((first, last), (target, _)) = (published.published?, published.target?);
            (first..=last)
                .contains(&port)
                .then(|| (published, target.saturating_add(port - first)))
        })
    }
}

/// `:8000 and :9000`: the addresses of some listeners.
pub(super) fn addresses(listeners: &[(HopId, &Listener)]) -> String {
    let address = |(_, listener): &(HopId, &Listener)| listener.address.value().map(Address::short);
    let mut addresses: Vec<String> = listeners.iter().filter_map(address).collect();
    addresses.sort();
    addresses.dedup();
    addresses.join(" and ")
}

/// Whether every address rests on what is written or measured.
pub(super) fn certain(listeners: &[(HopId, &Listener)]) -> bool {
    listeners
        .iter()
        .all(|(_, listener)| listener.address.origin().is_some_and(Origin::is_certain))
}
