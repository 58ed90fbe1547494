//! The kinds of mail, one a file, each in all languages.

mod invitation;
mod notice;

pub use invitation::invitation;
pub use notice::notice;

use crate::{clock::Timestamp, domain::Language};

/// Writes a day as people of a language do.
fn day(time: Timestamp, language: Language) -> String {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const GERMAN: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    let written = time.to_string();
    let mut parts = written.splitn(3, '-');
    let (year, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let day = parts.next().and_then(|rest| rest.get(..2)).unwrap_or_default().trim_start_matches('0');
    let months = match language {
        Language::En => ENGLISH,
        Language::De => GERMAN,
    };
    let month = month.parse::<usize>().ok().and_then(|month| months.get(month.checked_sub(1)?)).copied();
    match (language, month) {
        (Language::En, Some(month)) => format!("{day} {month} {year}"),
        (Language::De, Some(month)) => format!("{day}. {month} {year}"),
        (_, None) => written,
    }
}

#[cfg(test)]
mod tests {
    use super::day;
    use crate::{clock::Timestamp, domain::Language};

    #[test]
    fn days_are_written_as_people_do() {
        let time = Timestamp::from_seconds(1_772_323_200);
        assert_eq!(day(time, Language::En), "1 March 2026");
        assert_eq!(day(time, Language::De), "1. März 2026");
    }
}
