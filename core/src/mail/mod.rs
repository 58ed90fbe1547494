//! Mail that the platform writes to people: what it says, how it looks, and the port that sends it.
//!
//! A [`Letter`] is what a kind of mail says, in one language. [`render`] makes text and HTML of it in the colours of a tenant, and a
//! [`Mailer`] sends the result. A new kind of mail is a file in `letters`.

pub mod bounce;
mod brand;
mod letter;
pub mod letters;

pub use brand::Brand;
pub use letter::{Letter, Rendered, Step, render};

use std::fmt;

use async_trait::async_trait;

use crate::context::RequestContext;

/// A message that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Name that is shown as the sender's; the address is that of the mailer.
    pub from_name: String,
    /// Name of the receiver, if it is known.
    pub to_name: Option<String>,
    /// Address of the receiver.
    pub to: String,
    /// Content.
    pub content: Rendered,
    /// Part of `Message-ID` before the `@`, unique to this attempt: letters, digits, `-` and `.`.
    pub id: String,
    /// Address that reports of failed delivery are sent to. Default: that of the mailer.
    pub return_to: Option<String>,
}

/// Failure to send a message. `why` is safe to show to a tenant's administrators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail server refuses the message for good.
    #[error("{why}")]
    Refused {
        /// The server's reason, in one line.
        why: String,
    },
    /// The mail server cannot be reached, or asks to try again. The message may have been sent.
    #[error("{why}")]
    Unavailable {
        /// Reason for an operator, in one line.
        why: String,
    },
}

/// Sends messages.
#[async_trait]
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Sends a message. It has been taken by the mail server when this returns.
    ///
    /// # Errors
    /// [`MailError`].
    async fn send(&self, context: &RequestContext, message: &Message) -> Result<(), MailError>;

    /// Connects and signs in, without sending anything.
    ///
    /// # Errors
    /// [`MailError`].
    async fn check(&self) -> Result<(), MailError>;

    /// Returns the address that messages are from.
    fn sender(&self) -> &str;
}

/// Returns a text without the words in it that have an `@`, for logs.
#[must_use]
pub fn without_addresses(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Length of the longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// Returns a text of a foreign server in one line, without characters that act on what shows it, and not too long.
#[must_use]
pub fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let line = crate::domain::fields::invisible::without_misplaced(&words.join(" "));
    line.chars().take(LONGEST_REASON).collect()
}
