//! Which language a file is written in. Names mislead (`default.conf`, `web.vhost`, `nginx.tmpl`, and a thousand `*.conf`
//! that are Apache's, PHP's or Redis'), so the text decides, and a name only where the text is silent.

mod haproxy;
mod nginx;

/// A language that no502 reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// An nginx configuration, whole or a fragment.
    Nginx,
    /// A HAProxy configuration.
    Haproxy,
    /// A compose file.
    Compose,
    /// A Dockerfile.
    Dockerfile,
}

/// A text longer than this is judged by its head.
const HEAD: usize = 256 * 1024;

/// Files whose text may quote a config, but is none.
const OTHER_LANGUAGES: &[&str] = &[
    "bash", "c", "cc", "cpp", "cs", "css", "csv", "ex", "exs", "go", "h", "hcl", "htm", "html",
    "ini", "java", "js", "json", "jsx", "kt", "less", "lock", "log", "lua", "md", "php", "pl",
    "ps1", "py", "rb", "rs", "rst", "scala", "scss", "sh", "sql", "svg", "swift", "tf", "toml",
    "ts", "tsx", "vcl", "vue", "xml",
];

/// Endings that a template adds to the name of what it makes.
const TEMPLATE_ENDINGS: &[&str] = &[
    "j2", "jinja", "jinja2", "erb", "tmpl", "tpl", "template", "tftpl", "dist", "example", "sample",
];

/// Which language a text is written in; `None` for every file that no502 has nothing to say about. `path` may be
/// absolute or relative, with `/` between its parts.
pub fn guess(path: &str, text: &str) -> Option<Format> {
    let name = Name::new(path);
    let head = head(text);
    if name.is_dockerfile() {
        return Some(Format::Dockerfile);
    }
    if name.is_yaml() {
        let compose = name.is_compose_default() || is_compose(head);
        return compose.then_some(Format::Compose);
    }
    if OTHER_LANGUAGES.contains(&name.ending) {
        let compose = name.ending == "json" && is_compose_json(head);
        return compose.then_some(Format::Compose);
    }
    by_text(head).or_else(|| name.says(head))
}

fn by_text(text: &str) -> Option<Format> {
    if haproxy::is_haproxy(text) {
        return Some(Format::Haproxy);
    }
    if nginx::is_nginx(text) {
        return Some(Format::Nginx);
    }
    if is_dockerfile(text) {
        return Some(Format::Dockerfile);
    }
    is_compose(text).then_some(Format::Compose)
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_start_matches('\u{feff}')
}

/// A file name without the ending that marks it as a template.
struct Name<'a> {
    /// `nginx.conf` of `/srv/nginx.conf.j2`, in lower case.
    base: String,
    /// What follows its last dot, in lower case; empty if there is none.
    ending: &'a str,
}

impl Name<'_> {
    fn new(path: &str) -> Self {
        let mut base = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        while let Some((stem, ending)) = base.rsplit_once('.') {
            if !TEMPLATE_ENDINGS.contains(&ending) || stem.is_empty() {
                break;
            }
            base.truncate(stem.len());
        }
        let ending = match base.rsplit_once('.') {
            Some((_, ending)) => OTHER_LANGUAGES
                .iter()
                .chain(&["yml", "yaml", "dockerfile", "containerfile"])
                .find(|known| **known == ending)
                .copied(),
            None => None,
        };
        Self {
            base,
            ending: ending.unwrap_or_default(),
        }
    }

    fn is_yaml(&self) -> bool {
        matches!(self.ending, "yml" | "yaml")
    }

    fn is_dockerfile(&self) -> bool {
        let stem = self.base.split('.').next().unwrap_or_default();
        matches!(stem, "dockerfile" | "containerfile") && !OTHER_LANGUAGES.contains(&self.ending)
            || matches!(self.ending, "dockerfile" | "containerfile")
    }

    /// The four names that docker compose looks for by itself: what they hold is meant to be a compose file.
    fn is_compose_default(&self) -> bool {
        matches!(
            self.base.as_str(),
            "compose.yaml" | "compose.yml" | "docker-compose.yaml" | "docker-compose.yml"
        )
    }

    /// Other tools have an `nginx.conf` too, such as a log parser's patterns; nobody but HAProxy has a `haproxy.cfg`.
    fn says(&self, text: &str) -> Option<Format> {
        match self.base.as_str() {
            "nginx.conf" if nginx::is_blank(text) => Some(Format::Nginx),
            "haproxy.cfg" => Some(Format::Haproxy),
            _ => None,
        }
    }
}

/// The first instruction of a Dockerfile is `FROM`, or an `ARG` before it.
fn is_dockerfile(text: &str) -> bool {
    let mut instructions = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            (words.next().unwrap_or_default(), words.next())
        });
    let Some((first, Some(_))) = instructions.next() else {
        return false;
    };
    let is_instruction = |word: &str| {
        [
            "run",
            "copy",
            "cmd",
            "entrypoint",
            "expose",
            "env",
            "workdir",
            "from",
            "label",
            "user",
            "add",
        ]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
    };
    match first.to_ascii_lowercase().as_str() {
        "from" => instructions.any(|(word, _)| is_instruction(word)),
        "arg" => instructions.any(|(word, _)| word.eq_ignore_ascii_case("from")),
        _ => false,
    }
}

