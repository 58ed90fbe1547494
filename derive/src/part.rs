//! Generates a part of an entity: an object within its document.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Result};

use crate::{
    collection,
    declaration::Declaration,
    parser::{Input, Kind},
    settings::Setting,
};

/// Generates the struct, its declaration to the store, and its reader.
pub(crate) fn part(declaration: &Declaration, settings: &[Setting]) -> Result<TokenStream> {
    // A part that is read from bodies is an argument of typed inputs too.
    let mut all = collection::stored(declaration, !settings.is_empty());
    all.extend(collection::object(declaration));
    let members: Vec<(&Ident, &str, &syn::Type, bool, &Input)> = declaration
        .stored()
        .filter_map(|field| {
            let input = field.create.as_ref()?;
            Some((&field.ident, field.name.as_str(), field.input_type(), field.is_optional(), input))
        })
        .collect();
    for setting in settings {
        match setting.name.to_string().as_str() {
            "patch" => all.extend(patch(&declaration.ident, &members)),
            "entry" => all.extend(entry(&declaration.ident, &members)),
            _ => return Err(setting.unknown()),
        }
    }
    Ok(all)
}

type Members<'a> = [(&'a Ident, &'a str, &'a syn::Type, bool, &'a Input)];

/// Generates a merge patch of the part.
fn patch(ident: &Ident, members: &Members<'_>) -> TokenStream {
    let patch = format_ident!("{ident}Patch");
    let fields = members.iter().map(|(name, _, ty, _, input)| {
        let ty = input.member(ty);
        quote!(pub(crate) #name: #ty)
    });
    let reads = members.iter().map(|(name, member, _, _, input)| {
        let read = input.read(member);
        quote!(#name: #read)
    });
    let merges = members.iter().map(|(name, _, _, optional, _)| {
        if *optional {
            return quote!(patch.#name.apply(&mut target.#name););
        }
        quote! {
            match patch.#name {
                crate::domain::Patch::Keep => {}
                crate::domain::Patch::Clear => target.#name = Default::default(),
                crate::domain::Patch::Set(value) => target.#name = value,
            }
        }
    });
    let documentation = format!("Changes of a `{ident}`.");
    quote! {
        #[doc = #documentation]
        #[derive(Debug, Clone, PartialEq, Default)]
        pub(crate) struct #patch { #(#fields),* }

        impl #patch {
            pub(crate) fn read_patch(reader: &mut crate::domain::Reader) -> Self {
                Self { #(#reads),* }
            }
        }

        impl crate::domain::Patch<#patch> {
            pub(crate) fn merge(self, target: &mut Option<#ident>) {
                match self {
                    Self::Keep => {}
                    Self::Clear => *target = None,
                    Self::Set(patch) => {
                        let target = target.get_or_insert_default();
                        #(#merges)*
                    }
                }
            }
        }
    }
}

/// Generates an entry of a list. All its members are read, so that each invalid one is named.
fn entry(ident: &Ident, members: &Members<'_>) -> TokenStream {
    let reads = members.iter().map(|(name, member, _, _, input)| {
        let read = input.read(member);
        quote!(let #name = #read;)
    });
    let values = members.iter().map(|(name, _, _, _, input)| match input.kind {
        Kind::Required => quote!(#name: #name?),
        _ => quote!(#name),
    });
    quote! {
        impl #ident {
            fn read_entry(reader: &mut crate::domain::Reader) -> Option<Self> {
                #(#reads)*
                Some(Self { #(#values),* })
            }
        }
    }
}
