"""Runs render.sh, and secrets.sh against a cluster that is a folder."""

import base64
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml
from manifests import EVERYTHING, HERE, OVERLAYS, containers, leaves, of, pod, rendered, values, workloads

OURS = {
    "PORTAL_DOMAIN": "work.firma.test",
    "SYSTEMS_DOMAIN": "firma.test",
    "MAIL_ADDRESS": "10.0.0.5",
    "NODE_NETWORK": "10.0.0.0/24",
    "ACME_EMAIL": "ops@firma.test",
    "S3_ENDPOINT": "https://fsn1.your-objectstorage.com",
    "S3_REGION": "fsn1",
    "S3_BUCKET": "firma-files",
    "DEZKY_IMAGE": "ghcr.io/firma/dezky@sha256:" + "a" * 64,
    "PORTAL_IMAGE": "ghcr.io/firma/portal@sha256:" + "b" * 64,
    "COMPONENT_IMAGE": "ghcr.io/firma/component@sha256:" + "c" * 64,
    "OCIS_CHART": "oci://ghcr.io/firma/charts/ocis",
}

# What secrets.sh asks of kubectl. A secret is a folder NAMESPACE/NAME of keys.
KUBECTL = r"""#!/bin/bash
echo "$*" >>"$CLUSTER/calls"
[ ! -e "$CLUSTER/down" ] || { echo "connection refused" >&2; exit 1; }
[ "$1" = --namespace ] || exit 9
case "$3 $4" in
    "get secret")
        case "$*" in
            *--ignore-not-found*) if [ -d "$CLUSTER/$2/$5" ]; then echo "secret/$5"; fi ;;
            *) key=$*; key=${key#*index .data \"}; cat "$CLUSTER/$2/$5/${key%%\"*}" ;;
        esac
        ;;
    "create secret")
        folder=$CLUSTER/$2/$6
        shift 6
        [ $# -gt 0 ] || { echo "a secret without keys" >&2; exit 9; }
        mkdir -p "${folder%/*}" && mkdir "$folder" || exit 9
        for each in "$@"; do
            each=${each#--from-file=}
            cat "${each#*=}" >"$folder/${each%%=*}" || exit 9
        done
        ;;
    *) exit 9 ;;
esac
"""


class Render(unittest.TestCase):
    def run_it(self, overlay="one-server", flags=(), **changes):
        lines = {**OURS, **changes}
        with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
            file.write("# ours\n\n" + "".join(f"{key}={value}\n" for key, value in lines.items() if value is not None))
            file.flush()
            return subprocess.run([HERE / "render.sh", *flags, overlay, file.name], capture_output=True, text=True)

    def refused(self, says, **arguments):
        done = self.run_it(**arguments)
        self.assertEqual((2, ""), (done.returncode, done.stdout), done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)

    def test_examples_are_the_manifests(self):
        for overlay in ("system", *OVERLAYS):
            done = subprocess.run([HERE / "render.sh", "--allow-tags", overlay, HERE / "values.example.env"], capture_output=True, text=True)
            self.assertEqual((rendered(overlay), "", 0), (done.stdout, done.stderr, done.returncode))

    def test_every_value_is_used_and_nothing_of_the_examples_is_left(self):
        output = ""
        for overlay in ("system", *OVERLAYS):
            done = self.run_it(overlay)
            self.assertEqual(0, done.returncode, done.stderr)
            output += done.stdout
            self.assertEqual([], re.findall(r".*(?:example\.|192\.0\.2|198\.51\.100).*", done.stdout))
        for key, value in OURS.items():
            if key != "COMPONENT_IMAGE":
                self.assertIn(value, output, key)
        self.assertIn(r"\.work\.firma\.test$", output)

    def test_another_value_is_another_name_of_settings(self):
        names = {re.search(r"dezky-settings-\w+", self.run_it(MAIL_ADDRESS=a, SYSTEMS_DOMAIN=b).stdout)[0] for a, b in (("10.0.0.5", "firma.test"), ("10.0.0.5", "firma.eu"))}
        self.assertEqual(2, len(names))

    def test_wrong_values_are_refused_with_one_line(self):
        self.refused("`ACME_EMAIL` is missing", ACME_EMAIL=None)
        self.refused("there is no value `ACME_MAIL`", ACME_MAIL="a@b.test")
        self.refused("`DEZKY_IMAGE` must be named by digest", DEZKY_IMAGE="ghcr.io/firma/dezky:1.0")
        self.refused("must not be the portal's domain or below it", SYSTEMS_DOMAIN="systems.work.firma.test")
        self.refused("must not be the portal's domain or below it", SYSTEMS_DOMAIN="work.firma.test")
        self.refused("`PORTAL_DOMAIN` must be a domain", PORTAL_DOMAIN="Work.firma.test")
        self.refused("`MAIL_ADDRESS` must be an IPv4 address", MAIL_ADDRESS="mail.firma.test")
        self.refused("`NODE_NETWORK` must be an IPv4 network", NODE_NETWORK="10.0.0.1")
        self.refused("write NAME=VALUE", S3_BUCKET="$(touch /tmp/x) y")
        self.refused("is no overlay", overlay="two-servers")
        self.assertEqual(0, self.run_it(flags=["--allow-tags"], DEZKY_IMAGE="ghcr.io/firma/dezky:1.0").returncode)

    def test_values_are_text_and_no_pattern(self):
        done = self.run_it(ACME_EMAIL="a&b|c@firma.test")
        self.assertIn("email: a&b|c@firma.test", done.stdout)


