"""The aws CLI, as one types it."""

import json


def test_a_queue_by_hand(aws, name):
    code, made, _ = aws("sqs", "create-queue", "--queue-name", name)
    assert code == 0
    url = made["QueueUrl"]
    assert aws("sqs", "send-message", "--queue-url", url, "--message-body", "hello")[0] == 0
    code, received, _ = aws("sqs", "receive-message", "--queue-url", url, "--attribute-names", "All")
    [message] = received["Messages"]
    assert message["Body"] == "hello"
    handle = message["ReceiptHandle"]
    assert aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", handle)[0] == 0
    code, _, error = aws("sqs", "get-queue-url", "--queue-name", "none")
    assert code != 0
    assert "AWS.SimpleQueueService.NonExistentQueue" in error


def test_a_topic_by_hand(aws, name):
    topic = aws("sns", "create-topic", "--name", name)[1]["TopicArn"]
    url = aws("sqs", "create-queue", "--queue-name", name)[1]["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}
    attributes = json.dumps({"Policy": json.dumps({"Statement": statement})})
    set_policy = ["sqs", "set-queue-attributes", "--queue-url", url, "--attributes", attributes]
    assert aws(*set_policy)[0] == 0
    subscribe = ["--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", arn]
    assert aws("sns", "subscribe", *subscribe)[0] == 0
    assert aws("sns", "publish", "--topic-arn", topic, "--message", "hello")[0] == 0
    [message] = aws("sqs", "receive-message", "--queue-url", url)[1]["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"


def test_a_table_by_hand(aws, name):
    create = [
        *["--table-name", name, "--billing-mode", "PAY_PER_REQUEST"],
        *["--attribute-definitions", "AttributeName=id,AttributeType=S"],
        *["--key-schema", "AttributeName=id,KeyType=HASH"],
    ]
    assert aws("dynamodb", "create-table", *create)[0] == 0
    item = '{"id": {"S": "1"}, "n": {"N": "2"}}'
    assert aws("dynamodb", "put-item", "--table-name", name, "--item", item)[0] == 0
    key = '{"id": {"S": "1"}}'
    code, got, _ = aws("dynamodb", "get-item", "--table-name", name, "--key", key)
    assert got["Item"]["n"] == {"N": "2"}


def test_who_am_i(aws):
    assert aws("sts", "get-caller-identity")[1]["Account"] == "000000000000"
