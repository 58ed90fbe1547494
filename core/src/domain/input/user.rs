//! What may be said of a user when it is created or changed.

use serde_json::Value;

use super::{Patch, Problem, Reader, present};
use crate::{
    clock::Timestamp,
    domain::{
        GrantSource, Open, RevokedBy, User, UserId, UserRole, UserStatus,
        fields::{boolean, choice, email, identifier, label, text, time},
    },
    error::Result,
};

/// The issuer of users that are created without one.
pub const DEFAULT_ISSUER: &str = "default";

/// `sub` has at most 255 characters (OpenID Connect Core 1.0 §2).
fn subject(value: &Value) -> Result<String, Problem> {
    text(value, 255)
}

/// A user to be created before the first sign-in.
#[derive(Debug, Clone)]
pub struct CreateUser {
    issuer_id: String,
    subject: String,
    email: Option<String>,
    name: Option<String>,
    role: Option<UserRole>,
    platform_admin: Option<bool>,
    status: Option<UserStatus>,
    present: Vec<&'static str>,
}

impl CreateUser {
    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let issuer_id = reader.optional("issuerId", identifier);
        let subject = reader.required("authentikSubjectId", subject);
        let email = reader.optional("email", email);
        let name = reader.optional("name", label);
        let role = reader.optional("role", choice);
        let platform_admin = reader.optional("platformAdmin", boolean);
        let status = reader.optional("status", choice);
        let fields = reader.present();
        reader.finish()?;
        let issuer_id = issuer_id.unwrap_or_else(|| DEFAULT_ISSUER.to_owned());
        let subject = present(subject)?;
        Ok(Self { issuer_id, subject, email, name, role, platform_admin, status, present: fields })
    }

    /// Names of the fields that the body sets.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.present
    }

    /// The issuer that knows the person.
    #[must_use]
    pub fn issuer_id(&self) -> &str {
        &self.issuer_id
    }

    /// The person's subject at the issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether the new user administers the platform, by a lasting right.
    #[must_use]
    pub fn makes_admin(&self) -> bool {
        self.platform_admin == Some(true)
    }

    /// The new user.
    #[must_use]
    pub fn into_user(self, now: Timestamp) -> User {
        let mut user = new_user(self.issuer_id, self.subject, now);
        user.set_email(self.email);
        user.set_name(self.name);
        user.role = self.role.unwrap_or_default().into();
        user.status = self.status.unwrap_or_default().into();
        if self.platform_admin == Some(true) {
            user.set_platform_admin(true, GrantSource::Grant, RevokedBy::Person, now);
        }
        user
    }
}

/// A user about whom nothing is known but issuer and subject.
#[must_use]
pub fn new_user(issuer_id: String, subject: String, now: Timestamp) -> User {
    User {
        id: UserId::generate(),
        version: 1,
        issuer_id,
        authentik_subject_id: Some(subject),
        subject_hash: None,
        email: None,
        email_key: String::new(),
        name: None,
        name_key: String::new(),
        role: Open::default(),
        platform_admin: false,
        platform_admin_source: None,
        platform_admin_changed_at: None,
        platform_admin_revoked_at: None,
        platform_admin_revoked_by: None,
        status: Open::default(),
        tokens_valid_after: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// Changes of a user, as a merge patch.
#[derive(Debug, Clone)]
pub struct UpdateUser {
    email: Patch<String>,
    name: Patch<String>,
    role: Option<UserRole>,
    platform_admin: Option<bool>,
    status: Option<UserStatus>,
    tokens_valid_after: Patch<Timestamp>,
    present: Vec<&'static str>,
}

impl UpdateUser {
    /// Reads a body.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each bad field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let mut update = Self {
            email: reader.patch("email", email),
            name: reader.patch("name", label),
            role: reader.replace("role", choice),
            platform_admin: reader.replace("platformAdmin", boolean),
            status: reader.replace("status", choice),
            tokens_valid_after: reader.patch("tokensValidAfter", time),
            present: Vec::new(),
        };
        update.present = reader.present();
        reader.finish()?;
        Ok(update)
    }

    /// Names of the fields that the body sets.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.present
    }

    /// Whether the user is to administer the platform, by a lasting right.
    #[must_use]
    pub fn makes_admin(&self) -> bool {
        self.platform_admin == Some(true)
    }

    /// Applies the changes; `by` says who takes a right away, if one is taken.
    pub fn apply(self, user: &mut User, by: RevokedBy, now: Timestamp) {
        match self.email {
            Patch::Keep => {}
            Patch::Clear => user.set_email(None),
            Patch::Set(email) => user.set_email(Some(email)),
        }
        match self.name {
            Patch::Keep => {}
            Patch::Clear => user.set_name(None),
            Patch::Set(name) => user.set_name(Some(name)),
        }
        if let Some(role) = self.role {
            user.role = role.into();
        }
        // Saying `false` of somebody who never was one leaves a tombstone too: it forbids the claim to make them one.
        if let Some(granted) = self.platform_admin {
            let settled = if granted {
                user.platform_admin && user.platform_admin_source == Some(GrantSource::Grant)
            } else {
                matches!(user.platform_admin_revoked_by, Some(RevokedBy::Person | RevokedBy::System))
            };
            if !settled {
                user.set_platform_admin(granted, GrantSource::Grant, by, now);
            }
        }
        if let Some(status) = self.status {
            user.status = status.into();
        }
        self.tokens_valid_after.apply(&mut user.tokens_valid_after);
    }
}
