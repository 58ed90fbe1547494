//! Looks at the state and changes of it that no client makes: what administrators do by hand, and settings.

use std::time::Duration;

use super::{
    Release, StalwartSystem, rest,
    state::{Account, Alias, Credential, CredentialKind, Permissions, verifies},
};
use crate::clock::Timestamp;

/// A domain as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatedDomain {
    /// Name.
    pub name: String,
    /// `true` if it sends and receives mail.
    pub enabled: bool,
    /// Number of its keys.
    pub keys: usize,
}

/// A mailbox or a group as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatedAccount {
    /// Address.
    pub address: String,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// Other addresses, sorted.
    pub aliases: Vec<String>,
    /// Bound of its size in bytes.
    pub quota: Option<u64>,
    /// `true` if its owner may sign in.
    pub enabled: bool,
    /// Number of its passwords: 0 or 1.
    pub passwords: usize,
    /// Labels of its app passwords.
    pub app_passwords: Vec<String>,
}

impl StalwartSystem {
    /// Replaces the release. What is stored stays, as in an upgrade.
    pub fn set_release(&self, release: Release) {
        self.state().release = release;
    }

    /// Replaces the time that the task needs that makes keys. Default: 1 s.
    pub fn set_key_delay(&self, delay: Duration) {
        self.state().key_delay = delay;
    }

    /// Replaces the number of app passwords that a mailbox may have. Default: 5.
    pub fn set_maximum_app_passwords(&self, maximum: usize) {
        self.state().maximum_app_passwords = maximum;
    }

    /// Replaces the number of objects in one answer of the registry. Default: 500.
    pub fn set_page(&self, page: u64) {
        self.state().page = page;
    }

    /// Sets that a directory outside has the people and their passwords. Default: not.
    pub fn set_external_directory(&self, external: bool) {
        self.state().external_directory = external;
    }

    /// Takes a right from the credential, such as `sysAccountCreate` (0.16) or `individual-create` (0.15).
    pub fn withhold(&self, right: &str) {
        self.state().withheld.insert(right.to_owned());
    }

    /// Gives a field of the registry another name, as an update may.
    pub fn rename_field(&self, old: &str, new: &str) {
        self.state().renamed.push((old.to_owned(), new.to_owned()));
    }

    /// Returns the domains, in the order of their ids.
    #[must_use]
    pub fn domains(&self) -> Vec<EmulatedDomain> {
        let state = self.state();
        let keys = |name: &str| state.signatures.values().filter(|signature| signature.domain == name).count();
        let domains = state.domains.values();
        let domain = |domain: &super::state::Domain| EmulatedDomain {
            name: domain.name.clone(),
            enabled: domain.enabled,
            keys: keys(&domain.name),
        };
        domains.map(domain).collect()
    }

