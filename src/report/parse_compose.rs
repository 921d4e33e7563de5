//! `parse --as compose`: the merged project as `docker compose config --format json` shapes it, or one file as it is
//! written.

use serde_json::{Map, Value as Json, json};

use crate::finding::Gap;
use crate::host::Host;
use crate::project::compose::tree::{Entry, Scalar, Tree, Value};
use crate::project::compose::{Build, Command, Port, Service, load_files};
use crate::source::{SourceFile, Sources, Span};
use crate::syntax::command::{self, Part, Word};
use crate::syntax::value::Text;
use crate::syntax::yaml;

/// Ports of a range that are listed one by one.
const SPREAD: u16 = 256;

/// The JSON, and whether it holds errors.
pub struct Parsed {
    /// What is printed.
    pub json: Json,
    /// Whether `errors` is not empty.
    pub failed: bool,
}

/// The files merged in order, filled from the `.env` beside the first one.
pub fn merged(host: &dyn Host, files: &[String]) -> Parsed {
    let mut sources = Sources::default();
    let (mut errors, mut gaps) = (Vec::new(), Vec::new());
    let (stack, root) = load_files(host, &mut sources, files, &mut errors, &mut gaps);
    let mut project = Map::new();
    if let Some(name) = &stack.name {
        project.insert("name".to_owned(), json!(name));
    }
    for entry in root.entries() {
        if entry.key.value != "name" {
            project.insert(entry.key.value.clone(), tree_json(&entry.value));
        }
    }
    let services = stack.services.iter().map(|service| {
        let written = root.at(&["services", &service.name.value]);
        let json = service_json(service, written, &sources);
        (service.name.value.clone(), json)
    });
    project.insert("services".to_owned(), Json::Object(services.collect()));
    let refused = stack
        .faults
        .iter()
        .map(|fault| (fault.span, fault.message.as_str()));
    let errors = errors
        .iter()
        .map(|error| (error.span, error.message.as_str()));
    finish(project, &sources, errors.chain(refused), &gaps)
}

/// One file as written: values and short forms unchanged, anchors and merge keys resolved.
pub fn single(host: &dyn Host, path: &str) -> Parsed {
    let mut sources = Sources::default();
    let bytes = match host.read(path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            let gap = Gap {
                path: path.to_owned(),
                line: None,
                reason,
            };
            return finish(Map::new(), &sources, [], &[gap]);
        }
    };
    let id = sources.add(SourceFile::new(path, bytes));
    let parsed = yaml::parse(id, &sources.get(id).text);
    let root = parsed.documents.first().map(node_json);
    let project = match root {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    let repeated: Vec<(Span, String)> = parsed
        .duplicates
        .iter()
        .map(|key| {
            let message = format!("key {} is given twice in one mapping", key.value);
            (key.span, message)
        })
        .collect();
    let errors = parsed
        .errors
        .iter()
        .map(|error| (error.span, error.message.as_str()));
    let repeated = repeated
        .iter()
        .map(|(span, message)| (*span, message.as_str()));
    finish(project, &sources, errors.chain(repeated), &[])
}

fn finish<'m>(
    mut project: Map<String, Json>,
    sources: &Sources,
    errors: impl IntoIterator<Item = (Span, &'m str)>,
    gaps: &[Gap],
) -> Parsed {
    let mut listed: Vec<Json> = errors
        .into_iter()
        .map(|(span, message)| {
            json!({
                "error": message,
                "file": sources.get(span.file).path,
                "line": sources.position(span).line,
            })
        })
        .collect();
    let unread = gaps.iter().filter(|gap| gap.line.is_none());
    listed.extend(unread.map(|gap| json!({"error": gap.reason, "file": gap.path})));
    let failed = !listed.is_empty();
    project.insert("errors".to_owned(), Json::Array(listed));
    Parsed {
        json: Json::Object(project),
        failed,
    }
}

fn node_json(node: &yaml::Node) -> Json {
    match &node.value {
        yaml::Value::Scalar(scalar) if scalar.is_null() => Json::Null,
        yaml::Value::Scalar(scalar) => typed(&scalar.text, scalar.plain),
        yaml::Value::Sequence(items) => items.iter().map(node_json).collect(),
        yaml::Value::Mapping(entries) => Json::Object(
            entries
                .iter()
                .map(|entry| (entry.key.value.clone(), node_json(&entry.value)))
                .collect(),
        ),
    }
}

fn tree_json(tree: &Tree) -> Json {
    match &tree.value {
        Value::Scalar(scalar) => scalar_json(scalar),
        Value::List(items) => items.iter().map(tree_json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(entry_json).collect()),
    }
}

fn entry_json(entry: &Entry) -> (String, Json) {
    (entry.key.value.clone(), tree_json(&entry.value))
}

fn scalar_json(scalar: &Scalar) -> Json {
    match scalar.text.get() {
        _ if scalar.is_null() => Json::Null,
        Some(text) => typed(text, scalar.plain),
        None => Json::Null,
    }
}

fn typed(text: &str, plain: bool) -> Json {
    if !plain {
        return json!(text);
    }
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ => match text.parse::<i64>() {
            // `0644` and `+1` are kept as they are written.
            Ok(number) if number.to_string() == text => json!(number),
            _ => json!(text),
        },
    }
}

