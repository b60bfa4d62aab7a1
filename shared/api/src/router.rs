//! The routes, each with who is admitted to it.

#[cfg(test)]
mod openapi;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts, Path, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use http::{Method, Uri, header, request::Parts};
use im_engine::manage::{
    Audits, Checks, Conflicts, DeadLetters, Deliveries, Histories, Incidents, Integrations, Links,
    Previews, Reconciliations, Removal, Rules, SyncStatuses, TriggerTests,
};

#[cfg(test)]
pub(crate) use self::openapi::assert_is;
use crate::{
    Authenticator, Problem, Unauthenticated, audit,
    authorise::{Action, Resource, policy::Policy},
    body::shortened,
    conflict, dead_letter, delivery, health,
    incident::{self, history, link, note},
    integration::{self, preview, trigger},
    reconcile::{self, schedule},
    rules, sync_status,
};

/// Where all paths start.
pub const BASE: &str = "/api/v1";

/// What the API works with.
pub struct Api {
    /// The incidents.
    pub incidents: Arc<Incidents>,
    /// Links by hand.
    pub links: Arc<Links>,
    /// What two sides disagree about.
    pub conflicts: Arc<Conflicts>,
    /// What happened to incidents, and why.
    pub histories: Arc<Histories>,
    /// How integrations are.
    pub sync_statuses: Arc<SyncStatuses>,
    /// What is dead of them.
    pub dead_letters: Arc<DeadLetters>,
    /// Finds and heals what differs although it should not.
    pub reconciliations: Arc<Reconciliations>,
    /// What their webhooks brought.
    pub deliveries: Arc<Deliveries>,
    /// Who changed what of them.
    pub audits: Arc<Audits>,
    /// The integrations.
    pub integrations: Arc<Integrations>,
    /// Their rules.
    pub rules: Arc<Rules>,
    /// Removes them.
    pub removal: Arc<Removal>,
    /// Tests them.
    pub checks: Arc<Checks>,
    /// Says when their records are first sent.
    pub triggers: Arc<TriggerTests>,
    /// Says what they would do.
    pub previews: Arc<Previews>,
    /// Who tells who asks.
    pub authenticator: Arc<dyn Authenticator>,
    /// What tells who may do what.
    pub policy: Policy,
    /// Where the vendors' webhooks arrive, e.g. `https://im.example.com`, if it is known: integrations show their own.
    pub webhook_base_url: Option<String>,
    /// Whether an integration's `base_url` may be plain http on this machine: for development only.
    pub allow_loopback: bool,
}

/// Who is admitted to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, without a token.
    Public,
    /// Whoever may do this to some resource; the handler asks again about the one it is about.
    Only(Action),
}

/// One method of one path.
pub(crate) struct Route {
    pub(crate) method: MethodFilter,
    /// Below [`BASE`].
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    handler: fn(MethodFilter) -> MethodRouter<Arc<Api>>,
}

const fn route(
    method: MethodFilter,
    path: &'static str,
    access: Access,
    handler: fn(MethodFilter) -> MethodRouter<Arc<Api>>,
) -> Route {
    Route {
        method,
        path,
        access,
        handler,
    }
}

