"""boto3 on the DynamoDB beside the queues: what dedup and outbox rest on."""

import pytest


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name


def test_a_conditional_write_has_one_winner(dynamodb, table):
    put = {
        "TableName": table,
        "Item": {"id": {"S": "1"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    dynamodb.put_item(**put)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(**put)


def test_statements_of_a_batch_fail_alone(dynamodb, table):
    insert = f"INSERT INTO \"{table}\" VALUE {{'id': ?}}"
    statements = [{"Statement": insert, "Parameters": [{"S": key}]} for key in ["a", "b"]]
    dynamodb.batch_execute_statement(Statements=statements[:1])
    first, second = dynamodb.batch_execute_statement(Statements=statements)["Responses"]
    assert first["Error"]["Code"] == "DuplicateItem"
    assert "Error" not in second


def test_a_transaction_says_which_action_stopped_it(dynamodb, table):
    put = {"TableName": table, "Item": {"id": {"S": "1"}}}
    guarded = put | {"ConditionExpression": "attribute_not_exists(id)"}
    dynamodb.put_item(**put)
    other = {"TableName": table, "Item": {"id": {"S": "2"}}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(TransactItems=[{"Put": other}, {"Put": guarded}])
    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "2"}})


def test_a_stream_has_the_changes_in_order(dynamodb, client, table):
    for value in ["old", "new"]:
        dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}, "value": {"S": value}})
    streams = client("dynamodbstreams")
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    changes = [(it["eventName"], it["dynamodb"]["NewImage"]["value"]["S"]) for it in records]
    assert changes == [("INSERT", "old"), ("MODIFY", "new")]
