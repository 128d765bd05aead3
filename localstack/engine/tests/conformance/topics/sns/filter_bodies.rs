//! Filter policies on the message body.

use super::filtering::bodies_pass;
use crate::case::{Case, case};
use crate::check::refused;
use crate::document::*;
use serde_json::json;

pub(super) const CASES: &[Case] = &[
    case!(
        "body-filter-exact",
        "With scope MessageBody the policy looks at the properties of the JSON body.",
        FILTER_POLICIES,
        |target| {
            let samples = [
                (true, r#"{"k":"a"}"#),
                (false, r#"{"k":"b"}"#),
                (false, r#"{"l":"a"}"#),
            ];
            bodies_pass(&target, json!({"k": ["a"]}), &samples).await
        }
    ),
    case!(
        "body-filter-nested",
        "A nested policy matches nested properties.",
        FILTER_CONSTRAINTS,
        |target| {
            let policy = json!({"order": {"customer": {"tier": ["gold"]}}});
            let samples = [
                (true, r#"{"order":{"customer":{"tier":"gold"}}}"#),
                (false, r#"{"order":{"customer":{"tier":"iron"}}}"#),
                (false, r#"{"order":{"tier":"gold"}}"#),
            ];
            bodies_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "body-filter-needs-json",
        "A body that is not a JSON object does not pass a policy on the body.",
        FILTER_POLICIES,
        |target| {
            let samples = [(true, r#"{"k":"a"}"#), (false, "plain"), (false, r#""a""#)];
            bodies_pass(&target, json!({"k": ["a"]}), &samples).await
        }
    )
    .open("What happens to bodies that are not JSON objects: they are not delivered."),
    case!(
        "body-filter-array",
        "Of an array in the body one element that matches is enough.",
        STRING_MATCHING,
        |target| {
            let samples = [
                (true, r#"{"k":["x","a"]}"#),
                (false, r#"{"k":["x"]}"#),
                (false, r#"{"k":[]}"#),
            ];
            bodies_pass(&target, json!({"k": ["a"]}), &samples).await
        }
    ),
    case!(
        "body-filter-numeric",
        "numeric compares numbers of the body, however they are written.",
        NUMERIC_MATCHING,
        |target| {
            let policy = json!({"price_usd": [{"numeric": ["=", 301.5]}]});
            let samples = [
                (true, r#"{"price_usd":301.5}"#),
                (true, r#"{"price_usd":3.015e2}"#),
                (false, r#"{"price_usd":"301.5"}"#),
                (false, r#"{"price_usd":301}"#),
            ];
            bodies_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "body-filter-keywords",
        "true, false and null of a policy match those of the body.",
        FILTER_CONSTRAINTS,
        |target| {
            let samples = [
                (true, r#"{"k":true}"#),
                (true, r#"{"k":null}"#),
                (false, r#"{"k":false}"#),
                (false, r#"{"k":"true"}"#),
            ];
            bodies_pass(&target, json!({"k": [true, null]}), &samples).await
        }
    ),
    case!(
        "body-filter-anything-but",
        "anything-but matches values of the body that are not listed.",
        STRING_MATCHING,
        |target| {
            let policy = json!({"k": [{"anything-but": ["rugby", "tennis"]}]});
            let samples = [(true, r#"{"k":"baseball"}"#), (false, r#"{"k":"rugby"}"#)];
            bodies_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "body-filter-text-operators",
        "prefix, suffix, equals-ignore-case and cidr match texts of the body.",
        STRING_MATCHING,
        |target| {
            let policy = json!({
                "a": [{"prefix": "bas"}, {"suffix": "ball"}],
                "b": [{"equals-ignore-case": "tennis"}],
                "c": [{"cidr": "10.0.0.0/24"}],
            });
            let samples = [
                (true, r#"{"a":"basket","b":"TENNIS","c":"10.0.0.7"}"#),
                (true, r#"{"a":"football","b":"Tennis","c":"10.0.0.8"}"#),
                (false, r#"{"a":"rugby","b":"tennis","c":"10.0.0.7"}"#),
                (false, r#"{"a":"basket","b":"tennis","c":"10.1.1.0"}"#),
            ];
            bodies_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "body-filter-exists",
        "exists tells bodies with a property from those without.",
        KEY_MATCHING,
        |target| {
            let policy = json!({"store": [{"exists": true}], "test": [{"exists": false}]});
            let samples = [
                (true, r#"{"store":"fans"}"#),
                (false, r#"{"store":"fans","test":1}"#),
                (false, r#"{"other":1}"#),
            ];
            bodies_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "body-filter-or-operator",
        "$or passes bodies that match one of its alternatives.",
        AND_OR,
        |target| {
            let policy = json!({"$or": [{"k": ["a"]}, {"l": [{"numeric": [">", 10]}]}]});
            let samples = [
                (true, r#"{"k":"a"}"#),
                (true, r#"{"l":11}"#),
                (false, r#"{"k":"b","l":9}"#),
            ];
            bodies_pass(&target, policy, &samples).await
        }
    ),
    case!(
        "body-filter-ignores-attributes",
        "With scope MessageBody, message attributes are not looked at.",
        FILTER_POLICIES,
        |target| {
            use crate::check::equal;
            use crate::fixture::{bodies, sns_attribute};
            let attributes = [
                ("RawMessageDelivery", "true"),
                ("FilterPolicyScope", "MessageBody"),
                ("FilterPolicy", r#"{"k": ["a"]}"#),
            ];
            let (topic, queue) = target.subscribed(&attributes).await?;
            let call = target.publishing(&topic, r#"{"k":"b"}"#);
            call.message_attributes("k", sns_attribute("String", "a")?)
                .send()
                .await?;
            target.publish(&topic, r#"{"k":"a"}"#).await?;
            let received = target.receive_all(&queue, 1).await?;
            equal("the bodies", bodies(&received), vec![r#"{"k":"a"}"#])
        }
    ),
    case!(
        "body-filter-scope-values",
        "FilterPolicyScope is MessageAttributes or MessageBody.",
        SET_SUBSCRIPTION_ATTRIBUTES,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let arn = target
                .subscribe(&topic, &target.queue("q", &[]).await?, &[])
                .await?;
            let call = target
                .sns
                .set_subscription_attributes()
                .subscription_arn(&arn);
            let call = call
                .attribute_name("FilterPolicyScope")
                .attribute_value("Subject");
            refused(call.send().await, "InvalidParameter")
        }
    ),
    case!(
        "body-filter-combinations-count-levels",
        "For nested keys the number of values is multiplied by their depth.",
        FILTER_CONSTRAINTS,
        |target| {
            let topic = target.topic("t", &[]).await?;
            let arn = target
                .subscribe(&topic, &target.queue("q", &[]).await?, &[])
                .await?;
            let set = |name: &str, value: String| {
                let call = target
                    .sns
                    .set_subscription_attributes()
                    .subscription_arn(&arn);
                call.attribute_name(name).attribute_value(value).send()
            };
            set("FilterPolicyScope", "MessageBody".into()).await?;
            // Three values at level 3, one at level 2, three at level 3: 9 x 2 x 9 = 162.
            let too_many = json!({
                "a": {"b": {"c": ["1", "2", "3"]}},
                "d": {"e": ["1"]},
                "f": {"g": {"h": ["1", "2", "3"]}},
            });
            refused(
                set("FilterPolicy", too_many.to_string()).await,
                "InvalidParameter",
            )?;
            let fits = json!({
                "a": {"b": {"c": ["1", "2", "3"]}},
                "f": {"g": {"h": ["1", "2", "3"]}},
            });
            set("FilterPolicy", fits.to_string()).await?;
            Ok(())
        }
    ),
];
