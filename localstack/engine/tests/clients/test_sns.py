"""boto3 on SNS: fan-out to queues, and signatures checked by somebody else's cryptography."""

import base64
import json
import urllib.request

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

SIGNED = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]


@pytest.fixture
def subscribed(sqs, sns, name):
    """A topic's ARN, and a function that subscribes a new queue to it and gives its URL."""
    topic = sns.create_topic(Name=name)["TopicArn"]

    def subscribe(suffix, **attributes):
        url = sqs.create_queue(QueueName=f"{name}-{suffix}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = arn["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return url

    return topic, subscribe


def verify(notification):
    """As AWS describes it: the certificate from its URL, the fields in their order."""
    with urllib.request.urlopen(notification["SigningCertURL"]) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    text = "".join(
        f"{field}\n{notification[field]}\n" for field in SIGNED if field in notification
    )
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[notification["SignatureVersion"]]
    signature = base64.b64decode(notification["Signature"])
    certificate.public_key().verify(signature, text.encode(), padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize("version", ["1", "2"])
def test_signatures_verify_and_forgeries_do_not(sns, subscribed, receive, version):
    topic, subscribe = subscribed
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version
    )
    url = subscribe("wrapped")
    for subject in [{}, {"Subject": "hello"}]:
        sns.publish(TopicArn=topic, Message="line\nünd more", **subject)
    bodies = [json.loads(message["Body"]) for message in receive(url)]
    assert len(bodies) == 2
    for notification in bodies:
        assert notification["SignatureVersion"] == version
        verify(notification)
        with pytest.raises(InvalidSignature):
            verify(notification | {"Message": "forged"})


def test_fan_out_raw_wrapped_and_filtered(sns, subscribed, receive):
    topic, subscribe = subscribed
    raw = subscribe("raw", RawMessageDelivery="true")
    wrapped = subscribe("wrapped")
    filtered = subscribe(
        "filtered",
        RawMessageDelivery="true",
        FilterPolicy=json.dumps({"kind": [{"prefix": "order."}], "total": [{"numeric": [">", 5]}]}),
    )
    for kind, total in [("order.placed", "7"), ("order.placed", "3"), ("user.left", "9")]:
        sns.publish(
            TopicArn=topic,
            Message=kind,
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": kind},
                "total": {"DataType": "Number", "StringValue": total},
            },
        )
    assert [message["Body"] for message in receive(filtered)] == ["order.placed"]
    assert len(receive(raw)) == 3
    notification = json.loads(receive(wrapped)[0]["Body"])
    assert notification["Type"] == "Notification"
    assert notification["MessageAttributes"]["kind"] == {"Type": "String", "Value": "order.placed"}


def test_a_batch_names_the_entry_that_failed(sns, subscribed, receive):
    topic, subscribe = subscribed
    url = subscribe("raw", RawMessageDelivery="true")
    answer = sns.publish_batch(
        TopicArn=topic,
        PublishBatchRequestEntries=[
            {"Id": "good", "Message": "x"},
            {"Id": "bad", "Message": "not json", "MessageStructure": "json"},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [
        ("bad", "InvalidParameter")
    ]
    assert [message["Body"] for message in receive(url)] == ["x"]


def test_unsubscribing_by_the_link_in_the_message(sns, subscribed, receive):
    topic, subscribe = subscribed
    url = subscribe("wrapped")
    sns.publish(TopicArn=topic, Message="x")
    [message] = receive(url)
    with urllib.request.urlopen(json.loads(message["Body"])["UnsubscribeURL"]) as answer:
        assert answer.status == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_fifo_topics(sns, sqs, name, receive):
    topic = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}.fifo"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Statement": statement})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    for message in ["a", "b", "a"]:
        sns.publish(
            TopicArn=topic, Message=message, MessageGroupId="g", MessageDeduplicationId=message
        )
    assert [message["Body"] for message in receive(url)] == ["a", "b"]


def test_errors_and_pages(sns, name):
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.publish(TopicArn="arn:aws:sns:us-east-1:000000000000:none", Message="x")
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.create_topic(Name="no spaces")
    made = {sns.create_topic(Name=f"{name}-{number}")["TopicArn"] for number in range(120)}
    pages = list(sns.get_paginator("list_topics").paginate())
    assert len(pages) > 1
    assert made <= {topic["TopicArn"] for page in pages for topic in page["Topics"]}
