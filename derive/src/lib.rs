//! Declares the entities of Dezky: a struct with attributes, from which everything about its fields is derived.
//!
//! The macros generate paths that begin with `crate::`, and are for the crate `dezky` only. Rules between fields are
//! ordinary code beside the declaration, which refers to it where it applies.

mod choice;
mod collection;
mod declaration;
mod input;
mod names;
mod parser;
mod part;
mod settings;
mod view;

use proc_macro2::TokenStream;
use syn::{DeriveInput, Result, parse_macro_input};

use declaration::{Arguments, Declaration};

/// Declares an entity: a struct that is stored as a document.
///
/// ```text
/// #[entity(
///     /// The collection of subscriptions.
///     collection SUBSCRIPTIONS = "subscriptions",
///     scope = Scope::Tenant("tenantId"),
///     guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &["current:"] },
///     keys = Self::keys,
///     seen = MEMBERS,
///     /// A tenant's subscriptions.
///     index SUBSCRIPTIONS_OF_TENANT = of_tenant(tenant_id, created_at),
///     /// A subscription.
///     view SubscriptionView,
///     /// A subscription to be created.
///     create CreateSubscription,
///     /// Changes of a subscription.
///     update UpdateSubscription,
/// )]
/// #[derive(Debug)]
/// pub struct Subscription {
///     /// Its id.
///     pub id: SubscriptionId,
///     /// Its version.
///     pub version: u64,
///     /// The tenant.
///     #[field(see, given, create = required(object_id))]
///     pub tenant_id: TenantId,
///     /// When the trial ends.
///     #[field(see, input = patch(time))]
///     pub trial_ends_at: Option<Timestamp>,
///     /// The customer at Stripe.
///     #[field(see = OWNERS, input = patch(identifier), impersonal)]
///     pub stripe_customer_id: Option<String>,
///     /// When it was created.
///     pub created_at: Timestamp,
///     /// When it was last written.
///     pub updated_at: Timestamp,
/// }
/// ```
///
/// `Clone`, `PartialEq`, `Eq`, `Serialize` and `Deserialize` are derived, with names in camelCase. An `Option` that is
/// `None` is omitted, unless the field has its own `#[serde(…)]`. `Debug` is left to the entity, since some must not be
/// shown.
///
/// # Arguments
///
/// - `collection SUBSCRIPTIONS = "subscriptions"`: the static that declares the collection to stores.
/// - `scope = …`: the owner of the documents, an expression of the type `Scope`.
/// - `guest = …`: the part that a sandboxed component may read, an expression of the type `Guest`. Default: nothing.
/// - `keys = Self::keys`: the function that computes the unique keys of an entity. Default: no keys.
/// - `seen = MEMBERS`: the callers that see a field with a plain `see`: a constant of `Callers`, or several with `|`.
/// - `index SUBSCRIPTIONS_OF_TENANT = of_tenant(tenant_id, created_at)`: an index, with its constant. Its fields must be declared.
/// - `words _words(name, email: ADDRESSED)`: a field of terms with the words of these fields, each with an optional
///   mark.
/// - `view SubscriptionView`: the output type, created by `SubscriptionView::shown_to(entity, viewer, …)`.
/// - `create CreateSubscription`, `update UpdateSubscription`: the input types, with `read(body)` for JSON, `build(…)`
///   for typed values, `fields()`, `apply(&mut entity)` (`apply_plain`, where fields are set by hand), and the body in
///   the API's document. An entity with `create` also has a constructor `blank(…, now)`. Other attributes, such as
///   `#[schema(example = …)]`, apply to the body.
///
/// # Fields
///
/// `id`, `version`, `created_at` and `updated_at` need no attribute: everybody who sees a document sees them. Other
/// fields are hidden by default: a field without `see` is in no view, and one without `read` and `see` is given to a
/// component only for the platform.
///
/// - `see`: everybody who sees the document sees the field. With `see = OWNERS` or `see = ADMINS | ONESELF` only these
///   callers do; for others it is absent, so the field must be an `Option`.
/// - `unseen`: omits the field from the view, though it is one of those four.
/// - `read = ADMINS`: the callers for whom a component may read it, if they differ from those that see it.
/// - `shown = expression`: the value shown instead of the field; `entity` and `viewer` are in scope.
/// - `shown_as = email`: its name in the view.
/// - `personal`, `impersonal`: marks values that are personal data, which is stored apart from audit events, or are
///   not. A free text with neither is treated as personal, and refused by a test.
/// - `silent`: omits the field from the changed fields of events, because it follows from others. `silent(creation)`:
///   omits it on creation only.
/// - `derived(name, Name)`: the text of the field `name` in the form `Form::Name`, which is searched and sorted.
/// - `given`: an argument of `blank`. `initial = expression`: its value in a blank entity instead of its type's default.
/// - `input = patch(time)`: how `create` and `update` read it; `create = …` and `update = …` if they differ. The kind
///   is one of `required`, `optional`, `default(value, …)`, `replace` (may be absent but not removed), `patch` (removed
///   by `null`), `list(most, …)`, `entries(most, Type)` (of parts with `entry`) and `object(TypePatch)` (of a part with
///   `patch`). The parser is a function from a JSON value, with further arguments if it takes any: `patch(text(255))`.
/// - `set = PLATFORM`: the callers that may set it, if these are fewer than those of the action.
/// - `apply = Tenant::set_status`: the function `fn(&mut Entity, value)` that sets it, if other fields depend on it.
/// - `by_hand`: no generated code sets it; the entity's own `apply` does.
/// - `text_in_view = "…"`, `text_in_create = "…"`, `text_in_update = "…"`: the description in the API's document, if it
///   is not the first paragraph of the field's documentation. The callers that may set a field are added in updates.
///
/// A field with `#[shown(expression)]` is not stored: the view computes it from `entity` and `viewer`, or with
/// `#[shown(argument)]` takes it as an argument.
#[proc_macro_attribute]
pub fn entity(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let arguments = parse_macro_input!(arguments as Arguments);
    finish(Declaration::read(parse_macro_input!(item as DeriveInput)).and_then(|declaration| {
        let mut all = collection::stored(&declaration, false);
        all.extend(collection::collection(&declaration, &arguments)?);
        all.extend(view::view(&declaration, &arguments)?);
        all.extend(input::inputs(&declaration, &arguments)?);
        Ok(all)
    }))
}