/// Every route there is.
pub(crate) const ROUTES: [Route; 58] = {
    use Access::{Only, Public};
    use Action as A;
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PATCH: MethodFilter = MethodFilter::PATCH;
    const PUT: MethodFilter = MethodFilter::PUT;
    const DELETE: MethodFilter = MethodFilter::DELETE;
    [
        route(GET, "/health", Public, |m| on(m, health::health)),
        route(GET, "/openapi.json", Public, |m| on(m, health::openapi)),
        route(POST, "/incidents", Only(A::CreateIncident), |m| {
            on(m, incident::create)
        }),
        route(GET, "/incidents", Only(A::ReadIncidents), |m| {
            on(m, incident::list)
        }),
        route(GET, "/incidents/{id}", Only(A::ReadIncidents), |m| {
            on(m, incident::get)
        }),
        route(PATCH, "/incidents/{id}", Only(A::EditIncident), |m| {
            on(m, incident::edit)
        }),
        route(GET, "/incidents/{id}/links", Only(A::ReadIncidents), |m| {
            on(m, link::list)
        }),
        route(POST, "/incidents/{id}/links", Only(A::EditIncident), |m| {
            on(m, link::link)
        }),
        route(
            DELETE,
            "/incidents/{id}/links",
            Only(A::EditIncident),
            |m| on(m, link::unlink),
        ),
        route(
            POST,
            "/incidents/{id}/comments",
            Only(A::EditIncident),
            |m| on(m, note::add_comment),
        ),
        route(
            GET,
            "/incidents/{id}/comments",
            Only(A::ReadIncidents),
            |m| on(m, note::comments),
        ),
        route(
            POST,
            "/incidents/{id}/work-notes",
            Only(A::EditIncident),
            |m| on(m, note::add_work_note),
        ),
        route(
            GET,
            "/incidents/{id}/work-notes",
            Only(A::ReadIncidents),
            |m| on(m, note::work_notes),
        ),
        route(POST, "/integrations", Only(A::CreateIntegration), |m| {
            on(m, integration::create)
        }),
        route(GET, "/integrations", Only(A::ReadIntegrations), |m| {
            on(m, integration::list)
        }),
        route(GET, "/integrations/{id}", Only(A::ReadIntegrations), |m| {
            on(m, integration::get)
        }),
        route(
            PATCH,
            "/integrations/{id}",
            Only(A::ChangeIntegration),
            |m| on(m, integration::change),
        ),
        route(
            DELETE,
            "/integrations/{id}",
            Only(A::DeleteIntegration),
            |m| on(m, integration::delete),
        ),
        route(
            POST,
            "/integrations/{id}/test",
            Only(A::TestIntegration),
            |m| on(m, integration::test),
        ),
        route(
            GET,
            "/incidents/{id}/timeline",
            Only(A::ReadIncidents),
            |m| on(m, history::timeline),
        ),
        route(
            GET,
            "/incidents/{id}/explain/{field}",
            Only(A::ReadIncidents),
            |m| on(m, history::explain),
        ),
        route(GET, "/conflicts", Only(A::ReadConflicts), |m| {
            on(m, conflict::list)
        }),
        route(GET, "/conflicts/{id}", Only(A::ReadConflicts), |m| {
            on(m, conflict::get)
        }),
        route(
            POST,
            "/conflicts/{id}/resolve",
            Only(A::ResolveConflict),
            |m| on(m, conflict::resolve),
        ),
        route(
            POST,
            "/conflicts/{id}/restore",
            Only(A::ResolveConflict),
            |m| on(m, conflict::restore),
        ),
        route(
            GET,
            "/integrations/{id}/field-ownership",
            Only(A::ReadIntegrations),
            |m| on(m, rules::list_ownership),
        ),
        route(
            PUT,
            "/integrations/{id}/field-ownership/{field}",
            Only(A::ChangeRules),
            |m| on(m, rules::set_ownership),
        ),
        route(
            DELETE,
            "/integrations/{id}/field-ownership/{field}",
            Only(A::ChangeRules),
            |m| on(m, rules::delete_ownership),
        ),
        route(
            GET,
            "/integrations/{id}/mappings",
            Only(A::ReadIntegrations),
            |m| on(m, rules::mappings),
        ),
        route(
            PUT,
            "/integrations/{id}/mappings",
            Only(A::ChangeRules),
            |m| on(m, rules::set_mappings),
        ),
        route(
            GET,
            "/integrations/{id}/check",
            Only(A::ReadIntegrations),
            |m| on(m, rules::check),
        ),
        route(
            POST,
            "/integrations/{id}/pause",
            Only(A::ChangeIntegration),
            |m| on(m, rules::pause),
        ),
        route(
            POST,
            "/integrations/{id}/resume",
            Only(A::ChangeIntegration),
            |m| on(m, rules::resume),
        ),
        route(
            GET,
            "/integrations/{id}/triggers",
            Only(A::ReadIntegrations),
            |m| on(m, trigger::get),
        ),
        route(
            PUT,
            "/integrations/{id}/triggers",
            Only(A::ChangeRules),
            |m| on(m, trigger::put),
        ),
        route(
            POST,
            "/integrations/{id}/triggers/test",
            Only(A::PreviewIntegration),
            |m| on(m, trigger::test),
        ),
        route(
            POST,
            "/integrations/{id}/preview",
            Only(A::PreviewIntegration),
            |m| on(m, preview::preview),
        ),
        route(
            GET,
            "/integrations/{id}/sync-status",
            Only(A::ReadSyncStatus),
            |m| on(m, sync_status::get),
        ),
        route(
            GET,
            "/integrations/{id}/dlq",
            Only(A::ReadDeadLetters),
            |m| on(m, dead_letter::list),
        ),
        route(
            POST,
            "/integrations/{id}/dlq/retry",
            Only(A::SettleDeadLetters),
            |m| on(m, dead_letter::retry_all),
        ),
        route(
            POST,
            "/integrations/{id}/dlq/discard",
            Only(A::SettleDeadLetters),
            |m| on(m, dead_letter::discard_all),
        ),
        route(
            GET,
            "/integrations/{id}/dlq/{entry}",
            Only(A::ReadDeadLetters),
            |m| on(m, dead_letter::get),
        ),
        route(
            DELETE,
            "/integrations/{id}/dlq/{entry}",
            Only(A::SettleDeadLetters),
            |m| on(m, dead_letter::discard),
        ),
        route(
            POST,
            "/integrations/{id}/dlq/{entry}/retry",
            Only(A::SettleDeadLetters),
            |m| on(m, dead_letter::retry),
        ),
        route(
            POST,
            "/integrations/{id}/reconcile",
            Only(A::Reconcile),
            |m| on(m, reconcile::start),
        ),
        route(
            GET,
            "/integrations/{id}/reconcile/history",
            Only(A::ReadReconciliations),
            |m| on(m, reconcile::history),
        ),
        route(
            GET,
            "/integrations/{id}/reconcile/runs/{run}",
            Only(A::ReadReconciliations),
            |m| on(m, reconcile::get),
        ),
        route(
            GET,
            "/integrations/{id}/reconcile/runs/{run}/items",
            Only(A::ReadReconciliations),
            |m| on(m, reconcile::items),
        ),
        route(
            POST,
            "/integrations/{id}/reconcile/runs/{run}/confirm",
            Only(A::Reconcile),
            |m| on(m, reconcile::confirm),
        ),
        route(
            POST,
            "/integrations/{id}/reconcile/runs/{run}/cancel",
            Only(A::Reconcile),
            |m| on(m, reconcile::cancel),
        ),
        route(
            GET,
            "/integrations/{id}/reconcile/schedule",
            Only(A::ReadReconciliations),
            |m| on(m, schedule::get),
        ),
        route(
            POST,
            "/integrations/{id}/reconcile/schedule",
            Only(A::Reconcile),
            |m| on(m, schedule::set),
        ),
        route(
            DELETE,
            "/integrations/{id}/reconcile/schedule",
            Only(A::Reconcile),
            |m| on(m, schedule::remove),
        ),
        route(
            POST,
            "/integrations/{id}/backfill",
            Only(A::Reconcile),
            |m| on(m, reconcile::backfill),
        ),
        route(GET, "/audit", Only(A::ReadAudit), |m| on(m, audit::list)),
        route(GET, "/deliveries", Only(A::ReadDeliveries), |m| {
            on(m, delivery::list)
        }),
        route(
            POST,
            "/deliveries/{id}/replay",
            Only(A::ReplayDelivery),
            |m| on(m, delivery::replay),
        ),
        route(
            POST,
            "/deliveries/{id}/{delivery}/replay",
            Only(A::ReplayDelivery),
            |m| on(m, delivery::replay),
        ),
    ]
};

