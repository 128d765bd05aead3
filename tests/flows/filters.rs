//! Filter policies of workers, matched by the core, against the local SNS: two implementations that know
//! nothing of each other, and that must agree on every message.

use std::ops::Bound;

use fanline::{
    filter::{
        FilterCondition, FilterPolicy, FilterPolicyScope, absent, anything_but,
        anything_but_prefix, equals_ignore_case, exactly, exists, numeric, prefix, suffix,
    },
    publish::Outgoing,
};
use fanline_engine::{
    attribute::{AttributeValue, Attributes},
    sns::filter::{FilterPolicy as EnginePolicy, FilterScope},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

/// Few, so that policies and messages meet; with what upper and lower case do to each other.
const TEXTS: [&str; 9] = ["a", "A", "ab", "ba", "aba", "5", "ß", "ẞ", "İ"];
const NUMBERS: [f64; 6] = [-1e9, -1.5, 0.0, 1.0, 1.5, 5.0];
const NAMES: [&str; 4] = ["a", "b", "type", "a.b"];

fn text() -> impl Strategy<Value = String> {
    select(&TEXTS[..]).prop_map(str::to_owned)
}

fn range() -> impl Strategy<Value = (Bound<f64>, Bound<f64>)> {
    let open = |index: usize| (Bound::Excluded(NUMBERS[index]), Bound::Unbounded);
    prop_oneof![
        (0..NUMBERS.len()).prop_map(open),
        (0..NUMBERS.len()).prop_map(|end| (Bound::Unbounded, Bound::Included(NUMBERS[end]))),
        (0..NUMBERS.len()).prop_map(|end| (Bound::Unbounded, Bound::Excluded(NUMBERS[end]))),
        (0..NUMBERS.len())
            .prop_map(|one| (Bound::Included(NUMBERS[one]), Bound::Included(NUMBERS[one]))),
        (0..NUMBERS.len() - 1, any::<bool>()).prop_map(|(start, closed)| {
            let (least, most) = (NUMBERS[start], NUMBERS[start + 1]);
            match closed {
                true => (Bound::Included(least), Bound::Excluded(most)),
                false => (Bound::Excluded(least), Bound::Included(most)),
            }
        }),
    ]
}

fn condition() -> impl Strategy<Value = FilterCondition> {
    prop_oneof![
        text().prop_map(exactly),
        text().prop_map(prefix),
        text().prop_map(suffix),
        text().prop_map(equals_ignore_case),
        vec(text(), 1..3).prop_map(anything_but),
        text().prop_map(anything_but_prefix),
        range().prop_map(numeric),
        Just(exists()),
        Just(absent()),
    ]
}

/// Keys that do not stand in each other's way; few, since all of them must match.
fn policy(scope: FilterPolicyScope) -> impl Strategy<Value = FilterPolicy> {
    let names: &[&str] = match scope {
        FilterPolicyScope::MessageAttributes => &NAMES,
        FilterPolicyScope::MessageBody => &["type", "b", "a.b", "a.c", "a.d.e"],
    };
    let names = subsequence(names, 1..=2);
    names.prop_flat_map(move |names| {
        let conditions = vec(vec(condition(), 1..4), names.len());
        conditions.prop_map(move |conditions| {
            let start = match scope {
                FilterPolicyScope::MessageAttributes => FilterPolicy::on_attributes(),
                FilterPolicyScope::MessageBody => FilterPolicy::on_body(),
            };
            let keys = names.iter().zip(conditions);
            keys.fold(start, |policy, (name, conditions)| {
                policy.key(*name, conditions)
            })
        })
    })
}

fn attributes() -> impl Strategy<Value = Vec<(String, String)>> {
    // At least one: AWS lets `exists: false` hold only beside others, the engine always.
    let names = subsequence(&NAMES[..], 1..=NAMES.len());
    names.prop_flat_map(|names| {
        vec(text(), names.len()).prop_map(move |values| {
            let names = names.iter().map(|name| (*name).to_owned());
            names.zip(values).collect()
        })
    })
}

/// Not null and no empty text: AWS says that `exists` needs a value, the engine takes either for one.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        select(&NUMBERS[..]).prop_map(|number| json!(number)),
        Just(json!(1)),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let names = select(&["a", "b", "c", "d", "e", "type"][..]);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((names, inner), 0..4).prop_map(|members| {
                let members = members.into_iter();
                members
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

/// Mostly with the keys that policies name.
fn body() -> impl Strategy<Value = String> {
    let members =
        [value(), value(), value(), value(), value()].prop_map(|[kind, b, ab, ac, ade]| {
            json!({ "type": kind, "b": b, "a": { "b": ab, "c": ac, "d": [{ "e": ade }, 1] } })
                .to_string()
        });
    prop_oneof![
        6 => members,
        2 => value().prop_map(|value| value.to_string()),
        1 => Just("no JSON".to_owned()),
    ]
}

fn message(attributes: Vec<(String, String)>, body: String) -> Outgoing {
    Outgoing {
        entity: String::new(),
        event_id: String::new(),
        body,
        attributes,
    }
}

fn engine_passes(policy: &FilterPolicy, message: &Outgoing) -> bool {
    let scope = match policy.scope() {
        FilterPolicyScope::MessageAttributes => FilterScope::MessageAttributes,
        FilterPolicyScope::MessageBody => FilterScope::MessageBody,
    };
    let attributes = message.attributes.iter();
    let attributes = attributes.map(|(name, value)| (name.clone(), AttributeValue::string(value)));
    let attributes = Attributes::new(attributes).unwrap();
    let policy = EnginePolicy::parse(&policy.to_json(), scope).unwrap();
    policy.matches(&attributes, &message.body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_policy_on_attributes_matches_as_the_local_sns_does(
        policy in policy(FilterPolicyScope::MessageAttributes),
        attributes in attributes(),
    ) {
        let message = message(attributes, String::new());
        prop_assert_eq!(policy.matches(&message), engine_passes(&policy, &message), "{}", policy.to_json());
    }

    #[test]
    fn a_policy_on_the_body_matches_as_the_local_sns_does(
        policy in policy(FilterPolicyScope::MessageBody),
        body in body(),
    ) {
        let message = message(Vec::new(), body);
        // More conditions on deep keys than SNS takes are no policy.
        let scope = FilterScope::MessageBody;
        prop_assume!(EnginePolicy::parse(&policy.to_json(), scope).is_ok());
        prop_assert_eq!(policy.matches(&message), engine_passes(&policy, &message), "{}", policy.to_json());
    }
}

/// The samples are such that both answers come up, or agreeing would mean little.
#[test]
fn policies_and_messages_of_the_samples_do_meet() {
    let mut runner = TestRunner::deterministic();
    for scope in [
        FilterPolicyScope::MessageAttributes,
        FilterPolicyScope::MessageBody,
    ] {
        let message =
            (attributes(), body()).prop_map(|(attributes, body)| message(attributes, body));
        let samples = (policy(scope), message);
        let passes = (0..400).filter(|_| {
            let (policy, message) = samples.new_tree(&mut runner).unwrap().current();
            policy.matches(&message)
        });
        let passed = passes.count();
        assert!(
            (40..=360).contains(&passed),
            "{scope:?}: {passed} of 400 pass"
        );
    }
}
