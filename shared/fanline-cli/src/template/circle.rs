//! Circular references among resources. They would not disturb a local run, but CloudFormation
//! refuses them, and the template read here is the one that is deployed.

use std::collections::{BTreeMap, BTreeSet};

/// One circle for each group of resources that refer to each other, its first member repeated at
/// the end.
pub(super) fn circles(references: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for start in references.keys() {
        if done.contains(&**start) {
            continue;
        }
        // Depth first without recursion: the way here, and for each step what is left to try.
        let mut way: Vec<&str> = vec![start];
        let mut left = vec![successors(references, start)];
        while let Some(successors_left) = left.last_mut() {
            match successors_left.pop() {
                None => {
                    left.pop();
                    done.extend(way.pop());
                }
                Some(next) if done.contains(next) => {}
                Some(next) => match way.iter().position(|step| *step == next) {
                    Some(begin) => {
                        let mut circle: Vec<String> =
                            way[begin..].iter().map(|step| (*step).to_owned()).collect();
                        circle.push(next.to_owned());
                        // Its members are named once, not again from another start.
                        done.extend(&way[begin..]);
                        found.push(circle);
                    }
                    None => {
                        way.push(next);
                        left.push(successors(references, next));
                    }
                },
            }
        }
    }
    found
}

fn successors<'r>(references: &'r BTreeMap<String, BTreeSet<String>>, of: &str) -> Vec<&'r str> {
    references
        .get(of)
        .into_iter()
        .flatten()
        .rev()
        .map(String::as_str)
        .collect()
}
