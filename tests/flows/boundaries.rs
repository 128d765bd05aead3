//! Who may not know whom (design section 2), over the resolved dependency graph.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::dev::workspace;

/// Direct dependencies of every package of the workspace, without or with development ones.
fn dependencies(with_development: bool) -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .current_dir(workspace())
        .exec()
        .unwrap();
    let packages = metadata.workspace_packages().into_iter().map(|package| {
        let dependencies = package.dependencies.iter().filter(|dependency| {
            with_development || dependency.kind != DependencyKind::Development
        });
        let names = dependencies
            .map(|dependency| dependency.name.clone())
            .collect();
        (package.name.to_string(), names)
    });
    packages.collect()
}

/// All that a package is built from, through any number of steps.
fn closure(package: &str) -> BTreeSet<String> {
    let metadata = MetadataCommand::new()
        .current_dir(workspace())
        .exec()
        .unwrap();
    let name_of = |id| metadata[id].name.to_string();
    let resolve = metadata.resolve.as_ref().unwrap();
    let start = metadata
        .packages
        .iter()
        .find(|candidate| candidate.name == package)
        .unwrap();
    let mut open = vec![start.id.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == id).unwrap();
        let normal = node.deps.iter().filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        });
        open.extend(normal.map(|dependency| dependency.pkg.clone()));
    }
    seen.iter().map(name_of).collect()
}

fn is_aws(name: &str) -> bool {
    name.starts_with("aws-") || name.starts_with("aws_") || name.starts_with("lambda_runtime")
}

#[test]
fn core_and_testing_know_no_aws() {
    for package in ["fanline", "fanline-testing", "events"] {
        let aws: Vec<_> = closure(package)
            .into_iter()
            .filter(|name| is_aws(name))
            .collect();
        assert_eq!(aws, Vec::<String>::new(), "{package}");
    }
}

#[test]
fn engine_imitates_aws_and_not_us() {
    let known = closure("fanline-engine");
    let ours: Vec<_> = known
        .iter()
        .filter(|name| name.starts_with("fanline"))
        .collect();
    assert_eq!(ours, ["fanline-engine"]);
    assert!(
        !known.iter().any(|name| is_aws(name)),
        "clients are for its tests"
    );
}

#[test]
fn testing_is_for_tests_and_the_command() {
    for (package, dependencies) in dependencies(false) {
        let allowed = matches!(package.as_str(), "fanline-cli");
        assert!(
            allowed || !dependencies.contains("fanline-testing"),
            "{package}"
        );
    }
}

#[test]
fn functions_know_queues_and_topics_only_through_the_framework() {
    let functions = ["email-service", "analytics-service"];
    for (package, dependencies) in dependencies(true) {
        if !functions.contains(&package.as_str()) {
            continue;
        }
        for forbidden in [
            "aws-sdk-sqs",
            "aws-sdk-sns",
            "lambda_runtime",
            "aws_lambda_events",
        ] {
            assert!(
                !dependencies.contains(forbidden),
                "{package} names {forbidden}"
            );
        }
        for other in functions {
            assert!(!dependencies.contains(other), "{package} names {other}");
        }
    }
}
