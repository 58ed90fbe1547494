//! The appearance of a tenant in its mail.

use crate::domain::Tenant;

/// Colour of buttons where a tenant has none, or one that cannot be read.
const DEFAULT_COLOUR: &str = "#1f4e79";

/// Least contrast of text on a button (WCAG 2.2, AA).
const LEAST_CONTRAST: f64 = 4.5;

/// The appearance of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Brand {
    /// Name.
    pub name: String,
    /// Logo, an `https` URL. A program that shows no images shows the name instead.
    pub logo_url: Option<String>,
    /// Colour of buttons, `#rrggbb`.
    pub colour: String,
}

impl Brand {
    /// Returns the appearance of a tenant.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Self {
        let branding = tenant.branding.clone().unwrap_or_default();
        let colour = branding.primary_color.filter(|colour| channels(colour).is_some());
        Self {
            name: tenant.name.clone(),
            // Documents of the replaced service may have anything here.
            logo_url: branding.logo_url.filter(|url| url.starts_with("https://")),
            colour: colour.unwrap_or_else(|| DEFAULT_COLOUR.to_owned()),
        }
    }

    /// Returns the colour of text on a button: black or white, of which one can always be read.
    #[must_use]
    pub fn text_colour(&self) -> &'static str {
        match channels(&self.colour).map(luminance) {
            Some(luminance) if 1.05 / (luminance + 0.05) < LEAST_CONTRAST => "#000000",
            _ => "#ffffff",
        }
    }
}

/// Returns the channels of `#rrggbb`.
fn channels(colour: &str) -> Option<[u8; 3]> {
    let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let bytes = hex::decode(digits).ok()?;
    bytes.try_into().ok()
}

/// Returns the relative luminance of a colour (WCAG 2.2).
fn luminance(channels: [u8; 3]) -> f64 {
    let linear = channels.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let [red, green, blue] = linear;
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Brand, LEAST_CONTRAST, channels, luminance};

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    proptest! {
        #[test]
        fn text_on_a_button_of_any_colour_can_be_read(channels_given in any::<[u8; 3]>()) {
            let [red, green, blue] = channels_given;
            let brand = Brand { name: String::new(), logo_url: None, colour: format!("#{red:02x}{green:02x}{blue:02x}") };
            let text = channels(brand.text_colour()).map(luminance).unwrap_or_default();
            prop_assert!(contrast(luminance(channels_given), text) >= LEAST_CONTRAST);
        }
    }
}
