"""Requests of real clients to the SCIM service of `dezky dev`: a checker of compliance, a client library, and identity providers."""

import json
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import httpx2
from programs import clean
from release import BINARY, Dev
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation
from scim2_tester import Status, check_server

SCOPES = ["directory.read", "directory.provision", "directory.read_platform", "directory.provision_platform"]
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# `active` is never without a value: whoever may call is active.
KNOWN = {("check_remove_attribute", "active")}


def setUpModule():
    global folder, dev, key
    folder = tempfile.TemporaryDirectory(prefix="dezky-scim.")
    dev = Dev(Path(folder.name), "--no-systems")
    options = [option for scope in SCOPES for option in ("--scope", scope)]
    made = subprocess.run(
        [BINARY, "api-key", "create", "SCIM", *options, "--json"],
        check=True,
        capture_output=True,
        text=True,
        env=clean() | {"DEZKY_STORE": f"sqlite:{dev.store}"},
    )
    key = json.loads(made.stdout)["secret"]
    # An administrator by the group of the token, from the first request on.
    assert ask("GET", "/users/me", token=dev.token)[0] == 200


def tearDownModule():
    dev.end()
    folder.cleanup()


def ask(method, path, body=None, token=None):
    """Status and document of an answer."""
    request = urllib.request.Request(dev.origin + path, method=method)
    request.add_header("Authorization", f"Bearer {token or key}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/scim+json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or "null")


def scim(method, path, body=None):
    return ask(method, "/scim/v2/default" + path, body)


def client():
    headers = {"Authorization": f"Bearer {key}"}
    connection = unittest.enterModuleContext(httpx2.Client(base_url=dev.origin + "/scim/v2/default", headers=headers))
    client = SyncSCIMClient(connection)
    client.discover()
    return client


def tenant(slug):
    """A tenant whose people are those of the group of its name."""
    status, made = ask("POST", "/tenants", {"slug": slug, "name": slug, "authentikGroup": slug}, dev.token)
    assert status == 201, made


def person(name):
    """A person of the development provider, whose token names them by this."""
    return dev.told["people"][name]["token"]


class Compliance(unittest.TestCase):
    def test_the_checker_finds_nothing_else(self):
        results = check_server(client())
        failed = {
            (result.title, (result.data or {}).get("urn") if isinstance(result.data, dict) else None): result.reason
            for result in results
            if result.status in (Status.ERROR, Status.CRITICAL)
        }
        assert set(failed) == KNOWN, failed
        assert sum(result.status == Status.SUCCESS for result in results) > 60


class Client(unittest.TestCase):
    def test_who_is_pushed_into_a_group_is_let_in_and_out_again(self):
        tenant("walk")
        sdk = client()
        models = {model.__name__: model for model in sdk.resource_models}
        user, group = models["User"], models["Group"]
        anna = sdk.create(user(user_name="anna@example.eu", external_id="anna", display_name="Anna Example"))
        assert ask("GET", "/tenants/walk", token=person("anna"))[0] == 404
        staff = sdk.create(group(display_name="walk", members=[{"value": anna.id}]))
        assert ask("GET", "/tenants/walk", token=person("anna"))[0] == 200
        found = sdk.query(user)
        assert anna.id in [one.id for one in found.resources]
        operation = PatchOperation(op=PatchOperation.Op.replace_, path="active", value=False)
        anna = sdk.modify(user, anna.id, PatchOp[user](operations=[operation]))
        assert not anna.active
        assert ask("GET", "/tenants/walk", token=person("anna"))[1]["code"] == "user_disabled"
        anna.active = True
        anna = sdk.replace(anna)
        assert ask("GET", "/tenants/walk", token=person("anna"))[0] == 200
        sdk.delete(staff)
        assert ask("GET", "/tenants/walk", token=person("anna"))[0] == 404
        sdk.delete(anna)


class Providers(unittest.TestCase):
    """The requests that identity providers send, as their documentation shows them."""

    def test_authentik(self):
        # https://docs.goauthentik.io/add-secure-apps/providers/scim/
        assert scim("GET", "/ServiceProviderConfig")[0] == 200
        tenant("pushed")
        schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
        body = {
            "schemas": schemas,
            "userName": "akadmin",
            "name": {"formatted": "authentik Default Admin", "givenName": "authentik", "familyName": "Default Admin"},
            "displayName": "authentik Default Admin",
            "photos": None,
            "locale": None,
            "active": True,
            "emails": [{"primary": True, "type": "other", "value": "akadmin@example.eu"}],
            "externalId": "7f1d3c90-1111-4c7e-9d43-aaaaaaaaaaaa",
        }
        status, user = scim("POST", "/Users", body)
        assert status == 201, user
        assert scim("PUT", f"/Users/{user['id']}", body | {"id": user["id"]})[0] == 200
        group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "pushed", "externalId": "g"}
        status, group = scim("POST", "/Groups", group)
        assert status == 201, group
        for verb, there in (("add", True), ("remove", False)):
            operation = {"op": verb, "path": "members", "value": [{"value": user["id"]}]}
            patch = {"schemas": [PATCH], "Operations": [operation]}
            assert scim("PATCH", f"/Groups/{group['id']}", patch)[0] == 204
            members = ask("GET", "/tenants/pushed/members", token=dev.token)[1]["items"]
            assert [one["userId"] for one in members] == ([user["id"]] if there else [])

    def test_entra_id(self):
        # https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
        name = "Test_User_dfeef4c5-5681-4387-b016-bdf221e82081"
        status, found = scim("GET", f"/Users?filter=userName+eq+%22{name}%22")
        assert (status, found["totalResults"], found["Resources"]) == (200, 0, [])
        enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        status, user = scim(
            "POST",
            "/Users",
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", enterprise],
                "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
                "userName": name,
                "active": True,
                "addresses": [{"primary": False, "type": "work", "country": "Germany"}],
                "displayName": "lennay",
                "emails": [{"type": "work", "value": "testing@bob.eu", "primary": True}],
                "meta": {"resourceType": "User"},
                "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
                "preferredLanguage": "xhxJaUFMDb",
                "roles": [],
                enterprise: {"department": "bob", "manager": {"value": "SuzzyQ"}},
            },
        )
        assert status == 201, user
        operations = [
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "updatedEmail@example.eu"},
            {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
            {"op": "Add", "path": f"{enterprise}:department", "value": "Sales"},
            {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "France"},
        ]
        status, user = scim("PATCH", f"/Users/{user['id']}", {"schemas": [PATCH], "Operations": operations})
        assert (status, user["emails"][0]["value"]) == (200, "updatedEmail@example.eu")
        assert user["name"]["familyName"] == "updatedFamilyName"
        status, group = scim(
            "POST",
            "/Groups",
            {
                "schemas": [
                    "urn:ietf:params:scim:schemas:core:2.0:Group",
                    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
                ],
                "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
                "displayName": "entra",
                "meta": {"resourceType": "Group"},
            },
        )
        assert status == 201, group
        status, found = scim("GET", "/Groups?excludedAttributes=members&filter=displayName+eq+%22entra%22")
        assert (status, [one["id"] for one in found["Resources"]]) == (200, [group["id"]])
        for verb in ("Add", "Remove"):
            operation = {"op": verb, "path": "members", "value": [{"$ref": None, "value": user["id"]}]}
            patch = {"schemas": [PATCH], "Operations": [operation]}
            assert scim("PATCH", f"/Groups/{group['id']}", patch)[0] == 204
        off = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
        status, user = scim("PATCH", f"/Users/{user['id']}", off)
        assert (status, user["active"]) == (200, False)
        assert scim("DELETE", f"/Users/{user['id']}")[0] == 204
        assert scim("DELETE", f"/Groups/{group['id']}")[0] == 204

    def test_okta(self):
        # https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/
        name = "test.user@okta.local"
        status, found = scim("GET", f"/Users?filter=userName%20eq%20%22{name}%22&startIndex=1&count=100")
        assert (status, found["totalResults"], found["itemsPerPage"]) == (200, 0, 0)
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "name": {"givenName": "Test", "familyName": "User"},
            "emails": [{"primary": True, "value": name, "type": "work"}],
            "displayName": "Test User",
            "locale": "en-US",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        }
        status, user = scim("POST", "/Users", body)
        assert status == 201, user
        assert "password" not in user
        assert scim("POST", "/Users", body)[1]["scimType"] == "uniqueness"
        status, user = scim("PUT", f"/Users/{user['id']}", body | {"id": user["id"], "meta": {"resourceType": "User"}})
        assert status == 200
        off = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
        assert not scim("PATCH", f"/Users/{user['id']}", off)[1]["active"]
        group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "okta", "members": []}
        status, group = scim("POST", "/Groups", group)
        assert status == 201, group
        operations = [
            {"op": "remove", "path": f'members[value eq "{user["id"]}"]'},
            {"op": "add", "path": "members", "value": [{"value": user["id"], "display": name}]},
        ]
        patch = {"schemas": [PATCH], "Operations": operations}
        assert scim("PATCH", f"/Groups/{group['id']}", patch)[0] == 204
        rename = {"op": "replace", "value": {"id": group["id"], "displayName": "Okta people"}}
        patch = {"schemas": [PATCH], "Operations": [rename]}
        assert scim("PATCH", f"/Groups/{group['id']}", patch)[0] == 204
        group = scim("GET", f"/Groups/{group['id']}")[1]
        assert (group["displayName"], group["members"][0]["value"]) == ("Okta people", user["id"])

    def test_bulk_is_refused_honestly(self):
        status, error = scim("POST", "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]})
        assert (status, error["status"]) == (501, "501")


if __name__ == "__main__":
    unittest.main()
