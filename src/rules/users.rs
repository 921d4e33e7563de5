//! Who a process runs as, by number: names mean something inside one image only, and the kernel compares numbers.

use crate::model::{HopId, HopKind, ServiceRef};
use crate::project::image_name::{repository, tag};
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::value::Text;

/// A user and its group, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct User {
    /// As it is written, or as the image calls it.
    pub(super) name: String,
    /// The name or number of its group.
    pub(super) group: String,
    /// Where it is written, if it is.
    pub(super) span: Option<Span>,
}

/// A group that nobody sees.
pub(super) const UNKNOWN: &str = "?";

impl User {
    fn named(name: &str, group: Option<&str>, span: Option<Span>) -> Self {
        Self {
            name: name.to_owned(),
            group: group.unwrap_or(name).to_owned(),
            span,
        }
    }

    pub(super) fn is_root(&self) -> bool {
        matches!(self.name.as_str(), "root" | "0")
    }
}

/// Official images whose processes start as root, and stay so unless they say otherwise: none has a `USER`.
const ROOT: [&str; 16] = [
    "php",
    "python",
    "node",
    "ruby",
    "golang",
    "rust",
    "debian",
    "ubuntu",
    "alpine",
    "nginx",
    "openjdk",
    "eclipse-temurin",
    "httpd",
    "perl",
    "pypy",
    "buildpack-deps",
];

impl Ctx<'_> {
    /// The user that the first process of a container is: compose's `user`, the Dockerfile's, or the image's own.
    pub(super) fn starter(&self, service: ServiceRef) -> Option<User> {
        let container = self.project.container(service);
        if let Some(text) = &container.user {
            return written(text);
        }
        let image = container.image.as_ref()?.get()?;
        if container.unread.is_some() {
            return None;
        }
        match repository(image) {
            name if ROOT.contains(&name) => Some(User::named("root", None, None)),
            // Since 2.4 it has a user of its own.
            "haproxy" if tag(image).is_some_and(is_since_2_4) => {
                Some(User::named("haproxy", None, None))
            }
            _ => None,
        }
    }

    /// The user of the process that dials: of nginx that of its workers.
    pub(super) fn dialler(&self, hop: HopId) -> Option<User> {
        match self.model.hop(hop).kind {
            HopKind::Nginx => self.worker(hop),
            HopKind::HaProxy => self.haproxy(hop),
            HopKind::App(_) | HopKind::Edge(_) => None,
        }
    }

    /// What `user` says, else what the official image is built with.
    fn worker(&self, hop: HopId) -> Option<User> {
        let main = self
            .places
            .iter()
            .find(|place| place.hop == hop && place.context() == "main")?;
        let service = self.model.hop(hop).service;
        // A master that is not root cannot change its user, and says so in its log.
        if let Some(service) = service
            && let Some(text) = &self.project.container(service).user
        {
            let started = written(text)?;
            if !started.is_root() {
                return Some(started);
            }
        }
        if let Some(directive) = main.scope.own("user").next_back() {
            let user = directive.args.first()?;
            let group = directive.args.get(1).map(|group| group.value.as_str());
            return Some(User::named(&user.value, group, Some(user.span)));
        }
        let image = main.conf.image.as_ref()?.get()?;
        (service.is_some() && repository(image) == "nginx" && main.is_whole())
            .then(|| User::named("nginx", None, None))
    }

    fn haproxy(&self, hop: HopId) -> Option<User> {
        let process = self.model.process(hop)?;
        if let Some(service) = process.service {
            let started = self.starter(service)?;
            if !started.is_root() {
                return Some(started);
            }
        }
        match process.user.as_ref().ok()? {
            Some((user, group)) => Some(User::named(user, group.as_deref(), None)),
            None => process.service.map(|_| User::named("root", None, None)),
        }
    }

    /// The number of a user or a group in a container; `None` if nothing certain tells it.
    pub(super) fn id(&self, service: Option<ServiceRef>, name: &str) -> Option<u32> {
        if name == "root" {
            return Some(0);
        }
        if let Ok(number) = name.parse() {
            return Some(number);
        }
        let container = self.project.container(service?);
        let image = container.image.as_ref()?.get()?;
        let recipe = container.recipe.as_deref().unwrap_or("");
        if USERS.iter().any(|tool| recipe.contains(tool)) {
            return None;
        }
        let alpine = tag(image).is_some_and(|tag| tag.contains("alpine"));
        match (repository(image), name) {
            ("nginx", "nginx") => Some(101),
            ("haproxy", "haproxy") => Some(99),
            ("node", "node") => Some(1000),
            ("php", "www-data") if alpine => Some(82),
            ("php" | "python" | "node" | "ruby" | "debian" | "ubuntu" | "nginx", "www-data")
                if !alpine =>
            {
                Some(33)
            }
            _ => None,
        }
    }

    /// Whether a user may be in further groups than its own.
    pub(super) fn may_have_groups(&self, service: Option<ServiceRef>) -> bool {
        let Some(service) = service else {
            return true;
        };
        let recipe = self.project.container(service).recipe.as_deref();
        !self.project.service(service).groups.is_empty()
            || USERS.iter().any(|tool| recipe.unwrap_or("").contains(tool))
    }
}

/// What changes the users of an image.
const USERS: [&str; 8] = [
    "usermod",
    "groupmod",
    "useradd",
    "groupadd",
    "adduser",
    "addgroup",
    "/etc/group",
    "/etc/passwd",
];

/// `user`, `user:group`, `1000:1000`. A number alone has the group that the image gives it, or 0: nobody knows.
fn written(text: &Text) -> Option<User> {
    let raw = text.get()?;
    // plain: a user and a group with a colon between, as Docker splits them
    let (user, group) = match raw.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (raw, None),
    };
    if user.is_empty() {
        return None;
    }
    let unknown = user.parse::<u32>().is_ok_and(|id| id > 0) && group.is_none();
    let group = if unknown { Some(UNKNOWN) } else { group };
    Some(User::named(user, group, Some(text.span)))
}

fn is_since_2_4(tag: &str) -> bool {
    // plain: a tag, whose version is numbers with dots between
    let mut numbers = tag.split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(2)), Some(Ok(minor))) => minor >= 4,
        (Some(Ok(major)), _) => major > 2,
        _ => matches!(tag, "lts" | "lts-alpine" | "latest" | "alpine"),
    }
}
