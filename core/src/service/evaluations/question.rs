//! Questions as they are asked, read from JSON.

use serde_json::{Map, Value};

use super::EvaluationsSemantic;
use crate::{
    domain::{Choice as _, MembershipRole},
    error::{Code, Error, FieldCode, FieldError, Result},
};

/// Number of evaluations that may be asked for at once.
pub const MOST_EVALUATIONS: usize = 200;

/// Maximum length of a type, an id or a name.
const MOST_CHARACTERS: usize = 512;

/// A subject or a resource: its type and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named {
    /// The type, such as `user` or `tenant`.
    pub kind: String,
    /// The id.
    pub id: String,
}

/// An action, with what the policy distinguishes beside its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The name, such as `tenant.update`.
    pub name: String,
    /// The fields that it sets (`properties.fields`).
    pub fields: Vec<String>,
    /// The role that a membership or an invitation is to have (`properties.role`).
    pub role: Option<MembershipRole>,
}

/// A question: subject, action and resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The subject.
    pub subject: Named,
    /// The action.
    pub action: Asked,
    /// The resource.
    pub resource: Named,
}

/// Several questions, or one without a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several {
    /// The questions; instead of one that cannot be read, what is wrong with it.
    pub questions: Vec<Result<Question, String>>,
    /// The point at which to stop.
    pub semantic: EvaluationsSemantic,
    /// `true` if there was no list, so that the answer is that of a single evaluation.
    pub single: bool,
}

/// Reads members of the body, and collects what is wrong with them. Members that the specification does not name are ignored, as
/// it wants.
pub(super) struct Body<'a> {
    members: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Body<'a> {
    pub(super) fn new(body: &'a Value) -> Result<Self> {
        match body {
            Value::Object(members) => Ok(Self { members, errors: Vec::new() }),
            _ => Err(Error::new(Code::INVALID_EVALUATION, "the body must be a JSON object")),
        }
    }

    pub(super) fn wrong(&mut self, field: impl Into<String>, code: FieldCode, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, code, message.into()));
    }

    pub(super) fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    pub(super) fn finish(self) -> Result<()> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = self.errors.iter().map(|error| format!("`{}` {}", error.field, error.message)).collect();
        Err(Error::new(Code::INVALID_EVALUATION, told.join("; ")).with_fields(self.errors))
    }

    /// Reads a text of an object.
    fn text(&mut self, object: &Map<String, Value>, path: &str, name: &str) -> String {
        let field = format!("{path}.{name}");
        match object.get(name) {
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MOST_CHARACTERS => return text.clone(),
            Some(Value::String(text)) if text.is_empty() => self.wrong(field, FieldCode::EMPTY, "must not be empty"),
            Some(Value::String(_)) => {
                self.wrong(field, FieldCode::TOO_LONG, format!("must have at most {MOST_CHARACTERS} bytes"));
            }
            Some(_) => self.wrong(field, FieldCode::WRONG_TYPE, "must be a text"),
            None => self.wrong(field, FieldCode::REQUIRED, "this field is required"),
        }
        String::new()
    }

    fn object(&mut self, value: Option<&'a Value>, path: &str) -> Option<&'a Map<String, Value>> {
        match value {
            Some(Value::Object(object)) => return Some(object),
            Some(_) => self.wrong(path, FieldCode::WRONG_TYPE, "must be an object"),
            None => self.wrong(path, FieldCode::REQUIRED, "this field is required"),
        }
        None
    }

    /// Reads a subject or resource.
    pub(super) fn named(&mut self, value: Option<&'a Value>, path: &str) -> Named {
        let Some(object) = self.object(value, path) else { return Named { kind: String::new(), id: String::new() } };
        Named { kind: self.text(object, path, "type"), id: self.text(object, path, "id") }
    }

    /// Reads the type of a subject or resource that is searched for.
    pub(super) fn kind(&mut self, value: Option<&'a Value>, path: &str) -> String {
        self.object(value, path).map(|object| self.text(object, path, "type")).unwrap_or_default()
    }

    /// Reads an action.
    pub(super) fn action(&mut self, value: Option<&'a Value>, path: &str) -> Asked {
        let Some(object) = self.object(value, path) else { return Asked::default() };
        let name = self.text(object, path, "name");
        let properties = match object.get("properties") {
            None | Some(Value::Null) => return Asked { name, ..Asked::default() },
            Some(Value::Object(properties)) => properties,
            Some(_) => {
                self.wrong(format!("{path}.properties"), FieldCode::WRONG_TYPE, "must be an object");
                return Asked { name, ..Asked::default() };
            }
        };
        let fields = match properties.get("fields") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(fields)) if fields.len() <= 50 && fields.iter().all(Value::is_string) => {
                fields.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                self.wrong(
                    format!("{path}.properties.fields"),
                    FieldCode::WRONG_TYPE,
                    "must be a list of at most 50 names",
                );
                Vec::new()
            }
        };
        let role = match properties.get("role") {
            None | Some(Value::Null) => None,
            Some(role) => {
                let known = role.as_str().and_then(MembershipRole::of);
                if known.is_none() {
                    let problem = crate::domain::fields::no_choice::<MembershipRole>();
                    self.errors.push(problem.of(&format!("{path}.properties.role")));
                }
                known
            }
        };
        Asked { name, fields, role }
    }
}

