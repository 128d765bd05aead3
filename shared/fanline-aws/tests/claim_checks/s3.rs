//! Payloads in S3, on a LocalStack that runs (`localstack/up`). Without one the test says that it was skipped; with
//! `REQUIRE_LOCALSTACK=1` it fails instead.

use std::sync::Arc;

use aws_sdk_s3::{Client, primitives::ByteStream};
use fanline::claim_check::{DataRef, Fetched, PayloadStore};
use fanline_aws::{Environment, RealSystem, payloads::PayloadSettings};
use fanline_testing::contract;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::cloud::config;

/// LOCALSTACK_ENDPOINT, or the port of this machine that the scripts in `localstack/` take.
fn endpoint() -> String {
    let variable = |name| std::env::var(name).ok();
    let port = || variable("LOCALSTACK_PORT").unwrap_or_else(|| "4566".to_owned());
    let endpoint = variable("LOCALSTACK_ENDPOINT");
    let endpoint = endpoint.unwrap_or_else(|| format!("http://127.0.0.1:{}", port()));
    endpoint.trim_end_matches('/').to_owned()
}

/// Whether it is LocalStack that listens there: `fanline dev` has the same port by default.
async fn answers(endpoint: &str) -> bool {
    let address = endpoint.trim_start_matches("http://");
    let health = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /_localstack/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = health.await.unwrap_or_default();
    answer.starts_with("HTTP/1.1 200") && answer.contains("\"services\"")
}

/// A client of LocalStack; none without one, unless it is required.
async fn found() -> Option<(String, Client)> {
    let endpoint = endpoint();
    if !answers(&endpoint).await {
        let problem = format!("no LocalStack at {endpoint}; localstack/up");
        let required = std::env::var("REQUIRE_LOCALSTACK").is_ok_and(|required| required == "1");
        assert!(!required, "{problem}");
        eprintln!("skipped: {problem}");
        return None;
    }
    let client = aws_sdk_s3::config::Builder::from(&config(&endpoint));
    let client = Client::from_conf(client.force_path_style(true).build());
    Some((endpoint, client))
}

/// As `run` makes it.
fn store(endpoint: &str, bucket: &str) -> Arc<dyn PayloadStore> {
    let variables = [
        ("FANLINE_PAYLOAD_BUCKET", bucket),
        ("FANLINE_DEDUP_TABLE", "dedup"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut environment = Environment::from_variables(variables);
    let settings = PayloadSettings::read(&mut environment);
    environment.check().unwrap();
    settings.store(&config(endpoint)).unwrap()
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let Some((endpoint, client)) = found().await else {
        return;
    };
    let bucket = "fanline-payloads-contract";
    // There already after an earlier run.
    let _created = client.create_bucket().bucket(bucket).send().await;
    let run = fanline::System::fence(&RealSystem);
    let store = store(&endpoint, bucket);
    contract::payload_store(Arc::clone(&store), &run).await;

    let reference = DataRef::new(&run, "{}");
    let put = client.put_object().bucket(bucket).key(reference.key());
    let put = put.body(ByteStream::from_static(&[0xff, 0xfe]));
    put.send().await.unwrap();
    let fetched = store.fetch(reference.key(), 2).await;
    let problem = "it is not UTF-8".to_owned();
    assert_eq!(fetched, Ok(Fetched::Damaged(problem)));
    // The lifecycle rule.
    let delete = client.delete_object().bucket(bucket).key(reference.key());
    delete.send().await.unwrap();
    let fetched = store.fetch(reference.key(), 2).await;
    assert_eq!(fetched, Ok(Fetched::Missing));
}

#[tokio::test]
async fn bucket_that_is_not_there_is_an_error_that_names_it() {
    let Some((endpoint, _)) = found().await else {
        return;
    };
    let store = store(&endpoint, "fanline-no-such-bucket");
    let error = store.put("e-1/x", "{}").await.unwrap_err();
    let expected = "cannot put into fanline-no-such-bucket: NoSuchBucket";
    assert!(error.starts_with(expected), "{error}");
    let error = store.fetch("e-1/x", 2).await.unwrap_err();
    let expected = "cannot get from fanline-no-such-bucket: NoSuchBucket";
    assert!(error.starts_with(expected), "{error}");
}
