"""Comparison of the guides with the release: commands, settings, files, secrets; runs of their marked blocks."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from functools import cache
from pathlib import Path

from blocks import ROOT, blocks, run
from programs import clean
from release import BINARY, Dev

PRODUCTION = ROOT / "docs/operations/production.md"
GUIDES = [PRODUCTION, ROOT / "docs/operations/migration.md"]
DOCUMENTS = [*GUIDES, *(ROOT / "infrastructure").glob("[bo]*/*.md"), ROOT / "infrastructure/README.md"]
SETTINGS = (ROOT / "handlers/configuration/src/settings.rs").read_text()


@cache
def help_of(*words: str) -> str:
    return subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, env=clean()).stdout


@cache
def subcommands(*words: str) -> frozenset[str]:
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", help_of(*words), re.MULTILINE)
    return frozenset(re.findall(r"^  (\S+)", listed[1], re.MULTILINE)) if listed else frozenset()


def commands(text: str) -> list[list[str]]:
    """Finds the calls of `dezky` in a script."""
    found = []
    joined = re.sub(r"\\\n", " ", text)
    for line in joined.splitlines():
        for part in re.split(r"\||&&|;|\$\(", re.sub(r"\s#.*", "", line)):
            words = re.sub(r"[<>]\S*.*", "", part).strip()
            words = re.sub(r"^(\w+=(\"[^\"]*\"|\S*) )+", "", words)
            if words.startswith("dezky ") and "()" not in words:
                found.append(shlex.split(words.rstrip(")"))[1:])
    return found


class Words(unittest.TestCase):
    def test_every_block_is_a_script(self):
        for document in DOCUMENTS:
            for block in blocks(document):
                done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), block.where)

    def test_every_command_and_flag_of_dezky_exists(self):
        number = 0
        for document in DOCUMENTS:
            text = document.read_text()
            prose = re.findall(r"`(dezky [a-z][^`\n]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
            for words in [
                *(words for block in blocks(document) for words in commands(block.text)),
                *(shlex.split(one)[1:] for one in prose),
            ]:
                # An ellipsis stands for the rest.
                words = [word for word in words if not set("…") & set(word)]
                path = []
                while len(path) < len(words) and words[len(path)] in subcommands(*path):
                    path.append(words[len(path)])
                if words and not words[0].startswith("-"):
                    self.assertTrue(path, f"{document.name}: dezky {' '.join(words)}")
                    following = words[len(path)] if len(path) < len(words) else None
                    # `audit` is a command and has commands.
                    if subcommands(*path) and path != ["audit"] and following and not following.startswith("-"):
                        self.fail(f"{document.name}: there is no `dezky {' '.join([*path, following])}`")
                for flag in (word.split("=")[0] for word in words if word.startswith("--")):
                    self.assertRegex(help_of(*path), rf"(^|\W){flag}\b", f"{document.name}: dezky {' '.join(words)}")
                number += 1
        self.assertGreater(number, 40)

    def test_every_setting_exists(self):
        names = set()
        for file in [*DOCUMENTS, *(ROOT / "infrastructure").glob("[bo]*/**/*")]:
            if file.is_file() and file.suffix in (".md", ".sh", ".example", ".yaml", ".service"):
                names |= set(re.findall(r"\bDEZKY_[A-Z_]+\b", file.read_text()))
        # Variables of tests are none; some belong to neighbours.
        names = {name for name in names if not name.startswith("DEZKY_TEST_")} - {
            "DEZKY_CONFIG",
            "DEZKY_PORTAL_CLIENT_SECRET",
        }
        self.assertGreater(len(names), 15)
        for name in sorted(names):
            done = subprocess.run(
                [BINARY, "doctor", "--store", "sqlite:/nonexistent/x"],
                capture_output=True,
                text=True,
                env=clean(**{name: "1"}),
            )
            self.assertNotIn("there is no such setting", done.stdout + done.stderr, name)

    def test_every_file_of_this_tree_exists(self):
        for document in DOCUMENTS:
            for block in blocks(document):
                for path in re.findall(r"\binfrastructure/[\w./*-]+", block.text):
                    # A folder that this tree does not have yet has no files to compare with.
                    if not (ROOT / "/".join(path.split("/")[:2])).exists():
                        continue
                    self.assertTrue(list(ROOT.glob(path.rstrip("."))), f"{block.where}: {path}")

    def test_every_secret_has_its_rotation(self):
        table = PRODUCTION.read_text().split("## Rotate every secret", 1)[1].split("\n## ", 1)[0]
        named = set(re.findall(r"`([^`]+)`", table))
        declared = set(re.findall(r'"(DEZKY_[A-Z_]*SECRETS?(?:_FILE)?)"', SETTINGS))
        self.assertGreaterEqual(len(declared), 10)
        # Those that the doctor looks at for what they contain (handlers/configuration/src/secrets.rs).
        declared |= {"DEZKY_STORE", "DEZKY_EXTRA_CA_CERTS"}
        portal = (ROOT / "examples/portal/README.md").read_text()
        for prefix, rest in re.findall(r"^\| `(NUXT_[A-Z_]+)`(?:, `…(_[A-Z_]+)`)?", portal, re.MULTILINE):
            for name in (prefix, prefix.rsplit("_CLIENT_ID", 1)[0] + rest if rest else prefix):
                if re.search("SECRET|KEY", name):
                    declared.add(name)
        self.assertIn("NUXT_OIDC_PROVIDERS_OIDC_CLIENT_SECRET", declared)
        for file in (ROOT / "infrastructure/k3s").glob("[bsco]*/**/*.yaml"):
            text = re.sub(r"^\s*#.*$", "", file.read_text(), flags=re.MULTILINE)
            if "node_modules" not in file.parts and "snapshots" not in file.parts:
                keys = r"(?:secret|Secret)\w*Ref: \{name: |secretName: |SecretRef: |existingSecret: |ldapCaRef: "
                declared |= set(re.findall(rf"(?:{keys})([a-z0-9-]+)", text))
        self.assertEqual(declared - named, set())

    def test_costs_add_up(self):
        table = PRODUCTION.read_text().split("## Cost per month", 1)[1]
        single = [int(price) for price in re.findall(r"^\| [^*+|]+\|[^|]*\| (\d+) € \|", table, re.MULTILINE)]
        self.assertEqual(sum(single), int(re.search(r"\*\*(\d+) €\*\*", table)[1]))


class Production(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dezky-guides-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "bin").mkdir()
        (self.folder / "bin/dezky").symlink_to(BINARY)
        (self.folder / "infrastructure").symlink_to(ROOT / "infrastructure")
        self.dev = Dev(self.folder)
        self.addCleanup(self.dev.end)

    def test_what_can_be_run_here_is_run(self):
        password, repositories = self.folder / "password", self.folder / "repositories"
        password.write_text("secret\n")
        password.chmod(0o600)
        repositories.mkdir()
        repository = {
            "RESTIC_REPOSITORY": f"{self.folder}/repository",
            "RESTIC_PASSWORD_FILE": f"{password}",
            "RESTIC_CACHE_DIR": f"{self.folder}/cache",
        }
        (repositories / "here.env").write_text("".join(f"{name}={value}\n" for name, value in repository.items()))
        settings = {
            "BACKUP_REPOSITORIES": repositories,
            "BACKUP_STAGING": self.folder / "staging",
            "BACKUP_STATE": self.folder / "state",
            "BACKUP_SCRATCH": self.folder,
            "BACKUP_DEZKY": BINARY,
            "BACKUP_DEZKY_STORE": f"sqlite:{self.dev.store}",
        }
        (self.folder / "backup.env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        environment = clean(
            **repository,
            PATH=f"{self.folder}/bin:{os.environ['PATH']}",
            DEZKY_STORE=f"sqlite:{self.dev.store}",
            DEZKY_OIDC_ISSUER=self.dev.told["issuer"],
            DEZKY_OIDC_AUDIENCE="dezky",
            DEZKY_PLATFORM_ADMIN_GROUP="dezky-platform-admins",
            BACKUP_SETTINGS=f"{self.folder}/backup.env",
            BACKUP_STAGING=f"{self.folder}/staging",
            SCRATCH=f"{self.folder}/restored",
            STORE=f"{self.folder}/recovered/dezky.sqlite",
            MONGODB=f"{os.environ['DEZKY_TEST_MONGODB_URI']}dezky_guides_{os.getpid()}",
        )
        said = run(
            PRODUCTION,
            self.folder,
            environment,
            {
                "doctor": "restic init --quiet",
                # From here on the platform is the restored one.
                "recovered": 'export DEZKY_STORE="sqlite:$STORE"',
            },
            120,
        )
        self.assertIn("acme", said.split("==> recover\n", 1)[1].split("==> recover-mongodb", 1)[0])
        before, after = (said.split(f"==> {name}\n", 1)[1].split("==>", 1)[0] for name in ("before", "after"))
        self.assertIn("schema version", before)
        self.assertIn("schema version", after)


if __name__ == "__main__":
    unittest.main()
