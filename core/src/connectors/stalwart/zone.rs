//! Records of a zone file (RFC 1035 §5.1), as Stalwart writes one for the owner of a domain.
//!
//! A file of a system outside is read here and not by a library: those at hand open the files that `$INCLUDE` names,
//! ask for a time to live, and give up on the whole file at the first type that they do not know.

use crate::connectors::DnsRecord;

/// Size limit of a zone file, in bytes.
const MAXIMUM_SIZE: usize = 256 * 1024;

/// Number of records of a zone file.
const MAXIMUM_RECORDS: usize = 1_000;

/// A zone file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the zone file {why}")]
pub(super) struct ZoneError {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// Reads the records in their order.
///
/// Types are not told apart, but for `TXT`: any other value is passed on as it is written.
pub(super) fn records(zone: &str) -> Result<Vec<DnsRecord>, ZoneError> {
    if zone.len() > MAXIMUM_SIZE {
        return Err(ZoneError { line: 1, why: "begins a file of more than 256 KiB" });
    }
    let mut cursor = ZoneCursor { rest: zone.as_bytes(), line: 1 };
    let mut names = Names { origin: String::new(), owner: None };
    let mut records = Vec::new();
    while let Some(entry) = cursor.entry()? {
        let line = entry.line;
        let Some(record) = names.record(entry)? else { continue };
        if records.len() == MAXIMUM_RECORDS {
            return Err(ZoneError { line, why: "is the 1,001st record" });
        }
        records.push(record);
    }
    Ok(records)
}

/// Returns a name without the dot at its end.
pub(super) fn without_dot(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// A part of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    /// Bytes without quotes; escapes are kept in what is not quoted.
    bytes: Vec<u8>,
    quoted: bool,
}

impl Token {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the form in a zone file.
    fn presentation(&self) -> String {
        if !self.quoted {
            return self.text();
        }
        format!("\"{}\"", self.text().replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// A line, or several in parentheses.
#[derive(Debug)]
struct Entry {
    line: usize,
    /// `true` if it begins with a space: its owner is the one before.
    continues: bool,
    tokens: Vec<Token>,
}

struct ZoneCursor<'a> {
    rest: &'a [u8],
    line: usize,
}

impl ZoneCursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first == b'\n' {
            self.line += 1;
        }
        Some(*first)
    }

    /// Reads the next entry that is not empty.
    fn entry(&mut self) -> Result<Option<Entry>, ZoneError> {
        while let Some(first) = self.peek() {
            let continues = matches!(first, b' ' | b'\t');
            let line = self.line;
            let tokens = self.tokens(line)?;
            if !tokens.is_empty() {
                return Ok(Some(Entry { line, continues, tokens }));
            }
        }
        Ok(None)
    }

    /// Reads to the end of a line outside of parentheses.
    fn tokens(&mut self, line: usize) -> Result<Vec<Token>, ZoneError> {
        let mut tokens = Vec::new();
        let mut open = false;
        loop {
            match self.peek() {
                None if open => return Err(ZoneError { line, why: "opens a parenthesis that is not closed" }),
                None => return Ok(tokens),
                Some(b'\n') if !open => {
                    self.next();
                    return Ok(tokens);
                }
                Some(b' ' | b'\t' | b'\r' | b'\n') => {
                    self.next();
                }
                Some(b';') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.next();
                    }
                }
                Some(b'(') if open => return Err(ZoneError { line: self.line, why: "opens a parenthesis within one" }),
                Some(b'(') => {
                    self.next();
                    open = true;
                }
                Some(b')') if !open => {
                    return Err(ZoneError { line: self.line, why: "closes a parenthesis that is not open" });
                }
                Some(b')') => {
                    self.next();
                    open = false;
                }
                Some(b'"') => tokens.push(self.quoted()?),
                Some(_) => tokens.push(self.word()),
            }
        }
    }

    fn quoted(&mut self) -> Result<Token, ZoneError> {
        let line = self.line;
        let broken = ZoneError { line, why: "opens a quote that is not closed" };
        self.next();
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                None | Some(b'\n') => return Err(broken),
                Some(b'"') => return Ok(Token { bytes, quoted: true }),
                Some(b'\\') => bytes.push(self.escaped().ok_or_else(|| broken.clone())?),
                Some(byte) => bytes.push(byte),
            }
        }
    }

    /// Reads what follows a backslash: three digits, or any one byte.
    fn escaped(&mut self) -> Option<u8> {
        if let [a @ b'0'..=b'2', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] = self.rest {
            let value = [a, b, c].iter().fold(0_u16, |value, digit| value * 10 + u16::from(**digit - b'0'));
            if let Ok(value) = u8::try_from(value) {
                self.next();
                self.next();
                self.next();
                return Some(value);
            }
        }
        self.next().filter(|byte| *byte != b'\n')
    }

    fn word(&mut self) -> Token {
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"' => break,
                b'\\' => {
                    bytes.extend(self.next());
                    // What is escaped is part of the word, whatever it is.
                    bytes.extend(self.peek().filter(|byte| *byte != b'\n'));
                    if self.peek().is_some_and(|byte| byte != b'\n') {
                        self.next();
                    }
                }
                _ => bytes.extend(self.next()),
            }
        }
        Token { bytes, quoted: false }
    }
}

