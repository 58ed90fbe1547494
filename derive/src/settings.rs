//! Parses attribute arguments: `word`, `word(tokens)` and `word = tokens`, separated by commas.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Error, Ident, LitStr, Result, Token, ext::IdentExt as _, parenthesized, parse::ParseStream, token::Paren,
};

/// One argument.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: Option<TokenStream>,
}

impl Setting {
    /// Returns the argument's tokens, which are required.
    pub(crate) fn tokens(&self) -> Result<TokenStream> {
        self.value.clone().ok_or_else(|| Error::new(self.name.span(), "this argument needs a value"))
    }

    /// Returns the argument's text, which is required.
    pub(crate) fn text(&self) -> Result<String> {
        Ok(syn::parse2::<LitStr>(self.tokens()?)?.value())
    }

    /// Parses the argument's path or name, which is required.
    pub(crate) fn parsed<T: syn::parse::Parse>(&self) -> Result<T> {
        syn::parse2(self.tokens()?)
    }

    pub(crate) fn unknown(&self) -> Error {
        Error::new(self.name.span(), format!("`{}` is no argument here", self.name))
    }
}

/// Parses tokens up to the next comma outside of brackets.
pub(crate) fn up_to_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<proc_macro2::TokenTree>()?]);
    }
    Ok(tokens)
}

/// Parses all arguments.
pub(crate) fn settings(input: ParseStream<'_>) -> Result<Vec<Setting>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let name = input.call(Ident::parse_any)?;
        let value = if input.peek(Paren) {
            let content;
            parenthesized!(content in input);
            Some(content.parse::<TokenStream>()?)
        } else if input.parse::<Option<Token![=]>>()?.is_some() {
            Some(up_to_comma(input)?)
        } else {
            None
        };
        found.push(Setting { name, value });
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(found)
}

/// Removes the attributes of this name, and parses their arguments.
pub(crate) fn take(attributes: &mut Vec<Attribute>, name: &str) -> Result<Option<Vec<Setting>>> {
    let mut found: Option<Vec<Setting>> = None;
    let (own, others) = std::mem::take(attributes).into_iter().partition(|attribute| attribute.path().is_ident(name));
    *attributes = others;
    let own: Vec<Attribute> = own;
    for attribute in own {
        let read = match &attribute.meta {
            syn::Meta::Path(_) => Vec::new(),
            _ => attribute.parse_args_with(settings)?,
        };
        found.get_or_insert_default().extend(read);
    }
    Ok(found)
}
