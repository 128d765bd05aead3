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
    pub(super) fn at(self, place: Place, nth: u64) -> Rng {
        Rng::with_seed(spread(spread(self.seed ^ place.0) ^ nth))
    }
}

/// Where a decision is made: about what, and of whom. Places that do not know of other events stay the same when those
/// are left out, and with them what is decided there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    pub(super) fn of(words: &[&str]) -> Self {
        let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
        // FNV-1a.
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(hash)
    }

    /// The same place, and another decision there.
    pub(super) fn and(self, word: &str) -> Self {
        Self(spread(self.0 ^ Self::of(&[word]).0))
    }
}

/// SplitMix64's step: near seeds have nothing in common afterwards.
fn spread(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
