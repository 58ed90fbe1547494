//! The kinds of operations, with their parameters, bodies, headers and answers.

use std::collections::BTreeMap;

use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        Content, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::{SchemaType, Type},
    },
};

use crate::http::{
    live::MEDIA_TYPE,
    problem::{self, Problem},
};

const JSON: &str = "application/json";

/// Pattern of ids.
const OBJECT_ID: &str = "^[0-9a-fA-F]{24}$";

/// The description of an operation's requests and answers.
pub(crate) struct Shape {
    parameters: Vec<Parameter>,
    headers: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: Vec<(&'static str, Response)>,
    pub(super) schemas: BTreeMap<String, RefOr<Schema>>,
}

/// The parameters of every list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what is read")]
struct Paging {
    /// Maximum number of items. Default: 50
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `nextCursor` of the previous page
    #[param(nullable = false)]
    cursor: Option<String>,
}

impl Shape {
    /// Creates a shape without answers.
    pub(super) fn empty() -> Self {
        Self { parameters: Vec::new(), headers: Vec::new(), body: None, answers: Vec::new(), schemas: BTreeMap::new() }
    }

    /// Creates a shape with the refusals that every operation may give.
    fn new() -> Self {
        let mut shape = Self::empty();
        for (status, about) in [("4XX", "Refused; `code` says why"), ("5XX", "Not possible now")] {
            let content = shape.content::<Problem>();
            let answer = ResponseBuilder::new().description(about).content(problem::MEDIA_TYPE, content);
            shape.answers.push((status, answer.build()));
        }
        shape
    }

    /// Describes a page of a list.
    pub(crate) fn page<P: ToSchema>() -> Self {
        let mut shape = Self::new();
        let content = shape.content::<P>();
        shape.answered("200", ResponseBuilder::new().description("A page").content(JSON, content))
    }

    /// Describes a document.
    pub(crate) fn document<V: ToSchema>() -> Self {
        Self::new()
            .header("If-None-Match", "Tag of the version that the caller has; 304 when it is still that", text())
            .shown::<V>()
            .answered("304", ResponseBuilder::new().description("The caller has this version"))
    }

    /// Describes a document that is also given as server-sent events, one for each change of it.
    pub(crate) fn followed<V: ToSchema>() -> Self {
        Self::document::<V>()
            .with_events("Events with the document as data and its tag as id; the last one may be a `problem`")
    }

    /// Describes a list that is also given as server-sent events, one for each item that is added.
    pub(crate) fn streamed(self) -> Self {
        self.with_events("Events with an item as data and its id as id, from now on; the last one may be a `problem`")
    }

    fn with_events(self, about: &str) -> Self {
        let mut shape = self.header(
            "Last-Event-ID",
            "With `Accept: text/event-stream`: id of the last event that the caller has",
            text(),
        );
        if let Some((_, answer)) = shape.answers.iter_mut().find(|(status, _)| *status == "200") {
            let events = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(about));
            answer.content.insert(MEDIA_TYPE.to_owned(), ContentBuilder::new().schema(Some(events)).build().into());
        }
        shape
    }

    /// Describes a new document.
    pub(crate) fn created<B: ToSchema, V: ToSchema>() -> Self {
        let mut shape = Self::new().once().taking::<B>(JSON, None);
        let content = shape.content::<V>();
        let answer = ResponseBuilder::new()
            .description("Created")
            .content(JSON, content)
            .header("ETag", told("Tag of this view"))
            .header("Location", told("Where it is"));
        shape.answered("201", answer)
    }

    /// Describes a new document with a secret, which is shown once.
    pub(crate) fn shown_once<B: ToSchema, V: ToSchema>() -> Self {
        let about =
            "A repeated request has no effect and is refused, since the secret is not stored; kept for 24 hours";
        let key = text().min_length(Some(1)).max_length(Some(255));
        let mut shape = Self::new().header("Idempotency-Key", about, key).taking::<B>(JSON, None);
        let content = shape.content::<V>();
        let answer = ResponseBuilder::new()
            .description("Done; `secret` is shown once")
            .content(JSON, content)
            .header("Location", told("Where it is"));
        shape.answered("201", answer)
    }

    /// Describes a changed document with a new secret, which is shown once.
    pub(crate) fn renewed<V: ToSchema>() -> Self {
        let about =
            "A repeated request has no effect and is refused, since the secret is not stored; kept for 24 hours";
        let key = text().min_length(Some(1)).max_length(Some(255));
        let mut shape = Self::new().header("Idempotency-Key", about, key).guarded();
        let content = shape.content::<V>();
        shape.answered("200", ResponseBuilder::new().description("`secret` is shown once").content(JSON, content))
    }

    /// Describes a changed document.
    pub(crate) fn changed<B: ToSchema, V: ToSchema>() -> Self {
        Self::new().guarded().taking::<B>("application/merge-patch+json", None).shown::<V>()
    }

    /// Describes an action on a document.
    pub(crate) fn acted<V: ToSchema>() -> Self {
        Self::new().once().guarded().shown::<V>()
    }

