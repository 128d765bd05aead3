//! The pages of AWS's documentation that cases cite.
//!
//! A page is cited only for what it says; what no page says is marked `open` at its case.

/// A page of AWS's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) title: &'static str,
    pub(crate) url: &'static str,
}

macro_rules! documents {
    ($base:literal: $($name:ident = $title:literal, $page:literal;)*) => {$(
        pub(crate) const $name: Document = Document {
            title: $title,
            url: concat!("https://docs.aws.amazon.com/", $base, $page, ".html"),
        };
    )*};
}

documents! { "AWSSimpleQueueService/latest/APIReference/API_":
    ADD_PERMISSION = "SQS AddPermission", "AddPermission";
    CANCEL_MOVE_TASK = "SQS CancelMessageMoveTask", "CancelMessageMoveTask";
    CHANGE_VISIBILITY = "SQS ChangeMessageVisibility", "ChangeMessageVisibility";
    CHANGE_VISIBILITY_BATCH = "SQS ChangeMessageVisibilityBatch", "ChangeMessageVisibilityBatch";
    CREATE_QUEUE = "SQS CreateQueue", "CreateQueue";
    DELETE_MESSAGE = "SQS DeleteMessage", "DeleteMessage";
    DELETE_MESSAGE_BATCH = "SQS DeleteMessageBatch", "DeleteMessageBatch";
    DELETE_QUEUE = "SQS DeleteQueue", "DeleteQueue";
    GET_QUEUE_ATTRIBUTES = "SQS GetQueueAttributes", "GetQueueAttributes";
    GET_QUEUE_URL = "SQS GetQueueUrl", "GetQueueUrl";
    LIST_DEAD_LETTER_SOURCES = "SQS ListDeadLetterSourceQueues", "ListDeadLetterSourceQueues";
    LIST_MOVE_TASKS = "SQS ListMessageMoveTasks", "ListMessageMoveTasks";
    LIST_QUEUES = "SQS ListQueues", "ListQueues";
    PURGE_QUEUE = "SQS PurgeQueue", "PurgeQueue";
    RECEIVE_MESSAGE = "SQS ReceiveMessage", "ReceiveMessage";
    SEND_MESSAGE = "SQS SendMessage", "SendMessage";
    SEND_MESSAGE_BATCH = "SQS SendMessageBatch", "SendMessageBatch";
    SET_QUEUE_ATTRIBUTES = "SQS SetQueueAttributes", "SetQueueAttributes";
    SQS_BATCH_ERROR = "SQS BatchResultErrorEntry", "BatchResultErrorEntry";
    SQS_MESSAGE = "SQS Message", "Message";
    START_MOVE_TASK = "SQS StartMessageMoveTask", "StartMessageMoveTask";
    TAG_QUEUE = "SQS TagQueue", "TagQueue";
}

documents! { "AWSSimpleQueueService/latest/SQSDeveloperGuide/":
    DEAD_LETTER_QUEUES = "SQS dead-letter queues", "sqs-dead-letter-queues";
    DEAD_LETTER_RETENTION = "SQS dead-letter queue retention", "setting-up-dead-letter-queue-retention";
    DELAY_QUEUES = "SQS delay queues", "sqs-delay-queues";
    FIFO_DELIVERY_LOGIC = "FIFO delivery logic", "FIFO-queues-understanding-logic";
    FIFO_EXACTLY_ONCE = "Exactly-once processing", "FIFO-queues-exactly-once-processing";
    MESSAGE_QUOTAS = "SQS message quotas", "quotas-messages";
    MESSAGE_TIMERS = "SQS message timers", "sqs-message-timers";
    REDRIVE = "SQS dead-letter queue redrive", "sqs-configure-dead-letter-queue-redrive";
    SHORT_AND_LONG_POLLING = "SQS short and long polling", "sqs-short-and-long-polling";
    SQS_ATTRIBUTES = "SQS message metadata", "sqs-message-metadata";
    STANDARD_QUEUES = "SQS standard queues", "standard-queues";
    VISIBILITY_TIMEOUT = "SQS visibility timeout", "sqs-visibility-timeout";
}

