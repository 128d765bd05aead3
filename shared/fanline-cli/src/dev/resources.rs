//! Creates a template's resources on whatever answers the SDK: the engine, LocalStack or another.
//!
//! Creating again what exists is no error, so that a run can be repeated on a stand-in that
//! keeps running.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    error::{BuildError, ProvideErrorMetadata},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        LocalSecondaryIndex, Projection, ProjectionType, ProvisionedThroughput,
        ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification,
    },
};
use aws_sdk_sqs::types::QueueAttributeName;

use crate::{
    Error,
    aws::call_error,
    template::{Index, KeyElement, Queue, Stack, Subscription, Table, Throughput, Topic},
};

/// Creates queues (dead-letter queues first), topics, tables and subscriptions.
///
/// # Errors
/// At the first resource that cannot be created; the error names it and its line.
pub(super) async fn create(config: &SdkConfig, stack: &Stack) -> Result<(), Error> {
    let sqs = aws_sdk_sqs::Client::new(config);
    let sns = aws_sdk_sns::Client::new(config);
    let dynamodb = aws_sdk_dynamodb::Client::new(config);
    for queue in stack.queues_in_creation_order() {
        create_queue(&sqs, queue).await?;
    }
    for topic in &stack.topics {
        create_topic(&sns, topic).await?;
    }
    for table in &stack.tables {
        create_table(&dynamodb, table).await?;
    }
    for subscription in &stack.subscriptions {
        subscribe(&sns, subscription).await?;
    }
    Ok(())
}

fn what(call: &str, logical_id: &str, line: u32) -> String {
    format!("{logical_id} (template line {line}): {call}")
}

async fn create_queue(sqs: &aws_sdk_sqs::Client, queue: &Queue) -> Result<(), Error> {
    let mut create = sqs.create_queue().queue_name(&queue.name);
    for (name, value) in &queue.attributes {
        create = create.attributes(QueueAttributeName::from(name.as_str()), value);
    }
    match create.send().await {
        Ok(_) => Ok(()),
        // It exists with other attributes, perhaps of an earlier run.
        Err(error)
            if error.code().is_some_and(|code| {
                code.contains("QueueNameExists") || code.contains("QueueAlreadyExists")
            }) =>
        {
            let mut update = sqs.set_queue_attributes().queue_url(&queue.url);
            for (name, value) in queue
                .attributes
                .iter()
                .filter(|(name, _)| *name != "FifoQueue")
            {
                update = update.attributes(QueueAttributeName::from(name.as_str()), value);
            }
            let updated = update.send().await;
            let call = what("sqs SetQueueAttributes", &queue.logical_id, queue.line);
            updated.map(drop).map_err(|error| call_error(&call, &error))
        }
        Err(error) => {
            let call = what("sqs CreateQueue", &queue.logical_id, queue.line);
            Err(call_error(&call, &error))
        }
    }
}

async fn create_topic(sns: &aws_sdk_sns::Client, topic: &Topic) -> Result<(), Error> {
    let mut create = sns.create_topic().name(&topic.name);
    for (name, value) in &topic.attributes {
        create = create.attributes(name, value);
    }
    let call = what("sns CreateTopic", &topic.logical_id, topic.line);
    let created = create.send().await;
    created.map(drop).map_err(|error| call_error(&call, &error))
}

async fn subscribe(sns: &aws_sdk_sns::Client, subscription: &Subscription) -> Result<(), Error> {
    let mut subscribe = sns
        .subscribe()
        .topic_arn(&subscription.topic_arn)
        .protocol(&subscription.protocol)
        .endpoint(&subscription.endpoint)
        .return_subscription_arn(true);
    for (name, value) in &subscription.attributes {
        subscribe = subscribe.attributes(name, value);
    }
    let call = what("sns Subscribe", &subscription.logical_id, subscription.line);
    let subscribed = subscribe.send().await;
    subscribed
        .map(drop)
        .map_err(|error| call_error(&call, &error))
}

async fn create_table(dynamodb: &aws_sdk_dynamodb::Client, table: &Table) -> Result<(), Error> {
    let call = |call| what(call, &table.logical_id, table.line);
    let incomplete =
        |error: BuildError| Error::new(format!("{}: {error}", call("dynamodb CreateTable")));
    let mut create = dynamodb
        .create_table()
        .table_name(&table.name)
        .set_key_schema(Some(keys(&table.key_schema).map_err(incomplete)?));
    for (name, kind) in &table.attribute_definitions {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::from(kind.as_str()))
            .build();
        create = create.attribute_definitions(definition.map_err(incomplete)?);
    }
    create = match table.provisioned {
        None => create.billing_mode(BillingMode::PayPerRequest),
        Some(units) => create.provisioned_throughput(throughput(units).map_err(incomplete)?),
    };
    for index in &table.global_indexes {
        create = create.global_secondary_indexes(global_index(index).map_err(incomplete)?);
    }
    for index in &table.local_indexes {
        create = create.local_secondary_indexes(local_index(index).map_err(incomplete)?);
    }
    if let Some(view) = &table.stream_view_type {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::from(view.as_str()))
            .build();
        create = create.stream_specification(stream.map_err(incomplete)?);
    }
    match create.send().await {
        Ok(_) => {}
        Err(error) if error.code() == Some("ResourceInUseException") => return Ok(()),
        Err(error) => return Err(call_error(&call("dynamodb CreateTable"), &error)),
    }
    let Some(attribute) = &table.ttl_attribute else {
        return Ok(());
    };
    let specification = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(attribute)
        .build();
    let enabled = dynamodb
        .update_time_to_live()
        .table_name(&table.name)
        .time_to_live_specification(specification.map_err(incomplete)?)
        .send()
        .await;
    enabled
        .map(drop)
        .map_err(|error| call_error(&call("dynamodb UpdateTimeToLive"), &error))
}

fn keys(schema: &[KeyElement]) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |key: &KeyElement| {
        KeySchemaElement::builder()
            .attribute_name(&key.attribute)
            .key_type(KeyType::from(key.key_type.as_str()))
            .build()
    };
    schema.iter().map(element).collect()
}

fn throughput(units: Throughput) -> Result<ProvisionedThroughput, BuildError> {
    ProvisionedThroughput::builder()
        .read_capacity_units(units.read)
        .write_capacity_units(units.write)
        .build()
}

fn projection(index: &Index) -> Projection {
    let included = Some(index.non_key_attributes.clone()).filter(|names| !names.is_empty());
    Projection::builder()
        .projection_type(ProjectionType::from(index.projection_type.as_str()))
        .set_non_key_attributes(included)
        .build()
}

fn global_index(index: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(keys(&index.key_schema)?))
        .projection(projection(index))
        .set_provisioned_throughput(index.provisioned.map(throughput).transpose()?)
        .build()
}

fn local_index(index: &Index) -> Result<LocalSecondaryIndex, BuildError> {
    LocalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(keys(&index.key_schema)?))
        .projection(projection(index))
        .build()
}
