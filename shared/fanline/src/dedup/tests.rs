use std::time::Duration;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::Timestamp;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_771_065_000 + seconds).unwrap()
}

fn claim(owner: u8, data: u8, now: i64) -> Claim {
    Claim {
        id: "consumer#key".to_owned(),
        owner: format!("owner-{owner}"),
        fingerprint: format!("data-{data}"),
        lease_until: time(now) + Duration::from_secs(30),
        expires_at: time(now) + Duration::from_secs(100),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Claim { owner: u8, data: u8 },
    Commit { owner: u8, data: u8 },
    Complete { owner: u8 },
    Release { owner: u8 },
    Renew { owner: u8 },
    Wait { seconds: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..4, 0_u8..2).prop_map(|(owner, data)| Step::Claim { owner, data }),
        (4_u8..6, 0_u8..2).prop_map(|(owner, data)| Step::Commit { owner, data }),
        (0_u8..4).prop_map(|owner| Step::Complete { owner }),
        (0_u8..4).prop_map(|owner| Step::Release { owner }),
        (0_u8..4).prop_map(|owner| Step::Renew { owner }),
        (0_i64..50).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

fn run(current: Option<&Record>, step: &Step, now: i64) -> Result<Record, Refusal> {
    match step {
        Step::Claim { owner, data } => {
            Record::claim(current, &claim(*owner, *data, now), time(now))
        }
        Step::Commit { owner, data } => {
            Record::commit(current, &claim(*owner, *data, now), time(now))
        }
        Step::Complete { owner } => Record::complete(current, &format!("owner-{owner}")),
        Step::Release { owner } => {
            Record::release(current, &format!("owner-{owner}"), 1, "did not work")
        }
        Step::Renew { owner } => {
            let until = time(now) + Duration::from_secs(30);
            Record::renew(current, &format!("owner-{owner}"), until)
        }
        Step::Wait { .. } => current.cloned().ok_or(Refusal::NotOwner),
    }
}

proptest! {
    /// Who holds a live lease, or has done the work, cannot be displaced by anybody.
    #[test]
    fn nobody_displaces_a_live_lease_or_a_done_record(steps in proptest::collection::vec(step(), 1..60)) {
        let mut now = 0;
        let mut record: Option<Record> = None;
        for step in steps {
            if let Step::Wait { seconds } = step {
                now += seconds;
                continue;
            }
            let next = run(record.as_ref(), &step, now);
            let Ok(next) = next else { continue };
            if let Some(before) = &record {
                let expired = before.expires_at <= time(now);
                let lapsed = before.lease_until <= time(now);
                if before.status == Status::Done && !expired {
                    prop_assert_eq!(&next, before, "a done record changed");
                }
                if before.status == Status::Leased && !lapsed && !expired {
                    prop_assert_eq!(&next.owner, &before.owner, "a live lease was taken");
                }
            }
            record = Some(next);
        }
    }

    /// A lease or a claim is never lost for good: after lease and retention, anyone may claim.
    #[test]
    fn nothing_blocks_a_key_for_ever(steps in proptest::collection::vec(step(), 1..60)) {
        let mut now = 0;
        let mut record: Option<Record> = None;
        for step in steps {
            match step {
                Step::Wait { seconds } => now += seconds,
                step => {
                    if let Ok(next) = run(record.as_ref(), &step, now) {
                        record = Some(next);
                    }
                }
            }
        }
        now += 100;
        prop_assert!(Record::claim(record.as_ref(), &claim(9, 0, now), time(now)).is_ok());
    }
}

#[test]
fn fingerprint_ignores_the_order_of_keys_and_nothing_else() {
    let typed = |name: &str, text: &str| {
        fingerprint(name, &RawValue::from_string(text.to_owned()).unwrap())
    };
    let of = |text: &str| typed("a.b", text);
    assert_ne!(of("{}"), typed("a.c", "{}"));
    assert_eq!(
        of(r#"{"a": 1, "b": [1, {"c": 2, "d": "x"}]}"#),
        of(r#"{"b":[1,{"d":"x","c":2}],"a":1}"#)
    );
    for other in [
        r#"{"a": 2, "b": 1}"#,
        r#"{"a": "1", "b": 1}"#,
        r#"{"ab": 11}"#,
        "[]",
        "null",
    ] {
        assert_ne!(of(r#"{"a": 1, "b": 1}"#), of(other), "{other}");
    }
    assert_ne!(of("[[1],2]"), of("[1,[2]]"));
    assert_eq!(of("{}").len(), 32);
}
