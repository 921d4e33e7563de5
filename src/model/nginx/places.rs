//! Every block of an nginx process with what holds there, for rules that judge nginx's own words.

use std::collections::HashMap;
use std::rc::Rc;

use super::block;
use super::pass::FAMILIES;
use super::scope::Scope;
use crate::model::{HopId, Model, Route};
use crate::project::Project;
use crate::project::nginx::NginxConf;
use crate::source::Span;
use crate::syntax::nginx::Directive;

/// One block of an nginx process.
pub struct Place<'a> {
    /// The process.
    pub hop: HopId,
    /// Its files.
    pub conf: &'a NginxConf,
    /// The directive that opens the block; `None` for the main context.
    pub opener: Option<&'a Directive>,
    /// Whether it lies in `stream {}`.
    pub stream: bool,
    /// Its directives and those around it.
    pub scope: Scope<'a>,
}

impl Place<'_> {
    /// `http`, `server`, `location`, `upstream`, `if`, …; `main` for the outermost.
    pub fn context(&self) -> &str {
        self.opener
            .map_or("main", |opener| opener.name.value.as_str())
    }

    /// Whether what it holds are entries of a table and no directives.
    pub fn holds_entries(&self) -> bool {
        matches!(
            self.context(),
            "map" | "geo" | "types" | "split_clients" | "charset_map" | "match"
        )
    }

    /// Whether nothing that holds here can have escaped the reader: every include was followed and `http {}` was seen.
    pub fn is_whole(&self) -> bool {
        self.conf.complete && !self.conf.fragment
    }
}

/// Every nginx process with its hop: they are the first hops of the model, in this order.
pub fn processes(project: &Project) -> impl Iterator<Item = (HopId, &NginxConf)> {
    let numbered = project.nginx.iter().enumerate();
    numbered.map(|(at, conf)| (HopId(u32::try_from(at).unwrap_or(u32::MAX)), conf))
}

/// Every block of every nginx process, outer ones first. Entries of `map`, `geo` and `types` are no blocks.
pub fn places(project: &Project) -> Vec<Place<'_>> {
    let mut found = Vec::new();
    for (hop, conf) in processes(project) {
        let scope = Scope::new(&conf.directives);
        descend(
            Place {
                hop,
                conf,
                opener: None,
                stream: false,
                scope,
            },
            &mut found,
        );
    }
    found
}

/// A block of `http {}` that passes requests on.
pub struct Pass<'a> {
    /// The block.
    pub place: &'a Place<'a>,
    /// The directive that does.
    pub directive: &'a Directive,
    /// The ways through it, one for each server and path that leads here.
    pub routes: Rc<[&'a Route]>,
}

/// Every block of `http {}` that passes requests on, in order.
pub fn passes<'a>(places: &'a [Place<'a>], model: &'a Model) -> Vec<Pass<'a>> {
    let mut routes: HashMap<(HopId, Span), Vec<&Route>> = HashMap::new();
    for route in &model.routes {
        let of_place = routes.entry((route.hop, route.span)).or_default();
        of_place.push(route);
    }
    // A file that thousands of servers include is as many places, each with the routes of all.
    let routes = routes.into_iter();
    let routes: HashMap<_, Rc<[_]>> = routes.map(|(key, ways)| (key, ways.into())).collect();
    let http = places.iter().filter(|place| !place.stream);
    http.filter_map(|place| {
        let mut own = FAMILIES
            .iter()
            .filter_map(|(name, _)| place.scope.own(name).next_back());
        let directive = own.next_back()?;
        let ways = routes.get(&(place.hop, directive.span));
        Some(Pass {
            place,
            directive,
            routes: ways.cloned().unwrap_or_else(|| Rc::new([])),
        })
    })
    .collect()
}

fn descend<'a>(place: Place<'a>, found: &mut Vec<Place<'a>>) {
    let (hop, conf) = (place.hop, place.conf);
    let inner: Vec<Place> = place
        .scope
        .directives()
        .iter()
        .filter(|directive| directive.block.is_some())
        .map(|opener| Place {
            hop,
            conf,
            opener: Some(opener),
            stream: place.stream || opener.name.value == "stream",
            scope: place.scope.inner(block(opener)),
        })
        .collect();
    found.push(place);
    for place in inner {
        descend(place, found);
    }
}
