//! Measures `decide()` and `Timestamp`, which every request uses several times.

use std::hint::black_box;

use dezky::{
    authz::{Action, Actor, Resource, TargetFacts, TenantFacts, decide},
    clock::{Clock, SystemClock, Timestamp},
    domain::{MembershipRole, TenantStatus},
};
use dezky_benches::{Case, compare, show};

fn main() {
    let actor = Actor::User { disabled: false, platform: dezky::authz::PlatformRight::None, bound_to: None };
    let tenant = Some(TenantFacts { slug: "acme", status: TenantStatus::Active });
    let member = Resource { tenant, role: Some(MembershipRole::Member), ..Resource::default() };
    let target =
        TargetFacts { current: Some(MembershipRole::Member), wanted: Some(MembershipRole::Admin), last_owner: false };
    let owner = Resource { tenant, role: Some(MembershipRole::Owner), target, ..Resource::default() };
    let fields = ["name", "branding", "domains", "billingInfo"];
    let update = Resource { tenant, role: Some(MembershipRole::Owner), fields: &fields, ..Resource::default() };
    let now = SystemClock.now();
    let text = now.to_string();
    show(&compare(&mut [
        Case {
            name: "decide: a member reads a tenant",
            run: &mut || {
                black_box(decide(black_box(&actor), black_box(Action::ReadTenant), black_box(&member)));
            },
        },
        Case {
            name: "decide: an owner changes a role",
            run: &mut || {
                black_box(decide(black_box(&actor), black_box(Action::UpdateMembership), black_box(&owner)));
            },
        },
        Case {
            name: "decide: an owner changes four fields",
            run: &mut || {
                black_box(decide(black_box(&actor), black_box(Action::UpdateTenant), black_box(&update)));
            },
        },
        Case {
            name: "a time written",
            run: &mut || {
                black_box(black_box(now).to_string());
            },
        },
        Case {
            name: "a time read",
            run: &mut || {
                let _ = black_box(black_box(&text).parse::<Timestamp>());
            },
        },
    ]));
}
