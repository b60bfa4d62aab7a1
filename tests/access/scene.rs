//! An organization with something of everything, and requests about it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{Method, Request};
use im_local::LocalSystem;
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, JIRA, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::Caller;

/// In everything that only acme may see.
pub const MARK: &str = "marked";

const JWT_KEY: &str = "a key of more than thirty-two bytes, for tests";

/// Linked incidents of acme's, with a conflict, a dead letter, a run, a schedule and deliveries.
pub struct Scene {
    world: Arc<World>,
    incident: String,
    conflict: String,
    entry: String,
    run: String,
    delivery: String,
}

impl Scene {
    pub async fn new() -> Self {
        let world = World::with_all().await;
        let secrets = &world.system.embedded.secrets;
        let created = secrets.create_secret().name(LocalSystem::API_KEY_SECRET);
        created
            .secret_string(JWT_KEY)
            .send()
            .await
            .expect("a secret");
        let mut scene = Self {
            world,
            incident: String::new(),
            conflict: String::new(),
            entry: String::new(),
            run: String::new(),
            delivery: String::new(),
        };
        scene.fill().await;
        scene
    }

    async fn fill(&mut self) {
        let world = &self.world;
        let seconds = SignedDuration::from_secs;
        for id in [INTEGRATION, JIRA] {
            let name = json!({"name": format!("{MARK} {id}")});
            self.must(Method::PATCH, &format!("/integrations/{id}"), &name)
                .await;
        }
        let review = json!({"conflict_strategy": "manual-review"});
        self.must(Method::PATCH, &format!("/integrations/{JIRA}"), &review)
            .await;
        let both = json!({"rules": [{"owner": "platform"}, {"owner": "external"}]});
        let title = format!("/integrations/{JIRA}/field-ownership/title");
        self.must(Method::PUT, &title, &both).await;
        world.clock.advance(seconds(30));
        let id = world
            .create(&json!({"title": format!("{MARK} incident"), "assigned_to": "ann@example.com"}))
            .await;
        world.settle().await;
        world.clock.advance(seconds(60));
        let key = world.record_in(&id, JIRA).await;
        let refused = Fault::RefuseWith {
            status: 400,
            body: json!({"error": {"message": "no", "code": 2001}}),
            headers: BTreeMap::new(),
        };
        world
            .pagerduty
            .add_fault(FaultRule::always(refused).method(&Method::PUT));
        world
            .edit(&id, &json!({"title": format!("{MARK} ours")}))
            .await;
        world.clock.advance(seconds(3));
        let bob = world.jira.person("bob@example.com");
        let theirs = format!("{MARK} theirs");
        bob.edit(&key, &json!({"summary": theirs}))
            .expect("allowed");
        world.clock.advance(seconds(1));
        world.settle().await;
        world.pagerduty.clear_faults();
        // PagerDuty owns it, and has brought whom it has on call.
        let ann = json!({"assigned_to": "ann@example.com"});
        world.edit(&id, &ann).await;
        world.settle().await;
        let first = |list: &Value, name: &str| {
            let item = &list["items"][0][name];
            item.as_str()
                .unwrap_or_else(|| panic!("no {name}: {list}"))
                .to_owned()
        };
        let conflicts = self
            .must(Method::GET, "/conflicts?status=pending", &Value::Null)
            .await;
        let dlq = format!("/integrations/{INTEGRATION}/dlq");
        let letters = self.must(Method::GET, &dlq, &Value::Null).await;
        let reconcile = format!("/integrations/{INTEGRATION}/reconcile");
        let run = self
            .must(Method::POST, &reconcile, &json!({"dry_run": true}))
            .await;
        let schedule = format!("{reconcile}/schedule");
        self.must(Method::POST, &schedule, &json!({"interval": "1h"}))
            .await;
        let stored = world.stored_deliveries().await;
        let of_pagerduty = |key: &&im_engine::Delivery| key.key.integration.as_str() == INTEGRATION;
        let delivery = stored
            .iter()
            .find(of_pagerduty)
            .expect("PagerDuty has told of it");
        self.delivery = delivery.key.delivery.to_string();
        (self.conflict, self.entry) = (first(&conflicts, "id"), first(&letters, "id"));
        let run = run["id"].as_str().expect("an id");
        run.clone_into(&mut self.run);
        self.incident = id.to_string();
    }

