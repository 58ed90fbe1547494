//! Generates the stored struct, its collection and its indexes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Result};

use crate::{
    declaration::{Arguments, Declaration, Field, Seen},
    names,
};

/// Generates the stored struct, with attributes for serde.
pub(crate) fn stored(declaration: &Declaration, made_by_callers: bool) -> TokenStream {
    let Declaration { attributes, visibility, ident, .. } = declaration;
    let fields = declaration.stored().map(|field| {
        let Field { attributes, visibility, ident, ty, .. } = field;
        let absent = (field.is_optional() && !field.has("serde"))
            .then(|| quote!(#[serde(default, skip_serializing_if = "Option::is_none")]));
        quote!(#(#attributes)* #absent #visibility #ident: #ty)
    });
    // Tests make entities in states that no use case leads to; all others read them, and a new field breaks nobody.
    let closed = (!made_by_callers).then(|| quote!(#[cfg_attr(not(feature = "test-kit"), non_exhaustive)]));
    quote! {
        #[derive(Clone, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #(#attributes)*
        #closed
        #visibility struct #ident { #(#fields),* }
    }
}

/// Generates the declaration of a field to the store.
fn declared(field: &Field, seen: &TokenStream) -> TokenStream {
    let Field { name, ty, news, .. } = field;
    let derived = match &field.derived {
        None => quote!(None),
        Some((from, form)) => {
            let from = names::camel_case(&from.to_string());
            quote!(Some(crate::store::Derived { from: #from, form: crate::store::Form::#form }))
        }
    };
    let readers = match (&field.read, &field.seen) {
        (Some(read), _) => read.clone(),
        (None, Seen::By(callers)) => callers.clone(),
        (None, Seen::WithDocument) => seen.clone(),
        (None, Seen::No) => quote!(crate::callers::Callers::NOBODY),
    };
    let personal = match field.personal {
        Some(true) => quote!(crate::store::Personal::Yes),
        Some(false) => quote!(crate::store::Personal::No),
        None => quote!(crate::store::Personal::undeclared::<#ty>()),
    };
    quote! {
        crate::store::Field {
            name: #name,
            field_type: <#ty as crate::store::Stored>::TYPE,
            derived: #derived,
            readers: #readers,
            personal: #personal,
            news: crate::store::News::#news,
        }
    }
}

/// Generates the fields of an object within a document.
pub(crate) fn object(declaration: &Declaration) -> TokenStream {
    let ident = &declaration.ident;
    let nobody = quote!(crate::callers::Callers::NOBODY);
    let fields = declaration.stored().map(|field| declared(field, &nobody));
    quote! {
        impl crate::store::Stored for #ident {
            const TYPE: crate::store::FieldType = crate::store::FieldType::Object(&[#(#fields),*]);
            const IS_FREE: bool = true;
        }
    }
}

/// Generates the collection, its indexes and the implementation of `Entity`.
pub(crate) fn collection(declaration: &Declaration, arguments: &Arguments) -> Result<TokenStream> {
    let ident = &declaration.ident;
    let missing = |what: &str| Error::new(ident.span(), format!("the entity says no `{what}`"));
    let (named, name) = arguments.collection.as_ref().ok_or_else(|| missing("collection"))?;
    let scope = arguments.scope.as_ref().ok_or_else(|| missing("scope"))?;
    let guest = arguments.guest.clone().unwrap_or_else(|| quote!(crate::store::Guest::Closed));
    let nobody = quote!(crate::callers::Callers::NOBODY);
    let seen = arguments.seen.as_ref().unwrap_or(&nobody);
    let fields = declaration.stored().filter(|field| field.ident != "id").map(|field| declared(field, seen));
    let words = arguments.words.iter().map(|words| {
        let name = words.name.to_string();
        let sources = words.sources.iter().map(|(field, mark)| {
            let field = names::camel_case(&field.to_string());
            quote!(crate::store::Source { field: #field, mark: #mark })
        });
        // Documents do not contain them, so there is nothing to hide.
        quote! {
            crate::store::Field {
                readers: crate::callers::Callers::EVERYONE,
                ..crate::store::Field::new(#name, crate::store::FieldType::Terms(&[#(#sources),*]))
            }
        }
    });
    let known =
        |field: &str| declaration.named(field).is_some() || arguments.words.iter().any(|words| words.name == field);
    let mut indexes = TokenStream::new();
    for index in &arguments.indexes {
        let (constant, attributes) = (&index.constant.name, &index.constant.attributes);
        if let Some(field) = index.fields.iter().find(|field| !known(&field.to_string())) {
            return Err(Error::new(field.span(), format!("`{field}` is no stored field")));
        }
        let name = index.name.to_string();
        let fields = index.fields.iter().map(|field| match field.to_string() {
            words if words.starts_with('_') => words,
            field => names::camel_case(&field),
        });
        indexes.extend(quote! {
            #(#attributes)*
            pub const #constant: crate::store::Index = crate::store::Index { name: #name, fields: &[#(#fields),*] };
        });
    }
    let constants = arguments.indexes.iter().map(|index| &index.constant.name);
    let (constant, documentation) = (&named.name, &named.attributes);
    let entity = entity(declaration, arguments, &named.name);
    Ok(quote! {
        #indexes
        #(#documentation)*
        pub static #constant: crate::store::Collection = crate::store::Collection {
            name: #name,
            fields: &[#(#fields,)* #(#words),*],
            indexes: &[#(#constants),*],
            scope: #scope,
            guest: #guest,
        };
        #entity
    })
}

fn entity(declaration: &Declaration, arguments: &Arguments, collection: &syn::Ident) -> TokenStream {
    let ident = &declaration.ident;
    let plain =
        declaration.named("id").and_then(|field| names::last_part(&field.ty)).is_some_and(|ty| ty == "ObjectId");
    let id = if plain { quote!(self.id) } else { quote!(self.id.0) };
    let keys = arguments.keys.as_ref().map(|keys| {
        quote! {
            fn unique_keys(&self) -> Vec<String> {
                #keys(self)
            }
        }
    });
    let versioned = declaration.named("updated_at").map(|_| {
        quote! {
            impl crate::domain::Versioned for #ident {
                fn advance(&mut self, now: crate::clock::Timestamp) {
                    self.version = self.version.saturating_add(1);
                    self.updated_at = now;
                }
            }
        }
    });
    let blank = arguments.create.as_ref().map(|_| blank(declaration));
    quote! {
        impl crate::store::Entity for #ident {
            const COLLECTION: &'static crate::store::Collection = &#collection;

            fn id(&self) -> crate::domain::ObjectId {
                #id
            }

            fn version(&self) -> u64 {
                self.version
            }

            #keys
        }
        #versioned
        #blank
    }
}

/// Generates the constructor, whose fields are arguments, declared initial values, or defaults.
fn blank(declaration: &Declaration) -> TokenStream {
    let ident = &declaration.ident;
    let given = declaration.stored().filter(|field| field.given);
    let given = given.map(|Field { ident, ty, .. }| quote!(#ident: #ty,));
    let values = declaration.stored().map(|field| {
        let name = &field.ident;
        let value = match (name.to_string().as_str(), &field.initial) {
            (_, Some(initial)) => initial.clone(),
            ("id", None) => {
                let ty = &field.ty;
                quote!(<#ty>::generate())
            }
            ("version", None) => quote!(1),
            ("created_at" | "updated_at", None) => quote!(now),
            _ if field.given => quote!(#name),
            _ => quote!(Default::default()),
        };
        quote!(#name: #value)
    });
    let documentation = format!("A new {} of which nothing more is said yet.", names::snake_case(&ident.to_string()));
    let function = format_ident!("blank");
    quote! {
        impl #ident {
            #[doc = #documentation]
            #[must_use]
            pub fn #function(#(#given)* now: crate::clock::Timestamp) -> Self {
                Self { #(#values),* }
            }
        }
    }
}