/// Names that entries leave out.
struct Names {
    origin: String,
    owner: Option<String>,
}

impl Names {
    /// Returns the record of an entry, `None` for a directive.
    fn record(&mut self, entry: Entry) -> Result<Option<DnsRecord>, ZoneError> {
        let line = entry.line;
        let error = |why: &'static str| ZoneError { line, why };
        let mut tokens = entry.tokens.into_iter().peekable();
        if !entry.continues {
            let first = tokens.next().map(|token| token.text()).unwrap_or_default();
            match first.as_str() {
                "$ORIGIN" => {
                    let origin = tokens.next().ok_or_else(|| error("has no name after `$ORIGIN`"))?;
                    self.origin = without_dot(&origin.text());
                    return Ok(None);
                }
                "$TTL" => return Ok(None),
                directive if directive.starts_with('$') => return Err(error("has a directive that is not read")),
                name => self.owner = Some(self.absolute(name)),
            }
        }
        let name = self.owner.clone().ok_or_else(|| error("has no name"))?;
        while tokens.next_if(is_class_or_ttl).is_some() {}
        // `""` is a token, but no type.
        let kind = tokens.next().map(|token| token.text().to_ascii_uppercase()).unwrap_or_default();
        if kind.is_empty() {
            return Err(error("has no type"));
        }
        let values: Vec<Token> = tokens.collect();
        if values.is_empty() {
            return Err(error("has no value"));
        }
        let value = if kind == "TXT" { text(&values) } else { presentation(&values) };
        Ok(Some(DnsRecord { kind, name, value }))
    }

    fn absolute(&self, name: &str) -> String {
        match name {
            "@" => self.origin.clone(),
            name if name.ends_with('.') || self.origin.is_empty() => without_dot(name),
            name => format!("{name}.{}", self.origin),
        }
    }
}

fn is_class_or_ttl(token: &Token) -> bool {
    if token.quoted {
        return false;
    }
    let word = token.text();
    let is_class = ["IN", "CH", "HS", "CS"].iter().any(|class| word.eq_ignore_ascii_case(class));
    is_class || word.starts_with(|first: char| first.is_ascii_digit())
}

