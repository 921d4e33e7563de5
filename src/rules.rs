//! The one table of rules, and what a rule may use.

mod alike;
mod backend_undefined;
mod backlog_small;
mod body_limit_inverted;
mod buffer_sizes_inconsistent;
mod compose_healthcheck;
mod compose_invalid;
mod config_context_wrong;
mod config_not_mounted;
mod connect_timeout_over_75s;
mod directive_plus_only;
mod directive_removed;
mod directive_too_new;
mod environment_unset;
mod envsubst_eats_variables;
mod error_log_blind;
mod file_limit_low;
mod final_newline_missing;
mod fpm_client_denied;
mod frontend_mode_tcp;
mod grace_period_short;
mod header_buffer_small;
mod health_check_absent;
mod health_check_blind;
mod health_check_inert;
mod health_check_wrong;
mod healthy_without_healthcheck;
mod host_gateway_missing;
mod host_header_invalid;
mod image_path_missing;
mod include_missing;
mod init_addr_none;
mod inversion;
mod keepalive_ineffective;
mod keepalive_inverted;
mod keepalive_race_hidden;
mod keepalive_uncapped_children;
mod limit_status_503;
mod listening;
mod localhost_dual_stack;
mod localhost_upstream;
mod loopback_bind;
mod max_conns_without_peer;
mod max_fails_cascade;
mod memory_limit_absent;
mod memory_limit_tight;
mod networks_disjoint;
mod next_upstream_off;
mod peers;
mod port_taken_twice;
mod protocol_mismatch;
mod proxy_loop;
mod proxy_protocol_mismatch;
mod published_port_unserved;
mod published_port_upstream;
mod queue_timeout_inherited;
mod read_timeout_inverted;
mod replicas_zero;
mod request_head_limit_inverted;
mod resolve_unusable;
mod resolver_blind_to_hosts;
mod resolver_hold_short;
mod resolver_missing;
mod resolver_wrong_scope;
mod resolvers_empty;
mod response_strictness_upgrade;
mod restart_policy_absent;
mod retries_stacked;
mod retry_budget_exceeded;
mod retry_replays_post;
mod slow_client_exposed;
mod socket_missing;
mod socket_outside_chroot;
mod socket_path_malformed;
mod socket_unwritable;
mod stale_dns;
mod start_order_unguarded;
mod stream_timeout;
mod syntax_error;
mod temp_path_unwritable;
mod timeout_missing;
mod timeout_unit_suspect;
mod timeout_zero;
mod unbuffered_request_unretried;
mod update_order_stop_first;
mod upstream_behind_profile;
mod upstream_cert_expired;
mod upstream_cert_invalid;
mod upstream_client_cert_missing;
mod upstream_host_unknown;
mod upstream_name_misused;
mod upstream_port_mismatch;
mod upstream_ports_exhausted;
mod upstream_server_portless;
mod upstream_sni_from_host;
mod upstream_sni_missing;
mod upstream_tls_version;
mod upstream_verify_misconfigured;
mod upstream_without_servers;
mod users;
mod variable_undefined;
mod waits;
mod websocket_headers_missing;
mod websocket_timeout;
mod words;
mod worker_pool_single;
mod worker_timeout_inverted;
mod workers_below_peers;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::OnceLock;

use crate::finding::Finding;
use crate::model::nginx::{Pass, Place, passes, places};
use crate::model::{Link, Model, verdict};
use crate::page::Card;
use crate::project::Project;
use crate::settings::Settings;
use crate::source::Span;
use alike::Alike;

pub use words::count;

/// A rule: its page and its predicate.
pub struct Rule {
    /// Its id, which is also the name of its page.
    pub id: &'static str,
    /// The text of `rules/<id>.md`.
    pub page: &'static str,
    /// The predicate; `None` for a rule that another layer reports (`syntax-error`).
    pub check: Option<fn(&mut Ctx)>,
}

/// A row of the table: the id, and the module that holds the predicate if it is not another layer that reports it.
macro_rules! rule {
    ($id:literal) => {
        Rule {
            id: $id,
            page: page!($id),
            check: None,
        }
    };
    ($id:literal, $module:ident) => {
        Rule {
            id: $id,
            page: page!($id),
            check: Some($module::check),
        }
    };
}

macro_rules! page {
    ($id:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/", $id, ".md"))
    };
}

