"""Decides connections as the network policies do, for tests of who may reach whom."""

import ipaddress


def matches(selector: dict, labels: dict) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for each in selector.get("matchExpressions", []):
        there = labels.get(each["key"])
        allowed = {
            "In": there in each.get("values", []),
            "NotIn": there not in each.get("values", []),
            "Exists": there is not None,
            "DoesNotExist": there is None,
        }[each["operator"]]
        if not allowed:
            return False
    return True


class Pod:
    def __init__(self, namespace: str, labels: dict, name: str):
        self.namespace, self.labels, self.name = namespace, labels, name


class Address:
    """Something outside the cluster."""

    def __init__(self, address: str, name: str):
        self.address, self.name = ipaddress.ip_address(address), name


def peer_matches(peer: dict, other, namespace: str) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return (
            isinstance(other, Address)
            and other.address in ipaddress.ip_network(block["cidr"])
            and not any(other.address in ipaddress.ip_network(network) for network in block.get("except", []))
        )
    if isinstance(other, Address):
        return False
    if "namespaceSelector" in peer:
        if not matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != namespace:
        return False
    return matches(peer.get("podSelector", {}), other.labels)


def allowed(policies: list[dict], pod: Pod, other, port: int, protocol: str, direction: str) -> bool:
    """Whether the policies let `pod` have this connection: to `other` (Egress), or from it (Ingress)."""
    if isinstance(pod, Address):
        return True
    of_pod = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], pod.labels)
    ]
    if not of_pod:
        return True
    word, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    return any(
        (peers not in rule or any(peer_matches(peer, other, pod.namespace) for peer in rule[peers]))
        and (
            "ports" not in rule
            or any(each.get("protocol", "TCP") == protocol and each["port"] == port for each in rule["ports"])
        )
        for spec in of_pod
        for rule in spec.get(word, [])
    )


def reaches(policies: list[dict], source, target, port: int, protocol: str = "TCP") -> bool:
    return allowed(policies, source, target, port, protocol, "Egress") and allowed(policies, target, source, port, protocol, "Ingress")
