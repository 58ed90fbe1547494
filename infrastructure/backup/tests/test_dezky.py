"""Dezky's own data: backed up while it is written, restored, and proven by the release itself."""

import hashlib
import json
import shutil
import sqlite3
import time
from pathlib import Path

from programs import await_change, clean
from release import Release
from world import NAMES, Platform, World, Writers


class SqliteInUse(World):
    def setUp(self):
        super().setUp()
        self.platform = Platform(self.folder)
        self.addCleanup(self.platform.end)
        self.settings["BACKUP_DEZKY_STORE"] = f"sqlite:{self.platform.store}"

    def test_a_backup_while_it_is_written_is_whole_and_of_one_moment(self):
        writers = Writers(self.platform, 3)
        self.addCleanup(writers.stop)
        writers.await_number(300)
        before = writers.acknowledged()
        begun = time.monotonic()
        self.script("backup.sh", "dezky")
        took = time.monotonic() - begun
        after = writers.acknowledged()
        writers.stop()
        self.assertFalse(writers.failures)
        self.assertGreater(sum(map(len, after)), sum(map(len, before)), "nothing was written during the backup")
        said = self.script("restore-drill.sh").stdout
        self.assertEqual(said.count("recovery point"), len(NAMES), said)
        for name in NAMES:
            store = sqlite3.connect(self.restored(name, "dezky") / "dezky.sqlite")
            rows = store.execute("SELECT json_extract(body, '$.slug') FROM tenants").fetchall()
            store.close()
            slugs = sorted(slug for (slug,) in rows if slug.startswith("w"))
            for index, acknowledged in enumerate(before):
                # Everything that was acknowledged before, and of what came later a beginning without holes.
                mine = [slug for slug in slugs if slug.startswith(f"w{index}-")]
                self.assertEqual(mine[: len(acknowledged)], acknowledged)
                self.assertEqual(mine, [f"w{index}-{number:05}" for number in range(len(mine))])
        written = sum(map(len, after)) - sum(map(len, before))
        print(f"\n{said}backup of {sum(map(len, before))} tenants took {took:.1f} s, {written} were created meanwhile")

    def test_a_repository_that_is_away_keeps_the_other_from_nothing_and_is_told(self):
        self.platform.create_tenant("acme")
        self.script("backup.sh", "dezky")
        # As if that had been long ago.
        for fact in (self.folder / "state").glob("dezky_backup_last_success*"):
            fact.write_text(fact.read_text().rsplit(" ", 1)[0] + " 1000\n")
        shutil.move(self.folder / "helsinki", self.folder / "away")
        done = self.script("backup.sh", "dezky", check=False)
        self.refused(done, "dezky was not stored in helsinki")
        told = self.facts()
        fact = 'dezky_backup_last_success_timestamp_seconds{{part="dezky",repository="{}"}}'.format
        self.assertGreater(told[fact("falkenstein")], 1000)
        self.assertEqual(told[fact("helsinki")], 1000)
        self.assertEqual(len(self.snapshots("falkenstein", "dezky")), 2)
        # A backup that is good but old is as bad as none.
        done = self.script("restore-drill.sh", check=False, BACKUP_DRILL_MAXIMUM_AGE=0)
        self.refused(done, "the last backup in falkenstein is ")
        self.assertIn("helsinki did not pass", done.stderr)

    def test_a_drill_finds_what_is_not_as_it_was(self):
        self.remove_repository("helsinki")
        for number in range(3):
            self.platform.create_tenant(f"acme-{number}")
        self.await_seals()
        self.script("backup.sh", "dezky", BACKUP_DEZKY_HEADS=self.ends_of_chains())
        self.assertRegex(self.script("restore-drill.sh").stdout, r" [1-9]\d* ends compared")
        good = self.restored("falkenstein", "dezky")
        lost = "DELETE FROM tenants_by_word"
        altered = "UPDATE audit_events SET body = json_set(body, '$.action', 'tenant.read') WHERE field_seq = 2"
        # The last event of the platform, with the end of its chain moved back: only an end that was kept elsewhere tells.
        of_platform = "field_chain = 'ffffffffffffffffffffffff' AND field_seq"
        cut = f"""
            UPDATE audit_chains SET body = json_set(body, '$.seq', json_extract(body, '$.seq') - 1, '$.hash', (
                SELECT json_extract(event.body, '$.hash') FROM audit_events AS event
                WHERE event.{of_platform} = json_extract(audit_chains.body, '$.seq') - 1
            )) WHERE id = 'ffffffffffffffffffffffff';
            DELETE FROM audit_events WHERE {of_platform} = (
                SELECT max(field_seq) FROM audit_events WHERE {of_platform} > 0
            );
        """
        changes = (
            (lost, (), "is not what was backed up"),
            (lost, ("sha256",), "other rows than were backed up"),
            (altered, ("sha256",), '"changed"'),
            (cut, ("sha256", "rows"), '"copy_differs"'),
        )
        for statements, forged, message in changes:
            with self.subTest(message):
                self.store_changed(good, statements, forged)
                self.refused(self.script("restore-drill.sh", check=False), message)
        # A repository in which bytes have changed.
        for pack in (self.folder / "falkenstein" / "data").glob("*/*"):
            pack.chmod(0o600)
            content = bytearray(pack.read_bytes())
            content[len(content) // 2] ^= 1
            pack.write_bytes(content)
        self.refused(self.script("maintain.sh", check=False, BACKUP_READ_BACK="100%"), "falkenstein is damaged")

    def await_seals(self):
        """Waits until every event is sealed: a changed one is found by its seal."""
        store = sqlite3.connect(f"file:{self.platform.store}?mode=ro", uri=True)
        self.addCleanup(store.close)
        waiting = "SELECT count(*) FROM audit_events WHERE field_unsealed"
        await_change(self.platform.store.parent, lambda: store.execute(waiting).fetchone() == (0,))

    def ends_of_chains(self) -> Path:
        """Lets a worker write the ends of the trail's chains to a file, as one with that setting does once an hour."""
        file = self.folder / "heads.jsonl"
        settings = clean(DEZKY_STORE=f"sqlite:{self.platform.store}", DEZKY_AUDIT_HEADS_FILE=file)
        worker = Release("worker", "--operations-listen", "127.0.0.1:0", folder=self.folder, environment=settings)
        try:
            await_change(self.folder, lambda: file.exists() and file.read_text().endswith("\n"))
        finally:
            worker.end()
        return file

    def store_changed(self, good: Path, statements: str, forged: tuple[str, ...]) -> None:
        """Stores a copy of a backup in which something was changed, with what is forged in its manifest."""
        staging = self.folder / "staging" / "dezky"
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(good, staging)
        with sqlite3.connect(staging / "dezky.sqlite") as store:
            store.executescript(statements)
            manifest = json.loads((staging / "manifest.json").read_text())
            counted = {
                table: store.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in manifest["rows"]
            }
        store.close()
        truth = {"sha256": hashlib.sha256((staging / "dezky.sqlite").read_bytes()).hexdigest(), "rows": counted}
        manifest |= {name: truth[name] for name in forged}
        (staging / "manifest.json").write_text(json.dumps(manifest))
        self.restic("falkenstein", "backup", "--quiet", "--host", "dezky", "--tag", "dezky", staging)
        shutil.rmtree(staging)
