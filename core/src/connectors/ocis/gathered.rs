//! Questions that many runs ask at the same time: one request answers all who asked before it was sent.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Mutex;

use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
};

/// A question and its last answer, which is kept only while others wait for it.
///
/// An answer is never older than the question: it serves those who asked before its request was sent.
#[derive(Debug)]
pub(super) struct Gathered<T> {
    /// Number of requests that were begun.
    begun: AtomicU64,
    waiting: AtomicUsize,
    last: Mutex<Last<T>>,
}

#[derive(Debug)]
struct Last<T> {
    number: u64,
    answer: Option<ConnectorResult<T>>,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self {
            begun: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            last: Mutex::new(Last { number: 0, answer: None }),
        }
    }
}

/// One who waits for an answer.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T: Clone> Gathered<T> {
    /// Returns the answer of a request that was sent after this call: its own or another's.
    pub(super) async fn ask(
        &self,
        context: &RequestContext,
        request: impl Future<Output = ConnectorResult<T>>,
    ) -> ConnectorResult<T> {
        let asked_at = self.begun.load(Ordering::Acquire);
        let waits = Waits::begin(&self.waiting);
        let turn = tokio::time::timeout(context.remaining(), self.last.lock()).await;
        let mut last = turn.map_err(|_| ConnectorError::Retryable {
            after: None,
            why: "the file system is too slow: another request of the same kind is still under way".to_owned(),
        })?;
        let known = if last.number > asked_at { last.answer.clone() } else { None };
        let answer = match known {
            Some(answer) => answer,
            None => {
                last.number = self.begun.fetch_add(1, Ordering::AcqRel).saturating_add(1);
                last.answer = None;
                let answer = request.await;
                last.answer = Some(answer.clone());
                answer
            }
        };
        drop(waits);
        if self.waiting.load(Ordering::Acquire) == 0 {
            last.answer = None;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// A question whose requests wait for permission, and are numbered.
    #[derive(Default)]
    struct Asked {
        gathered: Gathered<u64>,
        sent: AtomicU64,
    }

    async fn ask(asked: Arc<Asked>, may_end: Arc<Semaphore>) -> u64 {
        let request = async {
            let number = asked.sent.fetch_add(1, Ordering::SeqCst) + 1;
            may_end.acquire().await.unwrap().forget();
            Ok(number)
        };
        asked.gathered.ask(&RequestContext::fresh(), request).await.unwrap()
    }

    #[tokio::test]
    async fn one_request_answers_all_who_asked_before_it_was_sent() {
        let (asked, may_end) = (Arc::new(Asked::default()), Arc::new(Semaphore::new(0)));
        let first = tokio::spawn(ask(asked.clone(), may_end.clone()));
        while asked.sent.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // The first is under way, so that it may not know of what these ask for.
        let others: Vec<_> = (0..5).map(|_| tokio::spawn(ask(asked.clone(), may_end.clone()))).collect();
        while asked.gathered.waiting.load(Ordering::SeqCst) < 6 {
            tokio::task::yield_now().await;
        }
        may_end.add_permits(10);
        assert_eq!(first.await.unwrap(), 1);
        for other in others {
            assert_eq!(other.await.unwrap(), 2);
        }
        assert_eq!(ask(asked.clone(), may_end).await, 3, "an old answer serves nobody");
        assert!(asked.gathered.last.lock().await.answer.is_none(), "it is not kept");
    }

    #[tokio::test]
    async fn one_who_gives_up_leaves_the_question_to_the_others() {
        let (asked, may_end) = (Arc::new(Asked::default()), Arc::new(Semaphore::new(0)));
        let first = tokio::spawn(ask(asked.clone(), may_end.clone()));
        while asked.sent.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(ask(asked.clone(), may_end.clone()));
        while asked.gathered.waiting.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        may_end.add_permits(1);
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(asked.gathered.waiting.load(Ordering::SeqCst), 0);
    }
}
