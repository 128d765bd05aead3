use super::*;
use proptest::prelude::*;

fn invocation(request_id: &str) -> Invocation {
    Invocation {
        request_id: request_id.into(),
        payload: Bytes::from_static(b"{}"),
    }
}

fn idle() -> Exchange {
    let mut exchange = Exchange::new();
    assert_eq!(exchange.ask(1), Asked::Ready);
    exchange
}

fn running(request_id: &str) -> Exchange {
    let mut exchange = idle();
    assert!(exchange.offer(invocation(request_id)));
    assert_eq!(exchange.ask(1), Asked::Given(invocation(request_id)));
    exchange
}

const KILLED: Ending = Ending::Signal(9);

#[test]
fn an_invocation_goes_there_and_back() {
    let mut exchange = running("a");
    assert_eq!(exchange.progress(), Progress::Running);
    assert_eq!(exchange.answer("a", Ok(Bytes::from_static(b"1"))), Ok(()));
    assert_eq!(exchange.progress(), Progress::Answered);
    assert_eq!(exchange.take_answer(), Some(Ok(Bytes::from_static(b"1"))));
    assert_eq!(exchange.progress(), Progress::Idle);
    assert_eq!(exchange.last_request().as_deref(), Some("a"));
}

#[test]
fn an_offer_is_only_taken_by_an_idle_process() {
    assert!(!Exchange::new().offer(invocation("a")));
    assert!(!running("a").offer(invocation("b")));
    let mut dead = idle();
    dead.ended(KILLED);
    assert!(!dead.offer(invocation("a")));
}

#[test]
fn killed_before_fetching_the_event_means_unreached() {
    let mut exchange = idle();
    exchange.offer(invocation("a"));
    exchange.ended(KILLED);
    assert_eq!(exchange.progress(), Progress::EndedUnreached(KILLED));
}

#[test]
fn killed_with_the_event_unread_means_unreached() {
    let mut exchange = running("a");
    exchange.reset(2);
    exchange.reset(1);
    exchange.ended(KILLED);
    assert_eq!(exchange.progress(), Progress::EndedUnreached(KILLED));
}

#[test]
fn a_reset_of_another_connection_says_nothing() {
    let mut exchange = running("a");
    exchange.reset(2);
    exchange.ended(KILLED);
    assert_eq!(exchange.progress(), Progress::Ended(KILLED));
}

#[test]
fn an_answer_counts_even_when_the_process_then_dies() {
    let mut exchange = running("a");
    exchange.answer("a", Ok(Bytes::new())).expect("running");
    exchange.reset(1);
    exchange.ended(KILLED);
    assert_eq!(exchange.progress(), Progress::Answered);
}

#[test]
fn answers_to_nothing_are_refused() {
    assert_eq!(idle().answer("a", Ok(Bytes::new())), Err(UnknownRequest));
    let mut exchange = running("a");
    assert_eq!(exchange.answer("b", Ok(Bytes::new())), Err(UnknownRequest));
    exchange.answer("a", Ok(Bytes::new())).expect("running");
    assert_eq!(exchange.answer("a", Ok(Bytes::new())), Err(UnknownRequest));
}

#[test]
fn only_a_starting_process_can_fail_to_start() {
    let failure = Failure {
        error_type: "Config".into(),
        message: "no table".into(),
    };
    let mut exchange = Exchange::new();
    exchange.init_failed(failure.clone());
    assert_eq!(exchange.progress(), Progress::InitFailed(failure.clone()));
    let mut exchange = idle();
    exchange.init_failed(failure);
    assert_eq!(exchange.progress(), Progress::Idle);
}

#[derive(Debug, Clone)]
enum Step {
    Offer,
    Ask(u64),
    Answer(usize),
    Reset(u64),
    End,
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Offer),
        4 => (0..3_u64).prop_map(Step::Ask),
        4 => (0..8_usize).prop_map(Step::Answer),
        1 => (0..3_u64).prop_map(Step::Reset),
        1 => Just(Step::End),
        4 => Just(Step::Take),
    ]
}

proptest! {
    /// Whatever happens in whatever order: each accepted offer is given at most once, brings at
    /// most one answer, and is never called unreached after it was answered.
    #[test]
    fn an_invocation_is_given_and_answered_at_most_once(steps in prop::collection::vec(step(), 0..60)) {
        let mut exchange = Exchange::new();
        let (mut offered, mut given, mut answered, mut taken) = (0, 0, 0, 0);
        for step in steps {
            match step {
                Step::Offer => offered += usize::from(exchange.offer(invocation(&offered.to_string()))),
                Step::Ask(connection) => {
                    given += usize::from(matches!(exchange.ask(connection), Asked::Given(_)));
                }
                Step::Answer(number) => {
                    answered += usize::from(exchange.answer(&number.to_string(), Ok(Bytes::new())).is_ok());
                }
                Step::Reset(connection) => exchange.reset(connection),
                Step::End => exchange.ended(KILLED),
                Step::Take => taken += usize::from(exchange.take_answer().is_some()),
            }
            prop_assert!(given <= offered && answered <= given && taken <= answered);
            prop_assert!(answered - taken <= 1);
            let unreached = matches!(exchange.progress(), Progress::EndedUnreached(_));
            prop_assert!(!(unreached && answered > taken));
        }
    }
}
