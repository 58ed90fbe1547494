//! State as tests and `dezky dev` see and change it by hand.

use std::sync::Mutex;

use serde_json::Value;

use super::{
    OcisSystem,
    roles::AppRole,
    state::{SpaceRecord, State},
};
use crate::{clock::Timestamp, connectors::Secret};

/// Creation time of what is added by hand.
const LONG_AGO: Timestamp = Timestamp::from_milliseconds(0);

impl OcisSystem {
    /// Creates a system with one account, `admin` if the credential names none, which administers everything.
    #[must_use]
    pub fn new(credential: &Secret) -> Self {
        let mut state = State::new();
        let (name, password) = match credential {
            Secret::Bearer(_) => ("admin", None),
            Secret::Basic { user, password } => (user.as_str(), Some(password.as_str())),
        };
        // Never refused: the state is empty.
        if let Ok(id) = state.add_account(name, password, AppRole::Admin) {
            if let Some(account) = state.account_called(&id) {
                account.founder = true;
                account.display = "Admin".to_owned();
                account.surname = "Admin".to_owned();
                account.mail = Some("admin@example.org".to_owned());
            }
            if let Secret::Bearer(token) = credential {
                state.bearer = Some((token.clone(), id));
            }
        }
        Self(Mutex::new(state))
    }

    /// Adds a group, which is listed at once, and returns its id. `None` when the emulator holds no more.
    pub fn add_group(&self, name: &str) -> Option<String> {
        self.lock().add_group(name, LONG_AGO).ok()
    }

    /// Removes the group of this name or id. Its permissions stay, as in the real system.
    pub fn remove_group(&self, name: &str) {
        // An absent one is removed.
        let _ = self.lock().delete_group(name);
    }

    /// Adds an account with a password, and returns its id. `None` when the emulator holds no more.
    pub fn add_account(&self, name: &str, password: &str, role: AppRole) -> Option<String> {
        self.lock().add_account(name, Some(password), role).ok()
    }

    /// Puts an account into a group, both by name or id.
    pub fn join(&self, account: &str, group: &str) {
        let mut state = self.lock();
        let Some(id) = state.account_called(account).map(|account| account.id.clone()) else { return };
        if let Some(group) = state.group_called(group).filter(|group| !group.members.contains(&id)) {
            group.members.push(id);
        }
    }

    /// Sets the role of an account, by name or id.
    pub fn set_app_role(&self, account: &str, role: AppRole) {
        if let Some(account) = self.lock().account_called(account) {
            account.role = role;
        }
    }

    /// Enables or disables an account, by name or id.
    pub fn set_enabled(&self, account: &str, enabled: bool) {
        if let Some(account) = self.lock().account_called(account) {
            account.enabled = enabled;
        }
    }

    /// Replaces the password of an account, by name or id.
    pub fn set_password(&self, account: &str, password: &str) {
        if let Some(account) = self.lock().account_called(account) {
            account.password = Some(password.to_owned());
        }
    }

    /// Adds a space that nobody manages, and returns its id. `None` when the emulator holds no more.
    pub fn add_space(&self, name: &str, description: Option<&str>) -> Option<String> {
        let mut state = self.lock();
        let id = state.add_space(name, "", LONG_AGO).ok()?;
        if let Some(space) = state.spaces.last_mut() {
            space.description = description.map(str::to_owned);
        }
        Some(id)
    }

    /// Returns all spaces, without personal ones.
    #[must_use]
    pub fn spaces(&self) -> Vec<SpaceRecord> {
        self.lock().spaces.clone()
    }

    /// Returns the space with this id.
    #[must_use]
    pub fn space(&self, id: &str) -> Option<SpaceRecord> {
        self.lock().spaces.iter().find(|space| space.id == id).cloned()
    }

    /// Changes a space by hand. Returns `true` if there is one with this id.
    pub fn edit_space(&self, id: &str, edit: impl FnOnce(&mut SpaceRecord)) -> bool {
        let mut state = self.lock();
        let space = state.spaces.iter_mut().find(|space| space.id == id);
        space.map(edit).is_some()
    }

    /// Removes a space by hand. An absent one is removed.
    pub fn remove_space(&self, id: &str) {
        self.lock().spaces.retain(|space| space.id != id);
    }

    /// Refuses all credentials, as in the first seconds of a start, or no longer.
    pub fn set_starting(&self, starting: bool) {
        self.lock().starting = starting;
    }

    /// Stops the storage service for this number of requests, 0 to start it. While it is down, its spaces are absent from
    /// lists, without an error.
    pub fn stop_storage(&self, requests: u64) {
        self.lock().storage_down = requests;
    }

    /// Sets product and version.
    pub fn set_product(&self, product: &str, version: &str) {
        let mut state = self.lock();
        state.product = product.to_owned();
        state.version = version.to_owned();
    }

    /// Removes the headers that purge and restore, as a proxy in front may.
    pub fn remove_headers(&self) {
        self.lock().headers_removed = true;
    }

    /// Takes a role from those that are available.
    pub fn hide_role(&self, id: &str) {
        self.lock().hidden_roles.push(id.to_owned());
    }

    /// Answers the next invitations and loses them, as parallel ones to a space do to each other.
    pub fn lose_invitations(&self, number: usize) {
        self.lock().lost_invitations = number;
    }

    /// Shows an entry in lists of spaces besides those of real spaces.
    pub fn list_also(&self, entry: Value) {
        self.lock().odd_entries.push(entry);
    }

    /// Renames a member of all answers, as an update of the system might.
    pub fn rename_member(&self, from: &str, to: &str) {
        self.lock().renamed.push((from.to_owned(), to.to_owned()));
    }
}
