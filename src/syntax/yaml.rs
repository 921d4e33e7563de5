//! YAML to nodes with spans. The only place that knows the YAML crate.
