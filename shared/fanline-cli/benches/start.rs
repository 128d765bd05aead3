//! How long the engine takes from the start of its process to its first answer.
//!
//! `cargo bench -p fanline-cli --bench start`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

const STARTS: usize = 20;

const REQUEST: &str = "POST / HTTP/1.1\r\nHost: engine\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n\
                       Content-Length: 2\r\nConnection: close\r\n\r\n{}";

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// From spawning the process until ListQueues is answered.
fn start() -> Duration {
    let started = now();
    let mut engine = Command::new(env!("CARGO_BIN_EXE_fanline"))
        .args(["engine", "--port", "0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(engine.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let listening: serde_json::Value = serde_json::from_str(&line).unwrap();
    let endpoint = listening["endpoint"].as_str().unwrap();
    let mut connection = TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap();
    connection.write_all(REQUEST.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let elapsed = started.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    engine.kill().unwrap();
    engine.wait().unwrap();
    elapsed
}

fn main() {
    let mut figures: Vec<Duration> = (0..=STARTS).map(|_| start()).skip(1).collect();
    figures.sort();
    println!(
        "start to first answer, {STARTS} starts: median {:.1} ms, slowest {:.1} ms",
        figures[STARTS / 2].as_secs_f64() * 1e3,
        figures[STARTS - 1].as_secs_f64() * 1e3,
    );
}
