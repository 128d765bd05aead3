//! The SQS event source mapping.
