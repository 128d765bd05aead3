//! BatchExecuteStatement with an answer for every statement.
//!
//! A 200 from DynamoDB does not mean that every statement succeeded; and a statement that was
//! throttled is worth another try, since the message behind it would otherwise be run again.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeValue, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
        BatchStatementResponse, ReturnValuesOnConditionCheckFailure,
    },
};
use fanline::System;
use futures_util::{StreamExt, stream};

use super::item::Item;
use crate::describe;

/// Statements per BatchExecuteStatement (DynamoDB API reference).
const MOST_STATEMENTS: usize = 25;

/// Calls at once. 8 x 25 covers the largest batch that has no batching window 20 times over;
/// more would only fight for the same connection.
const CALLS_AT_ONCE: usize = 8;

/// The SDK retries a call that is throttled as a whole; this is for single statements.
const TRIES: u32 = 3;

/// A PartiQL statement with its parameters.
pub(super) struct Statement {
    pub(super) text: Arc<str>,
    pub(super) parameters: Vec<AttributeValue>,
}

/// What became of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Executed,
    /// INSERT: there is an item with this key.
    Exists,
    /// The WHERE is false; the item, if there is one.
    ConditionFalse(Option<Item>),
    /// Not known.
    Unavailable(String),
}

/// Executes all statements, in as few calls as the limit allows. Answers are in order.
pub(super) async fn execute(
    client: &Client,
    system: &dyn System,
    statements: &[Statement],
) -> Vec<Answer> {
    let calls: Vec<_> = statements
        .chunks(MOST_STATEMENTS)
        .map(|chunk| execute_chunk(client, system, chunk))
        .collect();
    let answers: Vec<Vec<Answer>> = stream::iter(calls).buffered(CALLS_AT_ONCE).collect().await;
    answers.into_iter().flatten().collect()
}

async fn execute_chunk(client: &Client, system: &dyn System, chunk: &[Statement]) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = vec![None; chunk.len()];
    for attempt in 1..=TRIES {
        let open: Vec<usize> = (0..chunk.len()).filter(|&i| answers[i].is_none()).collect();
        if open.is_empty() {
            break;
        }
        if attempt > 1 {
            tokio::time::sleep(pause(system, attempt)).await;
        }
        let fresh = call(client, open.iter().map(|&index| &chunk[index])).await;
        for (index, (answer, transient)) in open.into_iter().zip(fresh) {
            if !transient || attempt == TRIES {
                answers[index] = Some(answer);
            }
        }
    }
    let missing = || Answer::Unavailable("DynamoDB gave no answer for this statement".to_owned());
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(missing))
        .collect()
}

/// Up to 50 ms before the second try, up to 100 ms before the third, fully jittered.
fn pause(system: &dyn System, attempt: u32) -> Duration {
    let most = 25_u64 << (attempt - 1);
    Duration::from_millis((system.random() % u128::from(most)) as u64)
}

/// Each answer with whether another try may help.
async fn call(
    client: &Client,
    statements: impl ExactSizeIterator<Item = &Statement>,
) -> Vec<(Answer, bool)> {
    let count = statements.len();
    let requests: Result<Vec<_>, _> = statements
        .map(|statement| {
            BatchStatementRequest::builder()
                .statement(statement.text.as_ref())
                .set_parameters(Some(statement.parameters.clone()))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .build()
        })
        .collect();
    let requests = match requests {
        Ok(requests) => requests,
        Err(error) => return vec![(Answer::Unavailable(error.to_string()), false); count],
    };
    let response = client
        .batch_execute_statement()
        .set_statements(Some(requests))
        .send()
        .await;
    match response {
        Ok(response) => response
            .responses
            .unwrap_or_default()
            .into_iter()
            .map(answer)
            .collect(),
        Err(error) => {
            let reason = describe(&error);
            vec![(Answer::Unavailable(reason), false); count]
        }
    }
}

fn answer(response: BatchStatementResponse) -> (Answer, bool) {
    let Some(error) = response.error else {
        return (Answer::Executed, false);
    };
    match &error.code {
        Some(Code::DuplicateItem) => (Answer::Exists, false),
        Some(Code::ConditionalCheckFailed) => (Answer::ConditionFalse(error.item), false),
        code => {
            let name = code.as_ref().map_or("error without a code", Code::as_str);
            let message = error.message.as_deref().unwrap_or_default();
            let transient = matches!(
                code,
                Some(
                    Code::InternalServerError
                        | Code::ProvisionedThroughputExceeded
                        | Code::RequestLimitExceeded
                        | Code::ThrottlingError
                        | Code::TransactionConflict
                )
            );
            (Answer::Unavailable(format!("{name}: {message}")), transient)
        }
    }
}