impl Question {
    /// Reads the body of a single evaluation.
    ///
    /// # Errors
    /// `invalid_evaluation`.
    pub fn read(body: &Value) -> Result<Self> {
        let mut body = Body::new(body)?;
        let question = Self {
            subject: body.named(body.member("subject"), "subject"),
            action: body.action(body.member("action"), "action"),
            resource: body.named(body.member("resource"), "resource"),
        };
        body.finish()?;
        Ok(question)
    }
}

impl Several {
    /// Reads the body of several evaluations, whose members outside of the list are defaults of those within (§7.1).
    ///
    /// # Errors
    /// `invalid_evaluation`.
    pub fn read(value: &Value) -> Result<Self> {
        let mut body = Body::new(value)?;
        let list = match body.member("evaluations") {
            None => &[][..],
            Some(Value::Array(list)) if list.len() <= MOST_EVALUATIONS => list,
            Some(Value::Array(list)) => {
                let message = format!("has {} entries, and at most {MOST_EVALUATIONS} are allowed", list.len());
                body.wrong("evaluations", FieldCode::TOO_LONG, message);
                &[]
            }
            Some(_) => {
                body.wrong("evaluations", FieldCode::WRONG_TYPE, "must be a list");
                &[]
            }
        };
        let semantic = body.semantic();
        if list.is_empty() {
            body.finish()?;
            let question = Question::read(value)?;
            return Ok(Self { questions: vec![Ok(question)], semantic, single: true });
        }
        let mut questions = Vec::with_capacity(list.len());
        for (position, entry) in list.iter().enumerate() {
            let Value::Object(entry) = entry else {
                questions.push(Err(format!("`evaluations[{position}]` must be an object")));
                continue;
            };
            let own = |name: &str| entry.get(name).or_else(|| body.member(name));
            // One that is wrong is denied by itself, and the others are answered.
            let mut one = Body { members: entry, errors: Vec::new() };
            let question = Question {
                subject: one.named(own("subject"), &format!("evaluations[{position}].subject")),
                action: one.action(own("action"), &format!("evaluations[{position}].action")),
                resource: one.named(own("resource"), &format!("evaluations[{position}].resource")),
            };
            questions.push(one.finish().map(|()| question).map_err(|error| error.message().to_owned()));
        }
        body.finish()?;
        Ok(Self { questions, semantic, single: false })
    }
}

impl Body<'_> {
    fn semantic(&mut self) -> EvaluationsSemantic {
        let Some(wanted) = self.member("options").and_then(|options| options.get("evaluations_semantic")) else {
            return EvaluationsSemantic::ExecuteAll;
        };
        let known = wanted.as_str().and_then(EvaluationsSemantic::of);
        known.unwrap_or_else(|| {
            let problem = crate::domain::fields::no_choice::<EvaluationsSemantic>();
            self.errors.push(problem.of("options.evaluations_semantic"));
            EvaluationsSemantic::ExecuteAll
        })
    }
}
