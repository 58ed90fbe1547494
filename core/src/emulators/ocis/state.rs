//! What the emulated system remembers.

use super::{
    answer::Refusal,
    roles::{AppRole, SpaceRole},
};
use crate::clock::Timestamp;

/// Number of spaces, groups or accounts that the emulator holds, each.
const MAXIMUM: usize = 20_000;

/// Quota of a space that is created without one.
pub(super) const DEFAULT_QUOTA: i64 = 1_000_000_000;

/// A member of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceMember {
    /// Id of the permission: `g:` and a group's id, or `u:` and a person's.
    pub id: String,
    /// Name as it was when access was given. The real system caches it likewise.
    pub name: String,
    /// Role.
    pub role: SpaceRole,
    /// End of the access, in RFC 3339.
    pub expires: Option<String>,
}

impl SpaceMember {
    /// Returns the group's id; `None` for a person.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.id.strip_prefix("g:")
    }

    /// Returns the person's id; `None` for a group.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        self.id.strip_prefix("u:")
    }
}

/// A space as the emulator holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRecord {
    /// Whole id, with that of the storage.
    pub id: String,
    /// Name.
    pub name: String,
    /// Alias, as in addresses of the web client.
    pub alias: String,
    /// Description, which holds our marker.
    pub description: Option<String>,
    /// Quota in bytes; 0 is no bound.
    pub quota: i64,
    /// Bytes in use.
    pub used: i64,
    /// `true` if disabled.
    pub trashed: bool,
    /// Members.
    pub members: Vec<SpaceMember>,
    /// Time of creation.
    pub created: Timestamp,
    /// Time of the last change.
    pub modified: Timestamp,
}

impl SpaceRecord {
    /// Returns the id without that of the storage.
    pub(super) fn short_id(&self) -> &str {
        self.id.split_once('$').map_or(self.id.as_str(), |(_, short)| short)
    }
}

/// A person or a service.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) display: String,
    pub(super) mail: Option<String>,
    pub(super) surname: String,
    pub(super) password: Option<String>,
    pub(super) enabled: bool,
    pub(super) role: AppRole,
    pub(super) assignment: String,
    /// The account of the first start, which has more members.
    pub(super) founder: bool,
    /// An account has a personal space from its first request on.
    pub(super) personal: Option<PersonalSpace>,
}

/// A personal space, whose alias keeps the name that the account had.
#[derive(Clone)]
pub(super) struct PersonalSpace {
    pub(super) alias: String,
    pub(super) since: Timestamp,
}

/// A group of accounts.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) members: Vec<String>,
    pub(super) created: Timestamp,
}

/// An app token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: String,
    /// What the list shows instead of the secret, and what deletion takes.
    pub(super) hash: String,
    pub(super) account: String,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
}

