//! Functions that can run here: those with a binary of their own, built by cargo.
//! A variable whose value only AWS has is left out with a finding rather than set to a guess.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Reader;
use super::table::one_of;
use crate::suggest;
use crate::template::document::Resource;
use crate::template::error::{Finding, TemplateError};
use crate::template::field::Field;
use crate::template::model::{Function, FunctionUrl, UrlAuth};
use crate::template::node::Node;
use crate::template::path::Path;

/// What is read here or may be misspelt; other properties of SAM are many and make no difference.
const PROPERTIES: [&str; 11] = [
    "Architectures",
    "CodeUri",
    "Environment",
    "Events",
    "FunctionName",
    "FunctionUrlConfig",
    "Handler",
    "MemorySize",
    "ReservedConcurrentExecutions",
    "Runtime",
    "Timeout",
];

const URL_PROPERTIES: [&str; 3] = ["AuthType", "Cors", "InvokeMode"];

impl Reader<'_> {
    /// `code` is the property that holds the path of the code.
    pub(super) fn read_function(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
        code: &str,
    ) -> Result<(), TemplateError> {
        self.note_misspelt(resource, properties);
        let runtime = properties.text_of("Runtime")?.unwrap_or_default();
        let code_uri = match properties.get(code)? {
            Some(field) if !field.is_map() => field.text()?,
            _ => String::new(),
        };
        if !runtime.starts_with("provided") || code_uri.is_empty() || code_uri.contains("://") {
            let place = self.evaluator.document.files.place(resource.at);
            let id = &resource.logical_id;
            let message = if runtime.starts_with("provided") {
                format!("{id} has no local folder in {code}, so it cannot be built here; skipped")
            } else {
                format!(
                    "{id} has runtime '{runtime}'; only provided.* (a binary) runs here; skipped"
                )
            };
            self.stack.findings.push(Finding { place, message });
            self.left_out.insert(id.clone());
            return Ok(());
        }
        let path = Path::root(&resource.path);
        let build = resource.metadata.as_ref();
        let build_text = |node: Option<&Node>| node.and_then(Node::as_text).map(str::to_owned);
        let binary = build_text(
            build
                .and_then(|node| node.get("BuildProperties"))
                .and_then(|node| node.get("Binary")),
        );
        let package_folder = self.folder.join(code_uri.trim_start_matches("./"));
        let last_folder = package_folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(binary) = binary.or(last_folder) else {
            return Err(properties.error(format_args!("has {code} '{code_uri}', which names no folder; set Metadata/BuildProperties/Binary")));
        };
        let function = Function {
            logical_id: resource.logical_id.clone(),
            line: resource.at.line,
            name: self.evaluator.physical_name(resource, resource.at, path)?,
            arn: self.evaluator.arn(resource, resource.at, path)?,
            code_uri,
            // A folder of no name is none to run a command in.
            package_folder: if package_folder.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                package_folder
            },
            binary,
            environment: self.environment(properties)?,
            timeout_seconds: properties.count_of("Timeout", 1, 900)?.unwrap_or(3),
            memory_mb: properties
                .count_of("MemorySize", 128, 10_240)?
                .unwrap_or(128),
            architecture: architecture(properties)?,
            reserved_concurrency: properties.count_of(
                "ReservedConcurrentExecutions",
                0,
                u32::MAX,
            )?,
            handler: properties
                .text_of("Handler")?
                .unwrap_or_else(|| "bootstrap".to_owned()),
            runtime,
            build_method: build_text(build.and_then(|node| node.get("BuildMethod"))),
            url: self.function_url(properties)?,
        };
        self.stack.functions.push(function);
        Ok(())
    }

    /// A URL that answers as a stream is left out: served whole, it would look as if it worked.
    fn function_url(
        &mut self,
        properties: &Field<'_>,
    ) -> Result<Option<FunctionUrl>, TemplateError> {
        let Some(config) = properties.get("FunctionUrlConfig")? else {
            return Ok(None);
        };
        config.unknown_keys("a function URL", &URL_PROPERTIES, &mut self.stack.findings);
        let auth = match &*one_of(&config.required("AuthType")?, &["AWS_IAM", "NONE"])? {
            "AWS_IAM" => UrlAuth::Iam,
            _ => UrlAuth::None,
        };
        if let Some(cors) = config.get("Cors")? {
            let problem =
                "is not imitated: answers have the headers that the function gives them; skipped";
            self.stack.findings.push(cors.finding(problem));
        }
        if let Some(mode) = config.get("InvokeMode")?
            && one_of(&mode, &["BUFFERED", "RESPONSE_STREAM"])? == "RESPONSE_STREAM"
        {
            let problem = "is RESPONSE_STREAM, which is not imitated, only BUFFERED; the function URL is skipped";
            self.stack.findings.push(mode.finding(problem));
            return Ok(None);
        }
        Ok(Some(FunctionUrl {
            line: config.line(),
            auth,
        }))
    }

    fn environment(
        &mut self,
        properties: &Field<'_>,
    ) -> Result<BTreeMap<String, String>, TemplateError> {
        let mut variables = BTreeMap::new();
        let Some(environment) = properties.get("Environment")? else {
            return Ok(variables);
        };
        let Some(fields) = environment.get("Variables")? else {
            return Ok(variables);
        };
        for (name, field) in fields.fields()? {
            let value = field.and_then(|field| field.map(|field| field.text()).transpose());
            match value {
                Ok(Some(value)) => {
                    variables.insert(name.to_owned(), value);
                }
                Ok(None) => {}
                Err(error) if error.is_only_on_aws() => {
                    let place = error
                        .place()
                        .cloned()
                        .unwrap_or_else(|| fields.finding("").place);
                    let message = format!("{}; the variable is not set", error.message());
                    self.stack.findings.push(Finding { place, message });
                }
                // Each, so that one run shows all names to mend.
                Err(error) => self.errors.push(error),
            }
        }
        Ok(variables)
    }

    fn note_misspelt(&mut self, resource: &Resource, properties: &Field<'_>) {
        for entry in resource.properties.entries() {
            let hint = suggest::hint(&entry.key, PROPERTIES);
            let known = PROPERTIES.contains(&&*entry.key);
            if known || hint.is_empty() {
                continue;
            }
            let place = self.evaluator.document.files.place(entry.at);
            let message = format!(
                "{}/{} is no property known here{hint}; skipped",
                properties.path(),
                entry.key
            );
            self.stack.findings.push(Finding { place, message });
        }
    }
}

fn architecture(properties: &Field<'_>) -> Result<String, TemplateError> {
    let Some(field) = properties.get("Architectures")? else {
        return Ok("x86_64".to_owned());
    };
    match field.items()?.as_slice() {
        [one] => one_of(one, &["arm64", "x86_64"]),
        several => Err(field.error(format_args!(
            "has {} entries; expected one (SAM appends a function's list to that of Globals)",
            several.len()
        ))),
    }
}
