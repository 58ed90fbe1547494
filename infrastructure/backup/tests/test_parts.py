"""The other parts, on the real programs where this machine has them: PostgreSQL and the MongoDB-wire server."""

import datetime
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path

from programs import PATIENCE, clean, run
from release import BINARY
from world import FOLDER, NAMES, Platform, World


class Authentik(World):
    """Any database of PostgreSQL: the real one has more tables."""

    repositories = NAMES[:1]

    def setUp(self):
        super().setUp()
        self.cluster = self.folder / "cluster"
        self.cluster.mkdir()
        # PostgreSQL does not run as root.
        self.folder.chmod(0o755)
        self.become = ()
        if os.geteuid() == 0:
            shutil.chown(self.cluster, "postgres")
            self.become = ("runuser", "-u", "postgres", "--")
        newest = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        # Only by a socket in this folder: no port, nobody else's.
        options = f"-c listen_addresses= -c unix_socket_directories={self.cluster} -c fsync=off"
        run(*self.become, newest / "initdb", "--no-sync", "--auth", "trust", "-D", self.cluster / "data", cwd="/")
        self.control(newest / "pg_ctl", "start", "--wait", "-o", options, "-l", self.cluster / "log")
        self.addCleanup(self.control, newest / "pg_ctl", "stop", "--mode", "immediate")
        self.sql("postgres", "CREATE DATABASE authentik")
        self.sql(
            "authentik",
            "CREATE TABLE authentik_core_user AS SELECT n AS id, 'user ' || n AS name FROM generate_series(1, 20000) AS n",
        )

    def control(self, program, *arguments):
        run(*self.become, program, *arguments, "-D", self.cluster / "data", cwd="/")

    def client(self, program: str) -> str:
        return " ".join([*self.become, "env", f"PGHOST={self.cluster}", program])

    def sql(self, database: str, statement: str) -> str:
        return run(*self.client("psql").split(), "-qAtd", database, "-c", statement, cwd="/").stdout.strip()

    def test_a_database_comes_back_whole_and_a_cut_off_dump_is_refused(self):
        dump = self.client("pg_dump --format custom --compress 0 authentik")
        load = self.client("pg_restore --no-owner --exit-on-error --dbname drill")
        count = self.client("psql -qAtd drill -c 'SELECT count(*), sum(hashtext(name)) FROM authentik_core_user'")
        settings = {
            "BACKUP_AUTHENTIK_DUMP": f"cd / && {dump}",
            "BACKUP_DRILL_POSTGRES": f"cd / && {self.client('createdb drill')} && {load} && {count}",
        }
        self.script("backup.sh", "authentik", **settings)
        said = self.script("restore-drill.sh", "authentik", **settings).stdout
        truth = self.sql("authentik", "SELECT count(*), sum(hashtext(name)) FROM authentik_core_user")
        self.assertEqual(said, f"falkenstein: authentik: {truth}\n")
        cut = {"BACKUP_AUTHENTIK_DUMP": f"cd / && {dump} | head -c 300000"}
        self.refused(self.script("backup.sh", "authentik", check=False, **cut), "not backed up everywhere: authentik")
        self.assertEqual(len(self.snapshots("falkenstein", "authentik")), 1)


