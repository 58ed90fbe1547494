"""Connections that network policies allow, and names inside the cluster."""

import ipaddress
import re
from urllib.parse import urlsplit

from manifests import ALL, EVERYTHING, Everywhere, containers, mail_host, name, of, pod, settings, workloads
from network import Address, Pod, allowed, reaches


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
