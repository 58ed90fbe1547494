//! What may be said of a membership when it is granted or changed.

use serde_json::Value;

use super::{Reader, present};
use crate::{
    domain::{
        MembershipRole, UserId,
        fields::{choice, object_id},
    },
    error::Result,
};

/// A membership to be granted, or granted anew after revocation.
#[derive(Debug, Clone)]
pub struct GrantMembership {
    /// The person.
    pub user_id: UserId,
    /// The role; `member` when the body does not say.
    pub role: MembershipRole,
}

impl GrantMembership {
    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let user_id = reader.required("userId", object_id);
        let role = reader.optional("role", choice).unwrap_or(MembershipRole::Member);
        reader.finish()?;
        Ok(Self { user_id: present(user_id)?, role })
    }
}

/// Changes of a membership, as a merge patch.
#[derive(Debug, Clone)]
pub struct UpdateMembership {
    /// The new role.
    pub role: Option<MembershipRole>,
}

impl UpdateMembership {
    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let role = reader.replace("role", choice);
        reader.finish()?;
        Ok(Self { role })
    }
}
