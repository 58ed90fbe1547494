"""Confinement of pods, and versions of their images."""

import re

from manifests import ALL, Everywhere, containers, leaves, of, pod, values


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