/// Every rule, sorted by id.
pub const RULES: &[Rule] = &[
    rule!("backend-undefined", backend_undefined),
    rule!("backlog-small", backlog_small),
    rule!("body-limit-inverted", body_limit_inverted),
    rule!("buffer-sizes-inconsistent", buffer_sizes_inconsistent),
    rule!("compose-invalid", compose_invalid),
    rule!("config-context-wrong", config_context_wrong),
    rule!("config-invalid"),
    rule!("config-not-mounted", config_not_mounted),
    rule!("connect-timeout-over-75s", connect_timeout_over_75s),
    rule!("directive-plus-only", directive_plus_only),
    rule!("directive-removed", directive_removed),
    rule!("directive-too-new", directive_too_new),
    rule!("environment-unset", environment_unset),
    rule!("envsubst-eats-variables", envsubst_eats_variables),
    rule!("error-log-blind", error_log_blind),
    rule!("file-limit-low", file_limit_low),
    rule!("final-newline-missing", final_newline_missing),
    rule!("fpm-client-denied", fpm_client_denied),
    rule!("frontend-mode-tcp", frontend_mode_tcp),
    rule!("grace-period-short", grace_period_short),
    rule!("header-buffer-small", header_buffer_small),
    rule!("health-check-absent", health_check_absent),
    rule!("health-check-blind", health_check_blind),
    rule!("health-check-inert", health_check_inert),
    rule!("health-check-wrong", health_check_wrong),
    rule!("healthy-without-healthcheck", healthy_without_healthcheck),
    rule!("host-gateway-missing", host_gateway_missing),
    rule!("host-header-invalid", host_header_invalid),
    rule!("image-path-missing", image_path_missing),
    rule!("include-missing", include_missing),
    rule!("init-addr-none", init_addr_none),
    rule!("keepalive-ineffective", keepalive_ineffective),
    rule!("keepalive-inverted", keepalive_inverted),
    rule!("keepalive-race-hidden", keepalive_race_hidden),
    rule!("keepalive-uncapped-children", keepalive_uncapped_children),
    rule!("limit-status-503", limit_status_503),
    rule!("localhost-dual-stack", localhost_dual_stack),
    rule!("localhost-upstream", localhost_upstream),
    rule!("loopback-bind", loopback_bind),
    rule!("max-conns-without-peer", max_conns_without_peer),
    rule!("max-fails-cascade", max_fails_cascade),
    rule!("memory-limit-absent", memory_limit_absent),
    rule!("memory-limit-tight", memory_limit_tight),
    rule!("networks-disjoint", networks_disjoint),
    rule!("next-upstream-off", next_upstream_off),
    rule!("port-taken-twice", port_taken_twice),
    rule!("protocol-mismatch", protocol_mismatch),
    rule!("proxy-loop", proxy_loop),
    rule!("proxy-protocol-mismatch", proxy_protocol_mismatch),
    rule!("published-port-unserved", published_port_unserved),
    rule!("published-port-upstream", published_port_upstream),
    rule!("queue-timeout-inherited", queue_timeout_inherited),
    rule!("read-timeout-inverted", read_timeout_inverted),
    rule!("replicas-zero", replicas_zero),
    rule!("request-head-limit-inverted", request_head_limit_inverted),
    rule!("resolve-unusable", resolve_unusable),
    rule!("resolver-blind-to-hosts", resolver_blind_to_hosts),
    rule!("resolver-hold-short", resolver_hold_short),
    rule!("resolver-missing", resolver_missing),
    rule!("resolver-wrong-scope", resolver_wrong_scope),
    rule!("resolvers-empty", resolvers_empty),
    rule!("response-strictness-upgrade", response_strictness_upgrade),
    rule!("restart-policy-absent", restart_policy_absent),
    rule!("retries-stacked", retries_stacked),
    rule!("retry-budget-exceeded", retry_budget_exceeded),
    rule!("retry-replays-post", retry_replays_post),
    rule!("slow-client-exposed", slow_client_exposed),
    rule!("socket-missing", socket_missing),
    rule!("socket-outside-chroot", socket_outside_chroot),
    rule!("socket-path-malformed", socket_path_malformed),
    rule!("socket-unwritable", socket_unwritable),
    rule!("stale-dns", stale_dns),
    rule!("start-order-unguarded", start_order_unguarded),
    rule!("stream-timeout", stream_timeout),
    rule!("suppression-reasonless"),
    rule!("suppression-unused"),
    rule!("syntax-error", syntax_error),
    rule!("temp-path-unwritable", temp_path_unwritable),
    rule!("timeout-missing", timeout_missing),
    rule!("timeout-unit-suspect", timeout_unit_suspect),
    rule!("timeout-zero", timeout_zero),
    rule!("unbuffered-request-unretried", unbuffered_request_unretried),
    rule!("update-order-stop-first", update_order_stop_first),
    rule!("upstream-behind-profile", upstream_behind_profile),
    rule!("upstream-cert-expired", upstream_cert_expired),
    rule!("upstream-cert-invalid", upstream_cert_invalid),
    rule!("upstream-client-cert-missing", upstream_client_cert_missing),
    rule!("upstream-host-unknown", upstream_host_unknown),
    rule!("upstream-name-misused", upstream_name_misused),
    rule!("upstream-port-mismatch", upstream_port_mismatch),
    rule!("upstream-ports-exhausted", upstream_ports_exhausted),
    rule!("upstream-server-portless", upstream_server_portless),
    rule!("upstream-sni-from-host", upstream_sni_from_host),
    rule!("upstream-sni-missing", upstream_sni_missing),
    rule!("upstream-tls-version", upstream_tls_version),
    rule!(
        "upstream-verify-misconfigured",
        upstream_verify_misconfigured
    ),
    rule!("upstream-without-servers", upstream_without_servers),
    rule!("variable-undefined", variable_undefined),
    rule!("websocket-headers-missing", websocket_headers_missing),
    rule!("websocket-timeout", websocket_timeout),
    rule!("worker-pool-single", worker_pool_single),
    rule!("worker-timeout-inverted", worker_timeout_inverted),
    rule!("workers-below-peers", workers_below_peers),
];

