//! Reading of a field from a body: absence and `null`, the parser, and the description in the API's document.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{
    Error, Ident, Path, Result, Token, Type, parenthesized,
    parse::{Parse, ParseStream},
    token::Paren,
};

use crate::settings::up_to_comma;

/// The meaning of absence and `null`.
pub(crate) enum Kind {
    /// Both are refused.
    Required,
    /// Both mean no value.
    Optional,
    /// Both mean this default value.
    Default(TokenStream),
    /// Absence keeps the value; `null` is refused.
    Replace,
    /// Absence keeps the value; `null` removes it.
    Patch,
    /// A list with a maximum number of values; `null` empties it.
    List(TokenStream),
    /// A list with a maximum number of objects; `null` empties it.
    Entries(TokenStream),
    /// An object, merged into the stored one; `null` removes it.
    Object,
}

/// The reading of a field.
pub(crate) struct Input {
    pub(crate) kind: Kind,
    parser: Path,
    arguments: TokenStream,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let word: Ident = input.parse()?;
        let content;
        parenthesized!(content in input);
        let first = || -> Result<TokenStream> {
            let tokens = up_to_comma(&content)?;
            content.parse::<Token![,]>()?;
            Ok(tokens)
        };
        let kind = match word.to_string().as_str() {
            "required" => Kind::Required,
            "optional" => Kind::Optional,
            "default" => Kind::Default(first()?),
            "replace" => Kind::Replace,
            "patch" => Kind::Patch,
            "list" => Kind::List(first()?),
            "entries" => Kind::Entries(first()?),
            "object" => Kind::Object,
            other => return Err(Error::new(word.span(), format!("`{other}` is no way of reading a field"))),
        };
        let parser = content.parse()?;
        let arguments = if content.peek(Paren) {
            let inner;
            parenthesized!(inner in content);
            inner.parse()?
        } else {
            TokenStream::new()
        };
        Ok(Self { kind, parser, arguments })
    }
}

/// Pattern of an id, in either case.
const ID: &str = "^[0-9a-fA-F]{24}$";

impl Input {
    fn parser_name(&self) -> String {
        self.parser.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
    }

    /// Returns the parser as an expression, with its bounds if it has any.
    fn parse(&self) -> TokenStream {
        let (parser, arguments) = (&self.parser, &self.arguments);
        if arguments.is_empty() { quote!(#parser) } else { quote!(|value| #parser(value, #arguments)) }
    }

    /// Returns the type of the input's member, from the type of a value.
    pub(crate) fn member(&self, value: &Type) -> TokenStream {
        match &self.kind {
            Kind::Required | Kind::Default(_) => quote!(#value),
            Kind::Optional | Kind::Replace => quote!(Option<#value>),
            Kind::Patch | Kind::List(_) | Kind::Entries(_) => quote!(crate::domain::Patch<#value>),
            Kind::Object => {
                let patch = &self.parser;
                quote!(crate::domain::Patch<#patch>)
            }
        }
    }

    /// Generates the code that reads the member from `reader`.
    pub(crate) fn read(&self, name: &str) -> TokenStream {
        let parse = self.parse();
        match &self.kind {
            Kind::Required => quote!(reader.required(#name, #parse)),
            Kind::Optional => quote!(reader.optional(#name, #parse)),
            Kind::Default(otherwise) => quote!(reader.optional(#name, #parse).unwrap_or(#otherwise)),
            Kind::Replace => quote!(reader.replace(#name, #parse)),
            Kind::Patch => quote!(reader.patch(#name, #parse)),
            Kind::List(most) => quote!(reader.list(#name, #most, #parse)),
            Kind::Entries(most) => quote!(reader.entries(#name, #most, #parse::read_entry)),
            Kind::Object => quote!(reader.object(#name, #parse::read_patch)),
        }
    }

    /// Generates the condition that a member sets something, as an expression over the input's `self`.
    pub(crate) fn is_present(&self, ident: &Ident) -> TokenStream {
        match &self.kind {
            Kind::Required | Kind::Default(_) => quote!(true),
            Kind::Optional | Kind::Replace => quote!(self.#ident.is_some()),
            _ => quote!(self.#ident != crate::domain::Patch::Keep),
        }
    }

    /// Returns `true` if every value of the member's type is valid.
    ///
    /// Then the member need not be read from JSON.
    pub(crate) fn accepts_all(&self) -> bool {
        let plain =
            matches!(self.kind, Kind::Required | Kind::Optional | Kind::Default(_) | Kind::Replace | Kind::Patch);
        plain && matches!(self.parser_name().as_str(), "choice" | "object_id" | "boolean" | "time")
    }

    /// Returns the type that describes a value in the API's document, if it is not the stored one.
    fn described(&self, value: &Type) -> TokenStream {
        match self.parser_name().as_str() {
            "object_id" => quote!(String),
            _ => value.to_token_stream(),
        }
    }

    /// Returns the constraints of a value in the API's document, in addition to its type.
    fn constraints(&self) -> Result<TokenStream> {
        let mut bounds = self.arguments.clone().into_iter().filter(|token| token.to_string() != ",");
        let mut bound = || {
            let missing = Error::new_spanned(&self.parser, "this parser needs its bounds, as literals");
            bounds.next().ok_or(missing)
        };
        Ok(match self.parser_name().as_str() {
            "label" => quote!(min_length = 1, max_length = 200,),
            "email" => quote!(min_length = 3, max_length = 254,),
            "slug" => quote!(min_length = 2, max_length = 63, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",),
            "identifier" => quote!(pattern = "^[A-Za-z0-9._-]{1,64}$",),
            "object_id" => quote!(pattern = #ID,),
            "text" => {
                let most = bound()?;
                quote!(min_length = 1, max_length = #most,)
            }
            "whole_number" => {
                let (least, most) = (bound()?, bound()?);
                quote!(minimum = #least, maximum = #most,)
            }
            _ => TokenStream::new(),
        })
    }

    /// Returns the attributes and the type of the member in the body of the API's document.
    pub(crate) fn body(&self, value: &Type) -> Result<(TokenStream, TokenStream)> {
        let mut constraints =
            if let Kind::List(most) = &self.kind { quote!(max_items = #most,) } else { self.constraints()? };
        let described = self.described(value);
        let required = matches!(self.kind, Kind::Required);
        if matches!(self.kind, Kind::Replace) {
            constraints.extend(quote!(nullable = false,));
        }
        let described = if required { described } else { quote!(Option<#described>) };
        if self.parser_name() == "time" {
            let form = if required { quote!(String) } else { quote!(Option<String>) };
            constraints.extend(quote!(value_type = #form, format = DateTime,));
        }
        let attributes = if constraints.is_empty() { TokenStream::new() } else { quote!(#[schema(#constraints)]) };
        Ok((attributes, described))
    }
}