documents! { "sns/latest/api/API_":
    CREATE_TOPIC = "SNS CreateTopic", "CreateTopic";
    DELETE_TOPIC = "SNS DeleteTopic", "DeleteTopic";
    GET_SUBSCRIPTION_ATTRIBUTES = "SNS GetSubscriptionAttributes", "GetSubscriptionAttributes";
    GET_TOPIC_ATTRIBUTES = "SNS GetTopicAttributes", "GetTopicAttributes";
    LIST_SUBSCRIPTIONS = "SNS ListSubscriptions", "ListSubscriptions";
    LIST_SUBSCRIPTIONS_BY_TOPIC = "SNS ListSubscriptionsByTopic", "ListSubscriptionsByTopic";
    LIST_TOPICS = "SNS ListTopics", "ListTopics";
    PUBLISH = "SNS Publish", "Publish";
    PUBLISH_BATCH = "SNS PublishBatch", "PublishBatch";
    SET_SUBSCRIPTION_ATTRIBUTES = "SNS SetSubscriptionAttributes", "SetSubscriptionAttributes";
    SET_TOPIC_ATTRIBUTES = "SNS SetTopicAttributes", "SetTopicAttributes";
    SNS_ADD_PERMISSION = "SNS AddPermission", "AddPermission";
    SNS_TAG_RESOURCE = "SNS TagResource", "TagResource";
    SUBSCRIBE = "SNS Subscribe", "Subscribe";
    UNSUBSCRIBE = "SNS Unsubscribe", "Unsubscribe";
}

documents! { "sns/latest/dg/":
    AND_OR = "SNS AND/OR logic", "and-or-logic";
    FILTER_CONSTRAINTS = "SNS filter policy constraints", "subscription-filter-policy-constraints";
    FILTER_POLICIES = "SNS filter policies", "sns-subscription-filter-policies";
    KEY_MATCHING = "SNS key matching", "attribute-key-matching";
    MESSAGE_FORMATS = "SNS JSON formats", "sns-message-and-json-formats";
    NUMERIC_MATCHING = "SNS numeric value matching", "numeric-value-matching";
    RAW_DELIVERY = "SNS raw message delivery", "sns-large-payload-raw-message-delivery";
    SNS_ATTRIBUTES = "SNS message attributes", "sns-message-attributes";
    SNS_DEAD_LETTERS = "SNS dead-letter queues", "sns-dead-letter-queues";
    SNS_FIFO_DEDUPLICATION = "SNS FIFO deduplication", "fifo-message-dedup";
    SNS_FIFO_DELIVERY = "SNS FIFO delivery", "fifo-message-delivery";
    SNS_FIFO_GROUPING = "SNS FIFO grouping", "fifo-message-grouping";
    SNS_FIFO_ORDERING = "SNS FIFO ordering", "fifo-topic-message-ordering";
    STRING_MATCHING = "SNS string value matching", "string-value-matching";
    SUBSCRIBE_SQS = "SNS: subscribing a queue", "subscribe-sqs-queue-to-sns-topic";
    VERIFY_SIGNATURE = "SNS signatures", "sns-verify-signature-of-message";
}

documents! { "amazondynamodb/latest/APIReference/API_":
    BATCH_EXECUTE_STATEMENT = "DynamoDB BatchExecuteStatement", "BatchExecuteStatement";
    BATCH_STATEMENT_ERROR = "DynamoDB BatchStatementError", "BatchStatementError";
    DELETE_ITEM = "DynamoDB DeleteItem", "DeleteItem";
    PUT_ITEM = "DynamoDB PutItem", "PutItem";
    STREAMS_RECORD = "DynamoDB Streams Record", "streams_Record";
    STREAM_RECORD = "DynamoDB StreamRecord", "streams_StreamRecord";
    TRANSACT_WRITE_ITEMS = "DynamoDB TransactWriteItems", "TransactWriteItems";
    UPDATE_ITEM = "DynamoDB UpdateItem", "UpdateItem";
    UPDATE_TIME_TO_LIVE = "DynamoDB UpdateTimeToLive", "UpdateTimeToLive";
}

documents! { "amazondynamodb/latest/developerguide/":
    STREAMS = "DynamoDB Streams", "Streams";
}