    /// Returns the number of all keys, those of no domain too.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.state().signatures.len()
    }

    /// Returns the accounts, in the order of their ids.
    #[must_use]
    pub fn accounts(&self) -> Vec<EmulatedAccount> {
        let state = self.state();
        let account = |account: &Account| {
            let mut addresses = rest::addresses(&state, account).into_iter();
            let of_kind = |kind| account.credentials.iter().filter(move |credential| credential.kind == kind);
            EmulatedAccount {
                address: addresses.next().unwrap_or_default(),
                display_name: account.description.clone(),
                aliases: addresses.collect(),
                quota: account.quota,
                enabled: account.permissions.allow("authenticate"),
                passwords: of_kind(CredentialKind::Password).count(),
                app_passwords: of_kind(CredentialKind::AppPassword).map(|one| one.description.clone()).collect(),
            }
        };
        state.accounts.values().map(account).collect()
    }

    /// Returns `true` if an address and a secret let somebody in.
    #[must_use]
    pub fn signs_in(&self, address: &str, secret: &str) -> bool {
        let state = self.state();
        let account = state.account_at(address).and_then(|id| state.accounts.get(&id));
        account.is_some_and(|account| {
            account.permissions.allow("authenticate")
                && account.credentials.iter().any(|credential| verifies(&credential.secret, secret))
        })
    }

    /// Returns the secrets of a mailbox as they are stored.
    #[must_use]
    pub fn stored_secrets(&self, address: &str) -> Vec<String> {
        let state = self.state();
        let account = state.account_at(address).and_then(|id| state.accounts.get(&id));
        let secrets = account.map(|account| account.credentials.iter().map(|credential| credential.secret.clone()));
        secrets.map(Iterator::collect).unwrap_or_default()
    }

    /// Adds a domain with its keys.
    pub fn add_domain(&self, name: &str) {
        let now = Timestamp::from_seconds(0);
        let mut state = self.state();
        let id = state.add_domain(name, true, true, now);
        if let Some(domain) = state.domains.get_mut(&id) {
            domain.keys_due = Some(now);
        }
        state.settle(now);
    }

    /// Enables or disables a domain.
    pub fn set_domain_enabled(&self, name: &str, enabled: bool) {
        let mut state = self.state();
        if let Some(domain) = state.domains.values_mut().find(|domain| domain.name == name) {
            domain.enabled = enabled;
        }
    }

    /// Removes a domain, whatever uses it.
    pub fn remove_domain(&self, name: &str) {
        let mut state = self.state();
        state.domains.retain(|_, domain| domain.name != name);
        state.signatures.retain(|_, signature| signature.domain != name);
    }

    /// Removes a domain and leaves its keys, as a creation in 0.15 that broke off does.
    pub fn lose_domain(&self, name: &str) {
        self.state().domains.retain(|_, domain| domain.name != name);
    }

    /// Adds a mailbox to a domain that is there.
    pub fn add_mailbox(&self, address: &str) {
        self.add_account(address, false);
    }

    /// Adds a group to a domain that is there.
    pub fn add_group(&self, address: &str) {
        self.add_account(address, true);
    }

    fn add_account(&self, address: &str, group: bool) {
        let mut state = self.state();
        let Some((local_part, domain)) = address.rsplit_once('@') else { return };
        let Some(domain) = state.domain_named(domain) else { return };
        state.add_account(Account {
            group,
            principal: address.to_owned(),
            local_part: local_part.to_owned(),
            domain,
            aliases: Vec::new(),
            description: None,
            quota: None,
            permissions: Permissions::default(),
            credentials: Vec::new(),
            created: Timestamp::from_seconds(0),
        });
    }

    /// Adds a mailing list to a domain that is there.
    pub fn add_mailing_list(&self, address: &str) {
        let mut state = self.state();
        let Some((local_part, domain)) = address.rsplit_once('@') else { return };
        if let Some(domain) = state.domain_named(domain) {
            state.add_list(local_part, domain);
        }
    }

    /// Removes a mailbox or a group.
    pub fn remove_account(&self, address: &str) {
        let mut state = self.state();
        if let Some(id) = state.account_at(address) {
            state.accounts.remove(&id);
        }
    }

    /// Adds an app password to a mailbox, with a secret that nobody knows.
    pub fn add_app_password(&self, address: &str, label: &str) {
        self.change(address, |account| {
            let id = account.credentials.iter().map(|credential| credential.id).max().unwrap_or(0) + 1;
            account.credentials.push(Credential {
                id,
                kind: CredentialKind::AppPassword,
                description: label.to_owned(),
                secret: "{SHA256}".to_owned(),
                created: Timestamp::from_seconds(0),
            });
        });
    }

    /// Removes the app passwords of a label from a mailbox.
    pub fn remove_app_password(&self, address: &str, label: &str) {
        let is_it = |one: &Credential| one.kind == CredentialKind::AppPassword && one.description == label;
        self.change(address, |account| account.credentials.retain(|credential| !is_it(credential)));
    }

    /// Changes the quota of a mailbox.
    pub fn set_quota(&self, address: &str, quota: Option<u64>) {
        self.change(address, |account| account.quota = quota);
    }

    /// Adds another address to a mailbox, of any domain that is there.
    pub fn add_alias(&self, address: &str, alias: &str) {
        let Some((local_part, domain)) = alias.rsplit_once('@') else { return };
        let Some(domain) = self.state().domain_named(domain) else { return };
        let alias = Alias { local_part: local_part.to_owned(), domain, enabled: true };
        self.change(address, |account| account.aliases.push(alias));
    }

    /// Takes a permission from a mailbox, or gives it back.
    pub fn set_permission(&self, address: &str, permission: &str, allowed: bool) {
        self.change(address, |account| {
            if allowed {
                account.permissions.disabled.remove(permission);
            } else {
                account.permissions.disabled.insert(permission.to_owned());
            }
        });
    }

    /// Returns the permissions that a mailbox is without.
    #[must_use]
    pub fn disabled_permissions(&self, address: &str) -> Vec<String> {
        let state = self.state();
        let account = state.account_at(address).and_then(|id| state.accounts.get(&id));
        account.map(|account| account.permissions.disabled.iter().cloned().collect()).unwrap_or_default()
    }

    fn change(&self, address: &str, change: impl FnOnce(&mut Account)) {
        let mut state = self.state();
        if let Some(account) = state.account_at(address).and_then(|id| state.accounts.get_mut(&id)) {
            change(account);
        }
    }
}
