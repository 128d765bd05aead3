//! Decides at each occasion whether a fault strikes, and remembers those that did.
//!
//! A run can be repeated with only some of its faults: each is known by its kind and by the number of the occasion.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use fastrand::Rng;

use super::{
    dice::{Dice, Place},
    fault::{Fault, Faults},
    timeline::Moment,
};

/// One fault of a run: its kind, where, and at which of the occasions there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FaultId {
    pub(super) fault: Fault,
    place: Place,
    occasion: u64,
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    pub(super) id: FaultId,
    pub(super) at: Duration,
}

impl Injected {
    /// What went wrong.
    pub fn fault(&self) -> Fault {
        self.id.fault
    }

    /// When, from the beginning of the run.
    pub fn at(&self) -> Duration {
        self.at
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, fault) = (Moment(self.at), self.id.fault);
        write!(formatter, "{at}  {fault}")
    }
}

pub(super) struct Injector {
    dice: Dice,
    faults: Faults,
    /// What this seed makes of each rate.
    intensity: BTreeMap<Fault, f64>,
    occasions: BTreeMap<(Fault, Place), u64>,
    /// If set, all others are left out.
    only: Option<Arc<BTreeSet<FaultId>>>,
    quiet_from: Duration,
    injected: Vec<Injected>,
}

impl Injector {
    pub(super) fn new(
        dice: Dice,
        faults: Faults,
        only: Option<Arc<BTreeSet<FaultId>>>,
        quiet_from: Duration,
    ) -> Self {
        let mut choice = dice.at(Place::of(&["intensity"]), 0);
        let mut intensity = || match choice.u8(..6) {
            0..3 => 0.0,
            3 => 1.0 / 3.0,
            4 => 1.0,
            _ => 3.0,
        };
        let intensity = Fault::ALL.into_iter().map(|fault| (fault, intensity()));
        Self {
            intensity: intensity.collect(),
            dice,
            faults,
            occasions: BTreeMap::new(),
            only,
            quiet_from,
            injected: Vec::new(),
        }
    }

    /// If the fault strikes now: chance for what there is to say of it.
    pub(super) fn strikes(&mut self, fault: Fault, place: Place, now: Duration) -> Option<Rng> {
        let rate =
            self.faults.rate(fault) * self.intensity.get(&fault).copied().unwrap_or_default();
        if rate == 0.0 {
            return None;
        }
        let counter = self.occasions.entry((fault, place)).or_default();
        let occasion = *counter;
        *counter += 1;
        let mut chance = self.dice.at(place.and(fault.name()), occasion);
        let is_its_time = match self.faults.stretch(fault) {
            Some(stretch) => stretch.contains(&now),
            None => now < self.quiet_from,
        };
        let id = FaultId {
            fault,
            place,
            occasion,
        };
        let is_left_out = self.only.as_ref().is_some_and(|only| !only.contains(&id));
        if chance.f64() >= rate || !is_its_time || is_left_out {
            return None;
        }
        self.injected.push(Injected { id, at: now });
        Some(chance)
    }

    pub(super) fn injected(&self) -> &[Injected] {
        &self.injected
    }
}
