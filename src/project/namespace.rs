//! Which services live in one network namespace: `network_mode: service:x` moves in with x.

use std::collections::HashMap;

use super::ServiceRef;
use super::compose::{NetworkMode, Stack};

/// The namespaces that more than one service lives in.
#[derive(Debug, Clone, Default)]
pub(super) struct Namespaces {
    /// By each service that moves in with another, that one.
    owners: HashMap<ServiceRef, ServiceRef>,
    /// By each owner, all that live there, itself included, in their order.
    tenants: HashMap<ServiceRef, Vec<ServiceRef>>,
}

impl Namespaces {
    /// Of all stacks. A service that moves in with one that does not exist is on its own.
    pub(super) fn of(stacks: &[Stack]) -> Self {
        let mut owners = HashMap::new();
        for (stack, one) in stacks.iter().enumerate() {
            let at = |service| ServiceRef { stack, service };
            let mut by_name = HashMap::new();
            for (service, known) in one.services.iter().enumerate() {
                by_name.entry(known.name.value.as_str()).or_insert(service);
            }
            for (service, known) in one.services.iter().enumerate() {
                if let NetworkMode::Service(owner) = &known.network_mode.value
                    && let Some(owner) = by_name.get(owner.as_str())
                {
                    owners.insert(at(service), at(*owner));
                }
            }
        }
        let mut tenants: HashMap<ServiceRef, Vec<ServiceRef>> = HashMap::new();
        for (tenant, owner) in &owners {
            tenants
                .entry(*owner)
                .or_insert_with(|| vec![*owner])
                .push(*tenant);
        }
        for all in tenants.values_mut() {
            all.sort();
        }
        Self { owners, tenants }
    }

    /// The service whose namespace a service lives in.
    pub(super) fn owner(&self, of: ServiceRef) -> ServiceRef {
        self.owners.get(&of).copied().unwrap_or(of)
    }

    /// Every service that lives where a service lives.
    pub(super) fn mates(&self, of: ServiceRef) -> Vec<ServiceRef> {
        let owner = self.owner(of);
        self.tenants
            .get(&owner)
            .cloned()
            .unwrap_or_else(|| vec![owner])
    }
}
