//! What `Ref` and `GetAtt` give for each type of resource, and the physical names behind them.
//! The two differ per type (`Ref` of a queue is its URL, of a topic its ARN), which is the mistake
//! most easily made in a template.

use super::document::Resource;
use super::error::TemplateError;
use super::evaluate::Evaluator;
use super::field::Field;
use super::node::Position;
use super::path::Path;
use crate::suggest;

/// The attributes per type; what `Ref` gives is in [`Evaluator::reference_value`].
fn attributes(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "AWS::SQS::Queue" => &["Arn", "QueueName", "QueueUrl"],
        "AWS::SNS::Topic" => &["TopicArn", "TopicName"],
        "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => &["Arn", "StreamArn"],
        "AWS::Serverless::Function" | "AWS::Lambda::Function" | "AWS::IAM::Role" => &["Arn"],
        "AWS::Logs::LogGroup" | "AWS::CloudWatch::Alarm" | "AWS::S3::Bucket" => &["Arn"],
        "AWS::KMS::Key" => &["Arn", "KeyId"],
        "AWS::Lambda::Url" => &["FunctionArn", "FunctionUrl"],
        "AWS::SSM::Parameter" => &["Type", "Value"],
        _ => return None,
    })
}

fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::SQS::Queue" => "QueueName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => "TableName",
        "AWS::Serverless::Function" | "AWS::Lambda::Function" => "FunctionName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::CloudWatch::Alarm" => "AlarmName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SSM::Parameter" => "Name",
        "AWS::KMS::Alias" => "AliasName",
        _ => return None,
    })
}

