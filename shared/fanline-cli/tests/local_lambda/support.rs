//! What the tests share: specifications, a gate that functions wait at, and a view on processes.

use bytes::Bytes;
use fanline_cli::lambda::{Function, FunctionSpec, InvokeError, LogLine, request_id};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

pub(crate) type Lines = mpsc::UnboundedReceiver<LogLine>;

/// The example binary, which `cargo test` and `cargo nextest` build beside the tests.
fn echo_function() -> PathBuf {
    let test_binary = std::env::current_exe().unwrap();
    let binary = test_binary
        .parent()
        .unwrap()
        .with_file_name("examples")
        .join("echo_function");
    assert!(
        binary.exists(),
        "{binary:?} is missing: run cargo build -p fanline-cli --example echo_function"
    );
    binary
}

pub(crate) fn spec() -> FunctionSpec {
    FunctionSpec {
        name: "echo".into(),
        binary: echo_function(),
        environment: [("STAGE".to_owned(), "test".to_owned())].into(),
        timeout: Duration::from_secs(30),
        memory_mb: 128,
        concurrency: 2,
        region: "eu-west-1".into(),
        account: "000000000000".into(),
    }
}

pub(crate) fn start(spec: FunctionSpec) -> (Arc<Function>, Lines) {
    let (sink, lines) = mpsc::unbounded_channel();
    (Arc::new(Function::new(spec, sink)), lines)
}

/// A command for the echo function.
pub(crate) fn command(name: &str, value: impl Into<Value>) -> Bytes {
    json!({ "do": name, "value": value.into() })
        .to_string()
        .into()
}

pub(crate) async fn invoke(function: &Function, payload: Bytes) -> Result<Value, InvokeError> {
    let response = function.invoke(&request_id(), payload).await?;
    Ok(serde_json::from_slice(&response).unwrap())
}

pub(crate) async fn pid(function: &Function) -> u32 {
    let response = invoke(function, command("echo", 1)).await.unwrap();
    u32::try_from(response["pid"].as_u64().unwrap()).unwrap()
}

/// Where functions report and wait.
pub(crate) struct Gate {
    listener: TcpListener,
}

/// A function that waits: dropping it lets the function go on.
pub(crate) struct Waiting {
    pub(crate) pid: u32,
    _connection: TcpStream,
}

impl Gate {
    pub(crate) async fn open() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub(crate) fn command(&self) -> Bytes {
        command("gate", self.listener.local_addr().unwrap().to_string())
    }

    /// The next function that arrives.
    pub(crate) async fn arrival(&self) -> Waiting {
        let (mut connection, _) = self.listener.accept().await.unwrap();
        let pid = connection.read_u32().await.unwrap();
        Waiting {
            pid,
            _connection: connection,
        }
    }
}

pub(crate) fn kill_9(pid: u32) {
    let status = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Whether a process runs; a zombie does not.
pub(crate) fn runs(pid: u32) -> bool {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits until a process is gone. Polls, because only a parent is told.
pub(crate) async fn gone(pid: u32) {
    let polling = async {
        while runs(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), polling)
        .await
        .expect("the process should end");
}

/// All lines, after a shutdown.
pub(crate) fn texts(lines: &mut Lines) -> Vec<String> {
    std::iter::from_fn(|| lines.try_recv().ok())
        .map(|line| line.line)
        .collect()
}
