//! Images that are run as they are: where they listen is knowledge about them, never certain, and a variable or an
//! argument that may move the port makes it unknown.

use super::Process;
use super::cx::{Cx, Read, basename};
use super::serve;
use super::settle::{self, protocol};
use crate::model::knowledge::Image;
use crate::model::{Address, Bind, Key, Listener, Protocol, ProxyHeader, Setting, Timeouts};
use crate::project::image_name;
use crate::syntax::value::Text;

/// What is known of the container's image; `argv` are the arguments that it is given.
pub(super) fn process(cx: &mut Cx<'_>, argv: &[Text]) -> Result<Process, String> {
    let reference = match cx.launch.image.as_ref().map(|image| image.value.clone()) {
        Some(Ok(reference)) => reference,
        Some(Err(why)) => return Err(why),
        None => return Err("its image is not known".to_owned()),
    };
    let Some(image) = cx.known.image(&reference) else {
        return Err(format!("nothing is known about the image {reference}"));
    };
    let is_proxy = image.name.starts_with("haproxy")
        || image.program.as_deref() == Some("nginx") && image.name.contains("nginx");
    if is_proxy {
        let name = if image.name.starts_with("haproxy") {
            "haproxy"
        } else {
            "nginx"
        };
        return Ok(proxy(cx, name, argv));
    }
    if image.program.as_deref() == Some("php-fpm") {
        return super::php::fpm(cx, argv).ok_or_else(|| "php-fpm is not in the tables".to_owned());
    }
    let moved = moved(cx, &image, argv);
    let mut process = known(cx, &image, &reference, argv, moved.as_deref());
    if let Some(program) = cx.known.program(&process.program) {
        super::web::told(cx, program, &mut process);
    }
    Ok(process)
}

/// nginx and HAProxy say in their own configs where they listen.
pub(super) fn proxy(cx: &Cx<'_>, name: &str, argv: &[Text]) -> Process {
    Process {
        program: name.to_owned(),
        name: name.to_owned(),
        version: version(cx, name),
        argv: argv.to_vec(),
        listeners: Vec::new(),
        listeners_complete: false,
        slots: None,
        stopping: crate::model::Stopping::default(),
        head: None,
        timeouts: Timeouts::new(),
        span: serve::span(cx, argv),
        stays_down: None,
    }
}

/// The version that an image's tag names: `nginx:1.27-alpine`.
fn version(cx: &Cx<'_>, name: &str) -> Setting<String> {
    let image = cx.launch.image.as_ref();
    let written = image.and_then(Text::get).unwrap_or("");
    let Some(tag) = image_name::tag(written) else {
        return Setting::unknown("the image has no tag");
    };
    // plain: a tag is letters, digits, `.`, `_` and `-`
    let number = tag.split('-').next().unwrap_or("");
    let is_named = image_name::repository(written).contains(name);
    if !is_named || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Setting::unknown(format!("the tag {tag} names no version"));
    }
    match image {
        Some(text) => settle::said(number.to_owned(), text),
        None => Setting::unknown("its image is not known"),
    }
}

fn known(
    cx: &Cx<'_>,
    image: &Image,
    reference: &str,
    argv: &[Text],
    moved: Option<&str>,
) -> Process {
    let program = image
        .program
        .as_deref()
        .and_then(|name| cx.known.program(name));
    let timeouts = program.map_or_else(Timeouts::new, |program| {
        let mut timeouts = serve::timeouts(cx, program, &[]);
        // The image may set any of them.
        let open = timeouts.values_mut().filter(|_| !program.own);
        for setting in open {
            if let Setting::Known { value, .. } = setting {
                *setting = Setting::assumed(*value, &program.label, "", &program.source);
            }
        }
        if !program.own {
            timeouts.remove(&Key::Worker);
        }
        timeouts
    });
    let base = knowledge_name(image);
    Process {
        program: program.map_or_else(|| base.clone(), |program| program.name.clone()),
        name: match program.map(|program| program.label.as_str()) {
            // What is written in a language is best called by its own name.
            None | Some("node" | "go") => base,
            Some(label) => label.to_owned(),
        },
        version: Setting::unknown("the tag of the image is not its program's version"),
        argv: argv.to_vec(),
        listeners: listeners(image, reference, moved),
        listeners_complete: image.complete && moved.is_none(),
        slots: None,
        stopping: crate::model::Stopping::default(),
        head: None,
        timeouts,
        span: serve::span(cx, argv),
        stays_down: None,
    }
}

