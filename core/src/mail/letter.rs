//! Text and HTML of a letter.

use super::Brand;
use crate::domain::Language;

/// Content of a mail, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Letter {
    /// Language that it is written in.
    pub language: Language,
    /// Subject.
    pub subject: String,
    /// Salutation.
    pub salutation: String,
    /// Paragraphs before the step.
    pub before: Vec<String>,
    /// The step that the reader is asked to take, if any.
    pub step: Option<Step>,
    /// Paragraphs after it.
    pub after: Vec<String>,
}

/// A step that the reader of a mail is asked to take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Text of the button.
    pub label: String,
    /// Its address.
    pub url: String,
    /// Text before the address, for those who cannot use the button.
    pub otherwise: String,
}

/// A mail in both of its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Subject.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// Makes text and HTML of a letter, in the colours of a tenant.
#[must_use]
pub fn render(letter: &Letter, brand: &Brand) -> Rendered {
    Rendered { subject: letter.subject.clone(), text: text(letter, brand), html: html(letter, brand) }
}

fn text(letter: &Letter, brand: &Brand) -> String {
    let mut parts = vec![letter.salutation.clone()];
    parts.extend(letter.before.iter().cloned());
    parts.extend(letter.step.as_ref().map(|step| format!("{}:\n{}", step.label, step.url)));
    parts.extend(letter.after.iter().cloned());
    // What follows is a signature, which programs show apart (RFC 3676 §4.3).
    parts.push(format!("-- \n{}", brand.name));
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

/// Styles are in attributes, since mail programs drop style sheets.
fn html(letter: &Letter, brand: &Brand) -> String {
    let language = crate::domain::Choice::name(letter.language);
    let name = escape(&brand.name);
    let paragraph = |text: &String| format!("<p style=\"margin:0 0 16px\">{}</p>\n", escape(text));
    let head = match &brand.logo_url {
        Some(url) => format!(
            "<img src=\"{}\" alt=\"{name}\" height=\"40\" style=\"height:40px;max-width:240px;border:0;font-size:20px;font-weight:bold\">",
            escape(url)
        ),
        None => format!("<strong style=\"font-size:20px\">{name}</strong>"),
    };
    let step = letter.step.as_ref().map_or_else(String::new, |step| {
        let (url, colour, text) = (escape(&step.url), &brand.colour, brand.text_colour());
        format!(
            "<p style=\"margin:24px 0\"><a href=\"{url}\" style=\"background:{colour};color:{text};padding:12px 20px;\
             border-radius:4px;text-decoration:none;font-weight:bold;display:inline-block\">{}</a></p>\n\
             <p style=\"margin:0 0 16px;font-size:14px;color:#555555\">{}<br>\
             <a href=\"{url}\" style=\"color:#1f4e79;word-break:break-all\">{url}</a></p>\n",
            escape(&step.label),
            escape(&step.otherwise),
        )
    });
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n</head>\n\
         <body style=\"margin:0;background:#f4f5f7\">\n\
         <div style=\"max-width:560px;margin:0 auto;padding:32px 24px;background:#ffffff;color:#1c1c1c;\
         font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5\">\n\
         <p style=\"margin:0 0 24px\">{head}</p>\n{}{}{step}{}</div>\n</body>\n</html>\n",
        escape(&letter.subject),
        paragraph(&letter.salutation),
        letter.before.iter().map(paragraph).collect::<String>(),
        letter.after.iter().map(paragraph).collect::<String>(),
    )
}

/// Returns a text in which no character has a meaning in HTML, also not within quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Letter, Step, render};
    use crate::{domain::Language, mail::Brand};

    fn letter(given: &str) -> Letter {
        Letter {
            language: Language::En,
            subject: given.to_owned(),
            salutation: given.to_owned(),
            before: vec![given.to_owned()],
            step: Some(Step { label: given.to_owned(), url: given.to_owned(), otherwise: given.to_owned() }),
            after: vec![given.to_owned()],
        }
    }

    fn tags(html: &str) -> Vec<String> {
        html.split('<').skip(1).map(|tag| tag.split(['>', ' ']).next().unwrap_or_default().to_owned()).collect()
    }

    proptest! {
        #[test]
        fn no_text_adds_a_tag_or_ends_an_attribute(given in any::<String>()) {
            let brand = |name: &str| Brand { name: name.to_owned(), logo_url: Some(name.to_owned()), colour: "#1f4e79".to_owned() };
            let plain = render(&letter("x"), &brand("x")).html;
            let html = render(&letter(&given), &brand(&given)).html;
            prop_assert_eq!(tags(&html), tags(&plain));
            prop_assert_eq!(html.matches('"').count(), plain.matches('"').count());
        }
    }
}
