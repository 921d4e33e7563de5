//! What a service is reachable by and what it can name: networks, modes, links, extra hosts.

use crate::project::compose::merge;
use crate::project::compose::tree::Tree;
use crate::project::compose::{Membership, NetworkMode};
use crate::source::{Span, Spanned};
use crate::syntax::value::{Text, pair};

/// Reads `network_mode`; the service's own span stands for its absence.
pub(super) fn mode(tree: &Tree, absent: Span) -> Spanned<NetworkMode> {
    let Some(text) = tree.get("network_mode").and_then(Tree::text) else {
        return Spanned::new(NetworkMode::Networks, absent);
    };
    let mode = match &text.value {
        Err(why) => NetworkMode::Other(why.clone()),
        Ok(written) => match pair::colon_pair(written) {
            (word, None) if word == "host" => NetworkMode::Host,
            (word, None) if word == "none" => NetworkMode::None,
            (word, Some(name)) if word == "service" => NetworkMode::Service(name),
            (word, Some(name)) if word == "container" => NetworkMode::Container(name),
            _ => NetworkMode::Other(written.clone()),
        },
    };
    Spanned::new(mode, text.span)
}

/// Reads `networks`; without any, the default one.
pub(super) fn read(tree: &Tree, service: &Spanned<String>, mode: &NetworkMode) -> Vec<Membership> {
    if *mode != NetworkMode::Networks {
        return Vec::new();
    }
    let written = tree.get("networks").cloned().map(merge::names);
    let members: Vec<Membership> = written
        .iter()
        .flat_map(Tree::entries)
        .map(|entry| Membership {
            network: entry.key.clone(),
            aliases: super::texts(entry.value.get("aliases")),
            addresses: ["ipv4_address", "ipv6_address"]
                .iter()
                .filter_map(|key| entry.value.get(key)?.text().cloned())
                .collect(),
        })
        .collect();
    // A list of variables names networks that are unknown: the default one is then a guess.
    let unknown = tree
        .get("networks")
        .is_some_and(|networks| !networks.items().is_empty());
    if members.is_empty() && !unknown {
        return vec![Membership {
            network: Spanned::new("default".to_owned(), service.span),
            aliases: Vec::new(),
            addresses: Vec::new(),
        }];
    }
    members
}

/// Reads `links`: service and alias.
pub(super) fn links(tree: &Tree) -> Vec<(String, String)> {
    tree.get("links")
        .map_or(&[][..], Tree::items)
        .iter()
        .filter_map(Tree::known)
        .map(|written| {
            let (service, alias) = pair::colon_pair(written);
            let alias = alias.unwrap_or_else(|| service.clone());
            (service, alias)
        })
        .collect()
}

/// Reads `extra_hosts`, list or mapping; a host may have several addresses.
pub(super) fn extra_hosts(tree: &Tree) -> Vec<(Text, Text)> {
    let Some(written) = tree.get("extra_hosts") else {
        return Vec::new();
    };
    let from_list = written.items().iter().filter_map(|item| {
        let scalar = item.scalar()?;
        let (host, address) = pair::extra_host(&scalar.partial)?;
        Some((scalar.part(&host), scalar.part(&address)))
    });
    let from_map = written.entries().iter().flat_map(|entry| {
        let host = Text::known(entry.key.value.clone(), entry.key.span);
        super::texts(Some(&entry.value))
            .into_iter()
            .map(move |address| (host.clone(), address))
    });
    from_list.chain(from_map).collect()
}
