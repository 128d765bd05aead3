//! `fanline simulate`: what it says, and that it says the same again.

use serde_json::Value;

use crate::{dev::run, signups::text};

async fn simulate(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = run(&[&["simulate"], arguments].concat()).await;
    let code = output.status.code();
    (text(output.stdout), text(output.stderr), code)
}

#[tokio::test]
async fn every_scenario_keeps_its_promises() {
    let (said, _, code) = simulate(&["--seeds", "3", "--json"]).await;
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(report["failure"], Value::Null);
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 5);
    for scenario in scenarios {
        assert!(scenario["messages"].as_u64().unwrap() > 0, "{scenario}");
        assert_eq!(scenario["failedSeeds"], Value::Array(Vec::new()));
    }
}

#[tokio::test]
async fn one_seed_is_told_and_drawn_the_same_again() {
    let folder = std::env::temp_dir().join(format!("fanline-simulate-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut seen = Vec::new();
    for name in ["one.svg", "other.svg"] {
        let picture = folder.join(name);
        let path = picture.to_str().unwrap();
        let arguments = [
            "--scenario",
            "orders",
            "--seed",
            "5",
            "--timeline",
            "--picture",
            path,
        ];
        let (said, _, code) = simulate(&arguments).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("handler begins, attempt 1"), "{said}");
        seen.push((said, std::fs::read_to_string(&picture).unwrap()));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].1.ends_with("</svg>\n"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_a_line() {
    for (arguments, problem) in [
        (
            &["--scenario", "acounts"][..],
            "a similar value exists: 'accounts'",
        ),
        (&["--from", "soon"], "expected a number or `random`"),
        (&["--seed", "1", "--timeline"], "choose it: --scenario NAME"),
        (
            &[
                "--seed",
                "1",
                "--scenario",
                "accounts",
                "--timeline",
                "--event",
                "e-1",
            ],
            "nothing happened to an event e-1",
        ),
    ] {
        let (_, complained, code) = simulate(arguments).await;
        assert!(complained.contains(problem), "{complained}");
        assert!(code.is_some_and(|code| code != 0), "{arguments:?}");
    }
}
