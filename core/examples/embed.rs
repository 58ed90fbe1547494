//! A platform embedded in a program, with an embedded store and a system actor, without server or issuer.
#![allow(clippy::print_stdout, reason = "what the example shows")]

use std::{path::Path, sync::Arc};

use dezky::{COLLECTIONS, Platform, PlatformOptions, Result, domain::CreateTenant, store::sqlite::SqliteStore};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "dezky.sqlite".into());
    run(Path::new(&path)).await
}

async fn run(path: &Path) -> Result<()> {
    let store = Arc::new(SqliteStore::open(path, Default::default(), COLLECTIONS)?);
    let platform = Platform::open(PlatformOptions::new(store))?;
    let sales = platform.as_system("sales")?;
    let tenant = sales.tenants().create(CreateTenant::read(json!({"slug": "acme", "name": "ACME"}))?).await?;
    println!("{} is tenant {}", tenant.name, tenant.id);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    #[tokio::test]
    async fn it_runs() {
        let folder = tempfile::tempdir().unwrap();
        super::run(&folder.path().join("dezky.sqlite")).await.unwrap();
    }
}
