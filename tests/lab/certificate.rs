//! Certificates of an example, made anew for each run: no key lies in the repository, and none ever expires in it.

use std::path::Path;
use std::process::Command;

use super::program::need;
use super::spec::{Certificate, Only};

/// The path and the text of each: certificate and key, in one file unless a page has two.
pub(crate) fn make(
    all: &[Certificate],
    only: Only,
    dir: &Path,
) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    let wanted = |told: &&Certificate| told.only.is_none_or(|other| other == only);
    for told in all.iter().filter(wanted) {
        let (certificate, key) = text(told, dir)?;
        match &told.key {
            Some(path) => files.extend([(told.file.clone(), certificate), (path.clone(), key)]),
            None => files.push((told.file.clone(), certificate + &key)),
        }
    }
    Ok(files)
}

fn text(told: &Certificate, dir: &Path) -> Result<(String, String), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", told.file);
    std::fs::create_dir_all(dir).map_err(failed)?;
    let (key, certificate) = (dir.join("made.key"), dir.join("made.pem"));
    let names: Vec<String> = told
        .names
        .iter()
        .map(|name| format!("DNS:{name}"))
        .collect();
    let mut command = Command::new(need("openssl")?);
    // Signed by itself: a file that holds it is also the one that says whom to trust.
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "7",
    ]);
    command.arg("-subj").arg(format!(
        "/CN={}",
        told.names.first().map_or("lab", String::as_str)
    ));
    if !names.is_empty() {
        command
            .arg("-addext")
            .arg(format!("subjectAltName={}", names.join(",")));
    }
    command
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let output = command.output().map_err(failed)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let read = |path: &Path| std::fs::read_to_string(path).map_err(failed);
    Ok((read(&certificate)?, read(&key)?))
}
