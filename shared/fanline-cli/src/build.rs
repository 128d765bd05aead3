//! Builds the template's functions with cargo and finds their binaries.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use cargo_metadata::{Message, MetadataCommand, TargetKind};
use tokio::process::Command;

use crate::{Error, template::Function};

/// This command's own package.
const OWN_PACKAGE: &str = "fanline-cli";

/// Builds all functions in one cargo run, which shows its own progress and errors, and returns
/// the path of each binary by its name.
///
/// # Errors
/// If cargo cannot be run, a function has no such binary, or one does not compile.
pub(crate) async fn build(
    folder: &Path,
    functions: &[Function],
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, Error> {
    let wanted: Vec<&str> = functions
        .iter()
        .map(|function| function.binary.as_str())
        .collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let packages = packages(folder, functions)?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(folder)
        .args(["build", "--message-format=json-render-diagnostics"]);
    // What the outer `cargo run` says of this command's package would make build scripts run
    // again that watch those variables (ring's does), and then all that depends on them.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_about_a_package(name)) {
        cargo.env_remove(name);
    }
    for package in &packages.of_functions {
        cargo.args(["--package", package]);
    }
    if release {
        cargo.arg("--release");
    } else if packages.has_own {
        // Named along, so that dependencies keep the features they were just built with and
        // nothing is compiled twice.
        cargo.args(["--package", OWN_PACKAGE]);
    }
    // Not `output()`, which would keep cargo's messages to itself.
    let cannot_run = |error| Error::new(format!("cannot run cargo: {error}"));
    let child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot_run)?;
    let output = child.wait_with_output().await.map_err(cannot_run)?;
    if !output.status.success() {
        return Err(Error::new(
            "the functions do not compile; cargo's messages are above",
        ));
    }
    let binaries = binaries(&output.stdout);
    match wanted.iter().find(|name| !binaries.contains_key(**name)) {
        None => Ok(binaries),
        Some(missing) => Err(Error::new(format!("cargo built no binary named {missing}"))),
    }
}

fn is_about_a_package(variable: &OsStr) -> bool {
    const PREFIXES: [&str; 5] = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    let name = variable.to_string_lossy();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

struct Packages {
    of_functions: Vec<String>,
    has_own: bool,
}

fn packages(folder: &Path, functions: &[Function]) -> Result<Packages, Error> {
    let metadata = MetadataCommand::new()
        .current_dir(folder)
        .no_deps()
        .exec()
        .map_err(|error| {
            Error::new(format!(
                "cargo metadata failed in {}: {error}",
                folder.display()
            ))
        })?;
    let mut of_functions = Vec::new();
    for function in functions {
        let has_binary = |package: &&cargo_metadata::Package| {
            let mut targets = package.targets.iter();
            targets.any(|target| {
                target.kind.contains(&TargetKind::Bin) && target.name == function.binary
            })
        };
        let package = metadata.packages.iter().find(has_binary).ok_or_else(|| {
            Error::new(format!(
                "function {} (template line {}): no package of this workspace has a binary named {:?}; name it in Metadata.BuildProperties.Binary",
                function.name, function.line, function.binary
            ))
        })?;
        of_functions.push(package.name.to_string());
    }
    let has_own = metadata
        .packages
        .iter()
        .any(|package| package.name == OWN_PACKAGE);
    Ok(Packages {
        of_functions,
        has_own,
    })
}

fn binaries(messages: &[u8]) -> BTreeMap<String, PathBuf> {
    let messages = Message::parse_stream(messages).filter_map(Result::ok);
    let artifacts = messages.filter_map(|message| match message {
        Message::CompilerArtifact(artifact) => {
            let path = artifact.executable?.into_std_path_buf();
            Some((artifact.target.name, path))
        }
        _ => None,
    });
    artifacts.collect()
}
