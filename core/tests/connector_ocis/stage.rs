//! A running emulator and a client of it.

use std::sync::Arc;

use dezky::{
    clock::SystemClock,
    connectors::{
        ConnectorError, ConnectorResult, ConnectorSettings, Files, Grant, NewSpace, Secret, Space, ocis::OcisFiles,
    },
    context::RequestContext,
    domain::TenantId,
    emulators::{
        Emulator, EmulatorOptions, Fault, Faults,
        ocis::{AppRole, OcisSystem, SpaceMember, SpaceRecord, SpaceRole},
    },
};
use http::Method;

/// Password of the account, which appears nowhere else.
pub(crate) const PASSWORD: &str = "pAssword-of-the-account";

/// Quota of spaces in tests.
pub(crate) const QUOTA: u64 = 1 << 30;

/// A running emulator and a client of it.
pub(crate) struct OcisFixture {
    pub(crate) emulator: Emulator<OcisSystem>,
    pub(crate) files: OcisFiles,
    pub(crate) tenant: TenantId,
}

pub(crate) fn secret() -> Secret {
    Secret::Basic { user: "admin".to_owned(), password: PASSWORD.to_owned() }
}

pub(crate) fn context() -> RequestContext {
    RequestContext::new("test")
}

pub(crate) fn client(url: &str, secret: Secret) -> OcisFiles {
    OcisFiles::new(&ConnectorSettings::new(url.parse().unwrap(), secret)).unwrap()
}

impl OcisFixture {
    pub(crate) async fn new() -> Self {
        Self::with(EmulatorOptions::default()).await
    }

    pub(crate) async fn with(options: EmulatorOptions) -> Self {
        let options = EmulatorOptions { clock: Arc::new(SystemClock), ..options };
        let emulator = Emulator::start(OcisSystem::new(&secret()), options).await.unwrap();
        let files = client(&emulator.url(), secret());
        Self { emulator, files, tenant: "65f0c0ffee0000000000cafe".parse().unwrap() }
    }

    pub(crate) fn system(&self) -> &OcisSystem {
        self.emulator.system()
    }

    pub(crate) fn new_space(&self) -> NewSpace {
        NewSpace { tenant: self.tenant, name: "Acme GmbH".to_owned(), quota: QUOTA }
    }

    /// Creates the space of the tenant.
    pub(crate) async fn space(&self) -> Space {
        self.files.create_space(&context(), &self.new_space()).await.unwrap()
    }

    /// Creates the space of the tenant, and a group.
    pub(crate) async fn space_and_group(&self) -> (Space, String) {
        (self.space().await, self.system().add_group("acme").unwrap())
    }

    /// Returns a space as the emulator holds it.
    pub(crate) fn record(&self, id: &str) -> SpaceRecord {
        self.system().space(id).unwrap()
    }

    pub(crate) fn edit(&self, id: &str, edit: impl FnOnce(&mut SpaceRecord)) {
        assert!(self.system().edit_space(id, edit), "no space `{id}`");
    }

    /// Returns the role of a group in a space as the emulator holds it.
    pub(crate) fn role_of(&self, id: &str, group: &str) -> Option<SpaceRole> {
        let space = self.record(id);
        space.members.iter().find(|member| member.group() == Some(group)).map(|member| member.role)
    }

    /// Gives a role in a space by hand.
    pub(crate) fn add_member(&self, id: &str, member: &str, role: SpaceRole, expires: Option<&str>) {
        let member =
            SpaceMember { id: member.to_owned(), name: "x".to_owned(), role, expires: expires.map(str::to_owned) };
        self.edit(id, |space| space.members.push(member));
    }

    /// Removes the account of the client from a space, as one of its managers may.
    pub(crate) fn throw_out_the_account(&self, id: &str) {
        self.add_member(id, "u:another", SpaceRole::Manager, None);
        self.edit(id, |space| space.members.retain(|member| member.person().is_none_or(|person| person == "another")));
    }

    pub(crate) async fn grants(&self, id: &str) -> Vec<Grant> {
        self.files.grants(&context(), id).await.unwrap()
    }

    /// Lowers the rights of the account.
    pub(crate) fn lower_rights(&self) {
        self.system().set_app_role("admin", AppRole::User);
    }

    pub(crate) fn fault(&self, fault: Option<Fault>) {
        self.emulator.set_faults(Faults { every: fault, ..Faults::default() });
    }

    /// Returns methods and paths of the changes since the last call.
    pub(crate) fn changes(&self) -> Vec<(Method, String)> {
        self.emulator.take_log().into_iter().filter(|(method, _)| method != Method::GET).collect()
    }
}

/// Returns the text of an error, which must be of this kind.
pub(crate) fn failure<T: std::fmt::Debug>(outcome: ConnectorResult<T>, reason: &str) -> String {
    let error = outcome.expect_err("an error");
    assert_eq!(error.reason(), reason, "{error}");
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error.to_string()
}

/// Returns the time that a failure asks to wait for.
pub(crate) fn wait_of<T: std::fmt::Debug>(outcome: ConnectorResult<T>) -> Option<std::time::Duration> {
    match outcome {
        Err(ConnectorError::Retryable { after, .. }) => after,
        other => panic!("not retryable: {other:?}"),
    }
}
