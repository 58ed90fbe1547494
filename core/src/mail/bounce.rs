//! Reports of failed delivery (RFC 3464), and the return addresses that tie them to a mail.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::one_line;
use crate::{domain::InvitationId, object_id::ObjectId};

/// Size of the largest report that is read, in bytes.
pub const LARGEST_REPORT: usize = 1024 * 1024;

/// Beginning of the local part of return addresses.
const PREFIX: &str = "bounces+";

/// Number of hexadecimal digits of a code in an address.
const CODE_LENGTH: usize = 20;

/// Key of the codes in return addresses, so that nobody makes up a report about a mail that they have not seen.
#[derive(Clone)]
pub struct BounceKey(String);

impl std::fmt::Debug for BounceKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BounceKey(…)")
    }
}

/// A mail that a return address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// The invitation.
    pub invitation: InvitationId,
    /// The attempt to mail it.
    pub attempt: u32,
}

/// A report of a failed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounce {
    /// The mail that came back.
    pub returned: Returned,
    /// Reason, in one line.
    pub reason: String,
}

impl BounceKey {
    /// Creates a key from a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the return address of a mail, at a domain whose mail comes to `dezky invitation bounce`.
    #[must_use]
    pub fn address(&self, returned: Returned, domain: &str) -> String {
        format!("{PREFIX}{}.{}.{}@{domain}", returned.invitation, returned.attempt, self.code(returned))
    }

    /// Returns the mail that a return address belongs to, if its code is right.
    #[must_use]
    pub fn read(&self, address: &str) -> Option<Returned> {
        let (local, _) = address.trim().rsplit_once('@')?;
        // Some servers fold the case of local parts.
        let local = local.to_ascii_lowercase();
        let mut parts = local.strip_prefix(PREFIX)?.split('.');
        let (id, attempt, code) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let returned =
            Returned { invitation: InvitationId(id.parse::<ObjectId>().ok()?), attempt: attempt.parse().ok()? };
        let expected = self.code(returned);
        // Of the same length, so that the comparison takes the same time whatever differs.
        let same = expected.len() == code.len()
            && expected.bytes().zip(code.bytes()).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0;
        same.then_some(returned)
    }

    fn code(&self, returned: Returned) -> String {
        // A key of any length is usable.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else { return String::new() };
        mac.update(format!("bounce\n{}\n{}", returned.invitation, returned.attempt).as_bytes());
        hex::encode(mac.finalize().into_bytes()).chars().take(CODE_LENGTH).collect()
    }

    /// Reads a report of a failed delivery.
    ///
    /// Returns `None` for anything else: a report of a delay or of success, an answer by a person, or a report whose return
    /// address is not one of ours.
    #[must_use]
    pub fn bounce(&self, message: &[u8]) -> Option<Bounce> {
        let text = String::from_utf8_lossy(message.get(..message.len().min(LARGEST_REPORT))?);
        let lines = unfolded(&text);
        let headers = lines.iter().take_while(|line| !line.is_empty());
        let addressed = headers.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_receiver = ["to", "delivered-to", "x-original-to", "envelope-to"]
                .iter()
                .any(|receiver| name.trim().eq_ignore_ascii_case(receiver));
            is_receiver.then_some(value)
        });
        let returned = addressed.flat_map(addresses).find_map(|address| self.read(address))?;
        reason(&lines).map(|reason| Bounce { returned, reason })
    }
}

/// Returns the lines of a message, with continued header fields in one.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) && !last.is_empty() && last.len() < 4_000 => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Returns what may be addresses in a header field.
fn addresses(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', '<', '>', ' ', '\t', ';', '"']).filter(|part| part.contains('@'))
}

/// Returns the reason of a failed delivery from the part `message/delivery-status`, if there is one.
fn reason(lines: &[String]) -> Option<String> {
    let starts = |line: &String, name: &str| {
        line.get(..name.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
    };
    let part = lines.iter().position(|line| {
        starts(line, "content-type:") && line.to_ascii_lowercase().contains("message/delivery-status")
    })?;
    let part = lines.iter().skip(part).take_while(|line| !line.starts_with("--"));
    let (mut failed, mut status, mut diagnosis) = (false, None, None);
    for line in part {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            // Delays, successes and relays are no failures.
            "action" => failed |= value.eq_ignore_ascii_case("failed"),
            "status" => status = status.or_else(|| value.split_whitespace().next().map(str::to_owned)),
            "diagnostic-code" => {
                let said = value.split_once(';').map_or(value, |(_, said)| said);
                diagnosis = diagnosis.or_else(|| Some(one_line(said)).filter(|said| !said.is_empty()));
            }
            _ => {}
        }
    }
    let status = status.map(|status| one_line(&status)).unwrap_or_default();
    failed.then(|| diagnosis.unwrap_or_else(|| one_line(&format!("the mail came back with status {status}"))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::{BounceKey, Returned};
    use crate::domain::InvitationId;

    fn returned() -> Returned {
        Returned { invitation: InvitationId::generate(), attempt: 2 }
    }

    fn report(to: &str, action: &str) -> String {
        format!(
            "Return-Path: <>\r\nTo: <{to}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"b\"\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mail.example.eu\r\n\r\nFinal-Recipient: rfc822; anna@example.eu\r\nAction: {action}\r\n\
             Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no\r\n  such user\r\n--b--\r\n"
        )
    }

    #[test]
    fn a_report_of_a_failure_is_read_and_others_are_not() {
        let (key, mail) = (BounceKey::new("key"), returned());
        let address = key.address(mail, "mail.example.eu");
        let bounce = key.bounce(report(&address, "failed").as_bytes()).unwrap();
        assert_eq!((bounce.returned, bounce.reason.as_str()), (mail, "550 5.1.1 no such user"));
        assert_eq!(key.bounce(report(&address, "delayed").as_bytes()), None);
        assert_eq!(key.bounce(format!("To: {address}\r\n\r\nI am away.\r\n").as_bytes()), None);
        assert_eq!(BounceKey::new("other").bounce(report(&address, "failed").as_bytes()), None);
        assert_eq!(key.read(&address.to_uppercase()), Some(mail));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<Vec<u8>>()) {
            prop_assert_eq!(BounceKey::new("key").bounce(&text), None);
        }

        #[test]
        fn an_address_that_differs_belongs_to_no_mail(position in 8_usize..50, digit in 0_u8..16) {
            let (key, mail) = (BounceKey::new("key"), returned());
            let address = key.address(mail, "mail.example.eu");
            let mut changed: Vec<char> = address.chars().collect();
            let new = char::from_digit(u32::from(digit), 16).unwrap_or('0');
            let same = changed.get(position) == Some(&new);
            if let Some(old) = changed.get_mut(position) {
                *old = new;
            }
            let read = key.read(&changed.into_iter().collect::<String>());
            prop_assert_eq!(read.is_some(), same);
        }
    }
}
