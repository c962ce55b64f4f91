//! Waiting, whatever runtime the application uses.
//!
//! SeaORM runs on several, and this crate depends on none of them, so that an
//! application gains no crate by it. A wait is rare (after a lost race, and
//! where a call has a timeout): a thread that sleeps is enough.

use std::{
    io,
    pin::{Pin, pin},
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use futures_util::future::{Either, select};

/// A future that is ready after a while.
pub(crate) struct Timer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    dropped: Condvar,
}

#[derive(Default)]
struct State {
    is_over: bool,
    is_dropped: bool,
    waker: Option<Waker>,
}

impl Timer {
    /// Starts to wait.
    ///
    /// # Errors
    ///
    /// Where the system has no thread left.
    pub fn start(duration: Duration) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let timer = Self(Arc::clone(&shared));
        thread::Builder::new().name("bulk-sync timer".to_owned()).spawn(move || {
            let state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = shared.dropped.wait_timeout_while(state, duration, |s| !s.is_dropped);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.is_over = true;
            let waker = state.waker.take();
            // whoever is woken may drop the timer at once
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        })?;
        Ok(timer)
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_dropped = true;
        self.0.dropped.notify_one();
    }
}

/// The output of a future, or `None` where it takes longer; it is dropped then.
pub(crate) async fn timeout<F: Future>(timer: Timer, future: F) -> Option<F::Output> {
    match select(pin!(future), timer).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
