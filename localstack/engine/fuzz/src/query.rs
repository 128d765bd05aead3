//! The query protocols of SQS and SNS: each line is a form. Filter policies come in with Subscribe.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    fanline_engine_fuzz::run(input, |line| (None, Bytes::copy_from_slice(line)));
});
