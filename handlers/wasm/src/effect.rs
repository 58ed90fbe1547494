//! Changes, which the host carries out.

use async_trait::async_trait;
use dezky::{
    Result,
    context::RequestContext,
    service::{Effect, Performed},
};

use crate::{platform::effect, problem::error};

/// Requests the effect of the current request from the host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostEffect;

#[async_trait]
impl Effect for HostEffect {
    async fn perform(&self, _: &RequestContext) -> Result<Performed> {
        let answer = effect::perform().await.map_err(error)?;
        let headers = answer.headers.into_iter().map(|field| (field.name, field.value)).collect();
        Ok(Performed { status: answer.status, headers, body: answer.body })
    }
}
