//! Checks requests and answers against a vendor's `OpenAPI` 3.0 file.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use http::{HeaderMap, Method, StatusCode};
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Map, Value, json};

mod document;
mod given;

pub use self::document::Correction;
use self::document::{correct, to_json_schema};
use self::given::{Given, Pairs, matched};

const DOCUMENT: &str = "urn:openapi";

/// What is wrong with a message; empty never.
pub type Findings = Vec<String>;

/// Error answers that a file leaves out though its vendor gives them.
#[derive(Clone, Copy, Debug)]
pub struct ErrorAnswers {
    /// JSON pointer to the schema of an error whose body the file does not describe.
    pub schema: &'static str,
    /// Statuses that any path may answer, listed or not.
    pub everywhere: &'static [u16],
}

/// A vendor's `OpenAPI` file.
pub struct OpenApi {
    errors: Option<ErrorAnswers>,
    document: Value,
    registry: Registry<'static>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl fmt::Debug for OpenApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = &self.document["info"]["title"];
        formatter.debug_tuple("OpenApi").field(title).finish()
    }
}

impl OpenApi {
    /// Reads the file as it is.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_corrected(path, &[])
    }

    /// Reads the file and corrects it.
    pub fn load_corrected(path: impl AsRef<Path>, corrections: &[Correction]) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_document(serde_json::from_str(&text)?, corrections)
    }

    /// Takes a parsed file and corrects it.
    pub fn from_document(mut document: Value, corrections: &[Correction]) -> Result<Self> {
        for correction in corrections {
            correct(&mut document, correction)?;
        }
        to_json_schema(&mut document);
        let registry = Registry::new()
            .draft(Draft::Draft4)
            .add(DOCUMENT, document.clone())?
            .prepare()?;
        Ok(Self {
            errors: None,
            document,
            registry,
            validators: Mutex::default(),
        })
    }

    /// The same, with what it leaves out of error answers.
    #[must_use]
    pub fn with_errors(mut self, errors: ErrorAnswers) -> Self {
        self.errors = Some(errors);
        self
    }

    /// Checks path, method, required parameters, each given parameter and the body.
    pub fn validate_request(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Findings> {
        let (pointer, values) = self.operation(method, path).map_err(|error| vec![error])?;
        let mut findings = Vec::new();
        self.check_security(headers, &mut findings);
        let given = Given::new(values, query, headers, !body.is_empty());
        self.check_parameters(&pointer, &given, &mut findings);
        self.check_request_body(&pointer, body, &mut findings);
        finish(findings)
    }

    /// Checks that the answer is one the file knows, and its body.
    pub fn validate_response(
        &self,
        method: &Method,
        path: &str,
        status: StatusCode,
        body: &[u8],
    ) -> Result<(), Findings> {
        let (pointer, _) = self.operation(method, path).map_err(|error| vec![error])?;
        let pointer = format!("{pointer}/responses/{}", status.as_u16());
        let known = self.resolve(&pointer);
        let errors = self.errors.filter(|_| status.is_client_error());
        let mut findings = Vec::new();
        match (known, errors) {
            (Some((pointer, response)), _) if response.get("content").is_some() => {
                if status == StatusCode::NO_CONTENT && body.is_empty() {
                    return Ok(()); // whatever the file says, it has none
                }
                self.check_content(&pointer, body, &mut findings);
            }
            (Some(_), None) if body.is_empty() => {}
            (Some(_), None) => findings.push(format!("{} has no body", status.as_u16())),
            (Some(_), Some(errors)) => self.check_body(errors.schema, body, &mut findings),
            (None, Some(errors)) if errors.everywhere.contains(&status.as_u16()) => {
                self.check_body(errors.schema, body, &mut findings);
            }
            (None, _) => {
                findings.push(format!(
                    "{method} {path} does not answer {}",
                    status.as_u16()
                ));
            }
        }
        finish(findings)
    }

    /// The pointer to the operation, and the values in its path.
    fn operation(&self, method: &Method, path: &str) -> Result<(String, Pairs), String> {
        let paths = self.document["paths"].as_object();
        let templates = paths.into_iter().flat_map(Map::keys);
        let (template, values) = templates
            .filter_map(|template| Some((template, matched(template, path)?)))
            // `/users/me` before `/users/{id}`.
            .min_by_key(|(_, values)| values.len())
            .ok_or_else(|| format!("unknown path {path}"))?;
        let verb = method.as_str().to_lowercase();
        let pointer = format!("/paths/{}/{verb}", escape(template));
        match self.document.pointer(&pointer) {
            Some(_) => Ok((pointer, values)),
            None => Err(format!("{template} does not take {method}")),
        }
    }

    /// Follows `$ref`, if there is one.
    fn resolve(&self, pointer: &str) -> Option<(String, &Value)> {
        let value = self.document.pointer(pointer)?;
        match value.get("$ref").and_then(Value::as_str) {
            Some(target) => self.resolve(target.strip_prefix('#')?),
            None => Some((pointer.to_owned(), value)),
        }
    }

    /// API keys in headers; other schemes leave the check to the stand-in.
    fn check_security(&self, headers: &HeaderMap, findings: &mut Findings) {
        let required = self.document["security"].as_array();
        let names = required.into_iter().flatten().filter_map(Value::as_object);
        for name in names.flat_map(Map::keys) {
            let scheme = &self.document["components"]["securitySchemes"][name];
            let header = scheme["name"].as_str().filter(|_| scheme["in"] == "header");
            if header.is_some_and(|header| !headers.contains_key(header)) {
                findings.push(format!("no credentials ({name})"));
            }
        }
    }

    fn check_parameters(&self, operation: &str, given: &Given, findings: &mut Findings) {
        let item = operation.rsplit_once('/').map_or("", |(item, _)| item);
        let mut queries = BTreeSet::new();
        for level in [item, operation] {
            let level = format!("{level}/parameters");
            let count = self.document.pointer(&level).and_then(Value::as_array);
            for place in 0..count.map_or(0, Vec::len) {
                let Some((pointer, parameter)) = self.resolve(&format!("{level}/{place}")) else {
                    findings.push(format!("broken reference in {level}"));
                    continue;
                };
                if parameter["in"] == "query" {
                    queries.extend(parameter["name"].as_str());
                }
                self.check_parameter(&pointer, parameter, given, findings);
            }
        }
        for (name, _) in &given.query {
            if !queries.contains(name.as_str()) {
                findings.push(format!("unknown query parameter {name}"));
            }
        }
    }

    fn check_parameter(
        &self,
        pointer: &str,
        parameter: &Value,
        given: &Given,
        findings: &mut Findings,
    ) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let kind = parameter["in"].as_str().unwrap_or_default();
        let values = given.values(kind, name);
        if values.is_empty() && parameter["required"] == true && given.demands(kind, name) {
            findings.push(format!("{kind} parameter {name} is missing"));
        }
        let mut schema = format!("{pointer}/schema");
        let is_list = |schema: &str| {
            let resolved = self.resolve(schema);
            resolved.is_some_and(|(_, schema)| schema["type"] == "array")
        };
        if is_list(&schema) {
            schema = format!("{schema}/items");
        }
        for value in values {
            let typed = self.typed(&schema, value);
            for finding in self.check(&schema, &typed) {
                findings.push(format!("{kind} parameter {name}: {finding}"));
            }
        }
    }

    /// The text of a parameter as the JSON its schema asks for.
    fn typed(&self, schema: &str, text: &str) -> Value {
        let resolved = self.resolve(schema);
        let kind = resolved.and_then(|(_, schema)| schema["type"].as_str());
        let parsed = match kind {
            Some("integer" | "number" | "boolean") => serde_json::from_str(text).ok(),
            _ => None,
        };
        parsed.unwrap_or_else(|| json!(text))
    }

    fn check_request_body(&self, operation: &str, body: &[u8], findings: &mut Findings) {
        let Some((pointer, _)) = self.resolve(&format!("{operation}/requestBody")) else {
            if !body.is_empty() {
                findings.push("a body where none is known".to_owned());
            }
            return;
        };
        self.check_content(&pointer, body, findings);
    }

    fn check_content(&self, pointer: &str, body: &[u8], findings: &mut Findings) {
        let schema = format!("{pointer}/content/application~1json/schema");
        match self.document.pointer(&schema) {
            None => findings.push(format!("no JSON schema at {pointer}")),
            // It leaves open what, and so whether.
            Some(Value::Object(any)) if any.is_empty() && body.is_empty() => {}
            Some(_) => self.check_body(&schema, body, findings),
        }
    }

    fn check_body(&self, schema: &str, body: &[u8], findings: &mut Findings) {
        match serde_json::from_slice(body) {
            Ok(body) => findings.extend(self.check(schema, &body)),
            Err(error) => findings.push(format!("the body is not JSON: {error}")),
        }
    }

    fn check(&self, schema: &str, value: &Value) -> Findings {
        if self.document.pointer(schema).is_none() {
            return Vec::new(); // a parameter without a schema takes anything
        }
        match self.validator(schema) {
            Ok(validator) => {
                let errors = validator.iter_errors(value);
                let finding = |error: jsonschema::ValidationError<'_>| {
                    format!("{}: {error}", error.instance_path())
                };
                errors.map(finding).collect()
            }
            Err(error) => vec![format!("the schema at {schema} does not compile: {error}")],
        }
    }

    fn validator(&self, schema: &str) -> Result<Arc<Validator>> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = known.get(schema) {
            return Ok(Arc::clone(validator));
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft4)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .build(&json!({"$ref": format!("{DOCUMENT}#{}", in_fragment(schema))}))?;
        let validator = Arc::new(validator);
        known.insert(schema.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

fn finish(findings: Findings) -> Result<(), Findings> {
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings)
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A JSON pointer as a URI fragment.
fn in_fragment(pointer: &str) -> String {
    pointer
        .replace('%', "%25")
        .replace('{', "%7B")
        .replace('}', "%7D")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    fn small() -> OpenApi {
        let document = json!({
            "security": [{"key": []}],
            "components": {"securitySchemes": {"key": {"in": "header", "name": "Authorization"}}},
            "paths": {"/things/{id}": {"put": {
                "parameters": [
                    {"name": "From", "in": "header", "required": true, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {
                    "type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string", "nullable": true, "enum": ["a", "b"]},
                    },
                }}}},
                "responses": {"200": {"content": {"application/json": {"schema": {
                    "type": "object", "required": ["id"],
                }}}}},
            }}},
        });
        OpenApi::from_document(document, &[]).unwrap()
    }

    fn put(query: Option<&str>, with_headers: bool, body: &str) -> Result<(), Findings> {
        let mut headers = HeaderMap::new();
        if with_headers {
            headers.insert("from", "a@example.com".parse().unwrap());
            headers.insert("authorization", "x".parse().unwrap());
        }
        small().validate_request(&Method::PUT, "/things/1", query, &headers, body.as_bytes())
    }

    #[test]
    fn a_right_request_passes_and_each_mistake_is_named() {
        assert_eq!(put(Some("limit=3"), true, r#"{"name":"a"}"#), Ok(()));
        assert_eq!(put(None, true, r#"{"name":null}"#), Ok(()));
        assert_eq!(put(None, false, r#"{"name":"a"}"#).unwrap_err().len(), 2);
        for (query, body) in [
            (None, r#"{"name":"c"}"#),
            (None, "{}"),
            (None, "nonsense"),
            (None, ""),
            (Some("limit=x"), r#"{"name":"a"}"#),
            (Some("limits=1"), r#"{"name":"a"}"#),
        ] {
            let findings = put(query, true, body).unwrap_err();
            assert_eq!(findings.len(), 1, "{query:?} {body}: {findings:?}");
        }
    }

    #[test]
    fn unknown_paths_methods_and_statuses_are_mistakes() {
        let openapi = small();
        let check = |method: &Method, path: &str, status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            openapi.validate_response(method, path, status, body.as_bytes())
        };
        assert_eq!(check(&Method::PUT, "/things/1", 200, r#"{"id":1}"#), Ok(()));
        assert!(check(&Method::PUT, "/things/1", 200, "{}").is_err());
        assert!(check(&Method::PUT, "/things/1", 201, r#"{"id":1}"#).is_err());
        assert!(check(&Method::GET, "/things/1", 200, r#"{"id":1}"#).is_err());
        assert!(check(&Method::PUT, "/things", 200, r#"{"id":1}"#).is_err());
    }

    #[test]
    fn an_errors_body_is_checked_where_the_file_leaves_it_out() {
        let operation = json!({"responses": {
            "204": {"content": {"application/json": {"schema": {}}}},
            "404": {"description": "not found"},
        }});
        let document = json!({
            "components": {"schemas": {"Error": {"type": "object", "required": ["why"]}}},
            "paths": {"/things": {"put": operation}},
        });
        let errors = ErrorAnswers {
            schema: "/components/schemas/Error",
            everywhere: &[429],
        };
        let openapi = OpenApi::from_document(document, &[])
            .unwrap()
            .with_errors(errors);
        let check = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let body = body.as_bytes();
            openapi
                .validate_response(&Method::PUT, "/things", status, body)
                .is_ok()
        };
        assert!(check(204, "") && check(404, r#"{"why":""}"#) && check(429, r#"{"why":""}"#));
        assert!(!check(404, "") && !check(404, "{}") && !check(429, "{}"));
        assert!(!check(400, r#"{"why":""}"#) && !check(204, "x"));
    }

    #[test]
    fn a_correction_without_its_place_is_an_error() {
        let correction = Correction {
            pointer: "/components/schemas/Gone/type",
            value: "true",
            because: "",
        };
        let broken = OpenApi::from_document(json!({"components": {}}), &[correction]);
        assert!(broken.is_err());
    }
}
