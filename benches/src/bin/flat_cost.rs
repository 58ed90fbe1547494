//! Measures that request costs depend neither on a person's number of tenants, the size of the store, nor the depth in
//! a list.
//!
//! `flat_cost FOLDER [USERS TENANTS]` creates two estates in FOLDER and removes them again: one of 1,000 people and
//! tenants, and one of 1,000,000 people and 100,000 tenants (or the given numbers). That takes some minutes. All cases
//! of a table alternate in one run; the ratio is to the first line of the table.

use std::{cell::RefCell, path::Path, time::Instant};

use dezky_benches::{
    Case, Failure, compare,
    estate::{Estate, HUNDRED},
    show,
};
use tokio::runtime::Runtime;

/// Number of items of a page.
const PAGE: usize = 50;

/// The page that is compared with the first.
const DEPTH: usize = 1_000;

/// A repeated request, which cycles through its targets.
struct Repeated<'a> {
    name: String,
    estate: &'a Estate,
    token: String,
    targets: Vec<String>,
}

impl<'a> Repeated<'a> {
    fn new(name: &str, estate: &'a Estate, subject: &str, targets: Vec<String>) -> Self {
        Self { name: name.to_owned(), estate, token: estate.token(subject), targets }
    }
}

#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: flat_cost FOLDER [USERS TENANTS]")?;
    let users = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let tenants = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let runtime = Runtime::new()?;
    let (near, far) = (tempfile::tempdir_in(Path::new(&folder))?, tempfile::tempdir_in(Path::new(&folder))?);
    let small = runtime.block_on(Estate::make(near.path(), 1_000, 1_000))?;
    let start = Instant::now();
    let large = runtime.block_on(Estate::make(far.path(), users, tenants))?;
    println!("{users} people and {tenants} tenants made in {:.0} s", start.elapsed().as_secs_f64());

    let tenant = |estate: &Estate, count: usize| -> Vec<String> {
        let step = (count / 1_000).max(1);
        estate.tenants.iter().take(count).step_by(step).map(|id| format!("/tenants/{id}")).collect()
    };
    let profile = || vec!["/users/me".to_owned()];
    table(
        &runtime,
        "GET /tenants/{id}, by the tenants of the person",
        &[
            Repeated::new("in 1 tenant", &large, "one", tenant(&large, 1)),
            Repeated::new("in 100, the same each time", &large, "hundred", tenant(&large, 1)),
            Repeated::new("in 100, each time another", &large, "hundred", tenant(&large, HUNDRED)),
            Repeated::new("in all, the same each time", &large, "all", tenant(&large, 1)),
            Repeated::new("in all, each time another of 1,000", &large, "all", tenant(&large, tenants)),
        ],
    )?;
    table(
        &runtime,
        "GET /users/me, by the tenants of the person",
        &[
            Repeated::new("in 100 tenants", &large, "hundred", profile()),
            Repeated::new("in all tenants", &large, "all", profile()),
        ],
    )?;
    for (name, subject, targets) in [
        ("GET /tenants/{id}, by the size of the store", "one", [tenant(&small, 1), tenant(&large, 1)]),
        ("GET /users/me in 1 tenant, by the size of the store", "one", [profile(), profile()]),
        ("GET /users/me in 100 tenants, by the size of the store", "hundred", [profile(), profile()]),
    ] {
        let [few, many] = targets;
        table(
            &runtime,
            name,
            &[
                Repeated::new("in the small store", &small, subject, few),
                Repeated::new("in the large store", &large, subject, many),
            ],
        )?;
    }
    let first = large.tenants.first().ok_or("there is no tenant")?;
    for (subject, list) in [
        ("admin", "/tenants?limit=50".to_owned()),
        ("admin", "/tenants?limit=50&search=company".to_owned()),
        ("admin", "/tenants?limit=50&status=active".to_owned()),
        ("admin", "/users?limit=50".to_owned()),
        ("admin", "/users?limit=50&search=person".to_owned()),
        ("admin", "/users?limit=50&email=person".to_owned()),
        ("admin", "/subscriptions?limit=50".to_owned()),
        ("admin", format!("/tenants/{first}/members?limit=50")),
        ("admin", format!("/tenants/{first}/members?limit=50&search=person")),
        ("all", "/users/me/tenants?limit=50".to_owned()),
        ("all", "/users/me/tenants?limit=50&search=company".to_owned()),
    ] {
        let deep = runtime.block_on(page(&large, subject, &list))?;
        table(
            &runtime,
            &format!("GET {list}, by the page").replace(&first.to_string(), "{id}"),
            &[
                Repeated::new("page 1", &large, subject, vec![list.clone()]),
                Repeated::new(&format!("page {DEPTH}"), &large, subject, vec![deep]),
            ],
        )?;
    }
    Ok(())
}

/// Returns the address of a page deep in a list.
async fn page(estate: &Estate, subject: &str, list: &str) -> Result<String, Failure> {
    let token = estate.token(subject);
    let mut target = list.to_owned();
    for number in 1..DEPTH {
        let body: serde_json::Value = serde_json::from_slice(&estate.get(&token, &target).await?)?;
        let items = body.get("items").and_then(|items| items.as_array()).map_or(0, Vec::len);
        let cursor = body.get("nextCursor").and_then(|cursor| cursor.as_str());
        match cursor {
            Some(cursor) if items == PAGE => target = format!("{list}&cursor={cursor}"),
            _ => return Err(format!("{list} ends with page {number}").into()),
        }
    }
    Ok(target)
}

/// Measures the requests alternately.
#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
fn table(runtime: &Runtime, name: &str, requests: &[Repeated<'_>]) -> Result<(), Failure> {
    let failure = RefCell::new(None);
    let mut runs: Vec<_> = requests
        .iter()
        .map(|request| {
            let mut targets = request.targets.iter().cycle();
            let failure = &failure;
            move || {
                let target = targets.next().map_or("/", String::as_str);
                if let Err(error) = runtime.block_on(request.estate.get(&request.token, target)) {
                    failure.replace(Some(error));
                }
            }
        })
        .collect();
    let mut cases: Vec<Case<'_>> =
        requests.iter().zip(&mut runs).map(|(request, run)| Case { name: &request.name, run }).collect();
    let figures = compare(&mut cases);
    if let Some(error) = failure.take() {
        return Err(error);
    }
    println!("-- {name}");
    show(&figures);
    Ok(())
}
