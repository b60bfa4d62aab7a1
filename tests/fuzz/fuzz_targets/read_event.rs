#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| im_fuzz::read_event::run(data));
