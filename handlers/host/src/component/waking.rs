//! Avoids superfluous wake-ups of a task that is polling a component's future.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// Nothing has happened since the future was polled.
const WAITING: u8 = 0;
/// The future is being polled.
const POLLING: u8 = 1;
/// A wake-up has arrived.
const WOKEN: u8 = 2;

/// Wakes the task that waits for a future, unless that task is polling it.
#[derive(Default)]
struct Waking {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The polling task checks the state after polling.
        if self.state.swap(WOKEN, Ordering::AcqRel) == WAITING {
            self.task.wake();
        }
    }
}

/// Awaits a future, suppressing the wake-up from its own poll if it is then ready.
///
/// The engine announces a component's answer by waking its waiter, which is the task that has just computed it. That
/// task and its whole connection would be polled once more for nothing, and another thread of the runtime would be
/// woken to help.
pub(super) async fn unless_ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waking = Arc::new(Waking::default());
    let waker = Waker::from(Arc::clone(&waking));
    poll_fn(move |context| {
        waking.task.register(context.waker());
        waking.state.swap(POLLING, Ordering::AcqRel);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let rests = || waking.state.compare_exchange(POLLING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if polled.is_pending() && !rests() {
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, task::Poll, thread};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Counted {
        fn times(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn what_is_ready_has_woken_nobody() {
        let task = Arc::new(Counted::default());
        let future = pin!(unless_ready(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Ready(7)
        })));
        assert_eq!(future.poll(&mut Context::from_waker(&Arc::clone(&task).into())), Poll::Ready(7));
        assert_eq!(task.times(), 0);
    }

    #[test]
    fn what_is_not_ready_wakes_its_task_for_what_happened_meanwhile_and_for_what_happens_later() {
        let (task, inner) = (Arc::new(Counted::default()), AtomicWaker::new());
        let polls = AtomicUsize::new(0);
        let mut future = pin!(unless_ready(poll_fn(|context| {
            inner.register(context.waker());
            if polls.fetch_add(1, Ordering::SeqCst) == 0 {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })));
        let waker = Arc::clone(&task).into();
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.times(), 1, "it happened while it was polled");
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.times(), 1, "nothing happened");
        inner.wake();
        assert_eq!(task.times(), 2, "it happened afterwards");
    }

    #[test]
    fn nothing_that_another_thread_says_is_lost() {
        for _ in 0..2_000 {
            let task = Arc::new(Counted::default());
            let waker = Arc::clone(&task).into();
            let mut context = Context::from_waker(&waker);
            let (say, hear) = tokio::sync::oneshot::channel();
            let mut future = pin!(unless_ready(hear));
            let saying = thread::spawn(move || say.send(1));
            let polled = future.as_mut().poll(&mut context);
            assert!(matches!(saying.join(), Ok(Ok(()))));
            if polled.is_pending() {
                assert_ne!(task.times(), 0, "nobody polls again");
                assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(Ok(1)));
            }
        }
    }
}
