"""Builds images with small programs in the place of the real ones, looks into them, and runs them."""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent
USER = "65532:65532"


def script(name, *arguments, **environment):
    return subprocess.run([HERE / name, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, **environment})


class Archive:
    """An OCI archive, with every digest checked."""

    def __init__(self, path: pathlib.Path):
        with tarfile.open(path) as archive:
            self.files = {member.name: archive.extractfile(member).read() for member in archive.getmembers() if member.isfile()}
        [self.descriptor] = json.loads(self.files["index.json"])["manifests"]
        self.manifest = json.loads(self.blob(self.descriptor))
        self.config = json.loads(self.blob(self.manifest["config"]))
        self.members = []
        self.layers = [tarfile.open(fileobj=io.BytesIO(self.blob(layer))) for layer in self.manifest["layers"]]
        for layer in self.layers:
            self.members += layer.getmembers()

    def text(self, path: str) -> str:
        [found] = [layer.extractfile(path).read() for layer in self.layers if path in layer.getnames()]
        return found.decode()

    def blob(self, descriptor: dict) -> bytes:
        algorithm, _, digest = descriptor["digest"].partition(":")
        content = self.files[f"blobs/{algorithm}/{digest}"]
        assert hashlib.new(algorithm, content).hexdigest() == digest
        return content