/// Joins the strings of a `TXT` record: resolvers do so too (RFC 7208 §3.3, RFC 6376 §3.6.2.2).
fn text(values: &[Token]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|token| token.bytes.iter().copied()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn presentation(values: &[Token]) -> String {
    values.iter().map(Token::presentation).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn one(zone: &str) -> DnsRecord {
        let mut found = records(zone).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn record(kind: &str, name: &str, value: &str) -> DnsRecord {
        DnsRecord { kind: kind.into(), name: name.into(), value: value.into() }
    }

    #[test]
    fn what_stalwart_writes_is_read() {
        let long = "A".repeat(255);
        let zone = format!(
            "v1._domainkey.acme.eu. IN TXT (\n    \"v=DKIM1; k=rsa; p={long}\"\n    \"rest\"\n)\n\
             acme.eu. IN MX 10 mail.example.eu.\n\
             _imaps._tcp.acme.eu. IN SRV 0 1 993 mail.example.eu.\n\
             acme.eu. IN CAA 0 issue \"ca.example; accounturi=https://ca.example/1\"\n\
             _25._tcp.acme.eu. IN TLSA 3 1 1 0123abcd\n"
        );
        assert_eq!(
            records(&zone).unwrap(),
            [
                record("TXT", "v1._domainkey.acme.eu", &format!("v=DKIM1; k=rsa; p={long}rest")),
                record("MX", "acme.eu", "10 mail.example.eu."),
                record("SRV", "_imaps._tcp.acme.eu", "0 1 993 mail.example.eu."),
                record("CAA", "acme.eu", "0 issue \"ca.example; accounturi=https://ca.example/1\""),
                record("TLSA", "_25._tcp.acme.eu", "3 1 1 0123abcd"),
            ]
        );
    }

    #[test]
    fn other_forms_of_a_zone_file_are_read() {
        for (zone, expected) in [
            ("$ORIGIN acme.eu.\n@ 3600 IN MX 10 mail ; primary\n", record("MX", "acme.eu", "10 mail")),
            ("$TTL 1h\n$ORIGIN acme.eu\nmail IN 1d A 192.0.2.1", record("A", "mail.acme.eu", "192.0.2.1")),
            ("a.eu. IN TXT plain", record("TXT", "a.eu", "plain")),
            ("a.eu. IN TXT \"a\\\"b\\\\c\" \"\\065;(\"", record("TXT", "a.eu", "a\"b\\cA;(")),
            ("a.eu. IN TYPE65534 \\# 1 00", record("TYPE65534", "a.eu", "\\# 1 00")),
            ("\r\n; nothing\r\na.eu. in txt \"x\"\r\n", record("TXT", "a.eu", "x")),
        ] {
            assert_eq!(one(zone), expected, "{zone}");
        }
        let both = records("a.eu. IN MX 10 m.eu.\n  IN TXT \"x\"\n").unwrap();
        assert_eq!(both[1], record("TXT", "a.eu", "x"));
    }

    #[test]
    fn broken_files_are_told_by_line() {
        for (zone, line, why) in [
            ("a.eu. IN TXT \"x", 1, "opens a quote that is not closed"),
            ("\na.eu. IN TXT \"x\n\"", 2, "opens a quote that is not closed"),
            ("a.eu. IN TXT (\n\"x\"\n", 1, "opens a parenthesis that is not closed"),
            ("a.eu. IN TXT \"x\" )", 1, "closes a parenthesis that is not open"),
            ("a.eu. IN TXT ((\"x\"))", 1, "opens a parenthesis within one"),
            ("a.eu. IN TXT", 1, "has no value"),
            ("a.eu. IN", 1, "has no type"),
            ("a.eu. \"\" x", 1, "has no type"),
            (" IN TXT x", 1, "has no name"),
            ("$INCLUDE /etc/passwd", 1, "has a directive that is not read"),
        ] {
            assert_eq!(records(zone), Err(ZoneError { line, why }), "{zone}");
        }
    }

    #[test]
    fn files_are_bounded() {
        let zone = "a.eu. IN A 192.0.2.1\n".repeat(MAXIMUM_RECORDS);
        assert_eq!(records(&zone).unwrap().len(), MAXIMUM_RECORDS);
        assert_eq!(records(&format!("{zone}b.eu. IN A 192.0.2.1")).unwrap_err().line, MAXIMUM_RECORDS + 1);
        assert!(records(&" ".repeat(MAXIMUM_SIZE + 1)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives_however_it_is_cut(text in "\\PC{0,900}", size in 1_usize..255) {
            let mut strings = vec![String::new()];
            for character in text.chars() {
                if strings.last().unwrap().len() + character.len_utf8() > size.max(4) {
                    strings.push(String::new());
                }
                strings.last_mut().unwrap().push(character);
            }
            let quoted: Vec<String> = strings
                .iter()
                .map(|string| format!("    \"{}\"", string.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            let zone = format!("a.eu. IN TXT (\n{}\n)\nb.eu. IN A 192.0.2.1\n", quoted.join("\n"));
            let found = records(&zone).unwrap();
            proptest::prop_assert_eq!(found.len(), 2);
            proptest::prop_assert_eq!(&found[0].value, &text);
        }

        #[test]
        fn no_input_panics_and_records_stay_on_their_line(zone in "[a.\"()\\\\; \n\t$0-9A-Z]{0,300}") {
            if let Ok(found) = records(&zone) {
                proptest::prop_assert!(found.len() <= zone.lines().count());
                for record in found {
                    proptest::prop_assert!(!record.kind.is_empty());
                    proptest::prop_assert!(!record.name.contains('\n'));
                }
            }
        }
    }
}
