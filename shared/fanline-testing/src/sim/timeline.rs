//! What happened in a run, as text that people read and as a sequence picture.

use std::{collections::BTreeSet, fmt, time::Duration};

/// One step of a run: somebody did something to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From the beginning of the run.
    pub at: Duration,
    /// Who: a producer, a queue, a process of a worker, the store.
    pub from: String,
    /// To whom; the same as `from` for what somebody does by himself.
    pub to: String,
    /// Ids of the events that it is about; none if it is about all.
    pub events: Vec<String>,
    /// What.
    pub text: String,
    /// Whether it was a fault.
    pub is_fault: bool,
}

/// Everything that happened in a run, in order.
///
/// [`Display`](fmt::Display) shows a line for each step; [`about`](Self::about) chooses those of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    steps: Vec<Step>,
}

impl Timeline {
    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What happened to one event, and to all who had to do with it.
    #[must_use]
    pub fn about(&self, event_id: &str) -> Self {
        let is_about_it = |step: &Step| step.events.iter().any(|id| id == event_id);
        let of_it = self.steps.iter().filter(|step| is_about_it(step));
        let actors: BTreeSet<&str> = of_it
            .flat_map(|step| [step.from.as_str(), step.to.as_str()])
            .collect();
        let concerns = |step: &&Step| {
            is_about_it(step) || step.events.is_empty() && actors.contains(step.from.as_str())
        };
        Self {
            steps: self.steps.iter().filter(concerns).cloned().collect(),
        }
    }

    /// Everybody who does something, in the order of their first steps.
    pub(super) fn actors(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let both = self
            .steps
            .iter()
            .flat_map(|step| [step.from.as_str(), step.to.as_str()]);
        both.filter(|actor| seen.insert(*actor)).collect()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |side: fn(&Step) -> &str| {
            self.steps
                .iter()
                .map(|step| side(step).len())
                .max()
                .unwrap_or(0)
        };
        let (from_width, to_width) = (width(|step| &step.from), width(|step| &step.to));
        for step in &self.steps {
            let Step {
                at,
                from,
                to,
                text,
                is_fault,
                ..
            } = step;
            let (arrow, to) = if from == to {
                ("  ", "")
            } else {
                ("->", to.as_str())
            };
            let mark = if *is_fault { '!' } else { ' ' };
            let at = Moment(*at);
            writeln!(
                formatter,
                "{at} {mark} {from:from_width$} {arrow} {to:to_width$}  {text}"
            )?;
        }
        Ok(())
    }
}

/// A moment of a run: hours, minutes, seconds and milliseconds from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Duration);

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(
            formatter,
            "{hours:3}:{minutes:02}:{:02}.{:03}",
            seconds % 60,
            self.0.subsec_millis()
        )
    }
}
