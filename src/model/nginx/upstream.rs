//! `upstream {}` blocks.

use crate::source::Spanned;
use crate::syntax::nginx::Directive;

/// One upstream group.
pub(super) struct Upstream<'a> {
    /// Its name.
    pub(super) name: &'a Spanned<String>,
    /// Its directives.
    pub(super) directives: &'a [Directive],
}

/// One `server` of a group.
pub(super) struct Peer<'a> {
    /// The address as written.
    pub(super) address: &'a Spanned<String>,
    /// `backup` or `down`.
    pub(super) spare: bool,
    /// `down`.
    pub(super) down: bool,
    /// `resolve`: looked up while running.
    pub(super) resolve: bool,
}

impl<'a> Upstream<'a> {
    /// `None` for a block without a name.
    pub(super) fn new(directive: &'a Directive) -> Option<Self> {
        Some(Self {
            name: directive.args.first()?,
            directives: directive.block.as_deref().unwrap_or(&[]),
        })
    }

    /// Its servers, in order.
    pub(super) fn peers(&self) -> impl Iterator<Item = Peer<'a>> {
        self.all("server").filter_map(|server| {
            let has = |flag: &str| server.args.iter().any(|arg| arg.value == flag);
            Some(Peer {
                address: server.args.first()?,
                spare: has("backup") || has("down"),
                down: has("down"),
                resolve: has("resolve"),
            })
        })
    }

    /// The last directive of a name.
    pub(super) fn find(&self, name: &'a str) -> Option<&'a Directive> {
        self.all(name).last()
    }

    fn all(&self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.directives
            .iter()
            .filter(move |directive| directive.name.value == name)
    }
}
