//! Stacks that meet on an external network: the service that its own stack forgot to put on it.

use super::Seeker;
use crate::model::{DeadEnd, ServiceRef};
use crate::project::compose::NetworkMode;

impl Seeker<'_> {
    /// The one service of a name, if its stack declares an external network that the proxy is on, and puts nobody on it:
    /// it is there for this service's sake.
    pub(super) fn left_off(&self, proxy: ServiceRef, host: &str) -> Option<DeadEnd> {
        let named = self.model.directory.named(host).iter();
        let named = named.map(|at| (*at, self.project.service(*at)));
        let mut named = named.filter(|(_, service)| {
            let container = service.container_name.as_ref();
            let names = [
                Some(service.name.value.as_str()),
                container.and_then(|name| name.get()),
            ];
            names
                .into_iter()
                .flatten()
                .any(|name| name.eq_ignore_ascii_case(host))
        });
        let (at, service) = named.next()?;
        if named.next().is_some() || service.network_mode.value != NetworkMode::Networks {
            return None;
        }
        let ours = self.project.networks_of(proxy);
        let stack = &self.project.stacks[at.stack];
        let is_used = |name: &str| {
            let memberships = stack.services.iter().flat_map(|one| &one.networks);
            let mut used = memberships.map(|one| stack.docker_name(&one.network.value));
            used.any(|used| used == name)
        };
        let external = stack.networks.iter().filter(|network| network.external);
        let mut names = external.map(|network| stack.docker_name(&network.key.value));
        let network = names.find(|name| ours.contains(name) && !is_used(name))?;
        Some(DeadEnd::LeftOff(at, network))
    }
}
