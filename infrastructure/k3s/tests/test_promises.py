"""What the manifests promise, found out from what kustomize makes of them."""

import ipaddress
import re
import unittest
from urllib.parse import urlsplit

import yaml
from manifests import (
    EVERYTHING,
    HERE,
    OVERLAYS,
    REPOSITORY,
    containers,
    documents,
    leaves,
    name,
    of,
    pod,
    rendered,
    settings,
    values,
    workloads,
)
from network import Address, Pod, allowed, matches, reaches

ALL = (*OVERLAYS, EVERYTHING)


class Everywhere(unittest.TestCase):
    def every(self, things):
        """Each of (overlay, thing) as a subtest. There must be at least one."""
        things = list(things)
        self.assertTrue(things, "nothing is looked at")
        for overlay, thing in things:
            with self.subTest(overlay=overlay, thing=name(thing)):
                yield overlay, thing

    def workloads(self):
        yield from self.every((overlay, each) for overlay in ALL for each in workloads(overlay))


class Confinement(Everywhere):
    def test_no_process_is_root_or_may_become_it(self):
        for _, workload in self.workloads():
            context = pod(workload)["spec"]["securityContext"]
            self.assertIs(context["runAsNonRoot"], True)
            self.assertGreater(context["runAsUser"], 0)
            self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
            for container in containers(workload):
                own = container["securityContext"]
                self.assertIs(own["allowPrivilegeEscalation"], False)
                self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
                self.assertFalse({"runAsUser", "runAsNonRoot", "privileged", "seccompProfile"} & set(own), "the pod's would be overridden")

    def test_every_root_is_read_only(self):
        for _, workload in self.workloads():
            for container in containers(workload):
                self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)

    def test_nobody_shares_anything_with_the_server(self):
        for _, workload in self.workloads():
            spec = pod(workload)["spec"]
            self.assertFalse({"hostNetwork", "hostPID", "hostIPC"} & set(spec))
            self.assertFalse([volume for volume in spec.get("volumes", []) if "hostPath" in volume])
            self.assertFalse([port for each in containers(workload) for port in each.get("ports", []) if "hostPort" in port])

    def test_nobody_has_a_token_for_the_cluster(self):
        for _, workload in self.workloads():
            self.assertIs(pod(workload)["spec"]["automountServiceAccountToken"], False)

    def test_services_set_no_variables(self):
        # Kubernetes would set DEZKY_HOST_SERVICE_HOST, and Dezky refuses a variable that is no setting.
        for _, workload in self.workloads():
            self.assertIs(pod(workload)["spec"]["enableServiceLinks"], False)

    def test_memory_is_bounded_and_reserved(self):
        for _, workload in self.workloads():
            for container in containers(workload):
                self.assertIn("memory", container["resources"]["limits"])
                self.assertEqual({"cpu", "memory"}, set(container["resources"]["requests"]))

    def test_the_namespaces_of_pods_enforce_a_level(self):
        levels = {each["metadata"]["name"]: each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] for each in of("system", "Namespace")}
        for _, workload in self.workloads():
            self.assertIn(workload["metadata"]["namespace"], levels)
        self.assertEqual(levels["dezky"], "restricted")


class Pinning(Everywhere):
    def test_every_image_and_chart_has_a_version(self):
        pinned = re.compile(r"^[a-z0-9.-]+\.[a-z]+/[^:@]+(:v?[0-9]+\.[0-9][^:@]*|@sha256:[0-9a-f]{64})$")
        for _, workload in self.workloads():
            images = [container["image"] for container in containers(workload)]
            images += [volume["image"]["reference"] for volume in pod(workload)["spec"].get("volumes", []) if "image" in volume]
            for image in images:
                self.assertRegex(image, pinned)

    def test_images_in_values_have_versions(self):
        for overlay in ALL:
            for chart, content in values(overlay).items():
                for path, value in leaves(content):
                    if path[-1] == "tag":
                        with self.subTest(chart=chart, path=path):
                            self.assertRegex(str(value), r"^v?[0-9]+\.[0-9]+\.[0-9]+$")