fn service_json(service: &Service, written: Option<&Tree>, sources: &Sources) -> Json {
    let mut map: Map<String, Json> = written
        .map_or(&[][..], Tree::entries)
        .iter()
        .map(entry_json)
        .collect();
    let mut set = |key: &str, value: Json| {
        if value == json!([]) || value == json!({}) {
            map.remove(key);
        } else {
            map.insert(key.to_owned(), value);
        }
    };
    set("environment", environment_json(service));
    set("ports", service.ports.iter().flat_map(port_json).collect());
    set("depends_on", depends_on_json(service));
    set("networks", networks_json(service));
    if let Some(build) = &service.build {
        set("build", build_json(build));
    }
    if let Some(test) = test_json(service) {
        let written = written.and_then(|tree| tree.get("healthcheck"));
        let mut check = written.map_or(json!({}), tree_json);
        check["test"] = test;
        set("healthcheck", check);
    }
    let hosts = service.extra_hosts.iter().filter_map(|(host, address)| {
        let (host, address) = (host.get()?, address.get()?);
        Some(json!(format!("{host}={address}")))
    });
    set("extra_hosts", hosts.collect());
    for (key, command) in [
        ("command", &service.command),
        ("entrypoint", &service.entrypoint),
    ] {
        if let Some(command) = command {
            set(key, command_json(command));
        }
    }
    map.insert(
        "file".to_owned(),
        json!(sources.get(service.name.span.file).path),
    );
    if service.inactive {
        map.insert("inactive".to_owned(), json!(true));
    }
    Json::Object(map)
}

fn text_json(text: &Text) -> Json {
    text.get().map_or(Json::Null, |text| json!(text))
}

fn environment_json(service: &Service) -> Json {
    let pairs = service.environment.iter().map(|(name, value)| {
        let value = value.as_ref().map_or(Json::Null, text_json);
        (name.value.clone(), value)
    });
    Json::Object(pairs.collect())
}

/// One object per port, as compose spreads a range; a long range stays one.
fn port_json(port: &Port) -> Vec<Json> {
    let Some((first, last)) = port.target else {
        return vec![one_port(port, Json::Null, published(port, None))];
    };
    if last - first > SPREAD {
        let target = json!(format!("{first}-{last}"));
        return vec![one_port(port, target, published(port, None))];
    }
    (first..=last)
        .map(|target| one_port(port, json!(target), published(port, Some(target - first))))
        .collect()
}

fn one_port(port: &Port, target: Json, published: Option<String>) -> Json {
    let mut map = Map::new();
    map.insert("mode".to_owned(), json!("ingress"));
    if let Some(ip) = &port.host_ip {
        map.insert("host_ip".to_owned(), json!(ip));
    }
    map.insert("target".to_owned(), target);
    if let Some(published) = published {
        map.insert("published".to_owned(), json!(published));
    }
    map.insert("protocol".to_owned(), json!(port.protocol));
    Json::Object(map)
}

/// The port on the host of the `nth` target, if the ranges are equally long, else the range.
fn published(port: &Port, nth: Option<u16>) -> Option<String> {
    let (from, to) = port.published?;
    let paired = port
        .target
        .filter(|(first, last)| last - first == to - from);
    Some(match (paired, nth) {
        (Some(_), Some(nth)) => (from + nth).to_string(),
        _ if from == to => from.to_string(),
        _ => format!("{from}-{to}"),
    })
}

fn depends_on_json(service: &Service) -> Json {
    let pairs = service.depends_on.iter().map(|dependency| {
        let value = json!({"condition": dependency.condition.value, "required": true});
        (dependency.service.value.clone(), value)
    });
    Json::Object(pairs.collect())
}

fn networks_json(service: &Service) -> Json {
    let pairs = service.networks.iter().map(|member| {
        let mut map = Map::new();
        let aliases: Vec<&str> = member.aliases.iter().filter_map(Text::get).collect();
        if !aliases.is_empty() {
            map.insert("aliases".to_owned(), json!(aliases));
        }
        for address in member.addresses.iter().filter_map(Text::get) {
            let key = if address.contains(':') {
                "ipv6_address"
            } else {
                "ipv4_address"
            };
            map.insert(key.to_owned(), json!(address));
        }
        let value = if map.is_empty() {
            Json::Null
        } else {
            Json::Object(map)
        };
        (member.network.value.clone(), value)
    });
    Json::Object(pairs.collect())
}

/// A healthcheck's test as the list that compose makes of it.
fn test_json(service: &Service) -> Option<Json> {
    match service.healthcheck.as_ref()?.test.as_ref()? {
        Command::Shell(text) => Some(json!(["CMD-SHELL", text_json(text)])),
        Command::Exec(words) => {
            let words = words.iter().map(text_json);
            Some(std::iter::once(json!("CMD")).chain(words).collect())
        }
    }
}

fn build_json(build: &Build) -> Json {
    let mut map = Map::new();
    for (key, text) in [
        ("context", &build.context),
        ("dockerfile", &build.dockerfile),
        ("dockerfile_inline", &build.inline),
        ("target", &build.target),
    ] {
        if let Some(text) = text {
            map.insert(key.to_owned(), text_json(text));
        }
    }
    if !build.args.is_empty() {
        let args = build.args.iter().map(|(name, value)| {
            let value = value.as_ref().map_or(Json::Null, text_json);
            (name.value.clone(), value)
        });
        map.insert("args".to_owned(), Json::Object(args.collect()));
    }
    Json::Object(map)
}

fn command_json(command: &Command) -> Json {
    match command {
        Command::Shell(text) => text.get().map_or(Json::Null, |line| {
            command::words(line)
                .iter()
                .map(|word| json!(argument(line, word)))
                .collect()
        }),
        Command::Exec(words) => words.iter().map(text_json).collect(),
    }
}

/// A word as the program is given it: compose takes quotes away and expands nothing.
fn argument(line: &str, word: &Word) -> String {
    let literal = |part: &Part| match part {
        Part::Literal(text) => Some(text.clone()),
        Part::Parameter { .. } | Part::Unknown(_) => None,
    };
    let plain: Option<String> = word.parts.iter().map(literal).collect();
    plain.unwrap_or_else(|| line[word.range.clone()].to_owned())
}