class Images(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()

    def build(self, name, *arguments, title="image", **environment):
        path = self.folder / f"{title}.tar"
        done = script(name, *arguments, path, TMPDIR=str(self.temporary), **environment)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual([], list(self.temporary.iterdir()), "something is left in the temporary folder")
        self.assertRegex(done.stdout, r"^sha256:[0-9a-f]{64}\n$")
        archive = Archive(path)
        self.assertEqual(done.stdout.strip(), archive.descriptor["digest"])
        return archive

    def refused(self, says, name, *arguments):
        done = script(name, *arguments, self.folder / "none.tar", TMPDIR=str(self.temporary))
        self.assertEqual((2, ""), (done.returncode, done.stdout), done.stderr)
        self.assertIn(says, done.stderr)
        self.assertFalse((self.folder / "none.tar").exists())
        self.assertEqual([], list(self.temporary.iterdir()))

    def run_image(self, title, *arguments, entrypoint):
        """Runs the command of an image as buildah does without a daemon: in a chroot, as the image's user."""
        store = ["buildah", "--root", self.folder / "store", "--runroot", self.folder / "run", "--storage-driver", "vfs"]
        image = subprocess.run([*store, "pull", "--quiet", f"oci-archive:{self.folder / title}.tar"], capture_output=True, text=True, check=True).stdout.strip()
        container = subprocess.run([*store, "from", "--pull-never", image], capture_output=True, text=True, check=True).stdout.strip()
        return subprocess.run([*store, "run", "--isolation", "chroot", container, "--", *entrypoint, *arguments], capture_output=True, text=True)

    def promises(self, archive):
        config = archive.config["config"]
        self.assertEqual(USER, config["User"])
        for member in archive.members:
            with self.subTest(path=member.name):
                self.assertEqual((0, 0), (member.uid, member.gid))
                self.assertFalse(member.mode & 0o022, "others than root may write it")
                self.assertFalse(member.mode & 0o6000, "it would give rights away")
        paths = {"/" + member.name.strip("/") for member in archive.members}
        self.assertFalse([path for path in paths if re.search(r"/(ba|da|a)?sh$|/busybox$|/(apt|dpkg|npm|curl|wget)$", path)])
        documents = {"/usr/share/doc/dezky/LICENSE", "/usr/share/doc/dezky/THIRD-PARTY-NOTICES"}
        self.assertLessEqual(documents, paths)
        variables = " ".join(config.get("Env", []))
        self.assertNotRegex(variables, r"(?i)secret|token|password")
        return paths

    def program(self):
        path = self.folder / "probe"
        subprocess.run(["cc", "-static", "-O1", "-s", "-o", path, HERE / "tests/probe.c"], check=True)
        return path

    def test_the_image_of_hosts_has_the_program_authorities_and_a_user(self):
        archive = self.build("host.sh", self.program())
        paths = self.promises(archive)
        etc = {"/etc", "/etc/passwd", "/etc/group", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt"}
        documents = {"/usr", "/usr/share", "/usr/share/doc", "/usr/share/doc/dezky"}
        documents |= {f"/usr/share/doc/dezky/{name}" for name in ("LICENSE", "THIRD-PARTY-NOTICES")}
        self.assertEqual({"/dezky", *etc, *documents}, paths - {"/"})
        lines = archive.text("usr/share/doc/dezky/THIRD-PARTY-NOTICES").splitlines()
        self.assertRegex(lines[0], r" for \w+-unknown-linux-musl$")
        self.assertTrue(any(line.startswith("    mongodb ") for line in lines))
        self.assertEqual(["/dezky"], archive.config["config"]["Entrypoint"])
        done = self.run_image("image", "hello", entrypoint=["/dezky"])
        self.assertEqual(0, done.returncode, done.stderr)
        lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        self.assertEqual((USER, "hello", "no"), (lines["user"], lines["argument"], lines["writable"]))
        self.assertGreater(int(lines["/etc/ssl/certs/ca-certificates.crt"].split()[-1]), 100_000)

    def test_an_image_for_an_engine_has_its_name_in_the_archive(self):
        name = "localhost/dezky/dezky:latest"
        done = script("host.sh", self.program(), self.folder / "named.tar", TMPDIR=str(self.temporary), DEZKY_IMAGE_NAME=name)
        self.assertEqual(0, done.returncode, done.stderr)
        with tarfile.open(self.folder / "named.tar") as archive:
            [manifest] = json.load(archive.extractfile("manifest.json"))
            config = json.load(archive.extractfile(manifest["Config"]))
        self.assertEqual([name], manifest["RepoTags"])
        self.assertEqual((USER, ["/dezky"]), (config["config"]["User"], config["config"]["Entrypoint"]))

    def test_the_same_content_is_the_same_image(self):
        program = self.program()
        digests = set()
        for turn in (1, 2):
            os.utime(program, (turn * 1_000_000, turn * 1_000_000))
            other = self.temporary / f"other-{turn}"
            other.mkdir()
            done = subprocess.run(
                ["bash", "-c", f"umask 00{turn}2; exec '{HERE}/host.sh' '{program}' '{self.folder}/{turn}.tar'"],
                capture_output=True, text=True, env={**os.environ, "TMPDIR": str(other), "SOURCE_DATE_EPOCH": "1700000000"},
            )
            digests.add(done.stdout)
            shutil.rmtree(other)
        self.assertEqual(1, len(digests))
        archive = Archive(self.folder / "1.tar")
        self.assertEqual({1_700_000_000}, {member.mtime for member in archive.members})
        self.assertTrue(archive.config["created"].startswith("2023-11-14T22:13:20"))
        later = self.build("host.sh", program, title="later", SOURCE_DATE_EPOCH="1700000001")
        self.assertNotIn(later.descriptor["digest"] + "\n", digests)

    def test_an_image_says_which_commit_it_is_of(self):
        commit = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        labels = self.build("host.sh", self.program()).config["config"]["Labels"]
        self.assertEqual(commit, labels["org.opencontainers.image.revision"])

    def test_programs_that_could_not_run_there_are_refused(self):
        self.refused("needs libraries that the image does not have", "host.sh", "/bin/true")
        text = self.folder / "text"
        text.write_text("#!/bin/sh\n")
        text.chmod(0o755)
        self.refused("is no program of Linux", "host.sh", text)
        self.refused("is no program", "host.sh", self.folder / "absent")
        self.refused("is no component", "component.sh", text)
        self.refused("is no build of the portal", "portal.sh", self.folder, "node")

    def test_the_component_belongs_to_root_and_nobody_may_write_it(self):
        component = self.folder / "a.wasm"
        component.write_bytes(b"\0asm\x0d\0\x01\0" + b"rest")
        component.chmod(0o666)
        archive = self.build("component.sh", component)
        self.promises(archive)
        [file] = [member for member in archive.members if member.isfile() and "/" not in member.name]
        self.assertEqual(("dezky_wasm.wasm", 0o444, 0), (file.name, file.mode & 0o7777, file.uid))
        self.assertIn(" for wasm32-wasip2", archive.text("usr/share/doc/dezky/THIRD-PARTY-NOTICES").splitlines()[0])

    def test_the_portal_runs_as_nobody_with_nothing_but_node(self):
        node = os.environ["DEZKY_TEST_NODE"]
        output = self.folder / ".output"
        (output / "server").mkdir(parents=True)
        (output / "server/index.mjs").write_text(
            "import { readdirSync, writeFileSync } from 'node:fs'; import { lookup } from 'node:dns/promises';\n"
            "let writable = true; try { writeFileSync('/app/x', '') } catch { writable = false }\n"
            "const {address} = await lookup('localhost');\n"
            "console.log(JSON.stringify({uid: process.getuid(), writable, address, tls: (await import('node:tls')).rootCertificates.length, bin: readdirSync('/usr/bin')}))\n"
        )
        self.refused("THIRD-PARTY-NOTICES`: run scripts/build-portal.sh", "portal.sh", output, node)
        (output / "THIRD-PARTY-NOTICES").write_text("notices")
        archive = self.build("portal.sh", output, node)
        paths = self.promises(archive)
        self.assertNotIn("/app/THIRD-PARTY-NOTICES", paths)
        self.assertEqual("notices", archive.text("usr/share/doc/dezky/THIRD-PARTY-NOTICES"))
        self.assertTrue("Node.js" in archive.text("usr/share/doc/node/LICENSE"))
        self.assertTrue("GNU C Library" in archive.text("usr/share/doc/libc6/copyright"))
        self.assertLessEqual({f"/usr/share/doc/{name}/copyright" for name in ("libc6", "libstdc++6")}, paths)
        done = self.run_image("image", entrypoint=archive.config["config"]["Entrypoint"])
        self.assertEqual(0, done.returncode, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((65532, False, ["node"]), (told["uid"], told["writable"], told["bin"]))
        self.assertIn(told["address"], ("127.0.0.1", "::1"))

    def test_manifests_of_k3s_use_the_user_and_the_path_of_images(self):
        for snapshot in (REPOSITORY / "infrastructure/k3s/snapshots").glob("*-server*.yaml"):
            text = snapshot.read_text()
            for block in re.findall(r"image: registry\.example\.net/dezky/(?:.|\n)*?runAsUser: (\d+)", text):
                self.assertEqual(USER, f"{block}:{block}")
        # Manifests give arguments and no command: the entrypoint of the image is the program.
        self.assertNotIn("command: [/dezky", text)


class Provenance(unittest.TestCase):
    def test_a_statement_names_image_commit_and_lock_files(self):
        with tempfile.TemporaryDirectory() as folder:
            clone = pathlib.Path(folder)
            for path in ("infrastructure/images/provenance.sh", "Cargo.lock", "examples/portal/package-lock.json"):
                (clone / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / path, clone / path)
            git = ["git", "-C", clone, "-c", "user.name=t", "-c", "user.email=t@t.test"]
            for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "t"]):
                subprocess.run([*git, *command], check=True)
            command = [clone / "infrastructure/images/provenance.sh", "registry.example.net/dezky/dezky", "sha256:" + "a" * 64]
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(0, done.returncode, done.stderr)
            statement = json.loads(done.stdout)
            self.assertEqual([{"name": command[1], "digest": {"sha256": "a" * 64}}], statement["subject"])
            found = {each["uri"]: each["digest"] for each in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
            lock = hashlib.sha256((clone / "Cargo.lock").read_bytes()).hexdigest()
            self.assertEqual({"sha256": lock}, found["file:Cargo.lock"])
            (clone / "Cargo.lock").write_text("changed")
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertIn("differs from its commit", done.stderr)

    def test_wrong_arguments_are_refused(self):
        for arguments in ((), ("a",), ("a", "sha256:1"), ("a:1", "sha256:" + "a" * 64)):
            self.assertEqual(2, script("provenance.sh", *arguments).returncode)


if __name__ == "__main__":
    unittest.main()
