//! Pages in the place of Stripe's own, with buttons for what people do there.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};

use super::{Exchange, StripeSystem, form::Form};

/// Answers a browser.
pub(super) fn answer(system: &StripeSystem, exchange: &Exchange, path: &[&str]) -> Response<Bytes> {
    match (&exchange.method, path) {
        (&Method::GET, ["checkout", id]) => checkout(system, id),
        (&Method::POST, ["checkout", id]) => {
            system.complete(id, exchange.now);
            let back = system.state().sessions.get(*id).and_then(|session| session.form.text("success_url"));
            redirect(back)
        }
        (&Method::GET, ["portal", id]) => portal(system, id),
        (&Method::POST, ["portal", id]) => {
            let customer = system.state().portals.get(*id).cloned();
            let Some((customer, back)) = customer else { return page(StatusCode::NOT_FOUND, "<p>No such page.</p>") };
            let form = Form::read(&exchange.body);
            // Only the customer's own.
            let own = system
                .state()
                .subscriptions
                .values()
                .any(|one| one.customer == customer && Some(&one.id) == form.text("subscription").as_ref());
            if let Some(id) = form.text("subscription").filter(|_| own) {
                match form.text("action").as_deref() {
                    Some("end") => system.set_ending(&id, true, exchange.now),
                    Some("resume") => system.set_ending(&id, false, exchange.now),
                    Some("cancel") => system.set_status(&id, "canceled", exchange.now),
                    _ => {}
                }
            }
            redirect(Some(back))
        }
        _ => page(StatusCode::NOT_FOUND, "<p>No such page.</p>"),
    }
}

fn checkout(system: &StripeSystem, id: &str) -> Response<Bytes> {
    let state = system.state();
    let Some(session) = state.sessions.get(id).filter(|session| session.subscription.is_none()) else {
        return page(StatusCode::NOT_FOUND, "<p>No such page, or it was used.</p>");
    };
    let price = session.form.text("line_items[0][price]").unwrap_or_default();
    let quantity = session.form.text("line_items[0][quantity]").unwrap_or_default();
    let back = session.form.text("cancel_url").unwrap_or_default();
    page(
        StatusCode::OK,
        &format!(
            "<h1>Checkout</h1>\n<p>{} seats at <code>{}</code>. Nothing is charged: this is an emulator.</p>\n\
             <form method=\"post\"><button>Subscribe</button></form>\n<p><a href=\"{}\">Back</a></p>",
            escape(&quantity),
            escape(&price),
            escape(&back)
        ),
    )
}

fn portal(system: &StripeSystem, id: &str) -> Response<Bytes> {
    let state = system.state();
    let Some((customer, back)) = state.portals.get(id) else {
        return page(StatusCode::NOT_FOUND, "<p>No such page.</p>");
    };
    let mut rows = String::new();
    for one in state.subscriptions.values().filter(|one| one.customer == *customer && one.ended_at.is_none()) {
        let (action, label) = if one.cancel_at_period_end {
            ("resume", "Do not cancel")
        } else {
            ("end", "Cancel at the end of the period")
        };
        let button = |action: &str, label: &str| format!("<button name=\"action\" value=\"{action}\">{label}</button>");
        rows.push_str(&format!(
            "<form method=\"post\"><p>{} seats at <code>{}</code>, {}</p>\n<input type=\"hidden\" name=\"subscription\" value=\"{}\">\n{} {}</form>\n",
            one.quantity,
            escape(&one.price),
            escape(&one.status),
            escape(&one.id),
            button(action, label),
            button("cancel", "Cancel now"),
        ));
    }
    let name = state.customers.get(customer).and_then(|customer| customer.name.clone()).unwrap_or_default();
    page(
        StatusCode::OK,
        &format!("<h1>Billing of {}</h1>\n{rows}<p><a href=\"{}\">Back</a></p>", escape(&name), escape(back)),
    )
}

fn redirect(to: Option<String>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    match to.and_then(|to| header::HeaderValue::from_str(&to).ok()) {
        Some(to) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, to);
            response
        }
        None => page(StatusCode::NOT_FOUND, "<p>No such page.</p>"),
    }
}

fn page(status: StatusCode, body: &str) -> Response<Bytes> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Emulated Stripe</title>\n<body style=\"font-family:sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem\">\n{body}\n"
    );
    let mut response = Response::new(Bytes::from(html));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
