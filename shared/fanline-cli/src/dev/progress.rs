//! Progress on stderr: a table that redraws itself on a terminal, a line now and then elsewhere.

use std::{io::IsTerminal, time::Duration};

use super::report::Report;

/// Between two lines where nothing can be redrawn.
const PAUSE: Duration = Duration::from_secs(2);

/// What was shown last.
#[derive(Debug)]
pub(super) struct Progress {
    is_terminal: bool,
    lines_drawn: usize,
    last_line: Option<(Duration, String)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            lines_drawn: 0,
            last_line: None,
        }
    }

    /// Shows the state of the run after `elapsed`.
    pub(super) fn show(&mut self, report: &Report, elapsed: Duration) {
        if self.is_terminal {
            self.clear();
            let text = format!(
                "{}\n{} published, {:.1} s",
                report.table(),
                report.published,
                elapsed.as_secs_f64()
            );
            eprintln!("{text}");
            self.lines_drawn = text.lines().count();
            return;
        }
        let state = report.table();
        let due = match &self.last_line {
            Some((shown, last)) => elapsed >= *shown + PAUSE && *last != state,
            None => true,
        };
        if due {
            eprintln!("{}", report.line(elapsed));
            self.last_line = Some((elapsed, state));
        }
    }

    /// Takes the table away, so that other text can follow.
    pub(super) fn clear(&mut self) {
        if self.lines_drawn > 0 {
            // Up so many lines, then clear to the end of the screen.
            eprint!("\x1b[{}A\x1b[J", self.lines_drawn);
            self.lines_drawn = 0;
        }
    }
}
