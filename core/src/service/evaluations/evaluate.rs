//! Evaluates questions on the facts that are stored now.

use dezky_derive::Choice;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Question, Several,
    facts::{Facts, Person, Thing, actor, tenant_facts},
};
use crate::{
    authz::{Action, Outcome, Reason, Resource, TargetFacts, decide, policy::settable},
    callers::Callers,
    domain::User,
    error::{Code, Result},
    service::{
        Call, Service,
        access::{CallerFacts, check},
        rights::explain,
    },
};

/// The point at which several evaluations end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationsSemantic {
    /// After the last one.
    #[default]
    #[choice(unknown)]
    ExecuteAll,
    /// After the first one that is denied.
    DenyOnFirstDeny,
    /// After the first one that is permitted.
    PermitOnFirstPermit,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Evaluation {
    /// `true` if the subject may.
    pub decision: bool,
    /// The reason.
    pub context: EvaluationContext,
}

/// The reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EvaluationContext {
    /// `granted`, or the code that the subject would be refused with; `subject_unknown`, `action_unknown` or `not_found` if there is
    /// nothing to decide on.
    pub reason: &'static str,
    /// The kind of caller that the subject is granted the action as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_as: Option<&'static str>,
    /// The reason, in words.
    pub because: String,
}

/// Several decisions, in the order of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Evaluations {
    /// The decisions, up to that which ended the evaluation.
    pub evaluations: Vec<Evaluation>,
}

/// The answer to several evaluations; that of one where no list was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EvaluationsAnswer {
    /// Of a list.
    Several(Evaluations),
    /// Of a single evaluation.
    Single(Evaluation),
}

impl Evaluations {
    /// Returns the answer to the request, which had no list if `single`.
    #[must_use]
    pub fn answer(mut self, single: bool) -> EvaluationsAnswer {
        match self.evaluations.pop() {
            Some(one) if single => EvaluationsAnswer::Single(one),
            last => {
                self.evaluations.extend(last);
                EvaluationsAnswer::Several(self)
            }
        }
    }
}

impl Evaluation {
    pub(super) fn denied(reason: &'static str, because: &str) -> Self {
        let because = because.to_owned();
        Self { decision: false, context: EvaluationContext { reason, granted_as: None, because } }
    }
}

impl Service {
    /// Evaluates a question: for the platform about everybody, for people about themselves.
    ///
    /// # Errors
    /// `platform_admin_required`.
    pub async fn evaluate(&self, call: &Call, question: Question) -> Result<Evaluation> {
        let several =
            Several { questions: vec![Ok(question)], semantic: EvaluationsSemantic::ExecuteAll, single: true };
        let mut found = self.evaluate_several(call, several).await?.evaluations;
        Ok(found.pop().unwrap_or_else(|| Evaluation::denied(Code::NOT_FOUND.name(), "there was no question")))
    }

    /// Evaluates several questions, with as many reads as for one.
    ///
    /// # Errors
    /// As [`Service::evaluate`].
    pub async fn evaluate_several(&self, call: &Call, asked: Several) -> Result<Evaluations> {
        let caller = self.caller(call).await?;
        let questions: Vec<Question> = asked.questions.iter().filter_map(|question| question.clone().ok()).collect();
        for question in &questions {
            check_about(&caller, Person::of(&question.subject).as_ref())?;
        }
        let facts = Facts::read(self, call, &questions).await?;
        let mut evaluations = Vec::with_capacity(asked.questions.len());
        for question in &asked.questions {
            let evaluation = match question {
                Ok(question) => self.answer(&facts, question),
                Err(wrong) => Evaluation::denied(Code::INVALID_EVALUATION.name(), wrong),
            };
            let permitted = evaluation.decision;
            evaluations.push(evaluation);
            match asked.semantic {
                EvaluationsSemantic::DenyOnFirstDeny if !permitted => break,
                EvaluationsSemantic::PermitOnFirstPermit if permitted => break,
                _ => {}
            }
        }
        Ok(Evaluations { evaluations })
    }

    pub(super) fn answer(&self, facts: &Facts, question: &Question) -> Evaluation {
        let Some(action) = Action::named(&question.action.name) else {
            return Evaluation::denied("action_unknown", "the policy has no action of this name");
        };
        let Some(user) = Person::of(&question.subject).and_then(|person| facts.user(&person)) else {
            return Evaluation::denied("subject_unknown", "there is no user of this id");
        };
        let Some(thing) = facts.thing(&question.resource).filter(|thing| concerns(action, thing)) else {
            return nothing();
        };
        self.decide_on(facts, user, action, &thing, question)
    }