class Secrets(unittest.TestCase):
    GIVEN = {
        "HETZNER_DNS_TOKEN": "dns-given",
        "S3_ACCESS_KEY": "access-given",
        "S3_SECRET_KEY": "secret-given",
        "SMTP_PASSWORD": "smtp-given",
        "STALWART_API_KEY": "API_given",
        "OCIS_APP_TOKEN": "ocis given with blanks",
    }

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cluster = pathlib.Path(folder.name, "cluster")
        self.temporary = pathlib.Path(folder.name, "tmp")
        bin = pathlib.Path(folder.name, "bin")
        for each in (self.cluster, self.temporary, bin):
            each.mkdir()
        (bin / "kubectl").write_text(KUBECTL)
        (bin / "kubectl").chmod(0o755)
        self.file = pathlib.Path(folder.name, "given")
        self.environment = {**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", "CLUSTER": str(self.cluster), "TMPDIR": str(self.temporary)}

    def run_it(self, given, *flags, mode=0o600):
        self.file.write_text("# given\n" + "".join(f"{key}={value}\n" for key, value in given.items()))
        self.file.chmod(mode)
        done = subprocess.run([HERE / "secrets.sh", *flags, self.file], capture_output=True, text=True, env=self.environment)
        self.assertEqual([], list(self.temporary.iterdir()), "secrets are left in the temporary folder")
        return done

    def state(self):
        return {str(path.relative_to(self.cluster)): path.read_text() for path in self.cluster.rglob("*") if path.is_file() and path.name != "calls"}

    def test_creates_exactly_what_the_manifests_name(self):
        done = self.run_it(self.GIVEN)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        created = set(self.state())
        for overlay in OVERLAYS:
            needed, whole = references(overlay)
            self.assertEqual(set(), needed - created, "keys that nobody makes")
            named = {each.rpartition("/")[0] for each in needed} | whole
            self.assertEqual({each.rpartition("/")[0] for each in created}, named)
        needed, whole = references(EVERYTHING)
        self.assertEqual({"dezky/dezky-stripe"}, ({each.rpartition("/")[0] for each in needed} | whole) - {each.rpartition("/")[0] for each in created})

    def test_values_of_two_sides_are_the_same(self):
        self.run_it(self.GIVEN)
        state = self.state()
        password = state["mongodb/dezky-mongodb-dezky/password"]
        [database] = of("one-server", "MongoDBCommunity")
        meta, spec = database["metadata"], database["spec"]
        [user] = [each for each in spec["users"] if each["passwordSecretRef"]["name"] == "dezky-mongodb-dezky"]
        [role] = user["roles"]
        self.assertEqual(
            state["dezky/dezky-store/uri"],
            f"mongodb+srv://{user['name']}:{password}@{meta['name']}-svc.{meta['namespace']}.svc.cluster.local/{role['db']}"
            f"?tls=false&replicaSet={meta['name']}&authSource={user['db']}",
        )
        self.assertEqual(state["authentik/authentik/AUTHENTIK_POSTGRESQL__PASSWORD"], state["authentik/authentik-postgresql/password"])
        self.assertEqual(state["authentik/authentik/DEZKY_PORTAL_CLIENT_SECRET"], state["dezky/dezky-portal/client-secret"])
        self.assertEqual(state["authentik/authentik/DEZKY_CONNECTOR_TOKEN"], state["dezky/dezky-systems/authentik"])
        self.assertEqual(state["ocis/ocis-ldap-bind/reva-ldap-bind-password"], state["ocis/ocis-ldap-bind/graph-ldap-bind-password"])
        self.assertEqual(32, len(base64.b64decode(state["dezky/dezky-portal/token-key"])))
        self.assertEqual("ocis given with blanks", state["dezky/dezky-systems/ocis"])
        random = [value for key, value in state.items() if re.search(r"password|secret", key, re.IGNORECASE) and "given" not in value]
        self.assertTrue(all(len(value) >= 32 for value in random))

    def test_the_certificate_is_of_the_authority_and_has_the_name_that_is_asked(self):
        self.run_it(self.GIVEN)
        [url] = [value for _, value in leaves(values("one-server")["ocis"]) if str(value).startswith("ldaps://")]
        host = re.match(r"ldaps://([^:]+):", url)[1]
        ca, certificate = self.cluster / "ocis/ocis-ldap-ca/ldap-ca.crt", self.cluster / "ocis/ocis-ldap-cert/ldap.crt"
        done = subprocess.run(
            ["openssl", "verify", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile", ca, certificate], capture_output=True, text=True
        )
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_second_run_changes_nothing(self):
        self.run_it(self.GIVEN)
        before = self.state()
        done = self.run_it({})
        self.assertEqual((0, before), (done.returncode, self.state()))
        self.assertNotIn("created", done.stdout)

    def test_what_is_not_given_yet_is_missing_and_comes_later(self):
        done = self.run_it({key: self.GIVEN[key] for key in ("HETZNER_DNS_TOKEN", "S3_ACCESS_KEY", "S3_SECRET_KEY")})
        self.assertEqual(1, done.returncode)
        self.assertIn("STALWART_API_KEY OCIS_APP_TOKEN SMTP_PASSWORD", done.stderr)
        before = self.state()
        self.assertNotIn("dezky/dezky-systems/authentik", before)
        self.assertEqual(0, self.run_it(self.GIVEN).returncode)
        self.assertEqual(before, {key: value for key, value in self.state().items() if key in before})

    def test_a_check_creates_nothing(self):
        done = self.run_it(self.GIVEN, "--check")
        self.assertEqual((1, {}), (done.returncode, self.state()))
        self.assertIn("missing  mongodb/dezky-mongodb-dezky", done.stdout)
        self.run_it(self.GIVEN)
        self.assertEqual(0, self.run_it(self.GIVEN, "--check").returncode)

    def test_no_secret_is_shown(self):
        done = self.run_it(self.GIVEN)
        shown = done.stdout + done.stderr + (self.cluster / "calls").read_text()
        for value in self.state().values():
            self.assertNotIn(value, shown)

    def test_mistakes_are_refused_before_anything_is_created(self):
        for mode in (0o644, 0o640, 0o604):
            done = self.run_it(self.GIVEN, mode=mode)
            self.assertEqual(2, done.returncode)
            self.assertIn("others may read", done.stderr)
        done = self.run_it({"OCIS_TOKN": "sesame"})
        self.assertEqual(2, done.returncode)
        self.assertIn("line 2: there is no `OCIS_TOKN`", done.stderr)
        self.assertNotIn("sesame", done.stderr)
        self.assertEqual({}, self.state())

    def test_an_unreachable_cluster_is_no_empty_cluster(self):
        (self.cluster / "down").touch()
        done = self.run_it(self.GIVEN)
        self.assertEqual(1, done.returncode)
        self.assertIn("the cluster does not answer", done.stderr)


def references(overlay) -> tuple[set, set]:
    """What manifests take from secrets: keys (`NAMESPACE/NAME/KEY`), and secrets as a whole."""
    keys, whole = set(), set()
    for workload in workloads(overlay):
        namespace = workload["metadata"]["namespace"]
        for container in containers(workload):
            for variable in container.get("env", []):
                if "secretKeyRef" in variable.get("valueFrom", {}):
                    reference = variable["valueFrom"]["secretKeyRef"]
                    keys.add(f"{namespace}/{reference['name']}/{reference['key']}")
        for volume in pod(workload)["spec"].get("volumes", []):
            if "secret" in volume:
                whole.add(f"{namespace}/{volume['secret']['secretName']}")
    for database in of(overlay, "MongoDBCommunity"):
        keys |= {f"{database['metadata']['namespace']}/{user['passwordSecretRef']['name']}/password" for user in database["spec"]["users"]}
    for issuer in of(overlay, "ClusterIssuer"):
        for path, value in leaves(issuer):
            if path[-2:] == ("tokenSecretKeyRef", "name"):
                keys.add(f"cert-manager/{value}/token")
    for chart in of(overlay, "HelmChart"):
        namespace = chart["spec"]["targetNamespace"]
        for path, value in leaves(yaml.safe_load(chart["spec"].get("valuesContent", "")) or {}):
            if path[0] == "secretRefs" or path[-1] == "secretName" or path[-2:] == ("secretRef", "name"):
                whole.add(f"{namespace}/{value}")
    # The keys of files that dezky.toml names.
    from manifests import settings

    for path, value in leaves(settings(overlay)):
        if str(path[-1]).endswith("secret_file"):
            keys.add(f"dezky/dezky-systems/{pathlib.PurePath(value).name}")
    return keys, whole


if __name__ == "__main__":
    unittest.main()
