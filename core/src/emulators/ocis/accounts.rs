//! People of the directory, and their roles in the whole system.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Handled, Refusal, empty, json_answer},
    groups,
    odata::{self, AccountFilter},
    request::{Request, optional_text},
    roles::AppRole,
    state::{Account, State},
};

/// Members of a person that a body may have.
const KNOWN: &[&str] = &[
    "id",
    "accountEnabled",
    "appRoleAssignments",
    "displayName",
    "drive",
    "drives",
    "givenName",
    "identities",
    "mail",
    "memberOf",
    "onPremisesSamAccountName",
    "passwordProfile",
    "preferredLanguage",
    "surname",
    "userType",
];

impl Account {
    /// Returns a person in JSON, with the mail address or without, and with the state if given.
    pub(super) fn view(&self, mail: bool, enabled: Option<bool>) -> Value {
        let mut view = json!({
            "displayName": self.display,
            "id": self.id,
            "onPremisesSamAccountName": self.name,
            "surname": self.surname,
            "userType": "Member",
        });
        if let Some(view) = view.as_object_mut() {
            if let (true, Some(mail)) = (mail, &self.mail) {
                view.insert("mail".to_owned(), Value::from(mail.clone()));
            }
            if let Some(enabled) = enabled {
                view.insert("accountEnabled".to_owned(), Value::from(enabled));
            }
        }
        view
    }

    /// Returns a person as administrators list one.
    fn listed(&self, issuer: &str) -> Value {
        let mut view = self.view(true, Some(self.enabled));
        if let (true, Some(view)) = (self.founder, view.as_object_mut()) {
            view.insert("givenName".to_owned(), Value::from(self.display.clone()));
            view.insert("identities".to_owned(), json!([{ "issuer": issuer, "issuerAssignedId": self.id }]));
        }
        view
    }
}

impl State {
    /// Refuses an account that does not administer the directory.
    pub(super) fn administers(&self, account: &str) -> Result<(), Refusal> {
        match self.account(account) {
            Some(account) if account.role == AppRole::Admin => Ok(()),
            _ => Err(Refusal::denied("Forbidden")),
        }
    }

    /// Answers `GET /me`.
    pub(super) fn me(&self, request: &Request<'_>, account: &str) -> Handled {
        let account = self.account(account).ok_or_else(|| Refusal::not_found("not found"))?;
        let mut view = json!({
            "displayName": account.display,
            "id": account.id,
            "identities": [{ "issuer": request.base(), "issuerAssignedId": account.id }],
            "onPremisesSamAccountName": account.name,
            "preferredLanguage": "en",
            "userType": "Member",
        });
        if let (Some(mail), Some(view)) = (&account.mail, view.as_object_mut()) {
            view.insert("mail".to_owned(), Value::from(mail.clone()));
        }
        Ok(json_answer(StatusCode::OK, &view))
    }

    /// Answers `GET /users`.
    pub(super) fn list_accounts(&mut self, request: &Request<'_>, account: &str) -> Handled {
        let search = self.allowed_search(request, account)?;
        let filter = odata::account_filter(request.parameter("$filter"))?;
        let group = match &filter {
            AccountFilter::MemberOf(id) => Some(self.group_called(id).map(|group| group.members.clone())),
            _ => None,
        };
        let found = |account: &&Account| {
            let texts = [Some(&account.display), Some(&account.name), account.mail.as_ref()];
            let searched = search
                .as_ref()
                .is_none_or(|text| texts.into_iter().flatten().any(|value| value.to_lowercase().contains(text)));
            searched
                && match (&filter, &group) {
                    (AccountFilter::Prefix(prefix), _) => account.display.starts_with(prefix),
                    (_, Some(members)) => members.as_ref().is_some_and(|members| members.contains(&account.id)),
                    _ => true,
                }
        };
        let full = self.administers(account).is_ok();
        let view = |account: &Account| match full {
            true => account.listed(&request.base()),
            // Others see little, and an empty name.
            false => json!({
                "displayName": account.display,
                "id": account.id,
                "onPremisesSamAccountName": "",
                "userType": "Member",
            }),
        };
        let value: Value = self.accounts.iter().filter(found).map(view).collect();
        Ok(json_answer(StatusCode::OK, &json!({ "value": value })))
    }

