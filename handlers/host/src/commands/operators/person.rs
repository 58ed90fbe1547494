//! Lookup of a user named on the command line by id, by issuer and subject, or by e-mail address.

use dezky::{
    Code, Error,
    domain::UserId,
    service::{ListRequest, users::UserFilter, views::UserView},
    store::Form,
};

use super::session::{Session, settled};
use crate::failure::Failure;

/// Help text of an argument that names a user.
pub(crate) const HELP: &str = "Id, or ISSUER/SUBJECT such as default/anna, or an e-mail address if only one has it";

/// Finds the named user.
///
/// # Errors
/// `not_found`, or `ambiguous_user` with the ids when several users have this address. Addresses do not prove identity,
/// so none is guessed.
pub(crate) async fn find(session: &Session, named: &str) -> Result<UserView, Failure> {
    if let Ok(id) = named.parse::<UserId>() {
        return there(session.service.read_user(&session.call(), id).await, named);
    }
    match named.split_once('/') {
        Some((issuer, subject)) if !issuer.contains('@') => {
            there(session.service.read_user_by_subject(&session.call(), issuer, subject).await, named)
        }
        _ if named.contains('@') => by_email(session, named).await,
        _ => Err(Failure::usage(format!(
            "`{}` names no person: give an id, ISSUER/SUBJECT or an e-mail address",
            named.escape_debug()
        ))),
    }
}

fn there(found: dezky::Result<UserView>, named: &str) -> Result<UserView, Failure> {
    found.map_err(|error| Failure::of_missing(&error, || format!("there is no person `{}`", named.escape_debug())))
}

async fn by_email(session: &Session, email: &str) -> Result<UserView, Failure> {
    let filter = UserFilter { email: Some(email.to_owned()), ..UserFilter::default() };
    // The list is sorted by address, so an exact match comes before longer addresses.
    let request = ListRequest { limit: Some(20), cursor: None };
    let page = settled(session.service.list_users(&session.call(), &filter, &request).await)?;
    let key = Form::Address.of(email);
    let exactly = |user: &UserView| user.email.as_deref().is_some_and(|stored| Form::Address.of(stored) == key);
    let mut found: Vec<UserView> = page.items.into_iter().filter(exactly).collect();
    match (found.pop(), found.len()) {
        (Some(user), 0) => Ok(user),
        (None, _) => there(Err(Error::not_found()), email),
        (Some(last), _) => {
            found.push(last);
            let ids: Vec<String> = found.iter().map(|user| user.id.to_string()).collect();
            let message = format!("several people have this address: name one by id: {}", ids.join(", "));
            Err(Failure::of_operation(&Error::new(Code::AMBIGUOUS_USER, message)))
        }
    }
}

/// Formats a user for a question.
pub(crate) fn called(user: &UserView) -> String {
    let parts = [user.name.as_deref(), user.email.as_deref()];
    let known: Vec<&str> = parts.into_iter().flatten().collect();
    if known.is_empty() { user.id.to_string() } else { format!("{} ({})", user.id, known.join(", ")) }
}
