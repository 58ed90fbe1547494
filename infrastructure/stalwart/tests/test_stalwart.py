"""The unit's confinement, and that plan, manifests and page speak of the same ports and names."""

import json
import pathlib
import re
import tomllib
import unittest
from urllib.parse import urlsplit

import units

HERE = pathlib.Path(__file__).resolve().parent.parent
K3S = HERE.parent / "k3s"
README = (HERE / "README.md").read_text()


def plan() -> list[dict]:
    return [json.loads(line) for line in (HERE / "plan.ndjson").read_text().splitlines()]


def listeners() -> dict[int, dict]:
    found = {}
    for operation in plan():
        if operation["object"] == "NetworkListener":
            for listener in operation["value"].values():
                for bind in listener["bind"]:
                    found[int(bind.rsplit(":", 1)[1])] = listener
    return found


class Stalwart(unittest.TestCase):
    def test_the_unit_is_confined_and_understood(self):
        units.hold_to(2.0, HERE / "stalwart.service")
        units.verify([HERE / "stalwart.service"], ["/usr/local/bin/stalwart"])

    def test_the_page_says_the_rating(self):
        self.assertIn(f"(`systemd-analyze security` {units.rating(HERE / 'stalwart.service')})", README)

    def test_the_store_is_in_the_folder_of_the_unit(self):
        config = json.loads((HERE / "config.json").read_text())
        self.assertEqual({"@type", "path"}, set(config))
        unit = (HERE / "stalwart.service").read_text()
        folder = re.search(r"^StateDirectory=(\S+)$", unit, re.MULTILINE)[1]
        self.assertEqual(f"/var/lib/{folder}/", config["path"])
        self.assertIn("--config /etc/stalwart/config.json", unit)
        self.assertRegex((HERE / "sysusers.conf").read_text(), rf"^u stalwart .* /var/lib/{folder}\n$")

    def test_the_plan_can_be_applied_twice(self):
        names = set()
        for operation in plan():
            with self.subTest(operation=operation):
                self.assertIn(operation["@type"], ("upsert", "update"))
                if operation["@type"] == "upsert":
                    self.assertTrue(operation["matchOn"])
                    for key, value in operation["value"].items():
                        self.assertTrue(all(field in value for field in operation["matchOn"]))
                        names.add(f"#{key}")
                # An entry refers to earlier ones only.
                for reference in re.findall(r'"(#[a-z]+)"', json.dumps(operation)):
                    self.assertIn(reference, names)

    def test_every_listener_is_by_tls(self):
        for port, listener in listeners().items():
            self.assertIs(listener["useTls"], True, port)
            self.assertEqual(listener["tlsImplicit"], port not in (25, 4190), port)

    def test_the_page_lists_the_ports_of_the_plan(self):
        table = README.partition("## Ports")[2].partition("## DNS")[0]
        listed = {int(port) for port in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
        self.assertEqual(listed - {443, 8080}, set(listeners()))

    def test_the_cluster_finds_it_where_it_listens(self):
        settings = tomllib.loads((K3S / "base/dezky.toml").read_text())
        api, smtp = urlsplit(settings["stalwart"]["url"]), urlsplit(settings["smtp"]["url"])
        self.assertEqual(("https", "http"), (api.scheme, listeners()[api.port]["protocol"]))
        # A listener that expects the PROXY protocol from pods would refuse Dezky, which is one.
        self.assertNotIn("overrideProxyTrustedNetworks", listeners()[api.port])
        self.assertEqual(("smtps", "smtp"), (smtp.scheme, listeners()[smtp.port]["protocol"]))
        [system] = [operation["value"] for operation in plan() if operation["object"] == "SystemSettings"]
        self.assertEqual({api.hostname, smtp.hostname}, {system["defaultHostname"]})
        [domain] = [each["value"]["platform"]["name"] for each in plan() if each["object"] == "Domain"]
        self.assertTrue(settings["mail"]["from"].endswith("@" + domain))

    def test_traefik_and_it_agree_on_who_names_clients(self):
        route = (K3S / "components/mail-beside/mail.yaml").read_text()
        port = int(re.search(r"^          port: (\d+)$", route, re.MULTILINE)[1])
        self.assertIn("proxyProtocol: {version: 2}", route)
        pods = tomllib.loads((K3S / "base/dezky.toml").read_text())["limits"]["trusted_proxies"]
        self.assertEqual({network: True for network in pods}, listeners()[port]["overrideProxyTrustedNetworks"])
        self.assertIn("allowACMEByPass=true", (K3S / "system/traefik.yaml").read_text())


if __name__ == "__main__":
    unittest.main()
