//! `dezky seed`.

use std::{io::Write as _, sync::Arc};

use dezky::Platform;

use crate::{
    command_line::SettingFlags,
    configuration::{self, Configuration, sources_of_process},
    failure::Failure,
    logging,
    server::Metrics,
    store,
};

/// Creates the missing parts and reports them.
pub(super) async fn run(flags: SettingFlags) -> Result<(), Failure> {
    let sources = sources_of_process(flags.config.clone(), flags.settings())?;
    let configuration = Configuration::read(&sources)?;
    logging::start(&configuration::log(&sources)?)?;
    let store = store::open(&configuration, &Arc::new(Metrics::new()))?;
    let platform = Platform::open(configuration.platform_options(store)?)?;
    let seeded = platform.service().seed(&configuration.seed).await?;
    let state = |created| if created { "created" } else { "was there already" };
    let slug = &configuration.seed.slug;
    let mut output = std::io::stdout().lock();
    writeln!(output, "tenant `{slug}`: {}", state(seeded.tenant_created))?;
    writeln!(output, "its subscription: {}", state(seeded.subscription_created))?;
    Ok(())
}