/// Declares a part of an entity: an object within its document.
///
/// ```text
/// /// Billing details.
/// #[part(patch)]
/// #[derive(Debug, Default, ToSchema)]
/// pub struct BillingInfo {
///     /// Name of the company.
///     #[field(input = patch(label))]
///     pub company: Option<String>,
/// }
///
/// /// An entry of the launcher.
/// #[part(entry)]
/// #[derive(Debug, ToSchema)]
/// pub struct LauncherLink {
///     /// Its title.
///     #[field(input = required(text(80)))]
///     pub title: String,
///     /// Name of an icon.
///     #[field(input = optional(identifier))]
///     pub icon: Option<String>,
/// }
/// ```
///
/// - `patch`: `BillingInfoPatch` is its merge patch, for `object(BillingInfoPatch)` in an entity.
/// - `entry`: it is read as an entry of a list, for `entries(50, LauncherLink)`.
///
/// Derives and naming are as for an entity; of a field's arguments only `input` applies.
#[proc_macro_attribute]
pub fn part(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let settings = parse_macro_input!(arguments with settings::settings);
    finish(
        Declaration::read(parse_macro_input!(item as DeriveInput))
            .and_then(|declaration| part::part(&declaration, &settings)),
    )
}

/// Derives the names of an enum: those of its variants in snake_case, as `#[serde(rename_all = "snake_case")]` writes them.
///
/// ```text
/// #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Choice)]
/// #[serde(rename_all = "snake_case")]
/// #[choice(reversed)]
/// pub enum MembershipRole {
///     /// Uses the tenant.
///     #[choice(unknown)]
///     Member,
///     /// Runs the tenant.
///     Owner,
/// }
/// ```
///
/// - `#[choice(unknown)]` marks the variant that an unknown text is treated as, which grants the least.
/// - `#[choice(reversed)]`: names are listed from the last to the first.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    finish(choice::choice(parse_macro_input!(item as DeriveInput)))
}

/// Derives the stored type of an enum field that is not a `Choice`: a text from a fixed set.
///
/// ```text
/// #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Stored)]
/// #[serde(rename_all = "snake_case")]
/// pub enum GrantSource {
///     /// The `groups` claim of a token.
///     Claim,
///     /// A person or the system.
///     Grant,
/// }
/// ```
#[proc_macro_derive(Stored)]
pub fn stored(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    finish(choice::stored(&parse_macro_input!(item as DeriveInput)))
}

fn finish(written: Result<TokenStream>) -> proc_macro::TokenStream {
    written.unwrap_or_else(|error| error.to_compile_error()).into()
}
