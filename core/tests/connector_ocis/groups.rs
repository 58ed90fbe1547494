//! Traps of groups: a filter that is ignored, names of another case, parts of names and ids.

use dezky::{connectors::Files as _, emulators::ocis::AppRole};

use crate::stage::{OcisFixture, client, context, failure};

#[tokio::test]
async fn only_the_exact_name_is_found() {
    let stage = OcisFixture::new().await;
    let acme = stage.system().add_group("acme").unwrap();
    stage.system().add_group("acme-2").unwrap();
    stage.system().add_group("Beta").unwrap();
    let named = async |name: &str| stage.files.group_named(&context(), name).await.unwrap();
    assert_eq!(named("acme").await, Some(acme.clone()));
    for other in ["ACME", "acm", "acme-", "beta", "nobody", &acme] {
        assert_eq!(named(other).await, None, "{other}");
    }
}

#[tokio::test]
async fn odd_names_are_found() {
    let stage = OcisFixture::new().await;
    for name in
        ["a.b", "a/b", "a,b=c", "Äcme ümläut", "dezky:tenant:1", "o'n", "..", "a%2Fb", "a?b#c", "say \"hi\" loud"]
    {
        let id = stage.system().add_group(name).unwrap();
        assert_eq!(stage.files.group_named(&context(), name).await.unwrap(), Some(id), "{name}");
    }
    for name in ["", "a\nb"] {
        failure(stage.files.group_named(&context(), name).await, "Rejected");
    }
}

#[tokio::test]
async fn a_name_that_is_the_id_of_another_group_is_not_taken_for_it() {
    let stage = OcisFixture::new().await;
    let first = stage.system().add_group("first").unwrap();
    assert_eq!(stage.files.group_named(&context(), &first).await.unwrap(), None);
    let second = stage.system().add_group(&first).unwrap();
    assert_eq!(stage.files.group_named(&context(), &first).await.unwrap(), Some(second));
}

#[tokio::test]
async fn a_space_admin_finds_groups() {
    let stage = OcisFixture::new().await;
    let acme = stage.system().add_group("acme").unwrap();
    stage.system().add_account("service", "service-password", AppRole::SpaceAdmin).unwrap();
    let secret =
        dezky::connectors::Secret::Basic { user: "service".to_owned(), password: "service-password".to_owned() };
    let files = client(&stage.emulator.url(), secret);
    assert_eq!(files.group_named(&context(), "acme").await.unwrap(), Some(acme));
    assert_eq!(files.group_named(&context(), "acme-2").await.unwrap(), None);
    let why = failure(files.group_named(&context(), "ab").await, "Unauthorized");
    assert!(why.contains("three characters"), "{why}");
}
