"""An image, built by the Dockerfile's own scripts over a plain Debian, and run: ``make test-image``.

It takes minutes, gigabytes and root, so it is no part of ``make test``. The tests follow one container from
its first start to its second, and show what docs/container.md reports. ``IMAGE=cuda`` takes the other image,
which runs on the CPU where there is no GPU.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.building import Builder, Image
from tests.image.container import Container
from tests.image.dockerfile import read_dockerfile
from tests.image.machine import registries
from tests.patience import wait_for

pytestmark = [pytest.mark.image, pytest.mark.slow, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
TARGET = os.environ.get("IMAGE", "cpu")
COMPILERS = "cc gcc g++ c++ clang tcc cpp ld as make rustc go pip".split()
QUESTION = "How many days of annual leave do full-time staff have in Leeds?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    assert os.geteuid() == 0, "chroot and mount need root: sudo make test-image"
    assert shutil.which("debootstrap"), "apt-get install debootstrap"
    folder = tmp_path_factory.mktemp("image")
    yield folder
    shutil.rmtree(folder)  # gigabytes, which pytest would keep for three runs


@pytest.fixture(scope="module")
def image(folder: Path) -> Image:
    dockerfile = read_dockerfile(ROOT / "Dockerfile")
    builder = Builder(dockerfile, context=ROOT, folder=folder, registries=registries(folder))
    return builder.build(TARGET)


@pytest.fixture(scope="module")
def volumes(folder: Path, image: Image) -> dict[str, Path]:
    """An empty volume that belongs to the image's user, as an engine makes one, and the documents."""
    data = folder / "volume"
    data.mkdir(mode=0o700)
    user, group = image.user.split(":")
    os.chown(data, int(user), int(group))
    samples = ROOT / "samples"
    return {"/data": data, "/documents": samples / "handbook", "/formats": samples / "formats"}


@pytest.fixture(scope="module")
def untouched(image: Image) -> dict[str, tuple[int, int, int]]:
    """The image's files before any container ran."""
    return contents(image.root)


@pytest.fixture(scope="module")
def container(
    image: Image, volumes: dict[str, Path], folder: Path, untouched: dict[str, tuple[int, int, int]]
) -> Iterator[Container]:
    with Container(image, volumes=volumes, log=folder / "log") as container:
        yield container


def test_nothing_to_compile_with_is_left(image: Image) -> None:
    found = [name for name in COMPILERS for place in image.root.glob(f"**/bin/{name}") if place.exists()]

    assert not found
    show("sizes in MB:", {part: size_mb(image.root / part) for part in (".", "opt/footnote/venv", "usr")})
    show("base:", (image.root / "etc/debian_version").read_text().strip())


def test_it_answers_as_an_unprivileged_user_on_a_read_only_root(
    container: Container, image: Image, volumes: dict[str, Path], untouched: dict[str, tuple[int, int, int]]
) -> None:
    wait_for(lambda: container.healthy, seconds=1000)

    ingested = container.execute("footnote", "ingest", "/documents", "--json")
    assert ingested.returncode == 0, ingested.stderr
    assert json.loads(ingested.stdout)["failed"] == 0
    key = (volumes["/data"] / "api-key").read_text().strip()
    answer = container.ask("/v1/ask", key=key, body={"question": QUESTION})

    assert answer["status"] == "answered"
    assert "27 days" in answer["sentences"][0]["text"]
    cited = answer["citations"][answer["sentences"][0]["citations"][0] - 1]
    assert cited["source_uri"].endswith("en/leave/annual-leave.md")
    show(answer["text"], "<-", cited["source_uri"], cited["quote"])

    changed = dict(contents(image.root).items() ^ untouched.items())
    assert set(changed) <= {str(image.root) + place for place in volumes}, "more than places to mount at"
    show(f"root unchanged: {len(untouched)} files; /data holds {size_mb(volumes['/data'])} MB")


def test_it_reads_every_kind_of_file_pictures_too(container: Container) -> None:
    ingested = container.execute("footnote", "ingest", "/formats", "--collection", "formats", "--json")

    report = json.loads(ingested.stdout)
    assert report["failures"] == []
    assert report["added"] > 20


def test_it_has_no_rights(container: Container) -> None:
    status = dict(
        line.split(":\t", 1) for line in container.execute("cat", "/proc/1/status").stdout.splitlines()
    )

    assert status["Uid"].split() == ["10001"] * 4
    assert status["NoNewPrivs"] == "1"
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    for place in ("/opt/footnote/x", "/usr/local/bin/x", "/etc/x", "/documents/x"):
        written = container.execute("touch", place)
        assert "Read-only file system" in written.stderr or "Permission denied" in written.stderr, place


def test_it_is_in_order(container: Container) -> None:
    doctor = container.execute("footnote", "doctor")

    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    show(doctor.stdout)


def test_sigterm_ends_it_well_and_its_data_serve_again(
    container: Container, image: Image, volumes: dict[str, Path], folder: Path
) -> None:
    assert container.stop() == 0, container.said
    assert "Traceback" not in container.said
    assert not (volumes["/data"] / "catalog.sqlite3-wal").exists(), "the catalog was not closed"

    key = (volumes["/data"] / "api-key").read_text().strip()
    with Container(image, volumes=volumes, log=folder / "log") as again:
        wait_for(lambda: again.healthy, seconds=1000)
        assert "27 days" in again.ask("/v1/ask", key=key, body={"question": QUESTION})["text"]
        assert again.stop() == 0
    show(again.said)


def show(*words: object) -> None:
    """A line for whoever ran ``make test-image``."""
    sys.stdout.write("\n" + " ".join(str(word) for word in words) + "\n")


def contents(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder below ``root`` with its mode, its size and when it was changed."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            status = path.lstat()
            found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def size_mb(folder: Path) -> int:
    """What a folder takes on the disk."""
    said = subprocess.run(["du", "-sxm", folder], check=True, capture_output=True, text=True).stdout
    return int(said.split()[0])