    /// As the local administrator.
    async fn must(&self, method: Method, path: &str, body: &Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let answer = self.world.api(method, path, body).await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    pub async fn get_public(&self, path: &str) -> Value {
        self.must(Method::GET, path, &Value::Null).await
    }

    /// A token of this caller's; without one, a token that somebody else has signed.
    pub fn token(&self, caller: Option<&Caller>) -> String {
        let expires = (self.world.clock.read() + SignedDuration::from_hours(24)).as_second();
        let (key, claims) = match caller {
            None => (
                "a key of more than thirty-two bytes, of a thief",
                json!({"sub": "ann@example.com", "org": "acme", "roles": ["platform.administrator"], "exp": expires}),
            ),
            Some(who) => (
                JWT_KEY,
                json!({
                    "sub": who.subject, "org": who.organization, "roles": [who.role], "scopes": who.scopes,
                    "exp": expires,
                }),
            ),
        };
        let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("a token")
    }

    /// Asks a route about what acme has: the status, and all that is answered.
    pub async fn ask(&self, route: &str, token: &str) -> (u16, String) {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{}", self.concrete(method, path)))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        let body = match method {
            "GET" | "DELETE" => Bytes::new(),
            _ => Bytes::from(self.good_body(path).to_string()),
        };
        let request = request.body(body).expect("a request");
        let answer = self.world.request(request).await;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        (answer.status().as_u16(), body)
    }

    fn concrete(&self, method: &str, path: &str) -> String {
        let id = if path.starts_with("/incidents") {
            &self.incident
        } else if path.starts_with("/conflicts") {
            &self.conflict
        } else {
            INTEGRATION
        };
        let query = match (method, path) {
            ("GET", "/deliveries") | ("DELETE", "/incidents/{id}/links") => {
                format!("?integration_id={INTEGRATION}")
            }
            _ => String::new(),
        };
        let path = if path == "/deliveries/{id}/replay" {
            "/deliveries/{id}%2F{delivery}/replay"
        } else {
            path
        };
        let path = path
            .replace("{id}", id)
            .replace("{delivery}", &self.delivery)
            .replace("{field}", "title")
            .replace("{run}", &self.run)
            .replace("{entry}", &self.entry);
        path + &query
    }

    fn good_body(&self, path: &str) -> Value {
        match path {
            "/integrations" => json!({
                "id": "new-pd", "integration_type": "pagerduty", "name": "New",
                "base_url": "https://api.pagerduty.com", "options": {"service": "PSVC001"},
                "credentials": {"token": "t", "from_email": "a@example.com", "webhook_secret": "w"},
            }),
            "/integrations/{id}" => json!({"requests_per_minute": 900}),
            "/integrations/{id}/field-ownership/{field}" => {
                json!({"rules": [{"owner": "platform"}]})
            }
            "/integrations/{id}/mappings" => json!({"values": {}}),
            "/integrations/{id}/triggers" => json!({"outbound": null, "inbound": null}),
            "/integrations/{id}/triggers/test" => {
                json!({"incident": self.incident, "expression": "true"})
            }
            "/integrations/{id}/preview" => json!({"limit": 1}),
            "/integrations/{id}/dlq/retry" | "/integrations/{id}/dlq/discard" => json!({}),
            "/integrations/{id}/reconcile" | "/integrations/{id}/backfill" => {
                json!({"dry_run": true})
            }
            "/integrations/{id}/reconcile/schedule" => json!({"interval": "2h"}),
            "/incidents/{id}/comments" | "/incidents/{id}/work-notes" => {
                json!({"text": "It is the cache"})
            }
            "/incidents/{id}/links" => {
                json!({"integration_id": INTEGRATION, "external_id": "PNONE00"})
            }
            "/conflicts/{id}/resolve" => json!({"resolution": "ignore"}),
            _ => json!({"title": "Disk full"}),
        }
    }

    /// Everything in the tables that belongs to acme: nothing of it may be changed by who is not admitted.
    pub async fn what_acme_has(&self) -> BTreeMap<String, String> {
        let dynamodb = &self.world.system.embedded.dynamodb;
        let table = &self.world.system.embedded.tables.sync;
        let found = dynamodb
            .scan()
            .table_name(table)
            .send()
            .await
            .expect("a scan");
        assert!(found.last_evaluated_key().is_none(), "one page holds it");
        let acmes = [
            "acme",
            &self.incident,
            INTEGRATION,
            JIRA,
            &self.conflict,
            &self.entry,
        ];
        let items = found.items.unwrap_or_default().into_iter();
        items
            .map(|item| {
                let item: Value =
                    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).expect("an item");
                (format!("{} {}", item["pk"], item["sk"]), item.to_string())
            })
            .filter(|(_, item)| acmes.iter().any(|id| item.contains(*id)))
            .collect()
    }
}