    pub(super) fn decide_on(
        &self,
        facts: &Facts,
        user: &User,
        action: Action,
        thing: &Thing,
        question: &Question,
    ) -> Evaluation {
        let bound_to = facts.bound_to(self, user);
        let actor = actor(user, bound_to.as_deref());
        let is_known = |name: &&String| settable(action).iter().any(|field| field.name == **name);
        if let Some(unknown) = question.action.fields.iter().find(|name| !is_known(name)) {
            let because = format!("the action sets no field `{}`", unknown.escape_debug());
            return Evaluation::denied("field_unknown", &because);
        }
        let known = settable(action).iter().map(|field| field.name);
        let fields: Vec<&'static str> =
            known.filter(|name| question.action.fields.iter().any(|one| one == name)).collect();
        let tenant = thing.tenant();
        let wanted = question.action.role;
        let makes_admin = fields.contains(&"platformAdmin");
        let (oneself, target, lasting_admin) = match thing {
            Thing::Platform => (false, TargetFacts::default(), makes_admin),
            Thing::Tenant(_) => (false, TargetFacts { wanted, ..TargetFacts::default() }, false),
            Thing::Part { owner, .. } => {
                let own = *owner == Some(user.id) && action.rule().allowed.includes(Callers::ONESELF);
                (own, TargetFacts::default(), false)
            }
            Thing::Membership { membership, .. } => {
                let current = membership.active.then_some(membership.role);
                (false, TargetFacts { current, wanted, last_owner: facts.is_last_owner(membership.id) }, false)
            }
            Thing::User(of) => {
                let lasting = crate::authz::PlatformRight::of(of) == crate::authz::PlatformRight::Lasting;
                (of.id == user.id, TargetFacts::default(), lasting || makes_admin)
            }
        };
        let role = tenant.and_then(|tenant| facts.role(tenant.id, user.id));
        let resource =
            Resource { tenant: tenant.map(tenant_facts), role, oneself, target, lasting_admin, fields: &fields };
        let mut decision = decide(&actor, action, &resource);
        if oneself && tenant.is_some() && user.platform_admin && decision.outcome != Outcome::Allow {
            // What only the owner may do, an administrator of the platform does as the member that they are.
            let mut member = user.clone();
            member.platform_admin = false;
            decision = decide(&self::actor(&member, bound_to.as_deref()), action, &resource);
        }
        if decision.outcome == Outcome::Hide {
            return nothing();
        }
        let granted_as = match decision.reason {
            Reason::Granted(kind) => Some(kind),
            _ => None,
        };
        Evaluation {
            decision: decision.outcome == Outcome::Allow,
            context: EvaluationContext {
                reason: decision.reason.code().map_or("granted", Code::name),
                granted_as,
                because: explain(decision.reason),
            },
        }
    }
}

/// Returns the answer about what does not exist, or seems not to.
fn nothing() -> Evaluation {
    Evaluation::denied(Code::NOT_FOUND.name(), "to the subject, nothing of this type and id is there for the action")
}

/// Refuses questions about others, but for the platform.
pub(super) fn check_about(caller: &CallerFacts, person: Option<&Person>) -> Result<()> {
    let oneself = match (caller, person) {
        (CallerFacts::Person { user, .. }, Some(person)) => person.is(user),
        _ => false,
    };
    check(caller, Action::EvaluateAccess, &Resource { oneself, ..Resource::default() })
}

/// Returns `true` if an action is one on this kind of thing.
fn concerns(action: Action, thing: &Thing) -> bool {
    let of_user = action.name().starts_with("user.") && action.rule().seen.includes(Callers::ONESELF);
    match thing {
        Thing::User(_) => of_user && !action.rule().seen.includes(Callers::STRANGER),
        Thing::Platform => !action.concerns_tenant(),
        Thing::Tenant(_) => action.concerns_tenant(),
        Thing::Part { actions, .. } => actions.contains(&action.name().split('.').next().unwrap_or_default()),
        Thing::Membership { .. } => action.name().starts_with("membership."),
    }
}