class Secrets(Everywhere):
    WORDS = re.compile(r"(secret|password|token|api.?key|credential)", re.IGNORECASE)

    def test_no_secret_stands_in_a_manifest(self):
        for overlay in ALL:
            self.assertEqual([], of(overlay, "Secret"))
            for document in documents(overlay):
                for path, value in leaves(document):
                    self.assertNotRegex(str(value), r"-----BEGIN|://[^/\s:@]+:[^/\s@]+@", (name(document), path))

    def test_variables_with_secrets_take_them_from_secrets(self):
        for _, workload in self.workloads():
            for container in containers(workload):
                for variable in container.get("env", []):
                    if self.WORDS.search(variable["name"]) and not variable["name"].endswith("_FILE"):
                        self.assertIn("secretKeyRef", variable.get("valueFrom", {}), variable["name"])

    def test_settings_name_files_for_secrets(self):
        for overlay in ALL:
            keys = {".".join(map(str, path)) for path, _ in leaves(settings(overlay))}
            self.assertEqual(set(), {key for key in keys if self.WORDS.search(key) and not key.endswith("_file")})
            self.assertNotIn("store", keys)

    def test_values_of_charts_name_secrets(self):
        for overlay in ALL:
            for chart, content in values(overlay).items():
                for path, value in leaves(content):
                    words = str(path[-1])
                    if self.WORDS.search(words) and value not in ("", None):
                        self.assertRegex(words, r"(SecretRef|secretName|Ref|accessTokenVerifyMethod)$", (chart, path))

    def test_secret_files_are_readable_for_the_process_alone(self):
        for _, workload in self.workloads():
            for volume in pod(workload)["spec"].get("volumes", []):
                if "secret" in volume:
                    self.assertEqual(volume["secret"]["defaultMode"], 0o440)
                    self.assertIn("fsGroup", pod(workload)["spec"]["securityContext"])


class Availability(Everywhere):
    def test_everything_is_probed(self):
        for _, workload in self.workloads():
            for container in containers(workload):
                self.assertIn("livenessProbe", container)
                self.assertIn("readinessProbe", container)

    def test_an_eviction_is_always_possible_and_never_takes_two(self):
        for overlay in ALL:
            budgets = of(overlay, "PodDisruptionBudget")
            for workload in workloads(overlay):
                if workload["metadata"]["namespace"] != "dezky":
                    continue
                with self.subTest(overlay=overlay, workload=name(workload)):
                    labels = pod(workload)["metadata"]["labels"]
                    mine = [each for each in budgets if matches(each["spec"]["selector"], labels)]
                    self.assertEqual(1, len(mine))
                    self.assertEqual(1, mine[0]["spec"]["maxUnavailable"])

    def test_several_servers_have_more_than_one_of_each(self):
        for workload in workloads("several-servers"):
            if workload["metadata"]["namespace"] == "dezky":
                self.assertGreaterEqual(workload["spec"]["replicas"], 2, name(workload))
        [database] = of("several-servers", "MongoDBCommunity")
        self.assertTrue(database["spec"]["members"] >= 3 and database["spec"]["members"] % 2)

    def test_an_upgrade_stops_nothing_before_its_successor_is_ready(self):
        for overlay in ALL:
            for deployment in of(overlay, "Deployment"):
                self.assertEqual({"maxUnavailable": 0, "maxSurge": 1}, deployment["spec"]["strategy"]["rollingUpdate"])

    def test_a_pod_has_the_time_that_its_process_takes_to_stop(self):
        source = (REPOSITORY / "handlers/host/src/server/connections.rs").read_text()
        finishing = int(re.search(r"const DRAIN: Duration = Duration::from_secs\((\d+)\);", source)[1])
        for overlay in ALL:
            drain = settings(overlay)["drain_seconds"]
            self.assertGreaterEqual(drain, 5, "balancers notice late")
            for workload in workloads(overlay):
                if workload["metadata"]["namespace"] != "dezky":
                    continue
                takes = max(hook(container) for container in containers(workload))
                args = containers(workload)[0].get("args", [])
                # The portal's server waits 30 s for requests under way.
                takes += drain + finishing if args == ["serve"] else 0 if args == ["worker"] else 30
                with self.subTest(overlay=overlay, workload=name(workload)):
                    self.assertGreaterEqual(pod(workload)["spec"]["terminationGracePeriodSeconds"], takes + 5)


