//! From the files of one stack to one tree: filled, included, extended, merged.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::environment::Environment;
use super::merge::{drop_reset, merge, merge_service};
use super::reader::Reader;
use super::tree::{Entry, Tree, Trouble, Value, fill};
use super::{Fault, FaultKind};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::value::path;

/// Includes in one stack: files that include each other twice would double with every level.
const INCLUDES: usize = 500;
/// Services that extend each other in a row; a longer chain is a mistake, and would endanger the recursion.
const CHAIN: usize = 64;

/// Which files make a stack, and with what they are filled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The file that the stack is named after.
    pub(super) path: String,
    /// Folder that relative paths start from.
    pub(super) directory: String,
    /// Files in order.
    pub(super) files: Vec<String>,
    /// Environment files; `None` for the folder's `.env`.
    pub(super) env: Option<Vec<String>>,
    /// Whether nothing says that exactly these files are deployed together.
    pub(super) guessed: bool,
    /// Active profiles, beside those of `COMPOSE_PROFILES`.
    pub(super) profiles: Vec<String>,
}

impl Plan {
    /// The files given, in order.
    pub(super) fn of(files: &[String]) -> Self {
        let first = files.first().cloned().unwrap_or_default();
        Self {
            directory: path::folder(&first).to_owned(),
            path: first,
            files: files.to_vec(),
            ..Self::default()
        }
    }
}

/// A stack before its services are read.
pub(super) struct Merged {
    /// The whole of it.
    pub(super) root: Tree,
    /// Folder that the paths written in a file start from.
    pub(super) bases: HashMap<FileId, String>,
    /// Every file that took part.
    pub(super) files: Vec<FileId>,
    /// What it was filled with.
    pub(super) environment: Environment,
    /// What compose would refuse.
    pub(super) faults: Vec<Fault>,
    /// Whether a file could not be read whole, so that what is missing proves nothing.
    pub(super) broken: bool,
}

/// Merges the files of a plan.
pub(super) fn load(reader: &mut Reader, plan: &Plan) -> Merged {
    let environment = match &plan.env {
        Some(paths) => reader.variables(paths, true),
        None => reader.variables(&[path::join(&plan.directory, ".env")], false),
    };
    let mut loading = Loading {
        reader,
        bases: HashMap::new(),
        files: Vec::new(),
        faults: Vec::new(),
        broken: false,
        including: Vec::new(),
        includes: 0,
        reported: HashSet::new(),
    };
    let root = loading
        .files(&plan.files, &plan.directory, &environment)
        .unwrap_or_else(|| Tree::map(Vec::new(), Span::new(FileId(0), 0, 0)));
    Merged {
        root,
        bases: loading.bases,
        files: loading.files,
        faults: loading.faults,
        broken: loading.broken,
        environment,
    }
}

struct Loading<'r, 'a> {
    reader: &'r mut Reader<'a>,
    bases: HashMap<FileId, String>,
    files: Vec<FileId>,
    faults: Vec<Fault>,
    broken: bool,
    including: Vec<String>,
    includes: usize,
    reported: HashSet<(String, String)>,
}

/// Services of files that `extends` has looked into, under one environment.
struct Extending<'e> {
    environment: &'e Environment,
    services: HashMap<String, Rc<Tree>>,
    resolved: HashMap<(String, String), Rc<Tree>>,
    chain: Vec<(String, String)>,
}

impl Loading<'_, '_> {
    fn files(&mut self, paths: &[String], base: &str, env: &Environment) -> Option<Tree> {
        let mut whole: Option<Tree> = None;
        for path in paths {
            for document in self.documents(path, base, env) {
                let document = self.extended(document, path, env);
                let document = self.included(document, path, base, env);
                let mut merged = match whole.take() {
                    Some(below) => merge(below, document),
                    None => document,
                };
                drop_reset(&mut merged);
                whole = Some(merged);
            }
        }
        whole
    }

