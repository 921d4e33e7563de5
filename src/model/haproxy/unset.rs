//! Addresses that name a variable which nothing sets: HAProxy takes it for an empty text, and `haproxy -c` is content
//! with what is left.

use crate::model::HopId;
use crate::project::Project;
use crate::project::haproxy::HaproxyConf;
use crate::source::Span;
use crate::syntax::haproxy::{Line, expand_address};

/// An address with a variable that is certainly set nowhere.
pub struct Unset {
    /// The process.
    pub hop: HopId,
    /// The variable.
    pub name: String,
    /// The address.
    pub span: Span,
    /// Whether it is that of a `bind`, and not of a server.
    pub is_bind: bool,
    /// What HAProxy reads there.
    pub left: String,
}

/// Every such address of the servers and listeners of every HAProxy.
pub fn unset(project: &Project) -> Vec<Unset> {
    // The hops of HAProxy follow those of nginx.
    let first = project.nginx.len();
    let mut found = Vec::new();
    for (at, conf) in project.haproxy.iter().enumerate().filter(|(_, c)| c.alone) {
        let hop = HopId(u32::try_from(first + at).unwrap_or(u32::MAX));
        let proxies = conf.sections.iter().filter(|section| {
            ["frontend", "backend", "listen"].contains(&section.kind.value.as_str())
        });
        let lines = proxies.flat_map(|section| &section.lines);
        found.extend(lines.filter_map(|line| empty(conf, hop, line)));
    }
    found
}

fn empty(conf: &HaproxyConf, hop: HopId, line: &Line) -> Option<Unset> {
    let keyword = line.words.first()?.text.as_str();
    let at = match keyword {
        "bind" => 1,
        "server" => 2,
        "server-template" => 3,
        _ => return None,
    };
    let word = line.words.get(at).filter(|_| !line.conditional)?;
    let lacks = |name: &str| conf.environment.lacks(name) && !is_given(name);
    let name = expand_address(word, &|name| (!lacks(name)).then(String::new)).err()?;
    // What is set to something unknown stands for itself here.
    let left = expand_address(word, &|name| {
        let value = conf.environment.value(name).unwrap_or("?");
        Some(if lacks(name) { "" } else { value }.to_owned())
    });
    Some(Unset {
        hop,
        name,
        span: word.span,
        is_bind: keyword == "bind",
        left: left.ok()?,
    })
}

/// Variables that every container has, and those that HAProxy and its images set themselves.
fn is_given(name: &str) -> bool {
    ["HOSTNAME", "PATH", "HOME", "PWD", "TERM"].contains(&name) || name.starts_with("HAPROXY_")
}
