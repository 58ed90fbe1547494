"""Hosts: certificates, routes and names of an installation."""

import re
from urllib.parse import urlsplit

from manifests import ALL, REPOSITORY, Everywhere, containers, leaves, mail_host, name, of, settings, values, workloads

# Names of a tenant's mail domain that lead to the mail server.
MAIL_HOSTS = {"autoconfig.acme.test", "autodiscover.acme.test", "mta-sts.acme.test", "ua-auto-config.acme.test"}


class Hosts(Everywhere):
    def routes(self, overlay):
        """Each (namespace, fixed hosts, patterns, route) of HTTP."""
        for document in of(overlay, "IngressRoute"):
            for route in document["spec"]["routes"]:
                hosts = re.findall(r"(?<![A-Za-z])Host\(`([^`]+)`\)", route["match"])
                patterns = re.findall(r"HostRegexp\(`([^`]+)`\)", route["match"])
                self.assertTrue(hosts or patterns, "a route for every host")
                yield document, hosts, patterns, route

    def test_every_host_has_a_certificate_and_every_certificate_a_host(self):
        for overlay in ALL:
            certificates = {(each["metadata"]["namespace"], each["spec"]["secretName"]): each["spec"]["dnsNames"] for each in of(overlay, "Certificate")}
            used = set()
            for document, hosts, patterns, _ in self.routes(overlay):
                key = (document["metadata"]["namespace"], document["spec"]["tls"]["secretName"])
                self.assertIn(key, certificates)
                used.add(key)
                named = certificates[key]
                for host in hosts:
                    wildcard = "*." + host.split(".", 1)[1]
                    self.assertTrue(host in named or wildcard in named, host)
                for pattern in patterns:
                    for wildcard in named:
                        self.assertRegex(wildcard.replace("*", "acme"), pattern)
            self.assertEqual(used, set(certificates))

    def test_every_route_is_by_tls_with_suites_that_its_key_can_have(self):
        for overlay in ALL:
            for document, *_ in self.routes(overlay):
                self.assertEqual(["websecure"], document["spec"]["entryPoints"])
            [options] = of(overlay, "TLSOption")
            self.assertEqual("default", options["metadata"]["name"])
            self.assertIs(options["spec"]["sniStrict"], True)
            # The suites are of ECDSA, so a certificate with another kind of key would have none below TLS 1.3.
            self.assertTrue(all("ECDHE_ECDSA" in suite for suite in options["spec"]["cipherSuites"]))
            for certificate in of(overlay, "Certificate"):
                self.assertEqual("ECDSA", certificate["spec"]["privateKey"]["algorithm"])

    def test_tenants_are_one_label_below_the_portals_domain(self):
        for overlay in ALL:
            domain = settings(overlay)["public_domain"]
            [pattern] = [pattern for *_, patterns, _ in self.routes(overlay) for pattern in patterns]
            for slug in ("acme", "a1", "a-b", "x" * 63):
                self.assertRegex(f"{slug}.{domain}", pattern)
            for other in ("", "-a", "a-", "a.b", "A", "a_b", "x" * 64):
                self.assertNotRegex(f"{other}.{domain}", pattern)
            self.assertNotRegex(f"acme.{domain.replace('.', 'x', 1)}", pattern)

    def test_the_portals_session_reaches_no_system(self):
        for overlay in ALL:
            domain = settings(overlay)["public_domain"]
            for document, hosts, _, route in self.routes(overlay):
                below = [host for host in hosts if host == domain or host.endswith("." + domain)]
                portal = [service["name"] for service in route["services"]] == ["dezky-portal"]
                self.assertEqual(below, hosts if portal else [], name(document))

    def test_every_address_in_settings_is_routed(self):
        for overlay in ALL:
            routed = {host for _, hosts, _, _ in self.routes(overlay) for host in hosts}
            beside = mail_host(overlay)
            urls = [value for _, value in leaves(settings(overlay)) if isinstance(value, str) and "://" in value]
            [portal] = [each for each in workloads(overlay) if each["metadata"]["name"] == "dezky-portal"]
            urls += [each["value"] for each in containers(portal)[0]["env"] if str(each.get("value", "")).startswith("https://")]
            self.assertGreater(len(urls), 8)
            for url in urls:
                self.assertIn(urlsplit(url).hostname, routed | {beside})
            # Every way round: nothing is routed that nobody names.
            named = {urlsplit(url).hostname for url in urls} | {values(overlay)["ocis"]["externalDomain"]}
            self.assertEqual(routed - named, set())

    def test_routes_lead_to_services_that_are_there(self):
        from_charts = {("authentik", "authentik-server", "http"), ("ocis", "proxy", 9200)}
        for overlay in ALL:
            services = {
                (each["metadata"]["namespace"], each["metadata"]["name"], key)
                for each in of(overlay, "Service")
                for port in each["spec"]["ports"]
                for key in (port["name"], port["port"])
            }
            middlewares = {name(each) for each in of(overlay, "Middleware")}
            for document, _, _, route in self.routes(overlay):
                namespace = document["metadata"]["namespace"]
                for service in route["services"]:
                    self.assertIn((namespace, service["name"], service["port"]), services | from_charts)
                for middleware in route.get("middlewares", []):
                    self.assertIn(f"{namespace}/{middleware['name']}", middlewares)

    def test_mail_beside_the_cluster_gets_its_names_and_no_tenants(self):
        [document] = of("one-server", "IngressRouteTCP")
        self.assertEqual({"passthrough": True}, document["spec"]["tls"])
        [route] = document["spec"]["routes"]
        parts = [re.fullmatch(r"HostSNI(Regexp)?\(`([^`]+)`\)", part) for part in route["match"].split(" || ")]
        self.assertTrue(all(parts), route["match"])
        # What mail takes of every domain, no tenant may be called.
        reserved = (REPOSITORY / "core/src/domain/fields/slug.rs").read_text().partition("RESERVED")[2].partition("];")[0]
        for label in re.search(r"\(([a-z|-]+)\)", parts[1][2])[1].split("|"):
            self.assertIn(f'"{label}"', reserved)
        matcher = [part[2] if part[1] else f"^{re.escape(part[2])}$" for part in parts]
        takes = {host: any(re.search(each, host) for each in matcher) for host in self.names("one-server")}
        self.assertEqual({host for host, taken in takes.items() if taken}, {mail_host("one-server"), *MAIL_HOSTS})

    def names(self, overlay):
        domain = settings(overlay)["public_domain"]
        routed = {host for _, hosts, _, _ in self.routes(overlay) for host in hosts}
        return routed | {f"acme.{domain}", f"autoconfigs.{domain}", mail_host(overlay), *MAIL_HOSTS}

    def test_a_person_stays_at_the_portal_that_has_the_session(self):
        for overlay in ALL:
            [route] = [route for _, _, patterns, route in self.routes(overlay) if patterns]
            cookie = route["services"][0]["sticky"]["cookie"]
            self.assertEqual(cookie["domain"], settings(overlay)["public_domain"])
            self.assertTrue(cookie["secure"] and cookie["httpOnly"])