    /// Answers `POST /users`.
    pub(super) fn create_account(&mut self, request: &Request<'_>) -> Handled {
        let invalid = |why: String| Refusal::invalid(format!("invalid request body: {why}"));
        let body = request.strict(KNOWN).map_err(invalid)?;
        let display = optional_text(&body, "displayName").map_err(invalid)?;
        let display = display.ok_or_else(|| invalid("no value given for required property displayName".to_owned()))?;
        let name = optional_text(&body, "onPremisesSamAccountName").map_err(invalid)?.unwrap_or_default();
        let mail = optional_text(&body, "mail").map_err(invalid)?;
        if body.contains_key("id") {
            return Err(Refusal::invalid("user id is a read-only attribute"));
        }
        if !is_account_name(&name) {
            return Err(Refusal::invalid("Invalid username"));
        }
        if mail.as_ref().is_some_and(|mail| !mail.contains('@')) {
            return Err(Refusal::invalid("invalid email address"));
        }
        if self.accounts.iter().any(|account| account.name.eq_ignore_ascii_case(&name)) {
            return Err(Refusal::exists("a user with that name already exists"));
        }
        let password = body.get("passwordProfile").and_then(|profile| profile.get("password")).and_then(Value::as_str);
        let enabled = body.get("accountEnabled").and_then(Value::as_bool);
        let id = self.add_account(&name, password, AppRole::User)?;
        let account = self.account_called(&id).ok_or_else(|| Refusal::failed("no account"))?;
        account.display = display;
        account.mail = mail;
        account.enabled = enabled.unwrap_or(true);
        Ok(json_answer(StatusCode::CREATED, &account.view(true, enabled)))
    }

    /// Answers `GET /users/{id or name}`. The mail address is absent.
    pub(super) fn get_account(&mut self, request: &Request<'_>, id: &str) -> Handled {
        let account = self.account_called(id).ok_or_else(|| Refusal::not_found("not found"))?.clone();
        let mut answer = account.view(false, Some(account.enabled));
        if let Some(answer) = answer.as_object_mut() {
            for expanded in request.parameter("$expand").unwrap_or_default().split(',') {
                let value = match expanded {
                    "memberOf" => {
                        let groups = self.groups.iter().filter(|group| group.members.contains(&account.id));
                        groups.map(groups::view).collect()
                    }
                    "drive" => json!({ "name": "" }),
                    _ => continue,
                };
                answer.insert(expanded.to_owned(), value);
            }
        }
        Ok(json_answer(StatusCode::OK, &answer))
    }

    /// Answers `PATCH /users/{id}`.
    pub(super) fn update_account(&mut self, request: &Request<'_>, id: &str) -> Handled {
        let invalid = |why: String| Refusal::invalid(format!("invalid request body: {why}"));
        let body = request.strict(KNOWN).map_err(invalid)?;
        let name = optional_text(&body, "onPremisesSamAccountName").map_err(invalid)?;
        let mail = optional_text(&body, "mail").map_err(invalid)?;
        let display = optional_text(&body, "displayName").map_err(invalid)?;
        let account = self.account_called(id).ok_or_else(|| Refusal::not_found("not found"))?;
        account.enabled = body.get("accountEnabled").and_then(Value::as_bool).unwrap_or(account.enabled);
        account.mail = mail.or_else(|| account.mail.take());
        account.name = name.unwrap_or_else(|| account.name.clone());
        account.display = display.unwrap_or_else(|| account.display.clone());
        Ok(json_answer(StatusCode::OK, &account.view(true, Some(account.enabled))))
    }

    /// Answers `DELETE /users/{id}`. Permissions of the person stay.
    pub(super) fn delete_account(&mut self, account: &str, id: &str) -> Handled {
        let own = self.account_called(id).ok_or_else(|| Refusal::not_found("not found"))?.id.clone();
        if own == account {
            return Err(Refusal::not_allowed("self deletion forbidden"));
        }
        self.accounts.retain(|account| account.id != own);
        self.groups.iter_mut().for_each(|group| group.members.retain(|member| *member != own));
        self.tokens.retain(|token| token.account != own);
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Answers `GET /applications`.
    pub(super) fn list_applications(&self) -> Handled {
        let application =
            json!({ "appRoles": AppRole::listed(), "displayName": "ownCloud Infinite Scale", "id": self.application });
        Ok(json_answer(StatusCode::OK, &json!({ "value": [application] })))
    }

    /// Answers `GET` and `POST /users/{id}/appRoleAssignments`.
    pub(super) fn assignments(&mut self, request: &Request<'_>, id: &str) -> Handled {
        let application = self.application.clone();
        let account = self.account_called(id).ok_or_else(|| Refusal::not_found("not found"))?;
        let assigns = request.method() == http::Method::POST;
        if assigns {
            let invalid = |why: String| Refusal::invalid(format!("invalid request body: {why}"));
            let body = request.strict(&["principalId", "resourceId", "appRoleId"]).map_err(invalid)?;
            let role = optional_text(&body, "appRoleId").map_err(invalid)?.unwrap_or_default();
            account.role = AppRole::of_id(&role).ok_or_else(|| Refusal::invalid("unknown role"))?;
        }
        let assignment = json!({
            "appRoleId": account.role.id(),
            "id": account.assignment,
            "principalId": account.id,
            "principalType": "User",
            "resourceDisplayName": "ownCloud Infinite Scale",
            "resourceId": application,
        });
        Ok(match assigns {
            true => json_answer(StatusCode::CREATED, &assignment),
            false => json_answer(StatusCode::OK, &json!({ "value": [assignment] })),
        })
    }
}

/// Returns `true` for a name that begins with a letter and has no blanks or slashes.
fn is_account_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "._-@".contains(character))
}