/// Keys of a service that other files with a `services:` (GitLab CI, Symfony, Travis) do not have in that place.
const SERVICE_KEYS: &[&str] = &[
    "<<",
    "annotations",
    "build",
    "cap_add",
    "command",
    "configs",
    "container_name",
    "cpus",
    "depends_on",
    "deploy",
    "develop",
    "devices",
    "dns",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extends",
    "extra_hosts",
    "gpus",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "ipc",
    "labels",
    "links",
    "logging",
    "mem_limit",
    "models",
    "network_mode",
    "networks",
    "platform",
    "ports",
    "post_start",
    "pre_stop",
    "privileged",
    "profiles",
    "provider",
    "pull_policy",
    "read_only",
    "restart",
    "runtime",
    "scale",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "user",
    "volumes",
    "volumes_from",
    "working_dir",
];

/// A top-level `services:` with a map of maps beneath it, one of which has a key that only a service has; or a file of
/// `include:` alone.
fn is_compose(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| {
        let trimmed = line.trim_start();
        !trimmed.is_empty() && !trimmed.starts_with('#')
    });
    let Some(services) = lines
        .by_ref()
        .find(|line| top_level_key(line) == Some("services"))
    else {
        return is_include_only(text);
    };
    if services.contains('{') {
        return services.contains("image") || services.contains("build");
    }
    let mut depth = None;
    for line in lines {
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            if top_level_key(line).is_some() {
                break;
            }
            continue;
        }
        let names = *depth.get_or_insert(indent);
        if indent > names && key(line.trim_start()).is_some_and(|key| SERVICE_KEYS.contains(&key)) {
            return true;
        }
        if indent == names
            && (line.contains("image:") || line.contains("build:"))
            && line.contains('{')
        {
            return true;
        }
    }
    false
}

/// `include:` at the top level, of compose files.
fn is_include_only(text: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|line| top_level_key(line) == Some("include"))
        && lines.any(|line| line.contains("compose"))
}

fn top_level_key(line: &str) -> Option<&str> {
    if line.starts_with([' ', '\t', '-']) {
        return None;
    }
    key(line)
}

/// The key of a line of YAML, its quotes taken off.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    Some(key.trim_end().trim_matches(['"', '\'']))
}

fn is_compose_json(text: &str) -> bool {
    let compact = |quoted: &str| text.contains(quoted);
    compact("\"services\"") && (compact("\"image\"") || compact("\"build\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_decides_over_the_name() {
        let cases = [
            (
                "etc/nginx/mime.types",
                "types { text/html html htm; }",
                Some(Format::Nginx),
            ),
            (
                "snippets/hsts",
                "add_header Strict-Transport-Security max-age=1;",
                Some(Format::Nginx),
            ),
            (
                "web.conf.j2",
                "server {\n{% for a in b %}\n  location / { proxy_pass http://{{ a }}; }\n{% endfor %}\n}",
                Some(Format::Nginx),
            ),
            (
                "lb.txt",
                "defaults\n  mode http\nbackend x\n  server a a:1\n",
                Some(Format::Haproxy),
            ),
            (
                "stack.yml",
                "services:\n  web:\n    image: a\n",
                Some(Format::Compose),
            ),
            ("ci.yml", "services:\n  - docker\n", None),
            (
                "services.yaml",
                "services:\n  _defaults:\n    autowire: true\n",
                None,
            ),
            ("build.txt", "FROM a\nRUN b\n", Some(Format::Dockerfile)),
            ("Dockerfile.dev", "", Some(Format::Dockerfile)),
        ];
        for (path, text, format) in cases {
            assert_eq!(guess(path, text), format, "{path}");
        }
    }

    #[test]
    fn other_configs_are_none() {
        let cases = [
            (
                "nginx/modsecurity.conf",
                "SecRuleEngine On\nSecRule ARGS \"a;b\" \"id:1,deny\"\n",
            ),
            (
                "httpd.conf",
                "Listen 80\n<VirtualHost *:80>\n  ProxyPass / http://a/\n</VirtualHost>\n",
            ),
            ("php.ini", "[PHP]\n; a comment\nengine = On\n"),
            (
                "www.conf",
                "[www]\n; listen;\nlisten = 127.0.0.1:9000\npm = dynamic\n",
            ),
            (
                "app.service",
                "[Unit]\nDescription=a\n[Service]\nUser=www-data\nTimeoutStopSec=5\n",
            ),
            (
                "redis.conf",
                "bind 127.0.0.1\nport 6379\ntimeout 0\ndaemonize no\n",
            ),
            (
                "sshd_config",
                "Port 22\nListenAddress 0.0.0.0\nSubsystem sftp /usr/lib/sftp\n",
            ),
            (
                "named.conf",
                "options {\n  listen-on port 53 { any; };\n};\nzone \"a\" { type master; file \"b\"; };\n",
            ),
            (
                "dhcpd.conf",
                "subnet 10.0.0.0 netmask 255.0.0.0 {\n  range 10.0.0.1 10.0.0.9;\n  allow booting;\n}\n",
            ),
            (
                "default.vcl",
                "backend default { .host = \"a\"; .port = \"80\"; }\nsub vcl_recv { return (hash); }\n",
            ),
            ("smb.conf", "[global]\n  workgroup = a\n"),
            ("app.js", "server { listen 80; }"),
            ("prometheus.yml", "global:\n  scrape_interval: 15s\n"),
        ];
        for (path, text) in cases {
            assert_eq!(guess(path, text), None, "{path}");
        }
    }

    #[test]
    fn any_text_is_judged_in_linear_time() {
        for text in ["{", "}", "{{", "${", "\"", "é\\", "services:\n ", "a{%"] {
            guess("nginx.conf", &text.repeat(50_000));
        }
    }
}
