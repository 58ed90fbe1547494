//! Generates the names of an enum.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Result};

use crate::{names, settings::take};

/// Generates the implementation of `Choice`, and the field's declaration to the store.
pub(crate) fn choice(mut input: DeriveInput) -> Result<TokenStream> {
    let (stored, ident) = (stored(&input)?, input.ident);
    let Data::Enum(data) = input.data else { return Err(Error::new(ident.span(), "only an enum has names")) };
    let reversed = take(&mut input.attrs, "choice")?
        .is_some_and(|settings| settings.iter().any(|setting| setting.name == "reversed"));
    let (mut all, mut unknown, mut named) = (Vec::new(), None, TokenStream::new());
    for mut variant in data.variants {
        let name = &variant.ident;
        let text = names::snake_case(&name.to_string());
        named.extend(quote!(Self::#name => #text,));
        all.push(quote!(Self::#name));
        if take(&mut variant.attrs, "choice")?.is_some_and(|settings| settings.iter().any(|one| one.name == "unknown"))
        {
            unknown = Some(quote!(Self::#name));
        }
    }
    if reversed {
        all.reverse();
    }
    let missing = "say by `#[choice(unknown)]` as which variant another text counts: what it grants least of";
    let unknown = unknown.ok_or_else(|| Error::new(ident.span(), missing))?;
    Ok(quote! {
        impl crate::domain::Choice for #ident {
            const ALL: &'static [Self] = &[#(#all),*];
            const UNKNOWN: Self = #unknown;

            fn name(self) -> &'static str {
                match self { #named }
            }
        }
        #stored
    })
}

/// Generates the field's declaration to the store: a text from a fixed set.
pub(crate) fn stored(input: &DeriveInput) -> Result<TokenStream> {
    let ident = &input.ident;
    if !matches!(input.data, Data::Enum(_)) {
        return Err(Error::new(ident.span(), "only an enum is stored by its name"));
    }
    Ok(quote! {
        impl crate::store::Stored for #ident {
            const TYPE: crate::store::FieldType = crate::store::FieldType::Text;
        }
    })
}