/// The API as a service: no server, it runs wherever requests come from.
pub fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let mut router = Router::new();
    for route in ROUTES {
        let mut handler = (route.handler)(route.method);
        if let Access::Only(action) = route.access {
            let gate = Gate {
                api: Arc::clone(&api),
                action,
            };
            handler = handler.route_layer(middleware::from_fn_with_state(gate, admit));
        }
        router = router.route(&format!("{BASE}{}", route.path), handler);
    }
    router
        .fallback(|uri: Uri| async move { Problem::not_found(shortened(uri.path())) })
        .method_not_allowed_fallback(|method: Method, uri: Uri| async move {
            Problem::method_not_allowed(&method, &shortened(uri.path()))
        })
        .with_state(api)
}

#[derive(Clone)]
struct Gate {
    api: Arc<Api>,
    action: Action,
}

/// Lets in whoever may do this at all.
async fn admit(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let mut given = request.headers().get_all(header::AUTHORIZATION).iter();
    let authorization = given.next();
    if given.next().is_some() {
        return Err(Unauthenticated::BadToken("several".to_owned()).into());
    }
    let caller = gate.api.authenticator.authenticate(authorization).await?;
    let any = Resource::any_of(&caller);
    gate.api.policy.may(&caller, gate.action, any)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The `{id}` of a path.
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Problem::not_found(shortened(parts.uri.path()))),
        }
    }
}

/// The `{id}` of a path and another part of it.
pub(crate) async fn path_pair<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    other: &str,
) -> Result<(String, String), Problem> {
    type Segments = Path<BTreeMap<String, String>>;
    let segments = Segments::from_request_parts(parts, state).await;
    let both = segments
        .ok()
        .and_then(|Path(mut segments)| Some((segments.remove("id")?, segments.remove(other)?)));
    both.ok_or_else(|| Problem::not_found(shortened(parts.uri.path())))
}
