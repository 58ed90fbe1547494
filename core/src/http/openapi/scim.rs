//! Shapes and schemas of the routes of SCIM 2.0, which has a media type and errors of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, ResponseBuilder, Schema,
        schema::{AnyOfBuilder, ArrayBuilder, SchemaType, Type},
    },
};

use super::shape::Shape;
use crate::{
    http::problem::{self, Problem},
    scim::{
        self, GROUP, MEDIA_TYPE, USER,
        schema::{Attribute, Kind},
    },
};

/// An error of SCIM (RFC 7644 §3.12).
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is answered")]
pub(crate) struct ScimError {
    schemas: Vec<String>,
    /// The HTTP status, as text.
    status: String,
    /// The kind of a fault of the request.
    #[schema(nullable = false)]
    scim_type: Option<String>,
    /// Advice on what to change, for a person.
    detail: String,
}

/// A person as an identity provider pushes them.
pub(crate) struct ScimUser;

/// A group as an identity provider pushes it.
pub(crate) struct ScimGroup;

impl PartialSchema for ScimUser {
    fn schema() -> RefOr<Schema> {
        let about =
            "A person as an identity provider pushes them. Further attributes of RFC 7643 are accepted and not stored.";
        pushed(&USER, about, json!({ "externalId": "0b7c", "userName": "bea@example.eu", "active": true }))
    }
}

impl ToSchema for ScimUser {}

impl PartialSchema for ScimGroup {
    fn schema() -> RefOr<Schema> {
        pushed(&GROUP, "A group as an identity provider pushes it.", json!({ "displayName": "tenant-acme" }))
    }
}

impl ToSchema for ScimGroup {}

/// Describes what a client sends of a resource, from the attributes of its schema.
fn pushed(schema: &'static scim::Schema, about: &str, mut example: Value) -> RefOr<Schema> {
    if let Value::Object(members) = &mut example {
        members.insert("schemas".to_owned(), json!([schema.urn]));
    }
    let schemas = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String));
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(about)).examples([example]);
    let attributes = schema.all().filter(|attribute| !attribute.read_only);
    attributes.fold(object.property("schemas", schemas), with).into()
}

/// Adds an attribute to the properties of an object.
fn with(object: ObjectBuilder, attribute: &'static Attribute) -> ObjectBuilder {
    let one = match attribute.kind {
        Kind::Complex => {
            attribute.sub.iter().fold(ObjectBuilder::new().schema_type(kind(attribute, Type::Object)), with)
        }
        Kind::Boolean => ObjectBuilder::new().schema_type(kind(attribute, Type::Boolean)),
        Kind::String | Kind::DateTime | Kind::Reference => ObjectBuilder::new()
            .schema_type(kind(attribute, Type::String))
            .min_length(attribute.required.then_some(1))
            .max_length(Some(attribute.longest)),
    };
    let object = if attribute.required { object.required(attribute.name) } else { object };
    if attribute.multi_valued {
        let one: RefOr<Schema> = one.into();
        let values = ArrayBuilder::new().schema_type(kind(attribute, Type::Array)).items(one.clone());
        // Some clients send a single value without the list around it.
        let either = AnyOfBuilder::new().item(values.max_items(Some(attribute.most))).item(one);
        return object.property(attribute.name, either.description(Some(attribute.about)));
    }
    object.property(attribute.name, one.description(Some(attribute.about)))
}

/// Returns the type of an attribute, which may be `null` unless it is required (RFC 7643 §2.5).
fn kind(attribute: &Attribute, kind: Type) -> SchemaType {
    if attribute.required { kind.into() } else { SchemaType::from_iter([kind, Type::Null]) }
}

/// A resource, with the attributes that were asked for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is answered")]
pub(crate) struct ScimResource {
    schemas: Vec<String>,
    id: String,
    #[schema(nullable = false)]
    meta: Option<BTreeMap<String, String>>,
}

/// A page of resources (RFC 7644 §3.4.2).
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is answered")]
pub(crate) struct ScimList {
    schemas: Vec<String>,
    /// Number of resources that fit.
    total_results: u64,
    /// Place of the first resource of the page, from 1.
    start_index: u64,
    /// Number of resources of the page.
    items_per_page: u64,
    #[serde(rename = "Resources")]
    resources: Vec<Value>,
}

/// An operation of a patch.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ScimOperation {
    /// `add`, `replace` or `remove`.
    op: String,
    /// Path of an attribute, such as `emails[type eq "work"].value`.
    path: Option<String>,
    #[schema(value_type = Value)]
    value: Option<Value>,
}