impl Evaluator<'_> {
    pub(super) fn reference_value(
        &self,
        resource: &Resource,
        at: Position,
        path: Path<'_>,
    ) -> Result<String, TemplateError> {
        match &*resource.kind {
            "AWS::SQS::Queue" => Ok(self
                .environment
                .queue_url(&self.physical_name(resource, at, path)?)),
            "AWS::SNS::Topic" => self.arn(resource, at, path),
            "AWS::KMS::Key" => Ok(self.environment.derived_name(&resource.logical_id)),
            kind if name_property(kind).is_some() => self.physical_name(resource, at, path),
            kind => {
                let message = format!(
                    "Ref '{}' in {path}: {kind} is not interpreted, so it has no value here",
                    resource.logical_id
                );
                Err(self.only_on_aws(at, message))
            }
        }
    }

    pub(super) fn attribute_value(
        &self,
        resource: &Resource,
        attribute: &str,
        function: &str,
        at: Position,
        path: Path<'_>,
    ) -> Result<String, TemplateError> {
        let logical_id = &resource.logical_id;
        let kind = &*resource.kind;
        let Some(known) = attributes(kind) else {
            let message = format!(
                "{function} '{logical_id}.{attribute}' in {path}: {kind} is not interpreted, so it has no value here"
            );
            return Err(self.only_on_aws(at, message));
        };
        match (kind, attribute) {
            (_, "Arn") | (_, "TopicArn") if known.contains(&attribute) => {
                self.arn(resource, at, path)
            }
            ("AWS::SQS::Queue", "QueueUrl") => self.reference_value(resource, at, path),
            ("AWS::SQS::Queue", "QueueName") | ("AWS::SNS::Topic", "TopicName") => {
                self.physical_name(resource, at, path)
            }
            ("AWS::Lambda::Url", "FunctionArn" | "FunctionUrl") => {
                let Some(owner) = self.document.function_of_url(resource) else {
                    let message = format!(
                        "{function} '{logical_id}.{attribute}' in {path}: the address of a URL that is no function's FunctionUrlConfig is not known here"
                    );
                    return Err(self.only_on_aws(at, message));
                };
                match attribute {
                    "FunctionUrl" => Ok(self.environment.function_url(&owner.logical_id)),
                    _ => self.arn(owner, at, path),
                }
            }
            ("AWS::KMS::Key", "KeyId") => self.reference_value(resource, at, path),
            ("AWS::SSM::Parameter", "Type" | "Value") => Field::properties(self, resource)
                .required(attribute)?
                .text(),
            ("AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable", "StreamArn") => {
                if resource.properties.get("StreamSpecification").is_none() {
                    let message = format!(
                        "{function} '{logical_id}.StreamArn' in {path}: the table has no stream; give it a StreamSpecification"
                    );
                    return Err(self.error(at, message));
                }
                Ok(stream_arn(&self.arn(resource, at, path)?))
            }
            _ => {
                let hint = suggest::hint(attribute, known.iter().copied());
                let message = format!(
                    "{function} '{logical_id}.{attribute}' in {path}: {kind} has no such attribute, only {}{hint}",
                    known.join(", ")
                );
                Err(self.error(at, message))
            }
        }
    }

    pub(super) fn arn(
        &self,
        resource: &Resource,
        at: Position,
        path: Path<'_>,
    ) -> Result<String, TemplateError> {
        let environment = self.environment;
        if resource.kind == "AWS::KMS::Key" {
            let id = environment.derived_name(&resource.logical_id);
            return Ok(environment.arn("kms", &format!("key/{id}")));
        }
        let name = self.physical_name(resource, at, path)?;
        Ok(match &*resource.kind {
            "AWS::SQS::Queue" => environment.arn("sqs", &name),
            "AWS::SNS::Topic" => environment.arn("sns", &name),
            "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => {
                environment.arn("dynamodb", &format!("table/{name}"))
            }
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                environment.arn("lambda", &format!("function:{name}"))
            }
            "AWS::IAM::Role" => environment.global_arn("iam", &format!("role/{name}")),
            "AWS::Logs::LogGroup" => environment.arn("logs", &format!("log-group:{name}:*")),
            "AWS::CloudWatch::Alarm" => environment.arn("cloudwatch", &format!("alarm:{name}")),
            "AWS::S3::Bucket" => format!("arn:{}:s3:::{name}", environment.partition),
            kind => {
                let message = format!(
                    "'{}' in {path}: {kind} has no ARN here",
                    resource.logical_id
                );
                return Err(self.only_on_aws(at, message));
            }
        })
    }

    /// The name in the template, or one made of the stack's and the resource's.
    pub(super) fn physical_name(
        &self,
        resource: &Resource,
        at: Position,
        path: Path<'_>,
    ) -> Result<String, TemplateError> {
        let logical_id = &resource.logical_id;
        if let Some(name) = self.names.borrow().get(logical_id) {
            return Ok(name.clone());
        }
        if self.naming.borrow().contains(logical_id) {
            let mut circle = self.naming.borrow().clone();
            circle.push(logical_id.clone());
            let message = format!(
                "'{logical_id}' in {path} is a circular reference: {}",
                circle.join(" -> ")
            );
            return Err(self.error(at, message));
        }
        self.naming.borrow_mut().push(logical_id.clone());
        let name = self.nested(at, path, || self.make_name(resource));
        self.naming.borrow_mut().pop();
        let name = name?;
        self.names
            .borrow_mut()
            .insert(logical_id.clone(), name.clone());
        Ok(name)
    }

    fn make_name(&self, resource: &Resource) -> Result<String, TemplateError> {
        let properties = Field::properties(self, resource);
        let given = match name_property(&resource.kind) {
            Some(property) => properties.get(property)?,
            None => None,
        };
        if let Some(field) = given {
            let name = field.text()?;
            if name.is_empty() {
                return Err(field.error("is empty; expected a name"));
            }
            return Ok(name);
        }
        let derived = self.environment.derived_name(&resource.logical_id);
        let fifo = match &*resource.kind {
            "AWS::SQS::Queue" => properties.flag("FifoQueue")?,
            "AWS::SNS::Topic" => properties.flag("FifoTopic")?,
            _ => None,
        };
        Ok(if fifo == Some(true) {
            format!("{derived}.fifo")
        } else {
            derived
        })
    }
}

/// AWS puts the time of creation here; this one is the same on every run.
pub(super) fn stream_arn(table_arn: &str) -> String {
    format!("{table_arn}/stream/latest")
}