    /// Describes a question that only the status answers.
    pub(crate) fn allowed(yes: &'static str) -> Self {
        Self::new().answered("200", ResponseBuilder::new().description(yes))
    }

    /// Describes a request that is answered with a document.
    pub(crate) fn sent<B: ToSchema, V: ToSchema>() -> Self {
        Self::new().taking::<B>(JSON, None).shown::<V>()
    }

    /// Describes a request whose answer is made once for its idempotency key.
    pub(crate) fn made<B: ToSchema, V: ToSchema>() -> Self {
        Self::new().once().taking::<B>(JSON, None).shown::<V>()
    }

    /// Describes the same for a request that is complete without a body.
    pub(crate) fn opened<V: ToSchema>() -> Self {
        Self::new().once().shown::<V>()
    }

    /// Describes a body that is taken byte for byte, and answered without one.
    pub(crate) fn bytes<B: ToSchema>(about: &'static str, done: &'static str) -> Self {
        Self::new().taking::<B>(JSON, Some(about)).answered("200", ResponseBuilder::new().description(done))
    }

    /// Describes the removal of a document.
    pub(crate) fn deleted() -> Self {
        Self::new().guarded().answered("204", ResponseBuilder::new().description("Done"))
    }

    /// Describes a form that is answered without a body.
    pub(crate) fn form<B: ToSchema>(about: &'static str, done: &'static str) -> Self {
        Self::new()
            .taking::<B>("application/x-www-form-urlencoded", Some(about))
            .answered("200", ResponseBuilder::new().description(done))
    }

    /// Adds query parameters.
    pub(crate) fn asked_by<P: IntoParams>(mut self) -> Self {
        self.parameters.extend(P::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// Adds the parameters of every list.
    pub(crate) fn in_pages(self) -> Self {
        self.asked_by::<Paging>()
    }

    /// Adds the parameters of a path, by their names.
    pub(super) fn of_path(mut self, path: &str) -> Self {
        let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let parameters = names.map(|name| {
            let (about, schema) = match name {
                "tenant" => ("Id or slug of the tenant", ObjectBuilder::new()),
                "user" => ("Id of the user", ObjectBuilder::new().pattern(Some(OBJECT_ID))),
                "directory" => (
                    "Id of the issuer, or id or slug of a tenant with one of its own",
                    ObjectBuilder::new().pattern(Some("^[0-9A-Za-z._-]{1,255}$")),
                ),
                "schema" | "type" => ("Its id", ObjectBuilder::new()),
                "domain" => ("The domain", ObjectBuilder::new().max_length(Some(1_000))),
                "password" => ("Id of the app password", ObjectBuilder::new().pattern(Some(OBJECT_ID))),
                _ => ("Id", ObjectBuilder::new().pattern(Some(OBJECT_ID))),
            };
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(about))
                .schema(Some(schema.schema_type(Type::String)))
                .build()
        });
        self.parameters = parameters.chain(std::mem::take(&mut self.parameters)).collect();
        self
    }

    /// Adds the whole shape to an operation.
    pub(super) fn describe(self, operation: OperationBuilder) -> OperationBuilder {
        let parameters: Vec<_> = self.parameters.into_iter().chain(self.headers).collect();
        let mut operation =
            operation.parameters((!parameters.is_empty()).then_some(parameters)).request_body(self.body);
        for (status, answer) in self.answers {
            operation = operation.response(status, answer);
        }
        operation
    }

    /// Adds the schema of a type to the document, and returns content that refers to it.
    pub(super) fn content<T: ToSchema>(&mut self) -> Content {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        self.schemas.extend(schemas);
        ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).build()
    }

    pub(super) fn taking<B: ToSchema>(mut self, media_type: &str, about: Option<&str>) -> Self {
        let content = self.content::<B>();
        let body = RequestBodyBuilder::new().content(media_type, content).required(Some(Required::True));
        self.body = Some(body.description(about).build());
        self
    }

    pub(super) fn answered(mut self, status: &'static str, answer: ResponseBuilder) -> Self {
        self.answers.push((status, answer.build()));
        self
    }

    fn shown<V: ToSchema>(mut self) -> Self {
        let content = self.content::<V>();
        let answer = ResponseBuilder::new().description("The document").content(JSON, content);
        self.answered("200", answer.header("ETag", told("Tag of this view, for `If-Match`")))
    }

    fn header(mut self, name: &str, about: &str, schema: ObjectBuilder) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(schema));
        self.headers.push(parameter.build());
        self
    }

    /// Adds the key that makes a repeated request take effect once.
    pub(crate) fn once(self) -> Self {
        let about = "Makes a repeated request have one effect; kept for 24 hours";
        self.header("Idempotency-Key", about, text().min_length(Some(1)).max_length(Some(255)))
    }

    /// Adds the tag of the expected version.
    pub(super) fn guarded(self) -> Self {
        self.header("If-Match", "Tag of the version to change; 412 when it is another", text())
    }
}

/// Returns the schema of an optional request header.
fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// Describes a header of answers.
fn told(about: &str) -> utoipa::openapi::Header {
    let text = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new().schema(Some(text)).description(Some(about)).build()
}
