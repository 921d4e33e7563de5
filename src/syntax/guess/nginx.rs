//! Tells nginx from everything else that ends its statements with `;` and puts blocks in braces: JavaScript, CSS, BIND,
//! dhcpd, Varnish. What counts is which words open the statements.

/// Names that begin like this are nginx directives and hardly anything else.
const FAMILIES: &[&str] = &[
    "proxy_",
    "fastcgi_",
    "uwsgi_",
    "scgi_",
    "grpc_",
    "ssl_",
    "gzip",
    "brotli",
    "client_",
    "keepalive",
    "limit_",
    "auth_",
    "real_ip_",
    "set_real_ip",
    "open_file_cache",
    "error_",
    "access_",
    "log_",
    "add_header",
    "server_name",
    "sub_filter",
    "worker_",
    "resolver",
    "send_",
    "tcp_no",
    "types_hash",
    "variables_hash",
    "map_hash",
    "large_client",
    "http2",
    "quic_",
    "http3",
    "lua_",
    "more_",
    "pagespeed",
    "modsecurity",
    "secure_link",
    "upstream_conf",
    "zone_",
    "mirror",
    "memcached_",
    "image_filter",
    "autoindex",
    "chunked_",
    "underscores_in",
    "ignore_invalid",
    "merge_slashes",
    "port_in_",
    "absolute_",
    "reset_timed",
    "lingering_",
    "output_buffers",
    "default_type",
    "try_files",
    "perl_",
    "js_",
    "geoip",
    "stub_status",
    "vhost_",
    "charset",
    "expires",
    "etag",
    "if_modified",
    "userid",
    "split_clients",
    "sendfile",
    "directio",
    "aio",
    "ssi",
    "preread_",
    "load_module",
    "dav_",
    "random_index",
    "referer_",
    "valid_referers",
    "slice",
    "max_ranges",
    "opentracing",
    "otel_",
    "vod_",
    "rtmp",
    "push_",
    "ip_hash",
    "least_",
    "master_process",
    "set_by_lua",
    "rewrite_by",
    "content_by",
    "init_by",
    "init_worker",
    "header_filter",
    "body_filter",
    "balancer_by",
    "connection_pool",
    "request_pool",
    "addition_",
    "add_before",
    "add_after",
    "add_trailer",
    "imap_",
    "pop3_",
    "smtp_",
    "xclient",
    "pcre_jit",
    "debug_",
    "uninitialized_",
    "satisfy",
    "recursive_",
    "postpone_",
    "post_action",
    "msie_",
    "disable_symlinks",
    "subrequest_",
    "xslt_",
    "empty_gif",
];

/// Names that other languages use too: known here, but no proof.
const SHARED: &[&str] = &[
    "allow",
    "alias",
    "break",
    "daemon",
    "default",
    "deny",
    "env",
    "events",
    "geo",
    "hash",
    "http",
    "if",
    "include",
    "index",
    "internal",
    "listen",
    "location",
    "mail",
    "map",
    "match",
    "multi_accept",
    "ntlm",
    "pid",
    "pool",
    "queue",
    "random",
    "return",
    "rewrite",
    "root",
    "server",
    "server_tokens",
    "server_names_hash_bucket_size",
    "set",
    "state",
    "status",
    "sticky",
    "stream",
    "thread_pool",
    "timer_resolution",
    "timeout",
    "types",
    "upstream",
    "use",
    "user",
    "zone",
    "protocol",
    "health_check",
    "accept_mutex",
    "working_directory",
    "api",
    "play",
    "live",
    "application",
    "hls",
];

/// Blocks whose entries are data, whatever they look like.
const DATA_BLOCKS: &[&str] = &[
    "map",
    "geo",
    "types",
    "split_clients",
    "match",
    "charset_map",
];

/// Whether enough statements open with a directive of nginx, and one of them is proof. Not all: modules bring their own.
pub(super) fn is_nginx(text: &str) -> bool {
    let (mut all, mut known, mut proofs) = (0_usize, 0_usize, 0_usize);
    for statement in Statements::new(text) {
        all += 1;
        let family = FAMILIES
            .iter()
            .any(|start| statement.first.starts_with(start));
        known += usize::from(family || SHARED.contains(&statement.first));
        proofs += usize::from(family || statement.is_proof());
    }
    proofs > 0 && known * 3 > all
}

/// Whether there is no statement at all: comments, white space, stray braces.
pub(super) fn is_blank(text: &str) -> bool {
    Statements::new(text).next().is_none() && !text.contains('=')
}

/// One statement: its first two words, and what ends it.
struct Statement<'a> {
    first: &'a str,
    second: &'a str,
    words: usize,
    block: bool,
}

