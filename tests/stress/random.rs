//! A small generator of random numbers (xorshift).

use std::{
    collections::BTreeSet,
    env,
    hash::{BuildHasher, RandomState},
    time::Instant,
};

/// The seed of the variable, or any.
pub fn seed() -> u64 {
    let given = env::var("BULK_SYNC_STRESS_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| RandomState::new().hash_one(Instant::now()))
}

/// How many times as many operations as usual.
pub fn rounds() -> usize {
    let given = env::var("BULK_SYNC_STRESS_ROUNDS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(1)
}

/// A source of random numbers.
pub struct Random(u64);

impl Random {
    /// The numbers of one of those that share a seed.
    pub fn new(seed: u64, number: usize) -> Self {
        let mixed = seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed.max(1))
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or_default()
    }

    /// One of them.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Some of the codes from 1 to this, at least one.
    pub fn codes(&mut self, highest: i32) -> BTreeSet<i32> {
        let mut codes: BTreeSet<i32> = (1..=highest).filter(|_| self.below(3) > 0).collect();
        if codes.is_empty() {
            codes.insert(1);
        }
        codes
    }
}