/// The ports of an image; unknown if something may move them.
fn listeners(image: &Image, reference: &str, moved: Option<&str>) -> Vec<Listener> {
    let listeners = image.ports.iter().map(|port| {
        let address = match moved {
            Some(why) => Setting::unknown(why),
            None => told(
                Address::Tcp {
                    bind: Bind::Any,
                    port: *port,
                },
                reference,
                image,
            ),
        };
        let speaks = match protocol(&image.protocol) {
            Some(protocol) => told(protocol, reference, image),
            None => Setting::unknown("it depends on the version"),
        };
        Listener {
            address,
            protocol: speaks,
            proxy_header: ProxyHeader::Unknown,
            backlog: None,
            admits: None,
            access: None,
            tls: None,
        }
    });
    listeners.collect()
}

/// What a row says of an image: certain if it is the project's own, else what the image usually does.
fn told<T>(value: T, reference: &str, image: &Image) -> Setting<T> {
    if image.own {
        Setting::default_of(value, reference, "", &image.source)
    } else {
        Setting::assumed(value, reference, "", &image.source)
    }
}

/// `postgres` of `postgres:*`, `n8n` of `n8nio/n8n:*`.
fn knowledge_name(image: &Image) -> String {
    // plain: a pattern of the tables, in which a `:` stands before the tag alone
    let name = image.name.split(':').next().unwrap_or(&image.name);
    basename(name).trim_end_matches('*').to_owned()
}

/// Why the port may be another one than the image's.
fn moved(cx: &mut Cx<'_>, image: &Image, argv: &[Text]) -> Option<String> {
    for word in argv {
        let Some(text) = word.get() else {
            return Some("its arguments are not plain".to_owned());
        };
        let lower = text.to_ascii_lowercase();
        if ["port", "listen", "bind", "addr", "http"]
            .iter()
            .any(|part| lower.contains(part))
        {
            return Some(format!("the argument {text} may move its port"));
        }
        if text == "-p" {
            return Some("the argument -p may move its port".to_owned());
        }
    }
    if image.protocol == "tcp" || image.protocol == "memcached" {
        return database(cx, image);
    }
    for (name, value) in &cx.launch.environment {
        if !moves(&name.value, image) {
            continue;
        }
        let value = value.as_ref().and_then(Text::get);
        let same = value.is_some_and(|value| {
            image
                .ports
                .iter()
                .any(|port| value.trim() == port.to_string())
        });
        if !same {
            return Some(format!("{} may move its port", name.value));
        }
    }
    if image.own { None } else { configured(cx) }
}

/// A file of the project in the container that speaks of ports or addresses, or a whole folder of its configuration.
fn configured(cx: &mut Cx<'_>) -> Option<String> {
    const FILES: &[&str] = &[
        ".cfg",
        ".conf",
        ".ini",
        ".json",
        ".properties",
        ".toml",
        ".xml",
        ".yaml",
        ".yml",
    ];
    const FOLDERS: &[&str] = &["conf", "config", "etc"];
    cx.files.placed().into_iter().find_map(|path| {
        let is_file = FILES.iter().any(|ending| path.ends_with(ending));
        let moves = match cx.read(&path) {
            Read::Text(_, text) => is_file && speaks_of_ports(&text),
            _ => is_file || FOLDERS.contains(&basename(&path)),
        };
        moves.then(|| format!("{path} may move its port"))
    })
}

/// Whether a word of a config is `port`, `http_port`, `httpPort`, `listen`, `addr` or the like.
fn speaks_of_ports(text: &str) -> bool {
    const OTHER: &[&str] = &["export", "import", "report", "support", "transport"];
    const ENDS: &[&str] = &["port", "listen", "addr", "address", "bind"];
    let lower = text.to_ascii_lowercase();
    // plain: a config of any program, of which the words alone count
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| !OTHER.contains(&word) && ENDS.iter().any(|end| word.ends_with(end)))
}

