"""Who may do what through the deployed API: a sample of tests/access/matrix.txt."""

from stack import check, passed

# For each caller: claims, then what it is answered. {own} is assigned to Ann, {other} to nobody.
ASKED = (
    "GET /incidents/{own}",
    "PATCH /incidents/{own}",
    "PATCH /incidents/{other}",
    "GET /integrations/{id}",
    "PATCH /integrations/{id}",
    "GET /integrations/{id}/sync-status",
    "GET /integrations/{id}/dlq",
    "GET /audit?integration_id={id}",
)
ANN = {"sub": "ann@example.com"}
TABLE = (
    ("no token", None, (401,) * 8),
    ("no role", {**ANN, "roles": [], "scopes": ["*"]}, (403,) * 8),
    ("a viewer", {**ANN, "roles": ["viewer"], "scopes": ["*"]}, (403, 403, 403, 403, 403, 200, 403, 403)),
    ("a commander", {**ANN, "roles": ["incident_commander"]}, (200, 200, 403, 403, 403, 200, 403, 403)),
    (
        "a manager in its scope",
        {**ANN, "roles": ["integration.manager"], "scopes": ["{id}"]},
        (200, 403, 403, 200, 200, 200, 200, 200),
    ),
    (
        "a manager out of its scope",
        {**ANN, "roles": ["integration.manager"], "scopes": ["another"]},
        (200, 403, 403, 403, 403, 403, 403, 403),
    ),
    ("an administrator", {"roles": ["platform.administrator"]}, (200,) * 8),
    (
        "another organization's administrator",
        {**ANN, "org": "rival", "roles": ["platform.administrator"]},
        (404, 404, 404, 404, 404, 404, 404, 200),
    ),
)


def check_access(stack, api, integration, own, other):
    """`own` and `other` are ids of incidents."""
    api.call("PATCH", f"/incidents/{own}", {"assigned_to": ANN["sub"]}).expect(200, "assign")
    for who, claims, expected in TABLE:
        if claims and "scopes" in claims:
            claims = {**claims, "scopes": [scope.format(id=integration) for scope in claims["scopes"]]}
        token = None if claims is None else stack.token(**claims)
        for asked, status in zip(ASKED, expected, strict=True):
            method, path = asked.format(own=own, other=other, id=integration).split(" ")
            # What is there already: it changes nothing.
            body = {"enabled": True} if "/integrations/" in path else {"assigned_to": ANN["sub"]}
            if path.endswith(other):
                body = {"assigned_to": None}
            answer = api.call(method, path, body if method == "PATCH" else None, token=token)
            check(answer.status == status, f"{who}: {asked} was answered {answer.status}, not {status}: {answer.text}")
            if claims and claims.get("org") == "rival" and status == 200:
                check(answer.json["items"] == [], f"{who} is told something: {answer.text}")
    passed(f"{len(TABLE)} callers are answered as the policy says, on {len(ASKED)} routes each")
    told = api.call("GET", f"/audit?integration_id={integration}").expect(200, "audit")["items"]
    check(told and told[-1]["action"] == "integration.created", f"the audit tells of the creation: {told}")
    passed(f"the audit tells who changed what: {len(told)} entries of {integration}")