def hook(container: dict) -> int:
    return container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)


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
            self.assertEqual(routed - named, {next(host for host in routed if host.startswith("api."))})

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
        self.assertEqual({host for host, taken in takes.items() if taken}, {mail_host("one-server"), "mta-sts.acme.test", "autoconfig.acme.test"})

    def names(self, overlay):
        domain = settings(overlay)["public_domain"]
        routed = {host for _, hosts, _, _ in self.routes(overlay) for host in hosts}
        return routed | {f"acme.{domain}", f"autoconfigs.{domain}", mail_host(overlay), "mta-sts.acme.test", "autoconfig.acme.test"}

    def test_a_person_stays_at_the_portal_that_has_the_session(self):
        for overlay in ALL:
            [route] = [route for _, _, patterns, route in self.routes(overlay) if patterns]
            cookie = route["services"][0]["sticky"]["cookie"]
            self.assertEqual(cookie["domain"], settings(overlay)["public_domain"])
            self.assertTrue(cookie["secure"] and cookie["httpOnly"])


def mail_host(overlay):
    return urlsplit(settings(overlay)["stalwart"]["url"]).hostname


class Network(Everywhere):
    def pods(self, overlay):
        """One pod of everything that there is, described here or made by a chart."""
        found = {
            each["metadata"]["name"]: Pod(each["metadata"]["namespace"], pod(each)["metadata"]["labels"], each["metadata"]["name"])
            for each in workloads(overlay)
        }
        app = "app.kubernetes.io/name"
        for each in (
            Pod("mongodb", {"app": "dezky-mongodb-svc"}, "mongod"),
            Pod("mongodb", {app: "mongodb-kubernetes-operator"}, "operator"),
            Pod("mongodb", {app: "stranger"}, "stranger-in-mongodb"),
            Pod("authentik", {app: "authentik", "app.kubernetes.io/instance": "authentik"}, "authentik"),
            Pod("ocis", {"app": "proxy"}, "ocis-proxy"),
            Pod("kube-system", {app: "traefik"}, "traefik"),
            Pod("kube-system", {"k8s-app": "kube-dns"}, "dns"),
            Pod("monitoring", {app: "prometheus"}, "prometheus"),
            Pod("default", {app: "somebody"}, "somebody"),
            Pod("dezky", {app: "stranger"}, "stranger-in-dezky"),
        ):
            found[each.name] = each
        return found

    # Who is asked at which ports, of what this cluster has. Everything else is refused.
    LISTENING = {
        "dezky-host": {8080, 9090},
        "dezky-worker": {9090},
        "dezky-portal": {3000},
        "mongod": {27017},
        "authentik-postgresql": {5432},
        "authentik": {9000, 9300},
        "ocis-proxy": {9200},
        "ocis-idm": {9235, 9239},
    }
    EXPECTED = {
        ("traefik", "dezky-host", 8080),
        ("dezky-portal", "dezky-host", 8080),
        ("prometheus", "dezky-host", 9090),
        ("prometheus", "dezky-worker", 9090),
        ("traefik", "dezky-portal", 3000),
        ("dezky-host", "mongod", 27017),
        ("dezky-worker", "mongod", 27017),
        ("mongod", "mongod", 27017),
        ("authentik", "authentik-postgresql", 5432),
        ("traefik", "authentik", 9000),
        ("prometheus", "authentik", 9300),
        ("traefik", "ocis-proxy", 9200),
        ("ocis-proxy", "ocis-idm", 9235),
    }

    def test_exactly_these_connections_are_possible(self):
        for overlay in ALL:
            policies, pods = of(overlay, "NetworkPolicy"), self.pods(overlay)
            possible = {
                (source.name, target, port)
                for source in pods.values()
                for target, ports in self.LISTENING.items()
                for port in ports
                if reaches(policies, source, pods[target], port)
            }
            # Within the namespaces of the two charts everything is one system.
            charts = {"authentik", "ocis"}
            possible = {
                each
                for each in possible
                if each in self.EXPECTED or not (pods[each[0]].namespace == pods[each[1]].namespace and pods[each[0]].namespace in charts)
            }
            self.assertEqual(self.EXPECTED, possible)

    def test_each_side_refuses_by_itself(self):
        # A mistake in one policy opens nothing as long as the other end's is right.
        for overlay in ALL:
            policies, pods = of(overlay, "NetworkPolicy"), self.pods(overlay)
            admitted = {
                (source.name, target, port)
                for source in pods.values()
                for target, ports in self.LISTENING.items()
                for port in ports
                if pods[target].namespace in ("dezky", "mongodb") and allowed(policies, pods[target], source, port, "TCP", "Ingress")
            }
            expected = {each for each in self.EXPECTED if pods[each[1]].namespace in ("dezky", "mongodb")}
            self.assertEqual(expected, admitted)

    def test_every_namespace_denies_by_default(self):
        for overlay in ALL:
            denying = {
                each["metadata"]["namespace"]
                for each in of(overlay, "NetworkPolicy")
                if each["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
            }
            self.assertEqual({each.namespace for each in self.pods(overlay).values()} - {"kube-system", "monitoring", "default"}, denying)

    def test_ports_are_those_of_containers(self):
        for overlay in ALL:
            for workload in workloads(overlay):
                declared = {port["containerPort"] for container in containers(workload) for port in container["ports"]}
                self.assertEqual(self.LISTENING[workload["metadata"]["name"]], declared)

    def test_what_leaves_the_cluster(self):
        for overlay in ALL:
            policies, pods = of(overlay, "NetworkPolicy"), self.pods(overlay)
            mail, internet, metadata = Address("192.0.2.10", "mail"), Address("203.0.113.7", "internet"), Address("169.254.169.254", "metadata")
            api, private = Address("198.51.100.3", "api"), Address("10.1.2.3", "private")
            resolvers = [Address(each, "resolver") for each in settings(overlay)["dns"]["servers"].split(",")]
            for each in pods.values():
                if each.namespace in ("kube-system", "monitoring", "default"):
                    continue
                with self.subTest(overlay=overlay, pod=each.name):
                    ours = each.name in ("dezky-host", "dezky-worker")
                    self.assertTrue(reaches(policies, each, pods["dns"], 53, "UDP"))
                    for url in (settings(overlay)["stalwart"]["url"], settings(overlay)["smtp"]["url"]):
                        port = urlsplit(url).port
                        self.assertEqual(reaches(policies, each, mail, port), ours or (each.name == "authentik" and port == 465), url)
                    for resolver in resolvers:
                        for protocol in ("TCP", "UDP"):
                            self.assertEqual(reaches(policies, each, resolver, 53, protocol), ours)
                    self.assertEqual(
                        reaches(policies, each, internet, 443), each.namespace == "ocis" or (ours and overlay == EVERYTHING)
                    )
                    self.assertEqual(reaches(policies, each, api, 6443), each.name in ("mongod", "operator"))
                    for forbidden in (metadata, private):
                        for port in (80, 443, 6443):
                            self.assertFalse(reaches(policies, each, forbidden, port), forbidden.name)
                    for port in (22, 25, 80):
                        self.assertFalse(reaches(policies, each, internet, port))

    def test_names_that_lead_to_traefik_inside_are_the_routed_ones(self):
        for overlay in ALL:
            [dns] = [each for each in of(overlay, "ConfigMap") if each["metadata"]["name"] == "coredns-custom"]
            text = dns["data"]["dezky.override"]
            pattern = re.search(r"name regex (\S+) traefik", text)[1]
            found = [host for each in of(overlay, "IngressRoute") for host in re.findall(r"(?<![A-Za-z])Host\(`([^`]+)`\)", str(each))]
            self.assertEqual(4, len(found))
            for host in found:
                # Back-channel logout goes to the portal, so that pods ask for its name too.
                self.assertRegex(host + ".", pattern)
                self.assertNotRegex("x" + host + ".", pattern)
            self.assertIn(f"template IN A {mail_host(overlay)} ", text)
            self.assertTrue(settings(overlay)["oidc"]["private_addresses"], "the issuer's name leads to a private address")

    def test_proxies_that_name_clients_are_in_the_network_of_pods(self):
        for overlay in ALL:
            self.assertEqual(["10.42.0.0/16"], settings(overlay)["limits"]["trusted_proxies"])
            for each in settings(overlay)["limits"]["trusted_proxies"]:
                ipaddress.ip_network(each)


class Charts(Everywhere):
    def test_files_are_in_the_bucket_and_metadata_in_a_volume(self):
        for overlay in ALL:
            storage = values(overlay)["ocis"]["services"]["storageusers"]
            self.assertEqual("s3ng", storage["storageBackend"]["driver"])
            self.assertTrue(storage["storageBackend"]["driverConfig"]["s3ng"]["endpoint"].startswith("https://"))
            self.assertIs(storage["persistence"]["enabled"], True)

    def test_images_of_ocis_have_one_version(self):
        for overlay in ALL:
            image = values(overlay)["ocis"]["image"]
            [directory] = [each for each in workloads(overlay) if each["metadata"]["name"] == "ocis-idm"]
            self.assertEqual(f"{image['repository']}:{image['tag']}", containers(directory)[0]["image"])

    def test_the_administrator_of_files_is_the_account_that_dezky_uses(self):
        for overlay in ALL:
            [directory] = [each for each in workloads(overlay) if each["metadata"]["name"] == "ocis-idm"]
            variables = {each["name"]: each.get("value") for each in containers(directory)[0]["env"]}
            self.assertEqual(variables["IDM_ADMIN_USER_ID"], values(overlay)["ocis"]["features"]["externalUserManagement"]["adminUUID"])
            self.assertEqual("admin", settings(overlay)["ocis"]["user"])
            self.assertIs(values(overlay)["ocis"]["features"]["appTokens"]["enabled"], True)

    def test_the_issuer_is_authentiks_application(self):
        for overlay in ALL:
            oidc = settings(overlay)["oidc"]
            authentik = settings(overlay)["authentik"]["url"]
            self.assertTrue(oidc["issuer"].startswith(authentik + "/application/o/") and oidc["issuer"].endswith("/"))
            [portal] = [each for each in workloads(overlay) if each["metadata"]["name"] == "dezky-portal"]
            variables = {each["name"]: each.get("value") for each in containers(portal)[0]["env"]}
            self.assertEqual(variables["NUXT_OIDC_PROVIDERS_OIDC_OPEN_ID_CONFIGURATION"], oidc["issuer"] + ".well-known/openid-configuration")
            self.assertEqual(variables["NUXT_OIDC_PROVIDERS_OIDC_CLIENT_ID"], oidc["audience"])
            self.assertEqual(variables["NUXT_PORTAL_URL"], settings(overlay)["portal"]["url"])
            host = variables["NUXT_DEZKY_API_URL"].removeprefix("http://").split(":")
            self.assertEqual(host[0], "dezky-host.dezky.svc.cluster.local")

    def test_charts_are_installed_where_a_level_is_enforced(self):
        namespaces = {each["metadata"]["name"] for each in of("system", "Namespace")}
        for overlay in ALL:
            for chart in of(overlay, "HelmChart"):
                self.assertIn(chart["spec"]["targetNamespace"], namespaces)


class Snapshots(Everywhere):
    def test_overlays_are_what_was_reviewed(self):
        for overlay in ("system", *OVERLAYS):
            snapshot = HERE / "snapshots" / f"{overlay}.yaml"
            self.assertEqual(snapshot.read_text(), rendered(overlay), "after a look at the difference: infrastructure/k3s/check.sh --update")
            self.assertTrue(list(yaml.safe_load_all(snapshot.read_text())))


if __name__ == "__main__":
    unittest.main()
