//! rules/response-strictness-upgrade.md

use std::collections::{BTreeMap, HashSet};

use crate::finding::{Confidence, Severity};
use crate::model::nginx::Place;
use crate::model::version::{Versions, at_least};
use crate::model::{HopId, HopKind, Model, Protocol};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::list;
use crate::source::Span;
use crate::syntax::nginx::Directive;

/// From this version on nginx refuses an answer with two lengths. Measured with 1.22 and 1.28 to 1.31; HAProxy refuses
/// lengths that differ in every version from 2.6.
const STRICT: &str = "1.23.0";

/// A proxy in front of an nginx.
struct Front {
    hop: HopId,
    /// Whether it refuses two lengths.
    refuses: Versions,
    /// Where it dials.
    dials: Span,
}

/// An answer with a length of nginx's own.
#[derive(Clone, Copy)]
enum Answer {
    /// That of the next hop.
    Passed(Span),
    /// `return`; its length may well be the one that is added.
    Own(Span),
}

pub(super) fn check(cx: &mut Ctx) {
    let fronts = fronts(cx.model);
    let passing: HashSet<Span> = cx.passes.iter().map(|pass| pass.directive.span).collect();
    let mut alike = Alike::new();
    let http = cx.places.iter().filter(|place| !place.stream);
    for place in http.filter(|place| fronts.contains_key(&place.hop)) {
        for (header, answer) in doubled(place, &passing) {
            let (Answer::Passed(span) | Answer::Own(span)) = answer;
            alike.add((place.hop, header.span), span, (header, answer));
        }
    }
    for ((inner, _), found) in alike.groups() {
        let answers: Vec<Answer> = found.iter().map(|(_, answer)| *answer).collect();
        report(cx, inner, found[0].0, &answers, &fronts[&inner]);
    }
}

/// Who dials each nginx over HTTP, and reads its answers.
fn fronts(model: &Model) -> BTreeMap<HopId, Vec<Front>> {
    let mut found: BTreeMap<HopId, Vec<Front>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for (outer, inner) in model.neighbours() {
        let (Some(route), Some(link)) = (outer.route, outer.link) else {
            continue;
        };
        let front = model.hop(outer.hop);
        let refuses = match front.kind {
            HopKind::Nginx => at_least(&front.version, STRICT),
            HopKind::HaProxy => Versions::All,
            _ => continue,
        };
        let reads = matches!(
            model.route(route).protocol,
            Protocol::Http | Protocol::Https
        );
        let is_nginx = model.hop(inner.hop).kind == HopKind::Nginx;
        if reads && is_nginx && seen.insert((outer.hop, inner.hop)) {
            found.entry(inner.hop).or_default().push(Front {
                hop: outer.hop,
                refuses,
                dials: model.link(link).span,
            });
        }
    }
    found
}

/// The lengths that a place adds to an answer which has one.
fn doubled<'a>(place: &Place<'a>, passing: &HashSet<Span>) -> Vec<(&'a Directive, Answer)> {
    let own = place.scope.own("return").next();
    let passed = || {
        let mut directives = place.scope.directives().iter();
        directives.find(|directive| passing.contains(&directive.span))
    };
    let (answer, always) = match (own, own.is_none().then(passed).flatten()) {
        (Some(own), _) => match status_of(own) {
            // nginx writes no length where there is no body.
            None | Some(204 | 304 | 444) => return Vec::new(),
            // `add_header` without `always` leaves errors alone.
            Some(status) => (Answer::Own(own.span), status >= 400),
        },
        (None, Some(pass)) => (Answer::Passed(pass.span), false),
        _ => return Vec::new(),
    };
    let headers = place.scope.all("add_header").into_iter();
    let lengths = headers.filter(|header| adds_length(header, always));
    lengths.map(|header| (header, answer)).collect()
}

/// The status of a `return`; a lone address is a redirect.
fn status_of(back: &Directive) -> Option<u16> {
    let status = &back.args.first()?.value;
    Some(status.parse().unwrap_or(302))
}

fn adds_length(header: &Directive, always: bool) -> bool {
    let [name, value, rest @ ..] = header.args.as_slice() else {
        return false;
    };
    let is_length = ["content-length", "transfer-encoding"]
        .iter()
        .any(|length| name.value.eq_ignore_ascii_case(length));
    let is_added = !always || rest.iter().any(|word| word.value == "always");
    // A variable may be empty, and then nothing is added.
    is_length && is_added && !value.value.is_empty() && !value.value.contains('$')
}

fn report(cx: &mut Ctx, inner: HopId, header: &Directive, answers: &[Answer], fronts: &[Front]) {
    let is_passed = answers
        .iter()
        .any(|answer| matches!(answer, Answer::Passed(_)));
    let refusing: Vec<&Front> = fronts
        .iter()
        .filter(|front| front.refuses != Versions::None)
        .filter(|front| is_passed || cx.model.hop(front.hop).kind == HopKind::Nginx)
        .collect();
    let certain = refusing.iter().any(|front| front.refuses == Versions::All);
    if !certain && !cx.settings.pedantic {
        return;
    }
    let names: Vec<String> = refusing
        .iter()
        .map(|front| cx.hop_name(front.hop))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let behind = cx.hop_name(inner);
    let (name, value) = (&header.args[0].value, &header.args[1].value);
    let outcome = match (names.as_slice(), certain) {
        ([], _) => format!("nginx in front refuses such an answer from {STRICT} on"),
        ([name], true) => format!("{name} in front refuses it"),
        (names, true) => format!("{} in front refuse it", list(names)),
        (names, false) => format!(
            "{} in front refuses it if it is nginx {STRICT} or newer",
            list(names)
        ),
    };
    let finding = cx.report(
        header.span,
        format!("{behind} adds `{name}: {value}` to an answer that has its length already, and {outcome}"),
    );
    finding.here("a second length");
    for front in if refusing.is_empty() {
        fronts.iter().collect()
    } else {
        refusing
    } {
        finding.label(front.dials, "read here");
    }
    for Answer::Passed(span) | Answer::Own(span) in answers {
        finding.label(*span, "answers with a length of its own");
    }
    finding
        .help("remove it: nginx writes the length of every answer itself, and none for 204")
        .because("header", name)
        .because("value", value);
    if !certain {
        finding.severity(Severity::Info).at_most(Confidence::Medium);
    }
}
