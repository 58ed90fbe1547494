"""Agreement of scripts, settings and units."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import units

FOLDER = Path(__file__).parent.parent
SCRIPTS = sorted(FOLDER.glob("*.sh"))
UNITS = FOLDER / "systemd"
# One that needs root but cannot do much beyond its own folders; 10 is worst.
EXPOSURE = 3.0


class Files(unittest.TestCase):
    def test_every_setting_is_explained_and_every_explained_one_is_read(self):
        # The variable that names the settings is none of them.
        read = {name for script in SCRIPTS for name in re.findall(r"BACKUP_[A-Z_]+", script.read_text())} - {
            "BACKUP_SETTINGS"
        }
        explained = set(re.findall(r"^#?(BACKUP_[A-Z_]+)=", (FOLDER / "backup.env.example").read_text(), re.MULTILINE))
        self.assertEqual(read, explained)

    def test_settings_of_the_example_are_read_by_bash(self):
        text = (FOLDER / "backup.env.example").read_text()
        # The optional ones too.
        with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
            file.write(re.sub(r"^#(?=BACKUP_)", "", text, flags=re.MULTILINE))
            file.flush()
            names = re.findall(r"^#?(BACKUP_[A-Z_]+)=", text, re.MULTILINE)
            script = f"set -euo pipefail; source {file.name}; " + " ".join(
                f'bash -n -c "${name}";'
                for name in set(names)
                if re.search("DUMP|VERIFY|STOP|START|DRILL_(POST|MONGO)", name)
            )
            subprocess.run(["bash", "-c", script], check=True)

    def test_units_are_valid_and_confined_and_each_has_its_timer(self):
        units.verify(sorted(UNITS.iterdir()), [f"/usr/lib/dezky-backup/{script.name}" for script in SCRIPTS])
        units.hold_to(EXPOSURE, *UNITS.glob("*.service"))
        started = set()
        for timer in UNITS.glob("*.timer"):
            unit = re.search(r"^Unit=(.+)$", timer.read_text(), re.MULTILINE)
            started.add(re.sub(r"@.+\.", "@.", unit[1] if unit else timer.with_suffix(".service").name))
        self.assertEqual(started, {service.name for service in UNITS.glob("*.service")})

    def test_no_secret_stands_in_a_file(self):
        for file in FOLDER.glob("*.example"):
            for line in file.read_text().splitlines():
                if re.match(r"#?[A-Z_]*(PASSWORD|SECRET|TOKEN)[A-Z_]*=", line):
                    self.assertRegex(line, "_FILE=")


if __name__ == "__main__":
    unittest.main()
