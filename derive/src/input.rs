//! Generates the inputs of an entity: their members, reader, builder and changes, and their bodies in the API's
//! document.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Result};

use crate::{
    declaration::{Arguments, Declaration, Field, Named},
    parser::{Input, Kind},
};

/// The purpose of an input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Create,
    Update,
}

/// A member of an input.
struct Member<'a> {
    field: &'a Field,
    input: &'a Input,
}

fn members(declaration: &Declaration, purpose: Purpose) -> Vec<Member<'_>> {
    let inputs = declaration.stored().filter_map(|field| {
        let input = if purpose == Purpose::Create { &field.create } else { &field.update };
        input.as_ref().map(|input| Member { field, input })
    });
    inputs.collect()
}

/// Generates both inputs.
pub(crate) fn inputs(declaration: &Declaration, arguments: &Arguments) -> Result<TokenStream> {
    let mut both = TokenStream::new();
    for (named, purpose) in [(&arguments.create, Purpose::Create), (&arguments.update, Purpose::Update)] {
        if let Some(named) = named {
            let members = members(declaration, purpose);
            both.extend(structure(named, &members));
            both.extend(builder(named, &members));
            both.extend(apply(&declaration.ident, &named.name, &members, purpose));
            both.extend(body(named, &members, purpose)?);
        }
    }
    Ok(both)
}

