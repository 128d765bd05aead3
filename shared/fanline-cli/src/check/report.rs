//! What came of the comparison: a row per function for people, then what differs, and an array for programs.

use serde_json::{Value, json};

use super::compare::{Comparison, Difference};
use super::policy::Policy;
use crate::{
    Error,
    table::{Align, table},
    template::Function,
};

/// One function.
pub(super) struct Row {
    function: String,
    logical_id: String,
    line: u32,
    comparison: Comparison,
}

impl Row {
    pub(super) fn new(function: &Function, comparison: Comparison) -> Self {
        Self {
            function: function.name.clone(),
            logical_id: function.logical_id.clone(),
            line: function.line,
            comparison,
        }
    }

    /// Whether nothing has to be mended.
    pub(super) fn is_good(&self) -> bool {
        match &self.comparison {
            Comparison::Worker { differences, .. } => differences.is_empty(),
            Comparison::NoWorker(_) => true,
            Comparison::NoAnswer(_) => false,
        }
    }

    fn differences(&self) -> &[Difference] {
        match &self.comparison {
            Comparison::Worker { differences, .. } => differences,
            Comparison::NoAnswer(difference) => std::slice::from_ref(difference),
            Comparison::NoWorker(_) => &[],
        }
    }

    fn warnings(&self) -> &[Difference] {
        match &self.comparison {
            Comparison::Worker { warnings, .. } => warnings,
            Comparison::NoWorker(_) | Comparison::NoAnswer(_) => &[],
        }
    }

    fn result(&self) -> String {
        let count = |count: usize, noun: &str| match count {
            0 => None,
            1 => Some(format!("1 {noun}")),
            _ => Some(format!("{count} {noun}s")),
        };
        match &self.comparison {
            Comparison::NoWorker(why) => format!("not a worker: {why}"),
            Comparison::NoAnswer(_) => "no answer".to_owned(),
            Comparison::Worker {
                differences,
                warnings,
                ..
            } => {
                let differs = count(differences.len(), "difference");
                let differs = differs.unwrap_or_else(|| "ok".to_owned());
                match count(warnings.len(), "warning") {
                    Some(warns) => format!("{differs}, {warns}"),
                    None => differs,
                }
            }
        }
    }

    fn cells(&self) -> [String; 4] {
        let (handles, wants) = match &self.comparison {
            Comparison::Worker { description, .. } => {
                let handlers = description.handlers.iter();
                let handlers: Vec<String> = handlers
                    .map(|handler| format!("{} v{}", handler.event_type, handler.version))
                    .collect();
                let policy = Policy {
                    scope: description.filter_policy_scope,
                    keys: description.filter_policy.clone(),
                };
                (handlers.join(", "), policy.shown())
            }
            Comparison::NoWorker(_) | Comparison::NoAnswer(_) => ("-".to_owned(), "-".to_owned()),
        };
        [self.function.clone(), handles, wants, self.result()]
    }

    fn to_json(&self) -> Value {
        let description = match &self.comparison {
            Comparison::Worker { description, .. } => json!(description),
            Comparison::NoWorker(_) | Comparison::NoAnswer(_) => Value::Null,
        };
        json!({
            "function": self.function,
            "resource": self.logical_id,
            "line": self.line,
            "ok": self.is_good(),
            "worker": description,
            "result": self.result(),
            "differences": self.differences(),
            "warnings": self.warnings(),
        })
    }
}

/// A table, and below it a line for each difference and warning.
pub(super) fn text(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no function that a queue or a topic feeds".to_owned();
    }
    let columns = ["function", "handles", "filter policy", "result"];
    let columns = columns.map(|title| (title, Align::Left));
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    let lines = rows.iter().flat_map(|row| {
        let differences = row.differences().iter().map(line);
        let warnings = row.warnings().iter();
        differences.chain(warnings.map(|warning| format!("warning: {}", line(warning))))
    });
    let lines: Vec<String> = lines.collect();
    match lines.is_empty() {
        true => table(columns, &cells),
        false => format!("{}\n\n{}", table(columns, &cells), lines.join("\n")),
    }
}

fn line(difference: &Difference) -> String {
    let Difference {
        resource,
        line,
        problem,
    } = difference;
    format!("{resource} (template line {line}): {problem}")
}

/// An array with an object for each function.
pub(super) fn json(rows: &[Row]) -> Result<String, Error> {
    let rows: Vec<Value> = rows.iter().map(Row::to_json).collect();
    serde_json::to_string(&rows).map_err(|error| Error::new(error.to_string()))
}
