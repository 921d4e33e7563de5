//! Dockerfile: stages and instructions with spans.
