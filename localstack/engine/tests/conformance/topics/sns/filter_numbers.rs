//! Filter policies on attributes: numbers, arrays and binary values.

use super::filtering::{Sample, attributes_pass, k, n};
use crate::case::{Case, case};
use crate::check::equal;
use crate::document::*;
use crate::fixture::{bodies, sns_attribute};
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;

pub(super) const CASES: &[Case] = &[
    case!(
        "filter-numeric-equal",
        "numeric = compares numbers, however they are written.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": ["=", 301.5]}]});
            let samples = [n(true, "301.5"), n(true, "3.015e2"), n(true, "301.50"), n(false, "301")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-comparisons",
        "numeric compares with <, <=, > and >=.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": ["<", -5]}, {"numeric": [">=", 100]}]});
            let samples = [n(true, "-6"), n(false, "-5"), n(false, "99.9"), n(true, "100"), n(true, "101")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-range",
        "numeric with two bounds matches the range between them.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": [">", 0, "<=", 150]}]});
            let samples = [n(false, "0"), n(true, "0.1"), n(true, "150"), n(false, "150.1")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-anything-but",
        "anything-but takes numbers too.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": [100, 500]}]});
            let samples = [n(true, "101"), n(true, "100.1"), n(false, "100"), n(false, "500.0")];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-numeric-needs-a-number",
        "numeric matches attributes of type Number, not text that looks like a number.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"k": [{"numeric": ["=", 5]}]});
            attributes_pass(&target, policy, &[n(true, "5"), k(false, "5")]).await
        }
    ),
    case!(
        "filter-string-array",
        "Of a String.Array one element that matches is enough.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": ["rugby", "tennis"]});
            let array = |passes, value| Sample::of(passes, "k", "String.Array", value);
            let samples = [
                array(true, r#"["baseball", "rugby"]"#),
                array(false, r#"["baseball", "football"]"#),
                array(false, "[]"),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-string-array-anything-but",
        "anything-but matches a String.Array with an element that is not listed.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": ["rugby", "tennis"]}]});
            let array = |passes, value| Sample::of(passes, "k", "String.Array", value);
            let samples = [
                array(true, r#"["rugby", "baseball"]"#),
                array(true, r#"["baseball"]"#),
                array(false, r#"["rugby"]"#),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    )
    .open("The page's text wants none of the elements listed, its example has one that is; the example is followed."),
    case!(
        "filter-string-array-keywords",
        "Elements of a String.Array may be numbers, true, false and null.",
        SNS_ATTRIBUTES,
        |target| {
            let policy = json!({"k": [true, null, {"numeric": [">", 10]}]});
            let array = |passes, value| Sample::of(passes, "k", "String.Array", value);
            let samples = [
                array(true, r#"["x", true]"#),
                array(true, "[null]"),
                array(true, "[11]"),
                array(false, r#"["true", false, 9]"#),
            ];
            attributes_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "filter-binary-is-not-compared",
        "Attributes of type Binary are not compared with the policy.",
        SNS_ATTRIBUTES,
        |target| {
            let filter = json!({"k": ["a"]}).to_string();
            let attributes = [("RawMessageDelivery", "true"), ("FilterPolicy", filter.as_str())];
            let (topic, queue) = target.subscribed(&attributes).await?;
            let binary = MessageAttributeValue::builder().data_type("Binary");
            let binary = binary.binary_value(Blob::new("a")).build()?;
            let call = target.publishing(&topic, "binary").message_attributes("k", binary);
            call.send().await?;
            let call = target.publishing(&topic, "text");
            call.message_attributes("k", sns_attribute("String", "a")?).send().await?;
            let received = target.receive_all(&queue, 1).await?;
            equal("the bodies", bodies(&received), vec!["text"])
        }
    ),
];
