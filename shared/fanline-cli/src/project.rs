//! A project's template, read as it is deployed or run: with the parameters of a section of
//! `samconfig.yaml` and those of the command line, which win.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    Error, aws,
    template::{self, Stack},
};

/// Which template, for which stage.
pub(crate) struct Project<'a> {
    pub(crate) template: &'a Path,
    /// Section of samconfig.yaml.
    pub(crate) config_env: &'a str,
    /// `NAME=VALUE` each.
    pub(crate) parameters: &'a [String],
    /// Where functions answer, by their names in the template.
    pub(crate) function_urls: BTreeMap<String, String>,
}

impl Project<'_> {
    /// Reads it for a region (without one, the stage's) and for what answers at an endpoint (without one,
    /// for AWS).
    ///
    /// # Errors
    /// If the template or the stage cannot be read, or a parameter is not `NAME=VALUE`.
    pub(crate) fn load(
        &self,
        region: Option<&str>,
        endpoint: Option<&str>,
    ) -> Result<Stack, Error> {
        let stage = folder(self.template).join("samconfig.yaml");
        let stage = template::stage::load(&stage, self.config_env)
            .map_err(|error| Error::new(error.to_string()))?;
        let mut parameters: BTreeMap<String, String> = stage.parameters;
        for parameter in self.parameters {
            let (name, value) = parameter.split_once('=').ok_or_else(|| {
                Error::new(format!("--parameter {parameter:?}: expected NAME=VALUE"))
            })?;
            parameters.insert(name.to_owned(), value.to_owned());
        }
        let region = region.or(stage.region.as_deref());
        let region = region.unwrap_or(aws::LOCAL_REGION);
        let endpoint = match endpoint {
            Some(endpoint) => endpoint.to_owned(),
            None => format!("https://sqs.{region}.amazonaws.com"),
        };
        let environment = template::Environment {
            region: region.to_owned(),
            account: aws::LOCAL_ACCOUNT.to_owned(),
            partition: "aws".to_owned(),
            stack_name: stage.stack_name.unwrap_or_else(|| "fanline-dev".to_owned()),
            queue_url_base: format!("{endpoint}/{}", aws::LOCAL_ACCOUNT),
            function_urls: self.function_urls.clone(),
        };
        template::load(self.template, &parameters, &environment)
            .map_err(|error| Error::new(error.to_string()))
    }
}

/// Where the template stands, and with it the project.
pub(crate) fn folder(template: &Path) -> PathBuf {
    let parent = template
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}
