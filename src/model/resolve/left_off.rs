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
        let mut unused = self.model.directory.unused(at.stack).iter();
        let network = unused.find(|network| ours.contains(&network.value))?;
        Some(DeadEnd::LeftOff(at, network.clone()))
    }
}