/// Generates the struct, its reader, and its metadata.
fn structure(named: &Named, members: &[Member<'_>]) -> TokenStream {
    let ident = &named.name;
    let documentation = named.attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let visibility =
        if members.iter().all(|member| member.input.accepts_all()) { quote!(pub) } else { quote!(pub(crate)) };
    let fields = members.iter().map(|Member { field, input }| {
        let (name, ty) = (&field.ident, input.member(field.input_type()));
        let documentation = field.documentation(None);
        quote!(#(#[doc = #documentation])* #visibility #name: #ty)
    });
    let reads = members.iter().map(|Member { field, input }| {
        let (name, read) = (&field.ident, input.read(&field.name));
        quote!(let #name = #read;)
    });
    let values = members.iter().map(|Member { field, input }| {
        let name = &field.ident;
        match input.kind {
            Kind::Required => quote!(#name: crate::domain::input::present(#name)?),
            _ => quote!(#name),
        }
    });
    let present = members.iter().map(|Member { field, input }| {
        let (name, present) = (&field.name, input.is_present(&field.ident));
        quote!((#name, #present))
    });
    let settable = members.iter().map(|Member { field, .. }| {
        let name = &field.name;
        let set = field.set.as_ref().map_or_else(|| quote!(None), |set| quote!(Some(#set)));
        quote!(crate::domain::input::Settable { name: #name, by: #set })
    });
    quote! {
        #(#documentation)*
        #[derive(Debug, Clone)]
        pub struct #ident { #(#fields),* }

        impl #ident {
            /// All fields that it may set, with the callers that may if restricted further.
            pub const FIELDS: &'static [crate::domain::input::Settable] = &[#(#settable),*];

            /// Reads a body.
            ///
            /// # Errors
            /// [`crate::ErrorKind::Invalid`] naming each invalid field.
            pub fn read(body: ::serde_json::Value) -> crate::error::Result<Self> {
                let mut reader = crate::domain::Reader::new(body)?;
                #(#reads)*
                reader.finish()?;
                Ok(Self { #(#values),* })
            }

            /// Returns the names of the fields that it sets.
            #[must_use]
            pub fn fields(&self) -> Vec<&'static str> {
                crate::domain::input::present_fields(&[#(#present),*])
            }
        }
    }
}

/// Generates the typed builder. It ends in the reader, so that it accepts only what a body could contain.
fn builder(named: &Named, members: &[Member<'_>]) -> TokenStream {
    let ident = &named.name;
    let required: Vec<_> = members.iter().filter(|member| matches!(member.input.kind, Kind::Required)).collect();
    let parameters = required.iter().map(|Member { field, .. }| {
        let (name, ty) = (&field.ident, field.input_type());
        quote!(#name: impl Into<#ty>)
    });
    let given = required.iter().map(|Member { field, .. }| {
        let (name, member, ty) = (&field.ident, &field.name, field.input_type());
        quote!(.with::<#ty>(#member, #name.into()))
    });
    let setters = members.iter().filter(|member| !matches!(member.input.kind, Kind::Required));
    let setters = setters.map(|Member { field, input }| {
        let (name, member, ty) = (&field.ident, &field.name, field.input_type());
        let documentation = field.documentation(None);
        let removable = matches!(input.kind, Kind::Patch | Kind::Object);
        let argument = if removable { quote!(Option<#ty>) } else { quote!(#ty) };
        quote! {
            #(#[doc = #documentation])*
            #[must_use]
            pub fn #name(self, #name: impl Into<#argument>) -> Self {
                self.with::<#argument>(#member, #name.into())
            }
        }
    });
    quote! {
        impl crate::domain::input::Build<#ident> {
            #(#setters)*
        }

        impl #ident {
            /// Starts building one from typed values; `finish` applies the same rules as for a body.
            pub fn build(#(#parameters),*) -> crate::domain::input::Build<Self> {
                crate::domain::input::Build::new(Self::read)#(#given)*
            }
        }
    }
}

/// Generates the assignment of a value to the stored field.
fn assign(member: &Member<'_>) -> TokenStream {
    let Member { field, input } = member;
    let name = &field.ident;
    let value = if field.is_open() { quote!(value.into()) } else { quote!(value) };
    let optional = field.is_optional();
    let set = |value: TokenStream| match &field.apply {
        Some(hook) if optional => quote!(#hook(entity, Some(value))),
        Some(hook) => quote!(#hook(entity, value)),
        None if optional => quote!(entity.#name = Some(#value)),
        None => quote!(entity.#name = #value),
    };
    let clear = match (&field.apply, optional) {
        (Some(hook), true) => quote!(#hook(entity, None)),
        (Some(hook), false) => quote!(#hook(entity, Default::default())),
        (None, true) => quote!(entity.#name = None),
        (None, false) => quote!(entity.#name = Default::default()),
    };
    let set = set(value);
    match &input.kind {
        Kind::Required | Kind::Default(_) => quote!({ let value = self.#name; #set; }),
        Kind::Optional | Kind::Replace => quote!(if let Some(value) = self.#name { #set; }),
        Kind::Patch if field.apply.is_none() && optional && !field.is_open() => {
            quote!(self.#name.apply(&mut entity.#name);)
        }
        Kind::Object => quote!(self.#name.merge(&mut entity.#name);),
        Kind::Patch | Kind::List(_) | Kind::Entries(_) => {
            quote! {
                match self.#name {
                    crate::domain::Patch::Keep => {}
                    crate::domain::Patch::Clear => { #clear; }
                    crate::domain::Patch::Set(value) => { #set; }
                }
            }
        }
    }
}

/// Generates the changes of an entity by the input, except fields declared as set by hand.
fn apply(entity: &Ident, input: &Ident, members: &[Member<'_>], purpose: Purpose) -> TokenStream {
    let by_hand = |member: &&Member<'_>| member.field.by_hand || (purpose == Purpose::Create && member.field.given);
    let all = members.iter().all(|member| !member.field.by_hand);
    let assignments = members.iter().filter(|member| !by_hand(member)).map(assign);
    let (function, visibility, documentation) = if all {
        (format_ident!("apply"), quote!(pub), "Applies what it says.")
    } else {
        (format_ident!("apply_plain"), quote!(pub(crate)), "Applies what needs no rule that relates fields.")
    };
    quote! {
        impl #input {
            #[doc = #documentation]
            #visibility fn #function(self, entity: &mut #entity) {
                #(#assignments)*
            }
        }
    }
}

/// Returns the addition to a field's description that names the callers that may set it.
fn set_by(field: &Field) -> &'static str {
    match field.set_by.as_str() {
        "PLATFORM" => " For the platform.",
        "OWNERS" => " For owners and the platform.",
        _ => "",
    }
}

/// Generates the body in the API's document.
fn body(named: &Named, members: &[Member<'_>], purpose: Purpose) -> Result<TokenStream> {
    let (attributes, ident) = (&named.attributes, format_ident!("{}Body", named.name));
    let mut fields = TokenStream::new();
    for Member { field, input } in members {
        let (schema, described) = input.body(field.input_type())?;
        let name = &field.ident;
        let instead = if purpose == Purpose::Create { &field.texts.create } else { &field.texts.update };
        let mut documentation = field.documentation(instead.as_ref());
        if purpose == Purpose::Update
            && let Some(last) = documentation.last_mut()
        {
            last.push_str(set_by(field));
        }
        fields.extend(quote!(#(#[doc = #documentation])* #schema #name: #described,));
    }
    Ok(quote! {
        #[derive(::utoipa::ToSchema)]
        #(#attributes)*
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[allow(dead_code, reason = "describes what is read")]
        pub(crate) struct #ident { #fields }
    })
}
