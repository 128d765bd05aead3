//! The table of counts: key `minute`, attribute `signups`.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, Update},
};
use fanline::Timestamp;
use fanline_aws::{Environment, InvalidEnvironment};

/// Where the counts are kept.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    table: String,
}

impl Counts {
    /// Reads `COUNTS_TABLE`.
    pub(crate) fn from_environment() -> Result<Self, InvalidEnvironment> {
        let mut environment = Environment::read();
        let table = environment.required("COUNTS_TABLE");
        environment.check()?;
        Ok(Self { table })
    }

    /// The write that counts one sign-up in its UTC minute, for example `2026-02-14T10:30Z`.
    pub(crate) fn one_more(&self, time: Timestamp) -> Result<Update, BuildError> {
        let minute = time.strftime("%Y-%m-%dT%H:%MZ").to_string();
        Update::builder()
            .table_name(&self.table)
            .key("minute", AttributeValue::S(minute))
            .update_expression("ADD signups :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .build()
    }
}
