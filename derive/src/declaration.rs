//! Parses an entity's attributes into the model that code is generated from.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Path, Result, Token, Type, Visibility,
    ext::IdentExt as _, parenthesized, parse::Parse, parse::ParseStream, punctuated::Punctuated,
};

use crate::{
    names,
    parser::Input,
    settings::{Setting, take, up_to_comma},
};

/// A named item that the entity declares, with its documentation and further attributes.
pub(crate) struct Named {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: Ident,
}

/// An index: its constant, its name in databases and its fields.
pub(crate) struct Index {
    pub(crate) constant: Named,
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Ident>,
}

/// A field of terms, and the fields whose words it has, each with its mark.
pub(crate) struct Words {
    pub(crate) name: Ident,
    pub(crate) sources: Vec<(Ident, TokenStream)>,
}

/// The arguments of `#[entity(…)]`.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) collection: Option<(Named, LitStr)>,
    pub(crate) scope: Option<TokenStream>,
    pub(crate) guest: Option<TokenStream>,
    pub(crate) keys: Option<Path>,
    pub(crate) seen: Option<TokenStream>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) words: Vec<Words>,
    pub(crate) view: Option<Named>,
    pub(crate) create: Option<Named>,
    pub(crate) update: Option<Named>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            let word = input.call(Ident::parse_any)?;
            let named = |name| Named { attributes, name };
            match word.to_string().as_str() {
                "collection" => {
                    let name = input.parse()?;
                    input.parse::<Token![=]>()?;
                    arguments.collection = Some((named(name), input.parse()?));
                }
                "index" => {
                    let constant = named(input.parse()?);
                    input.parse::<Token![=]>()?;
                    let name = input.parse()?;
                    let content;
                    parenthesized!(content in input);
                    let fields = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?.into_iter().collect();
                    arguments.indexes.push(Index { constant, name, fields });
                }
                "words" => arguments.words.push(words(input)?),
                "view" => arguments.view = Some(named(input.parse()?)),
                "create" => arguments.create = Some(named(input.parse()?)),
                "update" => arguments.update = Some(named(input.parse()?)),
                "scope" => arguments.scope = Some(value(input)?),
                "guest" => arguments.guest = Some(value(input)?),
                "keys" => arguments.keys = Some(syn::parse2(value(input)?)?),
                "seen" => arguments.seen = Some(callers(value(input)?)?),
                other => return Err(Error::new(word.span(), format!("`{other}` is no argument of an entity"))),
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

fn value(input: ParseStream<'_>) -> Result<TokenStream> {
    input.parse::<Token![=]>()?;
    up_to_comma(input)
}

fn words(input: ParseStream<'_>) -> Result<Words> {
    let name = input.parse()?;
    let content;
    parenthesized!(content in input);
    let mut sources = Vec::new();
    while !content.is_empty() {
        let field = content.parse()?;
        let mark = if content.parse::<Option<Token![:]>>()?.is_some() { up_to_comma(&content)? } else { quote!("") };
        sources.push((field, mark));
        content.parse::<Option<Token![,]>>()?;
    }
    Ok(Words { name, sources })
}

/// Parses `OWNERS | ONESELF` as a constant expression.
fn callers(tokens: TokenStream) -> Result<TokenStream> {
    let sets = |input: ParseStream<'_>| Punctuated::<Ident, Token![|]>::parse_separated_nonempty(input);
    let sets = syn::parse::Parser::parse2(sets, tokens)?;
    let mut all: Option<TokenStream> = None;
    for set in sets {
        let set = quote!(crate::callers::Callers::#set);
        all = Some(all.map_or_else(|| set.clone(), |before| quote!(#before.and(#set))));
    }
    Ok(all.unwrap_or_default())
}

/// The callers that see a field in the view.
pub(crate) enum Seen {
    /// Nobody: it is not a field of the view.
    No,
    /// All callers that see the document.
    WithDocument,
    /// Only these callers.
    By(TokenStream),
}

/// A declared field.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) visibility: Visibility,
    /// Attributes except those of this macro.
    pub(crate) attributes: Vec<Attribute>,
    /// For a field of the view only: the expression that computes it, or the word `argument`.
    pub(crate) only_shown: Option<TokenStream>,
    pub(crate) derived: Option<(Ident, Ident)>,
    pub(crate) personal: Option<bool>,
    pub(crate) news: TokenStream,
    pub(crate) seen: Seen,
    pub(crate) read: Option<TokenStream>,
    pub(crate) shown: Option<TokenStream>,
    pub(crate) shown_as: Option<Ident>,
    pub(crate) given: bool,
    pub(crate) initial: Option<TokenStream>,
    pub(crate) create: Option<Input>,
    pub(crate) update: Option<Input>,
    pub(crate) set: Option<TokenStream>,
    /// The name of these callers, as in the declaration.
    pub(crate) set_by: String,
    pub(crate) apply: Option<Path>,
    pub(crate) by_hand: bool,
    pub(crate) texts: Texts,
}

/// Documentation of a field in the API, where it is not the first paragraph of the field's own.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) view: Option<String>,
    pub(crate) create: Option<String>,
    pub(crate) update: Option<String>,
}

impl Field {
    fn read(mut field: syn::Field) -> Result<Self> {
        let span = Span::call_site();
        let ident = field.ident.take().ok_or_else(|| Error::new(span, "an entity has named fields"))?;
        let mut settings = take(&mut field.attrs, "field")?.unwrap_or_default();
        let only_shown = take_shown(&mut field.attrs)?;
        let name = names::of_field(&ident, &field.attrs);
        let bookkeeping = ident == "id" || ident == "version" || ident == "created_at" || ident == "updated_at";
        let news = match ident.to_string().as_str() {
            "version" | "updated_at" => quote!(Never),
            "created_at" => quote!(Change),
            _ => quote!(Always),
        };
        let mut read = Self {
            name,
            ty: field.ty,
            visibility: field.vis,
            attributes: field.attrs,
            only_shown,
            derived: None,
            personal: None,
            news,
            seen: if bookkeeping { Seen::WithDocument } else { Seen::No },
            read: bookkeeping.then(|| quote!(crate::callers::Callers::EVERYONE)),
            shown: None,
            shown_as: None,
            given: false,
            initial: None,
            create: None,
            update: None,
            set: None,
            set_by: String::new(),
            apply: None,
            by_hand: false,
            texts: Texts::default(),
            ident,
        };
        for setting in settings.drain(..) {
            read.take(&setting)?;
        }
        Ok(read)
    }

    fn take(&mut self, setting: &Setting) -> Result<()> {
        match setting.name.to_string().as_str() {
            "personal" => self.personal = Some(true),
            "impersonal" => self.personal = Some(false),
            "silent" => self.news = if setting.value.is_some() { quote!(Change) } else { quote!(Never) },
            "derived" => {
                let both = setting.tokens()?;
                let parse = |input: ParseStream<'_>| Punctuated::<Ident, Token![,]>::parse_terminated(input);
                let mut both = syn::parse::Parser::parse2(parse, both)?.into_iter();
                match (both.next(), both.next()) {
                    (Some(from), Some(form)) => self.derived = Some((from, form)),
                    _ => return Err(Error::new(setting.name.span(), "say of which field and in which form")),
                }
            }
            "unseen" => self.seen = Seen::No,
            "see" if setting.value.is_some() => self.seen = Seen::By(callers(setting.tokens()?)?),
            "see" => self.seen = Seen::WithDocument,
            "read" => self.read = Some(callers(setting.tokens()?)?),
            "shown" => self.shown = Some(setting.tokens()?),
            "shown_as" => self.shown_as = Some(setting.parsed()?),
            "given" => self.given = true,
            "initial" => self.initial = Some(setting.tokens()?),
            "input" => {
                self.create = Some(setting.parsed()?);
                self.update = Some(setting.parsed()?);
            }
            "create" => self.create = Some(setting.parsed()?),
            "update" => self.update = Some(setting.parsed()?),
            "set" => {
                self.set_by = setting.tokens()?.to_string();
                self.set = Some(callers(setting.tokens()?)?);
            }
            "apply" => self.apply = Some(setting.parsed()?),
            "by_hand" => self.by_hand = true,
            "text_in_view" => self.texts.view = Some(setting.text()?),
            "text_in_create" => self.texts.create = Some(setting.text()?),
            "text_in_update" => self.texts.update = Some(setting.text()?),
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    /// Returns the documentation in the API.
    pub(crate) fn documentation(&self, instead: Option<&String>) -> Vec<String> {
        instead.map_or_else(|| names::first_paragraph(&self.attributes), |text| vec![format!(" {text}")])
    }

    /// Returns the type without `Option`.
    pub(crate) fn plain_type(&self) -> &Type {
        names::within(&self.ty, "Option").unwrap_or(&self.ty)
    }

    /// Returns the type of an input value: without `Option` and `Open`.
    pub(crate) fn input_type(&self) -> &Type {
        let plain = self.plain_type();
        names::within(plain, "Open").unwrap_or(plain)
    }

    pub(crate) fn is_optional(&self) -> bool {
        names::within(&self.ty, "Option").is_some()
    }

    pub(crate) fn is_open(&self) -> bool {
        names::within(self.plain_type(), "Open").is_some()
    }

    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|one| one.path().is_ident(attribute))
    }
}

fn take_shown(attributes: &mut Vec<Attribute>) -> Result<Option<TokenStream>> {
    let (own, others) = std::mem::take(attributes).into_iter().partition(|one| one.path().is_ident("shown"));
    *attributes = others;
    let own: Vec<Attribute> = own;
    own.first().map(|attribute| attribute.parse_args::<TokenStream>()).transpose()
}

/// An entity, or a part of one.
pub(crate) struct Declaration {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) ident: Ident,
    pub(crate) fields: Vec<Field>,
}

impl Declaration {
    pub(crate) fn read(input: DeriveInput) -> Result<Self> {
        let Data::Struct(data) = input.data else {
            return Err(Error::new(input.ident.span(), "only a struct can be declared so"));
        };
        let Fields::Named(fields) = data.fields else {
            return Err(Error::new(input.ident.span(), "an entity has named fields"));
        };
        Ok(Self {
            attributes: input.attrs,
            visibility: input.vis,
            ident: input.ident,
            fields: fields.named.into_iter().map(Field::read).collect::<Result<_>>()?,
        })
    }

    /// Iterates over the stored fields.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.only_shown.is_none())
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Field> {
        self.stored().find(|field| field.ident == name)
    }
}
