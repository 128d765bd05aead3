"""boto3 on SQS: what a worker's life touches, and the protocol that older clients speak.

Also run with a boto3 that speaks that protocol, so only with names and shapes that both know.
"""

import hashlib
import json
import struct
import time

import botocore
import pytest


def test_the_client_speaks_the_protocol_of_its_age(sqs):
    """Otherwise the run with an old boto3 would show nothing new."""
    age = tuple(int(part) for part in botocore.__version__.split("."))
    expected = "json" if age >= (1, 31, 81) else "query"
    assert sqs.meta.service_model.protocol == expected


def test_a_message_goes_all_the_way(sqs, queue, receive):
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody="hällo <&> \U0001f600",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "greeting"},
            "count": {"DataType": "Number.int", "StringValue": "7"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}
        },
    )
    [message] = receive(queue)
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == "hällo <&> \U0001f600"
    assert message["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\xff"
    assert message["MessageAttributes"]["count"]["DataType"] == "Number.int"
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1-2-3"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert receive(queue) == []


def md5_of(attributes):
    """AWS's checksum of message attributes, as its developer guide describes it."""
    text = b""
    for name, attribute in sorted(attributes.items()):
        is_text = "StringValue" in attribute
        value = attribute["StringValue"].encode() if is_text else attribute["BinaryValue"]
        for part in [name.encode(), attribute["DataType"].encode()]:
            text += struct.pack(">I", len(part)) + part
        text += (b"\x01" if is_text else b"\x02") + struct.pack(">I", len(value)) + value
    return hashlib.md5(text).hexdigest()


def test_checksums_are_of_what_was_sent(sqs, queue, receive):
    """boto3 does not look at them; SDKs of other languages refuse the message."""
    attributes = {
        "b": {"DataType": "String", "StringValue": "größe"},
        "a": {"DataType": "Binary.png", "BinaryValue": b"\x00\x01"},
        "c": {"DataType": "Number", "StringValue": "1.5"},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="ü", MessageAttributes=attributes)
    [message] = receive(queue)
    body = hashlib.md5("ü".encode()).hexdigest()
    assert sent["MD5OfMessageBody"] == message["MD5OfBody"] == body
    expected = md5_of(attributes)
    assert sent["MD5OfMessageAttributes"] == message["MD5OfMessageAttributes"] == expected


def test_a_batch_fails_entry_by_entry(sqs, queue, receive):
    answer = sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "MessageBody": "x"},
            {"Id": "bad", "MessageBody": "\x01"},
            {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    failed = {entry["Id"]: (entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]}
    assert failed == {
        "bad": ("InvalidMessageContents", True),
        "late": ("InvalidParameterValue", True),
    }
    [message] = receive(queue)
    deleted = sqs.delete_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]},
            {"Id": "bad", "ReceiptHandle": "no handle"},
        ],
    )
    assert [entry["Id"] for entry in deleted["Successful"]] == ["good"]
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"


def test_errors_are_the_classes_that_boto3_knows(sqs, name, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="no-such-queue")
    with pytest.raises(sqs.exceptions.EmptyBatchRequest):
        sqs.send_message_batch(QueueUrl=queue, Entries=[])
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="x")
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "7"})
    sqs.purge_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=queue)


def test_a_long_poll_ends_with_the_visibility_timeout(sqs, queue, receive):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert len(receive(queue, VisibilityTimeout=1)) == 1
    started = time.monotonic()
    assert len(receive(queue, WaitTimeSeconds=10)) == 1
    assert 0.5 < time.monotonic() - started < 5


def test_poison_is_buried_and_moved_back(sqs, name, queue, receive):
    dead = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    arn = arn["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert len(receive(queue, VisibilityTimeout=0)) == 1
    assert receive(queue) == []
    [buried] = receive(dead, VisibilityTimeout=0)
    assert buried["Attributes"]["DeadLetterQueueSourceArn"].endswith(f":{name}")
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=dead)
    assert [url for page in pages for url in page["queueUrls"]] == [queue]
    sqs.start_message_move_task(SourceArn=arn)
    assert receive(queue)[0]["Body"] == "poison"
    for number in range(3):
        sqs.send_message(QueueUrl=dead, MessageBody=str(number))
    task = sqs.start_message_move_task(
        SourceArn=arn,
        DestinationArn=arn.removesuffix("-dlq"),
        MaxNumberOfMessagesPerSecond=1,
    )
    cancelled = sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
    assert cancelled["ApproximateNumberOfMessagesMoved"] == 1


def test_move_tasks_are_listed(sqs, name):
    dead = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}-dlq"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=dead, MessageBody="x")
    sqs.start_message_move_task(SourceArn=arn, DestinationArn=arn.removesuffix("-dlq"))
    [task] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)


def test_a_fifo_queue_keeps_order_and_knows_duplicates(sqs, name, receive):
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for body in ["a", "b", "a"]:
        sent = sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body
        )
        assert sent["SequenceNumber"].isdecimal()
    messages = receive(url, ReceiveRequestAttemptId="try")
    assert [message["Body"] for message in messages] == ["a", "b"]
    again = receive(url, ReceiveRequestAttemptId="try")
    assert [it["ReceiptHandle"] for it in again] == [it["ReceiptHandle"] for it in messages]
    assert receive(url) == []


def test_tags_attributes_and_pages(sqs, name):
    for number in range(3):
        sqs.create_queue(QueueName=f"{name}-{number}", tags={"team": "mail"})
    pages = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix=name, PaginationConfig={"PageSize": 2}
    )
    urls = [url for page in pages for url in page["QueueUrls"]]
    assert len(urls) == 3
    assert sqs.list_queue_tags(QueueUrl=urls[0])["Tags"] == {"team": "mail"}
    sqs.untag_queue(QueueUrl=urls[0], TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=urls[0]).get("Tags", {}) == {}
    attributes = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["All"])["Attributes"]
    assert attributes["MaximumMessageSize"] == "1048576"
    sqs.add_permission(
        QueueUrl=urls[0], Label="friends", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
    )
    policy = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["Policy"])
    assert json.loads(policy["Attributes"]["Policy"])["Statement"][0]["Sid"] == "friends"
    sqs.remove_permission(QueueUrl=urls[0], Label="friends")
    assert "Attributes" not in sqs.get_queue_attributes(
        QueueUrl=urls[0], AttributeNames=["Policy"]
    )


def test_the_older_query_protocol(form, name):
    """What SDKs before 2024 write: a form to the queue's URL, and XML back."""
    status, answer = form(Action="CreateQueue", QueueName=name, Version="2012-11-05")
    assert status == 200 and f"/000000000000/{name}</QueueUrl>" in answer
    path = f"/000000000000/{name}"
    sent = {"MessageBody": "a<b", "Version": "2012-11-05"}
    status, answer = form(path, Action="SendMessage", **sent)
    assert status == 200 and "<MD5OfMessageBody>" in answer
    status, answer = form(path, Action="ReceiveMessage", Version="2012-11-05")
    assert "<Body>a&lt;b</Body>" in answer
    permission = {"Label": "l", "AWSAccountId.1": "111122223333", "ActionName.1": "SendMessage"}
    status, answer = form(path, Action="AddPermission", Version="2012-11-05", **permission)
    assert status == 200, answer
    status, answer = form(Action="GetQueueUrl", QueueName="none", Version="2012-11-05")
    assert status == 400
    assert "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in answer
