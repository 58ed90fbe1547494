"""Builds the package with a small program in the place of the real one, installs it into a folder, and runs the real one as its units do."""

import configparser
import ctypes
import gzip
import io
import os
import pathlib
import re
import shlex
import signal
import stat
import subprocess
import tarfile
import tempfile
import unittest
import urllib.request

import programs
import units
from programs import free_ports
from release import OPERATIONS, Release

HERE = pathlib.Path(__file__).resolve().parent.parent
FILES = HERE / "files"
UNITS = ("dezky.service", "dezky-worker.service")
EXPOSURE = 2.0


def run(*command, check=True, **environment):
    return programs.run(*command, check=check, env={**os.environ, **environment})


def settings(unit: str) -> dict[str, list[str]]:
    """The section [Service], each setting with all its values."""

    class Many(dict):
        def __setitem__(self, key, value):
            if isinstance(value, list) and key in self:
                value = self[key] + value
            super().__setitem__(key, value)

    parser = configparser.RawConfigParser(strict=False, dict_type=Many, interpolation=None)
    parser.optionxform = str
    parser.read(FILES / unit)
    return {key: value.split("\n") for key, value in parser["Service"].items()}


def environment(unit: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in settings(unit)["Environment"])


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Units(unittest.TestCase):
    def test_each_is_confined(self):
        units.hold_to(EXPOSURE, *(FILES / unit for unit in UNITS))

    def test_the_page_says_the_rating(self):
        [rating] = {units.rating(FILES / unit) for unit in UNITS}
        self.assertIn(f"rates both units {rating} ", (HERE / "README.md").read_text())

    def test_each_is_understood(self):
        units.verify([FILES / unit for unit in UNITS], ["/usr/bin/dezky", "/bin/kill"])

    def test_only_writing_memory_that_is_executed_is_allowed_for_a_component(self):
        for unit in UNITS:
            self.assertEqual(["yes"], settings(unit)["MemoryDenyWriteExecute"])
        text = (FILES / "component.conf").read_text()
        self.assertEqual({"MemoryDenyWriteExecute=no"}, set(re.findall(r"^\w+=\w+$", text, re.MULTILINE)))

    def test_a_stop_has_the_time_that_requests_have(self):
        source = (HERE.parent.parent / "handlers/host/src/server/connections.rs").read_text()
        finishing = int(re.search(r"const DRAIN: Duration = Duration::from_secs\((\d+)\);", source)[1])
        drain = int(re.search(r"^drain_seconds = (\d+)$", (FILES / "dezky.toml").read_text(), re.MULTILINE)[1])
        self.assertGreaterEqual(int(settings("dezky.service")["TimeoutStopSec"][0]), finishing + drain + 10)

    def test_open_files_are_enough_for_all_connections(self):
        source = (HERE.parent.parent / "handlers/host/src/server/descriptors.rs").read_text()
        need = sum(int(re.search(rf"const {name}: usize = ([\d_]+);", source)[1].replace("_", "")) for name in ("CONNECTIONS", "RESERVE"))
        self.assertGreaterEqual(int(settings("dezky.service")["LimitNOFILE"][0]), need)


