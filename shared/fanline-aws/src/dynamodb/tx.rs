//! What a handler adds to its transaction.
//!
//! The handler may run more than once; its writes happen once. What could be got wrong is an
//! effect outside the transaction: a mail, an HTTP call, a direct write. Those need the lease.

use std::{collections::HashMap, fmt, sync::Arc};

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use fanline::{Delivery, Extract, Failure};

use super::{
    sequence::Sequence,
    transaction::{DynamoTransaction, OnRefusal},
};

/// The writes of a handler that is effectively once.
///
/// A handler that takes `Tx` runs without a lease. What it adds is committed with the dedup
/// record in one TransactWriteItems after it returned `Ok`: one call per message, and twice
/// the write units of plain writes. At most 99 writes, 4 MB, one per item. Events are writes too:
/// those of an [`Outbox`](crate::outbox::Outbox).
///
/// ```no_run
/// use aws_sdk_dynamodb::types::{AttributeValue, Put};
/// use fanline::{Envelope, Failure, State};
/// use fanline_aws::{Tx, outbox::Outbox};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct OrderPlaced { order_id: String }
/// # impl fanline::Event for OrderPlaced { const TYPE: &'static str = "order.placed"; }
/// # #[derive(Serialize, Deserialize)] struct StockReserved { order_id: String }
/// # impl fanline::Event for StockReserved { const TYPE: &'static str = "stock.reserved"; }
///
/// async fn reserve(event: Envelope<OrderPlaced>, State(outbox): State<Outbox>, tx: Tx) -> Result<(), Failure> {
///     let order_id = event.data.order_id;
///     let reservation = Put::builder()
///         .table_name("reservations")
///         .item("orderId", AttributeValue::S(order_id.clone()))
///         .condition_expression("attribute_not_exists(orderId)")
///         .build()?;
///     tx.put(reservation)
///         .or_else(|_existing| Failure::reject("there is a reservation for this order"));
///     tx.put(outbox.put(&outbox.event(StockReserved { order_id }))?);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Tx {
    transaction: Arc<DynamoTransaction>,
    attempt: u32,
}

impl fmt::Debug for Tx {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tx({} writes)", self.transaction.lock().len())
    }
}

impl Tx {
    /// Adds an Update.
    pub fn update(&self, update: Update) -> Write<'_> {
        self.write(TransactWriteItem::builder().update(update).build())
    }

    /// Adds a Put.
    pub fn put(&self, put: Put) -> Write<'_> {
        self.write(TransactWriteItem::builder().put(put).build())
    }

    /// Adds a Delete.
    pub fn delete(&self, delete: Delete) -> Write<'_> {
        self.write(TransactWriteItem::builder().delete(delete).build())
    }

    /// Adds a condition on an item that is not written.
    pub fn condition_check(&self, check: ConditionCheck) -> Write<'_> {
        self.write(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Lets the transaction commit only in the order of its entity's events; see [`Sequence`]. One
    /// write of the 99, on the dedup table: needs `dynamodb:UpdateItem` there. At most one per handler.
    pub fn in_sequence(&self, sequence: Sequence) {
        self.transaction.in_sequence(sequence, self.attempt);
    }

    fn write(&self, write: TransactWriteItem) -> Write<'_> {
        let index = self.transaction.add(write);
        Write { tx: self, index }
    }
}

/// A write that was added. If its condition is false when the transaction commits, nothing of it is
/// written, and the message is tried again by its retry plan, unless [`or_else`](Self::or_else) says
/// otherwise.
pub struct Write<'tx> {
    tx: &'tx Tx,
    index: usize,
}

impl Write<'_> {
    /// What a false condition means: `failure` gets the item as it is, if there is one. [`Failure::reject`]
    /// if no retry can help.
    pub fn or_else<F>(self, failure: F)
    where
        F: FnOnce(Option<HashMap<String, AttributeValue>>) -> Failure + Send + 'static,
    {
        let mut writes = self.tx.transaction.lock();
        if let Some(write) = writes.get_mut(self.index) {
            return_item(&mut write.action);
            write.on_refusal = OnRefusal::Ask(Box::new(failure));
        }
    }
}

/// DynamoDB brings the item only if it is asked to.
fn return_item(action: &mut TransactWriteItem) {
    let wanted = Some(ReturnValuesOnConditionCheckFailure::AllOld);
    if let Some(update) = &mut action.update {
        update.return_values_on_condition_check_failure = wanted;
    } else if let Some(put) = &mut action.put {
        put.return_values_on_condition_check_failure = wanted;
    } else if let Some(delete) = &mut action.delete {
        delete.return_values_on_condition_check_failure = wanted;
    } else if let Some(check) = &mut action.condition_check {
        check.return_values_on_condition_check_failure = wanted;
    }
}

impl<S> Extract<S> for Tx {
    const TRANSACTIONAL: bool = true;

    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        let transaction = delivery.transaction().cloned();
        let ours = transaction.and_then(|it| it.as_any().downcast::<DynamoTransaction>().ok());
        match ours {
            Some(transaction) => Ok(Self {
                transaction,
                attempt: delivery.attempt(),
            }),
            None => Err(Failure::reject("Tx needs the DynamoDB dedup store")),
        }
    }
}
