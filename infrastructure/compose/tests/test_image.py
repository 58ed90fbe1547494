"""Builds the image of the API's host with the component, as Compose would, out of images from scratch."""

import os
import shlex
import subprocess
from pathlib import Path

from rendered import SERVICES, environment_of

# Builds for two images in the place of the real ones, and the one that is tested; tells what is in it. No program runs in any.
SCRIPT = """
set -eu
folder=$1
store() { buildah --root "$folder/store" --runroot "$folder/run" --storage-driver vfs "$@"; }
for name in dezky component; do
    container=$(store from scratch)
    store copy --quiet --chown 0:0 "$container" "$folder/$name" / > /dev/null
    store config --user 65532:65532 --entrypoint '["/dezky"]' --cmd serve "$container"
    store commit --quiet "$container" "localhost/dezky/$name:latest" > /dev/null
    store rm "$container" > /dev/null
done
store bud --quiet --isolation chroot --pull-never --file "$folder/Dockerfile" --tag tested "$folder/context" > /dev/null
container=$(store from --pull-never tested)
mounted=$(store mount "$container")
stat --format '%u %a %s' "$mounted$2" "$(dirname "$mounted$2")"
store inspect --format '{{.OCIv1.Config.User}} {{index .OCIv1.Config.Entrypoint 0}} {{index .OCIv1.Config.Cmd 0}}' "$container"
store umount "$container" > /dev/null
"""


def test_the_component_is_roots_and_the_rest_is_the_hosts_image(tmp_path: Path) -> None:
    for folder in ("dezky", "component", "context"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dezky/dezky").write_text("a program", encoding="utf-8")
    (tmp_path / "component/dezky_wasm.wasm").write_text("a component", encoding="utf-8")
    (tmp_path / "component/dezky_wasm.wasm").chmod(0o444)
    (tmp_path / "Dockerfile").write_text(SERVICES["dezky"]["build"]["dockerfile_inline"], encoding="utf-8")
    path = environment_of("dezky")["DEZKY_COMPONENT"]
    # Without root's rights in a user namespace of its own.
    become = [] if os.geteuid() == 0 else ["buildah", "unshare"]
    run = subprocess.run(
        [*become, "sh", "-c", SCRIPT, "sh", tmp_path, path], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"{shlex.join(map(str, run.args[:2]))}: {run.stderr}"
    component, folder, configuration = run.stdout.strip().splitlines()
    # Dezky refuses a component that anybody but its owner may replace.
    assert component.split() == ["0", "444", str(len("a component"))]
    assert folder.split()[:2] == ["0", "755"]
    assert configuration == f"{SERVICES['dezky']['user']} /dezky serve"
