"""The files of deploy/ name only what exists: commands, settings, secrets; and systemd, Caddy and sh accept them.

No container is started here. `.ci/run` runs deploy/install.sh, the build stage of the image, in a clean folder.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "ELIB_IMAGE" in service["image"]}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ALERTS_TEST = Path(__file__).with_name("alerts_test.yml")
OTHERS_SETTINGS = {"FORWARDED_ALLOW_IPS"}  # uvicorn's


def unit_commands() -> dict[str, list[str]]:
    """The words after `elib` of each unit."""
    lines = {path.name: re.search(r"^ExecStart=(.*)$", path.read_text(), re.M) for path in UNITS}
    return {
        name: line[1].partition("/opt/elib/bin/elib ")[2].split("'")[0].split() for name, line in lines.items() if line
    }


COMMANDS = {f"compose {name}": service["command"] for name, service in OURS.items()} | {
    f"unit {name}": words for name, words in unit_commands().items()
}


def settings() -> set[str]:
    """Every variable that compose, its example and the units set for our programs."""
    compose, example = ((DEPLOY / name).read_text() for name in ("compose.yaml", "env.example"))
    given = {name for name in re.findall(r"^([A-Z_]+)=", example, re.M) if f"${{{name}" not in compose}
    names = given | {name for service in OURS.values() for name in service["environment"]}
    example = (DEPLOY / "systemd" / "elib.env.example").read_text()
    return names | set(re.findall(r"^([A-Z_]+)=", example, re.M))


def test_the_parts_that_a_cluster_needs_are_there() -> None:
    expected = "postgres redis setup scheduler api-server dag-processor worker-1 worker-2 web proxy backup"
    assert set(SERVICES) == set(expected.split())
    hosts = [service["hostname"] for name, service in OURS.items() if name.startswith("worker")]
    assert len(set(hosts)) == 2, "each worker has a name of its own"
    targets = re.findall(r"^WantedBy=(.*)$", "".join(path.read_text() for path in UNITS), re.M)
    assert set(targets) == {"elib.target"}


AIRFLOW_COMMANDS = {place: words for place, words in COMMANDS.items() if words[:1] == ["airflow"]}
PARSE_AS_AIRFLOW = """
import contextlib, io, json, sys
from airflow.cli.cli_parser import get_parser
refused = {}
for place, words in json.loads(sys.argv[1]).items():
    try:
        with contextlib.redirect_stderr(io.StringIO()) as error:
            get_parser().parse_args(words)
    except SystemExit:
        refused[place] = error.getvalue()
print(json.dumps(refused))
"""


def arguments_of(words: list[str]) -> list[str]:
    """Return what Airflow's command is given, with a date in the place of what the shell makes."""
    known = [word for word in words if word not in ('--date="90', "days", 'ago"', '+%%F)"')]
    return ["2026-01-01" if "$" in word else word for word in known]