class Mongodb(World):
    repositories = NAMES[:1]

    def setUp(self):
        super().setUp()
        server = os.environ["DEZKY_TEST_MONGODB_URI"]
        self.uri, self.scratch = (
            f"{server}dezky_backup_{os.getpid()}_{self._testMethodName[:24]}_{name}" for name in ("live", "scratch")
        )
        platform = Platform(self.folder)
        try:
            for number in range(5):
                platform.create_tenant(f"acme-{number}")
        finally:
            platform.end()
        self.dezky("migrate", "--from", f"sqlite:{platform.store}", "--to", self.uri)
        # In a file, as one with a password should be.
        location = self.folder / "location"
        location.write_text(f"{self.uri}\n", encoding="utf-8")
        self.settings["BACKUP_DEZKY_STORE"] = f"file:{location}"

    def dezky(self, *arguments):
        return run(BINARY, *arguments, cwd=self.folder, env=clean())

    def test_a_copy_of_mongodb_is_restored_into_either_store(self):
        self.script("backup.sh", "dezky")
        self.assertIn("restored in", self.script("restore-drill.sh").stdout)
        # Into an empty database of a server: the copy is compared with its source by hashes.
        kept = self.restored("falkenstein", "dezky") / "dezky.sqlite"
        said = json.loads(self.dezky("migrate", "--json", "--from", f"sqlite:{kept}", "--to", self.scratch).stdout)
        self.assertTrue(said["equal"], said)
        tenants = [
            self.dezky("tenant", "list", "--all", "--json", "--store", uri).stdout for uri in (self.uri, self.scratch)
        ]
        self.assertEqual(*tenants)
        self.assertIn("acme-4", tenants[0])

    def test_a_copy_of_a_database_that_is_written_is_of_one_moment_or_refused(self):
        written, stopping = [], threading.Event()

        def write():
            while not stopping.is_set():
                slug = f"w-{len(written):05}"
                self.dezky("tenant", "create", slug, "--name", slug, "--store", self.uri)
                written.append(slug)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            done = self.script("backup.sh", "dezky", check=False)
        finally:
            stopping.set()
            writer.join(60)
        self.assertTrue(written)
        if done.returncode != 0:
            self.refused(done, "could not be copied as of one moment")
            self.assertEqual(self.snapshots("falkenstein", "dezky"), [])
            return
        store = sqlite3.connect(self.restored("falkenstein", "dezky") / "dezky.sqlite")
        rows = store.execute("SELECT json_extract(body, '$.slug') FROM tenants ORDER BY 1").fetchall()
        store.close()
        kept = [slug for (slug,) in rows if slug.startswith("w-")]
        self.assertEqual(kept, [f"w-{number:05}" for number in range(len(kept))])