/// Databases are moved by a variable of their own alone.
fn database(cx: &Cx<'_>, image: &Image) -> Option<String> {
    let name = if image.name.starts_with("postgres")
        || image.name.contains("pg")
        || image.name.contains("timescale")
        || image.name.contains("postgis")
    {
        "PGPORT"
    } else {
        "MYSQL_TCP_PORT"
    };
    let set = cx
        .launch
        .environment
        .iter()
        .rev()
        .find(|(key, _)| key.value == name);
    set.map(|_| format!("{name} may move its port"))
}

/// Variables that move the port of some image: `PORT`, `N8N_PORT`, `SERVER_PORT`; not those that name another host's.
fn moves(name: &str, image: &Image) -> bool {
    let own: String = knowledge_name(image)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_uppercase();
    let plain = name.chars().filter(char::is_ascii_alphanumeric);
    let plain = plain.collect::<String>().to_ascii_uppercase();
    let kind = [
        "PORT",
        "LISTEN",
        "BIND",
        "LISTENADDRESS",
        "BINDADDRESS",
        "URLS",
    ];
    let general = [
        "PORT",
        "SERVERPORT",
        "HTTPPORT",
        "LISTENPORT",
        "APPPORT",
        "WEBPORT",
        "WEBUIPORT",
        "BIND",
        "LISTEN",
        "SERVERADDR",
        "ROCKETPORT",
        "HTTPADDR",
        "BINDADDRESS",
        "LISTENADDR",
        "GFSERVERHTTPPORT",
        "NGINXPORT",
        "APACHEHTTPPORTNUMBER",
        "ASPNETCOREURLS",
        "ASPNETCOREHTTPPORTS",
        "KCHTTPPORT",
        "UVICORNPORT",
        "HTTPSERVERPORT",
        "SERVERHTTPPORT",
        "APPLISTEN",
        "SERVICEPORT",
    ];
    // Of whatever program: `MEILI_HTTP_ADDR`, `SONAR_WEB_PORT`, `INFLUXD_HTTP_BIND_ADDRESS`.
    let web = [
        "HTTPPORT",
        "HTTPADDR",
        "HTTPBINDADDRESS",
        "WEBPORT",
        "LISTENADDRESS",
    ];
    general.contains(&plain.as_str())
        || web.iter().any(|end| plain.ends_with(end))
        || !own.is_empty()
            && plain.starts_with(&own)
            && kind.iter().any(|kind| plain.ends_with(kind))
}

/// Programs that run what they are given, in images that are named after them.
const INTERPRETERS: &[&str] = &["php", "node", "bun", "deno", "python", "ruby", "perl"];

/// Whether the arguments are the image's own program, so that its knowledge still holds.
pub(super) fn is_own(cx: &Cx<'_>, argv: &[Text]) -> bool {
    let Some(image) = cx
        .launch
        .image
        .as_ref()
        .and_then(Text::get)
        .and_then(|reference| cx.known.image(reference))
    else {
        return false;
    };
    if cx.launch.built
        && image.program.is_none()
        && protocol(&image.protocol) == Some(Protocol::Http)
    {
        return false;
    }
    let Some(word) = argv.first().and_then(Text::get) else {
        return true;
    };
    // The value of a flag may hold a path.
    let first = if word.starts_with('-') {
        word
    } else {
        basename(word)
    };
    let name = knowledge_name(&image);
    // An image of a language runs whatever it is given: `php artisan serve` in an image of php-fpm.
    let is_interpreter = first == name && INTERPRETERS.contains(&first);
    let own = first.starts_with(&name) && !is_interpreter
        || matches!(
            (name.as_str(), first),
            ("mysql" | "mariadb", "mysqld" | "mariadbd")
                | ("mongo", "mongod")
                | ("minio", "server" | "minio")
                | ("pgvector" | "timescaledb" | "postgis", "postgres")
                | ("keycloak", "start" | "start-dev" | "kc.sh")
                | ("cloudflared", "tunnel" | "access")
        );
    own || first.starts_with('-')
}
