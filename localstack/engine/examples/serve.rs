//! The engine alone, for trying a client by hand: `cargo run -p fanline-engine --example serve -- 4566`.

use fanline_engine::{Config, Server};
use std::io;

#[tokio::main]
async fn main() -> io::Result<()> {
    let port: u16 = match std::env::args().nth(1).map(|port| port.parse()) {
        None => 4566,
        Some(Ok(port)) => port,
        Some(Err(error)) => {
            let message = format!("the argument is a port, such as 4566: {error}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    };
    let server = Server::bind(("127.0.0.1", port), Config::default()).await?;
    println!("export AWS_ENDPOINT_URL={}", server.endpoint_url());
    std::future::pending().await
}
