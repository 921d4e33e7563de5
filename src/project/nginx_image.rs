//! The nginx images that are known: where the main file lies in each, and what of it matters here.

use super::image_name::repository;

/// An image that runs nginx.
pub struct NginxImage {
    repositories: &'static [&'static str],
    /// Path of the main file in the container.
    pub main: &'static str,
    /// What the main file says, as far as rules look at it.
    pub text: &'static str,
    /// Whether it writes configs while it runs, so that those of the project are never all of them.
    pub writes: bool,
    /// Whether it puts its files where they are missing, into a mounted folder as well.
    pub seeds: bool,
}

/// Sources: the nginx.conf of each image, read in its repository.
const IMAGES: &[NginxImage] = &[
    // nginxinc/docker-nginx; the others build on it.
    NginxImage {
        repositories: &[
            "nginx",
            "nginxinc/nginx-unprivileged",
            "nginx/nginx-unprivileged",
            "jonasal/nginx-certbot",
            "chainguard/nginx",
            "ubuntu/nginx",
        ],
        main: "/etc/nginx/nginx.conf",
        text: "http {\n    keepalive_timeout 65;\n    include /etc/nginx/conf.d/*.conf;\n}\n",
        writes: false,
        seeds: false,
    },
    // openresty/docker-openresty, nginx.conf.
    NginxImage {
        repositories: &["openresty/openresty"],
        main: "/usr/local/openresty/nginx/conf/nginx.conf",
        text: "http {\n    keepalive_timeout 65;\n    include /etc/nginx/conf.d/*.conf;\n}\n",
        writes: false,
        seeds: false,
    },
    // bitnami/containers, bitnami/nginx: conf/nginx.conf.
    NginxImage {
        repositories: &["bitnami/nginx", "bitnamilegacy/nginx"],
        main: "/opt/bitnami/nginx/conf/nginx.conf",
        text: "http {\n    keepalive_timeout 65;\n    include /opt/bitnami/nginx/conf/server_blocks/*.conf;\n    server {\n        listen 8080;\n    }\n}\n",
        writes: false,
        seeds: false,
    },
    // nginx-proxy/nginx-proxy: docker-gen writes conf.d/default.conf from the running containers.
    NginxImage {
        repositories: &["nginxproxy/nginx-proxy", "jwilder/nginx-proxy"],
        main: "/etc/nginx/nginx.conf",
        text: "http {\n    keepalive_timeout 65;\n    include /etc/nginx/conf.d/*.conf;\n}\n",
        writes: true,
        seeds: false,
    },
    // linuxserver/docker-baseimage-alpine-nginx, nginx.conf.sample; the samples are copied into /config.
    NginxImage {
        repositories: &["linuxserver/swag", "linuxserver/nginx"],
        main: "/config/nginx/nginx.conf",
        text: "http {\n    map $http_upgrade $connection_upgrade {\n        default upgrade;\n        '' close;\n    }\n    http2 on;\n    client_max_body_size 0;\n    include /config/nginx/site-confs/*.conf;\n}\n",
        writes: true,
        seeds: true,
    },
    // NginxProxyManager/nginx-proxy-manager, docker/rootfs/etc/nginx/nginx.conf; hosts are written from its database.
    NginxImage {
        repositories: &["jc21/nginx-proxy-manager"],
        main: "/etc/nginx/nginx.conf",
        text: "http {\n    keepalive_timeout 90s;\n    proxy_connect_timeout 90s;\n    proxy_send_timeout 90s;\n    proxy_read_timeout 90s;\n    proxy_http_version 1.1;\n    client_max_body_size 2000m;\n    include /data/nginx/custom/http_top[.]conf;\n    include /data/nginx/proxy_host/*.conf;\n    include /data/nginx/custom/http[.]conf;\n}\nstream {\n    include /data/nginx/stream/*.conf;\n    include /data/nginx/custom/stream[.]conf;\n}\n",
        writes: true,
        seeds: false,
    },
];

impl NginxImage {
    /// What its main file is called where it is shown.
    pub fn name(&self) -> String {
        match self.repositories[0] {
            "nginx" => "nginx.conf of the image".to_owned(),
            other => format!("nginx.conf of {other}"),
        }
    }
}

/// What is known of an image; `None` if it is none of them.
pub fn nginx_image(image: &str) -> Option<&'static NginxImage> {
    let name = repository(image);
    IMAGES
        .iter()
        .find(|image| image.repositories.contains(&name))
}
