//! All chance of a run: each decision has a place and a number there, and the seed says how it falls.
//!
//! What could be got wrong is one stream of numbers for everything: leaving out a single fault would then
//! change all that follows, and no failing run could be made smaller.

use fastrand::Rng;

/// Decisions by place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    seed: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The numbers of the nth decision at a place.
    pub(super) fn at(self, place: &str, nth: u64) -> Rng {
        let mut bits = spread(self.seed);
        for byte in place.bytes() {
            bits = spread(bits ^ u64::from(byte));
        }
        Rng::with_seed(spread(bits ^ nth))
    }
}

/// SplitMix64's step: near seeds have nothing in common afterwards.
fn spread(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
