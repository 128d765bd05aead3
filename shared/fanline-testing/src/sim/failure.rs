//! A run that broke a promise, made as small as it gets.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{
    injector::{FaultId, Injected},
    property::Violation,
    run::{Course, Run},
    simulation::Simulation,
    timeline::Timeline,
};

/// What is tried at most to make a failing run smaller.
const TRIES: u32 = 2_000;

/// A seed that breaks a promise, with the fewest events and faults found that still do.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Repeats the run.
    pub seed: u64,
    /// What was broken first.
    pub violation: Violation,
    /// Events of the run as it was, and as it is shown.
    pub events: (usize, usize),
    /// Faults of the run as it was, and as it is shown.
    pub faults: (usize, usize),
    /// The faults that are left.
    pub schedule: Vec<Injected>,
    /// All that happened in the smaller run.
    pub timeline: Timeline,
}

impl Failure {
    /// What happened to the event that it is about, or all of it.
    pub fn story(&self) -> Timeline {
        match &self.violation.event {
            Some(event) => self.timeline.about(event),
            None => self.timeline.clone(),
        }
    }

    /// The story as an SVG sequence picture.
    pub fn picture(&self) -> String {
        self.story().to_svg()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            violation,
            events,
            faults,
            schedule,
            ..
        } = self;
        writeln!(formatter, "seed {seed}: {violation}")?;
        writeln!(
            formatter,
            "shrunk from {} events and {} faults to {} and {}",
            events.0, faults.0, events.1, faults.1
        )?;
        writeln!(formatter, "\nfaults:")?;
        for fault in schedule {
            writeln!(formatter, "{fault}")?;
        }
        match &violation.event {
            Some(event) => writeln!(formatter, "\nwhat happened to {event}:")?,
            None => writeln!(formatter, "\nwhat happened:")?,
        }
        write!(formatter, "{}", self.story())
    }
}

impl<App: Send + Sync + 'static> Simulation<App> {
    /// Runs one seed; if it breaks a promise, says how, as small as possible.
    pub fn find_failure(&self, seed: u64) -> Option<Failure> {
        let run = self.try_seed(seed);
        (!run.violations.is_empty()).then(|| self.shrink(seed, &run))
    }

    /// Leaves out events and faults as long as the same promise stays broken.
    pub(super) fn shrink(&self, seed: u64, run: &Run) -> Failure {
        let property = run.violations[0].property;
        let mut tries = TRIES;
        let mut fails = |events: &[usize], faults: &[FaultId]| {
            tries = tries.saturating_sub(1);
            let course = course(seed, events, faults, false);
            let violations = self.follow(&course).violations;
            tries > 0
                && violations
                    .first()
                    .is_some_and(|violation| violation.property == property)
        };
        let all_events: Vec<usize> = (0..self.size()).collect();
        let all_faults: Vec<FaultId> = run.faults.iter().map(|fault| fault.id).collect();
        let mut faults = all_faults.clone();
        // Of events first: each that is gone takes its faults with it.
        let mut events = smaller(&all_events, |events| fails(events, &all_faults));
        for _ in 0..2 {
            faults = smaller(&faults, |faults| fails(&events, faults));
            events = smaller(&events, |events| fails(events, &faults));
        }
        let last = self.follow(&course(seed, &events, &faults, true));
        let (violation, schedule, timeline) = match last.violations.first() {
            Some(violation) => (violation.clone(), last.faults, last.timeline),
            None => (
                run.violations[0].clone(),
                run.faults.clone(),
                self.run(seed).timeline,
            ),
        };
        Failure {
            seed,
            violation,
            events: (all_events.len(), events.len()),
            faults: (all_faults.len(), schedule.len()),
            schedule,
            timeline,
        }
    }
}

fn course(seed: u64, events: &[usize], faults: &[FaultId], with_timeline: bool) -> Course {
    Course {
        seed,
        events: Some(Arc::new(events.iter().copied().collect::<BTreeSet<_>>())),
        faults: Some(Arc::new(faults.iter().copied().collect::<BTreeSet<_>>())),
        with_timeline,
    }
}

/// Leaves out ever smaller parts as long as what is left fails (delta debugging).
fn smaller<Item: Clone>(items: &[Item], mut fails: impl FnMut(&[Item]) -> bool) -> Vec<Item> {
    let mut left = items.to_vec();
    let mut size = left.len().div_ceil(2);
    while size > 0 && !left.is_empty() {
        let mut start = 0;
        let mut was_shorter = false;
        while start < left.len() {
            let end = (start + size).min(left.len());
            let without: Vec<Item> = left[..start].iter().chain(&left[end..]).cloned().collect();
            if fails(&without) {
                left = without;
                was_shorter = true;
            } else {
                start = end;
            }
        }
        if !was_shorter || size > left.len() {
            size /= 2;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_is_left_out() {
        let items: Vec<u32> = (0..100).collect();
        let needed = |items: &[u32]| [3, 57, 58].iter().all(|item| items.contains(item));
        assert_eq!(smaller(&items, needed), [3, 57, 58]);
        assert_eq!(smaller(&items, |_| true), Vec::<u32>::new());
        assert_eq!(smaller(&items, |_| false), items);
    }
}