class Folders(World):
    repositories = NAMES[:1]

    def setUp(self):
        super().setUp()
        self.mail = self.folder / "mail"
        self.mail.mkdir()
        (self.mail / "store").write_text("everything")
        self.log = self.folder / "log"
        self.settings |= {
            "BACKUP_STALWART_FOLDERS": self.mail,
            "BACKUP_STALWART_STOP": f"echo stop >>{self.log}",
            "BACKUP_STALWART_START": f"echo start >>{self.log}",
            "BACKUP_NIGHTLY": "stalwart configuration",
            "BACKUP_CONFIGURATION": self.mail,
            "BACKUP_CONFIGURATION_DUMP": "echo secret",
        }

    def test_a_set_is_backed_up_although_one_part_of_it_fails_and_what_was_stopped_is_started(self):
        fails = {
            "BACKUP_STALWART_STOP": f"echo stop >>{self.log}; rm -r {self.mail}/store; mv {self.mail} {self.mail}.gone"
        }
        fails["BACKUP_CONFIGURATION"] = f"{self.mail}.gone"
        self.refused(self.script("backup.sh", "nightly", check=False, **fails), "not backed up everywhere: stalwart")
        self.assertEqual(self.log.read_text(), "stop\nstart\n")
        self.assertEqual(self.snapshots("falkenstein", "stalwart"), [])
        self.assertEqual(len(self.snapshots("falkenstein", "configuration")), 1)
        self.assertEqual((self.restored("falkenstein", "configuration") / "dump").read_text(), "secret\n")

    def test_an_interrupted_backup_starts_what_it_stopped_and_the_next_one_is_whole(self):
        stopped, never = self.folder / "stopped", self.folder / "never"
        for pipe in (stopped, never):
            os.mkfifo(pipe)
        for kind, expected in ((signal.SIGTERM, "stop\nstart\n"), (signal.SIGKILL, "stop\n")):
            self.log.unlink(missing_ok=True)
            # Says that it has stopped, and waits for what nobody writes.
            waits = {"BACKUP_STALWART_STOP": f"echo stop >>{self.log}; echo >{stopped}; read <{never}"}
            file = self.folder / "interrupted.env"
            file.write_text("".join(f"{key}='{value}'\n" for key, value in {**self.settings, **waits}.items()))
            process = subprocess.Popen(
                [FOLDER / "backup.sh", "stalwart"],
                env=clean(BACKUP_SETTINGS=file),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stopped.read_text()
            # As the service manager does it: the whole group.
            os.killpg(process.pid, kind)
            # To the end of the output, which the last process of the group closes.
            process.communicate(timeout=PATIENCE)
            self.assertEqual(self.log.read_text(), expected)
        # What the unit does then, and what a boot does by itself.
        self.script("backup.sh", "--resume")
        self.assertEqual(self.log.read_text(), "stop\nstart\n")
        self.script("backup.sh", "stalwart")
        kept = Path(f"{self.restored('falkenstein', 'stalwart')}{self.mail}")
        self.assertEqual((kept / "store").read_text(), "everything")
        self.assertFalse(any((self.folder / "staging").iterdir()), "a copy in clear was left")

    def test_as_many_snapshots_are_kept_as_the_settings_say(self):
        staging = self.folder / "staging" / "stalwart"
        staging.mkdir(parents=True)
        hour, day = datetime.timedelta(hours=1), datetime.timedelta(days=1)
        # A day of its own, because restic counts by the calendar: on the first of a month, an hour ago is another month.
        last = datetime.datetime(2026, 6, 17, 12, 30)

        def back_up(part, ago):
            at = f"{last - ago:%Y-%m-%d %H:%M:%S}"
            self.restic("falkenstein", "backup", "--quiet", "--host", "dezky", "--tag", part, "--time", at, staging)

        for ago in (0 * hour, 1 * hour, 2 * hour, 3 * hour, 25 * hour, 49 * hour, 40 * day, 80 * day, 800 * day):
            back_up("stalwart", ago)
        # Another part has snapshots of its own to keep.
        back_up("ocis", 2400 * day)
        keep = {"LAST": 1, "HOURLY": 2, "DAILY": 3, "WEEKLY": 1, "MONTHLY": 3}
        self.script("maintain.sh", **{f"BACKUP_KEEP_{name}": number for name, number in keep.items()})
        self.assertEqual(len(self.snapshots("falkenstein", "ocis")), 1)
        times = [snapshot["time"][:19] for snapshot in self.snapshots("falkenstein", "stalwart")]
        kept = sorted(last - datetime.datetime.fromisoformat(time) for time in times)
        # The last two hours, the last of three days, and the last of three months.
        self.assertEqual(kept, [0 * hour, 1 * hour, 25 * hour, 49 * hour, 40 * day, 80 * day])

    def test_a_password_that_others_can_read_is_refused(self):
        (self.folder / "falkenstein.password").chmod(0o644)
        self.refused(self.script("backup.sh", "stalwart", check=False), "can be read by others")

    def test_what_is_no_whole_archive_of_mongodump_is_refused(self):
        store = {"BACKUP_DEZKY_STORE": "mongodb"}
        whole = "printf '\\x6d\\xe2\\x99\\x81 anything \\xff\\xff\\xff\\xff'"
        for dump, message in (
            (f"{whole} | head -c 12", "no whole archive"),
            ("echo failed", "no whole archive"),
            (f"{whole}; exit 3", "dezky"),
        ):
            with self.subTest(dump):
                self.refused(self.script("backup.sh", "dezky", check=False, **store, BACKUP_DEZKY_DUMP=dump), message)
        self.assertEqual(self.snapshots("falkenstein", "dezky"), [])
        self.script("backup.sh", "dezky", **store, BACKUP_DEZKY_DUMP=whole)
        self.assertEqual(
            json.loads((self.restored("falkenstein", "dezky") / "manifest.json").read_text())["file"], "dezky.mongodump"
        )
