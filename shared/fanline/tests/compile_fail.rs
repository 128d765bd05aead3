//! What the compiler says when a handler is not one: readable, and telling what to do.

#[test]
fn messages_tell_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
