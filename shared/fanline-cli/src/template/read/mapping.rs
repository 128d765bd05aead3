//! Event source mappings, written as resources or as events of a function: the same properties
//! but for the name of the source.

use super::Reader;
use super::table::one_of;
use crate::template::document::Resource;
use crate::template::error::TemplateError;
use crate::template::field::Field;
use crate::template::model::{EventSource, EventSourceMapping};

const PROPERTIES: [&str; 21] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "Enabled",
    "EventSourceArn",
    "FilterCriteria",
    "FunctionName",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "MetricsConfig",
    "ParallelizationFactor",
    "ProvisionedPollerConfig",
    "Queue",
    "ScalingConfig",
    "StartingPosition",
    "Stream",
    "Tags",
    "TumblingWindowInSeconds",
];

impl Reader<'_> {
    pub(super) fn connect_mapping(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let Some(function) = self.function_named(&properties.required("FunctionName")?)? else {
            return Ok(());
        };
        let arn = properties.required("EventSourceArn")?.text()?;
        let batch = if arn.contains(":sqs:") { 10 } else { 100 };
        let (id, line) = (&resource.logical_id, resource.at.line);
        self.push_mapping(id, line, &function, properties, "EventSourceArn", batch)
    }

    pub(super) fn push_mapping(
        &mut self,
        logical_id: &str,
        line: u32,
        function: &str,
        properties: &Field<'_>,
        source_property: &str,
        default_batch_size: u32,
    ) -> Result<(), TemplateError> {
        properties.unknown_keys(
            "an event source mapping",
            &PROPERTIES,
            &mut self.stack.findings,
        );
        if let Some(window) = properties.get("TumblingWindowInSeconds")? {
            let problem =
                "is not imitated: each batch is invoked without a window's state; skipped";
            self.stack.findings.push(window.finding(problem));
        }
        let source = properties.required(source_property)?;
        let arn = source.text()?;
        let Some(event_source) = self.event_source(&arn, properties)? else {
            if !arn.starts_with("arn:") {
                return Err(source.error(format_args!(
                    "is '{arn}'; expected an ARN, as GetAtt gives it"
                )));
            }
            let problem = format_args!("is '{arn}', no queue or stream of this template; skipped");
            self.stack.findings.push(source.finding(problem));
            return Ok(());
        };
        self.check_visibility(function, &event_source, properties);
        let mut report_batch_item_failures = false;
        for item in properties.items_of("FunctionResponseTypes")? {
            one_of(&item, &["ReportBatchItemFailures"])?;
            report_batch_item_failures = true;
        }
        let maximum_concurrency = match properties.get("ScalingConfig")? {
            Some(scaling) => scaling.count_of("MaximumConcurrency", 2, 1000)?,
            None => None,
        };
        let mut filter_patterns = Vec::new();
        if let Some(criteria) = properties.get("FilterCriteria")? {
            for filter in criteria.items_of("Filters")? {
                filter_patterns.push(filter.required("Pattern")?.json()?.to_string());
            }
        }
        self.stack.event_source_mappings.push(EventSourceMapping {
            logical_id: logical_id.to_owned(),
            line,
            function: function.to_owned(),
            source: event_source,
            batch_size: properties
                .count_of("BatchSize", 1, 10_000)?
                .unwrap_or(default_batch_size),
            maximum_batching_window_seconds: properties
                .count_of("MaximumBatchingWindowInSeconds", 0, 300)?
                .unwrap_or(0),
            maximum_concurrency,
            report_batch_item_failures,
            filter_patterns,
            enabled: properties.flag("Enabled")?.unwrap_or(true),
        });
        Ok(())
    }

    /// Lambda refuses such a mapping: a batch would come back while it is still worked on.
    fn check_visibility(&mut self, function: &str, source: &EventSource, properties: &Field<'_>) {
        const DEFAULT_VISIBILITY_TIMEOUT: u32 = 30;
        let EventSource::Queue { logical_id, .. } = source else {
            return;
        };
        let (Some(queue), Some(function)) =
            (self.stack.queue(logical_id), self.stack.function(function))
        else {
            return;
        };
        let visibility = queue.attributes.get("VisibilityTimeout");
        let visibility = visibility.and_then(|text| text.parse().ok());
        let visibility: u32 = visibility.unwrap_or(DEFAULT_VISIBILITY_TIMEOUT);
        if visibility < function.timeout_seconds {
            let problem = format!(
                "has a queue with VisibilityTimeout {visibility}, below the Timeout {} of {}; Lambda refuses that",
                function.timeout_seconds, function.logical_id
            );
            self.stack.findings.push(properties.finding(problem));
        }
    }

    /// The queue or stream of this template with that ARN.
    fn event_source(
        &self,
        arn: &str,
        properties: &Field<'_>,
    ) -> Result<Option<EventSource>, TemplateError> {
        if let Some(queue) = self.stack.queues.iter().find(|queue| queue.arn == arn) {
            let logical_id = queue.logical_id.clone();
            return Ok(Some(EventSource::Queue {
                logical_id,
                arn: arn.to_owned(),
            }));
        }
        let streams = |stream: &Option<String>| stream.as_deref() == Some(arn);
        let Some(table) = self
            .stack
            .tables
            .iter()
            .find(|table| streams(&table.stream_arn))
        else {
            return Ok(None);
        };
        let positions = ["LATEST", "TRIM_HORIZON"];
        Ok(Some(EventSource::Stream {
            logical_id: table.logical_id.clone(),
            arn: arn.to_owned(),
            starting_position: one_of(&properties.required("StartingPosition")?, &positions)?,
            maximum_retry_attempts: match properties.get("MaximumRetryAttempts")? {
                Some(attempts) => match attempts.number()? {
                    number @ -1..=10_000 => number,
                    number => {
                        return Err(attempts.error(format_args!(
                            "is '{number}'; expected -1 for no end, or 0 to 10000"
                        )));
                    }
                },
                None => -1,
            },
            maximum_record_age_seconds: match properties.get("MaximumRecordAgeInSeconds")? {
                Some(age) if age.number()? == -1 => None,
                Some(_) => properties.count_of("MaximumRecordAgeInSeconds", 60, 604_800)?,
                None => None,
            },
            on_failure: self.on_failure(properties)?,
            bisect_batch_on_function_error: properties
                .flag("BisectBatchOnFunctionError")?
                .unwrap_or(false),
            parallelization_factor: properties
                .count_of("ParallelizationFactor", 1, 10)?
                .unwrap_or(1),
        }))
    }

    /// The queue or topic of this template that `DestinationConfig` names.
    fn on_failure(&self, properties: &Field<'_>) -> Result<Option<String>, TemplateError> {
        let Some(destination) = properties.get("DestinationConfig")? else {
            return Ok(None);
        };
        let Some(on_failure) = destination.get("OnFailure")? else {
            return Ok(None);
        };
        let destination = on_failure.required("Destination")?;
        let arn = destination.text()?;
        if self.stack.queues.iter().any(|queue| queue.arn == arn) || self.has_topic(&arn) {
            return Ok(Some(arn));
        }
        Err(destination.error(format_args!(
            "is '{arn}'; expected the ARN of a queue or topic of this template"
        )))
    }
}
