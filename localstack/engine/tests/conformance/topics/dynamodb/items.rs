//! Single items, and writes that are guarded by conditions.

use crate::case::{Case, Failure, case};
use crate::check::{equal, refused, some};
use crate::document::*;
use crate::fixture::{Item, number, status_of, string};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

pub(super) const CASES: &[Case] = &[
    case!(
        "item-round-trip",
        "An item put is the item got; putting again replaces it as a whole.",
        PUT_ITEM,
        |target| {
            let table = target.table().await?;
            target
                .putting(&table, "1", "NEW")
                .item("more", number(1))
                .send()
                .await?;
            target.putting(&table, "1", "DONE").send().await?;
            let item = some("the item", target.item(&table, "1").await?)?;
            let expected: Item = [
                ("id".into(), string("1")),
                ("status".into(), string("DONE")),
            ]
            .into();
            equal("the item", item, expected)
        }
    )
    .on_dynamodb(),
    case!(
        "put-if-absent",
        "attribute_not_exists on the key keeps a put from replacing an item.",
        PUT_ITEM,
        |target| {
            let table = target.table().await?;
            let put = |status: &str| {
                let call = target.putting(&table, "1", status);
                call.condition_expression("attribute_not_exists(id)").send()
            };
            put("FIRST").await?;
            refused(put("SECOND").await, "ConditionalCheckFailedException")?;
            equal("status", target.status(&table, "1").await?, string("FIRST"))
        }
    )
    .on_dynamodb(),
    case!(
        "put-shows-what-was-in-the-way",
        "ReturnValuesOnConditionCheckFailure ALL_OLD shows the item that failed the condition.",
        PUT_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "FIRST").send().await?;
            let call = target.putting(&table, "1", "SECOND");
            let call = call.condition_expression("attribute_not_exists(id)");
            let show = ReturnValuesOnConditionCheckFailure::AllOld;
            let answer = call
                .return_values_on_condition_check_failure(show)
                .send()
                .await;
            let found = match some("the refusal", answer.err())?.into_service_error() {
                PutItemError::ConditionalCheckFailedException(failed) => failed.item,
                other => return Err(Failure(format!("refused with {other}"))),
            };
            equal("status", status_of(found.as_ref()), Some(&string("FIRST")))
        }
    )
    .on_dynamodb(),
    case!(
        "update-conditional",
        "An update with a condition that does not hold changes nothing.",
        UPDATE_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "LEASED").send().await?;
            let update = |expected: &str| {
                let call = target.dynamodb.update_item().table_name(&table);
                let call = call
                    .key("id", string("1"))
                    .update_expression("SET #s = :new");
                let call = call.condition_expression("#s = :old");
                let call = call.expression_attribute_names("#s", "status");
                let call = call.expression_attribute_values(":new", string("DONE"));
                call.expression_attribute_values(":old", string(expected))
                    .send()
            };
            refused(update("EXPIRED").await, "ConditionalCheckFailedException")?;
            equal(
                "status",
                target.status(&table, "1").await?,
                string("LEASED"),
            )?;
            update("LEASED").await?;
            equal("status", target.status(&table, "1").await?, string("DONE"))
        }
    )
    .on_dynamodb(),
    case!(
        "update-counter",
        "ADD starts at zero and returns the new value when asked.",
        UPDATE_ITEM,
        |target| {
            let table = target.table().await?;
            for expected in [2, 4] {
                let call = target.dynamodb.update_item().table_name(&table);
                let call = call.key("id", string("1")).update_expression("ADD hits :n");
                let call = call.expression_attribute_values(":n", number(2));
                let answer = call.return_values(ReturnValue::UpdatedNew).send().await?;
                let found = answer.attributes.unwrap_or_default().remove("hits");
                equal("hits", found, Some(number(expected)))?;
            }
            Ok(())
        }
    )
    .on_dynamodb(),
    case!(
        "delete-conditional",
        "A delete with a condition that does not hold deletes nothing.",
        DELETE_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "LEASED").send().await?;
            let delete = |expected: &str| {
                let call = target.dynamodb.delete_item().table_name(&table);
                let call = call
                    .key("id", string("1"))
                    .condition_expression("#s = :old");
                let call = call.expression_attribute_names("#s", "status");
                call.expression_attribute_values(":old", string(expected))
                    .send()
            };
            refused(delete("DONE").await, "ConditionalCheckFailedException")?;
            delete("LEASED").await?;
            equal("the item", target.item(&table, "1").await?, None)
        }
    )
    .on_dynamodb(),
    case!(
        "table-unknown",
        "A call on a table that does not exist answers ResourceNotFoundException.",
        PUT_ITEM,
        |target| {
            let put = target
                .putting(&target.name("none"), "1", "NEW")
                .send()
                .await;
            refused(put, "ResourceNotFoundException")
        }
    )
    .on_dynamodb(),
];
