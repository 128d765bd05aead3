//! DynamoDB on the same port: dynoxide behind our dispatch.

use crate::fixture::{Fixture, code, start};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest,
    BillingMode, KeySchemaElement, KeyType, Put, ReturnValuesOnConditionCheckFailure,
    ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification,
    TransactWriteItem,
};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

async fn table(fixture: &Fixture, name: &str) -> String {
    let created = fixture
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("id")
                .attribute_type(ScalarAttributeType::S)
                .build()
                .expect("complete"),
        )
        .key_schema(
            KeySchemaElement::builder()
                .attribute_name("id")
                .key_type(KeyType::Hash)
                .build()
                .expect("complete"),
        )
        .stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewAndOldImages)
                .build()
                .expect("complete"),
        )
        .send()
        .await
        .expect("is created");
    let description = created.table_description().expect("described");
    let arn = description.table_arn().expect("ARN");
    assert_eq!(
        arn,
        format!("arn:aws:dynamodb:us-east-1:000000000000:table/{name}")
    );
    description
        .latest_stream_arn()
        .expect("stream ARN")
        .to_owned()
}

fn statement(text_of: &str, parameters: &[&str]) -> BatchStatementRequest {
    BatchStatementRequest::builder()
        .statement(text_of)
        .set_parameters(Some(parameters.iter().map(|value| text(value)).collect()))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .expect("complete")
}

#[tokio::test]
async fn items_are_written_read_and_guarded() {
    let fixture = start().await;
    table(&fixture, "items").await;
    let put = || {
        fixture
            .dynamodb
            .put_item()
            .table_name("items")
            .item("id", text("1"))
    };
    put().send().await.expect("is put");
    let again = put().condition_expression("attribute_not_exists(id)");
    assert_eq!(code!(again.send()), "ConditionalCheckFailedException");
    let got = fixture
        .dynamodb
        .get_item()
        .table_name("items")
        .key("id", text("1"));
    assert_eq!(
        got.send().await.expect("answers").item().expect("item")["id"],
        text("1")
    );
    let none = fixture
        .dynamodb
        .get_item()
        .table_name("none")
        .key("id", text("1"));
    assert_eq!(code!(none.send()), "ResourceNotFoundException");
    let guarded = Put::builder()
        .table_name("items")
        .item("id", text("1"))
        .condition_expression("attribute_not_exists(id)");
    let guarded = TransactWriteItem::builder()
        .put(guarded.build().expect("complete"))
        .build();
    let fresh = Put::builder().table_name("items").item("id", text("2"));
    let fresh = TransactWriteItem::builder()
        .put(fresh.build().expect("complete"))
        .build();
    let transaction = fixture.dynamodb.transact_write_items();
    let transaction = transaction.transact_items(guarded).transact_items(fresh);
    assert_eq!(code!(transaction.send()), "TransactionCanceledException");
    let all = fixture
        .dynamodb
        .scan()
        .table_name("items")
        .send()
        .await
        .expect("scans");
    assert_eq!(all.count(), 1);
}

#[tokio::test]
async fn batch_statements_fail_one_by_one() {
    let fixture = start().await;
    table(&fixture, "processed").await;
    let insert = "INSERT INTO processed VALUE {'id': ?, 'status': ?}";
    let update = "UPDATE processed SET status = ? WHERE id = ? AND status = ?";
    let run = |statements: Vec<BatchStatementRequest>| {
        let call = fixture.dynamodb.batch_execute_statement();
        call.set_statements(Some(statements)).send()
    };
    run(vec![statement(insert, &["a", "DONE"])])
        .await
        .expect("answers");
    let answer = run(vec![
        statement(insert, &["a", "LEASED"]),
        statement(insert, &["b", "LEASED"]),
    ])
    .await
    .expect("answers");
    let answers = answer.responses();
    let error = answers[0].error().expect("duplicate");
    assert_eq!(
        error.code(),
        Some(&BatchStatementErrorCodeEnum::DuplicateItem)
    );
    assert!(error.item().is_none_or(|item| item.is_empty()));
    assert!(answers[1].error().is_none());
    // In a call of its own: one batch may name a key only once.
    let answer = run(vec![statement(update, &["LEASED", "a", "EXPIRED"])])
        .await
        .expect("answers");
    let error = answer.responses()[0].error().expect("condition");
    assert_eq!(
        error.code(),
        Some(&BatchStatementErrorCodeEnum::ConditionalCheckFailed)
    );
    assert_eq!(error.item().expect("ALL_OLD")["status"], text("DONE"));
}

#[tokio::test]
async fn time_to_live_and_streams_answer() {
    let fixture = start().await;
    let stream = table(&fixture, "t-1").await;
    assert!(
        stream.starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/t-1/stream/"),
        "{stream}"
    );
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("expires_at");
    let ttl = ttl.build().expect("complete");
    let update = fixture.dynamodb.update_time_to_live().table_name("t-1");
    update
        .time_to_live_specification(ttl)
        .send()
        .await
        .expect("is set");
    let put = fixture
        .dynamodb
        .put_item()
        .table_name("t-1")
        .item("id", text("1"));
    put.send().await.expect("is put");
    let call = async |operation: &str, body: serde_json::Value| {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        crate::protocol::json(&fixture, &target, body).await
    };
    let described = call("DescribeStream", serde_json::json!({"StreamArn": stream})).await;
    let shard = described["StreamDescription"]["Shards"][0]["ShardId"]
        .as_str()
        .expect("shard");
    assert!(shard.len() >= 28, "botocore refuses shorter ids: {shard}");
    let iterator = call(
        "GetShardIterator",
        serde_json::json!({"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}),
    )
    .await;
    let iterator = iterator["ShardIterator"].as_str().expect("iterator");
    let records = call(
        "GetRecords",
        serde_json::json!({ "ShardIterator": iterator }),
    )
    .await;
    let next = records["NextShardIterator"].as_str().expect("iterator");
    for iterator in [iterator, next] {
        assert!(iterator.starts_with(&stream), "{iterator}");
    }
    let none = call("GetRecords", serde_json::json!({ "ShardIterator": next })).await;
    assert_eq!(none["Records"], serde_json::json!([]));
    assert_eq!(records["Records"][0]["eventName"], "INSERT");
    assert_eq!(
        records["Records"][0]["dynamodb"]["NewImage"]["id"]["S"],
        "1"
    );
}
