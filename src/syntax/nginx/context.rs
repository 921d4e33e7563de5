//! Which block a directive may stand in: nginx answers `"location" directive is not allowed here` and does not start.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Directive;
use crate::finding::SyntaxError;

/// The first directive of each block that nginx does not take there. What a file holds at its top is judged only where the
/// file is a main one: any other is included somewhere.
pub(super) fn misplaced(directives: &[Directive]) -> Vec<SyntaxError> {
    let mut found = Vec::new();
    let mains = ["events", "http", "stream", "mail"];
    let is_main = |one: &Directive| one.block.is_some() && mains.contains(&one.name.value.as_str());
    let context = if directives.iter().any(is_main) {
        Context::Main
    } else {
        Context::Top
    };
    walk(context, directives, &mut found);
    found
}

/// What stands around a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Main,
    Events,
    Http,
    Server,
    Location,
    If,
    IfInServer,
    LimitExcept,
    Upstream,
    /// `server` at the top of a file: that of `stream` looks the same.
    AnyServer,
    Stream,
    StreamServer,
    Mail,
    /// The top of a file that another one includes.
    Top,
    /// A block that is not known here, or one that holds no directives.
    Unknown,
}

impl Context {
    /// Inside a block of a name.
    fn within(self, name: &str) -> Self {
        match (self, name) {
            (Self::Main, "http") => Self::Http,
            (Self::Main, "events") => Self::Events,
            (Self::Main, "stream") => Self::Stream,
            (Self::Main, "mail") => Self::Mail,
            (Self::Http, "server") => Self::Server,
            (Self::Http | Self::Top, "upstream") => Self::Upstream,
            (Self::Top, "server") => Self::AnyServer,
            (Self::Stream | Self::Mail, "server") => Self::StreamServer,
            (Self::Top | Self::Server | Self::AnyServer | Self::Location, "location") => {
                Self::Location
            }
            (Self::Location, "if") => Self::If,
            (Self::Server | Self::AnyServer, "if") => Self::IfInServer,
            (Self::Location, "limit_except") => Self::LimitExcept,
            _ => Self::Unknown,
        }
    }

    /// The name of its block, as the table has it.
    fn word(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Events => "events",
            Self::Http => "http",
            Self::Server | Self::AnyServer | Self::StreamServer => "server",
            Self::Location => "location",
            Self::If => "if",
            Self::IfInServer => "if-in-server",
            Self::LimitExcept => "limit_except",
            Self::Upstream => "upstream",
            Self::Stream => "stream",
            Self::Mail => "mail",
            Self::Top | Self::Unknown => "",
        }
    }

    /// Whether nginx refuses a directive here.
    fn refuses(self, directive: &Directive) -> bool {
        let name = directive.name.value.as_str();
        match self {
            Self::Top | Self::Unknown => false,
            Self::Stream => OF_HTTP_ALONE.contains(&name),
            Self::Mail => OF_HTTP_ALONE.contains(&name) || OF_BOTH.contains(&name),
            Self::StreamServer => {
                OF_HTTP_ALONE.contains(&name) || OF_BOTH.contains(&name) || name == "server"
            }
            // That of `stream` takes an address, that of `http` a URL, and stands in a location.
            Self::AnyServer if name == "proxy_pass" => {
                let first = directive.args.first();
                first.is_some_and(|url| url.value.contains("://"))
            }
            _ => {
                let places = PLACES.get(name);
                places.is_some_and(|places| !places.contains(&self.word()))
            }
        }
    }
}

fn walk(context: Context, directives: &[Directive], found: &mut Vec<SyntaxError>) {
    let mut is_told = false;
    for directive in directives {
        if context.refuses(directive) {
            if !is_told {
                found.push(error(context, directive));
                is_told = true;
            }
            continue;
        }
        if let Some(block) = &directive.block {
            walk(context.within(&directive.name.value), block, found);
        }
    }
}

fn error(context: Context, directive: &Directive) -> SyntaxError {
    let name = &directive.name.value;
    let around = match context {
        Context::Main => "outside of every block".to_owned(),
        Context::IfInServer => "in if".to_owned(),
        _ => format!("in {}", context.word()),
    };
    let places = PLACES.get(name.as_str()).map_or(&[][..], Vec::as_slice);
    SyntaxError {
        span: directive.name.span,
        message: format!("\"{name}\" directive is not allowed here, {around}"),
        expected: format!("\"{name}\" {} alone", list(places)),
    }
}

/// `in http, server or location`.
fn list(places: &[&str]) -> String {
    let words: Vec<&str> = places
        .iter()
        .map(|place| match *place {
            "if" => "an if of a location",
            "if-in-server" => "an if of a server",
            other => other,
        })
        .collect();
    match words.as_slice() {
        ["main"] => "outside of every block".to_owned(),
        [first @ .., last] if !first.is_empty() => format!("in {} or {last}", first.join(", ")),
        all => format!("in {}", all.concat()),
    }
}

