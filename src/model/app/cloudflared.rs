//! cloudflared: the one address of `--url`, or the ingress rules of its config file. A tunnel with a token is told its
//! ways by the dashboard.

use super::cx::{Cx, Read};
use super::flags::Flags;
use super::passing::{self, Passing, Way};
use crate::model::{Amount, Key, Timeouts};
use crate::syntax::value::Text;
use crate::syntax::yaml::{self, Node};

/// Where it looks for its file by itself; its image runs as `nonroot`.
const FILES: [&str; 6] = [
    "/home/nonroot/.cloudflared/config.yml",
    "/home/nonroot/.cloudflared/config.yaml",
    "/root/.cloudflared/config.yml",
    "/etc/cloudflared/config.yml",
    "/etc/cloudflared/config.yaml",
    "/usr/local/etc/cloudflared/config.yml",
];

/// What it passes on.
pub(super) fn passing(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Passing> {
    let flags = Flags::new(argv);
    let told = |cx: &Cx<'_>, flag: &str, variable: &str| match flags.get(&[flag.to_owned()]) {
        Ok(Some(text)) => Some(text),
        Ok(None) => cx.env(variable),
        Err(why) => Some(super::cx::unknown(why, cx.launch.span)),
    };
    let remote = ["--token", "--token-file"].map(|flag| flags.has(&[flag.to_owned()]));
    let by_variable = ["TUNNEL_TOKEN", "TUNNEL_TOKEN_FILE"].map(|name| cx.env(name).is_some());
    if remote.contains(&true) || by_variable.contains(&true) {
        return None;
    }
    let mut passing = Passing {
        timeouts: timeouts(None),
        ..Passing::default()
    };
    let files = match told(cx, "--config", "TUNNEL_CONFIG") {
        Some(file) => vec![file.get()?.to_owned()],
        None => FILES.map(str::to_owned).to_vec(),
    };
    let mut url = told(cx, "--url", "TUNNEL_URL");
    let file = files.iter().find_map(|file| match cx.read(file) {
        Read::Text(id, text) => Some((id, text)),
        _ => None,
    });
    if let Some((id, text)) = file {
        let parsed = yaml::parse(id, &text);
        let root = parsed.documents.first()?;
        passing.timeouts = timeouts(root.get("originRequest"));
        passing.ways = ingress(root);
        url = url.or_else(|| root.get("url").and_then(told_in));
    }
    if let (true, Some(url)) = (passing.ways.is_empty(), url) {
        passing.ways.push(Way {
            name: "tunnel".to_owned(),
            hosts: Vec::new(),
            entries: Vec::new(),
            urls: vec![url],
            timeouts: Timeouts::new(),
        });
    }
    (!passing.ways.is_empty()).then_some(passing)
}

fn ingress(root: &Node) -> Vec<Way> {
    let rules = root.get("ingress").and_then(Node::items).unwrap_or(&[]);
    let ways = rules.iter().filter_map(|rule| {
        let url = told_in(rule.get("service")?)?;
        let text = |key: &str| {
            rule.get(key)
                .and_then(Node::scalar)
                .map(|scalar| scalar.text.clone())
        };
        let (host, path) = (text("hostname"), text("path").unwrap_or_default());
        let own = rule.get("originRequest");
        Some(Way {
            name: match &host {
                Some(host) => format!("{host}{path}"),
                None => "tunnel".to_owned(),
            },
            hosts: host
                .into_iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            entries: Vec::new(),
            urls: vec![url],
            timeouts: own.map_or_else(Timeouts::new, written),
        })
    });
    ways.collect()
}

fn told_in(node: &Node) -> Option<Text> {
    Some(Text::known(node.scalar()?.text.clone(), node.span))
}

/// It waits for an answer without an end, and nothing can be set; so there is no read timeout at all.
fn timeouts(origin: Option<&Node>) -> Timeouts {
    let mut timeouts = origin.map_or_else(Timeouts::new, written);
    for (key, number) in [
        (Key::Connect, "connect_timeout_s"),
        (Key::KeepaliveIdle, "upstream_idle_s"),
    ] {
        let written = timeouts.remove(&key);
        let usual = passing::usual("cloudflared", number, Amount::Infinite);
        passing::put(&mut timeouts, key, written, usual);
    }
    timeouts
}

/// What an `originRequest` says.
fn written(origin: &Node) -> Timeouts {
    let mut timeouts = Timeouts::new();
    for (key, name) in [
        (Key::Connect, "connectTimeout"),
        (Key::KeepaliveIdle, "keepAliveTimeout"),
    ] {
        let text = origin.get(name).and_then(told_in);
        let written = text.map(|text| passing::time(&text, Amount::Infinite));
        passing::put(&mut timeouts, key, written, None);
    }
    timeouts
}
