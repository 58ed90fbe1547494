"""Holds every resource to its schema: Kubernetes's own in three versions, and the definitions of custom ones."""

import functools
import json
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema
import kubernetes_validate.utils
import yaml
from manifests import EVERYTHING, HERE, OVERLAYS, documents, name

# It reads the definitions of a version, some megabytes, for each resource anew.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)

# The current version and the two before it. k3s of 1.36 is what README.md installs.
VERSIONS = ("1.37", "1.36", "1.35")
SCHEMAS = HERE / "schemas"
# Types that are generated from the vendor's definitions, by API version. TypeScript refuses unknown fields, which no schema there does.
TYPES = {
    "traefik.io/v1alpha1": "@kubernetes-models/traefik/traefik.io/v1alpha1",
    "cert-manager.io/v1": "@kubernetes-models/cert-manager/cert-manager.io/v1",
}


def everything() -> list[dict]:
    found = {}
    for overlay in (*OVERLAYS, EVERYTHING):
        for document in documents(overlay):
            found[json.dumps(document, sort_keys=True)] = document
    extra = [document for path in sorted((HERE / "spin").glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())]
    return [*found.values(), *extra]


def transcribed(document: dict) -> pathlib.Path:
    return SCHEMAS / f"{document['apiVersion'].split('/')[0]}.json"


class Schemas(unittest.TestCase):
    def test_each_resource_has_a_schema_and_fits_it(self):
        for version in VERSIONS:
            for document in everything():
                if document["apiVersion"] in TYPES or transcribed(document).exists():
                    continue
                with self.subTest(version=version, kind=document["kind"], name=name(document)):
                    kubernetes_validate.validate(document, version, strict=True)

    def test_custom_resources_fit_what_was_written_down_of_their_definitions(self):
        seen = set()
        for document in everything():
            if document["apiVersion"] in TYPES or not transcribed(document).exists():
                continue
            seen.add(transcribed(document))
            with self.subTest(kind=document["kind"], name=name(document)):
                jsonschema.validate(document, json.loads(transcribed(document).read_text()))
        self.assertEqual(seen, {path for path in SCHEMAS.glob("*.json") if not path.name.startswith("package")})

    def test_custom_resources_fit_the_types_of_their_definitions(self):
        lines, count = [], 0
        for document in everything():
            if document["apiVersion"] in TYPES:
                count += 1
                lines.append(f'const r{count}: import("{TYPES[document["apiVersion"]]}").I{document["kind"]} = {json.dumps(document)};')
        self.assertGreater(count, 8)
        with tempfile.NamedTemporaryFile("w", suffix=".mts", dir=SCHEMAS) as file:
            file.write("\n".join([*lines, "export {};", ""]))
            file.flush()
            flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
            done = subprocess.run([SCHEMAS / "node_modules/.bin/tsc", *flags, file.name], capture_output=True, text=True, cwd=SCHEMAS)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
