//! What SQS refuses in calls about messages, and the errors it gives.
//!
//! Codes are checked where AWS's document of the action names them; elsewhere a refusal
//! as the client's fault is enough.

use crate::case::{Case, case};
use crate::check::{ensure, equal, refused, rejected, some};
use crate::document::*;
use crate::fixture::{attribute_of_type, handle, text};

const NO_QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";

pub(super) const CASES: &[Case] = &[
    case!(
        "error-of-unknown-queue",
        "Sending to, receiving from, or purging a queue that does not exist answers QueueDoesNotExist.",
        SEND_MESSAGE,
        |target| {
            let url = format!("{}-none", target.queue("q", &[]).await?);
            refused(target.sending(&url, "x").send().await, NO_QUEUE)?;
            refused(target.receiving(&url).send().await, NO_QUEUE)?;
            refused(target.sqs.purge_queue().queue_url(&url).send().await, NO_QUEUE)?;
            let delete = target.sqs.delete_message().queue_url(&url).receipt_handle("h");
            refused(delete.send().await, NO_QUEUE)
        }
    ),
    case!(
        "error-is-modelled",
        "SDKs recognise the error by its shape, not only by its code.",
        SEND_MESSAGE,
        |target| {
            let url = format!("{}-none", target.queue("q", &[]).await?);
            let error = target.sending(&url, "x").send().await.err();
            let error = some("the refusal", error)?.into_service_error();
            ensure(error.is_queue_does_not_exist(), || {
                format!("the SDK sees {error:?}")
            })
        }
    ),
    case!(
        "handle-invalid",
        "Deleting or hiding with something that is no receipt handle answers ReceiptHandleIsInvalid.",
        DELETE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let delete = target.sqs.delete_message().queue_url(&url).receipt_handle("h");
            refused(delete.send().await, "ReceiptHandleIsInvalid")?;
            let hide = target.sqs.change_message_visibility().queue_url(&url);
            let hide = hide.receipt_handle("h").visibility_timeout(1);
            refused(hide.send().await, "ReceiptHandleIsInvalid")
        }
    ),
    case!(
        "handle-of-another-queue",
        "The receipt handle of another queue's message is refused.",
        DELETE_MESSAGE,
        |target| {
            let (one, other) = (target.queue("one", &[]).await?, target.queue("two", &[]).await?);
            target.send(&one, "x").await?;
            let message = target.receive_one(&one).await?;
            let delete = target.sqs.delete_message().queue_url(&other);
            rejected(delete.receipt_handle(handle(&message)?).send().await)
        }
    )
    .open("AWS only calls a handle valid for the message it came with; the engine says ReceiptHandleIsInvalid."),
    case!(
        "receive-bounds",
        "ReceiveMessage takes 1 to 10 messages, 0 to 20 seconds of waiting, 0 to 43200 of visibility.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = || target.sqs.receive_message().queue_url(&url);
            for most in [0, 11] {
                let answer = call().max_number_of_messages(most).send().await;
                ensure(answer.is_err(), || format!("MaxNumberOfMessages={most} was accepted"))?;
                rejected(answer)?;
            }
            let answer = call().wait_time_seconds(21).send().await;
            ensure(answer.is_err(), || "WaitTimeSeconds=21 was accepted".into())?;
            rejected(answer)?;
            let answer = call().visibility_timeout(43_201).send().await;
            ensure(answer.is_err(), || "VisibilityTimeout=43201 was accepted".into())?;
            rejected(answer)
        }
    ),
    case!(
        "send-delay-bounds",
        "DelaySeconds is 0 to 900.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            target.sending(&url, "x").delay_seconds(900).send().await?;
            rejected(target.sending(&url, "x").delay_seconds(901).send().await)?;
            rejected(target.sending(&url, "x").delay_seconds(-1).send().await)
        }
    ),
    case!(
        "send-empty-body",
        "A message body has at least one character.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            rejected(target.sending(&url, "").send().await)
        }
    ),
    case!(
        "send-1-mib",
        "A message may have 1 MiB, and not a byte more.",
        SEND_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let body = "x".repeat(1_048_576);
            target.send(&url, &body).await?;
            rejected(target.sending(&url, &format!("{body}x")).send().await)
        }
    ),
    case!(
        "send-size-counts-bytes",
        "The size of a body is counted in bytes, not in characters.",
        MESSAGE_QUOTAS,
        |target| {
            let url = target.queue("q", &[("MaximumMessageSize", "1024")]).await?;
            target.send(&url, &"é".repeat(512)).await?;
            rejected(target.sending(&url, &"é".repeat(513)).send().await)
        }
    ),
    case!(
        "send-size-counts-attributes",
        "Names, types and values of message attributes count towards the size.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[("MaximumMessageSize", "1024")]).await?;
            let send = |value: usize| {
                let call = target.sending(&url, &"x".repeat(1000));
                let value = text(&"v".repeat(value));
                value.map(|value| call.message_attributes("name", value).send())
            };
            // 1000 + "name" + "String" leave 14 bytes for the value.
            send(14)?.await?;
            rejected(send(15)?.await)
        }
    ),
    case!(
        "send-trace-header-does-not-count",
        "Message system attributes do not count towards the size.",
        SEND_MESSAGE,
        |target| {
            use aws_sdk_sqs::types::{
                MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
            };
            let url = target.queue("q", &[("MaximumMessageSize", "1024")]).await?;
            let header = MessageSystemAttributeValue::builder().data_type("String");
            let header = header.string_value("Root=1-5759e988-bd862e3fe1be46a994272793");
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            let call = target.sending(&url, &"x".repeat(1024));
            call.message_system_attributes(name, header.build()?).send().await?;
            Ok(())
        }
    ),
    case!(
        "send-queue-maximum-size",
        "A message larger than the queue's MaximumMessageSize is refused.",
        SET_QUEUE_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[("MaximumMessageSize", "1024")]).await?;
            target.send(&url, &"x".repeat(1024)).await?;
            rejected(target.sending(&url, &"x".repeat(1025)).send().await)
        }
    ),
    case!(
        "attributes-at-most-ten",
        "A message has at most 10 message attributes.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let send = |count: usize| {
                let mut call = target.sending(&url, "x");
                for number in 0..count {
                    call = call.message_attributes(format!("a{number}"), text("v")?);
                }
                Ok::<_, crate::case::Failure>(call.send())
            };
            send(10)?.await?;
            rejected(send(11)?.await)
        }
    ),
    case!(
        "attribute-names",
        "An attribute name is up to 256 letters, digits, _, - and ., no period first, last or twice.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            // The document allows 256; AWS's own error text says "shorter than 256 bytes".
            let longest = "n".repeat(255);
            let call = target.sending(&url, "x").message_attributes(&longest, text("v")?);
            call.message_attributes("a.b-c_D9", text("v")?).send().await?;
            for name in [".first", "last.", "tw..ice", "with space", &format!("{longest}nn")] {
                let call = target.sending(&url, "x").message_attributes(name, text("v")?);
                let answer = call.send().await;
                ensure(answer.is_err(), || format!("the name {name:?} was accepted"))?;
                rejected(answer)?;
            }
            Ok(())
        }
    ),
    case!(
        "attribute-names-reserved",
        "An attribute name must not begin with AWS. or Amazon., in any casing.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            for name in ["AWS.x", "aws.x", "Amazon.x", "AMAZON.x"] {
                let call = target.sending(&url, "x").message_attributes(name, text("v")?);
                let answer = call.send().await;
                ensure(answer.is_err(), || format!("the name {name:?} was accepted"))?;
                rejected(answer)?;
            }
            Ok(())
        }
    ),
    case!(
        "attribute-types",
        "The data type of an attribute is String, Number or Binary, with or without a label.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let value = attribute_of_type("Text", "v")?;
            rejected(target.sending(&url, "x").message_attributes("k", value).send().await)
        }
    ),
    case!(
        "attribute-empty-value",
        "An attribute's value must not be empty.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            rejected(target.sending(&url, "x").message_attributes("k", text("")?).send().await)
        }
    ),
    case!(
        "attribute-number-is-checked",
        "The value of a Number attribute must be a number.",
        SQS_ATTRIBUTES,
        |target| {
            let url = target.queue("q", &[]).await?;
            let value = attribute_of_type("Number", "twelve")?;
            rejected(target.sending(&url, "x").message_attributes("k", value).send().await)
        }
    ),
    case!(
        "trace-header-only",
        "AWSTraceHeader is the only message system attribute, and it is a String.",
        SEND_MESSAGE,
        |target| {
            use aws_sdk_sqs::types::{
                MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
            };
            let url = target.queue("q", &[]).await?;
            let value = |data_type: &str| {
                let value = MessageSystemAttributeValue::builder().data_type(data_type);
                value.string_value("1").build()
            };
            let other = MessageSystemAttributeNameForSends::from("Other");
            let call = target.sending(&url, "x");
            rejected(call.message_system_attributes(other, value("String")?).send().await)?;
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            let call = target.sending(&url, "x");
            rejected(call.message_system_attributes(name, value("Number")?).send().await)
        }
    ),
    case!(
        "system-attribute-names-are-checked",
        "ReceiveMessage refuses the name of a system attribute that does not exist.",
        RECEIVE_MESSAGE,
        |target| {
            let url = target.queue("q", &[]).await?;
            let call = target.sqs.receive_message().queue_url(&url);
            rejected(call.message_system_attribute_names("Nothing".into()).send().await)
        }
    )
    .open("The action's errors do not name this one; the engine says InvalidAttributeName."),
    case!(
        "handle-changes-with-each-receive",
        "Each receive of a message gives another receipt handle.",
        DELETE_MESSAGE,
        |target| {
            let url = target.queue("q", &[("VisibilityTimeout", "0")]).await?;
            target.send(&url, "x").await?;
            let first = target.receive_one(&url).await?;
            let second = target.receive_one(&url).await?;
            equal("the id", second.message_id(), first.message_id())?;
            let handles = (handle(&first)?, handle(&second)?);
            ensure(handles.0 != handles.1, || "both receives gave one handle".into())
        }
    ),
];
