//! Comparison of published DNS records with those that the mail system asks for.

use crate::domain::workspace::PublishedRecord;

/// Number of characters of a found value that are told.
const MOST_TOLD: usize = 200;

/// Notes if a record is published, given the values found under its name and type.
pub fn compare(record: &mut PublishedRecord, found: &[String]) {
    let wanted = normal(&record.kind, &record.value);
    record.seen = Some(found.iter().any(|value| normal(&record.kind, value) == wanted));
    record.advice = match record.seen {
        Some(true) => None,
        _ => advice(record, found),
    };
}

/// Returns what to do about a record that is not published.
fn advice(record: &PublishedRecord, found: &[String]) -> Option<String> {
    let told = |value: &String| value.chars().filter(|one| !one.is_control()).take(MOST_TOLD).collect::<String>();
    let label = record.name.split('.').next().unwrap_or_default();
    let values = match record.kind.as_str() {
        // A name has many texts, of which only those of the same purpose matter.
        "TXT" => found.iter().filter(|value| purpose(value) == purpose(&record.value)).map(told).collect(),
        _ => found.iter().map(told).collect::<Vec<_>>(),
    };
    if label == "_dmarc" {
        let found = values.first().map(|value| format!("; now it says `{value}`")).unwrap_or_default();
        return Some(format!(
            "a domain that sends mail from elsewhere already begins with `p=none` and watches the reports, since `p=reject` \
             lets others refuse that mail{found}"
        ));
    }
    match (record.kind.as_str(), values.as_slice()) {
        (_, []) => None,
        ("MX", others) => {
            Some(format!("mail goes elsewhere now ({}): replace these once the mailboxes are here", others.join(", ")))
        }
        ("TXT", others) if purpose(&record.value) == "v=spf1" => {
            Some(format!("a name has one such record: merge it with `{}`", others.join("`, `")))
        }
        (_, others) => Some(format!("there is another value: `{}`", others.join("`, `"))),
    }
}

/// Returns the first word of a text, which tells what it is for.
fn purpose(text: &str) -> String {
    text.split([' ', ';']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Returns the form in which values are compared: DNS names without case and final dot, blanks as one.
fn normal(kind: &str, value: &str) -> String {
    let words = value.split_whitespace();
    match kind {
        // Texts are compared as they are, but for blanks, which providers' forms change.
        "TXT" => words.collect::<String>().trim_end_matches(';').to_owned(),
        _ => words.map(|word| word.trim_end_matches('.').to_ascii_lowercase()).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, name: &str, value: &str) -> PublishedRecord {
        PublishedRecord {
            kind: kind.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            required: true,
            seen: None,
            advice: None,
        }
    }

    fn compared(mut record: PublishedRecord, found: &[&str]) -> PublishedRecord {
        compare(&mut record, &found.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        record
    }

    #[test]
    fn what_means_the_same_is_seen() {
        for (kind, wanted, found) in [
            ("MX", "10 mail.acme.eu.", "10 MAIL.acme.eu"),
            ("SRV", "0 1 443 mail.acme.eu.", "0 1  443 mail.acme.eu."),
            ("TXT", "v=DKIM1; k=rsa; p=AbC", "v=DKIM1;k=rsa;p=AbC;"),
            ("CNAME", "mail.acme.eu.", "mail.acme.eu"),
        ] {
            assert_eq!(compared(record(kind, "acme.eu", wanted), &[found]).seen, Some(true), "{kind}");
        }
        assert_eq!(compared(record("TXT", "acme.eu", "v=DKIM1; p=AbC"), &["v=DKIM1; p=abc"]).seen, Some(false));
    }

    #[test]
    fn what_is_there_instead_is_told() {
        let moved = compared(record("MX", "acme.eu", "10 mail.acme.eu."), &["5 mx.other.example."]);
        assert!(moved.seen == Some(false) && moved.advice.is_some_and(|told| told.contains("mx.other.example")));
        let spf = compared(record("TXT", "acme.eu", "v=spf1 mx -all"), &["v=spf1 include:x -all", "site-check=1"]);
        assert!(spf.advice.is_some_and(|told| told.contains("merge") && !told.contains("site-check")));
        let dmarc = compared(record("TXT", "_dmarc.acme.eu", "v=DMARC1; p=reject"), &[]);
        assert!(dmarc.advice.is_some_and(|told| told.contains("p=none")));
        assert_eq!(compared(record("MX", "acme.eu", "10 mail.acme.eu."), &[]).advice, None);
    }
}
