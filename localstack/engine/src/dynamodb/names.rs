//! ARNs and shard ids as AWS would write them.
//!
//! dynoxide writes region `dynoxide` into ARNs, and shard ids that botocore refuses as too
//! short. They are rewritten on the way out and back, only in operations that carry no
//! items: a user's data is never touched.

use std::borrow::Cow;

const INNER_ARN: &str = "arn:aws:dynamodb:dynoxide:000000000000:";
const INNER_SHARD: &str = "\"shardId-00000001-";
const OUTER_SHARD: &str = "\"shardId-00000000000000000001-";

pub(crate) struct Names {
    arn: String,
}

impl Names {
    pub(crate) fn new(region: &str, account: &str) -> Self {
        Self {
            arn: format!("arn:aws:dynamodb:{region}:{account}:"),
        }
    }

    pub(crate) fn inwards<'a>(&self, operation: &str, body: &'a str) -> Cow<'a, str> {
        let carries_names = matches!(
            operation,
            "DescribeStream"
                | "GetShardIterator"
                | "ListTagsOfResource"
                | "TagResource"
                | "UntagResource"
        );
        if !carries_names {
            return Cow::Borrowed(body);
        }
        let body = body.replace(&self.arn, INNER_ARN);
        Cow::Owned(body.replace(OUTER_SHARD, INNER_SHARD))
    }

    pub(crate) fn outwards(&self, operation: &str, body: String) -> String {
        let carries_names = matches!(
            operation,
            "CreateTable"
                | "DeleteTable"
                | "DescribeTable"
                | "UpdateTable"
                | "ListStreams"
                | "DescribeStream"
        );
        if !carries_names {
            return body;
        }
        let body = body.replace(INNER_ARN, &self.arn);
        body.replace(INNER_SHARD, OUTER_SHARD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went_out_and_items_are_left_alone() {
        let names = Names::new("eu-west-1", "000000000000");
        let inner = format!(r#"{{"StreamArn":"{INNER_ARN}table/t","ShardId":{INNER_SHARD}t"}}"#);
        let outer = names.outwards("DescribeStream", inner.clone());
        assert!(outer.contains("arn:aws:dynamodb:eu-west-1:"), "{outer}");
        assert!(outer.contains("shardId-00000000000000000001-t"), "{outer}");
        assert_eq!(names.inwards("GetShardIterator", &outer), inner);
        assert_eq!(names.outwards("GetItem", inner.clone()), inner);
        assert_eq!(names.inwards("PutItem", &outer), outer);
    }
}