def test_every_command_of_airflow_exists_with_its_options() -> None:
    assert len(AIRFLOW_COMMANDS) > 5
    arguments = json.dumps({place: arguments_of(words[2:]) for place, words in AIRFLOW_COMMANDS.items()})
    command = [sys.executable, "-c", PARSE_AS_AIRFLOW, arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == {}


@pytest.mark.parametrize("place", sorted(COMMANDS.keys() - AIRFLOW_COMMANDS.keys()))
def test_every_command_exists_with_its_options(place: str) -> None:
    words = COMMANDS[place]
    assert words, place
    command = [sys.executable, "-m", "commands.cli", *words, "--help"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    options = [word for word in words[1:] if word.startswith("--")]
    assert all(option in ended.stdout for option in options), ended.stdout
    assert ended.returncode == 0, ended.stderr


def test_every_setting_is_one_that_something_reads() -> None:
    from airflow.configuration import conf

    rooms = ("schemas", "harvesters", "transforms", "loaders", "pipeline", "dags", "commands", "web")
    source = "".join(path.read_text(encoding="utf-8") for room in rooms for path in (ROOT / room).rglob("*.py"))
    airflow = conf.configuration_description
    known_elsewhere = {("celery", "broker_url"), ("celery", "result_backend")}
    for name in {name.removesuffix("_FILE") for name in settings() - OTHERS_SETTINGS}:
        if match := re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+)", name):
            section, key = match[1].lower(), match[2].lower()
            assert key in airflow.get(section, {}).get("options", {}) or (section, key) in known_elsewhere, name
        else:
            assert re.search(rf"\b{name}\b", source), f"{name} is read nowhere"


def test_every_secret_is_a_file_that_is_made_and_given(tmp_path: Path) -> None:
    subprocess.run(["sh", DEPLOY / "make-secrets.sh", tmp_path / "secrets"], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(["sh", DEPLOY / "make-secrets.sh", tmp_path / "secrets"], check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made, "made once"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {Path(each["file"]).name for each in COMPOSE["secrets"].values()} <= made.keys()
    assert made["catalog_password"].strip() in made["catalog_url"]
    from cryptography.fernet import Fernet

    assert Fernet(made["fernet_key"].strip()) and len(made["web_secret"].strip()) >= 32
    for name, service in SERVICES.items():
        needed = (
            {
                value.removeprefix("/run/secrets/")
                for variable, value in service["environment"].items()
                if variable.endswith("_FILE")
            }
            if "environment" in service
            else set()
        )
        assert needed <= set(service.get("secrets", [])) <= COMPOSE["secrets"].keys(), name


def test_no_secret_stands_in_a_file_of_the_deployment() -> None:
    texts = {path: path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts}
    for path, text in texts.items():
        assert not re.search(r"(?m)^\s*[A-Z_]*(PASSWORD|SECRET|FERNET_KEY)\s*[:=]\s*\S", text), path


def test_only_the_proxy_is_reached_from_outside_and_ours_run_without_rights() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert all(service["env_file"] == [".env"] for service in OURS.values())
    for name, service in OURS.items():
        assert service["user"] == "10001" and service["cap_drop"] == ["ALL"] and service["read_only"], name
    address = SERVICES["proxy"]["networks"]["default"]["ipv4_address"]
    assert SERVICES["web"]["environment"]["ELIB_WEB_BEHIND"] == address
    assert SERVICES["api-server"]["environment"]["FORWARDED_ALLOW_IPS"] == address
    containerfile = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"^USER (.*)$", containerfile, re.M) == ["10001"]
    assert "RUN sh deploy/install.sh python3 /opt/elib" in containerfile
    for path in UNITS:
        text = path.read_text()
        assert "User=elib" in text and "NoNewPrivileges=yes" in text and "ProtectSystem=strict" in text, path.name


def test_the_proxys_address_is_given_to_nothing_else() -> None:
    """Docker gives addresses in the order in which containers start, and the proxy starts last."""
    (pool,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    proxy = ip_address(SERVICES["proxy"]["networks"]["default"]["ipv4_address"])
    assert proxy in ip_network(pool["subnet"]) and str(proxy) != pool["gateway"]
    assert proxy not in ip_network(pool["ip_range"])
    assert ip_network(pool["ip_range"]).num_addresses > 2 * len(SERVICES)


def test_postgres_is_awaited_where_the_others_reach_it() -> None:
    """While its image makes the databases, it answers on its socket already, and not yet by TCP."""
    assert "-h" in SERVICES["postgres"]["healthcheck"]["test"]
    (setup,) = (service["command"] for name, service in OURS.items() if name == "setup")
    assert setup[0] == "upgrade" and int(setup[setup.index("--wait") + 1]) >= 60
    assert re.search(
        r"^ExecStart=.* upgrade --wait \d+$", (DEPLOY / "systemd" / "elib-setup.service").read_text(), re.M
    )


def test_a_backup_before_an_upgrade_upgrades_nothing() -> None:
    """`docker compose run` first starts what a service depends on, and `setup` upgrades."""
    assert [name for name in ("backup", "setup") if "setup" in SERVICES[name]["depends_on"]] == []


@pytest.mark.parametrize("unit", ["elib-scheduler.service", "elib-worker.service"])
def test_tasks_that_run_are_not_ended_with_the_service_that_runs_them(unit: str) -> None:
    """By default systemd sends SIGTERM to every process of a service, tasks too."""
    text = (DEPLOY / "systemd" / unit).read_text()
    assert re.search(r"^KillMode=mixed$", text, re.M) and re.search(r"^TimeoutStopSec=300$", text, re.M)
    assert re.search(r"^After=.*\belib-api-server.service\b", text, re.M), "what comes after is ended before"


def test_workers_end_before_what_their_tasks_report_to() -> None:
    for name in ("worker-1", "worker-2"):
        assert {"setup", "api-server"} <= SERVICES[name]["depends_on"].keys()


def test_logs_do_not_grow_without_end() -> None:
    for name, service in SERVICES.items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-cluster.txt", "deploy/requirements-build.txt"])
def test_every_package_of_a_lock_has_a_version_and_hashes(lock: str) -> None:
    packages = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert packages
    assert all("==" in package and "--hash=sha256:" in package for package in packages)


def test_the_build_context_has_what_the_image_is_made_of_and_no_secret() -> None:
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    rooms = re.search(r"^packages = \[(.*)\]$", project.partition("[tool.hatch.build.targets.wheel]")[2], re.M)
    assert rooms and {name.strip(' "') for name in rooms[1].split(",")} <= kept
    assert {"airflow.cfg", "README.md", "LICENSE", "pyproject.toml", "requirements-cluster.txt", "deploy"} <= kept


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here; Debian's package systemd has it")
    program = tmp_path / "elib"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    files = []
    for path in (DEPLOY / "systemd").iterdir():
        if path.suffix in (".service", ".timer", ".target"):
            files.append(tmp_path / path.name)
            files[-1].write_text(path.read_text().replace("/opt/elib/bin/elib", str(program)))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and "elib" not in ended.stderr, ended.stderr
    for timer in (DEPLOY / "systemd").glob("*.timer"):
        when = re.search(r"^OnCalendar=(.*)$", timer.read_text(), re.M)
        assert (
            when
            and subprocess.run(["systemd-analyze", "calendar", when[1]], check=False, capture_output=True).returncode
            == 0
        )


def test_caddy_accepts_the_proxys_file() -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("caddy is not here; Debian's package caddy has it")
    variables = {
        "ELIB_WEB_HOST": "library.example.org",
        "ELIB_AIRFLOW_HOST": "airflow.example.org",
        "HOME": "/nonexistent",
    }
    command = [caddy, "adapt", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "library.example.org" in ended.stdout and "/execution/*" in ended.stdout


def test_nights_make_the_alerts_that_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; Debian's package prometheus has it")
    for words in (["check", "rules", str(DEPLOY / "monitoring" / "alerts.yml")], ["test", "rules", str(ALERTS_TEST)]):
        ended = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert ended.returncode == 0 and "duplicate" not in ended.stderr, ended.stdout + ended.stderr


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_plain_sh(script: Path) -> None:
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
