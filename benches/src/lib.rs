//! How figures are made: cases take turns in short rounds, so that what else the machine does meets all of them alike.
//!
//! A figure is the median over the rounds; a ratio is the median of the ratios within each round. Criterion measures one case
//! after the other, which on a shared machine makes ratios of minutes that have little to do with each other.

pub mod estate;

use std::time::{Duration, Instant};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;

/// What any of the programs may end with.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Rounds of a comparison.
const ROUNDS: usize = 1_001;

/// Time that a case has in each round: shorter than the time slices of the scheduler, so that in most rounds nobody
/// else runs in between. Longer ones fell into step with the slices, and always the same case was interrupted.
const ROUND_TIME: Duration = Duration::from_micros(500);

/// Serves a router over HTTP, for ever.
///
/// # Errors
/// When no connection can be accepted any more.
pub async fn serve(listener: TcpListener, router: axum::Router) -> Result<(), Failure> {
    let builder = Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(router);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (builder, service) = (builder.clone(), service.clone());
        // A connection that the load generator breaks off is no failure of the server.
        tokio::spawn(async move { builder.serve_connection(TokioIo::new(stream), service).await });
    }
}

/// Something to measure.
pub struct Case<'a> {
    /// What is measured.
    pub name: &'a str,
    /// Does it once.
    pub run: &'a mut dyn FnMut(),
}

/// A case is its name: what it runs cannot be shown.
impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The time of one case.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Median time of one run, in nanoseconds.
    pub nanoseconds: f64,
    /// Median of the time in proportion to that of the first case in the same round.
    pub ratio: f64,
}

/// Measures cases in turns. The ratios are to the first.
#[must_use]
pub fn compare(cases: &mut [Case<'_>]) -> Vec<Figure> {
    let repetitions: Vec<u32> = cases.iter_mut().map(repetitions).collect();
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    for _ in 0..ROUNDS {
        let round = cases.iter_mut().zip(&repetitions).map(|(case, count)| time(case, *count));
        rounds.push(round.collect());
    }
    let figure = |(position, case): (usize, &Case<'_>)| {
        let times = rounds.iter().filter_map(|round| round.get(position).copied());
        let ratios = rounds.iter().filter_map(|round| Some(round.get(position)? / round.first()?));
        Figure { name: case.name.to_owned(), nanoseconds: median(times), ratio: median(ratios) }
    };
    cases.iter().enumerate().map(figure).collect()
}

/// How often a case runs in a round.
fn repetitions(case: &mut Case<'_>) -> u32 {
    let mut count = 1;
    loop {
        let nanoseconds = time(case, count) * f64::from(count);
        if nanoseconds >= ROUND_TIME.as_nanos() as f64 || count >= 1 << 24 {
            return count;
        }
        count *= 2;
    }
}

/// Mean time of one run, in nanoseconds.
fn time(case: &mut Case<'_>, count: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        (case.run)();
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

/// The median; not a number if there are none.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A line for each figure.
#[allow(clippy::print_stdout, reason = "the figures are what the programs are for")]
pub fn show(figures: &[Figure]) {
    for Figure { name, nanoseconds, ratio } in figures {
        println!("{name:<58} {:>10.3} µs   {ratio:>6.2}×", nanoseconds / 1_000.0);
    }
}
