"""What must hold of the Dockerfile, its scripts and compose.yaml, read without an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from rag.settings import PREFIX, Settings
from tests.image.dockerfile import Instruction, read_dockerfile

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "docker").glob("*"))
SHELL = [*(ROOT / "docker").glob("*.sh"), ROOT / "tests/image/room.sh"]
DOCKERFILE = read_dockerfile(ROOT / "Dockerfile")
TARGETS = ["cpu", "cuda"]
INSTRUCTIONS = [each for stage in DOCKERFILE.stages.values() for each in stage.instructions]
OF_THE_ENTRYPOINT = {"FOOTNOTE_API_KEY_FILE"}  # not of the settings


def words(name: str) -> list[Instruction]:
    return [each for each in INSTRUCTIONS if each.word == name]


def test_the_cpu_image_is_the_default() -> None:
    assert list(DOCKERFILE.stages)[-1] == "cpu"


def test_the_base_image_is_pinned_to_a_release() -> None:
    bases = {stage.base for stage in DOCKERFILE.stages.values()} - set(DOCKERFILE.stages)

    assert bases == {"${DEBIAN}"}
    assert re.fullmatch(r"debian:\d+\.\d+-slim", DOCKERFILE.arguments["DEBIAN"] or "")


def test_every_file_it_copies_is_there_and_reaches_the_builder() -> None:
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    for copy in words("COPY"):
        *sources, _ = copy.rest.split()
        stage = copy.flag("from")
        assert stage is None or stage in DOCKERFILE.stages
        for source in sources if stage is None else []:
            assert (ROOT / source).exists(), source
            assert {source, source.split("/")[0]} & let_through, f".dockerignore keeps {source} back"


def test_every_step_is_a_script_of_its_own_that_can_be_run() -> None:
    for run in words("RUN"):
        script = Path(run.rest.split()[0])
        assert script.parent.name == "docker", f"a step outside docker/ is not tested: {run.rest}"
        assert ROOT / "docker" / script.name in SCRIPTS
    for script in SCRIPTS:
        assert script.stat().st_mode & 0o111, f"chmod +x {script}"


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_nobody_special_and_says_how_it_is(target: str) -> None:
    user = DOCKERFILE.of(target, "USER")[-1].rest
    uid, gid = (int(number) for number in user.split(":"))
    health, entrypoint = (DOCKERFILE.of(target, word)[-1].words() for word in ("HEALTHCHECK", "ENTRYPOINT"))

    assert uid >= 10000
    assert gid >= 10000
    assert f"useradd --uid {uid} --gid {gid}" in (ROOT / "docker/install-system.sh").read_text()
    assert Path(health[0]).name in {script.name for script in SCRIPTS}
    assert entrypoint[0].endswith("tini")
    assert [volume.rest for volume in DOCKERFILE.of(target, "VOLUME")] == ["/data"]


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_compiles_or_installs_is_in_an_image(target: str) -> None:
    steps = [Path(run.rest.split()[0]).name for run in DOCKERFILE.of(target, "RUN")]

    assert steps == ["install-system.sh"]
    for script in SHELL:
        assert not re.search(r"build-essential|\bg(cc|\+\+)\b|clang|python3-dev", script.read_text()), script


def test_no_address_is_written_into_it() -> None:
    for file in (ROOT / "Dockerfile", ROOT / "compose.yaml", *SCRIPTS):
        assert not re.search(r"https?://", file.read_text()), file


def test_the_extras_are_ones_of_footnote() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for argument in words("ARG"):
        for extra in (argument.pairs().get("EXTRAS") or "cpu").split(","):
            assert extra in known


def test_every_argument_and_secret_is_explained() -> None:
    explained = (ROOT / "docs/container.md").read_text()
    for name in {*DOCKERFILE.arguments, *(name for each in words("ARG") for name in each.pairs())}:
        assert f"`{name}`" in explained, name
    for name in {name for each in words("RUN") for name in each.secrets()}:
        assert f"id={name}," in explained, name


@pytest.mark.parametrize("service", ["footnote", "footnote-gpu"])
def test_compose_gives_a_container_nothing_it_does_not_need(service: str) -> None:
    row = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][service]
    target = row["build"]["target"]
    volumes = dict(volume.rsplit(":", 1) for volume in row["volumes"] if volume.endswith(":ro"))

    assert row["read_only"] is True
    assert row["cap_drop"] == ["ALL"]
    assert row["security_opt"] == ["no-new-privileges:true"]
    assert [place.split(":")[0] for place in row["tmpfs"]] == ["/tmp"]
    assert "data:/data" in row["volumes"]
    assert len(volumes) == 1, "documents are shown read-only"
    assert all(port.startswith("127.0.0.1:") for port in row["ports"])
    assert row["healthcheck"]["test"] == ["CMD", *DOCKERFILE.of(target, "HEALTHCHECK")[-1].words()]
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OF_THE_ENTRYPOINT
    assert set(row["environment"]) <= known
    arguments = {
        name
        for each in DOCKERFILE.stages.values()
        for each in each.instructions
        if each.word == "ARG"
        for name in each.pairs()
    }
    assert set(row["build"].get("args", {})) <= arguments


def test_only_the_gpu_service_asks_for_a_gpu() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    (device,) = services["footnote-gpu"]["deploy"]["resources"]["reservations"]["devices"]

    assert device["capabilities"] == ["gpu"]
    assert services["footnote-gpu"]["profiles"] == ["gpu"]
    assert "deploy" not in services["footnote"]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_scripts_are_plain_shell() -> None:
    checked = subprocess.run(["shellcheck", "--shell=sh", *SHELL], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout
