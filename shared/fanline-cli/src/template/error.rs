//! What can be wrong with a template, each on one line that starts with where.
//! An error stops the command, a [`Finding`] does not: a thing that deploys but that nothing
//! here needs or imitates must never become an error.

use std::fmt;

/// A place in a template or in a file it includes. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the caller named it, included files relative to the template's folder.
    pub file: String,
    /// The line.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// Something in the template that is skipped or looks wrong, but does not stop a local run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// What it is and what becomes of it.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, OneLine(&self.message))
    }
}

/// Names from the template may hold anything, line breaks included.
struct OneLine<'m>(&'m str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.split(char::is_control).enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(formatter, "{space}{part}")?;
        }
        Ok(())
    }
}

/// Why a template or a stage file cannot be used. `Display` is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    place: Option<Place>,
    column: Option<u32>,
    message: String,
    only_on_aws: bool,
}

impl TemplateError {
    pub(super) fn without_place(message: impl Into<String>) -> Self {
        Self {
            place: None,
            column: None,
            message: message.into(),
            only_on_aws: false,
        }
    }

    pub(super) fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            ..Self::without_place(message)
        }
    }

    /// For syntax errors, where the column helps to find the spot.
    pub(super) fn at_column(place: Place, column: u32, message: impl Into<String>) -> Self {
        Self {
            column: Some(column),
            ..Self::at(place, message)
        }
    }

    /// For values that only AWS can know: right in the template, but without a value here.
    pub(super) fn only_on_aws(place: Place, message: impl Into<String>) -> Self {
        Self {
            only_on_aws: true,
            ..Self::at(place, message)
        }
    }

    pub(super) fn is_only_on_aws(&self) -> bool {
        self.only_on_aws
    }

    /// Where the error is; `None` when there is no file to point into.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}:")?;
            if let Some(column) = self.column {
                write!(formatter, "{column}:")?;
            }
            formatter.write_str(" ")?;
        }
        write!(formatter, "{}", OneLine(&self.message))
    }
}

impl std::error::Error for TemplateError {}

/// All errors of one template, at least one, so that one run shows everything to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateErrors(Vec<TemplateError>);

impl TemplateErrors {
    /// `None` if there are no errors.
    pub(super) fn new(errors: Vec<TemplateError>) -> Option<Self> {
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// The errors in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &TemplateError> {
        self.0.iter()
    }
}

impl From<TemplateError> for TemplateErrors {
    fn from(error: TemplateError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for TemplateErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateErrors {}
