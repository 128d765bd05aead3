//! Where a dead letter goes back to.

use super::{letter::Letter, session::Session};
use crate::{Error, aws::last_part, queue::Queue};

/// The queues that dead letters may go back to.
#[derive(Debug)]
pub(super) enum Destinations {
    /// All to one: the only source, or the one that was asked for.
    One(Queue),
    /// Each to the one it says it failed in.
    OfEach(Vec<Queue>),
}

impl Destinations {
    /// The sources of the dead-letter queue, or another that was asked for.
    ///
    /// # Errors
    /// If there is none, or one that cannot take these messages.
    pub(super) async fn of(session: &Session, asked: Option<&str>) -> Result<Self, Error> {
        let Session { sqs, queue, .. } = session;
        let destinations = match asked {
            Some(asked) => Self::One(Queue::find(sqs, asked).await?),
            None => {
                let mut sources = queue.sources(sqs).await?;
                match sources.len() {
                    0 => {
                        return Err(Error::new(format!(
                            "{} has no source queue: it is in no queue's redrive policy; use --to QUEUE",
                            queue.name
                        )));
                    }
                    1 => Self::One(sources.remove(0)),
                    _ => Self::OfEach(sources),
                }
            }
        };
        destinations
            .all()
            .try_for_each(|destination| check(queue, destination))?;
        Ok(destinations)
    }

    /// Where this one goes, or why that cannot be told.
    pub(super) fn for_letter(&self, letter: &Letter) -> Result<&Queue, String> {
        let sources = match self {
            Self::One(queue) => return Ok(queue),
            Self::OfEach(sources) => sources,
        };
        let source = letter.source();
        let found = sources
            .iter()
            .find(|queue| Some(queue.name.as_str()) == source);
        found.ok_or_else(|| {
            let names: Vec<&str> = sources.iter().map(|queue| queue.name.as_str()).collect();
            let says = match source {
                Some(source) => format!("comes from {source}"),
                None => "does not say where it comes from".to_owned(),
            };
            format!(
                "{says}, the sources are {}; choose one with --to",
                names.join(", ")
            )
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Queue> {
        let queues = match self {
            Self::One(queue) => std::slice::from_ref(queue),
            Self::OfEach(queues) => queues,
        };
        queues.iter()
    }

    /// Their names, for a line.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.all().map(|queue| queue.name.as_str()).collect();
        names.join(", ")
    }
}

fn check(from: &Queue, to: &Queue) -> Result<(), Error> {
    if from.arn == to.arn {
        return Err(Error::new(format!(
            "{} is the queue they are in; choose another with --to",
            from.name
        )));
    }
    let kind = |fifo| if fifo { "FIFO" } else { "standard" };
    match from.fifo == to.fifo {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{} is a {} queue and {} a {} one; messages can only go to a queue of the same type",
            last_part(&from.name),
            kind(from.fifo),
            to.name,
            kind(to.fifo)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str) -> Queue {
        Queue {
            name: name.to_owned(),
            arn: format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
            ..Queue::default()
        }
    }

    #[test]
    fn each_goes_to_the_source_it_names() {
        let destinations = Destinations::OfEach(vec![queue("a"), queue("b")]);
        let letter = |source: &str| Letter {
            moved_from: (!source.is_empty()).then(|| queue(source).arn),
            ..Letter::default()
        };
        let found = destinations
            .for_letter(&letter("b"))
            .map(|queue| &*queue.name);
        assert_eq!(found, Ok("b"));
        let refused = |source| destinations.for_letter(&letter(source)).unwrap_err();
        assert_eq!(
            refused("c"),
            "comes from c, the sources are a, b; choose one with --to"
        );
        assert!(refused("").starts_with("does not say where it comes from, "));
    }

    #[test]
    fn only_another_queue_of_the_same_type_will_do() {
        let fifo = Queue {
            fifo: true,
            ..queue("b.fifo")
        };
        assert_eq!(
            check(&queue("a"), &fifo).unwrap_err().to_string(),
            "a is a standard queue and b.fifo a FIFO one; messages can only go to a queue of the same type"
        );
        assert!(check(&queue("a"), &queue("a")).is_err());
        assert!(check(&queue("a"), &queue("b")).is_ok());
    }
}
