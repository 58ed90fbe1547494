//! Until when certificates are valid: the one thing of X.509 that the doctor tells. Trust is decided elsewhere.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::clock::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The ends of validity of the certificates of a PEM file, in their order; none for one that cannot be read.
#[must_use]
pub fn certificate_expiries(pem: &[u8]) -> Vec<Option<Timestamp>> {
    let text = String::from_utf8_lossy(pem);
    let bodies = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    bodies
        .map(|body| {
            let encoded: String = body.split("-----END").next()?.split_whitespace().collect();
            expiry(&STANDARD.decode(encoded).ok()?)
        })
        .collect()
}

/// The end of validity of a certificate in DER (RFC 5280, sections 4.1 and 4.1.2.5).
pub(super) fn expiry(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    let rest = element(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_, rest) = element(rest, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (_issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, end) = time(validity)?;
    time(end).map(|(end, _)| end)
}

/// The content of the first element, which must have this tag, and what comes after it.
fn element(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length).filter(|_| tag == expected)
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (century, digits, rest) = match element(bytes, UTC_TIME) {
        Some((digits, rest)) => (Some(digits), digits, rest),
        None => element(bytes, GENERALIZED_TIME).map(|(digits, rest)| (None, digits, rest))?,
    };
    let digits = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    // Two digits of a year are of 1950 to 2049.
    let digits = match century {
        Some(_) if digits < "5" => format!("20{digits}"),
        Some(_) => format!("19{digits}"),
        None => digits.to_owned(),
    };
    let part = |from: usize, to: usize| digits.get(from..to);
    let date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let text = format!("{date}T{}:{}:{}Z", part(8, 10)?, part(10, 12)?, part(12, 14)?);
    text.parse().ok().map(|time| (time, rest))
}

#[cfg(all(test, feature = "test-kit"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn pem(year: i32) -> String {
        let mut parameters = rcgen::CertificateParams::new(vec!["auth.example.eu".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 6, 30);
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn the_end_of_validity_is_read_in_both_forms() {
        let both = format!("# two\n{}{}", pem(2031), pem(2061));
        let found: Vec<String> =
            certificate_expiries(both.as_bytes()).into_iter().map(|time| time.unwrap().to_string()).collect();
        assert_eq!(found, ["2031-06-30T00:00:00.000Z", "2061-06-30T00:00:00.000Z"]);
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let begin = "-----BEGIN CERTIFICATE-----\n";
        assert_eq!(certificate_expiries(format!("{begin}AAAA\n-----END CERTIFICATE-----").as_bytes()), [None]);
        assert_eq!(certificate_expiries(b"nothing"), []);
        let body = pem(2031);
        let der = STANDARD.decode(body.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
        for length in 0..100 {
            assert_eq!(expiry(&der[..length]), None);
        }
    }
}