impl Statement<'_> {
    /// A shared name that is used as nginx uses it.
    fn is_proof(&self) -> bool {
        let number =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        match self.first {
            "server" if self.block => self.words == 1,
            "server" => self.second.contains([':', '.']) && self.words < 8,
            "http" | "events" | "stream" | "types" => self.block && self.words == 1,
            "location" | "upstream" => {
                self.block && self.words > 1 && !self.second.starts_with('(')
            }
            "if" => self.block && self.second.starts_with("($"),
            "map" | "geo" => self.block && self.second.starts_with('$'),
            "allow" | "deny" => {
                self.second == "all" || self.second.starts_with(|c: char| c.is_ascii_digit())
            }
            "set" => self.second.starts_with('$') && self.words == 3,
            "return" => number(self.second) && self.second.len() == 3 && self.words <= 3,
            "root" | "alias" => self.second.starts_with(['/', '$']) && self.words == 2,
            "listen" => self.words < 12 && (number(self.second) || self.second.contains(':')),
            "include" => self.words == 2 && self.second.contains(['/', '.', '*']),
            "rewrite" => self.words >= 3 && self.second.starts_with(['^', '/']),
            _ => false,
        }
    }
}

/// Walks the statements of a text as nginx would cut them; entries of data blocks and Lua code are left out.
struct Statements<'a> {
    text: &'a str,
    at: usize,
    /// Open blocks: whether what stands in each is data.
    open: Vec<bool>,
}

impl<'a> Statements<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
        }
    }

    /// The next word or mark from here; `None` at the end.
    fn token(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at;
            match *bytes.get(start)? {
                b'#' => self.skip_line(),
                b'{' if self.skip_template() => {}
                b'{' | b'}' | b';' => {
                    self.at += 1;
                    return Some(&self.text[start..self.at]);
                }
                quote @ (b'"' | b'\'') => {
                    self.skip_quoted(quote);
                    return Some(&self.text[start..self.at]);
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => {
                    self.skip_word();
                    return Some(&self.text[start..self.at]);
                }
            }
        }
    }

    fn skip_word(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'$' if bytes.get(self.at + 1) == Some(&b'{') => {
                    self.skip_variable();
                    continue;
                }
                b'{' if self.skip_template() => continue,
                b';' | b'{' => break,
                byte if byte.is_ascii_whitespace() => break,
                _ => {}
            }
            self.at += 1;
        }
        self.stay_on_a_character();
    }

    fn skip_quoted(&mut self, quote: u8) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1 + usize::from(*byte == b'\\');
            if *byte == quote {
                break;
            }
        }
        self.stay_on_a_character();
    }

    /// Skips `{{ … }}` and `{% … %}` of a template, which are no part of the config. They are short: looking for the end
    /// no further than this keeps a text of nothing but braces linear.
    fn skip_template(&mut self) -> bool {
        const LONGEST: usize = 256;
        let rest = &self.text.as_bytes()[self.at..];
        let close: &[u8] = match rest.get(1) {
            Some(b'{') => b"}}",
            Some(b'%') => b"%}",
            _ => return false,
        };
        let within = &rest[..rest.len().min(LONGEST)];
        let Some(end) = within.windows(2).position(|pair| pair == close) else {
            return false;
        };
        self.at += end + close.len();
        true
    }

    /// `${name}`: the brace is a part of the word.
    fn skip_variable(&mut self) {
        let rest = &self.text.as_bytes()[self.at + 2..];
        let name = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        self.at += 2 + name + usize::from(rest.get(name) == Some(&b'}'));
    }

    fn skip_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        self.at += end.unwrap_or(rest.len());
    }

    fn stay_on_a_character(&mut self) {
        self.at = self.at.min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }
}

impl<'a> Iterator for Statements<'a> {
    type Item = Statement<'a>;

    fn next(&mut self) -> Option<Statement<'a>> {
        let (mut first, mut second, mut words) = ("", "", 0);
        loop {
            let token = self.token()?;
            let in_data = self.open.last() == Some(&true);
            match token {
                "}" => {
                    self.open.pop();
                    (first, second, words) = ("", "", 0);
                }
                ";" | "{" => {
                    let block = token == "{";
                    if block {
                        let data = in_data
                            || DATA_BLOCKS.contains(&first)
                            || first.ends_with("_by_lua_block");
                        self.open.push(data);
                    }
                    if words > 0 && !in_data {
                        return Some(Statement {
                            first,
                            second,
                            words,
                            block,
                        });
                    }
                    (first, second, words) = ("", "", 0);
                }
                word => {
                    match words {
                        0 => first = word,
                        1 => second = word,
                        _ => {}
                    }
                    words += 1;
                }
            }
        }
    }
}
