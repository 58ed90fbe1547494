//! Measures by alternating cases in short rounds, so that other load on the machine affects all of them equally.
//!
//! A figure is the median over the rounds; a ratio is the median of the ratios within each round. Criterion measures
//! one case after the other, so on a shared machine it relates measurements that are minutes apart.

pub mod estate;

use std::time::{Duration, Instant};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;

/// Any error of the programs.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Number of rounds of a comparison.
const ROUNDS: usize = 1_001;

/// Duration of a case in each round: shorter than the scheduler's time slices, so that most rounds are not interrupted.
///
/// Longer durations fell into step with the slices, so that always the same case was interrupted.
const ROUND_TIME: Duration = Duration::from_micros(500);

/// Serves a router over HTTP, forever.
///
/// # Errors
/// When no further connection can be accepted.
pub async fn serve(listener: TcpListener, router: axum::Router) -> Result<(), Failure> {
    let builder = Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(router);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (builder, service) = (builder.clone(), service.clone());
        // A connection that the load generator drops is not a failure of the server.
        tokio::spawn(async move { builder.serve_connection(TokioIo::new(stream), service).await });
    }
}

/// A case to measure.
pub struct Case<'a> {
    /// The name of the case.
    pub name: &'a str,
    /// Runs it once.
    pub run: &'a mut dyn FnMut(),
}

/// Shows only the name, since the closure cannot be shown.
impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The result of one case.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The name of the case.
    pub name: String,
    /// Median time of one run, in nanoseconds.
    pub nanoseconds: f64,
    /// Median ratio of the time to that of the first case in the same round.
    pub ratio: f64,
}

/// Measures cases alternately. The ratios are to the first.
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

/// Returns how often a case runs in a round.
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

/// Returns the mean time of one run, in nanoseconds.
fn time(case: &mut Case<'_>, count: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        (case.run)();
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

/// Returns the median; NaN if there are no values.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints a line for each figure.
#[allow(clippy::print_stdout, reason = "the figures are what the programs are for")]
pub fn show(figures: &[Figure]) {
    for Figure { name, nanoseconds, ratio } in figures {
        println!("{name:<58} {:>10.3} µs   {ratio:>6.2}×", nanoseconds / 1_000.0);
    }
}
