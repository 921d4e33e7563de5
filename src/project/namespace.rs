//! Which services live in one network namespace: `network_mode: service:x` moves in with x. And which are on one network.

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

/// The networks of every service, found once: each link asks whether both its ends are on one.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks {
    /// Names in Docker, in the order of their numbers.
    names: Vec<String>,
    /// By stack and service the numbers, in the order in which they are written.
    numbers: Vec<Vec<Vec<usize>>>,
    /// The same, sorted.
    sorted: Vec<Vec<Vec<usize>>>,
}

impl Networks {
    /// Of all stacks.
    pub(super) fn of(stacks: &[Stack]) -> Self {
        let mut networks = Self::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for stack in stacks {
            let mut declared = HashMap::new();
            for network in &stack.networks {
                declared
                    .entry(network.key.value.as_str())
                    .or_insert(network);
            }
            let mut number = |key: &str| {
                let name = stack.name_of(declared.get(key).copied(), key);
                let next = networks.names.len();
                *known.entry(name).or_insert_with_key(|name| {
                    networks.names.push(name.clone());
                    next
                })
            };
            let services = stack.services.iter().map(|service| {
                let members = service.networks.iter();
                members.map(|one| number(&one.network.value)).collect()
            });
            networks.numbers.push(services.collect());
        }
        networks.sorted.clone_from(&networks.numbers);
        networks
            .sorted
            .iter_mut()
            .flatten()
            .for_each(|all| all.sort_unstable());
        networks
    }

    /// The names in Docker of what a service itself is on.
    pub(super) fn names(&self, of: ServiceRef) -> Vec<String> {
        let numbers = self.numbers[of.stack][of.service].iter();
        numbers.map(|number| self.names[*number].clone()).collect()
    }

    /// Whether two services are on one network.
    pub(super) fn meet(&self, a: ServiceRef, b: ServiceRef) -> bool {
        let all = |of: ServiceRef| &self.sorted[of.stack][of.service];
        let (few, many) = if all(a).len() < all(b).len() {
            (all(a), all(b))
        } else {
            (all(b), all(a))
        };
        few.iter().any(|number| many.binary_search(number).is_ok())
    }
}
