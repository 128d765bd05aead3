//! Batches of PartiQL statements, which fail one by one.

use crate::case::{Case, Outcome, case};
use crate::check::{equal, refused, some};
use crate::document::*;
use crate::fixture::{status_of, string};
use crate::target::Target;
use aws_sdk_dynamodb::types::{
    BatchStatementErrorCodeEnum, BatchStatementRequest, BatchStatementResponse,
    ReturnValuesOnConditionCheckFailure,
};

pub(super) const CASES: &[Case] = &[
    case!(
        "statements-fail-one-by-one",
        "BatchExecuteStatement succeeds as a whole and reports errors statement by statement.",
        BATCH_EXECUTE_STATEMENT,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "a", "DONE").send().await?;
            let answers = run(&target, [insert(&table, "a")?, insert(&table, "b")?]).await?;
            equal("a", code(&answers[0]), Some(BatchStatementErrorCodeEnum::DuplicateItem))?;
            equal("b", code(&answers[1]), None)?;
            equal("status of a", target.status(&table, "a").await?, string("DONE"))?;
            equal("status of b", target.status(&table, "b").await?, string("LEASED"))
        }
    )
    .on_dynamodb(),
    case!(
        "statement-condition",
        "An UPDATE whose WHERE does not hold fails with ConditionalCheckFailed and changes nothing.",
        BATCH_STATEMENT_ERROR,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "a", "DONE").send().await?;
            let answers = run(&target, [take_over(&table, "a")?]).await?;
            let expected = Some(BatchStatementErrorCodeEnum::ConditionalCheckFailed);
            equal("the code", code(&answers[0]), expected)?;
            equal("status", target.status(&table, "a").await?, string("DONE"))
        }
    )
    .on_dynamodb(),
    case!(
        "statement-shows-what-was-in-the-way",
        "With ALL_OLD the error of a statement carries the item that failed its condition.",
        BATCH_STATEMENT_ERROR,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "a", "DONE").send().await?;
            let answers = run(&target, [take_over(&table, "a")?]).await?;
            let error = some("the error", answers[0].error())?;
            equal("status", status_of(error.item()), Some(&string("DONE")))
        }
    )
    .on_dynamodb(),
    case!(
        "statements-are-not-mixed",
        "A batch of statements consists of reads or of writes, never both.",
        BATCH_EXECUTE_STATEMENT,
        |target| {
            let table = target.table().await?;
            let select = format!("SELECT * FROM \"{table}\" WHERE id = ?");
            let select = BatchStatementRequest::builder().statement(select);
            let select = select.parameters(string("a")).build()?;
            let call = target.dynamodb.batch_execute_statement();
            let answer = call.statements(insert(&table, "a")?).statements(select).send().await;
            refused(answer, "ValidationException")
        }
    )
    .on_dynamodb(),
    case!(
        "statements-at-most-25",
        "A batch has up to 25 statements.",
        BATCH_EXECUTE_STATEMENT,
        |target| {
            let table = target.table().await?;
            let batch = |count: usize| {
                let all = (0..count).map(|n| insert(&table, &n.to_string()));
                all.collect::<Outcome<Vec<_>>>()
            };
            let call = target.dynamodb.batch_execute_statement();
            call.set_statements(Some(batch(25)?)).send().await?;
            let call = target.dynamodb.batch_execute_statement();
            let answer = call.set_statements(Some(batch(26)?)).send().await;
            refused(answer, "ValidationException")
        }
    )
    .on_dynamodb(),
];

fn insert(table: &str, id: &str) -> Outcome<BatchStatementRequest> {
    let statement = format!("INSERT INTO \"{table}\" VALUE {{'id': ?, 'status': 'LEASED'}}");
    let statement = BatchStatementRequest::builder().statement(statement);
    Ok(statement.parameters(string(id)).build()?)
}

/// Takes over an item that has expired, as dedup records are taken over.
fn take_over(table: &str, id: &str) -> Outcome<BatchStatementRequest> {
    let statement =
        format!("UPDATE \"{table}\" SET status = 'LEASED' WHERE id = ? AND status = 'EXPIRED'");
    let statement = BatchStatementRequest::builder().statement(statement);
    let show = ReturnValuesOnConditionCheckFailure::AllOld;
    let statement = statement.return_values_on_condition_check_failure(show);
    Ok(statement.parameters(string(id)).build()?)
}

async fn run<const COUNT: usize>(
    target: &Target,
    statements: [BatchStatementRequest; COUNT],
) -> Outcome<Vec<BatchStatementResponse>> {
    let call = target.dynamodb.batch_execute_statement();
    let answer = call.set_statements(Some(statements.into())).send().await?;
    let answers = answer.responses.unwrap_or_default();
    equal("answers", answers.len(), COUNT)?;
    Ok(answers)
}

fn code(answer: &BatchStatementResponse) -> Option<BatchStatementErrorCodeEnum> {
    answer.error()?.code().cloned()
}
