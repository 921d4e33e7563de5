//! What nginx knows of its own directives that decides where one ends: which never open a block, and which must.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether nginx answers `directive "…" is not terminated by ";"` when a block follows the name in such a block.
pub(super) fn never_opens_block(name: &str, parent: &str) -> bool {
    SIMPLE.contains(name) || name == "server" && parent == "upstream"
}

/// Whether nginx answers `directive "…" has no opening "{"` when a `;` follows the name in such a block. A name is
/// judged only inside a block that is known: at the top of a file it may be the key of a map that includes the file.
pub(super) fn must_open_block(name: &str, parent: &str) -> bool {
    match name {
        "server" => matches!(parent, "http" | "stream" | "mail"),
        "upstream" | "map" | "geo" | "split_clients" => matches!(parent, "http" | "stream"),
        "types" => matches!(parent, "http" | "server" | "location"),
        "location" | "if" => matches!(parent, "server" | "location"),
        "limit_except" => parent == "location",
        _ => false,
    }
}

/// Whether a block holds entries, pairs of words that nginx does not look up as directives, and no further block.
pub(super) fn holds_entries(block: &str) -> bool {
    matches!(
        block,
        "map" | "geo" | "types" | "split_clients" | "charset_map"
    )
}

static SIMPLE: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| SIMPLE_NAMES.split_whitespace().collect());

/// Directives of nginx itself without a block form; each was given a block, and `nginx -t` gave that answer.
const SIMPLE_NAMES: &str = "
absolute_redirect accept_mutex access_log add_after_body add_before_body add_header add_trailer aio alias allow
auth_basic auth_basic_user_file auth_request auth_request_set autoindex break charset chunked_transfer_encoding
client_body_buffer_size client_body_temp_path client_body_timeout client_header_buffer_size
client_header_timeout client_max_body_size daemon default_type deny directio disable_symlinks env error_log
error_page etag expires fastcgi_buffer_size fastcgi_buffering fastcgi_buffers fastcgi_busy_buffers_size
fastcgi_cache fastcgi_cache_bypass fastcgi_cache_key fastcgi_cache_path fastcgi_cache_use_stale
fastcgi_cache_valid fastcgi_connect_timeout fastcgi_hide_header fastcgi_ignore_client_abort
fastcgi_ignore_headers fastcgi_index fastcgi_intercept_errors fastcgi_keep_conn fastcgi_next_upstream
fastcgi_no_cache fastcgi_param fastcgi_pass fastcgi_pass_header fastcgi_read_timeout fastcgi_request_buffering
fastcgi_send_timeout fastcgi_split_path_info fastcgi_temp_path grpc_connect_timeout grpc_next_upstream grpc_pass
grpc_read_timeout grpc_send_timeout grpc_set_header grpc_ssl_name grpc_ssl_server_name
grpc_ssl_trusted_certificate grpc_ssl_verify gunzip gzip gzip_buffers gzip_comp_level gzip_disable
gzip_http_version gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary hash http2 http2_push
if_modified_since ignore_invalid_headers include index internal ip_hash keepalive keepalive_disable
keepalive_requests keepalive_time keepalive_timeout large_client_header_buffers least_conn limit_conn
limit_conn_log_level limit_conn_status limit_conn_zone limit_rate limit_rate_after limit_req limit_req_log_level
limit_req_status limit_req_zone lingering_close lingering_time lingering_timeout listen load_module log_format
log_not_found log_subrequest map_hash_bucket_size map_hash_max_size max_ranges merge_slashes mirror msie_padding
multi_accept open_file_cache open_file_cache_errors open_file_cache_min_uses open_file_cache_valid
output_buffers pid port_in_redirect proxy_bind proxy_buffer_size proxy_buffering proxy_buffers
proxy_busy_buffers_size proxy_cache proxy_cache_background_update proxy_cache_bypass proxy_cache_key
proxy_cache_lock proxy_cache_methods proxy_cache_min_uses proxy_cache_path proxy_cache_revalidate
proxy_cache_use_stale proxy_cache_valid proxy_connect_timeout proxy_cookie_domain proxy_cookie_flags
proxy_cookie_path proxy_force_ranges proxy_headers_hash_bucket_size proxy_headers_hash_max_size
proxy_hide_header proxy_http_version proxy_ignore_client_abort proxy_ignore_headers proxy_intercept_errors
proxy_max_temp_file_size proxy_method proxy_next_upstream proxy_next_upstream_timeout proxy_next_upstream_tries
proxy_no_cache proxy_pass proxy_pass_header proxy_pass_request_body proxy_pass_request_headers
proxy_read_timeout proxy_redirect proxy_request_buffering proxy_responses proxy_send_timeout proxy_set_body
proxy_set_header proxy_socket_keepalive proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers
proxy_ssl_name proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_trusted_certificate
proxy_ssl_verify proxy_ssl_verify_depth proxy_store proxy_temp_file_write_size proxy_temp_path proxy_timeout
random real_ip_header real_ip_recursive recursive_error_pages request_pool_size reset_timedout_connection
resolver resolver_timeout return rewrite rewrite_log root satisfy scgi_param scgi_pass secure_link send_timeout
sendfile sendfile_max_chunk server_name server_name_in_redirect server_names_hash_bucket_size
server_names_hash_max_size server_tokens set set_real_ip_from slice source_charset ssi ssl ssl_buffer_size
ssl_certificate ssl_certificate_key ssl_ciphers ssl_client_certificate ssl_conf_command ssl_crl ssl_dhparam
ssl_early_data ssl_ecdh_curve ssl_password_file ssl_prefer_server_ciphers ssl_preread ssl_protocols
ssl_reject_handshake ssl_session_cache ssl_session_ticket_key ssl_session_tickets ssl_session_timeout
ssl_stapling ssl_stapling_file ssl_stapling_verify ssl_trusted_certificate ssl_verify_client ssl_verify_depth
stub_status sub_filter sub_filter_once sub_filter_types tcp_nodelay tcp_nopush timer_resolution try_files
types_hash_bucket_size types_hash_max_size underscores_in_headers uninitialized_variable_warn use user userid
uwsgi_buffer_size uwsgi_buffering uwsgi_buffers uwsgi_connect_timeout uwsgi_ignore_client_abort
uwsgi_intercept_errors uwsgi_next_upstream uwsgi_param uwsgi_pass uwsgi_read_timeout uwsgi_send_timeout
valid_referers variables_hash_bucket_size variables_hash_max_size worker_connections worker_cpu_affinity
worker_priority worker_processes worker_rlimit_core worker_rlimit_nofile worker_shutdown_timeout
working_directory zone
";
