//! The resources of the tables of operations, and the macros that expand their rows.

/// The resources of the API, in the order of its documents.
///
/// They are the tags of operations, and each is a module of `routes`. Those of another standard name it: its clients bring
/// types of their own, so that the packages have none.
pub const RESOURCES: &[(&str, &str, Option<&str>)] = &[
    ("profile", "The caller's own profile and tenants.", None),
    ("tenants", "Tenants: the caller's, or all for the platform.", None),
    ("members", "Members of a tenant.", None),
    ("entitlements", "What a tenant's subscription entitles to.", None),
    ("invitations", "Invitations of people to a tenant, by mail.", None),
    ("workspace", "The systems behind a tenant: identity, mail and files.", None),
    ("mailboxes", "Mailboxes of a tenant.", None),
    ("app_passwords", "App passwords of mailboxes, each for one mail program.", None),
    ("domains", "Domains of a tenant, and their proof by DNS.", None),
    ("users", "Users; written by the platform.", None),
    ("subscriptions", "Subscriptions; written by the platform.", None),
    ("billing", "Links to the payment provider, and its events.", None),
    (
        "evaluations",
        "The policy's decisions, as the AuthZEN Authorization API 1.0 asks for them.",
        Some("https://openid.net/specs/authorization-api-1_0.html"),
    ),
    ("api_keys", "API keys: credentials of machines of a tenant or the platform.", None),
    (
        "scim",
        "People and groups that identity providers push by SCIM 2.0 (RFC 7644).",
        Some("https://www.rfc-editor.org/rfc/rfc7644"),
    ),
    ("audit", "The audit trail.", None),
    ("events", "What changes, in pages and as a stream.", None),
    ("event_endpoints", "Endpoints to which events are delivered as signed webhooks.", None),
    ("launcher", "The public launchers of tenants.", None),
    ("sessions", "Sessions at the identity provider.", None),
];

macro_rules! method {
    (get) => {
        http::Method::GET
    };
    (post) => {
        http::Method::POST
    };
    (put) => {
        http::Method::PUT
    };
    (patch) => {
        http::Method::PATCH
    };
    (delete) => {
        http::Method::DELETE
    };
}

/// Expands the table of a section to its routes, its operations, and the shapes for the OpenAPI document.
///
/// A row is `METHOD ID = HANDLER { … }` below its path.
macro_rules! operations {
    ($(
        $path:literal {$(
            $method:ident $id:ident = $resource:ident::$handler:ident {
                summary: $summary:literal,
                access: $access:expr, sdk: $sdk:expr, commands: $commands:expr,
                shape: $shape:expr,
            }
        )+}
    )+) => {
        /// The declared operations.
        pub(super) const OPERATIONS: &[$crate::http::Operation] = {
            #[allow(unused_imports, reason = "not every section has each kind of access")]
            use $crate::{
                authz::Action::*,
                http::Access::{May, Own, Public},
            };
            &[$($(
                $crate::http::Operation {
                    id: stringify!($id),
                    method: method!($method),
                    path: $path,
                    tag: stringify!($resource),
                    summary: $summary,
                    access: $access,
                    sdk: $sdk,
                    commands: $commands,
                },
            )+)+]
        };

        /// Returns the routes of the operations.
        pub(super) fn routes() -> axum::Router<std::sync::Arc<$crate::http::HttpState>> {
            axum::Router::new()
                $(.route($path, axum::routing::MethodRouter::new()$(.$method($crate::http::routes::$resource::$handler))+))+
        }

        /// Returns the shapes of requests and answers, in the order of [`OPERATIONS`].
        pub(super) fn shapes() -> Vec<Shape> {
            vec![$($($shape),+),+]
        }
    };
}

/// Expands the list of sections, each with the module of its table, to the operations of all.
macro_rules! sections {
    ($($(#[$about:meta])* $section:ident below $prefix:literal in $module:ident;)+) => {
        $(mod $module;)+

        /// A group of routes with a common path prefix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Section {$(
            $(#[$about])*
            $section,
        )+}

        impl Section {
            /// All sections; a path that fits two of them is in the first.
            const ALL: &'static [Self] = &[$(Self::$section),+];

            /// Returns the path prefix of the section.
            const fn prefix(self) -> &'static str {
                match self {$(
                    Self::$section => $prefix,
                )+}
            }

            /// Returns the routes of its operations.
            fn operations(self) -> Router<Arc<HttpState>> {
                // Decided for each by a constant, so that what a guest never answers is not compiled into it.
                match self {$(
                    Self::$section if GUEST && Self::$section.is_of_host() => Router::new(),
                    Self::$section => $module::routes(),
                )+}
            }
        }

        /// The declared operations, section by section.
        pub static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| [$($module::OPERATIONS),+].concat());

        /// Returns the shapes of requests and answers, in the order of [`OPERATIONS`].
        fn shapes() -> Vec<Shape> {
            [$($module::shapes()),+].into_iter().flatten().collect()
        }
    };
}
