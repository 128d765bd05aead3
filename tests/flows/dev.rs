//! `fanline dev` as a child process.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{Arc, Mutex, OnceLock},
};

use cargo_metadata::Message;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use crate::cloud::{Cloud, PATIENCE, until};

pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What cargo tells this test of its package. A build that is started from here must not get it, or
/// build scripts that watch these variables run again, here and in the next build.
pub(crate) fn package_variables() -> impl Iterator<Item = String> {
    let names = std::env::vars().map(|(name, _)| name);
    names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

/// The binaries of the command and of the functions, built once per test process.
pub(crate) fn binary(name: &str) -> PathBuf {
    static BINARIES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let binaries = BINARIES.get_or_init(|| {
        let packages = ["fanline-cli", "email-service", "analytics-service"];
        let mut cargo = std::process::Command::new(env!("CARGO"));
        for name in package_variables() {
            cargo.env_remove(name);
        }
        let output = cargo
            .current_dir(workspace())
            .args(["build", "--message-format=json-render-diagnostics"])
            .args(packages.iter().flat_map(|package| ["--package", package]))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "the command and the functions compile"
        );
        let messages = Message::parse_stream(output.stdout.as_slice());
        let executables = messages.filter_map(|message| match message.unwrap() {
            Message::CompilerArtifact(artifact) => Some((
                artifact.target.name,
                artifact.executable?.into_std_path_buf(),
            )),
            _ => None,
        });
        executables.collect()
    });
    binaries[name].clone()
}

/// The command with arguments, in the workspace's folder, as in a fresh shell.
pub(crate) fn fanline(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("fanline"));
    command
        .current_dir(workspace())
        .args(arguments)
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the command to its end.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    let output = tokio::time::timeout(PATIENCE, fanline(arguments).output());
    output.await.expect("the command ends").unwrap()
}

/// A running `fanline dev` on a free port.
pub(crate) struct Dev {
    child: Child,
    /// What it says on stderr.
    said: Arc<Mutex<Vec<String>>>,
    /// Its engine, or the one it uses.
    pub(crate) cloud: Cloud,
}

impl Dev {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let arguments = [&["dev", "--port", "0", "--json"], arguments].concat();
        let mut child = fanline(&arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut endpoint = None;
        let mut said = Vec::new();
        while endpoint.is_none() {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended: {said:?}"));
            let address = line
                .split_whitespace()
                .find(|word| word.starts_with("http://"));
            endpoint = address.map(|address| address.trim_end_matches(';').to_owned());
            said.push(line);
        }
        // Read on, or the pipe fills up.
        let said = Arc::new(Mutex::new(said));
        let saying = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                saying.lock().unwrap().push(line);
            }
        });
        Self {
            child,
            said,
            cloud: Cloud::at(&endpoint.unwrap()).await,
        }
    }

    /// The address of a function, which is said after that of the engine.
    pub(crate) async fn function_url(&self, function: &str) -> String {
        let line = self.says(&format!("fanline: {function} at http://")).await;
        let mut words = line.split_whitespace();
        let address = words.find(|word| word.starts_with("http://"));
        address.unwrap().to_owned()
    }

    /// Waits until it has said something; returns the first line with it.
    pub(crate) async fn says(&self, text: &str) -> String {
        let line = || {
            let said = self.said.lock().unwrap();
            said.iter().find(|line| line.contains(text)).cloned()
        };
        until(text, async || line(), Option::is_some).await.unwrap()
    }

    /// Processes of a function that run now.
    pub(crate) fn function_processes(&self, function: &str) -> Vec<u32> {
        let own = self.child.id().unwrap();
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let of_function = ids.filter(|id| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let command =
                std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let command = command.trim_end_matches('\0');
            status.contains(&format!("PPid:\t{own}\n")) && command.ends_with(function)
        });
        of_function.collect()
    }

    /// Interrupts it as Ctrl-C does, and returns what it printed and its exit code.
    pub(crate) async fn interrupt(mut self) -> (Value, Option<i32>) {
        let (output, code) = self.stop().await;
        let report = serde_json::from_str(&output);
        let report = report.unwrap_or_else(|error| {
            panic!(
                "{error}: {output:?}, {code:?}: {:?}",
                self.said.lock().unwrap()
            )
        });
        (report, code)
    }

    /// Interrupts it and waits for its end.
    pub(crate) async fn stop(&mut self) -> (String, Option<i32>) {
        signal(self.child.id().unwrap(), Signal::INT);
        let mut output = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut output).await.unwrap();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.expect("it ends after an interrupt").unwrap();
        (output, status.code())
    }
}

/// Sends a signal; a process that is gone already is no error.
pub(crate) fn signal(process_id: u32, signal: Signal) -> bool {
    let pid = i32::try_from(process_id).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
