//! Templates resolved as a whole, every message, and text that is no template at all.

mod errors;
mod findings;
mod functions;
mod random;
mod sam;
mod stage;
mod whole;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{Environment, Stack, TemplateErrors, interpret};

fn environment() -> Environment {
    Environment {
        region: "eu-central-1".to_owned(),
        account: "012345678901".to_owned(),
        partition: "aws".to_owned(),
        stack_name: "shop".to_owned(),
        queue_url_base: "http://127.0.0.1:4566/012345678901".to_owned(),
        function_urls: [("Shop".to_owned(), "http://127.0.0.1:5001/".to_owned())].into(),
    }
}

fn resolve_with(text: &str, parameters: &[(&str, &str)]) -> Result<Stack, TemplateErrors> {
    let read = |path: &Path| match path.to_str() {
        Some("project/infra/alarm.yaml") => Ok("Threshold: 0\nPeriod: 60\n".to_owned()),
        Some("project/infra/queues.yaml") => Ok(
            "Included:\n  Type: AWS::SQS::Queue\n  Properties: {DelaySeconds: soon}\n".to_owned(),
        ),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let parameters: BTreeMap<String, String> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    interpret(
        text,
        "template.yaml",
        Path::new("project"),
        &read,
        &parameters,
        &environment(),
    )
}

fn resolve(text: &str) -> Result<Stack, TemplateErrors> {
    resolve_with(text, &[])
}

#[track_caller]
fn errors_of(text: &str) -> String {
    resolve(text).expect_err("expected an error").to_string()
}

#[track_caller]
fn findings_of(text: &str) -> Vec<String> {
    let stack = resolve(text).expect("expected findings only");
    stack.findings.iter().map(ToString::to_string).collect()
}

/// The value of an output, which shows what a function gives.
#[track_caller]
fn value_of(expression: &str, sections: &str) -> String {
    let text = format!(
        "{sections}\nResources:\n  Jobs: {{Type: AWS::SQS::Queue}}\nOutputs:\n  It: {{Value: {expression}}}\n"
    );
    let stack = resolve(&text).expect("expected a value");
    let findings: Vec<_> = stack.findings.iter().map(ToString::to_string).collect();
    stack
        .outputs
        .get("It")
        .cloned()
        .unwrap_or_else(|| findings.join("\n"))
}
