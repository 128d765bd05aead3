//! What AWS documents, as cases run through the AWS SDKs: against the engine on every test
//! run, and against LocalStack when its results are to be recorded.
//!
//! `docs/conformance.md` is generated from the table in [`topics`]. To renew it:
//! `UPDATE=1 cargo nextest run -p fanline-engine --test conformance`; to record LocalStack
//! as well, add `CONFORMANCE_ENDPOINT=http://127.0.0.1:4566`.
//!
//! A case states what AWS's document says, not what the engine does. Where the documents
//! leave something open, the case says so (`Case::open`) and what was chosen.

mod case;
mod check;
mod document;
mod fixture;
mod record;
mod report;
mod run;
#[path = "../sdk/mod.rs"]
mod sdk;
mod target;
mod topics;

use record::Record;
use run::Results;
use std::path::{Path, PathBuf};

const RECORDED: &str = "tests/conformance/localstack-4.14.json";
const DOCUMENT: &str = "../../docs/conformance.md";
const RENEW: &str = "UPDATE=1 cargo nextest run -p fanline-engine --test conformance";

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn read(relative: &str) -> String {
    std::fs::read_to_string(path(relative)).unwrap_or_default()
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

#[test]
fn every_case_has_an_id_of_its_own_and_a_document_of_awss() {
    let mut seen = std::collections::HashSet::new();
    for case in topics::all().iter().flat_map(|topic| topic.cases) {
        assert!(seen.insert(case.id), "two cases are called {}", case.id);
        assert!(
            case.document
                .url
                .starts_with("https://docs.aws.amazon.com/"),
            "{} cites {}",
            case.id,
            case.document.url
        );
        assert!(
            case.behaviour.ends_with('.'),
            "{}: the behaviour is no sentence: {}",
            case.id,
            case.behaviour
        );
    }
}

/// One test, because the document shows what this very run found.
#[test]
fn the_engine_does_what_aws_documents() {
    let topics = topics::all();
    let engine = run::on_engine(&topics);
    let recorded = match std::env::var("CONFORMANCE_ENDPOINT") {
        Ok(endpoint) => record_localstack(&topics, &endpoint),
        Err(_) => Record::parse(&read(RECORDED)),
    };
    let document = report::document(&topics, &engine, &recorded);
    if is_update() {
        std::fs::write(path(DOCUMENT), &document).expect("docs/conformance.md is written");
    }
    let failures: Vec<String> = engine.failures().collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        engine.len(),
        failures.join("\n")
    );
    assert!(
        read(DOCUMENT) == document,
        "docs/conformance.md is not what the suite says now; renew it with\n{RENEW}"
    );
}

fn record_localstack(topics: &[case::Topic], endpoint: &str) -> Record {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let results: Results = runtime.block_on(run::on_endpoint(topics, endpoint));
    let record = Record::of(&results);
    if is_update() {
        std::fs::write(path(RECORDED), record.to_json()).expect("the record is written");
    }
    record
}
