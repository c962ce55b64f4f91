//! Doing a call again where another transaction was in the way.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use sea_orm::EntityTrait;

use crate::{error::SyncError, plan::Task, timer::Timer, trace::tries_again};

/// Tries of a call that does not say how many.
const TRIES: u32 = 10;

/// The longest pause after the first try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The tries of one call.
pub(crate) struct Tries {
    table: String,
    made: u32,
    most: u32,
}

impl Tries {
    /// Inside a transaction of the caller there is one try: what was done
    /// before in it would have to be done again, too.
    pub fn new<E: EntityTrait>(task: &Task<E>, is_in_transaction: bool) -> Self {
        let most = if is_in_transaction { 1 } else { task.settings.max_tries.unwrap_or(TRIES) };
        Self { table: task.table.clone(), made: 0, most }
    }

    /// Whether no try was made before.
    pub fn is_first(&self) -> bool {
        self.made == 0
    }

    /// Takes note of a try that failed. Where another transaction was in the way,
    /// waits a random time before the next.
    ///
    /// # Errors
    ///
    /// The error, where that cannot help; that of the last try, with the number of tries.
    pub async fn again(&mut self, error: SyncError) -> Result<(), SyncError> {
        self.made += 1;
        if self.most <= 1 || !error.is_retryable() {
            return Err(error);
        }
        if self.made >= self.most {
            return Err(SyncError::TriesExhausted {
                table: self.table.clone(),
                tries: self.made,
                source: Box::new(error),
            });
        }
        tries_again(self.made, &error);
        // without a thread to wait in, it goes on at once
        if let Ok(timer) = Timer::start(self.pause()) {
            timer.await;
        }
        Ok(())
    }

    fn pause(&self) -> Duration {
        let longest = FIRST_PAUSE.saturating_mul(1 << self.made.min(16)).min(LONGEST_PAUSE);
        // each RandomState hashes otherwise
        let random = RandomState::new().hash_one(self.made);
        let nanoseconds = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random % nanoseconds.max(1))
    }
}