/// The whole state.
pub(super) struct State {
    pub(super) storage: String,
    pub(super) application: String,
    pub(super) version: String,
    pub(super) product: String,
    pub(super) accounts: Vec<Account>,
    pub(super) bearer: Option<(String, String)>,
    pub(super) groups: Vec<Group>,
    pub(super) spaces: Vec<SpaceRecord>,
    pub(super) tokens: Vec<Token>,
    pub(super) requests: u64,
    /// The first seconds of a start: right credentials are refused.
    pub(super) starting: bool,
    /// Number of requests for which the storage service is down: its spaces are absent from lists, without an error.
    pub(super) storage_down: u64,
    /// Number of invitations that will be answered and lost.
    pub(super) lost_invitations: usize,
    /// Entries of lists as they were shown last.
    pub(super) rendered: super::view::Rendered,
    /// Entries that lists of spaces show besides.
    pub(super) odd_entries: Vec<serde_json::Value>,
    /// A proxy in front removes the headers that purge and restore.
    pub(super) headers_removed: bool,
    /// Ids of roles that are not available.
    pub(super) hidden_roles: Vec<String>,
    /// Members that answers have under another name.
    pub(super) renamed: Vec<(String, String)>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            storage: uuid(),
            application: uuid(),
            version: "7.0.0+dev".to_owned(),
            product: "Infinite Scale".to_owned(),
            accounts: Vec::new(),
            bearer: None,
            groups: Vec::new(),
            spaces: Vec::new(),
            tokens: Vec::new(),
            requests: 0,
            starting: false,
            storage_down: 0,
            lost_invitations: 0,
            rendered: super::view::Rendered::default(),
            odd_entries: Vec::new(),
            headers_removed: false,
            hidden_roles: Vec::new(),
            renamed: Vec::new(),
        }
    }

    pub(super) fn add_account(&mut self, name: &str, password: Option<&str>, role: AppRole) -> Result<String, Refusal> {
        bounded(&self.accounts)?;
        let id = uuid();
        self.accounts.push(Account {
            id: id.clone(),
            name: name.to_owned(),
            display: name.to_owned(),
            mail: None,
            surname: name.to_owned(),
            password: password.map(str::to_owned),
            enabled: true,
            role,
            assignment: uuid(),
            founder: false,
            personal: None,
        });
        Ok(id)
    }

    pub(super) fn add_group(&mut self, name: &str, created: Timestamp) -> Result<String, Refusal> {
        bounded(&self.groups)?;
        let id = uuid();
        self.groups.push(Group { id: id.clone(), name: name.to_owned(), members: Vec::new(), created });
        Ok(id)
    }

    /// Adds a space with the account as its manager, and returns its id.
    pub(super) fn add_space(&mut self, name: &str, manager: &str, now: Timestamp) -> Result<String, Refusal> {
        bounded(&self.spaces)?;
        let id = format!("{}${}", self.storage, uuid());
        let member = self.account(manager).map(|account| SpaceMember {
            id: format!("u:{}", account.id),
            name: account.display.clone(),
            role: SpaceRole::Manager,
            expires: None,
        });
        self.spaces.push(SpaceRecord {
            id: id.clone(),
            name: name.to_owned(),
            alias: format!("project/{}", name.replace(' ', "-").to_lowercase()),
            description: None,
            quota: DEFAULT_QUOTA,
            used: 0,
            trashed: false,
            members: member.into_iter().collect(),
            created: now,
            modified: now,
        });
        Ok(id)
    }

    pub(super) fn storage_is_down(&self) -> bool {
        self.storage_down > 0
    }

    /// Returns the account with this id.
    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// Returns the account with this id or name.
    pub(super) fn account_called(&mut self, id: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.id == id || account.name.eq_ignore_ascii_case(id))
    }

    /// Returns the group with this id or name, of whatever case, as a directory compares them.
    pub(super) fn group_called(&mut self, id: &str) -> Option<&mut Group> {
        let folded = id.to_lowercase();
        self.groups.iter_mut().find(|group| group.id == id || group.name.to_lowercase() == folded)
    }

    /// Returns the space with this id, which may lack the storage's part.
    pub(super) fn space(&mut self, id: &str) -> Option<&mut SpaceRecord> {
        if self.storage_is_down() {
            return None;
        }
        self.spaces.iter_mut().find(|space| space.id == id || space.short_id() == id)
    }

    /// Returns the highest role of an account in a space, its own or by a group.
    pub(super) fn role_in(&self, space: &SpaceRecord, account: &str, now: Timestamp) -> Option<SpaceRole> {
        let reaches = |member: &&SpaceMember| match (member.person(), member.group()) {
            (Some(person), _) => person == account,
            (_, Some(id)) => {
                let group = self.groups.iter().find(|group| group.id == id);
                group.is_some_and(|group| group.members.iter().any(|member| member == account))
            }
            _ => false,
        };
        let current = |member: &&SpaceMember| {
            let end = member.expires.as_deref().and_then(|end| end.parse::<Timestamp>().ok());
            end.is_none_or(|end| end > now)
        };
        space.members.iter().filter(current).filter(reaches).map(|member| member.role).max()
    }
}

/// Refuses another object when the list is full.
fn bounded<T>(list: &[T]) -> Result<(), Refusal> {
    if list.len() < MAXIMUM { Ok(()) } else { Err(Refusal::full()) }
}

/// Generates a random UUID (RFC 9562, version 4).
pub(super) fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness an id that differs within the process.
        let fallback = crate::object_id::ObjectId::generate().bytes();
        bytes.iter_mut().zip(fallback).for_each(|(byte, other)| *byte = other);
    }
    let number = u128::from_be_bytes(bytes);
    let number = (number & !(0xf << 76) & !(0xc << 60)) | (0x4 << 76) | (0x8 << 60);
    let hex = format!("{number:032x}");
    let mut text = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