/// The rule of an id, or of a former id that its card lists as an alias.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).or_else(|| {
        let renamed = |rule: &&Rule| card(rule).aliases.iter().any(|alias| alias == id);
        RULES.iter().find(renamed)
    })
}

/// Runs every rule that the settings ask for; findings are sorted by place.
pub fn check(project: &Project, model: &Model, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let places = places(project);
    let passes = passes(&places, model);
    for rule in RULES {
        let card = card(rule);
        if let Some(check) = rule.check
            && settings.runs(rule.id, card.pedantic)
        {
            check(&mut Ctx {
                project,
                model,
                settings,
                places: &places,
                passes: &passes,
                id: rule.id,
                card,
                findings: &mut findings,
            });
        }
    }
    merge(&mut findings);
    findings.retain_mut(|finding| {
        if let Some(severity) = settings.severity.get(finding.rule) {
            finding.severity = *severity;
        }
        settings
            .min_severity
            .is_none_or(|least| finding.severity >= least)
            && settings
                .min_confidence
                .is_none_or(|least| finding.confidence >= least)
    });
    let path = |finding: &Finding| &project.sources.get(finding.primary.span.file).path;
    findings
        .sort_by(|a, b| (path(a), a.primary.span, a.rule).cmp(&(path(b), b.primary.span, b.rule)));
    findings
}

/// Makes one finding of those that say the same of one place: two services that run from one file, say. The first one's
/// words stay, the others add the places that it lacks.
fn merge(findings: &mut Vec<Finding>) {
    type Sameness = (&'static str, Span, Vec<(&'static str, String)>);
    let mut first: HashMap<Sameness, usize> = HashMap::new();
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings.drain(..) {
        match first.entry((finding.rule, finding.primary.span, finding.evidence.clone())) {
            Entry::Occupied(at) => {
                let known = &mut kept[*at.get()];
                known.severity = known.severity.max(finding.severity);
                for label in finding.related {
                    if known.related.iter().all(|other| other.span != label.span) {
                        known.related.push(label);
                    }
                }
            }
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(finding);
            }
        }
    }
    *findings = kept;
}

/// The card of a rule. Every card is read once; a page that does not read is a defect that the tests find.
pub fn card(rule: &Rule) -> &'static Card {
    static CARDS: OnceLock<Vec<Card>> = OnceLock::new();
    let read =
        |rule: &Rule| Card::of(rule.page).expect("the pages are part of the program and tested");
    let cards = CARDS.get_or_init(|| RULES.iter().map(read).collect());
    let at = RULES
        .iter()
        .position(|other| other.id == rule.id)
        .expect("a rule of the table");
    &cards[at]
}

/// What a rule sees, and where it reports. It knows neither its id nor its severity.
pub struct Ctx<'a> {
    /// The files and compose projects.
    pub project: &'a Project,
    /// What they mean together.
    pub model: &'a Model,
    /// What the run was asked to do.
    pub settings: &'a Settings,
    /// Every block of every nginx process.
    places: &'a [Place<'a>],
    /// Those that pass requests on, with the ways through them.
    passes: &'a [Pass<'a>],
    id: &'static str,
    card: &'a Card,
    findings: &'a mut Vec<Finding>,
}

impl Ctx<'_> {
    /// By how much two times should differ (milliseconds): what the settings ask for, else what the page advises.
    fn margin(&self) -> u64 {
        let asked = self.settings.margins.get(self.id).copied();
        asked.or_else(|| self.card.margin_ms()).unwrap_or(0)
    }

    /// By how much they must differ (milliseconds): 0 unless the settings ask for more.
    fn asked(&self) -> u64 {
        verdict::margin(&self.settings.margins, self.id)
    }

    /// Reports one finding with the card's severity, confidence and status; the caller adds labels and help.
    pub fn report(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        self.findings.push(Finding {
            confidence: self.card.confidence,
            status: self.card.status.clone(),
            effect: self.card.effect,
            ..Finding::new(self.id, self.card.severity, span, message)
        });
        self.findings.last_mut().expect("just pushed")
    }
}

/// Links of one hop that a rule has the same to say of, in the order in which they are written.
fn grouped<'a, K: Clone + Eq + Hash>(
    cx: &Ctx<'a>,
    key: impl Fn(&Ctx<'a>, &Link) -> Option<K>,
) -> Vec<Vec<&'a Link>> {
    let model: &'a Model = cx.model;
    let mut alike = Alike::new();
    for link in &model.links {
        if let Some(key) = key(cx, link) {
            alike.add((link.from, key), link.span, link);
        }
    }
    let groups = alike.groups().into_iter();
    groups.map(|(_, links)| links).collect()
}
