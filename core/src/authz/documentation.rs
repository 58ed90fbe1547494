//! The policy as Markdown tables, printed from the code.

use std::fmt::Write as _;

use super::{
    Callers,
    policy::{LASTING_ADMIN_POLICY, POLICY, field_policy},
};

/// Returns the policy in Markdown.
///
/// The tables are actions × callers, fields × callers, and actions on the platform's administrators × callers. `yes` is
/// allowed, `no` is refused with 403, and `hidden` is answered with 404 as if the resource did not exist.
#[must_use]
pub fn policy_table() -> String {
    let mut text = String::from("| action |");
    let columns: String = Callers::ALL.iter().map(|(_, name)| format!(" {name} |")).collect();
    let rule_line = format!("|---|{}\n", "---|".repeat(Callers::ALL.len()));
    // Writing to a `String` cannot fail.
    let _ = write!(
        text,
        "{columns} while suspended | when deleted | API keys |\n{}",
        rule_line.replacen("|---|", "|---|---|---|---|", 1)
    );
    for rule in POLICY {
        let _ = write!(text, "| `{}` |", rule.name);
        for (caller, _) in Callers::ALL {
            let cell = match (rule.allowed.includes(caller), rule.seen.includes(caller)) {
                (true, _) => "yes",
                (false, true) => "no",
                (false, false) => "hidden",
            };
            let _ = write!(text, " {cell} |");
        }
        let while_suspended = if rule.while_suspended { "yes" } else { "platform only" };
        let when_deleted = if rule.when_deleted { "yes" } else { "no" };
        let keys = match (rule.action.is_for_api_keys(false), rule.action.is_for_api_keys(true)) {
            (true, _) => "yes",
            (false, true) => "of the platform",
            (false, false) => "no",
        };
        let _ = writeln!(text, " {while_suspended} | {when_deleted} | {keys} |");
    }
    let _ = write!(text, "\n| field |{columns}\n{rule_line}");
    for (action, field, allowed) in field_policy() {
        let _ = write!(text, "| `{field}` in `{}` |", action.name());
        for (caller, _) in Callers::ALL {
            let _ = write!(text, " {} |", if allowed.includes(caller) { "yes" } else { "no" });
        }
        text.push('\n');
    }
    let _ = write!(text, "\n| to administrators of the platform by grant |{columns}\n{rule_line}");
    for (action, field, allowed) in LASTING_ADMIN_POLICY {
        let what = field.map_or_else(String::new, |field| format!("`{field}` in "));
        let _ = write!(text, "| {what}`{}` |", action.name());
        for (caller, _) in Callers::ALL {
            let _ = write!(text, " {} |", if allowed.includes(caller) { "yes" } else { "no" });
        }
        text.push('\n');
    }
    text
}
