//! Appearance of a tenant's launcher.

use dezky_derive::part;
use utoipa::ToSchema;

use super::fields::{colour, https_url, identifier, text};

/// A link in the launcher.
#[part(entry)]
#[derive(Debug, ToSchema)]
pub struct LauncherLink {
    /// Text of the link.
    #[field(input = required(text(80)))]
    pub title: String,
    /// Target of the link; an `https` URL.
    #[field(input = required(https_url))]
    pub url: String,
    /// Name of an icon.
    #[field(input = optional(identifier))]
    pub icon: Option<String>,
}

/// Appearance of the tenant's launcher.
#[part(patch)]
#[derive(Debug, Default, ToSchema)]
pub struct Branding {
    /// The logo; an `https` URL.
    #[field(input = patch(https_url))]
    pub logo_url: Option<String>,
    /// Main colour, `#rrggbb`.
    #[field(input = patch(colour))]
    pub primary_color: Option<String>,
    /// Secondary colour, `#rrggbb`.
    #[field(input = patch(colour))]
    pub accent_color: Option<String>,
    /// Links in the launcher, in order.
    #[field(input = entries(50, LauncherLink))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launcher_links: Vec<LauncherLink>,
}
