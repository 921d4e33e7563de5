//! One nginx process: its main file with every `include` put in place, as nginx itself reads it.

use std::collections::BTreeSet;

use crate::finding::Gap;
use crate::host::path;
use crate::project::container::{Location, Seen, View};
use crate::project::files::Files;
use crate::project::{Envsubst, ServiceRef};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::nginx::{Directive, looks_like_template};
use crate::syntax::proxy_value::replaced;
use crate::syntax::value::Text;

/// Includes nested deeper than this are a cycle; nginx has no limit of its own but runs out of file descriptors.
const DEPTH: usize = 32;
/// Directives of one process, all includes counted each time.
const SIZE: usize = 1_000_000;

/// One nginx process.
#[derive(Debug, Clone)]
pub struct NginxConf {
    /// The service that runs it; `None` for nginx on the host.
    pub service: Option<ServiceRef>,
    /// The file to point at.
    pub main: FileId,
    /// Directives of the main context, includes put in place.
    pub directives: Vec<Directive>,
    /// Whether every include could be followed.
    pub complete: bool,
    /// Whether the `http {}` around these directives was not seen: what it sets is unknown.
    pub fragment: bool,
    /// Those of its files that the image's entrypoint fills by envsubst.
    pub templates: BTreeSet<FileId>,
    /// What they are filled from.
    pub environment: Envsubst,
    /// Image, for the version.
    pub image: Option<Text>,
    /// Whether the files were attached to the service without being mounted or copied.
    pub unmounted: bool,
    /// Whether the container runs nothing but this nginx, as its image does.
    pub alone: bool,
    /// Whether its main file is one of the project, and not the one that its image ships.
    pub given: bool,
    /// Includes of files that are certainly not there.
    pub missing: Vec<Missing>,
}

/// An `include` by its name of a file that is not there, in a folder of which all is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The argument.
    pub span: Span,
    /// The path as the process sees it.
    pub inside: String,
    /// What the folder is: a path below the root, or the image's own.
    pub folder: String,
}

/// Where the paths of an `include` lead.
pub enum Root<'a> {
    /// Inside a container.
    Container(&'a View),
    /// In the tree: `conf_prefix` is the folder that stands for `/etc/nginx`.
    Tree {
        /// Folder below the root.
        conf_prefix: String,
    },
}

/// Puts includes in place.
pub struct Expander<'a, 'f> {
    files: &'a mut Files<'f>,
    root: Root<'a>,
    /// Folder of the main file, as the process sees it: relative includes start there.
    prefix: String,
    envsubst: Option<&'a Envsubst>,
    /// Files that were included so far.
    pub included: BTreeSet<FileId>,
    /// Those that stand in for a template that envsubst fills.
    pub templates: BTreeSet<FileId>,
    /// Whether everything could be followed.
    pub complete: bool,
    /// Includes of files that are certainly not there.
    pub missing: Vec<Missing>,
    /// The official image, if the container is that and nothing was built on it: what it ships is known.
    pub official: Option<String>,
    /// The folder that the image's entrypoint fills templates into.
    pub filled_into: String,
    left: usize,
}

impl<'a, 'f> Expander<'a, 'f> {
    /// For one process whose main file lies in the folder `prefix`.
    pub fn new(
        files: &'a mut Files<'f>,
        root: Root<'a>,
        prefix: &str,
        envsubst: Option<&'a Envsubst>,
    ) -> Self {
        let prefix = prefix.to_owned();
        Self {
            files,
            root,
            prefix,
            envsubst,
            included: BTreeSet::new(),
            templates: BTreeSet::new(),
            complete: true,
            missing: Vec::new(),
            official: None,
            filled_into: FILLED_INTO.to_owned(),
            left: SIZE,
        }
    }

    /// The directives of a file with its includes put in place. `template`: envsubst fills it first.
    pub fn file(&mut self, id: FileId, template: bool) -> Vec<Directive> {
        let mut stack = Vec::new();
        self.expand_file(id, template, &mut stack)
    }

    fn expand_file(
        &mut self,
        id: FileId,
        template: bool,
        stack: &mut Vec<FileId>,
    ) -> Vec<Directive> {
        self.included.insert(id);
        let mut directives = self.files.nginx(id).directives.clone();
        // What a template engine puts in place of its tags is in none of the directives.
        self.complete &= looks_like_template(self.files.text(id)).is_none();
        if template && let Some(envsubst) = self.envsubst {
            for directive in &mut directives {
                fill(directive, envsubst);
            }
        }
        stack.push(id);
        let expanded = self.expand(directives, stack);
        stack.pop();
        expanded
    }

