//! The systems that a process can reach.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    connectors::{Dns, Files, Identity, Mail},
    domain::workspace::SystemKind,
    outbound::Traffic,
};

/// Treatment of differences that nobody has asked for in Dezky.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drift {
    /// They are told and undone.
    #[default]
    Repair,
    /// They are told.
    Report,
}

/// The systems behind tenants. One that is not configured is left alone.
#[derive(Debug, Clone, Default)]
pub struct Systems {
    /// Identity.
    pub identity: Option<Arc<dyn Identity>>,
    /// Mail.
    pub mail: Option<Arc<dyn Mail>>,
    /// Files.
    pub files: Option<Arc<dyn Files>>,
    /// Public DNS, to check what owners of domains publish.
    pub dns: Option<Arc<dyn Dns>>,
    /// Address templates of optional systems that no connector reaches, with `{slug}` in the place of the tenant's slug.
    pub by_hand: BTreeMap<SystemKind, String>,
    /// Treatment of drift.
    pub drift: Drift,
}

impl Systems {
    /// Returns how often a system has answered so far, refusals and failures apart. It tells one that fails now and then
    /// from one that is down.
    pub(super) fn answers(&self, kind: SystemKind) -> u64 {
        self.traffic(kind).answered
    }

    /// Returns the numbers of requests to a system so far.
    #[must_use]
    pub fn traffic(&self, kind: SystemKind) -> Traffic {
        match kind {
            SystemKind::Identity => self.identity.as_ref().map(|system| system.traffic()),
            SystemKind::Mail => self.mail.as_ref().map(|system| system.traffic()),
            SystemKind::Files => self.files.as_ref().map(|system| system.traffic()),
            SystemKind::Meetings | SystemKind::Chat => None,
        }
        .unwrap_or_default()
    }

    /// Returns the kinds of systems that are configured.
    #[must_use]
    pub fn kinds(&self) -> Vec<SystemKind> {
        let mut kinds = Vec::new();
        if self.identity.is_some() {
            kinds.push(SystemKind::Identity);
        }
        if self.mail.is_some() {
            kinds.push(SystemKind::Mail);
        }
        if self.files.is_some() {
            kinds.push(SystemKind::Files);
        }
        kinds.extend(self.by_hand.keys());
        kinds
    }
}
