//! Cursors: arbitrary texts, and valid cursors with arbitrary positions.

use std::sync::{Arc, LazyLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dezky::{
    ErrorKind, Platform, PlatformOptions, Result,
    domain::CreateTenant,
    service::{Call, ListRequest, Page, Service, tenants::TenantFilter, views::TenantView},
    store::sqlite::SqliteStore,
};
use serde_json::{Value, json};

const TENANTS: usize = 12;

struct Fixture {
    service: Arc<Service>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let store = {
        let _inside = runtime.enter();
        SqliteStore::open(folder.path().join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS).expect("a store")
    };
    let platform = Platform::open(PlatformOptions::new(Arc::new(store))).expect("a platform");
    let service = Arc::clone(platform.service());
    for number in 0..TENANTS {
        let body = json!({ "slug": format!("tenant-{number}"), "name": format!("Tenant {}", number / 3) });
        let create = CreateTenant::read(body).expect("a tenant");
        runtime.block_on(service.create_tenant(&Call::by_system("fuzz"), create)).expect("it is created");
    }
    Fixture { service, runtime, _folder: folder }
});

fn list(limit: u32, cursor: Option<String>) -> Result<Page<TenantView>> {
    let request = ListRequest { limit: Some(limit), cursor };
    let call = Call::by_system("fuzz");
    FIXTURE.runtime.block_on(FIXTURE.service.list_tenants(&call, &TenantFilter::default(), &request))
}

/// Asserts that pages are complete without repetition, and that forged cursors are refused or stay within their list.
pub fn check(data: &[u8]) {
    let limit = 1 + u32::from(data.first().copied().unwrap_or(0)) % 7;
    if let Ok(text) = std::str::from_utf8(data) {
        within(limit, list(limit, Some(text.to_owned())));
    }
    let first = list(limit, None).expect("the first page");
    let cursor = first.next_cursor.expect("there are more tenants than fit");
    let json = URL_SAFE_NO_PAD.decode(&cursor).expect("base64url");
    assert_eq!(URL_SAFE_NO_PAD.encode(&json), cursor);
    let genuine: Value = serde_json::from_slice(&json).expect("JSON");
    if let Ok(position) = serde_json::from_slice::<Value>(data) {
        let mut forged = genuine.clone();
        forged["p"] = position;
        within(limit, list(limit, Some(URL_SAFE_NO_PAD.encode(forged.to_string()))));
    }
    if let Ok(name) = std::str::from_utf8(data) {
        let mut forged = genuine;
        forged["p"]["v"] = json!([{ "s": name }]);
        within(limit, list(limit, Some(URL_SAFE_NO_PAD.encode(forged.to_string()))));
    }
    whole(limit);
}

/// Asserts that all pages together return each tenant once.
fn whole(limit: u32) {
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = list(limit, cursor).expect("a genuine cursor is accepted");
        seen.extend(page.items.into_iter().map(|tenant| tenant.slug));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), TENANTS);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), TENANTS);
}

fn within(limit: u32, outcome: Result<Page<TenantView>>) {
    match outcome {
        Ok(page) => assert!(page.items.len() <= limit as usize),
        Err(error) => {
            assert_eq!((error.kind(), error.code()), (ErrorKind::BadRequest, "invalid_cursor"), "{error:?}");
        }
    }
}
