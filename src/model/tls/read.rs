//! The certificates of the project that a handshake meets: the peer's, and those of the authorities that are trusted.

use std::collections::HashMap;

use crate::host::Host;
use crate::model::tls::CertificatesId;
use crate::model::{HopId, LinkId, Model};
use crate::project::Project;
use crate::project::container::Seen;
use crate::project::files::Files;
use crate::source::{FileId, Spanned};
use crate::syntax::certificate::certificates;

/// Reads what the files of the project tell of every place that opens TLS.
pub(in crate::model) fn read(model: &mut Model, host: &dyn Host, project: &mut Project) {
    let mut sources = std::mem::take(&mut project.sources);
    let mut gaps = Vec::new();
    let mut reader = Reader {
        files: Files::new(host, &mut sources, &mut gaps),
        project,
        known: HashMap::new(),
    };
    let mut clients = std::mem::take(&mut model.tls);
    for client in &mut clients {
        let peers = client.links.iter().map(|id| reader.shown(model, *id));
        client.shown = peers.collect();
        let trusted = client.trusted.value().and_then(Option::clone);
        client.authorities = trusted.and_then(|place| reader.open(model, client.hop, &place));
    }
    model.tls = clients;
    model.now = host.now();
    project.sources = sources;
    model.gaps.extend(gaps);
}

/// Reads each file once, however many places lead to it.
struct Reader<'r> {
    files: Files<'r>,
    project: &'r Project,
    /// What a file holds; `None` for one without a certificate that can be read.
    known: HashMap<FileId, Option<CertificatesId>>,
}

impl Reader<'_> {
    /// What a link is shown.
    fn shown(&mut self, model: &mut Model, link: LinkId) -> Option<CertificatesId> {
        let (hop, terms) = model.terms(link)?;
        let place = terms.certificate.value()?.clone()?;
        self.open(model, hop, &place)
    }

    /// The certificates of a file that a process of a container reads.
    fn open(
        &mut self,
        model: &mut Model,
        hop: HopId,
        place: &Spanned<String>,
    ) -> Option<CertificatesId> {
        let service = model.hop(hop).service?;
        let view = &self.project.container(service).view;
        let path = place.value.starts_with('/').then_some(&place.value)?;
        let Seen::File(path) = view.look(self.files.host, path) else {
            return None;
        };
        let file = self.files.open(&path)?;
        *self.known.entry(file).or_insert_with(|| {
            let all = certificates(file, self.files.text(file));
            let id = CertificatesId(u32::try_from(model.certificates.len()).unwrap_or(u32::MAX));
            (!all.is_empty()).then(|| {
                model.certificates.push(all);
                id
            })
        })
    }
}