    fn expand(&mut self, directives: Vec<Directive>, stack: &mut Vec<FileId>) -> Vec<Directive> {
        let mut out = Vec::with_capacity(directives.len());
        for mut directive in directives {
            if self.left == 0 {
                self.complete = false;
                break;
            }
            self.left -= 1;
            if directive.name.value == "include"
                && directive.args.len() == 1
                && directive.block.is_none()
            {
                let included = self.include(&directive.args[0].clone(), stack);
                // One that brings nothing now may bring something once the process runs.
                if included.is_empty() {
                    out.push(directive);
                }
                out.extend(included);
                continue;
            }
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, stack));
            }
            out.push(directive);
        }
        out
    }

    fn include(&mut self, arg: &Spanned<String>, stack: &mut Vec<FileId>) -> Vec<Directive> {
        if stack.len() >= DEPTH {
            self.gap(
                arg.span,
                format!("include {} is nested {DEPTH} deep: a cycle?", arg.value),
            );
            return Vec::new();
        }
        let full = self.full_path(&arg.value);
        let folder = path::parent(&full).to_owned();
        let name = path::name(&full).to_owned();
        if folder.contains(['*', '?']) {
            return self.include_folders(arg, &full, stack);
        }
        if !name.contains(['*', '?', '[']) {
            return self.include_one(arg, &full, stack);
        }
        let names = match self.list(&folder) {
            Ok(names) => names,
            Err(why) => {
                self.gap(
                    arg.span,
                    format!("include {} cannot be listed: {why}", arg.value),
                );
                return Vec::new();
            }
        };
        let mut out = Vec::new();
        for found in names.iter().filter(|found| path::matches(&name, found)) {
            let full = path::absolute(&folder, found);
            out.extend(self.include_one(arg, &full, stack));
        }
        out
    }

    /// A pattern in a folder's name, as in `/etc/nginx/sites/*/nginx.conf`: one level is followed.
    fn include_folders(
        &mut self,
        arg: &Spanned<String>,
        full: &str,
        stack: &mut Vec<FileId>,
    ) -> Vec<Directive> {
        let (folder, file) = (path::parent(full), path::name(full));
        let (upper, pattern) = (path::parent(folder), path::name(folder));
        let Ok(names) = self.list(upper) else {
            self.gap(arg.span, format!("include {} cannot be listed", arg.value));
            return Vec::new();
        };
        let mut out = Vec::new();
        for found in names.iter().filter(|found| path::matches(pattern, found)) {
            let inner = path::absolute(&path::absolute(upper, found), file);
            if !path::parent(&inner).contains(['*', '?']) {
                out.extend(self.include(&Spanned::new(inner, arg.span), stack));
            }
        }
        out
    }

    fn include_one(
        &mut self,
        arg: &Spanned<String>,
        full: &str,
        stack: &mut Vec<FileId>,
    ) -> Vec<Directive> {
        if let Some(folder) = self.lacking(full) {
            self.complete = false;
            self.missing.push(Missing {
                span: arg.span,
                inside: full.to_owned(),
                folder,
            });
            return Vec::new();
        }
        let opened = match self.find(full) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Vec::new(),
            Err(why) => {
                self.gap(arg.span, format!("include {}: {why}", arg.value));
                return Vec::new();
            }
        };
        if stack.contains(&opened.0) {
            self.gap(arg.span, format!("include {} includes itself", arg.value));
            return Vec::new();
        }
        self.expand_file(opened.0, opened.1, stack)
    }

    /// The folder of a path, if all that is in it is known and the path is not there: one that is mounted from the tree,
    /// or `/etc/nginx` of the official image.
    fn lacking(&self, full: &str) -> Option<String> {
        let (Root::Container(view), Some(image)) = (&self.root, &self.official) else {
            return None;
        };
        if let Some(template) = template_of(&self.filled_into, full)
            && !view.is_image(&template)
        {
            return None;
        }
        let host = self.files.host;
        match view.look(host, full) {
            Seen::Absent(path) => {
                let Seen::Dir(folder) = view.look(host, path::parent(full)) else {
                    return None;
                };
                let mounted = path::parent(&path) == folder && !host.is_ignored(&path);
                mounted.then_some(folder)
            }
            Seen::Elsewhere(Location::Image(_)) => {
                let rest = path::strip(full, "/etc/nginx")?;
                let ships = OFFICIAL.contains(&rest) || rest.starts_with("modules");
                (!ships).then(|| image.clone())
            }
            _ => None,
        }
    }

    /// The file at a path as the process sees it, and whether envsubst fills it. `Ok(None)`: harmless, shipped.
    fn find(&mut self, full: &str) -> Result<Option<(FileId, bool)>, String> {
        if let Root::Container(view) = &self.root {
            if let Some(template) = template_of(&self.filled_into, full)
                && let Seen::File(path) = view.look(self.files.host, &template)
            {
                let opened = self.files.open(&path);
                self.templates.extend(opened);
                return Ok(opened.map(|id| (id, true)));
            }
            return match view.look(self.files.host, full) {
                Seen::File(path) => Ok(self.files.open(&path).map(|id| (id, false))),
                Seen::Dir(path) => Err(format!("{path} is a folder")),
                Seen::Absent(path) => Err(format!("{path} is not in the tree")),
                // What is put over the server of the image is another one, and it is not harmless.
                Seen::Elsewhere(Location::Unknown(why)) if is_server(full) => Err(why),
                Seen::Elsewhere(Location::Foreign(foreign)) if !is_table(full) => {
                    Err(foreign.why())
                }
                Seen::Elsewhere(_) if is_shipped(full) && !is_put_over(view, full) => Ok(None),
                Seen::Elsewhere(Location::Volume(name, _)) => {
                    Err(format!("it lies on the volume {name}"))
                }
                Seen::Elsewhere(Location::Outside(path)) => {
                    Err(format!("{path} lies outside the project"))
                }
                Seen::Elsewhere(_) => Err("it is in the image, which cannot be read".to_owned()),
            };
        }
        let path = full.trim_start_matches('/');
        match self.files.host.stat(path) {
            Some(_) => Ok(self.files.open(path).map(|id| (id, false))),
            None if is_shipped(full) => Ok(None),
            None => Err("not in the tree".to_owned()),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        match &self.root {
            Root::Container(view) => {
                let mut names = view.list(self.files.host, folder)?;
                if folder == self.filled_into {
                    let templates = view
                        .list(self.files.host, "/etc/nginx/templates")
                        .unwrap_or_default();
                    names.extend(
                        templates
                            .iter()
                            .filter_map(|name| name.strip_suffix(".template"))
                            .map(str::to_owned),
                    );
                    names.sort();
                    names.dedup();
                }
                Ok(names)
            }
            Root::Tree { .. } => {
                let folder = folder.trim_start_matches('/');
                Ok(self
                    .files
                    .host
                    .list(folder)
                    .into_iter()
                    .map(|entry| entry.path)
                    .collect())
            }
        }
    }

    /// The path as the process sees it; in the tree, what stands for `/etc/nginx` is the conf prefix.
    fn full_path(&self, written: &str) -> String {
        match &self.root {
            Root::Container(_) => path::absolute(&self.prefix, written),
            Root::Tree { conf_prefix } => {
                const HOMES: &[&str] = &[
                    "/etc/nginx",
                    "/usr/local/etc/nginx",
                    "/usr/local/nginx/conf",
                    "/opt/nginx/conf",
                ];
                let home = HOMES.iter().find_map(|home| path::strip(written, home));
                let below = home.unwrap_or(written);
                path::absolute(&format!("/{conf_prefix}"), below)
            }
        }
    }

    fn gap(&mut self, span: Span, reason: String) {
        self.complete = false;
        let file = self.files.sources.get(span.file);
        let line = Some(file.position(span.start).line);
        let gap = Gap {
            path: file.path.clone(),
            line,
            reason,
        };
        if !self.files.gaps.contains(&gap) {
            self.files.gaps.push(gap);
        }
    }
}

