//! Configuration from environment variables, read once, all problems in one error.

use std::{fmt, ops::RangeInclusive, time::Duration};

/// The variable that names the dedup table.
pub(crate) const DEDUP_TABLE: &str = "FANLINE_DEDUP_TABLE";

/// The variable that makes a worker say what it is instead of running.
pub(crate) const DESCRIBE: &str = "FANLINE_DESCRIBE";

/// The variable that names the dead-letter queue.
pub(crate) const DLQ_URL: &str = "FANLINE_DLQ_URL";

/// The variable that names the queue to read, outside Lambda.
pub(crate) const QUEUE_URL: &str = "FANLINE_QUEUE_URL";

/// The variable that replaces the worker's retry plan.
pub(crate) const RETRY_DELAYS: &str = "FANLINE_RETRY_DELAYS";

/// Reads variables and collects what is wrong with them.
///
/// Fanline's own variables are checked along with the application's, so that one start
/// tells everything that is missing.
///
/// ```
/// use fanline_aws::Environment;
///
/// let variables = [("MAILER".to_owned(), "pigeon".to_owned())];
/// let mut environment = Environment::from_variables(variables);
/// let table = environment.required("EMAILS_TABLE");
/// let mailer = environment.choice("MAILER", &["capture", "ses"]);
/// assert_eq!(
///     environment.check().unwrap_err().to_string(),
///     "environment: EMAILS_TABLE is not set; \
///      MAILER is \"pigeon\", expected one of capture, ses; \
///      FANLINE_DEDUP_TABLE is not set"
/// );
/// ```
#[derive(Debug)]
pub struct Environment {
    variables: Variables,
    problems: Vec<String>,
}

#[derive(Debug)]
enum Variables {
    Process,
    Given(Vec<(String, String)>),
}

/// What is wrong with the environment variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEnvironment {
    problems: Vec<String>,
}

impl InvalidEnvironment {
    pub(crate) fn new(problem: String) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for InvalidEnvironment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "environment: {}", self.problems.join("; "))
    }
}

impl std::error::Error for InvalidEnvironment {}

impl Environment {
    /// The variables of this process.
    pub fn read() -> Self {
        Self {
            variables: Variables::Process,
            problems: Vec::new(),
        }
    }

    /// The given variables, for tests.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: Variables::Given(variables.into_iter().collect()),
            problems: Vec::new(),
        }
    }

    /// A variable that must be set. Empty, with the problem noted, if it is not: use it only
    /// after [`check`](Self::check).
    pub fn required(&mut self, name: &str) -> String {
        let value = self.optional(name);
        let problem = format!("{name} is not set");
        if value.is_none() && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        value.unwrap_or_default()
    }

    /// A variable that must be one of `choices`; the first of them if it is not set.
    pub fn choice(&mut self, name: &str, choices: &[&'static str]) -> &'static str {
        let first = choices.first().copied().unwrap_or_default();
        let Some(value) = self.optional(name) else {
            return first;
        };
        if let Some(choice) = choices.iter().find(|choice| **choice == value) {
            return choice;
        }
        let expected = choices.join(", ");
        self.problems
            .push(format!("{name} is {value:?}, expected one of {expected}"));
        first
    }

    /// A variable that may be a list of seconds; none if it is not set or not such a list, which is
    /// then noted as a problem.
    pub(crate) fn seconds(&mut self, name: &str) -> Option<Vec<Duration>> {
        let value = self.optional(name)?;
        let seconds = value
            .split(',')
            .map(|part| part.trim().parse().map(Duration::from_secs));
        let seconds: Result<Vec<Duration>, std::num::ParseIntError> = seconds.collect();
        if seconds.is_err() {
            self.problems.push(format!(
                "{name} is {value:?}, expected whole seconds separated by commas, such as 1,5,30,300"
            ));
        }
        seconds.ok()
    }

    /// A variable that may be a whole number of this range.
    pub(crate) fn number(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.optional(name) else {
            return default;
        };
        let number = value.trim().parse().ok();
        number
            .filter(|number| range.contains(number))
            .unwrap_or_else(|| {
                let (least, most) = range.into_inner();
                self.problem(format!(
                    "{name} is {value:?}, expected a whole number from {least} to {most}"
                ));
                default
            })
    }

    /// Whether a variable is `1`.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.optional(name).as_deref() == Some("1")
    }

    /// Something else that is wrong.
    pub(crate) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A variable that may be absent. Empty counts as absent, as it does in the SDKs.
    pub fn optional(&self, name: &str) -> Option<String> {
        let value = match &self.variables {
            Variables::Process => std::env::var(name).ok(),
            Variables::Given(variables) => variables
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone()),
        };
        value.filter(|value| !value.is_empty())
    }

    /// One error with every problem found, Fanline's own variables included (but for a worker that only
    /// says what it is, which needs none of them).
    ///
    /// # Errors
    /// If anything asked for was missing or wrong.
    pub fn check(mut self) -> Result<(), InvalidEnvironment> {
        if !self.is_set(DESCRIBE) {
            self.required(DEDUP_TABLE);
        }
        self.check_own()
    }

    /// The same for a function that is no worker.
    pub(crate) fn check_own(self) -> Result<(), InvalidEnvironment> {
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(InvalidEnvironment {
                problems: self.problems,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(value: &str) -> Result<Option<Vec<Duration>>, String> {
        let variables = [(RETRY_DELAYS, value), (DEDUP_TABLE, "table")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut environment = Environment::from_variables(variables);
        let delays = environment.seconds(RETRY_DELAYS);
        environment.check().map_err(|error| error.to_string())?;
        Ok(delays)
    }

    #[test]
    fn a_worker_that_says_what_it_is_needs_the_applications_variables_alone() {
        let variables = [(DESCRIBE.to_owned(), "1".to_owned())];
        assert_eq!(
            Environment::from_variables(variables.clone()).check(),
            Ok(())
        );
        let mut environment = Environment::from_variables(variables);
        environment.required("EMAILS_TABLE");
        let error = environment.check().unwrap_err();
        assert_eq!(error.to_string(), "environment: EMAILS_TABLE is not set");
    }

    #[test]
    fn delays_are_seconds_or_a_problem() {
        let seconds = |seconds: &[u64]| seconds.iter().copied().map(Duration::from_secs).collect();
        assert_eq!(delays("1, 5,30"), Ok(Some(seconds(&[1, 5, 30]))));
        assert_eq!(delays(""), Ok(None));
        assert_eq!(
            delays("1,soon"),
            Err(
                "environment: FANLINE_RETRY_DELAYS is \"1,soon\", expected whole seconds separated by commas, such as 1,5,30,300"
                    .to_owned()
            )
        );
    }
}
