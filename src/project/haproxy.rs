//! One HAProxy process: its files in the order in which they are given to it.

use std::collections::BTreeMap;

use crate::project::nginx::Missing;
use crate::project::{Envsubst, ServiceRef};
use crate::source::{FileId, Spanned};
use crate::syntax::haproxy::Section;
use crate::syntax::value::Text;

/// One HAProxy process.
#[derive(Debug, Clone)]
pub struct HaproxyConf {
    /// The service that runs it; `None` for HAProxy on the host.
    pub service: Option<ServiceRef>,
    /// The file to point at.
    pub main: FileId,
    /// Sections of all its files, in order.
    pub sections: Vec<Section>,
    /// Whether every file could be read.
    pub complete: bool,
    /// Its environment.
    pub environment: Envsubst,
    /// Image, for the version.
    pub image: Option<Text>,
    /// Whether the files were attached to the service without being mounted or copied.
    pub unmounted: bool,
    /// Whether the container runs nothing but this HAProxy.
    pub alone: bool,
    /// The values of the map files that give names of backends, by the path that is written.
    pub maps: BTreeMap<String, Vec<Spanned<String>>>,
    /// Maps and lists of patterns that are certainly not there.
    pub missing: Vec<Missing>,
    /// Where its files were put, and where it looks instead, if nothing is there.
    pub misplaced: Option<(String, String)>,
}
