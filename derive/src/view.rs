//! Generates the view of an entity: the fields that a caller sees.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Ident, Result, Type};

use crate::{
    declaration::{Arguments, Declaration, Field, Seen},
    names,
};

/// Returns the name of a field in the view.
fn name(field: &Field) -> &Ident {
    field.shown_as.as_ref().unwrap_or(&field.ident)
}

fn is_shown(field: &Field) -> bool {
    field.only_shown.is_some() || !matches!(field.seen, Seen::No)
}

/// Returns the schema attribute of a field whose type alone does not describe it.
fn schema(field: &Field) -> TokenStream {
    let plain = field.plain_type();
    if let Some(choice) = names::within(plain, "Open") {
        let path = names::written(choice).replace(' ', "");
        let path = format!("crate::domain::open::schema::<{path}>");
        let path: TokenStream = path.parse().unwrap_or_default();
        return quote!(#[schema(schema_with = #path)]);
    }
    let optional = |form: TokenStream| if field.is_optional() { quote!(Option<#form>) } else { form };
    // A text like any other to those who read the document.
    if names::last_part(plain).is_some_and(|last| last == "OneTimeSecret") {
        let form = optional(quote!(String));
        return quote!(#[schema(value_type = #form)]);
    }
    let is_id = |ty: &Type| names::last_part(ty).is_some_and(|last| last.ends_with("Id"));
    if names::last_part(plain).is_some_and(|last| last == "Timestamp") {
        let form = optional(quote!(String));
        return quote!(#[schema(value_type = #form, format = DateTime)]);
    }
    if field.ident == "id" {
        return quote!(#[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]);
    }
    if is_id(plain) {
        let form = optional(quote!(String));
        return quote!(#[schema(value_type = #form)]);
    }
    if names::within(plain, "Vec").is_some_and(is_id) {
        return quote!(#[schema(value_type = Vec<String>)]);
    }
    TokenStream::new()
}

fn member(field: &Field) -> TokenStream {
    let (name, ty, schema) = (name(field), &field.ty, schema(field));
    let documentation = field.documentation(field.texts.view.as_ref());
    let serde = if field.is_optional() {
        quote!(#[serde(default, skip_serializing_if = "Option::is_none")])
    } else if field.only_shown.is_some() {
        let own = field.attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
        quote!(#(#own)*)
    } else {
        TokenStream::new()
    };
    quote!(#(#[doc = #documentation])* #serde #schema pub #name: #ty)
}

/// Generates the view and its constructor.
pub(crate) fn view(declaration: &Declaration, arguments: &Arguments) -> Result<TokenStream> {
    let Some(view) = &arguments.view else { return Ok(TokenStream::new()) };
    let (attributes, ident, entity) = (&view.attributes, &view.name, &declaration.ident);
    let members = declaration.fields.iter().filter(|field| is_shown(field)).map(member);
    let (mut parameters, mut values) = (TokenStream::new(), TokenStream::new());
    // Computed fields may depend on the fields that the viewer sees.
    let (mut seen, mut made_of_others) = (TokenStream::new(), TokenStream::new());
    for field in declaration.fields.iter().filter(|field| is_shown(field)) {
        let (own, shown, ty) = (&field.ident, name(field), &field.ty);
        match (&field.only_shown, &field.shown, &field.seen) {
            (Some(made), ..) if made.to_string() == "argument" => {
                parameters.extend(quote!(#own: #ty,));
                values.extend(quote!(#own,));
            }
            (Some(made), ..) | (None, Some(made), _) => {
                made_of_others.extend(quote!(let #shown: #ty = #made;));
                values.extend(quote!(#shown,));
            }
            (None, None, Seen::By(callers)) if field.is_optional() => {
                seen.extend(quote!(let #shown: #ty = entity.#own.filter(|_| #callers.includes(viewer));));
                values.extend(quote!(#shown,));
            }
            (None, None, Seen::By(_)) => {
                return Err(Error::new(own.span(), "what not everybody sees may be absent: make it an `Option`"));
            }
            (None, None, _) => values.extend(quote!(#shown: entity.#own,)),
        }
    }
    Ok(quote! {
        #(#attributes)*
        #[derive(Debug, Clone, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize, ::utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct #ident { #(#members),* }

        impl #ident {
            /// Creates the view of an entity for a viewer.
            #[allow(unused_variables, reason = "some entities look alike to all who see them")]
            pub(crate) fn shown_to(entity: #entity, viewer: crate::callers::Callers, #parameters) -> Self {
                #seen
                #made_of_others
                Self { #values }
            }
        }
    })
}
