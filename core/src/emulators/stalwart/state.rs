//! State of the emulated system. Both interfaces show the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::Release;
use crate::clock::Timestamp;

/// Number of objects of each kind.
pub(super) const MAXIMUM_OBJECTS: usize = 20_000;

#[derive(Debug)]
pub(super) struct Domain {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) created: Timestamp,
    /// Time at which the keys are made; `None` once they are.
    pub(super) keys_due: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Alias {
    pub(super) local_part: String,
    pub(super) domain: u32,
    pub(super) enabled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialKind {
    Password,
    AppPassword,
}

#[derive(Clone)]
pub(super) struct Credential {
    pub(super) id: u32,
    pub(super) kind: CredentialKind,
    /// Label of an app password.
    pub(super) description: String,
    pub(super) secret: String,
    pub(super) created: Timestamp,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credential").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Permissions besides those of the roles.
#[derive(Debug, Clone, Default)]
pub(super) struct Permissions {
    /// `true` if only the enabled ones count.
    pub(super) replace: bool,
    pub(super) enabled: BTreeSet<String>,
    pub(super) disabled: BTreeSet<String>,
}

impl Permissions {
    pub(super) fn allow(&self, permission: &str) -> bool {
        !self.disabled.contains(permission) && (!self.replace || self.enabled.contains(permission))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) group: bool,
    /// Name of the principal in 0.15.
    pub(super) principal: String,
    pub(super) local_part: String,
    pub(super) domain: u32,
    pub(super) aliases: Vec<Alias>,
    pub(super) description: Option<String>,
    pub(super) quota: Option<u64>,
    pub(super) permissions: Permissions,
    pub(super) credentials: Vec<Credential>,
    pub(super) created: Timestamp,
}

#[derive(Debug)]
pub(super) struct MailingList {
    pub(super) local_part: String,
    pub(super) domain: u32,
}

#[derive(Debug)]
pub(super) struct Signature {
    pub(super) domain: String,
    /// `rsa` or `ed25519`.
    pub(super) algorithm: &'static str,
    pub(super) selector: String,
    pub(super) stage: &'static str,
    pub(super) created: Timestamp,
}

impl Signature {
    /// Returns what looks like a public key in base64.
    pub(super) fn public_key(&self) -> String {
        let length = if self.algorithm == "rsa" { 294 } else { 32 };
        let mut bytes = Vec::new();
        let mut block = 0_u8;
        while bytes.len() < length {
            bytes.extend(Sha256::digest(format!("{} {} {block}", self.selector, self.domain)));
            block = block.wrapping_add(1);
        }
        bytes.truncate(length);
        STANDARD.encode(bytes)
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) release: Release,
    pub(super) domains: BTreeMap<u32, Domain>,
    pub(super) accounts: BTreeMap<u32, Account>,
    pub(super) lists: BTreeMap<u32, MailingList>,
    pub(super) signatures: BTreeMap<u32, Signature>,
    next: u32,
    next_account: u32,
    /// Time until the task that makes keys has run.
    pub(super) key_delay: Duration,
    pub(super) maximum_app_passwords: usize,
    /// Number of objects in one answer.
    pub(super) page: u64,
    pub(super) external_directory: bool,
    /// Rights that the credential lacks.
    pub(super) withheld: BTreeSet<String>,
    /// Fields with other names: old and new.
    pub(super) renamed: Vec<(String, String)>,
}

/// Object that has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Account(u32),
    MailingList(u32),
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            release: Release::V016,
            domains: BTreeMap::new(),
            accounts: BTreeMap::new(),
            lists: BTreeMap::new(),
            signatures: BTreeMap::new(),
            // The first domain is the server's own, and so is the first account.
            next: 2,
            next_account: 1,
            key_delay: Duration::from_secs(1),
            maximum_app_passwords: 5,
            page: 500,
            external_directory: false,
            withheld: BTreeSet::new(),
            renamed: Vec::new(),
        }
    }

    /// Does what tasks have done until now.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let due: Vec<u32> = self
            .domains
            .iter()
            .filter(|(_, domain)| domain.keys_due.is_some_and(|due| due <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(domain) = self.domains.get_mut(&id) else { continue };
            domain.keys_due = None;
            let name = domain.name.clone();
            let date: String = now.to_string().chars().take(10).filter(char::is_ascii_digit).collect();
            for algorithm in ["ed25519", "rsa"] {
                self.add_signature(&name, algorithm, format!("v1-{algorithm}-{date}"), now);
            }
        }
    }

    pub(super) fn add_signature(&mut self, domain: &str, algorithm: &'static str, selector: String, now: Timestamp) {
        let id = self.next_id();
        let signature = Signature { domain: domain.to_owned(), algorithm, selector, stage: "active", created: now };
        self.signatures.insert(id, signature);
    }

    /// Adds a domain. Its keys follow if they are made by a task.
    pub(super) fn add_domain(&mut self, name: &str, enabled: bool, keys: bool, now: Timestamp) -> u32 {
        let id = self.next_id();
        let keys_due = keys.then(|| now.plus(self.key_delay));
        self.domains.insert(id, Domain { name: name.to_owned(), enabled, created: now, keys_due });
        id
    }

    pub(super) fn add_account(&mut self, account: Account) -> u32 {
        let id = self.next_account;
        self.next_account += 1;
        self.accounts.insert(id, account);
        id
    }

    pub(super) fn add_list(&mut self, local_part: &str, domain: u32) -> u32 {
        let id = self.next_id();
        self.lists.insert(id, MailingList { local_part: local_part.to_owned(), domain });
        id
    }

    fn next_id(&mut self) -> u32 {
        let id = self.next;
        self.next += 1;
        id
    }

    pub(super) fn domain_named(&self, name: &str) -> Option<u32> {
        self.domains.iter().find(|(_, domain)| domain.name == name).map(|(id, _)| *id)
    }

    pub(super) fn domain_name(&self, id: u32) -> &str {
        self.domains.get(&id).map_or("", |domain| domain.name.as_str())
    }

    pub(super) fn address(&self, local_part: &str, domain: u32) -> String {
        format!("{local_part}@{}", self.domain_name(domain))
    }

    /// Returns what has an address, disabled aliases included.
    pub(super) fn holder(&self, local_part: &str, domain: u32) -> Option<Holder> {
        let is_it = |account: &Account| {
            (account.local_part == local_part && account.domain == domain)
                || account.aliases.iter().any(|alias| alias.local_part == local_part && alias.domain == domain)
        };
        let account = self.accounts.iter().find(|(_, account)| is_it(account)).map(|(id, _)| Holder::Account(*id));
        let list = || {
            let mut lists = self.lists.iter();
            lists
                .find(|(_, list)| list.local_part == local_part && list.domain == domain)
                .map(|(id, _)| Holder::MailingList(*id))
        };
        account.or_else(list)
    }

    /// Returns the account whose own address this is.
    pub(super) fn account_at(&self, address: &str) -> Option<u32> {
        let (local_part, domain) = address.rsplit_once('@')?;
        let domain = self.domain_named(domain)?;
        let mut accounts = self.accounts.iter();
        accounts.find(|(_, account)| account.local_part == local_part && account.domain == domain).map(|(id, _)| *id)
    }

    /// Returns the kinds and numbers of the objects that use a domain.
    pub(super) fn users_of(&self, domain: u32) -> Vec<(&'static str, u32)> {
        let name = self.domain_name(domain);
        let uses =
            |account: &Account| account.domain == domain || account.aliases.iter().any(|alias| alias.domain == domain);
        let accounts = self.accounts.iter().filter(|(_, account)| uses(account)).map(|(id, _)| ("Account", *id));
        let lists = self.lists.iter().filter(|(_, list)| list.domain == domain).map(|(id, _)| ("MailingList", *id));
        let signatures = self.signatures.iter().filter(|(_, signature)| signature.domain == name);
        accounts.chain(lists).chain(signatures.map(|(id, _)| ("DkimSignature", *id))).collect()
    }

    /// Returns `true` if the credential has a right.
    pub(super) fn allows(&self, right: &str) -> bool {
        !self.withheld.contains(right)
    }
}

/// Returns `true` if a stored secret is that of a password.
pub(super) fn verifies(stored: &str, password: &str) -> bool {
    match stored.strip_prefix("{SHA256}") {
        Some(hash) => STANDARD.encode(Sha256::digest(password.as_bytes())) == hash,
        None => stored == password,
    }
}
