//! Rules as they are shown.

use std::collections::BTreeMap;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::header;
use im_engine::manage::{CheckReport, FieldOwnership, MappingsDocument};
use im_model::{IntegrationId, Mappings};
use serde::Serialize;

use crate::precondition::etag;

/// What mappings show and an import ignores.
pub(crate) const READ_ONLY: [&str; 4] = ["version", "configured", "defaults", "notes"];

#[derive(Debug, Serialize)]
pub(super) struct OwnershipJson {
    field: String,
    rules: Vec<RuleJson>,
    flows: &'static str,
}

#[derive(Debug, Serialize)]
struct RuleJson {
    owner: &'static str,
    priority: u8,
}

#[derive(Debug, Serialize)]
pub(super) struct OwnershipList {
    items: Vec<OwnershipJson>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct MappingsJson {
    version: u64,
    fields: BTreeMap<String, String>,
    values: Mappings,
    configured: Vec<String>,
    defaults: Mappings,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct CheckJson {
    integration_id: String,
    verdict: &'static str,
    findings: Vec<FindingJson>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FindingJson {
    level: &'static str,
    kind: &'static str,
    field: Option<String>,
    detail: String,
    consequence: String,
}

impl OwnershipJson {
    pub(super) fn of(item: &FieldOwnership) -> Self {
        let rule =
            |owner, priority: Option<u8>| priority.map(|priority| RuleJson { owner, priority });
        let platform = rule("platform", item.ownership.platform);
        let external = rule("external", item.ownership.external);
        Self {
            field: item.field.to_string(),
            rules: platform.into_iter().chain(external).collect(),
            flows: item.flows.as_str(),
        }
    }
}

impl OwnershipList {
    pub(super) fn of(all: &[FieldOwnership]) -> Self {
        Self {
            items: all.iter().map(OwnershipJson::of).collect(),
            next: None,
        }
    }
}

impl MappingsJson {
    pub(super) fn of(document: MappingsDocument) -> Self {
        let MappingsDocument {
            version,
            fields,
            values,
            configured,
            defaults,
            notes,
        } = document;
        Self {
            version,
            fields,
            values,
            configured,
            defaults,
            notes,
        }
    }
}

impl IntoResponse for MappingsJson {
    fn into_response(self) -> Response {
        let headers = [(header::ETAG, etag(self.version))];
        (headers, Json(self)).into_response()
    }
}

impl CheckJson {
    pub(super) fn of(id: &IntegrationId, report: &CheckReport) -> Self {
        let findings = report.findings.iter().map(|finding| FindingJson {
            level: finding.level.as_str(),
            kind: finding.kind.as_str(),
            field: finding.field.as_ref().map(ToString::to_string),
            detail: finding.detail.clone(),
            consequence: finding.consequence.clone(),
        });
        Self {
            integration_id: id.to_string(),
            verdict: report.verdict.as_str(),
            findings: findings.collect(),
            notes: report.notes.clone(),
        }
    }
}