/// A patch (RFC 7644 §3.5.2).
#[derive(ToSchema)]
#[schema(example = json!({
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": false}]
}))]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ScimPatch {
    schemas: Option<Vec<String>>,
    #[serde(rename = "Operations")]
    #[schema(min_items = 1, max_items = 1000)]
    operations: Vec<ScimOperation>,
}

/// A search (RFC 7644 §3.4.3).
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ScimSearch {
    schemas: Option<Vec<String>>,
    /// Only these attributes.
    attributes: Option<Vec<String>>,
    /// All but these attributes.
    excluded_attributes: Option<Vec<String>>,
    /// Only resources that fit.
    filter: Option<String>,
    /// Place of the first resource of the page, from 1.
    start_index: Option<i64>,
    /// Number of resources of the page, at most 200.
    count: Option<i64>,
}

/// The parameters of an answer with resources.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ScimProjection {
    /// Only these attributes, with commas between them
    #[param(nullable = false)]
    attributes: Option<String>,
    /// All but these attributes
    #[param(nullable = false)]
    excluded_attributes: Option<String>,
}

/// The parameters of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct ScimListing {
    /// Only resources that fit, such as `userName eq "anna"`
    #[param(nullable = false)]
    filter: Option<String>,
    /// Place of the first resource of the page, from 1
    #[param(nullable = false)]
    start_index: Option<i64>,
    /// Number of resources of the page, at most 200
    #[param(nullable = false)]
    count: Option<i64>,
}

impl Shape {
    fn scim() -> Self {
        let mut shape = Self::empty();
        for (status, about) in [("4XX", "Refused; `detail` says why"), ("5XX", "Not possible now")] {
            let (error, problem) = (shape.content::<ScimError>(), shape.content::<Problem>());
            let answer = ResponseBuilder::new().description(about);
            shape = shape.answered(status, answer.content(MEDIA_TYPE, error).content(problem::MEDIA_TYPE, problem));
        }
        shape
    }

    /// Describes an answer with SCIM's media type.
    fn answering<V: ToSchema>(mut self, status: &'static str, about: &str) -> Self {
        let content = self.content::<V>();
        self.answered(status, ResponseBuilder::new().description(about).content(MEDIA_TYPE, content))
    }

    /// Describes data about the service.
    pub(crate) fn scim_discovery() -> Self {
        Self::scim().answering::<Value>("200", "The description")
    }

    /// Describes a list.
    pub(crate) fn scim_list() -> Self {
        Self::scim().answering::<ScimList>("200", "A page").asked_by::<ScimListing>().asked_by::<ScimProjection>()
    }

    /// Describes a search by `POST`.
    pub(crate) fn scim_search() -> Self {
        Self::scim().taking::<ScimSearch>(MEDIA_TYPE, None).answering::<ScimList>("200", "A page")
    }

    /// Describes a new resource.
    pub(crate) fn scim_created<B: ToSchema>() -> Self {
        let shape = Self::scim().taking::<B>(MEDIA_TYPE, None).asked_by::<ScimProjection>();
        shape.answering::<ScimResource>("201", "Created")
    }

    /// Describes a resource.
    pub(crate) fn scim_read() -> Self {
        let shape = Self::scim().answering::<ScimResource>("200", "The resource").asked_by::<ScimProjection>();
        shape.answered("304", ResponseBuilder::new().description("The caller has this version"))
    }

    /// Describes a replaced resource.
    pub(crate) fn scim_replaced<B: ToSchema>() -> Self {
        let shape = Self::scim().guarded().taking::<B>(MEDIA_TYPE, None).asked_by::<ScimProjection>();
        shape.answering::<ScimResource>("200", "The resource")
    }

    /// Describes a patched resource.
    pub(crate) fn scim_patched() -> Self {
        Self::scim_replaced::<ScimPatch>()
    }

    /// Describes a patched resource that is not answered.
    pub(crate) fn scim_patched_silently() -> Self {
        let shape = Self::scim().guarded().taking::<ScimPatch>(MEDIA_TYPE, None);
        shape.answered("204", ResponseBuilder::new().description("Done"))
    }

    /// Describes the removal of a resource.
    pub(crate) fn scim_deleted() -> Self {
        Self::scim().guarded().answered("204", ResponseBuilder::new().description("Done"))
    }
}