/// Where the official image's entrypoint puts what it fills in, unless `NGINX_ENVSUBST_OUTPUT_DIR` says otherwise.
pub const FILLED_INTO: &str = "/etc/nginx/conf.d";

/// The template that the official image's entrypoint turns into a file: `20-envsubst-on-templates.sh`.
pub(super) fn template_of(filled_into: &str, full: &str) -> Option<String> {
    let rest = path::strip(full, filled_into)?;
    (!rest.is_empty()).then(|| format!("/etc/nginx/templates/{rest}.template"))
}

/// What the official image has below `/etc/nginx`: its packages bring no `proxy_params` and no `snippets`, as Debian's
/// do. `fastcgi.conf` and the tables of Cyrillic are in some of its versions.
const OFFICIAL: &[&str] = &[
    "conf.d/default.conf",
    "fastcgi.conf",
    "fastcgi_params",
    "koi-utf",
    "koi-win",
    "mime.types",
    "nginx.conf",
    "scgi_params",
    "uwsgi_params",
    "win-utf",
];

/// Whether something else than the image is at the path of the server that the image ships.
fn is_put_over(view: &View, full: &str) -> bool {
    is_server(full) && !view.is_image(full)
}

fn is_server(full: &str) -> bool {
    path::name(full) == "default.conf"
}

/// Whether a file of that name is a table of types or of parameters, wherever it is taken from.
fn is_table(full: &str) -> bool {
    is_shipped(full) && !is_server(full)
}

/// Files that every nginx package ships and that set nothing a rule looks at.
fn is_shipped(full: &str) -> bool {
    const SHIPPED: &[&str] = &[
        "mime.types",
        "fastcgi_params",
        "fastcgi.conf",
        "fastcgi-php.conf",
        "uwsgi_params",
        "scgi_params",
        "proxy_params",
        "koi-utf",
        "koi-win",
        "win-utf",
        "default.conf",
        "options-ssl-nginx.conf",
    ];
    SHIPPED.contains(&path::name(full)) || full.contains("/modules")
}

/// Replaces `$NAME` and `${NAME}` in every word by what envsubst would put there.
fn fill(directive: &mut Directive, envsubst: &Envsubst) {
    for word in std::iter::once(&mut directive.name).chain(&mut directive.args) {
        if word.value.contains('$') {
            word.value = replaced(&word.value, |name| envsubst.value(name));
        }
    }
    for inner in directive.block.iter_mut().flatten() {
        fill(inner, envsubst);
    }
}
