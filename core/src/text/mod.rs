//! Forms of text that do not depend on what it is about: searched and sorted text, domain names, addresses.

pub(crate) mod domain_name;

use std::cell::LazyCell;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

thread_local! {
    static CASE_MAPPER: LazyCell<icu_casemap::CaseMapperBorrowed<'static>> = const { LazyCell::new(CaseMapper::new) };
}

/// Returns the form in which a text is searched and sorted.
///
/// It is trimmed, compatibility-composed (NFKC), case-folded, and at most 200 characters long. Databases fold case
/// differently or in ASCII only, so this form is computed here and stored.
#[must_use]
pub fn search_key(text: &str) -> String {
    let short: String = text.trim().chars().take(200).collect();
    let folded = CASE_MAPPER.with(|mapper| mapper.fold_string(&short).into_owned());
    // Compatibility composition can turn one character into many, so the result is bounded again.
    ComposingNormalizerBorrowed::new_nfkc().normalize(&folded).chars().take(200).collect()
}

/// Returns the stored form of an incomplete address.
pub(crate) fn address_beginning(given: &str) -> String {
    let given = given.trim();
    match given.rsplit_once('@') {
        Some((local, domain)) if !domain.is_empty() => format!("{local}@{}", domain_name::beginning(domain)),
        _ => given.to_owned(),
    }
}
