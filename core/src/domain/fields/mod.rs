//! Rules of single fields: text, slugs, domain names, e-mail addresses, VAT numbers, colours, links and networks.

pub mod domain_name;
pub mod email;
pub mod invisible;
pub mod link;
pub mod network;
pub mod slug;
pub mod text;
pub mod vat;

pub use crate::text::search_key;
pub use domain_name::domain_name;
pub use email::email;
pub use link::{colour, https_url};
pub use network::network;
pub use slug::slug;
pub use text::{boolean, choice, identifier, label, no_choice, object_id, sanitised_label, text, time, whole_number};
pub use vat::vat_id;
