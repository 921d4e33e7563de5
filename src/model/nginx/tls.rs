//! TLS of nginx: `proxy_ssl_*` and their kin towards the peers, `ssl_*` of a server towards its clients.

use crate::host::path;
use crate::model::nginx::pass::Prefix;
use crate::model::nginx::scope::Scope;
use crate::model::nginx::{is_address, written};
use crate::model::tls::{Client, Terms, Version, Versions};
use crate::model::version::{self, at_least};
use crate::model::{HopId, LinkId, Setting};
use crate::source::{Span, Spanned};
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::has_variable;

/// From here on TLS 1.3 is among the versions that hold by default. Source: CHANGES.
const V1_3_BY_DEFAULT: &str = "1.23.4";

/// The directives of a module that opens TLS.
struct Names {
    module: &'static str,
    verify: &'static str,
    trusted: &'static str,
    name: &'static str,
    server_name: &'static str,
    protocols: &'static str,
    certificate: &'static str,
}

macro_rules! names {
    ($module:literal) => {
        Names {
            module: $module,
            verify: concat!($module, "_verify"),
            trusted: concat!($module, "_trusted_certificate"),
            name: concat!($module, "_name"),
            server_name: concat!($module, "_server_name"),
            protocols: concat!($module, "_protocols"),
            certificate: concat!($module, "_certificate"),
        }
    };
}

impl Names {
    fn of(prefix: Prefix) -> Option<Self> {
        match prefix {
            Prefix::Proxy => Some(names!("proxy_ssl")),
            Prefix::Grpc => Some(names!("grpc_ssl")),
            Prefix::Uwsgi => Some(names!("uwsgi_ssl")),
            Prefix::Fastcgi | Prefix::Scgi | Prefix::Memcached => None,
        }
    }
}

/// What is asked at one block.
pub(super) struct Asked<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
    pub(super) version: &'s Setting<String>,
    /// Whether all that may be around the block was read.
    pub(super) seen: bool,
}

impl Asked<'_, '_> {
    /// The value of a directive, by its arguments; `default` if it stands nowhere.
    fn value<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&[Spanned<String>]) -> Option<T>,
        default: impl FnOnce() -> Setting<T>,
    ) -> Setting<T> {
        match self.scope.find(name) {
            Some((directive, inherited)) => match read(&directive.args) {
                Some(value) => written(value, directive.span, inherited),
                None => Setting::unknown(format!("{name} is known only at run time")),
            },
            None if self.seen => default(),
            None => Setting::unknown(format!("{name} may be set in a file that was not seen")),
        }
    }

    fn flag(&self, name: &'static str) -> Setting<bool> {
        let off = || Setting::default_of(false, "nginx", "", name);
        self.value(name, |args| Some(args.first()?.value == "on"), off)
    }

    fn versions(&self, name: &'static str) -> Setting<Versions> {
        let written = |args: &[Spanned<String>]| {
            let known = args.iter().filter_map(|arg| Version::of(&arg.value));
            Some(known.collect())
        };
        self.value(name, written, || default_versions(self.version))
    }
}

/// The versions of `proxy_ssl_protocols` and `ssl_protocols` where they are not written.
fn default_versions(version: &Setting<String>) -> Setting<Versions> {
    let known = match at_least(version, V1_3_BY_DEFAULT) {
        version::Versions::All => Version::ALL.into(),
        version::Versions::None => [Version::V1_0, Version::V1_1, Version::V1_2].into(),
        version::Versions::Some => {
            return Setting::unknown("whether TLS 1.3 is among them depends on the version");
        }
    };
    let shown = version.value().map_or("", String::as_str);
    Setting::default_of(known, "nginx", shown, "CHANGES, 1.23.4")
}

/// Whom a pass directive dials.
pub(super) struct Dialling<'p> {
    pub(super) hop: HopId,
    pub(super) span: Span,
    pub(super) links: &'p [LinkId],
    /// The host of its URL, or the name of its upstream; `None` if that is known only at run time.
    pub(super) host: Option<&'p str>,
}

/// How a block opens TLS; `None` for a module that has none.
pub(super) fn client(asked: &Asked, prefix: Prefix, dialling: &Dialling) -> Option<Client> {
    let names = Names::of(prefix)?;
    let named = |args: &[Spanned<String>]| {
        let plain = args.first().filter(|arg| !has_variable(&arg.value))?;
        Some(Some(plain.value.clone()))
    };
    let by_default = || match dialling.host {
        Some(host) => Setting::default_of(Some(host.to_owned()), "nginx", "", names.name),
        None => Setting::unknown("the host is known only at run time"),
    };
    let name = asked.value(names.name, named, by_default);
    let sni = match asked.flag(names.server_name) {
        // An address is never sent: RFC 6066 has names alone.
        Setting::Known { value: true, .. } => name
            .clone()
            .map(|name| name.filter(|name| !is_address(name))),
        Setting::Known { origin, .. } => Setting::Known {
            value: None,
            origin,
        },
        Setting::Unknown(why) => Setting::Unknown(why),
    };
    Some(Client {
        hop: dialling.hop,
        span: dialling.span,
        module: Some(names.module),
        links: dialling.links.to_vec(),
        verify: asked.flag(names.verify),
        trusted: asked.value(
            names.trusted,
            |args| Some(args.first().map(in_home)),
            || Setting::default_of(None, "nginx", "", names.trusted),
        ),
        sni,
        name,
        follows_host: false,
        versions: asked.versions(names.protocols),
        certificate: asked.value(
            names.certificate,
            |args| Some(!args.first()?.value.is_empty()),
            || Setting::default_of(false, "nginx", "", names.certificate),
        ),
        shown: Vec::new(),
        authorities: None,
    })
}

/// What a server asks of its clients.
pub(super) fn terms(asked: &Asked) -> Terms {
    Terms {
        versions: asked.versions("ssl_protocols"),
        demands: asked.flag("ssl_verify_client"),
        wants_name: asked.flag("ssl_reject_handshake"),
        certificate: match asked.scope.all("ssl_certificate").as_slice() {
            [one] => match one.args.first().filter(|file| !has_variable(&file.value)) {
                Some(file) => Setting::written(Some(in_home(file)), one.span),
                None => Setting::unknown("ssl_certificate is known only at run time"),
            },
            [] if asked.seen => Setting::default_of(None, "nginx", "", "ssl_certificate"),
            _ => Setting::unknown("one of several certificates is shown"),
        },
    }
}

/// A path as nginx takes it: one that is relative lies beside its main config.
fn in_home(file: &Spanned<String>) -> Spanned<String> {
    Spanned::new(path::absolute("/etc/nginx", &file.value), file.span)
}

/// Whether a `listen` makes its server the default one.
pub(super) fn is_default(listen: &Directive) -> bool {
    let words = ["default_server", "default"];
    listen
        .args
        .iter()
        .any(|arg| words.contains(&arg.value.as_str()))
}
