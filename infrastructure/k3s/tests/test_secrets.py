"""Secrets: none stands in a manifest, and each is taken from where it is kept."""

import re

from manifests import ALL, Everywhere, containers, documents, leaves, name, of, pod, settings, values


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