/// Blocks of `http` and of a main file that `stream` and `mail` do not know.
const OF_HTTP_ALONE: [&str; 8] = [
    "http",
    "events",
    "stream",
    "mail",
    "location",
    "limit_except",
    "types",
    "charset_map",
];

/// Blocks of `http` and of `stream`, but of no `server` there.
const OF_BOTH: [&str; 4] = ["upstream", "map", "geo", "split_clients"];

static PLACES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut places = HashMap::new();
    let mut here = Vec::new();
    for word in TABLE.split_whitespace() {
        // plain: a line of the project's own table
        match word.strip_suffix(':') {
            Some(all) => here = all.split(',').collect(),
            None => {
                places.insert(word, here.clone());
            }
        }
    }
    places
});

/// Where nginx 1.22 takes each of its directives: each was put into each kind of block, and `nginx -t` asked. What a later
/// version takes in a further place is left out.
const TABLE: &str = "
events: accept_mutex debug_connection multi_accept use worker_aio_requests worker_connections
http: charset_map fastcgi_cache_path geo limit_conn_zone limit_req_zone log_format map map_hash_bucket_size
map_hash_max_size proxy_cache_path server_names_hash_bucket_size server_names_hash_max_size split_clients upstream
variables_hash_bucket_size variables_hash_max_size
location: alias empty_gif flv internal limit_except mp4 random_index
main: daemon stream mail debug_points env events http load_module lock_file master_process pcre_jit pid ssl_engine thread_pool
timer_resolution user worker_cpu_affinity worker_priority worker_processes worker_rlimit_core worker_rlimit_nofile
worker_shutdown_timeout working_directory
server: listen server_name
upstream: hash ip_hash keepalive least_conn random zone
http,server: client_header_buffer_size client_header_timeout connection_pool_size http2_body_preread_size
http2_idle_timeout http2_max_concurrent_streams http2_max_field_size http2_max_requests http2_recv_timeout
ignore_invalid_headers large_client_header_buffers merge_slashes request_pool_size ssl ssl_buffer_size ssl_certificate
ssl_certificate_key ssl_ciphers ssl_client_certificate ssl_conf_command ssl_crl ssl_dhparam ssl_early_data
ssl_ecdh_curve ssl_password_file ssl_prefer_server_ciphers ssl_protocols ssl_reject_handshake ssl_session_cache
ssl_session_ticket_key ssl_session_tickets ssl_session_timeout ssl_stapling ssl_stapling_file ssl_stapling_verify
ssl_trusted_certificate ssl_verify_client ssl_verify_depth underscores_in_headers
http,upstream: server
location,if: fastcgi_pass grpc_pass memcached_pass scgi_pass uwsgi_pass
server,location: if location stub_status try_files valid_referers
http,server,location: absolute_redirect add_after_body add_before_body addition_types aio aio_write ancient_browser
auth_delay auth_request auth_request_set autoindex autoindex_format charset_types chunked_transfer_encoding
client_body_buffer_size client_body_in_file_only client_body_in_single_buffer client_body_temp_path
client_body_timeout client_max_body_size dav_methods default_type directio directio_alignment disable_symlinks etag
fastcgi_bind fastcgi_buffer_size fastcgi_buffering fastcgi_buffers fastcgi_busy_buffers_size fastcgi_cache
fastcgi_cache_bypass fastcgi_cache_key fastcgi_cache_lock fastcgi_cache_methods fastcgi_cache_min_uses
fastcgi_cache_use_stale fastcgi_cache_valid fastcgi_catch_stderr fastcgi_connect_timeout fastcgi_hide_header
fastcgi_ignore_client_abort fastcgi_ignore_headers fastcgi_index fastcgi_intercept_errors fastcgi_keep_conn
fastcgi_limit_rate fastcgi_max_temp_file_size fastcgi_next_upstream fastcgi_next_upstream_tries fastcgi_no_cache
fastcgi_param fastcgi_pass_header fastcgi_pass_request_body fastcgi_read_timeout fastcgi_request_buffering
fastcgi_send_timeout fastcgi_split_path_info fastcgi_store fastcgi_temp_path grpc_buffer_size grpc_connect_timeout
grpc_hide_header grpc_next_upstream grpc_next_upstream_tries grpc_pass_header grpc_read_timeout grpc_send_timeout
grpc_set_header grpc_socket_keepalive grpc_ssl_name grpc_ssl_protocols grpc_ssl_server_name
grpc_ssl_trusted_certificate grpc_ssl_verify gunzip gzip_buffers gzip_comp_level gzip_disable gzip_http_version
gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary http2_chunk_size http2_push http2_push_preload
if_modified_since index keepalive_disable limit_conn limit_conn_dry_run limit_conn_log_level limit_conn_status
limit_req limit_req_dry_run limit_req_log_level limit_req_status lingering_close lingering_time lingering_timeout
log_not_found log_subrequest max_ranges memcached_connect_timeout memcached_next_upstream memcached_read_timeout
mirror mirror_request_body msie_padding open_file_cache open_file_cache_errors open_file_cache_min_uses
open_file_cache_valid open_log_file_cache output_buffers port_in_redirect postpone_output proxy_bind proxy_buffer_size
proxy_buffering proxy_buffers proxy_busy_buffers_size proxy_cache proxy_cache_background_update proxy_cache_bypass
proxy_cache_key proxy_cache_lock proxy_cache_methods proxy_cache_min_uses proxy_cache_revalidate proxy_cache_use_stale
proxy_cache_valid proxy_connect_timeout proxy_cookie_domain proxy_cookie_flags proxy_cookie_path proxy_force_ranges
proxy_headers_hash_bucket_size proxy_headers_hash_max_size proxy_hide_header proxy_http_version
proxy_ignore_client_abort proxy_ignore_headers proxy_intercept_errors proxy_limit_rate proxy_max_temp_file_size
proxy_method proxy_next_upstream proxy_next_upstream_timeout proxy_next_upstream_tries proxy_no_cache
proxy_pass_header proxy_pass_request_body proxy_pass_request_headers proxy_read_timeout proxy_redirect
proxy_request_buffering proxy_send_timeout proxy_set_body proxy_set_header proxy_socket_keepalive
proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_conf_command proxy_ssl_crl proxy_ssl_name
proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_trusted_certificate proxy_ssl_verify
proxy_ssl_verify_depth proxy_store proxy_store_access proxy_temp_file_write_size proxy_temp_path read_ahead
real_ip_header real_ip_recursive recursive_error_pages reset_timedout_connection satisfy scgi_connect_timeout
scgi_param scgi_read_timeout secure_link secure_link_secret send_lowat send_timeout sendfile_max_chunk
server_name_in_redirect server_tokens set_real_ip_from slice ssi_last_modified ssi_silent_errors ssi_types sub_filter
sub_filter_last_modified sub_filter_once sub_filter_types subrequest_output_buffer_size tcp_nodelay tcp_nopush types
types_hash_bucket_size types_hash_max_size userid uwsgi_buffer_size uwsgi_buffering uwsgi_buffers uwsgi_cache
uwsgi_connect_timeout uwsgi_ignore_client_abort uwsgi_intercept_errors uwsgi_modifier1 uwsgi_next_upstream uwsgi_param
uwsgi_read_timeout uwsgi_send_timeout
location,if,limit_except: proxy_pass
http,server,location,if: add_header add_trailer charset error_page expires gzip limit_rate limit_rate_after
override_charset post_action root sendfile source_charset ssi
http,server,location,limit_except: allow auth_basic auth_basic_user_file deny
http,server,location,upstream: keepalive_requests keepalive_timeout
main,http,server,location: error_log
server,location,if,if-in-server: break return rewrite set
http,server,location,if,limit_except: access_log
http,server,location,if,if-in-server: rewrite_log uninitialized_variable_warn
";

