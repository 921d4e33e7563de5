//! TLS between hops: how a proxy opens it to its peers, and what a listener asks of whoever opens it.

mod read;

use std::collections::BTreeSet;
use std::fmt;

use crate::model::chain::reached;
use crate::model::{HopId, LinkId, Model, Setting};
use crate::source::{Span, Spanned};
use crate::syntax::certificate::Certificate;

pub(super) use read::read;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.0.
    V1_0,
    /// TLS 1.1.
    V1_1,
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// The versions that one side takes part in.
pub type Versions = BTreeSet<Version>;

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3];

    /// What nginx (`TLSv1`) and HAProxy (`TLSv1.0`) call it.
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "TLSv1" | "TLSv1.0" => Some(Self::V1_0),
            "TLSv1.1" => Some(Self::V1_1),
            "TLSv1.2" => Some(Self::V1_2),
            "TLSv1.3" => Some(Self::V1_3),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_0 => "TLS 1.0",
            Self::V1_1 => "TLS 1.1",
            Self::V1_2 => "TLS 1.2",
            Self::V1_3 => "TLS 1.3",
        })
    }
}

/// Index into [`Model::certificates`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificatesId(pub u32);

impl Model {
    /// What the listener that a link reaches asks of a handshake, and whose it is.
    pub fn terms(&self, link: LinkId) -> Option<(HopId, &Terms)> {
        let (hop, at) = reached(&self.link(link).target)?;
        Some((hop, self.hop(hop).listeners[at].tls.as_ref()?))
    }

    /// The certificates of a file, of which there is at least one.
    pub fn certificates(&self, id: CertificatesId) -> &[Certificate] {
        &self.certificates[id.0 as usize]
    }

    /// Every peer of which the project has the certificates, with the place that opens TLS to it.
    pub fn shown(&self) -> impl Iterator<Item = (&Client, LinkId, &[Certificate])> {
        self.tls.iter().flat_map(move |client| {
            let links = client.links.iter().zip(&client.shown);
            links.filter_map(move |(link, shown)| {
                Some((client, *link, self.certificates((*shown)?)))
            })
        })
    }
}

/// A place where a proxy opens TLS to its peers.
#[derive(Debug, Clone)]
pub struct Client {
    /// The proxy.
    pub hop: HopId,
    /// The pass directive, or the address of a server line.
    pub span: Span,
    /// The beginning of nginx's own words for it, `proxy_ssl`; `None` for HAProxy.
    pub module: Option<&'static str>,
    /// Those that are dialled from here.
    pub links: Vec<LinkId>,
    /// Whether the peer's certificate is checked.
    pub verify: Setting<bool>,
    /// The file of the authorities that are trusted, if one is named.
    pub trusted: Setting<Option<Spanned<String>>>,
    /// The name that is sent in the handshake (SNI), if one is.
    pub sni: Setting<Option<String>>,
    /// The name that a checked certificate must be for; `None` if any will do.
    pub name: Setting<Option<String>>,
    /// Whether the name that is sent is the Host of the request, and a checked certificate must be for it.
    pub follows_host: bool,
    /// The versions that it offers.
    pub versions: Setting<Versions>,
    /// Whether it has a certificate of its own to show.
    pub certificate: Setting<bool>,
    /// For each link the certificates that its peer shows, its own first, where the project has them.
    pub shown: Vec<Option<CertificatesId>>,
    /// Those of `trusted`, where the project has them.
    pub authorities: Option<CertificatesId>,
}

/// What a listener asks of whoever opens TLS to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The versions that it takes.
    pub versions: Setting<Versions>,
    /// Whether it asks for a certificate and takes nobody without one.
    pub demands: Setting<bool>,
    /// Whether it refuses a handshake that names no server.
    pub wants_name: Setting<bool>,
    /// The file of the certificate that it shows, if it is one.
    pub certificate: Setting<Option<Spanned<String>>>,
}

impl Terms {
    /// Adds what another server of the same listener asks: where the two disagree nothing is known, for the name that a
    /// client sends chooses the server. One that sends none is taken by the default server.
    pub fn join(&mut self, other: Self, default: bool) {
        join(&mut self.versions, other.versions);
        join(&mut self.demands, other.demands);
        let path = |setting: &Setting<Option<Spanned<String>>>| {
            setting
                .value()
                .map(|file| file.as_ref().map(|file| file.value.clone()))
        };
        if path(&self.certificate) != path(&other.certificate) {
            self.certificate = Setting::unknown(DIFFER);
        }
        if default {
            self.wants_name = other.wants_name;
        }
    }
}

const DIFFER: &str = "the servers of the listener differ in it";

fn join<T: PartialEq>(one: &mut Setting<T>, other: Setting<T>) {
    if one.value() != other.value() {
        *one = Setting::unknown(DIFFER);
    }
}
