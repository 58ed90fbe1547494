//! Declares the entities of Dezky: a struct with attributes, from which everything follows that is known of its fields.
//!
//! The macros write paths that begin with `crate::`, and are for the crate `dezky` alone. Rules that relate fields are ordinary
//! code beside the declaration, which names it where it applies.

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
/// `Clone`, `PartialEq`, `Eq`, `Serialize` and `Deserialize` are derived, with names in camelCase; an `Option` that is `None` is
/// left out, unless the field has `#[serde(…)]` of its own. `Debug` is left to the entity, since some must not be seen.
///
/// # Arguments
///
/// - `collection SUBSCRIPTIONS = "subscriptions"`: the static that declares the collection to stores.
/// - `scope = …`: whose the documents are, an expression of the type `Scope`.
/// - `guest = …`: what a sandboxed component reads of them, an expression of the type `Guest`. Nothing without it.
/// - `keys = Self::keys`: the function that computes the unique keys of an entity. It has none without it.
/// - `seen = MEMBERS`: who is shown a field that only says `see`: a constant of `Callers`, or several with `|`.
/// - `index SUBSCRIPTIONS_OF_TENANT = of_tenant(tenant_id, created_at)`: an index, with its constant. Its fields must be declared.
/// - `words _words(name, email: ADDRESSED)`: a field of terms out of the words of these fields, each with its mark if it has one.
/// - `view SubscriptionView`: what is returned, made by `SubscriptionView::shown_to(entity, viewer, …)`.
/// - `create CreateSubscription`, `update UpdateSubscription`: what is taken, with `read(body)` for JSON, `build(…)` for typed values,
///   `fields()`, and `apply(&mut entity)` (`apply_plain`, where fields are left to hand), and the body in the API's document.
///   An entity that is created has a constructor `blank(…, now)` too. Other attributes, such as `#[schema(example = …)]`, are the
///   body's.
///
/// # Fields
///
/// `id`, `version`, `created_at` and `updated_at` need no attribute: everybody who sees a document sees them. Of all others, what is not
/// declared is denied: a field without `see` is in no view, and one without `read` and `see` is never given to a component but
/// for the platform.
///
/// - `see`: whoever is shown the document is shown the field. `see = OWNERS`, `see = ADMINS | ONESELF`: these alone, to others it is
///   absent, and so the field must be an `Option`.
/// - `unseen`: the view lacks it, though it is one of those four.
/// - `read = ADMINS`: who may have it read by a component, where that differs from who is shown it.
/// - `shown = expression`: what is shown instead of the field; `entity` and `viewer` are in scope.
/// - `shown_as = email`: its name in the view.
/// - `personal`, `impersonal`: whether its values say something about a person, and so stand apart from audit events. A text that says
///   neither counts as personal, and a test refuses it.
/// - `silent`: its change is no news, because it follows from others. `silent(creation)`: its first value is none.
/// - `derived(name, Name)`: the text of the field `name` in the form `Form::Name`, in which it is searched and sorted.
/// - `given`: an argument of `blank`. `initial = expression`: its value in a blank entity instead of its type's default.
/// - `input = patch(time)`: how `create` and `update` read it; `create = …` and `update = …` where they differ. The way is one of
///   `required`, `optional`, `default(value, …)`, `replace` (may be absent, but is not removed), `patch` (is removed by `null`),
///   `list(most, …)`, `entries(most, Type)` (of parts with `entry`) and `object(TypePatch)` (of a part with `patch`). The parser is a function
///   from a JSON value, with further arguments if it takes any: `patch(text(255))`.
/// - `set = PLATFORM`: who may set it by an update, where that is narrower than the action.
/// - `apply = Tenant::set_status`: the function `fn(&mut Entity, value)` that sets it, when other fields follow from it.
/// - `by_hand`: no generated code sets it; the entity's own `apply` does.
/// - `text_in_view = "…"`, `text_in_create = "…"`, `text_in_update = "…"`: what the API's document says, where it is not the first paragraph of
///   the field's documentation. Who may set a field is added to what updates say.
///
/// A field with `#[shown(expression)]` is stored nowhere: the view computes it from `entity` and `viewer`, or, with `#[shown(argument)]`,
/// takes it as an argument.
#[proc_macro_attribute]
pub fn entity(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let arguments = parse_macro_input!(arguments as Arguments);
    finish(Declaration::read(parse_macro_input!(item as DeriveInput)).and_then(|declaration| {
        let mut all = collection::stored(&declaration);
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
/// What it is derived to and how names are written is as of an entity; of a field's arguments only `input` counts.
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
/// - `#[choice(unknown)]` marks the variant as which a text counts that is none of the names: what grants least.
/// - `#[choice(reversed)]`: names are listed from the last to the first.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    finish(choice::choice(parse_macro_input!(item as DeriveInput)))
}

/// Derives how a store sees a field of an enum that is no `Choice`: as a text that nobody chose freely.
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
