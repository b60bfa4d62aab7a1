"""Webhooks that this script signs by itself, as the vendors document it: with nothing of the project's."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import jwt
from stack import request


def hmac_sha256(secret, data):
    return hmac.new(secret.encode(), data, hashlib.sha256)


def encoded(content):
    return json.dumps(content, separators=(",", ":")).encode()


# ---------------------------------------------------------------------------------------------- ServiceNow


def servicenow_body(sys_id, updated_on, age=0):
    """What the Business Rule says of a record."""
    return encoded(
        {
            "delivery_id": uuid.uuid4().hex,
            "table": "incident",
            "sys_id": sys_id,
            "sys_updated_on": updated_on,
            "timestamp": int(time.time()) - age,
        }
    )


def by_hex(secret, body):
    return {"X-ServiceNow-Signature": "sha256=" + hmac_sha256(secret, body).hexdigest()}


def by_base64(secret, body):
    return {"X-ServiceNow-Signature": base64.b64encode(hmac_sha256(secret, body).digest()).decode()}


# ---------------------------------------------------------------------------------------------- Jira


def jira_body(event, issue):
    return encoded({"timestamp": int(time.time() * 1000), "webhookEvent": event, "issue": issue})


def claims(issuer, path, **others):
    """A Connect token's claims for a POST to this path without a query; `None` leaves one out."""
    now = int(time.time())
    qsh = hashlib.sha256(f"POST&{path}&".encode()).hexdigest()
    named = {"iss": issuer, "iat": now, "exp": now + 180, "qsh": qsh, **others}
    return {name: claim for name, claim in named.items() if claim is not None}


def by_token(secret, its_claims, scheme="JWT"):
    return {"Authorization": f"{scheme} {jwt.encode(its_claims, secret, algorithm='HS256')}"}


def by_headed_token(header, its_claims, secret=None):
    """A token with any header, whatever it claims of its algorithm: with a secret HS256, without one unsigned."""
    parts = (base64.urlsafe_b64encode(encoded(part)).rstrip(b"=") for part in (header, its_claims))
    signed = b".".join(parts)
    mac = hmac_sha256(secret, signed).digest() if secret else b""
    token = signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")
    return {"Authorization": f"JWT {token.decode()}"}


def post(url, body, headers):
    return request("POST", url, body, {"Content-Type": "application/json", **headers})