    /// The documents of a file, filled. What cannot be read is a gap.
    fn documents(&mut self, path: &str, base: &str, env: &Environment) -> Vec<Tree> {
        let (id, parsed) = match self.reader.yaml(path) {
            Ok(found) => found,
            Err(reason) => {
                self.broken = true;
                self.reader.gap(path, reason);
                return Vec::new();
            }
        };
        self.broken |= !parsed.errors.is_empty();
        self.bases.entry(id).or_insert_with(|| base.to_owned());
        if !self.files.contains(&id) {
            self.files.push(id);
            self.faults.extend(parsed.duplicates.iter().map(repeated));
        }
        let mut troubles = Vec::new();
        let trees = parsed
            .documents
            .iter()
            .filter(|document| document.entries().is_some())
            .map(|document| fill(document, &env.filler(), &mut troubles))
            .collect();
        for trouble in troubles {
            self.trouble(trouble);
        }
        trees
    }

    fn trouble(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Invalid(span) => self.faults.push(Fault::new(
                span,
                "compose refuses this interpolation: a literal dollar sign is written $$",
            )),
            Trouble::Required(span, name, message) => {
                let message = if message.is_empty() {
                    format!("variable {name} is required and set nowhere")
                } else {
                    format!("variable {name} is required and set nowhere: {message}")
                };
                self.reader.gap_in(span, message.clone());
                self.faults.push(Fault {
                    kind: FaultKind::Unset,
                    about: None,
                    span,
                    message,
                });
            }
        }
    }

    /// Lays a file over what it includes.
    fn included(&mut self, mut file: Tree, path: &str, base: &str, env: &Environment) -> Tree {
        let Some(include) = take(&mut file, "include") else {
            return file;
        };
        let mut below: Option<Tree> = None;
        self.including.push(path.to_owned());
        for item in include.one_or_many() {
            if let Some(more) = self.include(item, base, env) {
                below = Some(match below {
                    Some(held) => merge(held, more),
                    None => more,
                });
            }
        }
        self.including.pop();
        match below {
            Some(below) => merge(below, file),
            None => file,
        }
    }

    fn include(&mut self, item: &Tree, base: &str, env: &Environment) -> Option<Tree> {
        let long = item.entries();
        let written = if long.is_empty() {
            Some(item)
        } else {
            item.get("path")
        };
        let mut paths = Vec::new();
        for one in written.map(Tree::one_or_many).unwrap_or_default() {
            paths.push(self.path_of(one, base)?);
        }
        let first = paths.first()?;
        self.includes += 1;
        if self.includes > INCLUDES {
            self.broken = true;
            self.reader
                .gap_in(item.span, "more includes than are followed");
            return None;
        }
        if self.including.contains(first) {
            let by_way = self.including.last().filter(|last| *last != first);
            let by_way = by_way.map_or(String::new(), |last| format!(" by way of {last}"));
            let message = format!("{first} includes itself{by_way}");
            self.faults.push(Fault::new(item.span, message));
            return None;
        }
        let folder = match item.get("project_directory") {
            Some(written) => self.path_of(written, base)?,
            None => path::folder(first).to_owned(),
        };
        let mut variables = match item.get("env_file") {
            Some(written) => {
                let mut files = Vec::new();
                for one in written.one_or_many() {
                    files.extend(self.path_of(one, base));
                }
                self.reader.variables(&files, true)
            }
            None => self.reader.variables(&[path::join(&folder, ".env")], false),
        };
        // The including project's own variables win over those of the included one.
        variables.extend(env);
        self.files(&paths, &folder, &variables)
    }

    /// A written path below the root; what leads elsewhere is a gap.
    fn path_of(&mut self, written: &Tree, base: &str) -> Option<String> {
        let text = written.text()?;
        let reason = match &text.value {
            Ok(known) if path::is_url(known) => format!("{known} is not below the root"),
            Ok(known) => match path::resolve(base, known) {
                path::Place::Inside(path) => return Some(path),
                path::Place::Outside(path) => format!("{path} is outside the root"),
            },
            Err(why) => why.clone(),
        };
        self.broken = true;
        self.reader.gap_in(written.span, reason);
        None
    }

    /// Resolves `extends` in every service of a file.
    fn extended(&mut self, mut file: Tree, path: &str, env: &Environment) -> Tree {
        let Some(services) = file.get("services") else {
            return file;
        };
        let extends = |entry: &Entry| entry.value.get("extends").is_some();
        if !services.entries().iter().any(extends) {
            return file;
        }
        let names: Vec<String> = services
            .entries()
            .iter()
            .filter(|entry| extends(entry))
            .map(|entry| entry.key.value.clone())
            .collect();
        let mut extending = Extending {
            environment: env,
            services: HashMap::from([(path.to_owned(), Rc::new(services.clone()))]),
            resolved: HashMap::new(),
            chain: Vec::new(),
        };
        let resolved: HashMap<String, Rc<Tree>> = names
            .into_iter()
            .filter_map(|name| {
                let service = self.service(&mut extending, path, &name)?;
                Some((name, service))
            })
            .collect();
        if let Value::Map(entries) = &mut file.value {
            for entry in entries
                .iter_mut()
                .filter(|entry| entry.key.value == "services")
            {
                replace_services(&mut entry.value, &resolved);
            }
        }
        file
    }

    /// One service of a file with everything that it extends. An `extends` that leads nowhere stays in the tree.
    fn service(&mut self, extending: &mut Extending, file: &str, name: &str) -> Option<Rc<Tree>> {
        let id = (file.to_owned(), name.to_owned());
        if let Some(done) = extending.resolved.get(&id) {
            return Some(Rc::clone(done));
        }
        let own = extending.services.get(file)?.get(name)?.clone();
        let Some(extends) = own.get("extends").cloned() else {
            return Some(Rc::new(own));
        };
        if extending.chain.contains(&id) || extending.chain.len() > CHAIN {
            self.cycle(extending, &id, extends.span);
            return None;
        }
        extending.chain.push(id.clone());
        let base = self.extended_base(extending, file, &extends);
        extending.chain.pop();
        let service = match base {
            Some(base) => {
                let mut own = own;
                take(&mut own, "extends");
                // An `extends` of the base that leads nowhere stays, and says that more was meant to be there.
                Rc::new(merge_service(Tree::clone(&base), own))
            }
            None => Rc::new(own),
        };
        extending.resolved.insert(id, Rc::clone(&service));
        Some(service)
    }

    fn extended_base(
        &mut self,
        extending: &mut Extending,
        file: &str,
        extends: &Tree,
    ) -> Option<Rc<Tree>> {
        let name = extends
            .get("service")
            .unwrap_or(extends)
            .known()?
            .to_owned();
        let target = match extends.get("file") {
            Some(written) => {
                let base = self.bases.get(&written.span.file).cloned();
                self.path_of(written, &base.unwrap_or_default())?
            }
            None => file.to_owned(),
        };
        if !extending.services.contains_key(&target) {
            let services = self.services_of(&target, extending.environment);
            extending.services.insert(target.clone(), services);
        }
        let services = Rc::clone(extending.services.get(&target)?);
        if services.get(&name).is_none() {
            if !self.broken {
                let message = format!("extends the service {name}, which {target} does not define");
                self.faults.push(Fault::new(extends.span, message));
            }
            return None;
        }
        self.service(extending, &target, &name)
    }

    fn services_of(&mut self, file: &str, env: &Environment) -> Rc<Tree> {
        let documents = self.documents(file, path::folder(file), env);
        let services = documents.iter().find_map(|tree| tree.get("services"));
        Rc::new(services.cloned().unwrap_or_else(|| {
            self.broken = true;
            Tree::map(Vec::new(), Span::new(FileId(0), 0, 0))
        }))
    }

    fn cycle(&mut self, extending: &Extending, id: &(String, String), span: Span) {
        if extending
            .chain
            .iter()
            .any(|link| self.reported.contains(link))
        {
            return;
        }
        self.reported.extend(extending.chain.iter().cloned());
        let message = format!("service {} extends itself", id.1);
        self.faults.push(Fault::new(span, message));
    }
}

fn repeated(key: &Spanned<String>) -> Fault {
    Fault {
        kind: FaultKind::RepeatedKey,
        about: None,
        span: key.span,
        message: format!("key {} is given twice in one mapping", key.value),
    }
}

fn take(tree: &mut Tree, key: &str) -> Option<Tree> {
    let Value::Map(entries) = &mut tree.value else {
        return None;
    };
    let at = entries.iter().position(|entry| entry.key.value == key)?;
    Some(entries.remove(at).value)
}

fn replace_services(services: &mut Tree, resolved: &HashMap<String, Rc<Tree>>) {
    if let Value::Map(entries) = &mut services.value {
        for entry in entries {
            if let Some(service) = resolved.get(&entry.key.value) {
                entry.value = Tree::clone(service);
            }
        }
    }
}
