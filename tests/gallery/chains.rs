//! A model built by hand: nginx before gunicorn, three ways alike, one of its own.

use no502::analyze::Analysis;
use no502::model::{
    Address, Amount, Bind, Chain, Dialled, Hop, HopId, HopKind, Key, Link, LinkId, Listener,
    Lookup, Model, Pages, Protocol, Retry, Reuse, Route, RouteId, Setting, Sizes, Step, Target,
    Timeouts, Verdict,
};
use no502::source::{FileId, SourceFile, Span, Spanned};

const NGINX: &str = "server {
    listen 80;
    server_name shop.example.com;
    proxy_read_timeout 90s;
    location /api/ { proxy_pass http://web:8000; }
    location /auth/ { proxy_pass http://web:8000; }
    location /pay/ { proxy_pass http://web:8000; }
    location /old/ { proxy_pass http://$old; }
}
";

/// Every case with its name.
pub(crate) fn cases() -> Vec<(String, Analysis)> {
    vec![
        ("empty".to_owned(), Analysis::default()),
        ("shop".to_owned(), shop()),
    ]
}

fn shop() -> Analysis {
    let mut analysis = Analysis::default();
    let bytes = NGINX.as_bytes().to_vec();
    analysis
        .project
        .sources
        .add(SourceFile::new("nginx/default.conf", bytes));
    let mut model = Model {
        hops: vec![nginx(), gunicorn()],
        ..Model::default()
    };
    for path in ["/api/", "/auth/", "/pay/"] {
        let link = link(path, "http://web:8000", reached());
        model.links.push(link);
        push_way(&mut model, path, Some(HopId(1)));
    }
    let unknown = Target::Unknown("variable $old is set nowhere".to_owned());
    let link = link("/old/", "http://$old", unknown);
    model.links.push(link);
    push_way(&mut model, "/old/", None);
    analysis.model = model;
    analysis
}

fn nginx() -> Hop {
    Hop {
        kind: HopKind::Nginx,
        service: None,
        span: at("server {"),
        version: Setting::written("1.27.3".to_owned(), at("server {")),
        listeners: vec![listener(80, Bind::Any)],
        listeners_complete: true,
        slots: None,
        stopping: no502::model::Stopping::default(),
        head: None,
        http1_only: false,
        stays_down: None,
        timeouts: Timeouts::from([(Key::ClientIdle, known(75_000, "nginx", "1.27"))]),
    }
}

fn gunicorn() -> Hop {
    Hop {
        kind: HopKind::App("gunicorn".to_owned()),
        service: None,
        span: at("server {"),
        version: Setting::unknown("the image does not tell it"),
        listeners: vec![listener(8000, Bind::Loopback)],
        listeners_complete: true,
        slots: None,
        stopping: no502::model::Stopping::default(),
        head: None,
        http1_only: false,
        stays_down: None,
        timeouts: Timeouts::from([
            (
                Key::KeepaliveIdle,
                Setting::assumed(Amount::Finite(2000), "gunicorn", "", "docs"),
            ),
            (Key::Worker, known(30_000, "gunicorn", "23")),
            (
                Key::Grace,
                Setting::unknown(
                    "GUNICORN_CMD_ARGS comes from an env file that is not in the tree, so any flag may be set",
                ),
            ),
        ]),
    }
}

fn listener(port: u16, bind: Bind) -> Listener {
    Listener {
        address: Setting::written(Address::Tcp { bind, port }, at("listen 80")),
        protocol: Setting::written(Protocol::Http, at("listen 80")),
        proxy_header: no502::model::ProxyHeader::Unknown,
        backlog: None,
        admits: None,
        access: None,
        tls: None,
    }
}

fn reached() -> Target {
    Target::Host {
        port: 8000,
        hop: Some((HopId(1), 0)),
    }
}

fn link(path: &str, written: &str, target: Target) -> Link {
    let span = at(&format!("location {path}"));
    Link {
        from: HopId(0),
        span,
        written: written.to_owned(),
        protocol: Protocol::Http,
        dialled: Dialled::Tcp {
            host: Spanned::new("web".to_owned(), span),
            port: 8000,
            port_written: true,
        },
        target,
        group: None,
        spare: false,
        down: false,
        lookup: Lookup::AtStart,
        sends_proxy_protocol: false,
        checked: false,
        errand: None,
    }
}

/// A route over the last link, and the chain that takes it.
fn push_way(model: &mut Model, path: &str, app: Option<HopId>) {
    let link = LinkId(u32::try_from(model.links.len() - 1).expect("few links"));
    let route = RouteId(u32::try_from(model.routes.len()).expect("few routes"));
    model.routes.push(Route {
        hop: HopId(0),
        name: format!("shop.example.com{path}"),
        listeners: vec![0],
        hosts: vec!["shop.example.com".to_owned()],
        span: at(&format!("location {path}")),
        links: vec![link],
        protocol: Protocol::Http,
        timeouts: Timeouts::from([
            (Key::Connect, known(60_000, "nginx", "1.27")),
            (
                Key::Read,
                Setting::inherited(Amount::Finite(90_000), at("proxy_read_timeout 90s")),
            ),
            (
                Key::Tries,
                Setting::written(Amount::Infinite, at("proxy_read_timeout")),
            ),
        ]),
        retry: Setting::default_of(Retry::default(), "nginx", "", "manual"),
        on_timeout: Some(504),
        pages: Pages::default(),
        sizes: Sizes::unknown("not of interest here"),
        reuse: Reuse::Off("no keepalive".to_owned()),
        upgrades: false,
    });
    let mut chain = Chain {
        steps: Vec::new(),
        count: 1,
        verdicts: Vec::new(),
        budget: None,
    };
    chain.steps.push(Step {
        hop: HopId(0),
        route: Some(route),
        link: Some(link),
    });
    if let Some(hop) = app {
        chain.steps.push(Step {
            hop,
            route: None,
            link: None,
        });
        chain.verdicts.push(Verdict {
            rule: "worker-timeout-inverted",
            outer: 0,
            inner: 1,
            status: Some(502),
            after_ms: Some(30_000),
        });
    }
    model.chains.push(chain);
}

fn known(ms: u64, program: &str, version: &str) -> Setting<Amount> {
    Setting::default_of(Amount::Finite(ms), program, version, "manual")
}

fn at(text: &str) -> Span {
    let start = NGINX.find(text).expect("a text of the config");
    Span::new(FileId(0), start, start + text.len())
}