class Package(Scratch):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.built = pathlib.Path(folder.name)
        cls.program = cls.built / "dezky"
        run("cc", "-static", "-O1", "-s", "-o", cls.program, HERE / "tests/program.c")
        cls.package = pathlib.Path(run(HERE / "build.sh", cls.program, cls.built / "one", SOURCE_DATE_EPOCH="1700000000").stdout.strip())

    def test_the_version_is_that_of_the_program(self):
        self.assertRegex(self.package.name, r"^dezky_0\.1\.0~rc\.1_[a-z0-9]+\.deb$")
        self.assertEqual("0.1.0~rc.1", run("dpkg-deb", "--field", self.package, "Version").stdout.strip())
        run("dpkg", "--compare-versions", "0.1.0~rc.1", "lt", "0.1.0")

    def test_lintian_finds_nothing(self):
        done = run("lintian", "--allow-root", "--fail-on", "error,warning,info", "--display-info", "--profile", "debian", self.package, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stdout), done.stderr)

    def test_the_same_input_is_the_same_package(self):
        other = run(HERE / "build.sh", self.program, self.built / "two", SOURCE_DATE_EPOCH="1700000000", TZ="Asia/Tokyo", LC_ALL="C.UTF-8").stdout.strip()
        self.assertEqual(self.package.read_bytes(), pathlib.Path(other).read_bytes())

    def test_everything_belongs_to_root_and_nothing_gives_rights_away(self):
        lines = run("dpkg-deb", "--contents", self.package).stdout.splitlines()
        paths = {}
        for line in lines:
            mode, owner, _, _, _, path = line.split(maxsplit=5)
            self.assertEqual("root/root", owner, path)
            self.assertNotRegex(mode, "[sS]|w..$|w....$", path)
            paths[path] = mode
        for unit in UNITS:
            self.assertIn(f"./usr/lib/systemd/system/{unit}", paths)
        self.assertEqual("/etc/dezky/dezky.toml\n", run("dpkg-deb", "--info", self.package, "conffiles").stdout)

    def file(self, package, name: str) -> bytes:
        """A document in a package."""
        packed = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=subprocess.PIPE).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            return archive.extractfile(f"./usr/share/doc/dezky/{name}").read()

    def test_notices_are_of_the_static_program(self):
        notices = gzip.decompress(self.file(self.package, "THIRD-PARTY-NOTICES.gz")).decode()
        self.assertRegex(notices.splitlines()[0], r"^Notices of what others wrote in dezky \S+ for \w+-unknown-linux-musl$")
        names = set(re.findall(r"(?m)^ {4}(\S+) \d", notices))
        self.assertIn("mongodb", names)
        self.assertNotIn("proptest", names)
        self.assertIn("/usr/share/doc/dezky/THIRD-PARTY-NOTICES.gz", self.file(self.package, "copyright").decode())

    def test_a_package_for_another_processor_has_notices_of_its_program(self):
        other = run(HERE / "build.sh", self.program, self.folder, "arm64").stdout.strip()
        with gzip.open(io.BytesIO(self.file(other, "THIRD-PARTY-NOTICES.gz")), "rt") as notices:
            self.assertIn(" for aarch64-unknown-linux-musl\n", notices.readline())
        done = run(HERE / "build.sh", self.program, self.folder, "mips", check=False)
        self.assertEqual((2, ""), (done.returncode, done.stdout))

    def test_programs_that_might_not_run_elsewhere_are_refused(self):
        for program, says in (("/bin/true", "needs libraries"), (FILES / "postinst", "is no program"), (self.folder / "absent", "is no program")):
            done = run(HERE / "build.sh", program, self.folder, check=False)
            self.assertEqual((2, ""), (done.returncode, done.stdout))
            self.assertIn(says, done.stderr)
        self.assertEqual([], list(self.folder.iterdir()))

    def dpkg(self, *arguments):
        """Runs dpkg on a folder, its scripts included, with what would reach this machine's systemd observed instead."""
        root, tools = self.folder / "root", self.folder / "tools"
        if not root.exists():
            for each in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "usr/bin"):
                (root / each).mkdir(parents=True)
            (root / "var/lib/dpkg/status").touch()
            (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
            (root / "etc/group").write_text("root:x:0:\n")
            tools.mkdir()
            for name in ("systemctl", "deb-systemd-invoke"):
                (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/calls"\n')
                (tools / name).chmod(0o755)
        flags = ["--force-script-chrootless", "--force-depends", "--force-confold", f"--root={root}", f"--log={self.folder}/log"]
        done = run("dpkg", *flags, *arguments, PATH=f"{tools}:{os.environ['PATH']}")
        self.assertFalse((self.folder / "calls").exists(), "a script reached for this machine's services")
        self.assertNotIn("error", done.stderr)
        return root

    def test_installing_makes_a_user_and_keeps_settings_to_it(self):
        root = self.dpkg("--install", self.package)
        [user] = re.findall(r"^dezky:.*", (root / "etc/passwd").read_text(), re.MULTILINE)
        name, _, uid, gid, _, home, shell = user.split(":")
        self.assertEqual(("/var/lib/dezky", True), (home, shell.endswith("nologin")))
        self.assertGreater(int(uid), 0)
        for path, mode in (("etc/dezky", 0o750), ("etc/dezky/secrets", 0o750), ("etc/dezky/dezky.toml", 0o640)):
            status = (root / path).stat()
            self.assertEqual((mode, 0, int(gid)), (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid), path)

    def test_settings_survive_an_upgrade_and_data_a_purge(self):
        root = self.dpkg("--install", self.package)
        (root / "etc/dezky/dezky.toml").write_text("# mine\n")
        (root / "etc/dezky/secrets/authentik").write_text("secret")
        (root / "var/lib/dezky").mkdir()
        (root / "var/lib/dezky/dezky.sqlite").write_text("data")
        self.dpkg("--install", self.package)
        self.assertEqual("# mine\n", (root / "etc/dezky/dezky.toml").read_text())
        self.dpkg("--remove", "dezky")
        self.assertFalse((root / "usr/bin/dezky").exists())
        self.assertTrue((root / "etc/dezky/dezky.toml").exists())
        self.dpkg("--purge", "dezky")
        self.assertFalse((root / "etc/dezky/dezky.toml").exists())
        self.assertEqual("data", (root / "var/lib/dezky/dezky.sqlite").read_text())
        self.assertEqual("secret", (root / "etc/dezky/secrets/authentik").read_text())

    def test_scripts_act_on_this_machine_when_it_is_the_one(self):
        # With a running systemd, which the folder above does not have, an upgrade restarts and a removal stops.
        for script, arguments, expected in (
            ("postinst", ["configure"], []),
            ("postinst", ["configure", "0.0.9"], ["try-restart dezky.service", "try-restart dezky-worker.service"]),
            ("prerm", ["remove"], ["stop dezky-worker.service", "stop dezky.service"]),
            ("prerm", ["upgrade", "0.2.0"], []),
        ):
            tools, calls = self.folder / "bin", self.folder / "calls"
            tools.mkdir(exist_ok=True)
            calls.write_text("")
            for name in ("systemctl", "deb-systemd-invoke", "systemd-sysusers", "systemd-tmpfiles"):
                (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{calls}"\n')
                (tools / name).chmod(0o755)
            # `[ -d /run/systemd/system ]` is true here whatever runs.
            text = (FILES / script).read_text().replace("/run/systemd/system", str(self.folder))
            copy = self.folder / script
            copy.write_text(text)
            run("sh", copy, *arguments, PATH=f"{tools}:{os.environ['PATH']}")
            invoked = [line.removeprefix("deb-systemd-invoke ") for line in calls.read_text().splitlines() if line.startswith("deb-systemd-invoke")]
            self.assertEqual(expected, invoked, (script, arguments))


def no_executable_memory():
    """As MemoryDenyWriteExecute and NoNewPrivileges, where the kernel has them as a switch (6.3)."""
    libc = ctypes.CDLL(None)
    libc.prctl(65, 1, 0, 0, 0)
    libc.prctl(38, 1, 0, 0, 0)


class Binary(Scratch):
    """The real program, with the settings that the package brings. DEZKY_TEST_BINARY names it."""

    def start(self, unit: str, text: str, extra=None):
        (self.folder / "dezky.toml").write_text(text)
        variables = {key: value.replace("/etc/dezky", str(self.folder)) for key, value in environment(unit).items()}
        variables |= extra or {}
        program, *arguments = shlex.split(settings(unit)["ExecStart"][0])
        self.assertEqual("/usr/bin/dezky", program)
        process = Release(*arguments, folder=self.folder, environment=variables, preexec_fn=no_executable_memory)
        self.addCleanup(process.end, signal.SIGKILL)
        return process

    def settings(self) -> str:
        text = (FILES / "dezky.toml").read_text().replace("/var/lib/dezky", str(self.folder))
        return re.sub(r'"127\.0\.0\.1:(8080|9090)"', '"127.0.0.1:0"', text)

    def is_healthy(self, address: str) -> None:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=programs.PATIENCE) as answer:
            self.assertEqual(200, answer.status)

    def test_without_an_issuer_it_ends_with_the_code_that_is_not_tried_again(self):
        process = self.start("dezky.service", self.settings())
        code = process.wait()
        self.assertIn(str(code), settings("dezky.service")["RestartPreventExitStatus"])
        self.assertIn("no issuer is configured", process.written)

    def test_server_and_worker_run_beside_each_other_and_stop(self):
        # An operator removes these marks of comments.
        text = re.sub(r"^#(\[(?:oidc|limits)\]|issuer = .*|audience = .*|trusted_proxies = .*)$", r"\1", self.settings(), flags=re.MULTILINE)
        server = self.start("dezky.service", text)
        self.is_healthy(server.address())
        self.is_healthy(server.address(OPERATIONS))
        own = environment("dezky-worker.service")["DEZKY_OPERATIONS_LISTEN"]
        self.assertNotIn(own, (FILES / "dezky.toml").read_text(), "it would be taken by dezky.service")
        [other] = free_ports(1)
        worker = self.start("dezky-worker.service", text, {"DEZKY_OPERATIONS_LISTEN": f"127.0.0.1:{other}"})
        self.assertEqual(f"127.0.0.1:{other}", worker.address(OPERATIONS))
        worker.await_line("working")
        self.is_healthy(f"127.0.0.1:{other}")
        for unit, process in (("dezky-worker.service", worker), ("dezky.service", server)):
            process.process.send_signal(signal.SIGTERM)
            self.assertEqual(0, process.wait(int(settings(unit)["TimeoutStopSec"][0])))

    def test_every_example_in_the_settings_is_a_setting(self):
        text = re.sub(r"^#(?=\[|\w+ = )", "", self.settings(), flags=re.MULTILINE)
        secrets = self.folder / "secrets"
        secrets.mkdir()
        (secrets / "authentik").write_text("secret")
        text = text.replace("/etc/dezky", str(self.folder))
        self.assertNotRegex(text, r"(?m)^#\w+ =")
        process = self.start("dezky.service", text)
        process.await_line("listening")
        process.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(int(settings("dezky.service")["TimeoutStopSec"][0])))


if __name__ == "__main__":
    unittest.main()
