//! Views of stored documents, reduced to what the caller may see, and their entity tags.

pub mod audit;
pub mod membership;
pub mod profile;
pub mod subscription;
pub mod tenant;
pub mod user;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use crate::domain::AuditHeadView;
pub use audit::AuditEventView;
pub use membership::MembershipView;
pub use profile::{LauncherView, ProfileView};
pub use subscription::SubscriptionView;
pub use tenant::TenantView;
pub use user::UserView;

use super::{Call, IfMatch};
use crate::{
    callers::Callers,
    domain::MembershipRole,
    error::{Code, Error, Result},
};

/// Returns the caller kind, for views of a tenant's documents, of a caller with this role.
pub(crate) const fn viewer(role: Option<MembershipRole>, platform: bool) -> Callers {
    if platform { Callers::PLATFORM } else { MembershipRole::caller(role) }
}

/// Returns the strong entity tag (RFC 9110 §8.8.3) of a view, including its quotes.
///
/// It is a hash of the view, so callers who see different parts of a document get different tags.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] when the view cannot be written as JSON.
pub fn entity_tag(view: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(view).map_err(|error| Error::internal(error.to_string()))?;
    Ok(entity_tag_of_json(&json))
}

/// Returns the entity tag of a view that is already serialized.
#[must_use]
pub fn entity_tag_of_json(json: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(json).into();
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in digest.iter().take(16) {
        for nibble in [byte >> 4, byte & 15] {
            tag.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    tag.push('"');
    tag
}

/// Refuses to change a resource that is not as the caller last saw it.
pub(crate) fn check_if_match(call: &Call, view: &impl Serialize) -> Result<()> {
    let Some(IfMatch::Tags(tags)) = &call.if_match else { return Ok(()) };
    let current = entity_tag(view)?;
    if tags.contains(&current) {
        return Ok(());
    }
    Err(Error::new(Code::VERSION_CHANGED, "it was changed since you read it: read it again and decide anew"))
}