#[cfg(test)]
mod tests {
    use crate::source::FileId;
    use crate::syntax::nginx::parse;

    fn said(text: &str) -> Vec<String> {
        let refused = parse(FileId(0), text).refused.into_iter();
        refused.map(|error| error.message).collect()
    }

    #[test]
    fn one_error_of_each_block() {
        let nested = "server {\n".repeat(100) + &"}\n".repeat(100);
        assert_eq!(
            said(&nested),
            ["\"server\" directive is not allowed here, in server"]
        );
        let http =
            "events {}\nhttp {\n location / {}\n location /a {}\n server { upstream u {} }\n}\n";
        assert_eq!(
            said(http),
            [
                "\"location\" directive is not allowed here, in http",
                "\"upstream\" directive is not allowed here, in server"
            ]
        );
        let main = "http {}\nserver { listen 80; }\n";
        assert_eq!(
            said(main),
            ["\"server\" directive is not allowed here, outside of every block"]
        );
    }

    #[test]
    fn what_another_file_may_include_is_not_judged() {
        for text in [
            "location / { proxy_pass http://web; }\n",
            "worker_processes 4;\nuser www-data;\n",
            "server { listen 5432; proxy_pass db:5432; }\n",
            "upstream u { server a; resolver 127.0.0.11; zone u 64k; }\n",
            "stream { upstream u { server a:1; } server { listen 1; proxy_pass u; } }\n",
            "http { lua_block { server {} } map $a $b { server 1; } }\n",
            "events {}\nrtmp { server { listen 1935; application live { location / {} } } }\n",
            "rtmp { server { proxy_read_timeout 5s; worker_processes 1; } }\n",
        ] {
            assert!(said(text).is_empty(), "{text}");
        }
    }
}
