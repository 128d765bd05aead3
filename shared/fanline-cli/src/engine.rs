//! `fanline engine`: SQS, SNS and DynamoDB alone, for clients and tests of any language.
//!
//! What it prints is meant to be copied, or read by a program (`--json`): both need the real port,
//! so nothing is printed before it listens.

use std::{io, path::PathBuf, process::ExitCode};

use clap::Args;
use fanline_engine::{Config, Server};

use crate::{
    Error,
    aws::{LOCAL_ACCOUNT, LOCAL_REGION},
    interrupt::interrupted,
};

/// Arguments of `fanline engine`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    pub port: u16,
    /// Folder that keeps queues, topics, messages and tables over restarts; memory by default.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Region in ARNs.
    #[arg(long, default_value = LOCAL_REGION, value_parser = region)]
    pub region: String,
    /// Account in ARNs and queue URLs, twelve digits.
    #[arg(long, default_value = LOCAL_ACCOUNT, value_parser = account)]
    pub account: String,
    /// Decides all ids, so that a run can be repeated; random by default.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print one JSON object on stdout when it listens.
    #[arg(long)]
    pub json: bool,
}

/// Serves until interrupted.
///
/// # Errors
/// The port is taken, or the data folder cannot be used.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    let mut config = Config {
        region: options.region,
        account: options.account,
        data: options.data,
        ..Config::default()
    };
    if let Some(seed) = options.seed {
        config.seed = seed;
    }
    let (region, account) = (config.region.clone(), config.account.clone());
    let server = start(options.port, config, "choose another with --port").await?;
    let endpoint = server.endpoint_url();
    // Whoever reads the address may ask it to end at once.
    let interrupted = interrupted();
    if options.json {
        let listening =
            serde_json::json!({ "endpoint": endpoint, "region": region, "account": account });
        println!("{listening}");
    } else {
        println!("export AWS_ENDPOINT_URL={endpoint}");
        // boto3 and the aws CLI read the second name only, other SDKs the first.
        println!(
            "export AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
        );
        eprintln!("fanline: SQS, SNS and DynamoDB at {endpoint}; Ctrl-C ends it");
    }
    interrupted.await;
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// An engine on a port of this machine. `advice` is for the case that the port is taken.
pub(crate) async fn start(port: u16, config: Config, advice: &str) -> Result<Server, Error> {
    let started = Server::bind(("127.0.0.1", port), config).await;
    started.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::new(format!(
            "cannot listen on 127.0.0.1:{port}: {error}; something else listens there: {advice}"
        )),
        // Of the data folder; the text names it.
        io::ErrorKind::Other => Error::new(error.to_string()),
        _ => Error::new(format!("cannot listen on 127.0.0.1:{port}: {error}")),
    })
}

fn region(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match !text.is_empty() && text.bytes().all(is_part) {
        true => Ok(text.to_owned()),
        false => Err("expected a region such as us-east-1".to_owned()),
    }
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("expected twelve digits such as 000000000000".to_owned()),
    }
}
