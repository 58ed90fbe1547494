//! The catalogue of plans: `[plans.NAME]` of the file, or `DEZKY_PLANS`.

use std::{collections::BTreeMap, time::Duration};

use dezky::{
    Result,
    domain::{
        lifecycle::LifecycleSettings,
        notice::MOST_TRIAL_NOTICE_DAYS,
        plan::{Catalogue, Plan},
    },
};
use toml::Value;

use super::{
    settings,
    sources::{Sources, refuse},
    systems::days,
};

/// Reads the catalogue. `DEZKY_PLANS` is a JSON object of plans, and replaces those of the file.
pub(super) fn read(sources: &Sources) -> Result<Catalogue> {
    if let Some(found) = sources.variable(settings::PLANS.variable) {
        let plans: BTreeMap<String, Plan> = serde_json::from_str(&found.text).map_err(|error| {
            found.refuse(format!(
                "must be a JSON object of plans, such as `{{\"team\": {{\"seats\": 10, \"files_gib\": 100, \"mailbox_gib\": 10}}}}` \
                 ({error})"
            ))
        })?;
        return Catalogue::new(plans).map_err(|error| found.refuse(error));
    }
    let Some(file) = &sources.file else { return Ok(Catalogue::default()) };
    let Some(value) = file.value(settings::PLANS.path) else { return Ok(Catalogue::default()) };
    let Value::Table(tables) = value else {
        return Err(refuse(format!(
            "{}: write each plan as a table `[plans.NAME]`",
            file.origin(settings::PLANS.path)
        )));
    };
    let mut plans = BTreeMap::new();
    for (name, table) in tables {
        let origin = file.origin(&format!("{}.{name}", settings::PLANS.path));
        let plan: Plan = table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| refuse(format!("{origin}: {}", error.message())))?;
        plans.insert(name.clone(), plan);
    }
    Catalogue::new(plans).map_err(|error| refuse(format!("{}: {error}", file.origin(settings::PLANS.path))))
}

/// Reads the times within the life of a subscription.
pub(super) fn lifecycle(sources: &Sources) -> Result<LifecycleSettings> {
    let LifecycleSettings { payment_grace, suspension, retention, trial_notice } = LifecycleSettings::DEFAULT;
    Ok(LifecycleSettings {
        payment_grace: days(sources, &settings::PAYMENT_GRACE_DAYS, payment_grace)?,
        suspension: days(sources, &settings::SUSPENSION_DAYS, suspension)?,
        retention: days(sources, &settings::RETENTION_DAYS, retention)?,
        trial_notice: read_trial_notice(sources)?.unwrap_or(trial_notice),
    })
}

/// Reads the time before the end of a trial at which the owners are told.
fn read_trial_notice(sources: &Sources) -> Result<Option<Duration>> {
    let Some(found) = sources.find(&settings::TRIAL_NOTICE_DAYS)? else { return Ok(None) };
    match found.text.parse::<u64>() {
        Ok(days) if (1..=MOST_TRIAL_NOTICE_DAYS).contains(&days) => Ok(Some(Duration::from_secs(days * 24 * 60 * 60))),
        _ => Err(found.refuse(format!("`{}` must be 1 to {MOST_TRIAL_NOTICE_DAYS} days", found.text.escape_debug()))),
    }
}
