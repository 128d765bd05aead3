//! The `Events` of a SAM function: mappings, schedules, and queues subscribed to topics.

use serde_json::json;

use super::Reader;
use super::connection::subscription_attributes;
use crate::template::document::{Resource, makes_own_queue};
use crate::template::error::TemplateError;
use crate::template::field::Field;
use crate::template::model::{
    EventSource, EventSourceMapping, Schedule, ScheduleService, Subscription,
};
use crate::template::path::Path;

impl Reader<'_> {
    pub(super) fn connect_events(&mut self, resource: &Resource, properties: &Field<'_>) {
        if self.stack.function(&resource.logical_id).is_none() {
            return;
        }
        let result = self.read_events(resource, properties);
        self.errors.extend(result.err());
    }

    fn read_events(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let Some(events) = properties.get("Events")? else {
            return Ok(());
        };
        for (name, event) in events.fields()? {
            let result = match event {
                Ok(Some(event)) => self.read_event(resource, name, &event),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            self.errors.extend(result.err());
        }
        Ok(())
    }

    fn read_event(
        &mut self,
        resource: &Resource,
        name: &str,
        event: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let function = &resource.logical_id;
        let logical_id = format!("{function}{name}");
        let kind = event.required("Type")?.text()?;
        match &*kind {
            "SQS" | "DynamoDB" => {
                let (source, known) = if kind == "SQS" {
                    ("Queue", 10)
                } else {
                    ("Stream", 100)
                };
                let properties = event.required("Properties")?;
                self.push_mapping(
                    &logical_id,
                    event.line(),
                    function,
                    &properties,
                    source,
                    known,
                )
            }
            "Schedule" | "ScheduleV2" => {
                let properties = event.required("Properties")?;
                let (service, key) = if kind == "Schedule" {
                    (ScheduleService::Rule, "Schedule")
                } else {
                    (ScheduleService::Scheduler, "ScheduleExpression")
                };
                for bound in ["StartDate", "EndDate"] {
                    if let Some(bound) = properties.get(bound)? {
                        let problem = "is not imitated: the schedule runs as long as the functions do; skipped";
                        self.stack.findings.push(bound.finding(problem));
                    }
                }
                let state = properties.text_of("State")?;
                let enabled = properties
                    .flag("Enabled")?
                    .unwrap_or(state.as_deref() != Some("DISABLED"));
                self.stack.schedules.push(Schedule {
                    line: event.line(),
                    function: function.clone(),
                    service,
                    expression: properties.required(key)?.text()?,
                    timezone: properties.text_of("ScheduleExpressionTimezone")?,
                    input: properties.text_of("Input")?,
                    enabled,
                    logical_id,
                });
                Ok(())
            }
            "SNS" => self.read_sns_event(resource, name, event),
            _ => {
                let problem =
                    format_args!("is an event of type '{kind}', which is not interpreted; skipped");
                self.stack.findings.push(event.finding(problem));
                Ok(())
            }
        }
    }

    /// With `SqsSubscription` SAM puts a queue between topic and function: its own or a given one.
    fn read_sns_event(
        &mut self,
        resource: &Resource,
        name: &str,
        event: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let function = &resource.logical_id;
        let properties = event.required("Properties")?;
        let topic_arn = properties.required("Topic")?.text()?;
        let raw = resource
            .properties
            .get("Events")
            .and_then(|events| events.get(name));
        let own_queue = raw.is_some_and(makes_own_queue);
        let given = properties.get("SqsSubscription")?.filter(Field::is_map);
        let (queue_arn, batch_size, enabled) = match &given {
            Some(given) => (
                given.required("QueueArn")?.text()?,
                given.count_of("BatchSize", 1, 10_000)?.unwrap_or(10),
                given.flag("Enabled")?.unwrap_or(true),
            ),
            None if own_queue => {
                let generated = self
                    .evaluator
                    .document
                    .resource(&format!("{function}{name}Queue"));
                let Some(generated) = generated else {
                    return Ok(());
                };
                (
                    self.evaluator
                        .arn(generated, event.at(), Path::root(event.path()))?,
                    10,
                    true,
                )
            }
            None => return self.subscribe_function(resource, name, event, topic_arn),
        };
        let known_topic = self.has_topic(&topic_arn);
        let Some(queue) = self
            .stack
            .queues
            .iter_mut()
            .find(|queue| queue.arn == queue_arn)
            .filter(|_| known_topic)
        else {
            let problem = format_args!(
                "connects '{topic_arn}' and '{queue_arn}', which are not both in this template; skipped"
            );
            self.stack.findings.push(event.finding(problem));
            return Ok(());
        };
        queue
            .attributes
            .entry("Policy".to_owned())
            .or_insert_with(|| {
                let condition = json!({ "ArnEquals": { "aws:SourceArn": &topic_arn } });
                json!({ "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                    "Resource": &queue_arn, "Condition": condition,
                }]})
                .to_string()
            });
        let source = EventSource::Queue {
            logical_id: queue.logical_id.clone(),
            arn: queue_arn.clone(),
        };
        self.stack.subscriptions.push(Subscription {
            logical_id: format!("{function}{name}"),
            line: event.line(),
            topic_arn,
            protocol: "sqs".to_owned(),
            endpoint: queue_arn,
            attributes: subscription_attributes(&properties)?,
        });
        self.stack.event_source_mappings.push(EventSourceMapping {
            logical_id: format!("{function}{name}EventSourceMapping"),
            line: event.line(),
            function: function.clone(),
            source,
            batch_size,
            maximum_batching_window_seconds: 0,
            maximum_concurrency: None,
            report_batch_item_failures: false,
            filter_patterns: Vec::new(),
            enabled,
        });
        Ok(())
    }

    /// Without a queue in between, the topic invokes the function.
    fn subscribe_function(
        &mut self,
        resource: &Resource,
        name: &str,
        event: &Field<'_>,
        topic_arn: String,
    ) -> Result<(), TemplateError> {
        if !self.has_topic(&topic_arn) {
            let problem =
                format_args!("subscribes to '{topic_arn}', no topic of this template; skipped");
            self.stack.findings.push(event.finding(problem));
            return Ok(());
        }
        let Some(function) = self.stack.function(&resource.logical_id) else {
            return Ok(());
        };
        let subscription = Subscription {
            logical_id: format!("{}{name}", resource.logical_id),
            line: event.line(),
            topic_arn,
            protocol: "lambda".to_owned(),
            endpoint: function.arn.clone(),
            attributes: subscription_attributes(&event.required("Properties")?)?,
        };
        self.stack.subscriptions.push(subscription);
        Ok(())
    }

    /// The function that a mapping names by name, ARN or a call; `None` if it is left out.
    pub(super) fn function_named(
        &self,
        field: &Field<'_>,
    ) -> Result<Option<String>, TemplateError> {
        let text = field.text()?;
        let name = text.split(":function:").last().unwrap_or(&text);
        let name = name.split(':').next().unwrap_or(name);
        if let Some(function) = self
            .stack
            .functions
            .iter()
            .find(|function| function.name == name)
        {
            return Ok(Some(function.logical_id.clone()));
        }
        let skipped = |logical_id: &String| {
            self.evaluator
                .document
                .resource(logical_id)
                .is_some_and(|resource| {
                    let path = Path::root(&resource.path);
                    self.evaluator
                        .physical_name(resource, resource.at, path)
                        .is_ok_and(|own| own == name)
                })
        };
        if self.left_out.iter().any(skipped) {
            return Ok(None);
        }
        Err(field.error(format_args!(
            "is '{text}'; expected a function of this template"
        )))
    }
}
