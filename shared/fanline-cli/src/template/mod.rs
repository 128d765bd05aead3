//! Reads `template.yaml` (AWS SAM or CloudFormation) into a typed model of what a local run needs.
//!
//! The same file is deployed, so nothing may be asked of it that AWS does not ask: what is not
//! interpreted is a [`Finding`] and skipped. What a local run needs and cannot be resolved is a
//! [`TemplateError`]; both say the line.
//!
//! ```no_run
//! # use std::{collections::BTreeMap, path::Path};
//! use fanline_cli::template::{self, Environment};
//!
//! let environment = Environment {
//!     region: "eu-central-1".into(),
//!     account: "000000000000".into(),
//!     partition: "aws".into(),
//!     stack_name: "fanline".into(),
//!     queue_url_base: "http://127.0.0.1:4566/000000000000".into(),
//!     function_urls: BTreeMap::new(),
//! };
//! let stack = template::load(Path::new("template.yaml"), &BTreeMap::new(), &environment)?;
//! for queue in stack.queues_in_creation_order() {
//!     println!("{} {:?}", queue.name, queue.attributes);
//! }
//! # Ok::<(), template::TemplateErrors>(())
//! ```

mod circle;
mod conditions;
mod document;
mod environment;
mod error;
mod evaluate;
mod field;
mod functions;
mod globals;
mod include;
mod model;
mod node;
mod parameters;
mod path;
mod read;
mod reference;
pub mod stage;
mod substitute;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use environment::Environment;
pub use error::{Finding, Place, TemplateError, TemplateErrors};
pub use model::{
    EventSource, EventSourceMapping, Function, FunctionUrl, Ignored, Index, KeyElement, Queue,
    Schedule, ScheduleService, Stack, Subscription, Table, Throughput, Topic, UrlAuth,
};

use document::Document;
use evaluate::Evaluator;
use node::{Files, Position};

/// More errors than a person mends in one go.
const MOST_ERRORS: usize = 50;

/// Reads and resolves the template at `path`; `parameters` win over the template's defaults.
///
/// # Errors
/// All that a local run needs and that cannot be read or resolved.
pub fn load(
    path: &Path,
    parameters: &BTreeMap<String, String>,
    environment: &Environment,
) -> Result<Stack, TemplateErrors> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        TemplateError::without_place(match error.kind() {
            io::ErrorKind::NotFound => {
                let shown =
                    if path.is_relative() && !path.starts_with(".") && !path.starts_with("..") {
                        format!("./{shown}")
                    } else {
                        shown.to_string()
                    };
                format!("no template at {shown}; run in the project folder or pass --template FILE")
            }
            io::ErrorKind::InvalidData => {
                format!("{shown} is not UTF-8 text; expected a YAML or JSON template")
            }
            _ => format!("cannot read the template {shown}: {error}"),
        })
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    interpret(
        &text,
        &shown.to_string(),
        folder,
        &|file| std::fs::read_to_string(file),
        parameters,
        environment,
    )
}

/// As [`load`], for text that is at hand. `name` is what messages call the file, `folder` is what
/// the template's paths start from, and `read` reads the files it includes.
///
/// # Errors
/// As [`load`].
pub fn interpret(
    text: &str,
    name: &str,
    folder: &Path,
    read: &dyn Fn(&Path) -> io::Result<String>,
    parameters: &BTreeMap<String, String>,
    environment: &Environment,
) -> Result<Stack, TemplateErrors> {
    let (mut errors, mut findings) = (Vec::new(), Vec::new());
    let mut files = Files::default();
    let file = files.add(name);
    let Some(mut root) = yaml::parse(text, file, &files)? else {
        let place = files.place(Position { file, line: 1 });
        return Err(TemplateError::at(place, "the template is empty").into());
    };
    let mut includer = include::Includer {
        folder,
        read,
        files: &mut files,
        findings: &mut findings,
        included: 0,
    };
    includer.expand(&mut root)?;
    let document = Document::new(root, files, &mut errors, &mut findings)?;
    let values = parameters::resolve(
        &document.parameters,
        parameters,
        &document.files,
        &mut errors,
        &mut findings,
    );
    // What follows would only repeat in other words that a parameter is wrong.
    if let Some(errors) = TemplateErrors::new(std::mem::take(&mut errors)) {
        return Err(errors);
    }
    let evaluator = Evaluator::new(&document, environment, values);
    let mut reader = read::Reader::new(&evaluator, folder);
    reader.read();
    let (mut stack, mut errors) = (reader.stack, reader.errors);
    report_circles(&evaluator, &mut errors, &mut findings);
    stack.findings.append(&mut findings);
    stack
        .findings
        .sort_by(|left, right| left.place.cmp(&right.place));
    errors.sort_by(|left, right| {
        (left.place(), left.message()).cmp(&(right.place(), right.message()))
    });
    errors.dedup();
    errors.truncate(MOST_ERRORS);
    TemplateErrors::new(errors).map_or(Ok(stack), Err)
}

fn report_circles(
    evaluator: &Evaluator<'_>,
    errors: &mut Vec<TemplateError>,
    findings: &mut Vec<Finding>,
) {
    for circle in circle::circles(&evaluator.references()) {
        let Some(first) = circle
            .first()
            .and_then(|id| evaluator.document.resource(id))
        else {
            continue;
        };
        // A name that needs itself has been reported with more detail.
        if errors
            .iter()
            .any(|error| error.message().contains("circular reference"))
        {
            continue;
        }
        let place = evaluator.document.files.place(first.at);
        let message = format!(
            "circular reference, which CloudFormation refuses: {}; write one of the names out instead",
            circle.join(" -> ")
        );
        let is_interpreted = |id: &String| {
            evaluator
                .document
                .resource(id)
                .is_some_and(|resource| read::is_interpreted(&resource.kind))
        };
        if circle.iter().all(is_interpreted) {
            errors.push(TemplateError::at(place, message));
        } else {
            findings.push(Finding { place, message });
        }
    }
}
