//! Which ways websockets take, and what tells one from other requests before anybody runs: its path, or a condition on its
//! `Upgrade` header.

use crate::model::chain::reached;
use crate::model::{HopId, LinkId, Model, Route, RouteId};
use crate::syntax::haproxy::Word;

impl Model {
    /// Whether websockets come this way: the proxy upgrades them, or an nginx behind it does.
    pub fn carries_websockets(&self, route: &Route) -> bool {
        route.upgrades || route.links.iter().any(|link| self.upgrades_behind(*link))
    }

    /// Whether a link leads to a listener from which some way passes `Upgrade` on.
    pub fn upgrades_behind(&self, link: LinkId) -> bool {
        reached(&self.link(link).target).is_some_and(|(hop, listener)| {
            self.upgrading(hop)
                .any(|route| route.listeners.contains(&listener))
        })
    }

    /// Fills in which ways pass `Upgrade` on.
    pub(super) fn find_upgrading(&mut self) {
        for (at, route) in self.routes.iter().enumerate() {
            if route.upgrades {
                let id = RouteId(u32::try_from(at).unwrap_or(u32::MAX));
                self.upgrading.entry(route.hop).or_default().push(id);
            }
        }
    }

    /// The ways of a proxy that pass `Upgrade` on.
    pub fn upgrading(&self, hop: HopId) -> impl Iterator<Item = &Route> {
        let routes = self.upgrading.get(&hop).into_iter().flatten();
        routes.map(|id| self.route(*id))
    }
}

/// Folders of a path that websocket servers and their libraries use, and after which time they break a silence
/// themselves (milliseconds), if it is part of the protocol.
///
/// Sources: socket.io `pingInterval` 25 s; SockJS heartbeat 25 s; Action Cable `BEAT_INTERVAL` 3 s.
const FOLDERS: &[(&str, Option<u64>)] = &[
    ("ws", None),
    ("wss", None),
    ("websocket", None),
    ("websockets", None),
    ("socket.io", Some(25_000)),
    ("engine.io", Some(25_000)),
    ("sockjs", Some(25_000)),
    ("sockjs-node", Some(25_000)),
    ("cable", Some(3_000)),
];

/// Whether a path is one that websockets use by custom.
pub fn is_path(path: &str) -> bool {
    folder(path).is_some()
}

/// After how long a silence the protocol of a path sends something by itself (milliseconds), if it does.
pub fn ping_ms(path: &str) -> Option<u64> {
    folder(path)?
}

fn folder(path: &str) -> Option<Option<u64>> {
    let known = |folder: &str| FOLDERS.iter().find(|(name, _)| *name == folder);
    // plain: folders of a path
    path.split('/').find_map(known).map(|(_, ping)| *ping)
}

/// Whether a test of a HAProxy ACL is about websockets: `hdr(Upgrade) -i websocket`, `path_beg /ws`.
pub(super) fn is_test(words: &[Word]) -> bool {
    let Some((fetch, values)) = words.split_first() else {
        return false;
    };
    let fetch = fetch.text.to_ascii_lowercase();
    let upgrades = fetch.contains("hdr") && fetch.contains("(upgrade");
    values.iter().any(|value| {
        (upgrades && value.text.eq_ignore_ascii_case("websocket"))
            || (fetch.starts_with("path") && is_path(&value.text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_count_and_parts_of_them_do_not() {
        assert!(is_path("/ws"));
        assert!(is_path("/api/websocket/"));
        assert!(is_path("shop.example.com/socket.io/"));
        assert!(!is_path("/news/"));
        assert!(!is_path("/wsdl"));
        assert_eq!(ping_ms("/cable"), Some(3_000));
        assert_eq!(ping_ms("/ws"), None);
    }
}
