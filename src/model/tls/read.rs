//! The certificates of the project that a handshake meets: the peer's, and those of the authorities that are trusted.

use crate::host::Host;
use crate::model::chain::reached;
use crate::model::{HopId, Model};
use crate::project::Project;
use crate::project::container::Seen;
use crate::project::files::Files;
use crate::source::Spanned;
use crate::syntax::certificate::{Certificate, certificates};

/// Reads what the files of the project tell of every place that opens TLS.
pub(in crate::model) fn read(model: &mut Model, host: &dyn Host, project: &mut Project) {
    let mut sources = std::mem::take(&mut project.sources);
    let mut gaps = Vec::new();
    let mut files = Files::new(host, &mut sources, &mut gaps);
    for at in 0..model.tls.len() {
        let (shown, authorities) = {
            let client = &model.tls[at];
            let peers = client.links.iter().map(|id| shown(model, *id));
            let shown: Vec<_> = peers
                .map(|told| {
                    let (hop, place) = told?;
                    open(&mut files, project, model, hop, place)
                })
                .collect();
            let trusted = client.trusted.value().and_then(Option::as_ref);
            let authorities =
                trusted.and_then(|place| open(&mut files, project, model, client.hop, place));
            (shown, authorities)
        };
        model.tls[at].shown = shown;
        model.tls[at].authorities = authorities;
    }
    model.now = host.now();
    project.sources = sources;
    model.gaps.extend(gaps);
}

/// The process and the file of the certificate that a link is shown.
fn shown(model: &Model, link: crate::model::LinkId) -> Option<(HopId, &Spanned<String>)> {
    let (hop, at) = reached(&model.link(link).target)?;
    let terms = model.hop(hop).listeners[at].tls.as_ref()?;
    Some((hop, terms.certificate.value()?.as_ref()?))
}

/// The certificates of a file that a process of a container reads.
fn open(
    files: &mut Files,
    project: &Project,
    model: &Model,
    hop: HopId,
    place: &Spanned<String>,
) -> Option<Vec<Certificate>> {
    let service = model.hop(hop).service?;
    if !place.value.starts_with('/') {
        return None;
    }
    let Seen::File(path) = project
        .container(service)
        .view
        .look(files.host, &place.value)
    else {
        return None;
    };
    let id = files.open(&path)?;
    Some(certificates(id, files.text(id))).filter(|all| !all.is_empty())
}
