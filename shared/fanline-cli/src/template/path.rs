//! Where in the template evaluation is, for messages only. Linked through the stack of calls, so
//! that no text is built unless something goes wrong.

use std::fmt;

/// Keys and indexes from the root to a node.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    segment: Segment<'p>,
}

#[derive(Clone, Copy)]
enum Segment<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    pub(super) fn root(path: &'p str) -> Self {
        Self {
            parent: None,
            segment: Segment::Key(path),
        }
    }

    pub(super) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path {
            parent: Some(self),
            segment: Segment::Key(key),
        }
    }

    pub(super) fn index(&'p self, index: usize) -> Path<'p> {
        Path {
            parent: Some(self),
            segment: Segment::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(formatter, "{parent}/")?;
        }
        match self.segment {
            Segment::Key(key) => formatter.write_str(key),
            Segment::Index(index) => write!(formatter, "{index}"),
        }
    }
}
