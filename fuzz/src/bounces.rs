//! Reports of mail that came back: arbitrary messages, and genuine ones with arbitrary parts.

use dezky::{
    domain::{InvitationId, ObjectId},
    mail::bounce::{BounceKey, Returned},
};

const DOMAIN: &str = "bounces.example.eu";

/// Asserts that a report counts only with a return address of ours, and gives one printable line.
pub fn check(data: &[u8]) {
    let key = BounceKey::new("a key that no input knows");
    assert_eq!(key.bounce(data), None, "nobody makes up a return address");
    let returned = Returned { invitation: InvitationId(ObjectId::from_bytes([7; 12])), attempt: 3 };
    let address = key.address(returned, DOMAIN);
    // What a mail server says stands in a report that is genuine otherwise.
    let text = String::from_utf8_lossy(data);
    let message = format!(
        "To: <{address}>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Action: failed\r\nDiagnostic-Code: smtp; {text}"
    );
    let bounce = key.bounce(message.as_bytes());
    if let Some(bounce) = &bounce {
        assert_eq!(bounce.returned, returned);
        assert!(bounce.reason.chars().count() <= 300 && !bounce.reason.chars().any(char::is_control), "{bounce:?}");
    }
    assert!(bounce.is_some(), "a failure is one, whatever the server says");
    assert_eq!(key.bounce(message.as_bytes()), bounce);
    // An address with anything around its code belongs to no mail.
    if !text.is_empty() {
        let (local, domain) = address.split_once('@').expect("an address");
        assert_eq!(key.read(&format!("{local}{text}@{domain}")), None, "{text:?}");
    }
}
